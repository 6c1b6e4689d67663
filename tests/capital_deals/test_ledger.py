"""The deal ledger: every row loads, terms are typed, versions follow each other, contradictions and sums are shown."""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from trivium.capital.deals import DealLedger, Kind, Stage, State, commitments, deal_document, read_deals
from trivium.catalog import load
from trivium.core import Money, NoClaim, UserError

NOW, FIRST = date(2026, 11, 25), date(2026, 6, 28)
BN = 10**9
HEADER = ",".join(
    (
        *("id", "surface", "models", "subject", "predicate", "value", "unit", "status", "from", "until"),
        *("announced", "seen", "review_by", "supersedes", "source", "quote", "note"),
    )
)


@cache
def ledger(as_of: date = NOW, entered_by: date | None = None) -> DealLedger:
    return read_deals(load().snapshot(as_of), entered_by=entered_by)


def usd(billions: str) -> Money:
    return Money.from_usd(str(Fraction(billions) * BN) if "." not in billions else f"{int(Fraction(billions) * BN)}")


def own(folder: Path, name: str, *rows: str) -> Path:
    """An organisation's overlay with one table."""
    (folder / name).write_text("\n".join((HEADER, *rows)) + "\n")
    return folder


def test_every_row_of_the_deals_is_a_deal() -> None:
    """D001 to D118 without the seventeen numbers that were never given."""
    gaps = {*range(26, 30), *range(56, 60), *range(71, 80)}
    expected = {f"deal.D{number:03}" for number in range(1, 119) if number not in gaps}
    found = {deal.id for deal in ledger().deals}
    assert len(expected) == 101
    assert sorted(expected - found) == [], "rows that did not load"
    assert found == expected
    assert ledger().refused == ()


def test_every_row_of_the_articles_deals_is_a_statement_or_says_why_it_speaks_of_no_deal() -> None:
    """S001 to S018 are the article's section on the deal, S019 to S024 the one on OpenAI."""
    expected = {f"article.S{number:03}" for number in range(1, 25)}
    said = {one.claim.id: one for one in ledger().statements}
    assert sorted(expected - set(said)) == [], "rows that did not load"
    assert len(said) == 45
    assert {name for name, one in said.items() if not one.deals} == {"article.S017", "article.S018"}
    assert all(one.note for one in said.values() if not one.deals)
    assert {name for one in said.values() for name in one.deals} <= {deal.id for deal in ledger().deals}


def test_every_term_speaks_of_something_that_is_there() -> None:
    deals = {deal.id for deal in ledger().deals}
    claims = {claim.id for claim in load().claims}
    terms = [claim for claim in load().claims if claim.topic == "deal-terms"]
    for term in terms:
        if not term.subject.startswith("party/"):
            assert set(term.subject.split()) <= claims, term.id
        if term.predicate in {"inside", "overlaps", "qualified_by", "speaks_of_deal"} and term.value != "none":
            assert set(term.value.split()) <= deals, term.id


def test_amounts_keep_their_words_and_leave_open_what_the_words_leave_open() -> None:
    def amount(name: str) -> tuple[Money | None, Money | None, Money | None, str]:
        found = ledger().deal(name).amount
        return found.low, found.point, found.high, found.words

    assert amount("D037") == (usd("100"), usd("100"), None, "at least")
    assert amount("D036") == (usd("0"), usd("20"), usd("20"), "up to")
    assert amount("D064") == (usd("60"), usd("60"), usd("100"), "at least")
    assert amount("D048") == (usd("35"), usd("35"), usd("36"), "about")
    assert amount("D014") == (None, usd("300"), None, "about")
    assert amount("D012") == (usd("38"), usd("38"), usd("38"), "")
    assert amount("D042") == (None, None, None, "")
    assert ledger().deal("D055").amount.per == "year"


@pytest.mark.parametrize(
    ("name", "kind", "cash"),
    [
        ("D050", Kind.GUARANTEE, False),
        ("D019", Kind.WARRANT, False),
        ("D067", Kind.WARRANT, True),  # exercised for money
        ("D106", Kind.REVENUE_SHARE, True),
        ("D049", Kind.LEASE, True),
        ("D001", Kind.STAKE, False),
        ("D018", Kind.SUPPLY, False),
        ("D093", Kind.LEND, True),
        ("D030", Kind.COMMIT, True),
        ("D006", Kind.INVEST, True),
    ],
)
def test_a_kind_is_what_the_deal_is_whatever_the_table_calls_it(name: str, kind: Kind, cash: bool) -> None:
    assert (ledger().deal(name).kind, ledger().deal(name).cash) == (kind, cash)


