"""Usage that is not measured events: a drawn profile and a history, from the organisation file to the decision."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from trivium.cli._main import root
from trivium.cli._profile_usage import from_profile
from trivium.core import UserError
from trivium.plan.cone import DAY, MONTH
from trivium.plan.decide import read_history
from trivium.plan.org import Usage, default_organisation

AT = date(2026, 11, 20)
FILE = """
[organisation]
name = "Test"
horizon_months = 3
scenarios = 20

[usage]
profile = "shipped"
"""


def plan(path: Path, *more: str) -> dict[str, object]:
    found = CliRunner().invoke(
        root, ["plan", "--organisation", str(path), "--at", str(AT), "--json", *more], catch_exceptions=False
    )
    assert found.exit_code in {0, 1}, found.output
    return json.loads(found.stdout)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "history.csv"
    path.write_text(text)
    return path


def test_a_profile_is_drawn_at_the_volume_asked_for_and_said_to_be_assumed(tmp_path: Path) -> None:
    path = tmp_path / "trivium.toml"
    path.write_text(FILE + "requests_per_month = 9000\n")
    ahead = plan(path)["ahead"]
    requests = sum(item["requests"] for item in ahead["workloads"])
    days = ahead["workloads"][0]["span_days"]
    assert requests / days * 365.25 / 12 == pytest.approx(9000, rel=0.002)  # counts are rounded
    told = {item["field"]: item["value"] for item in ahead["assumptions"]}
    assert told["usage.profile"] == "shipped"
    assert told["usage.requests_per_month"] == "9000"


def test_a_profile_without_a_volume_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trivium.toml"
    path.write_text(FILE)
    with pytest.raises(UserError, match="requests_per_month"):
        plan(path)


def test_a_trace_that_only_an_import_can_read_is_refused_with_the_way_there_is(tmp_path: Path) -> None:
    (tmp_path / "trivium.toml").write_text("[organisation]\nscenarios = 20\n")
    (tmp_path / "usage.csv").write_text("month,team,tokens\n2026-10,search,1000\n")
    with pytest.raises(UserError, match=r"`trivium ledger import`.*\[usage\], as csv"):
        plan(tmp_path / "trivium.toml", "--trace", str(tmp_path / "usage.csv"))


def test_months_of_a_history_become_a_series_and_a_missing_one_is_not_zero(tmp_path: Path) -> None:
    text = "period,workload,tokens\n2026-08,a,10\n2026-10,a,30\n2026-09,b,\n2026-10,b,5\n2026-10,other,7\n"
    found = read_history(written(tmp_path, text), {"a", "b"}, AT)
    assert found.names == ("a", "b")
    assert found.start == datetime(2026, 8, 1, tzinfo=UTC)
    assert found.step == MONTH
    np.testing.assert_array_equal(found.values, [[10, np.nan, 30], [np.nan, np.nan, 5]])


def test_days_of_a_history_keep_their_zeros(tmp_path: Path) -> None:
    found = read_history(written(tmp_path, "period,workload,value\n2026-11-01,a,0\n2026-11-02,a,2.5\n"), {"a"}, AT)
    assert found.step == DAY
    np.testing.assert_array_equal(found.values, [[0, 2.5]])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("period,workload\n2026-10,a\n", "columns"),
        ("period,workload,value\n2026-10,a,-1\n", r"history\.csv:2: value"),
        ("period,workload,value\n2026-09,a,1\nOctober,a,1\n", r"history\.csv:3: period"),
        ("period,workload,value\n2026-11,a,1\n", r"history\.csv:2: period"),
        ("period,workload,value\n2026-09,a,1\n2026-10-01,a,1\n", r"history\.csv:3: period"),
        ("period,workload,value\n2026-09,a,1\n2026-09,a,1\n", r"history\.csv:3"),
        ("period,workload,value\n2026-09,b,1\n", "rows for what is in the usage: a"),
        ("period,workload,value\n", "at least one row"),
    ],
)
def test_what_cannot_be_used_of_a_history_is_refused_by_its_line(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(UserError, match=names):
        read_history(written(tmp_path, text), {"a"}, AT)


@pytest.mark.parametrize(
    ("at", "rows"),
    [
        (date(2026, 11, 9), "2026-11-08,a,100\n2026-11-09,a,9\n"),  # nine hours of a day
        (date(2026, 11, 30), "2026-10,a,100\n2026-11,a,97\n"),  # a month but its last day
    ],
)
def test_a_day_or_month_that_the_plan_stands_in_is_not_taken_as_a_whole_one(
    tmp_path: Path, at: date, rows: str
) -> None:
    path = written(tmp_path, "period,workload,value\n" + rows)
    with pytest.raises(UserError, match=r"history\.csv:3: period.*not over before the day of the plan"):
        read_history(path, {"a"}, at)
    after = {date(2026, 11, 9): date(2026, 11, 10), date(2026, 11, 30): date(2026, 12, 1)}[at]
    assert read_history(path, {"a"}, after).values.shape == (1, 2)


def test_a_history_of_growth_makes_the_plan_dearer_than_one_of_decline(tmp_path: Path) -> None:
    path = tmp_path / "trivium.toml"
    path.write_text(FILE + 'requests_per_month = 9000\nhistory = "history.csv"\n')
    months = [f"{2025 + m // 12}-{m % 12 + 1:02}" for m in range(4, 22)]

    def mean(volumes: list[float]) -> float:
        rows = "".join(f"{month},profile,{volume}\n" for month, volume in zip(months, volumes, strict=True))
        written(tmp_path, "period,workload,value\n" + rows)
        return float(plan(path)["ahead"]["forecast"]["mean_usd"])

    grown = [1000 * 1.1**n for n in range(18)]
    assert mean(grown) > 1.1 * mean(grown[::-1])


def test_more_of_a_profile_is_more_people_and_not_busier_minutes() -> None:
    few, many = (
        from_profile(
            replace(default_organisation(), usage=Usage(profile="shipped", requests_per_month=count)), Path(), (0,), AT
        )
        for count in (20_000, 400_000)
    )
    for less, more in zip(few, many, strict=True):
        total = sum(minute.output for minute in more.minutes)
        assert total == pytest.approx(sum(row.output for row in more.rows), rel=0.01)
        assert more.peak()["output"] < 20 * less.peak()["output"]
