"""The report says everything the decision holds, leads from every figure to its ground, and asks nothing of the net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, settings
from hypothesis import given as given_
from hypothesis import strategies as st

from decide.orgs import SILENT, given, organisation, snapshot
from report.helpers import claims
from report.sample import HOSTILE, decided, empty, sample
from trivium.core import Money
from trivium.plan.decide._compose import decide
from trivium.plan.decision import Basis, Decision, Ground, Spread
from trivium.plan.report import report_html, report_pdf
from trivium.plan.report._build import document
from trivium.plan.report._charts import month_after
from trivium.plan.report._document import Cell, Ref
from trivium.plan.report._front import next_steps
from trivium.plan.report._refs import number_claims
from trivium.plan.report._spend import spend_by_surface
from trivium.plan.report._words import points, usd


def forty() -> Decision:
    return sample(60, tuple(f"workload number {number} of a long list" for number in range(40)))


DECISIONS: dict[str, Callable[[], Decision]] = {
    "full": sample,
    "one month": lambda: sample(1, ("only",)),
    "forty workloads, sixty months": forty,
    "empty": empty,
    "composed": lambda: decide(given(organisation(horizon_months=24)), SILENT),
}
every = pytest.mark.parametrize("make", DECISIONS.values(), ids=DECISIONS.keys())


class Page(HTMLParser):
    """What a browser would find: tags, anchors, links, text; and whether tags close in order."""

    VOID = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
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
        self.texts.append(data)


@every
def test_a_page_is_well_formed_and_every_link_leads_somewhere(make: Callable[[], Decision]) -> None:
    page = Page(report_html(make(), claims()))
    assert len(set(page.ids)) == len(page.ids)
    assert {link for link in page.links if link.startswith("#")} <= {f"#{name}" for name in page.ids}
    assert all(link.startswith("#") for link in page.links)


@every
def test_a_page_runs_no_script_and_asks_nothing_of_the_net(make: Callable[[], Decision]) -> None:
    page = Page(report_html(make(), claims()))
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "img", "form"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert "url(" not in report_html(make(), claims())


def test_names_are_text_wherever_they_stand() -> None:
    html = report_html(sample(), claims())
    assert "<script>" not in html
    assert HOSTILE in "".join(Page(html).texts)


@every
def test_print_is_made_and_is_the_same_each_time(make: Callable[[], Decision]) -> None:
    decision = make()
    once = report_pdf(decision, claims())
    assert once.startswith(b"%PDF-")
    assert once == report_pdf(decision, claims())


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _strings(item)
    elif is_dataclass(value) and not isinstance(value, Money):
        for item in fields(value):
            yield from _strings(getattr(value, item.name))


def test_every_sentence_of_the_decision_is_in_the_report() -> None:
    """All texts of all fields, but those of the route table (its own file) and digests (shortened)."""
    decision = sample()
    said = " ".join(" ".join(Page(report_html(decision, claims())).texts).split()).lower()
    hints = " ".join(
        value for name, value in Page(report_html(decision, claims())).attributes if name == "title"
    ).lower()
    for item in fields(decision):
        if item.name == "routes":
            continue
        for text in _strings(getattr(decision, item.name)):
            told = _as_told(text)
            assert told in said or told in hints, (item.name, text)


def _as_told(text: str) -> str:
    """Some words are shown by the name that people know."""
    names = {
        "bedrock": "amazon bedrock",
        "claude-aws": "claude on aws",
        "vertex": "vertex ai",
        "foundry": "foundry/",
        "type": "dominant type",
    }
    names |= {"window": "fine-tuning window", "price": "real price", "microsoft": "microsoft depth"}
    return names.get(text, " ".join(text.split()).lower())


def test_every_claim_that_is_named_has_its_entry_with_dates_and_source() -> None:
    decision = sample()
    texts = "".join(Page(report_html(decision, claims())).texts)
    claim = claims()["price.base.claude-opus-5"]
    for expected in (claim.id, claim.status, claim.value, str(claim.seen_on), claim.sources[0].title):
        assert expected in texts
    lost = report_html(decision, {})
    assert lost.count("not in the catalogue that was given") == len(number_claims(decision, {}).numbers) == 4


def test_a_claim_says_what_a_reader_must_know_before_resting_on_it() -> None:
    """On one day or another each of the four warnings applies to some shipped claim."""
    shown = {claim.id: claim for claim in claims().values() if claim.review_by or claim.valid_until or claim.valid_from}
    decision = replace(sample(), claim_ids=tuple(shown))
    texts = " ".join(Page(report_html(decision, shown)).texts)
    for claim in shown.values():
        if claim.valid_until is not None and claim.valid_until <= decision.at:
            assert "it holds no more on 2026-11-20" in texts
        if claim.review_by is not None and claim.review_by < decision.at:
            assert f"its review has been due since {claim.review_by}" in texts
        if claim.status in {"forward-looking", "unconfirmed"}:
            assert f"{claim.status}: shown, never counted" in texts
    assert "shown, never counted" not in "".join(Page(report_html(sample(), claims())).texts)


def test_a_statement_without_a_grade_has_the_weakest_of_its_claims() -> None:
    by_status = {claim.status: claim.id for claim in claims().values()}
    ids = (by_status["documented"], by_status["reported"])
    decision = replace(sample(), claim_ids=ids)
    refs = number_claims(decision, claims())
    assert refs.of(Basis((Ground.CLAIM,), ids))[-1].text == "reported"
    assert refs.of(Basis((Ground.CLAIM,), ids, "contracted"))[-1].text == "contracted"


@settings(max_examples=25, deadline=None)
@given_(st.text(min_size=1, max_size=40))
@example("\x00\x07\u2028\u202e</style></svg><svg onload=alert(1)>")
@example("{{ 7 * 7 }} {% raw %} #panic() $x$ *b* @label <label>")
@example("検索 עברית 🦊 é" * 20)
def test_any_name_stays_a_text(name: str) -> None:
    decision = sample(2, (name,))
    page = Page(report_html(decision, claims()))
    assert name in "".join(page.texts)
    assert not page.tags & {"script", "img", "b"}
    assert not [key for key, _ in page.attributes if key.startswith("on")]


@pytest.mark.parametrize("name", ["#panic() $x$ *b* @label <label> \\", "検索 עברית 🦊", "\x00\x07\u2028", "w" * 400])
def test_any_name_can_be_printed(name: str) -> None:
    assert report_pdf(sample(2, (name,)), claims()).startswith(b"%PDF-")


def test_conflicts_that_touch_a_claim_are_shown_with_who_wins() -> None:
    conflict = next(c for c in snapshot().conflicts() if not c.ranked.tied)
    touched = replace(sample(), claim_ids=(conflict.ranked.winner.id,))
    assert conflict.why in unescape(report_html(touched, claims(), [conflict]))
    assert "which of them wins" not in report_html(sample(), claims(), [conflict])


@pytest.mark.parametrize("ground", list(Ground))
def test_a_reference_stands_for_each_ground_and_leads_into_the_report(ground: Ground) -> None:
    decision = replace(sample(), bindings=(replace(sample().bindings[0], basis=Basis((ground,), note="n")),))
    refs = number_claims(decision, claims()).of(decision.bindings[0].basis)
    assert len(refs) == 1
    assert refs[0].anchor in {section.anchor for section in document(decision, claims()).sections}


def test_many_claims_are_shortened_and_none_is_lost() -> None:
    ids = tuple(sorted(claims())[:9])
    decision = replace(sample(), claim_ids=ids)
    refs = number_claims(decision, claims()).all(ids)
    assert len(refs) == 7
    assert refs[-1].text == "and 3 more"
    assert refs[-1].hint == ", ".join(ids[6:])


def test_page_one_holds_at_most_seven_sentences_and_three_dated_steps() -> None:
    decision = replace(sample(), summary=tuple(f"Sentence {n}." for n in range(9)))
    front = document(decision, claims()).sections[0]
    assert front.blocks[0].cell.text == " ".join(f"Sentence {n}." for n in range(7))  # type: ignore[union-attr]
    steps = next_steps(decision)
    assert [str(step.due) for step in steps] == ["2026-12-04", "2026-12-04", "2026-12-31"]
    assert steps[-1].text == "Sign edp at 300,000 USD a year."  # by the day on which the offer expires
    assert next_steps(empty()) == ()


def test_the_route_table_is_said_to_change_what_has_a_place() -> None:
    assert next_steps(sample())[0].text.endswith(f"it changes what search, agents, {HOSTILE} costs.")


@pytest.mark.parametrize(
    ("planned_usd", "told"),
    [(150.0, "it changes what search costs."), (100.0, "a month of each costs what it costs now.")],
)
def test_a_route_that_costs_more_is_a_change_too(planned_usd: float, told: str) -> None:
    decision = sample(names=("search",))
    item = replace(decision.workloads[0], monthly_now_usd=100.0, monthly_plan_usd=planned_usd)
    texts = [todo.text for todo in next_steps(replace(decision, workloads=(item,)))]
    assert any(text.endswith(told) for text in texts)


def test_a_workload_without_a_place_comes_first_and_says_what_there_is_instead() -> None:
    html = unescape(report_html(sample(), claims()))
    assert html.index("no platform offers what it needs") < html.index("Vertex AI, 410 USD more")
    assert "tuning of Claude 3 Haiku on bedrock until its end" in html


def test_beyond_a_hundred_workloads_the_dearest_have_sections_and_all_are_named() -> None:
    many = tuple(replace(decided(f"w{n}", 1), forecast=Spread(float(n), float(n), (float(n),) * 5)) for n in range(130))
    decision = replace(sample(1, ("x",)), workloads=many)
    found = document(decision, {})
    detailed = {section.title for section in found.sections if section.level == 3}
    assert detailed == {f"w{n}" for n in range(30, 130)}
    page = Page(report_html(decision, {}))
    assert {f"w{n}" for n in range(130)} <= set(page.texts)
    assert set(page.links) <= {f"#{name}" for name in page.ids}


def test_what_surfaces_are_paid_adds_up_to_the_forecast_of_the_plan() -> None:
    decision = sample()
    paid = spend_by_surface(decision)
    assert sum(map(sum, paid.values())) == pytest.approx(3 * 180_000)
    # agents: 40 % on Vertex from the seventh month; demand grows 2 % a month
    growth = [1.02**month for month in range(36)]
    assert sum(paid["vertex"]) == pytest.approx(0.4 * 180_000 * sum(growth[6:]) / sum(growth))
    assert spend_by_surface(empty()) == {}


def test_surfaces_are_paid_by_what_stages_cost_where_that_is_told() -> None:
    """Two models of one workload: 300 and 100 USD a month; a share of each model says nothing of the money."""
    one = sample(1, ("x",)).workloads[0]
    dear, cheap = (replace(one.stages[0], model=name, usd_per_month=usd) for name, usd in (("a", 300.0), ("b", 100.0)))
    stages = (dear, replace(cheap, offer=replace(cheap.offer, surface="vertex")))
    paid = spend_by_surface(replace(sample(1), workloads=(replace(one, stages=stages),)))
    assert {name: sum(values) for name, values in paid.items()} == pytest.approx({"bedrock": 135_000, "vertex": 45_000})


def test_models_that_share_a_place_are_named_together() -> None:
    one = sample(1, ("x",)).workloads[0]
    stages = tuple(
        replace(one.stages[0], model=name, offer=replace(one.stages[0].offer, model=runs))
        for name, runs in (("a", "a"), ("old", "b"))
    )
    html = unescape(report_html(replace(sample(1), workloads=(replace(one, stages=stages),)), claims()))
    assert "Amazon Bedrock us, a + b" in html
    assert ">bedrock us a</text>" in html
    assert ">bedrock us b for old</text>" in html


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "0.00 USD"),
        (0.004, "less than a cent"),
        (-0.004, "less than a cent below zero"),
        (0.005, "0.01 USD"),
        (99.994, "99.99 USD"),
        (99.996, "100 USD"),
        (-1234.5, "-1,234 USD"),
        (Money.from_usd("4321.987654321"), "4,322 USD"),
    ],
)
def test_dollars_are_written_one_way(amount: float | Money, text: str) -> None:
    assert usd(amount) == text
    assert points(62.5) == "62.5 %"
    assert points(100) == "100 %"


def test_the_month_after_is_the_same_day_or_the_first_after_it() -> None:
    assert month_after(date(2026, 11, 20)) == date(2026, 12, 20)
    assert month_after(date(2026, 12, 31)) == date(2027, 1, 31)
    assert month_after(date(2027, 1, 31)) == date(2027, 3, 1)


def test_cells_without_an_anchor_lead_nowhere() -> None:
    assert Cell("x").anchor == Ref("x").anchor == ""
