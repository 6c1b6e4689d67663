"""Figures are values: the same chart for the terminal and for a page, exact, width-aware, without need of colour."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trivium.core import Money, UserError
from trivium.figures import bar_chart, clip, line_chart, pad, sparkline, table, width_of

_SVG = "{http://www.w3.org/2000/svg}"
_texts = st.text(max_size=30)


def test_bars_are_drawn_to_scale_in_eighths() -> None:
    """Label 5, amount 3, gaps 4: 20 of 32 columns for bars. 8 fills them, 4 half, 1 two and a half."""
    chart = bar_chart([("full", 8, "8.0"), ("half", 4, "4.0"), ("eight", 1, "1.0"), ("none", 0, "0.0")], title="T")
    assert chart.terminal(32).splitlines() == [
        "T",
        "  full  ████████████████████ 8.0",
        "  half  ██████████           4.0",
        "  eight ██▌                  1.0",
        "  none                       0.0",
    ]


def test_the_smallest_amount_is_still_seen_and_unknown_has_no_bar() -> None:
    chart = bar_chart([("a", Money.from_usd("1000")), ("b", Money(1)), ("c", None)])
    lines = chart.terminal(40).splitlines()
    assert lines[0].endswith("█ $1,000.00")
    assert "▏" in lines[1]
    assert lines[2].split() == ["c", "unknown"]


def test_negative_amounts_lie_left_of_the_zero_line() -> None:
    chart = bar_chart([("gain", 30), ("loss", -10)])
    gain, loss = chart.terminal(40).splitlines()
    assert gain.index("│") == loss.index("│")
    assert gain.index("█") > gain.index("│") > loss.index("▓")
    assert "▓" not in gain


def test_an_empty_chart_says_so() -> None:
    assert bar_chart([], title="Spend").terminal() == "Spend\n  (nothing to show)"
    assert line_chart([], [], title="Spend").terminal() == "Spend\n  (nothing to show)"
    assert ET.fromstring(bar_chart([]).svg()).find(f"{_SVG}desc").text == "nothing to show"  # type: ignore[union-attr]  # noqa: S314  our own output


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_not_a_number_is_refused(value: float | Decimal) -> None:
    with pytest.raises(UserError):
        bar_chart([("a", value)]).terminal()


def test_a_table_aligns_numbers_right_and_shortens_text_only() -> None:
    made = table(
        ["workload", "usd"],
        [["a very long name of a workload", "12.50"], ["短い", "7.00"]],
        align="lr",
        total=["total", "19.50"],
    )
    assert made.terminal(24).splitlines() == [
        "workload             usd",
        "─────────────────  ─────",
        "a very long name…  12.50",
        "短い                7.00",
        "─────────────────  ─────",
        "total              19.50",
    ]
    assert "12.50" in made.terminal(4)  # too narrow for everything: numbers stay whole
    assert '<td style="text-align:right">12.50</td>' in made.html()


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(UserError, match="row 1: 1: give 2 cells"):
        table(["a", "b"], [["1", "2"], ["3"]])
    with pytest.raises(UserError, match="align"):
        table(["a", "b"], [], align="lx")
    with pytest.raises(UserError, match="series s: 1: give 2 values"):
        line_chart(["x", "y"], [("s", [1])])


def test_a_table_cannot_be_broken_by_its_content() -> None:
    made = table(["a"], [["line\nbreak \x1b[31m"], ["<b>"]])
    assert made.terminal().splitlines()[2:] == ["line break  [31m", "<b>"]
    assert "&lt;b&gt;" in made.html()


def test_a_sparkline_shows_levels_gaps_and_averages() -> None:
    assert sparkline(range(8)).terminal() == "▁▂▃▄▅▆▇█"
    assert sparkline([1, None, 8], label="usd").terminal() == "usd ▁·█"
    assert sparkline([0, 2, 4, 6]).terminal(2) == "▂▇"  # averages 1 and 5 on the scale from 0 to 6
    assert sparkline([3, 3]).terminal() == "▅▅"


def test_a_line_chart_has_one_scale_for_all_series() -> None:
    chart = line_chart(["Mon", "Tue", "Wed"], [("a", [0, 1, 2]), ("b", [4, None, 8])], title="Spend")
    assert chart.terminal(40).splitlines() == ["Spend", "  a ▁▂▃ 2", "  b ▅·█ 8", "    Mon Wed"]


def test_an_svg_is_well_formed_names_itself_and_draws_to_scale() -> None:
    chart = bar_chart([("<a&b>", Money.from_usd("4")), ("b", Money.from_usd("1")), ("c", -1)], title='Spend "A" <1>')
    root = ET.fromstring(chart.svg())  # noqa: S314  our own output
    title, description = root.find(f"{_SVG}title"), root.find(f"{_SVG}desc")
    assert title is not None
    assert description is not None
    assert (root.get("role"), title.text) == ("img", 'Spend "A" <1>')
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert description.text == "<a&b>: $4.00; b: $1.00; c: -1"
    wide, narrow, negative = root.findall(f"{_SVG}rect")
    assert float(wide.get("width", "")) == pytest.approx(4 * float(narrow.get("width", "")), rel=0.01)
    assert float(negative.get("x", "")) < float(wide.get("x", ""))


def test_a_line_in_an_svg_breaks_at_unknown_values() -> None:
    chart = line_chart(["1", "2", "3", "4"], [("a", [1, None, 2, 3])])
    root = ET.fromstring(chart.svg())  # noqa: S314  our own output
    lines = [path.get("d", "") for path in root.findall(f"{_SVG}path") if path.get("fill") == "none"]
    assert [line.count("M") for line in lines] == [2]


@example(rows=[("x" * 21, 10**18)], title="", width=60)
@given(
    rows=st.lists(st.tuples(_texts, st.one_of(st.none(), st.integers(-(10**20), 10**20))), max_size=5),
    title=_texts,
    width=st.integers(60, 120),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, int | None]], title: str, width: int) -> None:
    chart = bar_chart(rows, title=title)
    assert all(width_of(line) <= width for line in chart.terminal(width).split("\n"))
    made = table(["label", "value"], [[label, str(value)] for label, value in rows], align="lr")
    assert all(width_of(line) <= width for line in made.terminal(width).split("\n"))


@given(text=_texts, width=st.integers(0, 40))
def test_clip_and_pad_keep_to_their_width(text: str, width: int) -> None:
    assert width_of(clip(text, width)) <= width
    assert width_of(pad(clip(text, width), width)) == width


@given(st.lists(st.fractions(), min_size=1, max_size=20), st.integers(1, 30))
def test_a_sparkline_fits_its_columns(values: list[Fraction], columns: int) -> None:
    assert len(sparkline(values).terminal(columns)) == min(columns, len(values))
