"""The inputs that the page reckons with, and what it shows before anything is changed: the product's own answers."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from trivium.capital.capacity import Assumptions, Range
from trivium.capital.cover import Degree, grown_years, static_years
from trivium.capital.report._values import Capacity, Report

_NAMES = (
    "cost_usd_per_gw",
    "watts_per_chip",
    "tokens_per_s_per_chip",
    "facility_overhead",
    "utilisation",
    "life_years",
    "capital_rate",
    "energy_usd_per_kwh",
)
_LABELS = {"cost_usd_per_gw": "cost of a gigawatt, bn USD"}
_SCALE = {"cost_usd_per_gw": 1e9}
_GROWTH, _SHARE = 2.0, 1.0  # where no scenario was given: a doubling, and all of the revenue


def live_inputs(report: Report) -> dict[str, Any]:
    """Plain values for the page and its script."""
    found: dict[str, Any] = {"degrees": [degree.value for degree in Degree]}
    if report.run_rate_usd is not None:
        found |= _cover(report, float(report.run_rate_usd))
    if report.capacity is not None:
        found |= _capacity(report.capacity)
    return found


def _cover(report: Report, rate: float) -> dict[str, Any]:
    scenario = report.asked.scenario
    growth = _GROWTH if scenario is None else math.exp(scenario.growth.growth)
    share = _SHARE if scenario is None else scenario.means.share_of_revenue
    committed = {degree.value: float(usd) for degree, usd in report.committed_usd.items()}
    return {
        "rate_bn": _short(rate / 1e9),
        "growth": _short(growth),
        "share": _short(share),
        "committed_bn": {name: _short(usd / 1e9) for name, usd in committed.items()},
        "static": {name: f"{static_years(usd, rate):.3g}" for name, usd in committed.items()},
        "grown": {name: _years(grown_years(usd, rate, math.log(growth), share)) for name, usd in committed.items()},
    }


def _capacity(found: Capacity) -> dict[str, Any]:
    first = found.chips[0]
    assumed = Assumptions()
    ranges = {
        "cost_usd_per_gw": found.cost / _SCALE["cost_usd_per_gw"],
        "watts_per_chip": first.watts_per_chip.value,
        "tokens_per_s_per_chip": first.tokens_per_s_per_chip.value,
        **{item.name: getattr(assumed, item.name) for item in fields(assumed)},
    }
    moved = {one.name: one for one in found.swings[first.name]}
    usd = found.buys[0].usd_per_mtok
    return {
        "inputs": list(_NAMES),
        "labels": {name: _LABELS.get(name, name.replace("_", " ")) for name in _NAMES},
        "scale": _SCALE,
        "ranges": {name: {end: _short(value) for end, value in _ends(ranges[name]).items()} for name in _NAMES},
        "silicon": {
            chip.name: {
                "facility": chip.facility,
                "watts_per_chip": _ends(chip.watts_per_chip.value),
                "tokens_per_s_per_chip": _ends(chip.tokens_per_s_per_chip.value),
            }
            for chip in found.chips
        },
        "usd": {end: f"{value:.3g}" for end, value in _ends(usd).items()},
        "swings": {
            name: f"{moved[name].at_low_usd_per_mtok:.3g} … {moved[name].at_high_usd_per_mtok:.3g}"
            if name in moved
            else "not used"
            for name in _NAMES
        },
    }


def _ends(value: Range) -> dict[str, float]:
    return {"low": value.low, "point": value.point, "high": value.high}


def _short(value: float) -> str:
    return f"{value:.6g}"


def _years(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.3g}"
