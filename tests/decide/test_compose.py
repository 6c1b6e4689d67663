"""A decision on the shipped catalogue: its amounts can be redone, its bridges add up, its parts agree."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from decide.orgs import AT, OPUS, SILENT, SONNET, book, demands, given, months_of_span, organisation, snapshot
from trivium.core import Offer, UserError
from trivium.plan.decide._choose import choose
from trivium.plan.decide._compose import decide
from trivium.plan.decide._names import check_names
from trivium.plan.decide._whatif import Change, what_if
from trivium.plan.org import Contract, Needs, Onboarding, Workload


def test_a_workload_costs_what_its_tokens_cost_in_a_month() -> None:
    found = {item.workload: item for item in decide(given(), SILENT).workloads}
    # 21 days of 24 requests with 3,000 tokens in at 2 and 400 out at 10 USD per Mtok
    span_usd = 21 * 24 * (3_000 * 2 + 400 * 10) / 1e6
    assert found["search"].measured.usd == Decimal(str(span_usd))
    assert found["search"].monthly_now_usd == pytest.approx(span_usd / months_of_span())


def test_residency_has_its_price() -> None:
    """Bedrock's US profile costs a tenth more than global: lifting it saves one eleventh of what agents pay."""
    decision = decide(given(), SILENT)
    agents = next(item for item in decision.workloads if item.workload == "agents")
    bound = {binding.constraint: binding for binding in decision.bindings}
    found = bound["stays in the scopes it uses now (us)"]
    assert found.workloads == ("agents",)
    assert found.usd_per_month == pytest.approx(agents.monthly_plan_usd / 11)


def test_bridges_add_up() -> None:
    contract = Contract("spend-commitment", ("bedrock",), discount_percent=Decimal(8), commitment_usd_per_year="10")
    decision = decide(given(organisation(contracts={"edp": contract})), SILENT)
    for bridge in (decision.levers, decision.first_month):
        steps = sum(step.amount_usd for step in bridge.steps)
        assert bridge.start.amount_usd + steps == pytest.approx(bridge.end.amount_usd, rel=1e-6)


def test_what_each_workload_is_forecast_to_pay_adds_up_to_the_plan() -> None:
    contract = Contract("spend-commitment", ("bedrock",), discount_percent=Decimal(8), commitment_usd_per_year="10")
    decision = decide(given(organisation(contracts={"edp": contract})), SILENT)
    total = sum(item.forecast.mean_usd for item in decision.workloads)
    assert total == pytest.approx(decision.forecast.mean_usd, rel=1e-6)


def test_a_commitment_that_nothing_uses_is_carried_by_the_workloads_too() -> None:
    idle = Contract(
        "spend-commitment",
        ("vertex",),
        status="signed",
        starts=date(2025, 12, 1),
        term_months=24,
        commitment_usd_per_year="100",
    )
    asked = organisation(contracts={"idle": idle}, workloads={"agents": Workload(surfaces=("bedrock",))})
    asked.workloads["search"] = Workload(surfaces=("anthropic", "vertex"))
    asked.onboarding["vertex"] = Onboarding(days_low=Decimal(500), days_high=Decimal(500))
    decision = decide(given(asked), SILENT)
    assert {s.offer.surface for i in decision.workloads for s in i.stages} == {"anthropic", "bedrock"}
    total = sum(item.forecast.mean_usd for item in decision.workloads)
    assert total == pytest.approx(decision.forecast.mean_usd, rel=1e-6)
    assert decision.forecast.mean_usd > 100


def test_the_plan_is_not_dearer_than_any_rival() -> None:
    decision = decide(given(), SILENT)
    for rival in decision.rivals:
        if rival.forecast is not None:
            assert decision.forecast.mean_usd <= rival.forecast.mean_usd + 1e-6, rival.name


def test_a_rival_may_sign_what_the_plan_may_sign() -> None:
    offer = Contract("discount", ("bedrock",), discount_percent=Decimal(20))
    with_offer = {r.name: r.forecast for r in decide(given(organisation(contracts={"order": offer})), SILENT).rivals}
    without = {r.name: r.forecast for r in decide(given(), SILENT).rivals}
    assert with_offer["all on bedrock"].mean_usd == pytest.approx(0.8 * without["all on bedrock"].mean_usd)  # type: ignore[union-attr]
    assert with_offer["as it runs now"] == without["as it runs now"]