def test_a_cancellable_contract_has_its_notice_and_only_its_firm_part_is_firm() -> None:
    deal = ledger().deal("D045")
    assert (deal.notice_days, deal.firm_usd) == (90, Fraction(3_750_000_000))
    assert not deal.firm.assumed
    assert [text for text in deal.conditions if "90 days" in text]
    assert "deal.D091" in deal.qualified_by


def test_commitments_at_three_degrees_of_firmness_are_the_sums_of_their_rows() -> None:
    found = commitments(ledger(FIRST, FIRST).current, "Anthropic")
    assert found.headline_usd == (200 + 100 + 45 + 30) * BN
    assert found.contracted_usd == (100 + 45 + 30) * BN
    assert found.firm_usd == (100 + 30) * BN + 3_750_000_000
    assert set(found.unknown) == {"deal.D042", "deal.D046", "deal.D049"}


def test_a_contract_that_has_ended_is_no_commitment_any_more() -> None:
    """D043 ends on 2031-12-31 and D045 on 2029-05-31; D030 (end assumed) and D037 (2036) run on."""
    day = date(2032, 1, 1)
    found = commitments(ledger(day, FIRST).current, "Anthropic")
    assert found.headline_usd == (100 + 30) * BN
    assert {name for name, _, _, _ in found.rows} == {"deal.D030", "deal.D037"}


def test_a_deal_is_superseded_from_the_day_its_successor_was_announced() -> None:
    before, after = ledger(date(2026, 2, 26)), ledger(date(2026, 2, 27))
    assert before.deal("D005").state is State.CURRENT
    assert after.deal("D005").state is State.SUPERSEDED
    assert after.deal("D005").superseded_by == "deal.D006"
    assert ledger(date(2026, 3, 3)).deal("D032").state is State.CURRENT
    assert ledger(date(2026, 3, 4)).deal("D032").superseded_by == "deal.D108"
    with pytest.raises(NoClaim, match="D006"):
        before.deal("D006")


def test_a_row_that_entered_later_replaces_nothing_in_the_ledger_as_it_stood() -> None:
    assert len(ledger(FIRST, FIRST).deals) == 67
    assert ledger(FIRST, FIRST).deal("D009").state is State.CURRENT
    assert ledger(FIRST).deal("D009").superseded_by == "deal.D103"


@pytest.mark.parametrize("day", [date(2025, 9, 30), date(2025, 11, 18), date(2026, 2, 27), date(2026, 4, 24), NOW])
def test_no_deal_is_known_before_its_announcement_and_none_replaced_before_its_successors(day: date) -> None:
    found = ledger(day)
    assert all(deal.announced_on is not None and deal.announced_on <= day for deal in found.deals)
    assert len(found.deals) == sum(
        deal.announced_on is not None and deal.announced_on <= day for deal in ledger().deals
    )
    for deal in found.deals:
        assert all(one.on is None or one.on <= day for one in deal.versions), deal.id
        if deal.superseded_by:
            assert found.deal(deal.superseded_by).announced_on <= day


@pytest.mark.parametrize(
    ("statement", "deal"),
    [("S003", "D030"), ("S005", "D032"), ("S006", "D031"), ("S020", "D003"), ("S032", "D034"), ("S053", "D080")],
)
def test_amounts_of_the_article_and_of_its_deals_agree_where_they_speak_of_the_same(statement: str, deal: str) -> None:
    said = next(one for one in ledger().statements if one.claim.id == f"article.{statement}")
    assert f"deal.{deal}" in said.deals
    assert said.claim.number * BN == ledger().deal(deal).amount.point.usd


def test_stages_are_those_of_the_rows() -> None:
    rows = [deal.stage for deal in ledger(FIRST, FIRST).deals]
    counted = {stage: rows.count(stage) for stage in Stage}
    assert counted == {Stage.CONTRACTED: 46, Stage.ANNOUNCED: 12, Stage.REPORTED: 8, Stage.LETTER_OF_INTENT: 1}


def test_versions_tell_how_a_deal_came_to_be_in_the_order_of_days() -> None:
    told = [(one.event, one.on, one.claim_id) for one in ledger().deal("D103").versions]
    assert ("announced", date(2026, 2, 27), "deal.D009") in told
    assert ("superseded", date(2026, 2, 27), "deal.D103") in told
    assert [on for _, on, _ in told] == sorted(on for _, on, _ in told)
    cerebras = [(one.event, one.text) for one in ledger().deal("D020").versions]
    assert cerebras[0] == ("announced", "more than $10B")
    assert ("amended", "more than $20B") in cerebras


