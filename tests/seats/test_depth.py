"""A Microsoft footprint saves and costs a range that a reviewer can add up; what nobody prices is theirs to fill."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from money.world import AT, OPUS, SONNET_46, book, demand, event, snapshot
from trivium.core import Money, Offer, Usage
from trivium.plan.decision import Ground, Point
from trivium.plan.org import About, Microsoft, Needs, Onboarding, Organisation, Workload
from trivium.plan.org import Usage as UsageFrom
from trivium.plan.seats import Depth, DepthAsk, SeatUsage, Way, metered, microsoft_depth, read_seats_text

SONNET_5 = Offer("anthropic", "global", "claude-sonnet-5")  # 2/10 USD/Mtok
MTOK = 10**6


def organisation(needs: Needs, microsoft: Microsoft, onboarding: dict[str, Onboarding] | None = None) -> Organisation:
    return Organisation(
        About(horizon_months=10), {"search": Workload(needs=needs)}, {}, microsoft, onboarding or {}, UsageFrom(), ()
    )


def depth(
    needs: Needs,
    microsoft: Microsoft | None = None,
    *,
    offer: Offer = SONNET_5,
    onboarding: dict[str, Onboarding] | None = None,
    usage: tuple[SeatUsage, ...] = (),
) -> Depth:
    """Ten requests of 1 Mtok in and 0.1 Mtok out in a month: on Sonnet 5, 10 x 2 + 1 x 10 = 30 USD."""
    demands = demand([event(60.0 * number, Usage(MTOK, MTOK // 10), offer) for number in range(10)])
    given = organisation(needs, microsoft or Microsoft(), onboarding)
    return microsoft_depth(DepthAsk("search", given, demands, snapshot(), book(), AT, 30.4375, usage))


def way(found: Depth, surface: str) -> Way:
    return next(item for item in found.ways if item.surface == surface)


def point(found: Depth, what: str) -> Point:
    return next(item for item in found.answer.points if what in item.what)


def test_new_seats_cost_their_price_and_what_the_pool_leaves_of_the_meter() -> None:
    found = depth(Needs(place="ide", users=1), Microsoft(m365_seats=10))
    seats = way(found, "github-copilot")
    # one seat at 19 USD brings 1,900 credits, 19 USD; the same tokens are 30 USD on its meter: 19 + 11
    assert seats.low_usd == pytest.approx(30)
    assert seats.high_usd == pytest.approx(30)
    assert seats.break_even == "up to 1 seats cost no more than 30.00 USD of tokens a month"
    assert Ground.ASSUMPTION in seats.basis.grounds
    assert "copilot.github-copilot.claude-sonnet-5.usd_per_mtok" in seats.basis.claim_ids


def test_seats_that_are_owned_carry_the_work_with_the_credits_they_have_left() -> None:
    found = depth(Needs(place="ide", users=2), Microsoft(github_copilot_seats=2))
    seats = way(found, "github-copilot")
    assert seats.low_usd == pytest.approx(0)  # 38 USD of pooled credits for 30 USD of use
    assert seats.high_usd == pytest.approx(38)  # two seats bought for it
    export = """date,product,sku,quantity,unit_type,net_amount
