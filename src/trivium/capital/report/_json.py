"""The report as one JSON document: the same figures as on the page, amounts in USD, claims by id."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from trivium.capital.cover import Degree
from trivium.capital.deals import contradiction_document, firmness_document
from trivium.capital.flow import flow_document
from trivium.capital.report._charts import drawn_deals, due_by_year, line_of, year_ends
from trivium.capital.report._cover import scenario_words as told
from trivium.capital.report._gather import QUANTILES, QUARTERS_A_YEAR
from trivium.capital.report._values import IS_NOT, Report
from trivium.capital.stress import scenario_words


def report_json(report: Report) -> dict[str, Any]:
    """Everything that the page shows, for a program to read."""
    return {
        "party": report.asked.party,
        "as_of": report.snapshot.as_of,
        "evidence": {"newest": report.newest, "age_days": report.age_days, "stale": report.stale},
        "not_a_finding": IS_NOT,
        "flows": [
            {
                "claim": deal.id,
                "from": deal.giver,
                "to": deal.getter,
                "usd": str(deal.amount.point),
                "stage": deal.stage.value,
                "line": line_of(deal.stage).name.lower(),
            }
            for deal in drawn_deals(report.ledger)
        ],
        "circular": flow_document(report.flow),
        "cover": _cover(report),
        "due": {
            "years": year_ends(report),
            **{degree.value: [float(usd) for usd in due_by_year(report, degree)] for degree in Degree},
        },
        "scenario": None if report.asked.scenario is None else _scenario(report),
        "capacity": None
        if report.capacity is None
        else {"cost_usd_per_gw": asdict(report.capacity.cost), "buys": [asdict(one) for one in report.capacity.buys]},
        "stress": None if report.network is None else _stress(report),
        "contradictions": [contradiction_document(one) for one in report.ledger.contradictions],
        "checkpoints": [asdict(one) for one in report.checkpoints],
        "dependence": [asdict(one) for one in report.dependence],
    }


def _cover(report: Report) -> dict[str, Any]:
    rate = report.run_rate_usd
    return {
        "run_rate_usd": None if rate is None else float(rate),
        "run_rate_claim": None if report.rate_claim is None else report.rate_claim.id,
        **firmness_document(report.firmness),
        "static_years": None
        if rate is None
        else {degree.value: float(usd / rate) for degree, usd in report.committed_usd.items()},
        "history": [
            {
                "on": one.on,
                "run_rate_usd": float(one.run_rate_usd),
                "claim": one.claim.id,
                "static_years": {degree.value: one.years(degree) for degree in Degree},
            }
            for one in report.history
        ],
        "sweeps": [asdict(one) for one in report.sweeps],
    }


def _scenario(report: Report) -> dict[str, Any]:
    scenario = report.asked.scenario
    if scenario is None:
        return {}
    quarters = range(1, report.asked.quarters + 1)
    return {
        "yours": told(scenario),
        "growth_factor": math.exp(scenario.growth.growth),
        "cone_usd": {
            str(share): [scenario.growth.quantile_usd(at / QUARTERS_A_YEAR, share) for at in quarters]
            for share in QUANTILES
        },
        "free_for_dues_usd": {str(share): list(years) for share, years in report.income_usd.items()},
        "shortfall": {
            degree.value: {
                "probability": one.shortfall.probability,
                "break_even_growth": one.break_even,
                "detail": asdict(one.shortfall),
            }
            for degree, one in report.short.items()
        },
        "sweeps": [asdict(one) for one in report.scenario_sweeps],
    }


def _stress(report: Report) -> dict[str, Any]:
    made = report.network
    if made is None:
        return {}
    return {
        "unit": "bn USD",
        "taken": [asdict(one) for one in made.taken],
        "left_out": [{"claim": name, "why": why} for name, why in made.left_out],
        "without_sheet": made.without_sheet,
        "assumed": made.assumed,
        "runs": [
            {
                "scenario": scenario_words(run.scenario),
                "parties": [asdict(one) for one in run.outcomes],
                "gap_outside_value": run.gap,
                "waves": {"best": run.waves_best, "worst": run.waves_worst},
                "monotone": run.monotone,
            }
            for run in report.stress
        ],
    }
