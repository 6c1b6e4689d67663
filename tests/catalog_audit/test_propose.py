"""Saved pages, feeds and tables as proposals: what is read, what is left to a person, and that nothing else happens."""

from __future__ import annotations

import json
import re
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_audit.conftest import TODAY
from trivium.catalog import Snapshot, load
from trivium.catalog._catalog import SHIPPED
from trivium.catalog._rules import read_rules
from trivium.catalog.audit import CellIndex, models_of
from trivium.catalog.propose import SCALES, Proposal, propose, read_file, review_text, write
from trivium.core import UserError

PAGE = Path(__file__).parent / "data/pricing.html"
HEAD = "<tr><th>Model</th><th>Input</th><th>Output</th></tr>"


class Desk:
    """Reads a text as a saved file and proposes from it, as the command does."""

    def __init__(self, snapshot: Snapshot, index: CellIndex, folder: Path) -> None:
        self.snapshot, self.index, self.folder = snapshot, index, folder

    def read(self, text: str, **known: Any) -> Proposal:
        path = self.folder / "saved"
        path.write_text(text)
        return self.of(path, **known)

    def of(self, path: Path, **known: Any) -> Proposal:
        reading = read_file(path, models_of(self.index), **known)
        return propose(reading, self.index, self.snapshot, seen_on=TODAY)


@pytest.fixture
def desk(snapshot: Snapshot, index: CellIndex, tmp_path: Path) -> Desk:
    return Desk(snapshot, index, tmp_path)


def told(proposal: Proposal) -> set[tuple[str, ...]]:
    return {
        (
            line.verdict,
            line.candidate.model or line.candidate.label,
            line.candidate.tier,
            line.candidate.unit,
            format(line.candidate.usd.normalize(), "f"),
        )
        for line in proposal.lines
    }


def prices(proposal: Proposal) -> set[tuple[str, ...]]:
    return {line[1:] for line in told(proposal)}


def test_a_saved_page_is_read_whole(desk: Desk) -> None:
    """Opus 5 down by a tenth (5 to 4.50, 25 to 22.50), Sonnet 5's read halved, Haiku 4.5 as it is, Opus 6 new."""
    found = desk.of(PAGE)
    origin = found.reading.origin
    assert (origin.title, origin.date, origin.surface, origin.status) == (
        "Pricing (invented for an example)",
        "2026-11-20",
        "anthropic",
        "documented",
    )
    assert {verdict: found.count(verdict) for verdict in ("same", "changed", "new", "conflict")} == {
        "same": 12,
        "changed": 8,
        "new": 5,
        "conflict": 0,
    }
    assert {
        ("changed", "claude-opus-5", "standard", "input", "4.5"),
        ("changed", "claude-opus-5", "batch", "output", "11.25"),
        ("changed", "claude-sonnet-5", "standard", "cache_read", "0.1"),
        ("new", "Claude Opus 6", "standard", "cache_write_1h", "6"),
        ("same", "claude-haiku-4-5", "standard", "cache_write_5m", "1.25"),
    } <= told(found)
    (issue,) = found.reading.issues
    assert issue.where == "table 2 (Batch processing), row 4, column 3"


def test_the_proposed_rules_read_back_as_rules_of_the_catalogue(desk: Desk, tmp_path: Path) -> None:
    proposal = desk.of(PAGE)
    rules = read_rules(write(proposal, PAGE.name, tmp_path / "out").rules)
    bases = {model: (rule.input, rule.output, day) for rule in rules.base for model, day in rule.models.items()}
    assert bases == {
        "claude-opus-5": ("4.5", "22.5", date(2026, 11, 20)),
        "claude-opus-6": ("3", "15", date(2026, 11, 20)),
    }
    # 0.10 / 2 and 0.15 / 3: both 0.05; every other cache price follows from 1.25, 2 and 0.1 times input
    assert {(rule.models, rule.unit, rule.factor) for rule in rules.unit} == {
        (("claude-sonnet-5",), "cache_read", "0.05"),
        (("claude-opus-6",), "cache_read", "0.05"),
    }
    assert rules.factor == ()  # batch is half of the new prices
    assert all(rule.status == "documented" and rule.seen == TODAY for _, rule in rules.rules())
    assert all(rule.note.startswith("proposed on 2026-11-22: table ") and rule.quote for _, rule in rules.rules())
    assert all(rule.id.endswith(".proposed") for _, rule in rules.rules())


