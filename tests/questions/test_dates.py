"""Checkpoints: every day that matters to a decision, once, sorted, with its claims; what is not counted says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from msgspec import structs

from questions.support import AT, demand, snapshot
from trivium.core import Checkpoint, Offer
from trivium.plan.decision import Ground, Stage
from trivium.plan.org import (
    About,
    Contract,
    Microsoft,
    Needs,
    Onboarding,
    Organisation,
    Tuning,
    Usage,
    Workload,
)
from trivium.plan.questions import Asked, Occasion, asked_of, checkpoint_answer, checkpoints, feasibility

SONNET = Offer("bedrock", "us", "claude-sonnet-4-5")
OPUS = Offer("vertex", "global", "claude-opus-5")


def _stage(offer: Offer, workload: str = "desk", first: date = AT) -> Stage:
    return Stage(workload, offer.model, offer, "5m", first, date(2029, 10, 24), 100)


def _occasion(
    *stages: Stage,
    months: int = 36,
    needs: Needs | None = None,
    contracts: dict[str, Contract] | None = None,
    onboarding: dict[str, Onboarding] | None = None,
) -> Occasion:
    workloads = {"desk": Workload(needs=needs or Needs())}
    organisation = Organisation(About(), workloads, contracts or {}, Microsoft(), onboarding or {}, Usage(), ())
    return Occasion(organisation, stages, snapshot(), AT, months)


def _on(found: tuple[Checkpoint, ...], word: str) -> list[tuple[date, str]]:
    return [(one.due, one.reason) for one in found if word in f"{one.subject} {one.reason}"]


def test_dates_are_sorted_inside_the_horizon_and_none_is_said_twice() -> None:
    found = checkpoints(_occasion(_stage(SONNET), _stage(OPUS), _stage(OPUS, "other")))
    assert list(found) == sorted(found)
    assert len({(one.due, one.subject, one.reason) for one in found}) == len(found)
    assert all(AT <= one.due <= date(2029, 11, 24) for one in found)


def test_a_retirement_is_a_date_and_a_floor_is_only_the_day_from_which_to_ask() -> None:
    found = checkpoints(_occasion(_stage(SONNET), _stage(OPUS)))
    assert _on(found, "claude-sonnet-4-5 on bedrock") == [(date(2027, 4, 8), "the surface stops serving the model")]
    floors = _on(found, "claude-opus-5 on vertex")
    assert floors[0] == (date(2027, 1, 24), "from this day on it may be retired; no day is set: ask again")


def test_what_lies_behind_the_horizon_is_not_in_it() -> None:
    """The horizon of four months ends on 2027-03-24, before the retirement of 2027-04-08."""
    assert _on(checkpoints(_occasion(_stage(SONNET), months=4)), "stops serving") == []


def test_notice_end_and_years_of_a_signed_commitment() -> None:
    """From 2025-06-01 for 36 months: ends 2028-06-01, notice 90 days before is 2028-03-03; then it renews."""
    contract = Contract(
        kind="spend-commitment",
        surfaces=("bedrock",),
        status="signed",
        starts=date(2025, 6, 1),
        term_months=36,
        notice_days=90,
        renews=True,
        commitment_usd_per_year="10000",
    )
    found = _on(checkpoints(_occasion(_stage(SONNET), contracts={"edp": contract})), "contract edp")
    assert found == [
        (date(2027, 6, 1), "a year of the commitment ends: compare what was spent with the amount"),
        (date(2028, 3, 3), "last day to give notice, 90 days before 2028-06-01, when it renews itself"),
        (date(2028, 6, 1), "it renews itself"),
        (date(2029, 6, 1), "a year of the commitment ends: compare what was spent with the amount"),
    ]


def test_a_contract_that_renewed_has_the_notice_day_of_the_term_that_runs() -> None:
    """Of a year from 2025-02-01 the third begins on 2027-02-01; notice of 30 days for it is due by 2027-01-02."""
    contract = Contract(
        kind="discount",
        surfaces=("bedrock",),
        status="signed",
        starts=date(2025, 2, 1),
        term_months=12,
        notice_days=30,
        renews=True,
    )
    found = _on(checkpoints(_occasion(_stage(SONNET), months=12, contracts={"less": contract})), "contract less")
    assert found == [
        (date(2027, 1, 2), "last day to give notice, 30 days before 2027-02-01, when it renews itself"),
        (date(2027, 2, 1), "it renews itself"),
    ]
    ended = structs.replace(contract, renews=False)
    assert _on(checkpoints(_occasion(_stage(SONNET), contracts={"less": ended})), "contract less") == []


def test_a_notice_day_that_has_passed_is_said_today() -> None:
    contract = Contract(
        kind="discount", surfaces=("bedrock",), status="signed", starts=date(2026, 1, 1), term_months=12, notice_days=60
    )
    found = _on(checkpoints(_occasion(_stage(SONNET), contracts={"edp": contract})), "contract edp")
    assert found == [
        (AT, "the day to give notice has passed (2026-11-02): it ends on 2027-01-01"),
        (date(2027, 1, 1), "it ends"),
    ]


@pytest.mark.parametrize(
    ("status", "expires", "due", "words"),
    [
        ("offered", date(2026, 12, 15), date(2026, 12, 15), "last day to sign"),
        ("offered", date(2026, 10, 1), AT, "expired on 2026-10-01"),
        ("offered", None, AT, "states no last day"),
        ("assumed", None, date(2026, 12, 24), "have it quoted"),
    ],
)
def test_quotes_expire_and_assumptions_are_to_be_quoted(
    status: str, expires: date | None, due: date, words: str
) -> None:
    contract = Contract(kind="discount", surfaces=("vertex",), status=status, expires=expires)  # type: ignore[arg-type]  # a table's word
    found = _on(checkpoints(_occasion(_stage(OPUS), contracts={"quote": contract})), "contract quote")
    assert [day for day, _ in found] == [due]
    assert words in found[0][1]


def test_prices_that_end_are_dates() -> None:
    """Fast mode of Opus 4.8 ends on 2026-11-30."""
    fast = Offer("anthropic", "global", "claude-opus-4-8", "fast")
    found = checkpoints(_occasion(_stage(fast)))
    assert any(one.due == date(2026, 11, 30) and "list prices begin or end" in one.reason for one in found)
    assert not _on(checkpoints(_occasion(_stage(replace(fast, tier="standard")))), "list prices")


def test_claims_it_rests_on_are_reviewed_together() -> None:
    ids = ("compliance.bedrock.fedramp", "compliance.bedrock.soc2", "compliance.anthropic.zdr")
    occasion = replace(_occasion(_stage(SONNET)), claim_ids=ids)
    found = [one for one in checkpoints(occasion) if "due for review" in one.reason]
    assert [(one.subject, one.reason, one.claim_ids) for one in found if one.subject == "bedrock"] == [
        ("bedrock", "2 claims the decision rests on are due for review", ids[:2])
    ]


def test_forward_looking_statements_are_named_and_never_rested_on() -> None:
    occasion = _occasion(_stage(Offer("foundry", "global-standard", "claude-opus-5")))
    found = checkpoints(occasion)
    codesign = [one for one in found if "NVIDIA co-design" in one.subject]
    assert "is forward-looking and not counted: measure time to first token" in codesign[0].reason
    assert codesign[0].due == date(2027, 5, 25)  # 182 days after 2026-11-24
    answer = checkpoint_answer("desk", occasion)
    assert set(codesign[0].claim_ids).isdisjoint(answer.basis.claim_ids)
    assert "rests on none of the" in answer.sentence


def test_they_are_looked_at_before_a_contract_there_binds() -> None:
    contract = Contract(kind="discount", surfaces=("foundry",), expires=date(2027, 2, 1))
    stage = _stage(Offer("foundry", "global-standard", "claude-opus-5"))
    found = checkpoints(_occasion(stage, contracts={"macc": contract}))
    assert {one.due for one in found if "NVIDIA co-design" in one.subject} == {date(2027, 2, 1)}


def test_an_unconfirmed_claim_matters_only_to_who_needs_it() -> None:
    without = _on(checkpoints(_occasion(_stage(OPUS))), "pci")
    needing = _on(checkpoints(_occasion(_stage(OPUS), needs=Needs(attestations=("pci_dss",)))), "pci")
    assert without == []
    assert needing[0][1] == "compliance: pci: unconfirmed and not counted: have it confirmed in writing"


def test_open_questions_tuning_and_new_surfaces_have_their_days() -> None:
    needs = Needs(tuning=Tuning(wanted_from=date(2026, 12, 10)))
    stage = _stage(OPUS, first=date(2027, 1, 24))
    occasion = _occasion(stage, needs=needs, onboarding={"vertex": Onboarding(), "bedrock": Onboarding()})
    found = checkpoints(replace(occasion, asked=(Asked("desk", "hipaa_baa on vertex: ask", ("x",)),)))
    assert (date(2026, 12, 10), "ask again whether a model can be tuned (now: closed)") in _on(found, "desk")
    assert (date(2026, 12, 24), "hipaa_baa on vertex: ask") in _on(found, "desk")
    opening = _on(found, "begin to open it")
    assert opening == [(date(2026, 12, 13), "begin to open it: 6 weeks before its first month, 2027-01-24")]


def test_a_surface_that_cannot_be_open_in_time_is_said_to_take_longer() -> None:
    stage = _stage(OPUS, first=AT)
    occasion = _occasion(stage, onboarding={"vertex": Onboarding(), "bedrock": Onboarding()})
    opening = _on(checkpoints(occasion), "begin to open it")
    assert opening == [(AT, f"begin to open it at once: it takes 6 weeks, and its first month is {AT}")]


def test_accounts_that_a_surface_leaves_out_are_asked_about() -> None:
    found = checkpoints(_occasion(_stage(Offer("foundry", "global-standard", "claude-opus-5"))))
    assert any("student, credit-based, CSP" in one.reason for one in found)


def test_the_answer_of_a_workload_has_its_own_dates_only() -> None:
    occasion = _occasion(_stage(SONNET), _stage(OPUS, "other"))
    mine = checkpoint_answer("desk", occasion)
    assert all("vertex" not in point.what for point in mine.points)
    assert mine.ask_again == min(date.fromisoformat(point.value) for point in mine.points)
    assert mine.verdict == f"{len(mine.points)} dates"
    assert all(point.basis.grounds for point in mine.points)
    none = checkpoint_answer("desk", _occasion(months=1))
    assert (none.verdict, none.basis.grounds) == ("none", (Ground.CLAIM,))


def test_platforms_are_asked_once_a_need_whatever_the_number_of_models() -> None:
    needs = Needs(attestations=("hipaa_baa",), capabilities=("telepathy",))
    offers = [Offer("vertex", "us", model) for model in ("claude-opus-5", "claude-haiku-4-5")]
    offers += [Offer("bedrock", "us", "claude-opus-5"), Offer("anthropic", "us", "claude-opus-5")]
    verdicts = {("desk", offer): feasibility(demand(), needs, offer, AT, snapshot()) for offer in offers}
    asked = asked_of(verdicts, [_stage(offers[2])])
    assert [one.text.partition(":")[0] for one in asked] == [
        "ask bedrock about telepathy for claude-opus-5",  # in use
        "ask vertex about hipaa_baa for claude-haiku-4-5, claude-opus-5",  # only the answer keeps it out
        "ask vertex about telepathy for claude-haiku-4-5, claude-opus-5",
    ]
    assert asked[1].claim_ids == ("compliance.vertex.hipaa_baa",)