def test_a_discount_before_a_cover_leaves_the_plan_without_a_bound() -> None:
    less = Contract("discount", ("bedrock",), discount_percent=Decimal(20))
    cover = Contract(
        "spend-commitment",
        ("bedrock",),
        form="covered",
        discount_percent=Decimal(8),
        commitment_usd_per_year="10",
        commitment_usd_per_year_max="20",
    )
    chosen = choose(given(organisation(contracts={"less": less, "cover": cover})))
    assert chosen.proof.lower_usd is None
    assert choose(given(organisation(contracts={"cover": cover}))).proof.lower_usd is not None


def test_a_discount_moves_what_may_move_and_only_if_the_move_pays() -> None:
    offer = Contract("discount", ("vertex",), discount_percent=Decimal(20), term_months=60)
    cheap = decide(given(organisation(contracts={"order": offer})), SILENT)
    assert all(stage.offer.surface == "vertex" for stage in cheap.workloads[0].stages)
    assert [advice.verdict for advice in cheap.commitments] == ["sign"]
    dear = organisation(contracts={"order": offer})
    dear.onboarding["vertex"] = Onboarding(days_low=Decimal(500), days_high=Decimal(500))
    kept = decide(given(dear), SILENT)
    assert all(stage.offer.surface != "vertex" for item in kept.workloads for stage in item.stages)


def test_the_curve_of_a_commitment_passes_through_what_the_advice_says_of_its_level() -> None:
    offer = Contract("discount", ("vertex",), discount_percent=Decimal(20), term_months=60)
    (advice,) = decide(given(organisation(contracts={"order": offer})), SILENT).commitments
    (point,) = [point for point in advice.curve if point[0] == advice.level_usd_per_year]
    saving = advice.saving
    assert point[1:] == pytest.approx((saving.mean_usd, saving.quantiles_usd[0], saving.quantiles_usd[-1]), rel=1e-12)


def test_a_commitment_far_above_the_need_is_not_signed_and_says_from_where_it_pays() -> None:
    offer = Contract("spend-commitment", ("bedrock",), discount_percent=Decimal(5), commitment_usd_per_year="9000000")
    decision = decide(given(organisation(contracts={"edp": offer})), SILENT)
    (advice,) = decision.commitments
    assert advice.verdict == "do not sign"
    assert advice.loss_probability == 1
    assert "USD a year" in advice.break_even


def test_hard_needs_are_never_broken() -> None:
    needs = Needs(scopes=("us",))
    asked = organisation(workloads={"agents": Workload(surfaces=("bedrock", "anthropic"), needs=needs)})
    for stage in next(i for i in decide(given(asked), SILENT).workloads if i.workload == "agents").stages:
        assert stage.offer.surface in {"bedrock", "anthropic"}
        assert stage.offer.scope == "us"


def test_what_cannot_run_anywhere_is_told_and_stops_nothing() -> None:
    asked = organisation(workloads={"agents": Workload(surfaces=("foundry",), needs=Needs(scopes=("eu",)))})
    found = {item.workload: item for item in decide(given(asked), SILENT).workloads}
    assert found["agents"].unplaced.startswith("no platform offers what it needs")
    assert found["search"].stages


def test_a_share_that_may_wait_runs_as_batch_at_half_the_price() -> None:
    asked = organisation(workloads={"search": Workload(needs=Needs(batchable_percent=Decimal(40)))})
    item = next(i for i in decide(given(asked), SILENT).workloads if i.workload == "search")
    batch = [stage for stage in item.stages if stage.offer.tier == "batch"]
    assert {stage.share_percent for stage in batch} == {40}
    assert item.monthly_plan_usd == pytest.approx(item.monthly_now_usd * (0.6 + 0.4 / 2))


