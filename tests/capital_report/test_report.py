"""The capital report: what it shows is what was computed, it fetches nothing, and it claims no more than it may."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import fields, replace
from datetime import date
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capital_dependence import books
from trivium.capital.capacity import Assumptions, Range, buys, swings
from trivium.capital.cover import Degree, Growth, Means, grown_years, static_years
from trivium.capital.deals import Stage, read_deals
from trivium.capital.network import deal_network, example_sheets, read_sheets
from trivium.capital.report import IS_NOT, Asked, Reading, Report, Scenario, gather, report_json, report_page
from trivium.capital.report import _charts as charts
from trivium.capital.report._page import TEMPLATES, _embedded, is_web
from trivium.catalog import load
from trivium.cli.capital import app
from trivium.core import UserError
from trivium.figures import Line, short

DAY = date(2026, 6, 28)
BN = 10**9


def scenario() -> Scenario:
    growth = Growth(47e9, math.log(2.7), 0.5, math.log(1.15), 1.0)
    return Scenario(growth, Means(0.45, 60e9), 2000, 1, 0.05)


@cache
def plain() -> Report:
    return gather(load().snapshot(DAY), Asked("Anthropic", stale_days=90))


@cache
def full() -> Report:
    snapshot = load().snapshot(DAY)
    sheets = read_sheets(example_sheets())
    network = deal_network(read_deals(snapshot), sheets)
    asked = Asked("Anthropic", stale_days=2, scenario=scenario(), command="trivium capital report --party Anthropic")
    return gather(snapshot, asked, network=network, shocks=sheets.scenarios[:2])


class Page(HTMLParser):
    """What a browser would find."""

    VOID = ("meta", "br", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open[-1:] == ["script"] else self.texts).append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.found if name in attrs]


@cache
def page(which: str) -> Page:
    return Page(report_page({"plain": plain, "full": full}[which]()))


both = pytest.mark.parametrize("which", ["plain", "full"])


@both
def test_a_page_fetches_nothing_and_every_link_leads_somewhere(which: str) -> None:
    """The only addresses are links to the sources of claims, which a reader may follow."""
    found = page(which)
    assert not {tag for tag, _ in found.found} & {"link", "img", "iframe", "object", "embed", "form", "base", "image"}
    assert not [
        attrs for _, attrs in found.found for name in attrs if name.startswith("on") or name in {"src", "srcset"}
    ]
    ids = found.all("id")
    assert len(set(ids)) == len(ids)
    inside = {link for link in found.all("href") if link.startswith("#")}
    assert inside <= {f"#{name}" for name in ids}
    outside = [attrs for tag, attrs in found.found if tag == "a" and not attrs["href"].startswith("#")]
    assert all(is_web(attrs["href"]) and attrs["rel"] == "noreferrer noopener" for attrs in outside)
    text = report_page({"plain": plain, "full": full}[which]())
    assert "url(" not in text
    assert "@import" not in text


@both
def test_only_the_pages_own_script_may_run(which: str) -> None:
    found = page(which)
    policy = next(attrs["content"] for tag, attrs in found.found if attrs.get("http-equiv"))
    script = found.scripts[-1]
    mark = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{mark}'" in policy
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import|eval|innerHTML)\b", script)


@both
def test_drawings_are_well_formed_and_named(which: str) -> None:
    text = report_page({"plain": plain, "full": full}[which]())
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) >= 9
    for drawing in drawings:
        root = ET.fromstring(drawing)  # noqa: S314  our own drawing
        assert root.get("role") == "img"
        assert root[0].tag.endswith("title")


def test_what_goes_round_is_drawn_both_ways_and_in_its_status() -> None:
    """Every arc is the sum of rows of one style; OpenAI and Amazon pay each other."""
    ledger = plain().ledger
    chart = charts.ring_chart(ledger, lambda claim: claim)
    pairs = {(one.giver, one.getter) for one in chart.arcs}
    for there in (("OpenAI", "Amazon"), ("Anthropic", "Google"), ("Anthropic", "Microsoft")):
        assert there in pairs
        assert (there[1], there[0]) in pairs
    styles = {Stage.CONTRACTED: Line.SOLID, Stage.ANNOUNCED: Line.DASHED, Stage.REPORTED: Line.DASHED}
    for arc in chart.arcs:
        rows = [
            deal
            for deal in charts.drawn_deals(ledger)
            if (deal.giver, deal.getter) == (arc.giver, arc.getter) and deal.name in re.findall(r"D\d+", arc.text)
        ]
        assert rows
        assert {styles.get(deal.stage, Line.DOTTED) for deal in rows} == {arc.line}
        assert arc.amount == pytest.approx(sum(float(deal.amount.point.usd) for deal in rows if deal.amount.point) / BN)


def test_a_letter_of_intent_is_dotted() -> None:
    """NVIDIA's 100 billion of September 2025 was one, until the 30 billion of February 2026 took its place."""
    before = charts.ring_chart(read_deals(load().snapshot(date(2025, 12, 1))), lambda claim: claim)
    after = charts.ring_chart(plain().ledger, lambda claim: claim)
    (intent,) = (one for one in before.arcs if (one.giver, one.getter) == ("NVIDIA", "OpenAI"))
    assert (intent.amount, intent.line) == (100.0, Line.DOTTED)
    assert [one.amount for one in after.arcs if (one.giver, one.getter) == ("NVIDIA", "OpenAI")] == [30.0]


