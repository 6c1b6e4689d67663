"""Dependence from a real ledger: concentration after look-through, what was measured to go on, and exits, in sums."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from capital_dependence import books
from trivium import catalog
from trivium.capital.deals import read_deals
from trivium.capital.dependence import (
    Committed,
    Goes,
    How,
    Seen,
    Spent,
    chain_of,
    chains_of,
    concentration,
    connections,
    exit_of,
    exposures,
    failovers,
    groups,
    party_concentration,
    seen_in,
    spent_in,
    without_party,
    without_surface,
)
from trivium.core import FactError, Money, Outcome, SystemClock
from trivium.ledger import Ledger

DAY = date(2026, 11, 25)
SNAPSHOT = catalog.load().snapshot(DAY)
WINDOW = (date(2026, 8, 27), DAY)
NOON = datetime(2026, 11, 25, tzinfo=UTC)
OPUS = books.MODEL


def _spent(**usd: int) -> tuple[Spent, ...]:
    """Spend of one workload, in USD by surface."""
    return tuple(
        Spent("search", OPUS, name.replace("_", "-"), Money(amount * 10**12), amount) for name, amount in usd.items()
    )


def _chains(spent: tuple[Spent, ...]) -> dict[tuple[str, str], object]:
    return dict(chains_of(SNAPSHOT, {(one.surface, one.model) for one in spent}, DAY))


def test_the_ledger_gives_exact_spend_and_who_answered_when(tmp_path: Path) -> None:
    """Six attempts of 5 USD on Bedrock, three on Vertex: 30 and 15 USD, and one failover beside."""
    path = books.filled(
        tmp_path,
        [
            *books.repeated("search", "bedrock", 6),
            *books.repeated("chat", "vertex", 3),
            books.attempt("r1-1", "search", "bedrock", 7, outcome=Outcome.FAILED, request="r1"),
            books.attempt("r1-2", "search", "vertex", 7, request="r1", number=2),
        ],
    )
    with Ledger.open(path, clock=SystemClock(), must_exist=True) as ledger:
        spent = {(one.workload, one.surface): one.amount.picos for one in spent_in(ledger, None, NOON)}
        seen = seen_in(ledger, books.FIRST.replace(hour=0), NOON)
    assert spent == {
        ("search", "bedrock"): 6 * 5 * 10**12,
        ("chat", "vertex"): 3 * 5 * 10**12,
        ("search", "vertex"): 1 * 5 * 10**12,
    }
    assert [(one.workload, one.surface, one.count, one.last_on, one.how, one.instead_of) for one in seen] == [
        ("chat", "vertex", 3, date(2026, 11, 3), How.ANSWERED, ""),
        ("search", "bedrock", 6, date(2026, 11, 6), How.ANSWERED, ""),
        ("search", "vertex", 1, date(2026, 11, 8), How.ANSWERED, ""),
        ("search", "vertex", 1, date(2026, 11, 8), How.FAILOVER, "bedrock"),
    ]


def test_three_clouds_with_one_model_maker_have_an_index_of_10_000() -> None:
    spent = _spent(bedrock=50, vertex=30, foundry=20)
    maker = concentration(spent, chains_of(SNAPSHOT, _chains(spent), DAY), "model_maker")
    assert (maker.hhi_low, maker.hhi_high, maker.effective_low) == (10_000, 10_000, 1)


def test_shares_are_squared_by_operator() -> None:
    """Bedrock 50 is Amazon's; Vertex 30 Google's; Foundry 20 Anthropic's: 2,500 + 900 + 400 = 3,800."""
    spent = _spent(bedrock=50, vertex=30, foundry=20)
    found = concentration(spent, chains_of(SNAPSHOT, _chains(spent), DAY), "operator")
    assert [(name, share) for name, _, share in found.shares] == [
        ("Amazon", Fraction(1, 2)),
        ("Google", Fraction(3, 10)),
        ("Anthropic", Fraction(1, 5)),
    ]
    assert found.hhi_low == found.hhi_high == 3_800
    assert found.effective_low == Fraction(10_000, 3_800)