def test_the_route_table_sends_each_model_where_the_plan_runs_it_first() -> None:
    decision = decide(given(), SILENT)
    route = decision.routes.find("search", SONNET)
    assert route is not None
    assert route.targets[0].weight == 100
    assert route.targets[0].offer == next(i for i in decision.workloads if i.workload == "search").stages[0].offer
    assert all(target.weight == 0 for target in route.targets[1:])


def test_a_failing_surface_stops_only_what_has_no_other() -> None:
    asked = organisation(workloads={"search": Workload(surfaces=("anthropic",))})
    losses = {loss.surface: loss for loss in decide(given(asked), SILENT).losses}
    assert losses["anthropic"].workloads_stopped == ("search",)
    assert losses["anthropic"].share_continues_percent < 100


def test_the_same_seed_gives_the_same_decision() -> None:
    assert decide(given(), SILENT) == decide(given(), SILENT)


def test_what_if_scales_what_it_is_told_to() -> None:
    chosen = choose(given())
    more = what_if(chosen, Change(demand={"*": 0.5}))
    assert more.kept is not None
    assert more.kept.mean_usd == pytest.approx(1.5 * more.before.mean_usd)
    dearer = what_if(chosen, Change(prices={"anthropic": 0.3}))
    assert [(m.part, m.before) for m in dearer.moved] == [(f"search/{SONNET}", "anthropic")]
    assert dearer.best.mean_usd < dearer.kept.mean_usd  # type: ignore[union-attr]


def test_what_if_a_surface_is_withdrawn_says_what_moves_or_that_it_cannot_be_spared() -> None:
    chosen = choose(given())
    gone = what_if(chosen, Change(withdrawn=("bedrock",)))
    assert gone.kept is None
    assert [m.part for m in gone.moved] == [f"agents/{OPUS}"]
    tied = choose(given(organisation(workloads={"agents": Workload(surfaces=("bedrock",))})))
    with pytest.raises(UserError, match="withdrawn"):
        what_if(tied, Change(withdrawn=("bedrock",)))


def test_a_name_that_is_not_in_the_plan_is_refused() -> None:
    chosen = choose(given())
    with pytest.raises(UserError, match="azure"):
        what_if(chosen, Change(prices={"azure": 0.1}))
    with pytest.raises(UserError, match="nobody"):
        what_if(chosen, Change(growth={"nobody": 0.1}))
    with pytest.raises(UserError, match=r"workloads\.nobody"):
        choose(given(organisation(workloads={"nobody": Workload()})))


def test_a_retiring_model_is_followed_by_the_next_of_its_family_as_an_assumption() -> None:
    old = tuple(d for d in demands() if d.workload == "search")
    moved = tuple(
        type(d)(
            **{
                **{f: getattr(d, f) for f in d.__dataclass_fields__},
                "model": "claude-sonnet-4-5",
                "rows": _as(d, "claude-sonnet-4-5"),
            }
        )
        for d in old
    )
    tied = organisation(workloads={"search": Workload(surfaces=("anthropic",))})
    decision = decide(given(tied, demands=moved, at=date(2026, 9, 1)), SILENT)
    models = [stage.offer.model for stage in decision.workloads[0].stages]
    assert models[0] == "claude-sonnet-4-5"
    assert models[-1] != "claude-sonnet-4-5"
    assert any(a.field == "workloads.search.needs.models" for a in decision.assumptions)


def _as(demand: object, model: str) -> tuple[object, ...]:
    from dataclasses import replace

    return tuple(
        replace(row, offer=Offer(row.offer.surface, row.offer.scope, model))
        for row in demand.rows  # type: ignore[attr-defined]
    )


def test_quotas_hold_at_the_measured_peak_or_the_note_says_what_to_ask_for() -> None:
    from dataclasses import replace

    big = tuple(d.scaled(20_000) for d in demands())
    decision = decide(given(demands=big), SILENT)
    assert any("ask for" in note for note in decision.notes) or any(
        "measured peak" in b.constraint for b in decision.bindings
    )
    small = decide(given(), SILENT)
    assert not any("measured peak" in b.constraint for b in small.bindings)
    assert replace(small).notes == ()