def test_a_termination_in_an_overlay_ends_a_deal_from_its_day(tmp_path: Path) -> None:
    own(
        tmp_path,
        "deal_terms.csv",
        "own.end,,,deal.D045,event:terminated,notice served,,contracted,,,2026-09-01,2026-09-01,,,A letter,,",
    )
    catalog = load([tmp_path])
    assert read_deals(catalog.snapshot(date(2026, 8, 31))).deal("D045").state is State.CURRENT
    assert read_deals(catalog.snapshot(date(2026, 9, 1))).deal("D045").state is State.TERMINATED
    assert "deal.D045" not in {deal.id for deal in read_deals(catalog.snapshot(NOW)).current}


def test_every_assumption_is_marked_as_one_and_can_be_replaced(tmp_path: Path) -> None:
    deal = ledger().deal("D030")
    assert (deal.avoidable.assumed, deal.avoidable.point) == (True, Fraction(3, 10))
    assert [text for text in deal.schedule.assumed if "schedule flat" in text]
    assert [text for text in deal.schedule.assumed if "term 3..5..10 years" in text]
    assert len(deal.assumptions) == 5  # firm, avoidable and resale share; shape and term
    own(
        tmp_path,
        "deal_assumptions.csv",
        "own.share,,,assumed/commit,avoidable_share,0.1..0.2..0.25,share,unconfirmed,,,,2026-11-25,,,Our own,,a guess",
        "own.term,,,deal.D030,term_years,7,years,contracted,,,,2026-11-25,,,Our contract,,",
    )
    changed = read_deals(load([tmp_path]).snapshot(NOW)).deal("D030")
    assert (changed.avoidable.low, changed.avoidable.point) == (Fraction(1, 10), Fraction(1, 5))
    assert changed.schedule.end == date(2032, 11, 17)


def test_an_organisations_own_deal_is_read_and_a_row_that_is_none_is_named(tmp_path: Path) -> None:
    own(
        tmp_path,
        "deals.csv",
        "deal.OWN1,,,Example Ltd -> B,commit:prepaid,2500000.50,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,",
        "deal.OWN2,,,Example Ltd,commit:cloud,1,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,",
        "deal.OWN3,,,A -> B,gift:cloud,1,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,",
        "deal.OWN4,,,A -> B,commit:cloud,some,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,",
        "deal.OWN5,,,A -> B,commit:cloud,1,EUR,contracted,,,2026-01-01,2026-01-01,,,Ours,,",
    )
    found = read_deals(load([tmp_path]).snapshot(NOW))
    assert str(found.deal("OWN1").amount.point) == "2500000.5"
    assert [one.claim_id for one in found.refused] == ["deal.OWN2", "deal.OWN3", "deal.OWN4", "deal.OWN5"]
    assert len(found.deals) == 102


def test_the_firm_part_of_a_contract_with_notice_is_what_falls_due_within_it(tmp_path: Path) -> None:
    """3.6 bn over a year, 30 days of notice in June: one month of it, 0.3."""
    own(
        tmp_path,
        "deals.csv",
        "deal.OWN1,,,Us -> B,commit:x,3600000000,USD,contracted,2026-01-01,2026-12-31,2026-01-01,2026-01-01,,,Ours,,",
    )
    own(
        tmp_path,
        "deal_terms.csv",
        "own.notice,,,deal.OWN1,notice_days,30,days,contracted,,,2026-01-01,2026-01-01,,,Ours,,",
    )
    deal = read_deals(load([tmp_path]).snapshot(date(2026, 6, 1))).deal("own1")
    assert deal.firm_usd == 300_000_000
    assert deal.firm.assumed
    assert "notice" in deal.firm.why