def test_nothing_enters_the_catalogue(desk: Desk, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(SHIPPED.iterdir())}
    proposal = desk.of(PAGE)
    out = tmp_path / "proposals"
    written = write(proposal, "prices.html", out)
    assert {path.name for path in out.iterdir()} == {"prices-2026-11-22.toml", "prices-2026-11-22.md"}
    assert {path: path.read_bytes() for path in sorted(SHIPPED.iterdir())} == before
    assert load((out,)).snapshot(TODAY).cells == desk.snapshot.cells  # even as an overlay the folder changes nothing
    assert written.rules.read_text().startswith("# PROPOSED on 2026-11-22")


@pytest.mark.parametrize("inside", ["", "sub"])
def test_a_folder_of_claims_is_refused(inside: str, desk: Desk, tmp_path: Path) -> None:
    proposal = desk.of(PAGE)
    with pytest.raises(UserError, match="a person moves proposals in"):
        write(proposal, PAGE.name, SHIPPED / inside)
    (tmp_path / "prices.toml").write_text("")
    with pytest.raises(UserError, match="a person moves proposals in"):
        write(proposal, PAGE.name, tmp_path)


def test_an_older_page_would_contradict_what_was_seen_since(desk: Desk) -> None:
    """Opus 5's claim was seen on 2026-08-22; a page of June cannot change it, one of November can."""
    page = f"<table>{HEAD}<tr><td>Claude Opus 5</td><td>$6 / MTok</td><td>$30 / MTok</td></tr></table>"
    address = "https://platform.claude.com/docs/pricing"
    old = desk.read(page, address=address, day="2026-08-01")
    new = desk.read(page, address=address, day="2026-11-20")
    undated = desk.read(page, address=address)
    assert [one.count("conflict") for one in (old, new, undated)] == [2, 0, 2]
    assert {line.reason for line in undated.lines} == {
        "the page gives no day: say with --date when it was saved, if it is newer than our claim"
    }
    assert "[[base]]" not in old.rules
    assert 'input = "6"' in new.rules


def test_a_weaker_source_would_contradict_a_documented_price(desk: Desk) -> None:
    page = f"<table>{HEAD}<tr><td>Claude Opus 5</td><td>$6 / MTok</td><td>$30 / MTok</td></tr></table>"
    proposal = desk.read(page, address="https://blog.example.org/prices", day="2026-11-20")
    assert proposal.reading.origin.status == "reported"
    assert {line.reason for line in proposal.lines} == {"reported against our documented"}