def test_what_nobody_states_is_its_own_share_and_widens_the_index() -> None:
    """Cloud: Amazon 60 of Bedrock, 40 not stated: from 3,600 to (60 + 40)^2 = 10,000."""
    spent = _spent(bedrock=60, anthropic=40)
    found = concentration(spent, chains_of(SNAPSHOT, _chains(spent), DAY), "hosting_cloud")
    assert found.not_stated.picos == 40 * 10**12
    assert found.not_stated_share == Fraction(2, 5)
    assert (found.hhi_low, found.hhi_high) == (3_600, 10_000)
    assert (found.effective_low, found.effective_high) == (1, Fraction(10_000, 3_600))


def test_one_of_several_chips_is_given_to_none_of_them() -> None:
    spent = _spent(anthropic=40, bedrock=60)
    found = concentration(spent, chains_of(SNAPSHOT, _chains(spent), DAY), "silicon")
    assert found.shares == ()
    assert [(names, amount.picos) for names, amount, _ in found.several] == [
        (("Amazon Trainium", "Google TPU", "NVIDIA GPU"), 40 * 10**12)
    ]
    assert found.not_stated.picos == 60 * 10**12
    third = Fraction(40**2, 3)  # 40 among three, and 60 spread over very many
    assert (found.hhi_low, found.hhi_high, found.effective_high) == (third, 10_000, 10_000 / third)