def test_worths_are_on_no_scale_with_flows() -> None:
    """A stake's carrying value is in its own picture, and in no arc and no cell."""
    ledger = plain().ledger
    stakes = {bar.label for bar in charts.stakes_chart(ledger).bars}
    assert "Amazon to Anthropic" in stakes
    amazon = [one for one in charts.ring_chart(ledger, str).arcs if (one.giver, one.getter) == ("Amazon", "Anthropic")]
    assert sum(one.amount for one in amazon) == 33.0  # 8 + 5 paid, 20 staged; not 74.2
    assert charts.heat_chart(ledger, str).cells["Amazon", "Anthropic"].amount == 33.0


def test_the_front_says_the_sums() -> None:
    """As of 2026-06-28: 375, 175 and 133.75 billion over a run rate of 47."""
    said = page("plain").said
    assert "has committed 375 bn USD in all, 175 of it contracted, 133.75 firm." in said
    assert "That is 7.98 (headline), 3.72 (contracted), 2.85 (firm) years of a run rate of 47 bn USD a year" in said


def test_tables_and_pictures_are_the_computed_figures() -> None:
    report, said = full(), page("full").said
    for degree in Degree:
        for usd in charts.due_by_year(report, degree):
            assert f"{float(usd / BN):,.3f}".rstrip("0").rstrip(".") in said
    text = unescape(report_page(report))
    for number, year in enumerate(charts.year_ends(report)):
        firm = float(charts.due_by_year(report, Degree.FIRM)[number] / BN)
        assert f"{year}, firm: {short(firm)} bn USD" in text
        low, high = (report.income_usd[share][number] / BN for share in (0.05, 0.95))
        middle = report.income_usd[0.5][number] / BN
        assert f"{short(low)} · {short(middle)} · {short(high)} bn USD" in text
    for degree, one in report.short.items():
        assert f"{degree.value} {one.shortfall.probability:.3f} ± {2 * one.shortfall.standard_error:.3f}" in said
    end = scenario().growth.quantile_usd(report.asked.quarters / 4, 0.5) / BN
    assert f"to {short(end)} bn USD a year" in text
    for run in report.stress:
        for row in run.outcomes:
            if abs(row.worst.change) > 0.01:
                assert f"{row.before:,.2f} {row.best.equity:,.2f}" in said
    assert report.capacity is not None
    for bought in report.capacity.buys:
        found = bought.usd_per_mtok
        assert f"{bought.silicon}: {short(found.low)} · {short(found.point)} · {short(found.high)}" in text


def test_without_a_scenario_no_probability_is_anywhere() -> None:
    report, said = plain(), page("plain").said
    assert "share of futures short" not in said
    assert "No scenario was given, so no probability is printed" in said
    assert report_json(report)["scenario"] is None
    without = said.replace(IS_NOT, "")
    assert not re.search(r"probabilit(y|ies) of default", without)
    assert "%" not in "".join(re.findall(r"default[^.]*\d+ ?%", without))


def test_a_scenario_stands_beside_what_it_gives() -> None:
    said = page("full").said
    words = (
        "growth x2.7 a year fading to x1.15 (half-life 1 years), spread 0.5, run rate 47 bn USD, 45% of revenue free"
    )
    assert words in said
    assert "None of it is a finding about a party" in said