def test_discounting_lowers_the_cost_of_later_months() -> None:
    plain = decide(given(), SILENT).forecast.mean_usd
    discounted = decide(given(organisation(discount_rate_percent_per_year=Decimal(12))), SILENT).forecast.mean_usd
    assert discounted < plain
    assert discounted > plain / 1.12


def test_a_minimum_stay_and_seed_come_from_the_file() -> None:
    chosen = choose(given(organisation(min_stay_months=6, seed=9)))
    assert chosen.framed.moves.min_stay_months == 6
    assert chosen.laid.shares.sum(axis=1) == pytest.approx(np.ones((2, 12)))
    assert decide(given(), SILENT).at == AT


@pytest.mark.parametrize("seed", [100, 134, 135, 136])
def test_the_verdict_on_each_offer_is_what_the_plan_signs(seed: int) -> None:
    """On random offers; in 134 a placement that only the curve had tried once made it advise what the plan left."""
    rng = np.random.default_rng(seed)
    contracts = {}
    for number in range(rng.integers(1, 4)):
        low = int(rng.integers(1, 40))
        contracts[f"c{number}"] = Contract(
            "spend-commitment",
            (str(rng.choice(["anthropic", "bedrock", "vertex", "foundry"])),),
            form=str(rng.choice(["covered", "take-or-pay"])),  # type: ignore[arg-type]
            term_months=int(rng.choice([12, 24, 6])),
            discount_percent=Decimal(int(rng.integers(1, 30))),
            commitment_usd_per_year=str(low),
            commitment_usd_per_year_max=str(low + int(rng.integers(0, 60))),
        )
    asked = given(organisation(contracts=contracts, horizon_months=12))
    chosen, decision = choose(asked), decide(asked, SILENT)
    advised = {a.contract: a.level_usd_per_year for a in decision.commitments if a.verdict == "sign"}
    assert advised == {deal.name: deal.amount_usd for deal in chosen.outcome.signed}
    total = sum(item.forecast.mean_usd for item in decision.workloads)
    assert total + chosen.moves_usd == pytest.approx(decision.forecast.mean_usd, rel=1e-6)
    if chosen.proof.lower_usd is not None:
        assert chosen.outcome.objective >= chosen.proof.lower_usd * (1 - 1e-6) - 1e-6


@pytest.mark.parametrize(
    ("needs", "field", "near"),
    [
        (Needs(attestations=("hippa_baa",)), "workloads.agents.needs.attestations", "hipaa_baa"),
        (Needs(data_terms=("zrd",)), "workloads.agents.needs.data_terms", "zdr"),
        (Needs(capabilities=("web_serch",)), "workloads.agents.needs.capabilities", "web_search"),
    ],
)
def test_a_misspelt_need_is_refused_with_the_names_that_are_near(needs: Needs, field: str, near: str) -> None:
    with pytest.raises(UserError) as caught:
        choose(given(organisation(workloads={"agents": Workload(needs=needs)})))
    assert caught.value.field == field
    assert near in caught.value.remedy


@pytest.mark.parametrize(
    ("needs", "field", "known"),
    [
        (Needs(scopes=("yy",)), "workloads.agents.needs.scopes", "geo-or-regional"),
        (Needs(geography="mars"), "workloads.agents.needs.geography", "eu, in, jp, us"),
        (Needs(geography="europe"), "workloads.agents.needs.geography", "such as eu"),
    ],
)
def test_a_place_that_no_price_and_no_claim_knows_is_refused_with_those_that_are_known(
    needs: Needs, field: str, known: str
) -> None:
    asked = organisation(workloads={"agents": Workload(needs=needs)})
    with pytest.raises(UserError) as caught:
        check_names(asked, snapshot(), book())
    assert caught.value.field == field
    assert known in caught.value.remedy


@pytest.mark.parametrize("scope", ["global", "us", "eu", "jp", "us-gov", "eu-central-1", "europe-west1", "US_Gov"])
def test_a_region_or_a_place_that_leads_to_a_priced_scope_is_taken(scope: str) -> None:
    check_names(organisation(workloads={"agents": Workload(needs=Needs(scopes=(scope,)))}), snapshot(), book())