2026-10-01,copilot,copilot_ai_credit,1500,ai-credits,0
2026-10-30,copilot,copilot_ai_credit,1500,ai-credits,0
"""
    used = read_seats_text("export.csv", export)  # 3,000 credits in 30 days: 30.4375 USD a month of the 38 are used
    spent = way(depth(Needs(place="ide", users=2), Microsoft(github_copilot_seats=2), usage=used), "github-copilot")
    assert spent.low_usd == pytest.approx(30 - (38 - 30.4375))


def test_a_residency_requirement_adds_the_uplift_to_the_high_end() -> None:
    seats = way(depth(Needs(place="ide", users=1, geography="us"), Microsoft(github_copilot_seats=1)), "github-copilot")
    assert seats.high_usd == pytest.approx(19 + (30 * 1.1 - 19))


def test_a_model_that_copilot_no_longer_has_is_not_counted_and_the_claim_is_named() -> None:
    found = depth(
        Needs(place="ide", users=1),
        Microsoft(github_copilot_seats=1),
        offer=Offer("anthropic", "global", "claude-opus-5"),
    )
    seats = way(found, "github-copilot")
    assert seats.blocked.startswith("GitHub Copilot has no claude-opus-5 (retired there on 2026-11-16)")
    assert seats.low_usd is None
    assert any("retirement" in name for name in seats.basis.claim_ids)


def test_microsoft_365_seats_are_users_times_the_stated_price() -> None:
    microsoft = Microsoft(m365_copilot_seats=1, m365_copilot_usd_per_seat_month="12.50")
    seats = way(depth(Needs(place="teams", users=3), microsoft), "m365-copilot")
    assert (seats.low_usd, seats.high_usd) == (25.0, 37.5)
    assert seats.break_even.startswith("up to 2 seats")
    assert Ground.STATED in seats.basis.grounds


def test_the_eu_data_boundary_takes_microsoft_365_out_and_says_why() -> None:
    found = depth(Needs(place="teams", users=3, geography="eu"), Microsoft(m365_seats=3), offer=SONNET_46)
    seats = way(found, "m365-copilot")
    assert "excluded" in seats.blocked
    assert "off in EU, EFTA and UK" in seats.blocked
    assert "copilot.m365-copilot.eu_data_boundary" in seats.basis.claim_ids
    assert point(found, "Microsoft 365 Copilot seats").speaks_for == "not counted"


def test_copilot_studio_counts_credits_an_answer_from_packs_or_as_it_goes() -> None:
    studio = way(depth(Needs(place="copilot-studio"), Microsoft(m365_seats=3)), "copilot-studio")
    assert studio.low_usd == pytest.approx(10 * 2 * 0.01)  # ten plain answers, as it goes: a pack costs 200
    assert studio.high_usd == pytest.approx(10 * (2 + 10 + 5 + 100 / 10) * 0.01)


def test_without_a_number_of_users_the_field_is_the_users_to_fill_and_the_break_even_is_still_said() -> None:
    found = depth(Needs(place="ide"), Microsoft(m365_seats=1))
    seats = way(found, "github-copilot")
    assert (seats.low_usd, seats.yours) == (None, "needs.users")
    assert "needs.users" in found.answer.sentence
    assert seats.break_even.startswith("up to 1 seats")


def test_without_a_footprint_foundry_is_one_platform_among_others_with_evidence() -> None:
    found = depth(Needs())
    assert found.answer.verdict == "one platform among others"
    evidence = point(found, "Foundry's list price")
    assert evidence.value.startswith("the same per token as on anthropic")
    assert evidence.basis.claim_ids
    # 30 at list, onboarding of 5 to 20 days and 2 to move at 800, over 10 months
    assert way(found, "foundry").low_usd == pytest.approx(30 + 7 * 800 / 10)
    assert way(found, "foundry").high_usd == pytest.approx(30 + 22 * 800 / 10)
    assert found.saving_high_usd == pytest.approx(-560)


def test_a_macc_that_would_lapse_is_worth_at_most_what_runs_on_foundry() -> None:
    done = {"foundry": Onboarding(done=True, switch_days_per_workload=Decimal(0))}
    found = depth(Needs(), Microsoft(macc_remaining_usd="200"), onboarding=done)
    foundry = way(found, "foundry")
    assert foundry.break_even == "list on Foundry is the same as where it runs"  # and not -0.00 USD against it
    assert foundry.low_usd == pytest.approx(30 - 200 / 10)
    assert foundry.high_usd == pytest.approx(30)
    assert "cap.foundry.commitment" in foundry.basis.claim_ids
    more = way(depth(Needs(), Microsoft(macc_remaining_usd="9000"), onboarding=done), "foundry")
    assert more.low_usd == pytest.approx(0)


def test_the_onboarding_of_another_surface_is_what_foundry_would_avoid() -> None:
    needed = {"anthropic": Onboarding(fees_usd="1000"), "foundry": Onboarding(done=True)}
    found = depth(Needs(), Microsoft(entra=True), onboarding=needed)
    assert point(found, "onboarding of anthropic avoided").value.startswith("6,600 to 18,600 USD once")  # 7 and 22 days
    assert "Entra" in point(found, "identity").value


def test_every_point_carries_a_basis() -> None:
    found = depth(Needs(place="ide", users=5), Microsoft(github_copilot_seats=2, m365_seats=9, entra=True))
    assert all(item.basis.grounds for item in found.answer.points)


def test_the_meter_of_github_is_the_published_rates_on_the_measured_tokens() -> None:
    """Sonnet 4.5: 3 / 0.30 / 15 / 3.75 USD per million: 0.2 x 3 + 0.8 x 0.3 + 0.01 x 15 + 0.004 x 3.75 = 1.005."""
    offer = replace(SONNET_5, model="claude-sonnet-4-5")
    use = Usage(200_000, 10_000, cache_read=800_000, cache_write_5m=3_000, cache_write_1h=1_000)
    found = metered(snapshot(), demand([event(0, use, offer)]), AT)
    assert found.amount == Money.from_usd("1.005")
    assert found.missing == {}


def test_before_usage_billing_nothing_is_metered() -> None:
    found = metered(snapshot(), demand([event(0, Usage(1, 1), SONNET_46)]), date(2026, 5, 1))
    assert found.missing == {"claude-sonnet-4-6": "no price a token there"}


def test_a_model_that_seats_do_not_have_goes_on_as_tokens() -> None:
    """30 USD of Sonnet 5 on its meter; 1 Mtok of Opus 5 at 5 USD, which Copilot has no more, stays: 5 + max(38, 30)."""
    events = [event(60.0 * number, Usage(MTOK, MTOK // 10), SONNET_5) for number in range(10)]
    events.append(event(900.0, Usage(MTOK), OPUS))
    given = organisation(Needs(place="ide", users=2), Microsoft(m365_seats=1))
    found = microsoft_depth(DepthAsk("search", given, demand(events), snapshot(), book(), AT, 30.4375))
    seats = way(found, "github-copilot")
    assert found.tokens_usd == pytest.approx(35)
    assert (seats.low_usd, seats.high_usd) == (pytest.approx(43), pytest.approx(43))
    assert "claude-opus-5 (retired there on 2026-11-16) goes on as tokens for 5.00 USD" in seats.why


def test_a_model_that_microsoft_does_not_sell_leaves_no_way() -> None:
    found = depth(Needs(), offer=Offer("anthropic", "global", "claude-fable-5-2"))
    assert way(found, "foundry").blocked
    assert "none of Microsoft's ways can carry this work" in found.answer.sentence
    assert (found.saving_low_usd, found.saving_high_usd) == (0.0, 0.0)