@both
def test_the_page_says_what_it_is_not(which: str) -> None:
    assert page(which).said.count(IS_NOT) == 2


def test_old_evidence_is_said_to_be_stale() -> None:
    """The newest deal is some days before the day of the report: too old for two days, not for ninety."""
    assert "Stale: re-check." in page("full").said
    assert "Stale: re-check." not in page("plain").said
    assert report_json(full())["evidence"]["stale"] is True


def test_every_claim_that_is_named_is_in_the_table_with_its_grade_and_source() -> None:
    found, text = page("full"), report_page(full())
    anchors = {link.removeprefix("#") for link in found.all("href") if link.startswith("#claim-")}
    assert anchors
    assert anchors <= set(found.all("id"))
    row = re.search(r'<tr id="claim-\d+"><td class="r">\d+</td><td class="l">deal.D030</td>.*?</tr>', text, re.DOTALL)
    assert row is not None
    assert "contracted" in row[0]
    assert "https://" in row[0]
    assert "not among the claims of this day" not in text


def test_readings_of_other_rooms_have_their_place() -> None:
    given = (Reading("cover under 3 years", "2.67", "re-check", date(2027, 1, 1), ("deal.D030",)),)
    said = Page(report_page(replace(plain(), checkpoints=given, dependence=given))).said
    assert "Dependence of your organisation" in said
    assert said.count("cover under 3 years") == 2
    assert "Days that the deals themselves give" not in said
    assert "Days that the deals themselves give" in page("plain").said


def test_claims_that_look_like_markup_or_scripts_are_text(tmp_path: Path) -> None:
    names = "id,surface,models,subject,predicate,value,unit,status,from,until,announced,seen,review_by,supersedes"
    head = f"{names},source,quote,note"
    deal = "<script>alert(1)</script> -> Anthropic,invest:equity_cash,5000000000,USD,contracted"
    row = f"deal.X1,,,{deal},2026-01-01,,2026-01-01,2026-06-01,,,javascript:alert(1),,"
    (tmp_path / "deals.csv").write_text(f"{head}\n{row}\n")
    report = gather(load((tmp_path,)).snapshot(DAY), Asked("Anthropic"))
    text = report_page(report)
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "deal.X1" in Page(text).said


def test_only_an_address_of_the_web_is_a_link_and_data_cannot_end_its_element() -> None:
    found = {address: is_web(address) for address in ("https://a.example", "javascript:alert(1)", "data:text/html,x")}
    assert found == {"https://a.example": True, "javascript:alert(1)": False, "data:text/html,x": False}
    assert json.loads(_embedded({"name": "</script>&"})) == {"name": "</script>&"}
    assert not set(_embedded({"name": "</script>&"})) & set("<>&")


def test_an_unknown_party_or_deal_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="party"):
        gather(load().snapshot(DAY), Asked("Nobody"))
    with pytest.raises(UserError, match="no deal had been announced by 2019-01-01"):
        gather(load().snapshot(date(2019, 1, 1)), Asked("Anthropic"))
    with pytest.raises(UserError, match="cancelled"):
        gather(load().snapshot(DAY), Asked("Anthropic", cancelled=("D999",)))


@pytest.mark.parametrize("party", ["Reflection AI", "CoreWeave"])
def test_a_party_without_a_run_rate_or_a_commitment_still_has_a_page(party: str) -> None:
    report = gather(load().snapshot(DAY), Asked(party))
    assert f"No claim gives a run rate of {party}" in Page(report_page(report)).said


@pytest.mark.parametrize(("day", "party"), [(date(2024, 12, 31), "Microsoft"), (date(2025, 10, 15), "OpenAI")])
def test_a_day_with_few_deals_still_has_a_page(day: date, party: str) -> None:
    assert IS_NOT in Page(report_page(gather(load().snapshot(day), Asked(party, quarters=1)))).said


NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed: the page's script is checked against Python with it")
def test_the_page_reckons_as_python_does() -> None:
    """Both run on the same inputs: years of cover, and USD per million tokens with what moves it, for every silicon."""
    report = plain()
    assert report.capacity is not None
    covers = [
        (committed, rate, growth, share)
        for committed in (30e9, 375e9)
        for rate in (14e9, 47e9)
        for growth in (0.0, math.log(2.7), math.log(0.1))
        for share in (0.45, 1.0)
    ]
    assumed = Assumptions(utilisation=Range(0.1, 0.35, 0.9))
    given = []
    for chip in report.capacity.chips:
        ranges = {
            "cost_usd_per_gw": report.capacity.cost,
            "watts_per_chip": chip.watts_per_chip.value,
            "tokens_per_s_per_chip": chip.tokens_per_s_per_chip.value,
            **{item.name: getattr(assumed, item.name) for item in fields(assumed)},
        }
        ends = {name: {"low": one.low, "point": one.point, "high": one.high} for name, one in ranges.items()}
        given.append({"facility": chip.facility, "given": ends})
    program = f"""
        const reckon = require({json.dumps(str(TEMPLATES / "reckon.js"))});
        const covers = {json.dumps(covers)}, chips = {json.dumps(given)};
        console.log(JSON.stringify({{
          covers: covers.map(([c, r, g, s]) => [reckon.staticYears(c, r), String(reckon.grownYears(c, r, g, s))]),
          chips: chips.map((one) => [one.given, one.facility]).map((one) => [
            reckon.usdPerMtok(...one), reckon.swings(...one)]),
        }}));"""
    done = subprocess.run([NODE or "node", "-e", program], capture_output=True, text=True, timeout=60, check=True)
    answer = json.loads(done.stdout)
    for (committed, rate, growth, share), (static, grown) in zip(covers, answer["covers"], strict=True):
        assert static == static_years(committed, rate)
        expected = grown_years(committed, rate, growth, share)
        assert float(grown.replace("Infinity", "inf")) == pytest.approx(expected, rel=1e-12)
    for chip, (usd, moved) in zip(report.capacity.chips, answer["chips"], strict=True):
        ours = buys("gw", 1.0, report.capacity.cost, chip, assumed).usd_per_mtok
        assert [usd["low"], usd["point"], usd["high"]] == pytest.approx([ours.low, ours.point, ours.high], rel=1e-12)
        wanted = {
            one.name: (one.at_low_usd_per_mtok, one.at_high_usd_per_mtok)
            for one in swings(report.capacity.cost, chip, assumed)
        }
        assert {one["name"]: (one["at_low"], one["at_high"]) for one in moved} == {
            name: pytest.approx(ends, rel=1e-12) for name, ends in wanted.items()
        }


