"""A table that agrees with the catalogue yields nothing, in every format; one wrong price yields exactly that one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_audit import tables
from catalog_audit.conftest import TODAY, Audit
from trivium.catalog import PriceCell, Snapshot
from trivium.catalog.audit import Models, audit, index_of
from trivium.catalog.audit._collect import Collector
from trivium.catalog.audit._csv import read_csv

DAYS = [date(2026, 4, 15), date(2026, 8, 5), TODAY]


def offers(snapshot: Snapshot, day: date, surface: str, scopes: tuple[str, ...]) -> list[tuple[str, str]]:
    """(scope, model) pairs of a surface that sell input on a day."""
    return sorted(
        {
            (cell.scope, cell.model)
            for cell in tables.current(snapshot.cells, day)
            if cell.surface == surface and cell.scope in scopes and (cell.tier, cell.unit) == ("standard", "input")
        }
    )


def litellm(snapshot: Snapshot, day: date) -> Any:
    document: dict[str, Any] = {
        "sample_spec": {"litellm_provider": "one of the providers", "input_cost_per_token": 0.0}
    }
    places = {
        "anthropic": {"global": "{}", "us": "us/{}"},
        "bedrock": {
            "global": "global.anthropic.{}",
            "geo-or-regional": "us.anthropic.{}",
            "us-gov": "us-gov.anthropic.{}",
        },
        "vertex": {"global": "vertex_ai/{}"},
        "foundry": {"global-standard": "azure_ai/{}"},
    }
    cells = tables.current(snapshot.cells, day)
    for surface, ids in places.items():
        for scope, model in offers(snapshot, day, surface, tuple(ids)):
            for tier in ("standard", "fast"):
                prices = tables.prices_of(
                    cells, (surface, scope, model), day, (tier, "batch")[: 1 + (tier == "standard")]
                )
                if prices:
                    key = ("fast/" if tier == "fast" else "") + ids[scope].format(model)
                    document[key] = tables.litellm_row(tables.LITELLM_PROVIDERS[surface], prices, tier)
    return document


def genai(snapshot: Snapshot, day: date) -> Any:
    cells = tables.current(snapshot.cells, day)
    providers = []
    for vendor, surface, scopes in (
        ("anthropic", "anthropic", {"global": "{}"}),
        ("aws", "bedrock", {"global": "global.anthropic.{}", "geo-or-regional": "regional.anthropic.{}"}),
    ):
        models = []
        for scope, model in offers(snapshot, day, surface, tuple(scopes)):
            prices = tables.prices_of(cells, (surface, scope, model), day, ("standard", "batch", "fast"))
            variants = [
                {"when": {kind: tier}, "prices": found}
                for kind, tier in (("processing", "batch"), ("speed", "fast"))
                if (found := tables.genai_prices(prices, tier))
            ]
            found = tables.genai_prices(prices, "standard")
            models.append({"id": scopes[scope].format(model), "prices": found, "price_variants": variants})
        providers.append({"id": vendor, "name": vendor, "models": models})
    return providers


def models_dev(snapshot: Snapshot, day: date) -> Any:
    cells = tables.current(snapshot.cells, day)
    document: dict[str, Any] = {}
    for vendor, surface, scopes in (
        ("anthropic", "anthropic", {"global": "{}"}),
        ("amazon-bedrock", "bedrock", {"global": "global.anthropic.{}", "geo-or-regional": "eu.anthropic.{}"}),
        ("google-vertex-anthropic", "vertex", {"global": "{}@default"}),
    ):
        document[vendor] = {"id": vendor, "models": {}}
        for scope, model in offers(snapshot, day, surface, tuple(scopes)):
            if scope == "geo-or-regional" and model == "claude-fable-5-1":
                continue  # the price list carries its regional rate for the US only
            cost = tables.models_dev_cost(tables.prices_of(cells, (surface, scope, model), day))
            key = scopes[scope].format(model)
            document[vendor]["models"][key] = {"id": key, "cost": cost, "last_updated": "2026-01-01"}
    return document


def llm_prices(snapshot: Snapshot, day: date) -> Any:
    cells = tables.current(snapshot.cells, day)
    models = []
    for scope, model in offers(snapshot, day, "anthropic", ("global",)):
        prices = tables.prices_of(cells, ("anthropic", scope, model), day)
        for start in sorted({band for _, _, band in prices}):
            name = f"{model}-{start // 1000}k" if start else model
            row = {field: float(prices["standard", unit, start]) for field, unit in _LLM_PRICES.items()}
            models.append({"id": name, "price_history": [{**row, "from_date": None, "to_date": None}]})
    return {"vendor": "anthropic", "models": models}


_LLM_PRICES = {"input": "input", "output": "output", "input_cached": "cache_read"}


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(
    ("writer", "least"),
    [(litellm, 400), (genai, 250), (models_dev, 150), (llm_prices, 30)],
    ids=lambda it: str(it)[:20],
)
def test_a_table_that_agrees_yields_no_findings(
    writer: Any, least: int, day: date, snapshot: Snapshot, run: Audit
) -> None:
    report = run(writer(snapshot, day), day)
    assert report.findings == ()
    assert report.compared == report.equal
    assert report.compared > (least if day == TODAY else least // 3)


@pytest.mark.parametrize("day", DAYS)
def test_every_cell_as_a_csv_yields_neither_findings_nor_gaps(day: date, snapshot: Snapshot, run: Audit) -> None:
    report = run(tables.csv_of(snapshot.cells), day)
    ahead = [cell for cell in snapshot.cells if cell.valid_until is None or cell.valid_until > day]
    assert (report.findings, report.gaps) == ((), ())
    assert report.compared == report.equal == len(ahead)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), usd=st.decimals(min_value="0.001", max_value="500", places=3))
def test_one_wrong_price_among_ours_is_the_one_finding(data: st.DataObject, usd: Decimal, snapshot: Snapshot) -> None:
    cells = [cell for cell in tables.current(snapshot.cells, TODAY) if cell.surface == "bedrock"]
    wrong = data.draw(st.sampled_from(cells))
    changed = replace(wrong, amount_usd=usd)
    found = audited(snapshot, [changed if cell is wrong else cell for cell in cells])
    places = {(one.surface, one.scope, one.model, one.tier, one.unit, one.band) for one in found}
    mine = (wrong.surface, wrong.scope, wrong.model, wrong.tier, wrong.unit, wrong.band)
    assert places == (set() if usd == wrong.amount_usd else {mine})
    assert all(one.expected_usd == wrong.amount_usd and one.observed_usd == usd for one in found)


def audited(snapshot: Snapshot, cells: list[PriceCell]) -> Any:
    index = index_of(snapshot)
    table = read_csv(tables.csv_of(cells), "cells.csv", Collector("csv", Models(index.launches)))
    return audit(table, index, at=TODAY).findings
