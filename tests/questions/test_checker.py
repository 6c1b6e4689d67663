"""The checker finds every kind of violation, shares nothing with the optimiser's reading, and agrees with it."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from questions.random_org import pool, random_organisation
from questions.support import AT, HOME, MONTH, demand, snapshot
from trivium.core import ROUTABLE_SURFACES, Offer
from trivium.plan import Quota, questions
from trivium.plan.decision import Stage
from trivium.plan.org import About, Microsoft, Needs, Onboarding, Organisation, Usage, Workload
from trivium.plan.questions import Violation, check_plan, feasibility

SCOPES = {
    "anthropic": ("global", "us"),
    "claude-aws": ("global", "us"),
    "bedrock": ("global", "geo-or-regional", "eu", "us-gov", "eu-central-2"),
    "bedrock-mantle": ("eu",),
    "vertex": ("global", "regional-or-multi-region", "eu", "europe-west2"),
    "claude-gcp": ("global",),
    "foundry": ("global-standard", "us-data-zone-standard"),
}
ATTESTATIONS = (
    *("hipaa", "fedramp", "fedramp_moderate", "dod_il", "dod_il5", "soc2"),
    *("iso27001", "iso42001", "pci", "gdpr", "hitrust"),
)
TERMS = ["zdr", "no_training", "eu_data_boundary", "data_sharing", "operator_access"]
ABILITIES = ["fine_tuning", "web_search", "native_batch", "structured_outputs", "files_api", "prompt_caching_1h"]
MODELS = ("claude-opus-5", "claude-fable-5", "claude-mythos-5-2", "claude-haiku-4-5", "claude-opus-4-1")


def _named(needs: Needs) -> tuple[str, ...]:
    return (*needs.attestations, *needs.data_terms, *needs.capabilities, *([needs.geography] * bool(needs.geography)))


ALL_NEEDS = (
    *(Needs(attestations=(name,)) for name in ATTESTATIONS),
    *(Needs(data_terms=(name,)) for name in TERMS),
    *(Needs(capabilities=(name,)) for name in ABILITIES),
    *(Needs(geography=name) for name in ("eu", "us", "jp")),
)


def _organisation(
    needs: Needs | None = None,
    about: About | None = None,
    surfaces: tuple[str, ...] = (),
    opening: dict[str, Onboarding] | None = None,
) -> Organisation:
    """Every surface is open unless told otherwise."""
    workload = Workload(needs=needs or Needs(), surfaces=surfaces)
    done = {name: Onboarding(done=True) for name in ROUTABLE_SURFACES}
    return Organisation(
        about or About(), {"desk": workload}, {}, Microsoft(), done if opening is None else opening, Usage(), ()
    )


def _stage(offer: Offer = HOME, share: int = 100, model: str = HOME.model, months: int = 1) -> Stage:
    return Stage("desk", model, offer, "5m", AT, date(2026, 10 + months, 24), share)


def _kinds(found: tuple[Violation, ...]) -> list[str]:
    return sorted({violation.kind for violation in found})


@pytest.mark.parametrize("needs", ALL_NEEDS, ids=[", ".join(_named(needs)) for needs in ALL_NEEDS])
def test_two_readings_of_the_same_claims_agree_on_every_offer(needs: Needs) -> None:
    """The optimiser's grammar and the checker's words were written apart; where they differ one of them is wrong."""
    for surface, scopes in SCOPES.items():
        for scope in scopes:
            for model in MODELS:
                for tier in ("standard", "batch"):
                    offer = Offer(surface, scope, model, tier)
                    traffic = demand(offer)
                    verdict = feasibility(traffic, needs, offer, date(2026, 12, 23), snapshot())
                    found = check_plan(_organisation(needs), [_stage(offer, model=model)], [traffic], snapshot())
                    wrong = [violation for violation in found if violation.kind != "price"]
                    assert verdict.ok is (not wrong), (offer, verdict.reason, wrong)


def test_the_checker_imports_nothing_that_the_optimiser_decides_with() -> None:
    folder = Path(questions.__file__).parent
    for name in ("_checker.py", "_rows.py"):
        tree = ast.parse((folder / name).read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        own = {module for module in modules if module and module.startswith("trivium.plan.questions")}
        assert own <= {"trivium.plan.questions"}
        assert not names & {"_candidates", "_evidence", "_feasibility", "_needs", "_places", "_reading", "_residency"}
        assert not modules & {"trivium.plan._candidates", "trivium.plan._quotas", "trivium.plan._claims"}


def test_a_plan_that_keeps_everything_has_no_violation() -> None:
    needs = Needs(attestations=("hipaa_baa", "soc2"), data_terms=("zdr",))
    assert check_plan(_organisation(needs), [_stage(months=2)], [demand()], snapshot()) == ()


def test_surfaces_models_and_scopes_that_the_file_does_not_allow() -> None:
    offer = Offer("bedrock", "us", "claude-opus-4-8")
    about = About(surfaces=("anthropic",))
    found = check_plan(_organisation(about=about, surfaces=("vertex",)), [_stage(offer)], [demand()], snapshot())
    assert _kinds(found) == ["model", "scope", "surface"]
    assert [violation.text for violation in found if violation.kind == "surface"] == [
        "only anthropic may be used",
        "only vertex may be used",
    ]


def test_a_successor_is_allowed_only_where_the_plan_names_it() -> None:
    offer = Offer("anthropic", "global", "claude-opus-5-5")
    one = check_plan(_organisation(), [_stage(offer)], [demand()], snapshot())
    assert _kinds(one) == ["model"]
    following = {"claude-opus-5": "claude-opus-5-5"}
    assert check_plan(_organisation(), [_stage(offer)], [demand()], snapshot(), successors=following) == ()


def test_what_is_not_sold_cannot_be_placed_there() -> None:
    """Foundry sells no batches; fast mode of Opus 4.8 is sold until 2026-11-30."""
    offer = Offer("foundry", "global-standard", "claude-opus-5", "batch")
    assert _kinds(check_plan(_organisation(), [_stage(offer)], [demand(offer)], snapshot())) == ["price"]
    fast = Offer("anthropic", "global", "claude-opus-4-8", "fast")
    found = check_plan(_organisation(), [_stage(fast, model=fast.model, months=2)], [demand(fast)], snapshot())
    assert [(violation.kind, violation.day) for violation in found] == [("price", date(2026, 12, 24))]


def test_a_prompt_that_is_too_long_for_the_window_there() -> None:
    """Haiku 4.5 is stated with 200,000 tokens; the prompts of 300,000 ran on a model with a million."""
    offer = Offer("anthropic", "global", "claude-haiku-4-5")
    needs = Needs(models=(offer.model,))
    long = replace(demand(), prompt_tokens_max=300_000)
    assert _kinds(check_plan(_organisation(needs), [_stage(offer)], [long], snapshot())) == ["capability"]
    short = replace(long, prompt_tokens_max=200_000)
    assert check_plan(_organisation(needs), [_stage(offer)], [short], snapshot()) == ()


def test_a_batch_is_only_for_what_may_wait() -> None:
    offer = replace(HOME, tier="batch")
    assert _kinds(check_plan(_organisation(), [_stage(offer)], [demand()], snapshot())) == ["scope"]
    assert check_plan(_organisation(Needs(batchable_percent=40)), [_stage(offer)], [demand()], snapshot()) == ()


def test_a_retirement_inside_the_stage_is_found_in_its_month() -> None:
    """Sonnet 4.5 leaves the first-party API on 2026-11-30; the month from 2026-11-24 runs until 2026-12-23."""
    offer = Offer("anthropic", "global", "claude-sonnet-4-5")
    found = check_plan(_organisation(), [_stage(offer, model=offer.model)], [demand(offer)], snapshot())
    assert [(violation.kind, violation.text, violation.day) for violation in found] == [
        ("retirement", "retired on 2026-11-30", date(2026, 12, 23))
    ]


def test_what_the_plan_itself_says_is_lost_is_not_held_against_it_from_that_day_on() -> None:
    """Retired on 2026-11-30; the plan that admits it from the month that ends on 2026-12-23 is honest, later is not."""
    offer = Offer("anthropic", "global", "claude-sonnet-4-5")
    stages, traffic = [_stage(offer, model=offer.model, months=2)], [demand(offer)]
    for day, kinds in ((date(2026, 12, 23), []), (date(2027, 1, 23), ["retirement"])):
        found = check_plan(_organisation(), stages, traffic, snapshot(), admitted={("desk", offer.model): day})
        assert _kinds(found) == kinds


def test_shares_of_a_month_make_up_the_whole() -> None:
    other = Offer("vertex", "global", "claude-opus-5")
    assert check_plan(_organisation(), [_stage(share=60), _stage(other, share=40)], [demand()], snapshot()) == ()
    found = check_plan(_organisation(), [_stage(share=60), _stage(other, share=30)], [demand()], snapshot())
    assert [violation.text for violation in found] == ["90 % of claude-opus-5 is placed"]


VERTEX = Offer("vertex", "global", "claude-opus-5")


def _moving(month: int) -> list[Stage]:
    """Where it runs today until a month of four, then on vertex."""
    days = [date(2026, 11, 24), date(2026, 12, 24), date(2027, 1, 24), date(2027, 2, 24)]
    there = replace(_stage(VERTEX), first_month=days[month], last_month=days[3])
    return [*([replace(_stage(), last_month=days[month - 1])] if month else []), there]


@pytest.mark.parametrize(("weeks", "least"), [("0", 0), ("4", 1), ("6", 2), ("13", 3)])
def test_a_surface_carries_nothing_before_it_can_be_open(weeks: str, least: int) -> None:
    """From 2026-11-24: 4 weeks end on 12-22, 6 on 01-05, 13 on 02-23; months begin on the 24th."""
    organisation = _organisation(opening={"vertex": Onboarding(weeks=Decimal(weeks))})
    for month in range(4):
        found = check_plan(organisation, _moving(month), [demand()], snapshot())
        assert _kinds(found) == ([] if month >= least else ["opening"]), month


def test_what_runs_today_or_is_said_to_be_open_need_not_wait() -> None:
    assert check_plan(_organisation(opening={}), [_stage()], [demand()], snapshot()) == ()
    done = _organisation(opening={"vertex": Onboarding(done=True)})
    assert check_plan(done, [_stage(VERTEX)], [demand()], snapshot()) == ()
    nothing = _organisation(about=About(nothing_runs=True), opening={})
    assert _kinds(check_plan(nothing, [_stage()], [demand()], snapshot())) == ["opening"]


def test_waiting_must_be_said_and_ends_when_everything_can_be_open() -> None:
    """Two months of six weeks may be waited, the third may not; and what does not run is told to be missing."""
    organisation = _organisation(about=About(nothing_runs=True), opening={})
    months = [date(2026, 11, 24), date(2026, 12, 24), date(2027, 1, 24), date(2027, 2, 24)]
    other = replace(demand(), workload="other")
    for waited in range(2, 4):
        waits = {(name, HOME.model, day): 100.0 for name in ("desk", "other") for day in months[:waited]}
        stage = replace(_stage(), first_month=months[waited], last_month=months[3])
        stages = [stage, replace(stage, workload="other")]
        found = check_plan(organisation, stages, [demand(), other], snapshot(), waits=waits)
        assert _kinds(found) == ([] if waited == 2 else ["opening"])
        unsaid = {key: share for key, share in waits.items() if key[0] == "desk"}
        found = check_plan(organisation, stages, [demand(), other], snapshot(), waits=unsaid)
        assert ("other", "shares") in {(violation.workload, violation.kind) for violation in found}


def test_a_demand_that_is_left_out_later_is_found() -> None:
    """One workload is placed for two months, the other for the first of them only."""
    other = replace(demand(), workload="other")
    stages = [_stage(months=2), replace(_stage(months=1), workload="other")]
    found = check_plan(_organisation(), stages, [demand(), other], snapshot())
    assert [(one.workload, one.day, one.text) for one in found] == [
        ("other", date(2026, 12, 24), "0 % of claude-opus-5 is placed")
    ]
    told = {("other", "claude-opus-5"): date(2027, 1, 23)}
    assert check_plan(_organisation(), stages, [demand(), other], snapshot(), admitted=told) == ()


@pytest.mark.parametrize(("limit", "kinds"), [(1200, []), (1199, ["quota"])])
def test_quotas_hold_at_the_busiest_minute_not_at_the_mean(limit: int, kinds: list[str]) -> None:
    """Minute 7 has 1,000 tokens of one workload and 200 of the other: 1,200 together, while the mean is 600."""
    one = demand(minutes=((7, 3, 1000), (8, 1, 0)))
    two = replace(demand(minutes=((7, 1, 200), (9, 1, 600))), workload="other")
    stages = [_stage(), replace(_stage(), workload="other")]
    quota = Quota("opus", "anthropic", "itpm", limit, {"input": 1})
    assert _kinds(check_plan(_organisation(), stages, [one, two], snapshot(), [quota])) == kinds


def test_a_share_of_a_minute_counts_as_that_share() -> None:
    """60 % of 1,000 tokens in the busiest minute is 600."""
    other = Offer("vertex", "global", "claude-opus-5")
    stages = [_stage(share=60), _stage(other, share=40)]
    traffic = demand(minutes=((7, 3, 1000),))
    for limit, kinds in ((600, []), (599, ["quota"])):
        quota = Quota("opus", "anthropic", "itpm", limit, {"input": 1})
        assert _kinds(check_plan(_organisation(), stages, [traffic], snapshot(), [quota])) == kinds


def test_a_stage_of_something_that_was_never_measured_is_a_violation() -> None:
    found = check_plan(_organisation(), [_stage(model="claude-haiku-4-5")], [demand()], snapshot())
    assert _kinds(found) == ["shares"]


@pytest.mark.parametrize("month", [MONTH])
def test_violations_name_their_claims(month: date) -> None:
    offer = Offer("claude-aws", "global", "claude-opus-5")
    needs = Needs(attestations=("hipaa_baa",))
    found = check_plan(_organisation(needs), [_stage(offer)], [demand(offer)], snapshot())
    assert [violation.claim_ids for violation in found] == [("compliance.claude-aws.hipaa_baa",)]
    assert found[0].day < month


_DECIDED = {"attestation", "data term", "residency", "capability", "retirement"}


@pytest.mark.parametrize("start", [date(2026, 11, 24), date(2027, 3, 24), date(2028, 12, 24)])
def test_on_random_organisations_the_two_agree_too_in_later_months(start: date) -> None:
    """Several needs at once, months in which models retire, and every offer of the catalogue as a candidate."""
    source = pool(snapshot(), AT)
    end = date(start.year + start.month // 12, start.month % 12 + 1, 23)
    tried = set()
    for seed in range(12):
        organisation, demands = random_organisation(source, seed)
        for traffic in demands:
            needs = organisation.needs(traffic.workload)
            for offer in source.offers:
                verdict = feasibility(traffic, needs, offer, end, snapshot())
                stage = Stage(traffic.workload, traffic.model, offer, "5m", start, start, 100)
                short = replace(traffic, prompt_tokens_max=0)  # the context window is the search's to look at
                found = check_plan(organisation, [stage], [short], snapshot())
                wrong = [violation for violation in found if violation.kind in _DECIDED]
                assert verdict.ok is (not wrong), (seed, offer, verdict.reason, wrong)
                tried.add(verdict.ok)
    assert tried == {True, False}
