"""The pictures of capital: arcs both ways, a style for each status, and figures that are the amounts given."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from math import hypot, sqrt

import pytest

from trivium.core import UserError
from trivium.figures import (
    Arc,
    Between,
    Comes,
    Heat,
    Line,
    Moved,
    SvgFigure,
    dumbbells,
    heat_map,
    ladder,
    range_bars,
    ring,
)

SVG = "{http://www.w3.org/2000/svg}"
LINES = ((Line.SOLID, "contracted"), (Line.DASHED, "reported"), (Line.DOTTED, "intended"))
ARCS = (
    Arc("Lab", "Cloud", 100.0, "commitment", Line.SOLID, "D1", "claim-1"),
    Arc("Cloud", "Lab", 25.0, "investment", Line.DASHED, "D2"),
    Arc("Bank", "Cloud", 4.0, "loan", Line.DOTTED),
)


def parsed(figure: SvgFigure) -> ET.Element:
    return ET.fromstring(figure.svg())  # noqa: S314  our own drawing, not a stranger's


def arcs_of(root: ET.Element) -> dict[str, ET.Element]:
    return {
        group.find(f"{SVG}title").text.partition(":")[0]: group  # type: ignore[union-attr]  # each has a title
        for group in root.iter(f"{SVG}g")
        if group.get("class") == "arc"
    }


def test_a_pair_that_pays_both_ways_has_an_arc_each_way() -> None:
    """The two arcs bend to different sides, so that a cycle is seen as one."""
    found = arcs_of(parsed(ring(ARCS, lines=LINES, title="who", unit="bn")))
    assert {"Lab to Cloud", "Cloud to Lab", "Bank to Cloud"} == set(found)
    curves = (found[name][1].get("d", "") for name in ("Lab to Cloud", "Cloud to Lab"))
    there, back = (tuple(map(float, re.findall(r"Q(\S+) (\S+) ", curve)[0])) for curve in curves)
    assert hypot(there[0] - back[0], there[1] - back[1]) > 40


def test_status_is_the_style_of_the_line() -> None:
    found = arcs_of(parsed(ring(ARCS, lines=LINES)))
    styles = {name: (group.get("data-line"), group[1].get("stroke-dasharray")) for name, group in found.items()}
    assert styles == {
        "Lab to Cloud": ("solid", None),
        "Cloud to Lab": ("dashed", "8 5"),
        "Bank to Cloud": ("dotted", "1 5"),
    }
    text = ring(ARCS, lines=LINES).svg()
    assert all(words in text for words in ("contracted", "reported", "intended"))


def test_width_goes_by_the_root_of_the_amount() -> None:
    found = arcs_of(parsed(ring(ARCS, lines=LINES)))
    wide = {name: float(group[1].get("stroke-width", "0")) for name, group in found.items()}
    assert wide["Cloud to Lab"] / wide["Lab to Cloud"] == pytest.approx(sqrt(25 / 100), abs=0.01)


def test_an_arc_leads_where_it_is_told() -> None:
    assert [one.get("href") for one in parsed(ring(ARCS)).iter(f"{SVG}a")] == ["#claim-1"]


def test_names_that_look_like_markup_are_text() -> None:
    hostile = '<script>"&'
    for figure in (
        ring([Arc(hostile, "B", 1.0, hostile, Line.SOLID, hostile)], lines=LINES, title=hostile),
        heat_map({(hostile, "B"): Heat(1.0, hostile)}, title=hostile),
        ladder([hostile], [(hostile, [1.0])], title=hostile),
        range_bars([Between(hostile, 1, 2, 3)], title=hostile),
        dumbbells([Moved(hostile, 1, 2, 3)], title=hostile),
    ):
        assert "<script" not in figure.svg()
        parsed(figure)


def test_a_heat_map_writes_the_amounts_and_frames_what_is_not_sure() -> None:
    chart = heat_map({("A", "B"): Heat(200.0, "", True), ("B", "A"): Heat(2.0)}, unit="bn", unsure_means="not sure")
    cells = {
        title.text.partition(":")[0]: (group[1], group[2].text)
        for group in parsed(chart).iter(f"{SVG}g")
        if (title := group.find(f"{SVG}title")) is not None and title.text
    }
    assert cells["A pays B"][1] == "200"
    assert cells["B pays A"][1] == "2"
    assert cells["A pays B"][0].get("stroke-dasharray")
    assert cells["B pays A"][0].get("stroke-dasharray") is None
    # two decades less: 0.95 - 2/3 of 0.83
    assert float(cells["B pays A"][0].get("fill-opacity", "0")) == pytest.approx(0.95 - 0.83 * 2 / 3, abs=0.01)
    assert "B pays A 2 bn" in chart.svg()


def test_a_ladder_stacks_its_parts_and_says_what_leaves_the_picture() -> None:
    comes = Comes("free", (5.0, 5.0), (20.0, 900.0), (40.0, 1000.0))
    chart = ladder(["2027", "2028"], [("firm", [10.0, 20.0]), ("rest", [30.0, 0.0])], comes=comes, unit="bn")
    heights = {
        rect.find(f"{SVG}title").text: (float(rect.get("y", "0")), float(rect.get("height", "0")))  # type: ignore[union-attr]  # each has a title
        for rect in parsed(chart).iter(f"{SVG}rect")
        if rect.find(f"{SVG}title") is not None
    }
    (top, tall), (middle, low) = heights["2027, rest: 30 bn"], heights["2027, firm: 10 bn"]
    assert tall == pytest.approx(3 * low, rel=0.01)
    assert top + tall == pytest.approx(middle, abs=0.02)
    assert "2028, rest: 0 bn" not in heights
    assert "2028, free: 5 · 900 · 1k bn" in chart.svg()
    assert "beyond the picture" in chart.svg()
    assert "10 … " not in chart.terminal()
    assert "5 … 40" in chart.terminal()


def test_ranges_and_dumbbells_say_their_figures() -> None:
    assert "0.5 · 1 · 50" in range_bars([Between("chip", 0.5, 1.0, 50.0)], unit="USD").svg()
    assert "100 → 60 · 0" in dumbbells([Moved("Lab", 100, 60, 0)], unit="bn").svg()
    assert "100    60      0" in dumbbells([Moved("Lab", 100, 60, 0)], unit="bn").terminal()


@pytest.mark.parametrize("figure", [ring([]), heat_map({}), ladder([], []), range_bars([]), dumbbells([])])
def test_nothing_to_show_is_said(figure: SvgFigure) -> None:
    assert "nothing to show" in figure.svg()


def test_what_cannot_be_drawn_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="A to B"):
        ring([Arc("A", "B", -1.0, "x")])
    with pytest.raises(UserError, match="arc"):
        ring([Arc("A", "A", 1.0, "x")])
    with pytest.raises(UserError, match="A to B"):
        heat_map({("A", "B"): Heat(float("nan"))})
    with pytest.raises(UserError, match="firm"):
        ladder(["a"], [("firm", [1.0, 2.0])])
    with pytest.raises(UserError, match="chip"):
        range_bars([Between("chip", 0.0, 1.0, 2.0)])
    with pytest.raises(UserError, match="Lab"):
        dumbbells([Moved("Lab", 1.0, float("inf"), 0.0)])
