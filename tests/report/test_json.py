"""A decision survives being written: read back it is equal, and anything else is refused by the name of its field."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from decide.orgs import SILENT, given
from report.sample import empty, sample
from trivium.core import Money, UserError
from trivium.plan.decide._compose import decide
from trivium.plan.decision import Decision
from trivium.plan.report import decision_from_json, decision_json


@pytest.mark.parametrize("decision", [sample(), sample(1), sample(60), empty()], ids=["full", "1", "60", "empty"])
def test_what_was_written_is_read_as_the_same_decision(decision: Decision) -> None:
    text = json.dumps(decision_json(decision))
    assert decision_from_json(json.loads(text)) == decision


def test_a_composed_decision_survives_too() -> None:
    decision = decide(given(), SILENT)
    assert decision_from_json(json.loads(json.dumps(decision_json(decision)))) == decision


@hypothesis.given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_no_digit_is_lost(picos: int, forecast: float, name: str) -> None:
    plain = sample(1, ("one",))
    item = replace(plain.workloads[0], measured=Money(picos), monthly_now_usd=forecast, workload=name)
    decision = replace(plain, workloads=(item,))
    assert decision_from_json(json.loads(json.dumps(decision_json(decision)))) == decision


def test_what_is_not_finite_is_not_written() -> None:
    with pytest.raises(UserError, match=r"decision\.forecast\.mean_usd"):
        decision_json(replace(sample(), forecast=replace(sample().forecast, mean_usd=float("inf"))))


def test_exact_amounts_are_decimal_strings_and_days_iso() -> None:
    raw = decision_json(sample())
    assert raw["workloads"][0]["measured"] == "4321.987654321"
    assert raw["at"] == "2026-11-20"
    assert raw["routes"]["routes"][0]["targets"][0]["surface"] == "bedrock"


def _set(raw: Any, path: list[str | int], value: Any) -> None:
    for step in path[:-1]:
        raw = raw[step]
    raw[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["format"], "trivium-decision/99", "decision.format"),
        (["at"], "soon", "decision.at"),
        (["seed"], 1.5, "decision.seed"),
        (["seed"], True, "decision.seed"),
        (["forecast", "mean_usd"], "12", "decision.forecast.mean_usd"),
        (["forecast", "mean_usd"], float("nan"), "decision.forecast.mean_usd"),
        (["forecast", "quantiles_usd"], [1, 2], "decision.forecast.quantiles_usd"),
        (["workloads", 0, "measured"], 12, "decision.workloads[0].measured"),
        (["workloads", 0, "surprise"], 12, "decision.workloads[0].surprise"),
        (["workloads", 0, "answers", 0, "basis", "grounds"], ["hearsay"], "decision.workloads[0].answers[0].basis"),
        (["workloads"], {}, "decision.workloads"),
        (["levers"], 3, "decision.levers"),
    ],
)
def test_what_is_no_decision_is_refused_by_field(path: list[str | int], value: Any, field: str) -> None:
    raw = json.loads(json.dumps(decision_json(sample())))
    _set(raw, path, value)
    with pytest.raises(UserError) as caught:
        decision_from_json(raw)
    assert caught.value.field.startswith(field)


def test_a_missing_field_is_named() -> None:
    raw = decision_json(sample())
    del raw["forecast"]
    with pytest.raises(UserError, match=r"decision\.forecast"):
        decision_from_json(raw)
    with pytest.raises(UserError, match="decision"):
        decision_from_json([])  # type: ignore[arg-type]