def test_a_dollar_counts_once_for_every_party_behind_it() -> None:
    """Bedrock 60: Anthropic, Amazon; Vertex 40: Anthropic, Google. Of 200: 50, 30 and 20 percent, 3,800."""
    spent = _spent(bedrock=60, vertex=40)
    chains = chains_of(SNAPSHOT, _chains(spent), DAY)
    found = party_concentration(spent, chains)
    assert [(name, share) for name, _, share in found.shares] == [
        ("Anthropic", Fraction(1, 2)),
        ("Amazon", Fraction(3, 10)),
        ("Google", Fraction(1, 5)),
    ]
    assert found.hhi_low == 2_500 + 900 + 400
    exposed = {one.party: (one.sure.picos // 10**12, one.roles) for one in exposures(spent, chains)}
    assert exposed == {
        "Anthropic": (100, ("model_maker",)),
        "Amazon": (60, ("operator", "biller", "hosting_cloud")),
        "Google": (40, ("operator", "biller", "hosting_cloud")),
    }


def test_parties_tied_by_stakes_count_as_one_and_an_announced_stake_does_not_tie() -> None:
    deals = read_deals(SNAPSHOT).deals
    parties = ("Anthropic", "Amazon", "Google", "Microsoft")
    found = connections(deals, parties)
    tied = {(one.holder, one.counted) for one in found if one.held == "Anthropic"}
    assert {("Amazon", True), ("Google", True), ("Microsoft", False)} <= tied
    same = groups(found, parties)
    assert same["Amazon"] == same["Google"] == same["Anthropic"] == "Amazon + Anthropic + Google"
    assert same["Microsoft"] == "Microsoft"
    spent = _spent(bedrock=50, vertex=30, foundry=20)
    chains = chains_of(SNAPSHOT, _chains(spent), DAY)
    assert concentration(spent, chains, "operator").hhi_low == 3_800
    assert concentration(spent, chains, "operator", same).hhi_low == 10_000
    assert concentration(spent, chains, "biller").hhi_low == 3_800
    assert concentration(spent, chains, "biller", same).hhi_low == 80**2 + 20**2


def _seen(surface: str, last_on: date = date(2026, 11, 20), **values: object) -> Seen:
    return Seen(**({"workload": "search", "model": OPUS, "surface": surface, "count": 4, "last_on": last_on} | values))  # type: ignore[arg-type]  # values are of the fields' kinds


def _parts(seen: list[Seen], party: str = "Amazon") -> dict[str, tuple[Goes, int]]:
    spent = _spent(bedrock=60, vertex=40)
    pairs = {(one.surface, one.model) for one in (*spent,)} | {(one.surface, one.model) for one in seen}
    found = without_party(party, spent, seen, chains_of(SNAPSHOT, pairs, DAY), WINDOW)
    return {part.spent.surface: (part.goes, sum(one.count for one in part.seen)) for part in found.parts}


def test_an_answer_elsewhere_shows_that_a_workload_goes_on() -> None:
    assert _parts([_seen("vertex")]) == {"bedrock": (Goes.SHOWN, 4), "vertex": (Goes.UNAFFECTED, 0)}


@pytest.mark.parametrize(
    "seen",
    [
        [],
        [_seen("bedrock")],  # itself
        [_seen("claude-aws")],  # billed by the party that fails
        [_seen("anthropic")],  # its chips may be the party's: one of several
        [_seen("vertex", date(2026, 8, 26))],  # too long ago
        [_seen("vertex", workload="chat")],  # another workload
        [_seen("vertex", model="claude-haiku-5-5")],  # another model
        [_seen("vertex", count=0)],
        [_seen("vertex", how=How.DRILL, instead_of="foundry")],  # a drill of another surface
    ],
)
def test_what_was_not_measured_is_not_shown(seen: list[Seen]) -> None:
    assert _parts(seen)["bedrock"] == (Goes.NOT_SHOWN, 0)


def test_a_drill_s_record_is_evidence_like_an_answer() -> None:
    drill = _seen("vertex", how=How.DRILL, instead_of="bedrock")
    assert _parts([drill])["bedrock"] == (Goes.SHOWN, 4)


def test_without_the_model_maker_nothing_is_shown_to_go_on() -> None:
    assert _parts([_seen("vertex"), _seen("bedrock")], "Anthropic") == {
        "bedrock": (Goes.NOT_SHOWN, 0),
        "vertex": (Goes.NOT_SHOWN, 0),
    }


def test_shares_of_spend_and_of_workloads_that_go_on() -> None:
    """Search 60 on Bedrock is shown, chat 30 on Bedrock is not, tags 10 on Vertex are unaffected: 70 of 100, 2 of 3."""
    spent = (
        Spent("search", OPUS, "bedrock", Money(60), 6),
        Spent("chat", OPUS, "bedrock", Money(30), 3),
        Spent("tags", OPUS, "vertex", Money(10), 1),
    )
    chains = chains_of(SNAPSHOT, {("bedrock", OPUS), ("vertex", OPUS)}, DAY)
    found = without_surface("bedrock", spent, [_seen("vertex")], chains, WINDOW)
    assert found.share == Fraction(60 + 10, 100)
    assert [found.amount(goes).picos for goes in Goes] == [10, 60, 30]
    assert found.workloads == {"search": True, "chat": False, "tags": True}
    assert without_surface("bedrock", (), [], chains, WINDOW).share is None


def test_a_request_that_one_surface_failed_and_another_answered_is_a_failover() -> None:
    def of(request: str, *attempts: tuple[str, Outcome]) -> list[books.UsageEvent]:
        return [
            books.attempt(f"{request}{n}", "search", surface, outcome=outcome, request=request, number=n)
            for n, (surface, outcome) in enumerate(attempts, 1)
        ]

    ok, failed = Outcome.OK, Outcome.FAILED
    events = [
        *of("a", ("bedrock", failed), ("vertex", ok)),
        *of("b", ("bedrock", Outcome.REFUSED), ("bedrock", failed), ("vertex", ok)),
        *of("c", ("bedrock", failed), ("bedrock", ok)),  # the same surface
        *of("d", ("bedrock", Outcome.CANCELLED), ("vertex", ok)),  # the client left
        *of("e", ("bedrock", failed)),  # nobody answered
    ]
    assert [(one.surface, one.instead_of, one.count) for one in failovers(events)] == [("vertex", "bedrock", 2)]


def test_a_surface_that_no_claim_speaks_of_is_not_stated_throughout() -> None:
    chain = chain_of(SNAPSHOT, "elsewhere", OPUS, DAY)
    assert chain.parties == ()
    assert chain.not_stated == ("model_maker", "operator", "biller", "hosting_cloud", "silicon")


def test_own_claims_fill_in_what_nobody_states_and_a_tie_is_refused(tmp_path: Path) -> None:
    rows = "id,surface,predicate,value,status,source\nours,foundry,hosting_cloud,Microsoft,contracted,our deployment\n"
    (tmp_path / "look_through.csv").write_text(rows)
    snapshot = catalog.load((tmp_path,)).snapshot(DAY)
    assert chain_of(SNAPSHOT, "foundry", OPUS, DAY).links["hosting_cloud"].names == ()
    assert chain_of(snapshot, "foundry", OPUS, DAY).links["hosting_cloud"].names == ("Microsoft",)
    (tmp_path / "look_through.csv").write_text(rows + "other,foundry,hosting_cloud,Amazon,contracted,another\n")
    with pytest.raises(FactError, match="foundry hosting_cloud: other says Amazon; ours says Microsoft"):
        chain_of(catalog.load((tmp_path,)).snapshot(DAY), "foundry", OPUS, DAY)


def test_a_surface_knows_its_chain_by_day() -> None:
    """The Anthropic-managed route on Google Cloud exists from 2026-10-22 on."""
    assert chain_of(SNAPSHOT, "claude-gcp", OPUS, date(2026, 10, 21)).links["operator"].names == ()
    assert chain_of(SNAPSHOT, "claude-gcp", OPUS, date(2026, 10, 22)).links["operator"].names == ("Anthropic",)
    assert chain_of(SNAPSHOT, "claude-gcp", OPUS, DAY).parties == ("Anthropic", "Google")


def _committed(**values: object) -> Committed:
    standard = {
        "name": "edp",
        "surfaces": ("bedrock", "bedrock-mantle"),
        "ends": date(2027, 11, 25),  # 365 days
        "remaining_usd": Fraction(10_000),
    }
    return Committed(**(standard | values))  # type: ignore[arg-type]  # values are of the fields' kinds


def test_an_exit_strands_what_no_spend_burns_any_more() -> None:
    """10,000 remain, Bedrock burns 10 a day and Mantle 4, other spend 540; 365 days, the move takes 6 months = 182.5.

    Staying: 10,000 - 540 - 14 x 365 = 4,350. Planned: 10,000 - 540 - 4 x 365 - 10 x 182.5 = 6,175.
    Stressed: 10,000 - 540 - 4 x 365 = 8,000; prepaid credits of 2,000 are lost, planned 2,000 - 10 x 182.5 = 175.
    """
    found = exit_of(
        "bedrock",
        DAY,
        [_committed(other_usd=Fraction(540)), _committed(name="not mine", surfaces=("vertex",))],
        {"bedrock": Fraction(10), "bedrock-mantle": Fraction(4)},
        prepaid_usd=Fraction(2_000),
        migration_months=Fraction(6),
        migration_from="stated",
    )
    (one,) = found.commitments
    assert (one.staying_usd, one.planned_usd, one.stressed_usd) == (4_350, 6_175, 8_000)
    assert (found.planned_usd, found.stressed_usd, found.remaining_usd) == (6_175 + 175, 8_000 + 2_000, 10_000)
    assert found.leaves_on == date(2027, 5, 26)  # 182.5 days are 182, rounded half to even
    assert found.bound_until == date(2027, 11, 25)


def test_half_of_the_spend_burns_half() -> None:
    """10,000 - .5 x 10 x 365 = 8,175."""
    found = exit_of("bedrock", DAY, [_committed(counts=Fraction(1, 2))], {"bedrock": Fraction(10)})
    assert found.commitments[0].staying_usd == 8_175


def test_what_nobody_states_of_an_exit_is_not_known() -> None:
    found = exit_of("bedrock", DAY, [_committed(remaining_usd=None)], {"bedrock": Fraction(10)})
    assert (found.planned_usd, found.stressed_usd, found.remaining_usd, found.leaves_on) == (None, None, None, None)
    assert [text.partition(":")[0] for text in found.unknown] == [
        "lost cache",
        "how long the move takes",
        "prepaid credits",
        "what remains of edp",
    ]


def test_spend_above_the_commitment_strands_nothing() -> None:
    found = exit_of("bedrock", DAY, [_committed()], {"bedrock": Fraction(100)}, migration_months=Fraction(12))
    assert (found.commitments[0].staying_usd, found.commitments[0].planned_usd) == (0, 0)
    assert found.commitments[0].stressed_usd == 10_000