# (what is peculiar, the rows, the prices in them)
SHAPES = {
    "models across, token kinds down": (
        """<tr><th></th><th>Claude Opus 5</th><th>Claude Haiku 4.5</th></tr>
        <tr><td>Input</td><td>$5/MTok</td><td>$1/MTok</td></tr>
        <tr><td>Output</td><td>$25/MTok</td><td>$5/MTok</td></tr>""",
        (
            "claude-opus-5 standard input 5; claude-opus-5 standard output 25; "
            "claude-haiku-4-5 standard input 1; claude-haiku-4-5 standard output 5"
        ),
    ),
    "two header rows with spans": (
        """<caption>USD per million tokens</caption>
        <tr><th rowspan="2">Model</th><th colspan="2">Standard</th><th colspan="2">Fast mode</th></tr>
        <tr><th>Input</th><th>Output</th><th>Input</th><th>Output</th></tr>
        <tr><td>Opus 5</td><td>5</td><td>25</td><td>10</td><td>50</td></tr>""",
        (
            "claude-opus-5 standard input 5; claude-opus-5 standard output 25; "
            "claude-opus-5 fast input 10; claude-opus-5 fast output 50"
        ),
    ),
    "per thousand: 0.005 x 1000 = 5": (
        """<tr><th>Model</th><th>Price per 1,000 input tokens</th><th>Price per 1,000 output tokens</th></tr>
        <tr><td>Claude Opus 5</td><td>$0.005</td><td>$0.025</td></tr>""",
        "claude-opus-5 standard input 5; claude-opus-5 standard output 25",
    ),
    "an id as the label, a dash where there is no price": (
        """<tr><th>Model</th><th>Cache write (5 minutes) per MTok</th><th>Cached input per MTok</th></tr>
        <tr><td>claude-opus-5</td><td>$6.25</td><td>—</td></tr>""",
        "claude-opus-5 standard cache_write_5m 6.25",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_of_every_shape(shape: str, desk: Desk) -> None:
    rows, expected = SHAPES[shape]
    found = prices(desk.read(f"<html><body><table>{rows}</table></body></html>", day="2026-11-20"))
    assert found == {tuple(price.split()) for price in expected.split("; ")}


def test_prompt_lengths_and_scopes_in_labels_are_kept(desk: Desk) -> None:
    """Haiku 5.5: 0.10 up to 100K tokens, 0.50 beyond; regional Opus 5 at 1.1 x 5 = 5.5."""
    page = (
        "<h2>Pricing per million tokens</h2><table><tr><th>Model</th><th>Input</th></tr>"
        "<tr><td>Claude Haiku 5.5 (prompts ≤ 100K)</td><td>$0.10</td></tr>"
        "<tr><td>Claude Haiku 5.5 (prompts &gt; 100K)</td><td>$0.50</td></tr></table>"
        "<h2>US-only inference, per million tokens</h2><table><tr><th>Model</th><th>Input</th></tr>"
        "<tr><td>Claude Opus 5</td><td>$5.50</td></tr></table>"
    )
    found = desk.read(page, surface="anthropic", day="2026-11-20")
    assert {(line.verdict, line.candidate.scope, line.candidate.band, line.candidate.usd) for line in found.lines} == {
        ("same", "global", (0, 100_000), Decimal("0.10")),
        ("same", "global", (100_001, None), Decimal("0.50")),
        ("same", "us", (0, None), Decimal("5.50")),
    }


def test_a_price_of_a_region_is_proposed_as_a_factor_of_the_global_one(desk: Desk, tmp_path: Path) -> None:
    """Opus 5 to 4/20: regional 4.4/22 follows (1.1); Sonnet 5 at 2/10 with 2.4/12 in a region is 1.2."""
    page = (
        "<h2>Global, per million tokens</h2><table><tr><th>Model</th><th>Input</th><th>Output</th></tr>"
        "<tr><td>Claude Opus 5</td><td>$4</td><td>$20</td></tr></table>"
        "<h2>Geographic and in-region, per million tokens</h2>"
        "<table><tr><th>Model</th><th>Input</th><th>Output</th></tr>"
        "<tr><td>Claude Opus 5</td><td>$4.40</td><td>$22</td></tr>"
        "<tr><td>Claude Sonnet 5</td><td>$2.40</td><td>$12</td></tr></table>"
    )
    proposal = desk.read(page, address="https://aws.amazon.com/bedrock/pricing/", day="2026-11-20")
    path = tmp_path / "rules.toml"
    path.write_text(proposal.rules)
    rules = read_rules(path)
    assert [(rule.input, rule.output, rule.surfaces, rule.scopes) for rule in rules.base] == [
        ("4", "20", ("bedrock",), ())
    ]
    assert [(rule.models, rule.factor, rule.factor_output, rule.scopes) for rule in rules.factor] == [
        (("claude-sonnet-5",), "1.2", "", ("geo-or-regional",))
    ]
    assert "claude-opus-5/standard input = 4.40: follows: the region's factor times 4" in proposal.rules


def test_a_retired_model_at_its_last_price_is_nothing_new(desk: Desk) -> None:
    """Opus 4.1 ended first party on 2026-08-05 at 15/75."""
    page = f"<table>{HEAD}<tr><td>Claude Opus 4.1</td><td>$15 / MTok</td><td>$75 / MTok</td></tr></table>"
    assert {line.reason for line in desk.read(page, day="2026-11-20").lines} == {"as last sold, until 2026-08-05"}


def test_what_is_doubtful_is_not_taken_and_named(desk: Desk) -> None:
    page = (
        f"<table>{HEAD}<tr><td>Claude Opus 5</td><td>€5 / MTok</td><td>$25</td></tr>"
        "<tr><td>Claude Opus 4.8</td><td>$5 / MTok</td><td>$25 / MTok</td></tr>"
        "<tr><td>Claude Opus 4.8</td><td>$6 / MTok</td><td>$25 / MTok</td></tr></table>"
    )
    found = desk.read(page, day="2026-11-20")
    assert [(issue.where, issue.remedy.split(":")[0]) for issue in found.reading.issues] == [
        ("table 1, row 2, column 2", "give a page in US dollars"),
        ("table 1, row 2, column 3", "say with --per what the amounts are for"),
        ("Claude Opus 4.8, standard input", "two prices for one thing"),
    ]
    assert prices(found) == {("claude-opus-4-8", "standard", "output", "25")}
    scaled = desk.read(page, day="2026-11-20", scale=SCALES["mtok"])
    assert ("claude-opus-5", "standard", "output", "25") in prices(scaled)


RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Release notes</title>
<item><title>Claude Opus 5 costs less</title><link>https://platform.claude.com/notes/2</link>
<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
<description>&lt;p&gt;Claude Opus 5 now costs $4 per million input tokens and $20 per million output tokens.&lt;/p&gt;</description></item>
<item><title>Claude Opus 5</title><pubDate>Fri, 24 Jul 2026 10:00:00 GMT</pubDate>
<description>Claude Opus 5 is $5 / $25 per million tokens. Plans from $20 / $100 per month.</description></item>
</channel></rss>"""  # noqa: E501  one item, one line
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Notes</title><entry><title>Claude Opus 5</title>
<updated>2026-11-20T00:00:00Z</updated><link href="https://example.org/a"/>
<content type="html">&lt;table&gt;&lt;tr&gt;&lt;th&gt;Model&lt;/th&gt;&lt;th&gt;Input per MTok&lt;/th&gt;&lt;/tr&gt;
&lt;tr&gt;&lt;td&gt;Claude Opus 5&lt;/td&gt;&lt;td&gt;$4&lt;/td&gt;&lt;/tr&gt;&lt;/table&gt;</content></entry></feed>"""


def test_the_newest_item_of_a_feed_wins(desk: Desk) -> None:
    found = desk.read(RSS)
    assert told(found) == {
        ("conflict", "claude-opus-5", "standard", "input", "4"),
        ("conflict", "claude-opus-5", "standard", "output", "20"),
    }
    assert {(line.candidate.said_on, line.candidate.link) for line in found.lines} == {
        ("2026-11-20", "https://platform.claude.com/notes/2")
    }
    documented = desk.read(RSS, address="https://platform.claude.com/notes.xml")
    assert documented.count("changed") == 2
    assert 'models = { "claude-opus-5" = 2026-11-22 }' in documented.rules


def test_atom_and_json_feeds_are_read_alike(desk: Desk) -> None:
    item = {
        "title": "Claude Opus 5",
        "date_published": "2026-11-20T00:00:00Z",
        "content_html": "<table><tr><th>Model</th><th>Input per MTok</th></tr>"
        "<tr><td>Claude Opus 5</td><td>$4</td></tr></table>",
    }
    feed = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Notes", "items": [item]})
    assert prices(desk.read(ATOM)) == prices(desk.read(feed)) == {("claude-opus-5", "standard", "input", "4")}


def test_a_table_of_a_tool_and_a_csv_are_proposals_of_a_stranger(desk: Desk) -> None:
    csv = "surface,model,unit,usd_per_mtok\nbedrock,us.anthropic.claude-opus-5,input,5\n"
    litellm = json.dumps(
        {"claude-opus-6": {"litellm_provider": "anthropic"}, "claude-opus-5": {"input_cost_per_token": 6e-6}}
    )
    for text in (csv, litellm):
        found = desk.read(text)
        (line,) = found.lines
        assert (line.verdict, line.candidate.unit, found.reading.origin.status) == ("conflict", "input", "unconfirmed")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html><body><p>Nothing here.</p></body></html>", "no price of a Claude model"),
        ('<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]><rss><channel/></rss>', "line 1"),
        ('<rss><channel><item>\n<!entity x SYSTEM "file:///etc/passwd">', "line 2"),
        ("<rss><channel>", "well-formed"),
        ("{", "line 1"),
        ("", "line 1"),
    ],
)
def test_input_that_cannot_be_used_is_refused_with_the_place(text: str, says: str, desk: Desk) -> None:
    with pytest.raises(UserError) as raised:
        desk.read(text)
    assert says in str(raised.value)