DOM = """
const elements = {};
const made = (id) => elements[id] || (elements[id] = { id, value: "", textContent: "", disabled: true, heard: {},
  addEventListener(kind, what) { this.heard[kind] = what; } });
const values = VALUES;
for (const id of IDS) made(id);
for (const [id, value] of Object.entries(values)) made(id).value = value;
made("inputs").textContent = INPUTS;
const named = ["rate", "growth", "share", "headline", "contracted", "firm"];
const COVER = (id) => named.some((name) => id === "live-" + name);
const within = (selector) => Object.values(elements).filter((one) => one.id in values && one.id !== "live-silicon" &&
  COVER(one.id) === selector.startsWith("#live-cover"));
globalThis.document = { getElementById: (id) => elements[id] || null, querySelectorAll: within };
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed: the page's script is run with it")
def test_a_changed_input_changes_what_the_page_says() -> None:
    """With a run rate of 100 billion and other silicon chosen, the page says what Python says of them."""
    report, found = plain(), page("plain")
    assert report.capacity is not None
    values = {attrs["id"]: attrs["value"] for tag, attrs in found.found if tag == "input"}
    chip = report.capacity.chips[-1]
    dom = DOM.replace("IDS", json.dumps([one for one in found.all("id") if one.startswith("live-")]))
    dom = dom.replace("VALUES", json.dumps(values | {"live-silicon": report.capacity.chips[0].name}))
    dom = dom.replace("INPUTS", json.dumps(found.scripts[0]))
    changed = f"""
        elements["live-rate"].value = "100"; elements["live-rate"].heard.input();
        elements["live-silicon"].value = {json.dumps(chip.name)}; elements["live-silicon"].heard.change();
        const say = (id) => elements[id].textContent;
        console.log(JSON.stringify([elements["live-rate"].disabled, say("live-static-headline"), say("live-grown-firm"),
          say("live-usd-low"), say("live-usd-point"), say("live-usd-high"), say("live-facility_overhead-swing")]));"""
    program = dom + found.scripts[-1] + changed
    done = subprocess.run([NODE or "node", "-e", program], capture_output=True, text=True, timeout=60, check=True)
    usd = buys("gw", 1.0, report.capacity.cost, chip, Assumptions()).usd_per_mtok
    overhead = {one.name: one for one in swings(report.capacity.cost, chip, Assumptions())}["facility_overhead"]
    ends = [overhead.at_low_usd_per_mtok, overhead.at_high_usd_per_mtok]
    disabled, static, grown, *amounts, swing = json.loads(done.stdout)
    assert disabled is False
    assert [float(static), float(grown)] == [3.75, float(f"{grown_years(133.75, 100, math.log(2)):.3g}")]
    assert [float(one) for one in amounts] == [float(f"{one:.3g}") for one in (usd.low, usd.point, usd.high)]
    assert [float(one) for one in swing.split(" … ")] == [float(f"{one:.3g}") for one in ends]


@both
def test_what_can_be_varied_begins_with_the_products_answers(which: str) -> None:
    report, text = {"plain": plain, "full": full}[which](), report_page({"plain": plain, "full": full}[which]())
    for degree, usd in report.committed_usd.items():
        shown = f"{static_years(float(usd), 47e9):.3g}"
        assert f'<output id="live-static-{degree.value}">{shown}</output>' in text
    embedded = json.loads(page(which).scripts[0])
    assert report.capacity is not None
    assert set(embedded["silicon"]) == {chip.name for chip in report.capacity.chips}
    used = set(re.findall(r'field\(`?"?(live-[a-z-]+)"', (TEMPLATES / "live.js").read_text()))
    assert used <= set(page(which).all("id"))


def test_the_command_writes_the_page_and_the_same_as_json(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    words = ["report", "--as-of", "2026-06-28", "--party", "anthropic", "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "trivium capital report --party Anthropic --as-of 2026-06-28" in out.read_text()
    both_ways = CliRunner().invoke(app, ["report", "--as-of", "2026-06-28", "--json"])
    document = json.loads(both_ways.stdout)
    assert document["cover"]["static_years"]["headline"] == pytest.approx(375 / 47)
    assert document["due"]["years"][0] == "to Jun 27"
    arcs = {(one["from"], one["to"], one["line"]) for one in document["flows"]}
    assert ("Anthropic", "Microsoft", "solid") in arcs
    assert ("Anthropic", "Google", "dashed") in arcs


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--out", "x.html", "--growth", "2"),
        ("--out", "x.html", "--party", "Nobody"),
        ("--out", "x.html", "--sheets", "a.toml", "--example-sheets"),
        ("--out", "x.html", "--paths", "3"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, ["report", *words])
    assert isinstance(done.exception, UserError)


def test_the_command_reads_triggers_and_days_of_the_checkpoints() -> None:
    """A fired trigger with its claim, and the days in order, as `capital checkpoints` says them."""
    done = CliRunner().invoke(app, ["report", "--as-of", "2026-06-28", "--json"])
    rows = json.loads(done.stdout)["checkpoints"]
    fired = [
        one for one in rows if one["name"].startswith("one-buyer (CoreWeave)") and one["value"].startswith("fired")
    ]
    assert fired
    assert "Microsoft 67 %" in fired[0]["value"]
    assert fired[0]["claim_ids"]
    days = [one["due"] for one in rows if one["due"] is not None]
    assert days == sorted(days)
    assert "2026-07-01" in days  # D089 begins


def test_the_command_reads_the_dependence_of_a_ledger(tmp_path: Path) -> None:
    """Search spent 6 on Bedrock, chat 3 on Vertex: one maker, and nothing shows that search goes on elsewhere."""
    books.filled(tmp_path, [*books.repeated("search", "bedrock", 6), *books.repeated("chat", "vertex", 3)])
    (tmp_path / "trivium.toml").write_text("[capital.exit.bedrock]\nmigration_months = 3\n")
    words = ["--file", str(tmp_path / "trivium.toml"), "--db", str(tmp_path / "ledger.db"), "--as-of", "2026-11-25"]
    done = CliRunner().invoke(app, ["report", *words, "--json"])
    assert done.exit_code == 0, done.output
    found = {one["name"]: one["value"] for one in json.loads(done.stdout)["dependence"]}
    assert found["spend by model maker"] == "HHI 10,000"
    assert found["without the surface bedrock"] == "33% of spend goes on"  # 3 of 9
    assert "leaving bedrock" in found