def test_an_unreadable_row_replaces_nothing(tmp_path: Path) -> None:
    own(
        tmp_path,
        "deals.csv",
        "deal.OWN1,,,Nobody,commit:cloud,1,USD,contracted,,,2026-01-01,2026-01-01,,deal.D030,Ours,,",
    )
    assert read_deals(load([tmp_path]).snapshot(NOW)).deal("D030").state is State.CURRENT


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("own.x,,,deal.D030,amount_low,31000000000,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "amount_low"),
        ("own.x,,,deal.D030,term_years,0,years,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "own.x"),
        ("own.x,,,deal.D030,term_years,9999,years,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "own.x"),
        ("own.x,,,deal.D030,notice_days,soon,days,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "own.x"),
        ("own.x,,,deal.D030,schedule,steep,shape,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "own.x"),
        ("own.x,,,deal.D030,tranche,half: much,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "own.x"),
        ("own.x,,,deal.D030,firm_usd,31000000000,USD,contracted,,,2026-01-01,2026-01-01,,,Ours,,", "own.x"),
        ("own.x,,,deal.D030,conflict,a or b,,contracted,,,2026-01-01,2026-01-01,,,Ours,,no form", "own.x"),
    ],
)
def test_a_malformed_term_is_refused_by_name(row: str, named: str, tmp_path: Path) -> None:
    own(tmp_path, "deal_terms.csv", row)
    with pytest.raises(UserError, match=named.replace(".", r"\.")):
        read_deals(load([tmp_path]).snapshot(NOW))


@pytest.mark.parametrize("value", ["0.6..0.3..0.9", "0..2..3", "some", "0..1"])
def test_a_malformed_assumption_is_refused_by_name(value: str, tmp_path: Path) -> None:
    own(
        tmp_path,
        "deal_assumptions.csv",
        f"own.bad,,,assumed/commit,resale_share,{value},share,unconfirmed,,,,2026-11-25,,,Our own,,",
    )
    with pytest.raises(UserError, match=r"own\.bad"):
        read_deals(load([tmp_path]).snapshot(NOW))


def test_what_contradicts_is_shown_with_what_stands() -> None:
    def against(name: str) -> dict[str, tuple[str, ...]]:
        _, found, _ = ledger().about(ledger().deal(name))
        return {one.id.removeprefix("term.conflict."): one.stands for one in found}

    assert against("D030")["gigawatt"] == ()  # 50 or 10 billion a gigawatt: nothing decides
    assert against("D003")["azure-2032"] == ("article-check.S021",)
    assert against("D034")["equity-funding"] == ()
    assert against("D080")["debt-source"] == ("deal.D080",)
    assert len(ledger().contradictions) == 19
    earlier = ledger(date(2025, 11, 30)).contradictions
    assert "term.conflict.azure-2032" in {one.id for one in earlier}
    assert "term.conflict.gigawatt" not in {one.id for one in earlier}  # the 10 came on 2025-12-03


@pytest.mark.parametrize(
    ("worked", "result", "claims"),
    [
        ("30 / 19", "1.58", ("article.S003", "article.S063")),
        ("30 / 14", "2.14", ("article.S003", "article.S059")),
        ("250 / 30", "8.33", ("article.S020", "article.S003")),
        ("35 / 50 * 100", "70%", ("article.S009", "article.S008")),
    ],
)
def test_derived_figures_carry_their_sum_and_their_claims(worked: str, result: str, claims: tuple[str, ...]) -> None:
    found = {one.worked: one for one in ledger().figures}[worked]
    assert (found.result, found.recorded, found.claim_ids) == (result, result, claims)
    _, _, enters = ledger().about(ledger().deal("D030"))
    assert found in enters


def test_overlap_groups_say_which_rows_hold_the_same_money() -> None:
    assert ledger().deal("D081").inside == ("deal.D080",)
    assert {deal.name for deal in ledger().deals if deal.round == "OAI-2026"} == {
        *("D006", "D008", "D009", "D010", "D011", "D103")
    }
    assert all("deal.D011" in ledger().deal(name).inside for name in ("D006", "D008", "D009", "D010", "D103"))
    assert {deal.name for deal in ledger().deals if not deal.counted} == {
        *("D011", "D025", "D047", "D053", "D054", "D096", "D104", "D109", "D110")
    }
    assert ledger().deal("D084").overlaps == ("deal.D082",)


def test_a_deal_has_several_sources_and_vehicles_are_parties() -> None:
    titles = [one.title for one in ledger().deal("D016").sources]
    assert len(titles) == len(set(titles)) == 3
    assert len(ledger().deal("D030").sources) == 4  # the row's own, and three that document its figure
    assert ledger().role("Anthropic TPU SPV") == "vehicle"
    assert ledger().role("Anthropic") == "model maker"
    assert ledger().deal("D097").getter == "Google"  # the row names its parent


def test_tranches_add_up_to_what_their_deal_says() -> None:
    for name in ("D016", "D048", "D038", "D092", "D096", "D112", "D097"):
        deal = ledger().deal(name)
        parts = [one.amount for one in deal.tranches if one.amount is not None]
        assert sum((part.picos for part in parts), 0) == (deal.amount.point or Money(0)).picos, name


def test_the_deals_table_of_the_catalogue_is_the_one_that_is_read() -> None:
    path = Path(__file__).parents[2] / "src/trivium/catalog/claims/deals.csv"
    with path.open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {deal.id for deal in ledger().deals}
    for deal in ledger().deals:
        point = "unknown" if deal.amount.point is None else str(deal.amount.point)
        assert point == rows[deal.id]["value"], deal.id


def test_the_document_of_a_deal_gives_exact_amounts_and_marks_assumptions() -> None:
    found = deal_document(ledger().deal("D043"))
    assert found["amount_usd"]["point"] == "200000000000"
    assert found["schedule"]["usd_by_year"] == dict.fromkeys(map(str, range(2027, 2032)), "40000000000")
    assert found["avoidable_share"]["assumed"] is True