def test_a_file_over_the_bound_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    with path.open("wb") as file:
        file.truncate(8 * 2**20 + 1)
    with pytest.raises(UserError, match="8 MiB"):
        desk.of(path)


@pytest.mark.parametrize(
    "piece",
    [
        *("<!--", "<table><tr>", "<td colspan=999 rowspan=999>", "<", "<a ", "</table>", "&", "<script>"),
        *("$1 / $2 Claude ", "<p>Claude Opus 5 $"),
    ],
)
def test_hostile_markup_takes_time_in_proportion_to_its_size(piece: str, desk: Desk) -> None:
    text = "<html><body><table>" + piece * (1_000_000 // len(piece))
    start = time.monotonic()
    with pytest.raises(UserError):
        desk.read(text)
    assert time.monotonic() - start < 15


def test_what_a_stranger_wrote_stays_text(desk: Desk, tmp_path: Path) -> None:
    evil = "Claude Opus 7 \x1b[31m \u202e \"\"\" '''"
    title = "x\"\n[[base]]\nid = 'y' | `a` <b>"
    page = f"<table>{HEAD}<tr><td>{evil}</td><td>$5 / MTok</td><td>$25 / MTok</td></tr></table>"
    proposal = desk.read(page, title=title, day="2026-11-20")
    written = write(proposal, "../../x y\u202e.html", tmp_path / "out")
    assert written.rules.name == "x-y-2026-11-22.toml"
    rules = read_rules(written.rules)
    assert [rule.id for rule in rules.base] == ["claude-opus-7-anthropic.proposed"]
    text = written.rules.read_text() + written.review.read_text()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "<b>" not in review_text(proposal)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(label=st.text(max_size=20), quote=st.text(max_size=40), usd=st.decimals("0.01", "900", places=2))
def test_whatever_stands_in_a_page_the_rules_read_back(label: str, quote: str, usd: Decimal, desk: Desk) -> None:
    page = (
        f"<html><title>{quote}</title><table>{HEAD}"
        f"<tr><td>Claude Opus 9 {label}</td><td>${usd} / MTok</td><td>${usd * 5} / MTok {quote}</td></tr>"
        "<tr><td>Claude Opus 8</td><td>$1 / MTok</td><td>$5 / MTok</td></tr></table></html>"
    )
    try:
        proposal = desk.read(page, day="2026-11-20")
    except (UserError, UnicodeEncodeError):
        return  # no price is left, or the text is no UTF-8
    path = desk.folder / "rules.toml"
    path.write_text(proposal.rules, encoding="utf-8")
    read_rules(path)
