"""The charts of decisions: to scale, within their width, readable in both lights, whatever the names are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.core import SURFACES, UserError
from trivium.figures import (
    SURFACE_COLOURS,
    Ends,
    Leg,
    Mark,
    Span,
    Square,
    State,
    SvgFigure,
    band_curve,
    colour_of,
    fan_chart,
    matrix,
    short,
    stacked_bars,
    timeline,
    tornado,
    waterfall,
    width_of,
)
from trivium.figures._axes import ticks

_SVG = "{http://www.w3.org/2000/svg}"
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_NASTY = "<b>&\"' \x07\n\u202e" + "w" * 300


def _months(count: int) -> list[date]:
    return [date(2026 + (10 + n) // 12, (10 + n) % 12 + 1, 1) for n in range(count)]


def _fan(months: int, name: str = "cone") -> SvgFigure:
    runs = [[level * 100.0 + month for month in range(months)] for level in _LEVELS]
    return fan_chart(_months(months), _LEVELS, runs, title=name, unit="USD a month")


def _timeline(months: int, name: str = "search") -> SvgFigure:
    days = _months(months + 1)
    marks = [Mark(day, name) for day in days]
    return timeline(days[0], days[-1], [Span(name, days[0], days[-1], name, name)], marks, title=name)


def _every(name: str, months: int) -> list[SvgFigure]:
    return [
        _fan(months, name),
        waterfall((name, 10.0), [Leg(name, 5.0, name)], (name, 15.0), title=name),
        tornado(10.0, [Ends(name, name, name, 5.0, 15.0)], title=name),
        _timeline(months, name),
        matrix([name], [name], {(name, name): Square(State.EXCLUDED, name)}, title=name),
        stacked_bars([name] * months, [(name, [1.0] * months)], title=name),
        band_curve([(float(n), 1.0, 0.0, 2.0) for n in range(months)], title=name, chosen=0.0),
    ]


@pytest.mark.parametrize("name", ["search", "", _NASTY, "検索" * 60, "é" * 100])
@pytest.mark.parametrize("months", [1, 2, 36, 60])
def test_any_name_is_drawn_inside_its_picture_and_named_for_screen_readers(name: str, months: int) -> None:
    for figure in _every(name, months):
        root = ET.fromstring(figure.svg())  # noqa: S314  our own output
        assert root.find(f"{_SVG}title") is not None
        assert (root.findtext(f"{_SVG}desc") or "").strip()
        width = float(root.attrib["viewBox"].split()[2])
        for box in root.iter(f"{_SVG}rect"):
            left = float(box.attrib.get("x", "0"))
            assert left >= -0.01
            assert left + float(box.attrib["width"]) <= width + 0.01
            assert float(box.attrib["height"]) >= 0
        assert "NaN" not in figure.svg()


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("name", ["search", "w" * 300, "検索" * 60])
def test_terminal_rows_keep_to_their_width(name: str, width: int) -> None:
    for figure in _every(name, 36):
        for line in figure.terminal(width).splitlines():
            assert width_of(line) <= width, line


def test_a_step_of_a_bridge_starts_where_the_last_ended() -> None:
    bridge = waterfall(("now", 100.0), [Leg("a", -30.0), Leg("b", 10.0)], ("plan", 80.0))
    assert [(leg.name, start, end) for leg, start, end in bridge.spans()] == [
        ("now", 0.0, 100.0),
        ("a", 100.0, 70.0),
        ("b", 70.0, 80.0),
        ("plan", 0.0, 80.0),
    ]
    assert "not at zero" in bridge.svg()  # levels from 70 to 100: a bar from zero would hide the steps
    assert "−20" in waterfall(("now", 100.0), [Leg("a", -20.0)], ("plan", 80.0)).terminal()  # noqa: RUF001


def test_a_bridge_whose_levels_differ_much_starts_at_zero() -> None:
    assert "not at zero" not in waterfall(("now", 100.0), [Leg("a", -60.0)], ("plan", 40.0)).svg()
    assert "not at zero" not in waterfall(("now", -5.0), [Leg("a", 9.0)], ("plan", 4.0)).svg()


def test_the_widest_input_of_a_tornado_comes_first() -> None:
    drawn = tornado(100.0, [Ends("narrow", "l", "h", 95, 105), Ends("wide", "l", "h", 150, 60)])
    assert [item.name for item in drawn.inputs] == ["wide", "narrow"]
    assert "60 … 150" in drawn.terminal()  # an input whose low end costs more


def test_mirrored_levels_become_bands_and_the_median_is_needed() -> None:
    fan = fan_chart(_months(1), _LEVELS, [[1.0], [2.0], [3.0], [4.0], [5.0]])
    assert [(band.percent, band.low, band.high) for band in fan.bands] == [
        (90.0, (1.0,), (5.0,)),
        (50.0, (2.0,), (4.0,)),
    ]
    with pytest.raises(UserError, match=r"0\.5"):
        fan_chart(_months(1), (0.1, 0.9), [[1.0], [2.0]])
    with pytest.raises(UserError, match="months"):
        fan_chart(_months(2), (0.5,), [[1.0]])
    with pytest.raises(UserError, match="finite"):
        fan_chart(_months(1), (0.5,), [[float("nan")]])


def test_what_runs_at_once_lies_in_different_lanes() -> None:
    one, two, three = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
    drawn = timeline(
        one, three, [Span("w", one, two, "a", "a"), Span("w", one, three, "b", "b"), Span("w", two, three, "c", "c")]
    )
    assert [[span.text for span in lane] for _, lanes in drawn.lanes() for lane in lanes] == [["a", "c"], ["b"]]
    with pytest.raises(UserError, match="after"):
        timeline(one, one, [])
    with pytest.raises(UserError, match="after"):
        timeline(one, three, [Span("w", two, one, "a", "a")])


def test_marks_too_near_to_be_told_apart_share_a_number() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 2), date(2027, 6, 1)]
    svg = timeline(date(2026, 1, 1), date(2029, 1, 1), [], [Mark(day, "m") for day in days]).svg()
    assert ">1–2</text>" in svg  # noqa: RUF001
    assert ">3</text>" in svg


def test_a_matrix_says_why_and_refuses_what_has_no_place() -> None:
    drawn = matrix(["a"], ["x", "y"], {("a", "x"): Square(State.EXCLUDED, "no BAA")})
    assert "a on x: excluded (no BAA)" in drawn.svg()
    assert drawn.at("a", "y").state is State.UNKNOWN
    with pytest.raises(UserError, match="cells"):
        matrix(["a"], ["x"], {("b", "x"): Square(State.RUNS)})
    with pytest.raises(UserError, match="once"):
        matrix(["a", "a"], ["x"], {})


def test_stacked_parts_are_parts_of_a_whole() -> None:
    with pytest.raises(UserError, match="0 or more"):
        stacked_bars(["m"], [("a", [-1.0])])
    with pytest.raises(UserError, match="give 1 values"):
        stacked_bars(["m"], [("a", [1.0, 2.0])])
    tall = [float(height) for height in re.findall(r'height="([\d.]+)" fill="#', stacked_bars(
        ["m"], [("anthropic", [30.0]), ("bedrock", [10.0])]).svg())]  # fmt: skip
    assert tall[0] == pytest.approx(3 * tall[1], abs=0.05)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.004, "0"),
        (-0.004, "0"),
        (0.42, "0.42"),
        (12.34, "12.3"),
        (99.97, "100"),
        (999.4, "999"),
        (999.6, "1k"),
        (1_234, "1.23k"),
        (-46_200, "-46.2k"),
        (999_600, "1M"),
        (1.5e9, "1.5bn"),
    ],
)
def test_short_amounts_have_three_digits(value: float, text: str) -> None:
    assert short(value) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
def test_ticks_are_few_even_and_cover_the_values(low: float, span: float) -> None:
    high = low + span
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return  # closer than floats of this size can be told apart on an axis
    values = ticks(low, high)
    slack = 1e-6 * (values[-1] - values[0])
    assert values[0] <= low + slack
    assert values[-1] >= high - slack
    assert 2 <= len(values) <= 9


def _linear(colour: str) -> list[float]:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def _contrast(one: str, other: str) -> float:
    light = sorted(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), _linear(x), strict=True)) for x in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def test_every_surface_has_one_colour_that_shows_on_light_and_dark() -> None:
    assert set(SURFACE_COLOURS) == set(SURFACES)
    assert len(set(SURFACE_COLOURS.values())) == len(SURFACES)
    for name in (*SURFACES, "some other", "another"):
        for ground in ("#ffffff", "#14171c"):
            assert _contrast(colour_of(name), ground) >= 3, (name, ground)


# How a colour of linear RGB looks without one kind of cone (Viénot, Brettel and Mollon 1999).
_PROTAN = ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0))
_DEUTAN = ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0))


@pytest.mark.parametrize("seen", [_PROTAN, _DEUTAN], ids=["protanopia", "deuteranopia"])
def test_the_four_clouds_stay_apart_for_colour_blind_readers(seen: tuple[tuple[float, ...], ...]) -> None:
    def look(colour: str) -> list[float]:
        return [
            max(0.0, sum(w * c for w, c in zip(row, _linear(colour), strict=True))) ** (1 / 2.4) * 255 for row in seen
        ]

    for one, other in combinations(("anthropic", "bedrock", "vertex", "foundry"), 2):
        apart = sum((a - b) ** 2 for a, b in zip(look(colour_of(one)), look(colour_of(other)), strict=True)) ** 0.5
        assert apart > 40, (one, other, apart)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: fan_chart([], (0.5,), [[]]),
        lambda: tornado(1.0, []),
        lambda: matrix([], [], {}),
        lambda: stacked_bars([], []),
        lambda: band_curve([]),
        lambda: timeline(date(2026, 1, 1), date(2026, 2, 1), []),
    ],
)
def test_an_empty_figure_says_so(draw: Callable[[], SvgFigure]) -> None:
    assert "nothing to show" in draw().svg()
    assert "nothing to show" in draw().terminal()
