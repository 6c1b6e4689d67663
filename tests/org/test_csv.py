"""Usage from a table: their columns by our names, exact counts, errors that name the line."""

from pathlib import Path

import pytest

from trivium.core import UserError
from trivium.plan.org import read_usage_csv

TABLE = """when,app,model,calls,in,out,hit
2026-10,chat,claude-sonnet-5,"31,000",6200000,1550000,
2026-11-01,chat,claude-sonnet-5,1000,200000,50000,40000
"""
COLUMNS = {
    "period": "when",
    "workload": "app",
    "requests": "calls",
    "input_tokens": "in",
    "output_tokens": "out",
    "cache_read_tokens": "hit",
}


def test_a_table_becomes_demand(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(TABLE)
    (demand,) = read_usage_csv(path, COLUMNS)
    assert (demand.workload, demand.model, demand.requests) == ("chat", "claude-sonnet-5", 32_000)
    assert (demand.usage.input, demand.usage.output, demand.usage.cache_read) == (6_400_000, 1_600_000, 40_000)
    assert demand.first_at is not None
    assert demand.last_at is not None
    assert (demand.last_at - demand.first_at).days == 32  # October and one day of November


@pytest.mark.parametrize(
    ("text", "columns", "match"),
    [
        ("a,b\n1,2\n", {}, "usage.columns.period"),
        (TABLE.replace("1550000", "many"), COLUMNS, r"usage\.csv:2: out"),
        (TABLE.replace("2026-11-01", "last week"), COLUMNS, r"usage\.csv:3: when"),
        (TABLE.replace("1000,200000", ",200000"), COLUMNS, "a gap is not zero"),
        (TABLE, {**COLUMNS, "colour": "x"}, "usage.columns.colour"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, columns: dict[str, str], match: str) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=match):
        read_usage_csv(path, columns)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x1f\x8b", b"period,workload\n\x00,\x00", b""])
@pytest.mark.parametrize("name", ["usage.csv", "usage.csv.gz"])
def test_a_table_that_is_none_is_refused_by_its_name(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_usage_csv(path, {})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("count", ["-1", "1.5", "nan", "inf", "1e9", "9" * 16, "9" * 5000, "²"])
def test_a_count_that_is_none_or_beyond_counting_is_refused_with_its_line(count: str, tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(TABLE.replace("1000,200000", f"{count},200000"))
    with pytest.raises(UserError) as caught:
        read_usage_csv(path, COLUMNS)
    assert caught.value.field == f"{path}:3: calls"


@pytest.mark.parametrize(
    ("old", "new", "field", "remedy"),
    [
        ("2026-11-01", "9998-11-01", "when", "to 2199-12-31"),
        ("2026-11-01", "0001-01", "when", "from 1990-01-01"),
        ("2026-11-01", "01.11.2026", "when", "give a day (2026-11-01)"),
        (",200000,50000,40000", ",200000,50000,40000,bedrok", "surface", "did you mean bedrock?"),
    ],
)
def test_a_period_or_a_platform_that_is_none_is_refused_with_its_line(
    old: str, new: str, field: str, remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(TABLE.replace("in,out,hit", "in,out,hit,surface").replace(old, new))
    with pytest.raises(UserError) as caught:
        read_usage_csv(path, COLUMNS)
    assert caught.value.field == f"{path}:3: {field}"
    assert remedy in caught.value.remedy
