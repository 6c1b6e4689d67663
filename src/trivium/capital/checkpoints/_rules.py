"""The rules of the triggers: each reads claims of a day and says fired, not fired, or which claim is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from trivium.capital.checkpoints._values import Found, Sight, State
from trivium.capital.cover import run_rates
from trivium.capital.deals import Deal, Kind, Stage, commitments
from trivium.capital.deals import State as DealState
from trivium.catalog import Claim
from trivium.core import FactError

_UNSURE = frozenset({"unconfirmed", "forward-looking"})
_OPEN = frozenset({Stage.ANNOUNCED, Stage.LETTER_OF_INTENT})
_PAID = frozenset({Kind.INVEST, Kind.LEND})
_SHARES = ("backlog_share:", "revenue_share:")
_DAYS_A_YEAR = 365.25
_READINGS = 2


def newest(claims: Iterable[Claim], at: date) -> date | None:
    """The newest day on which any of the claims was announced, or seen where that is not known."""
    days = [claim.announced_on or claim.seen_on for claim in claims]
    return max((day for day in days if day is not None and day <= at), default=None)


def cover_years(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """Firm commitments of a model maker over its run rate, in years: exact, C / R."""
    for party in sight.makers:
        firm = commitments(sight.ledger.current, party)
        try:
            rate, claim = _rates(sight, party)[-1][1:]
        except FactError:
            yield Found(party, State.CANNOT_TELL, "", (), (f"run_rate_usd of {party}",))
            continue
        deals = [sight.ledger.deal(name) for name, _, _, usd in firm.rows if usd]
        years = firm.firm_usd / rate
        ids = (claim.id, *(deal.id for deal in deals))
        day = newest((claim, *(deal.claim for deal in deals)), sight.at)
        amounts = " + ".join(f"{float(usd) / 1e9:.4g}" for _, _, _, usd in firm.rows if usd) or "0"
        told = f"({amounts}) / {float(rate) / 1e9:.4g} bn USD = {float(years):.3g} years"
        unknown = tuple(f"the amount of {name}" for name in firm.unknown if _binds(sight, sight.ledger.deal(name)))
        state = State.FIRED if years > Fraction(threshold) else State.CANNOT_TELL if unknown else State.NOT_FIRED
        yield Found(party, state, told, ids, () if state is State.FIRED else unknown, day)


def _binds(sight: Sight, deal: Deal) -> bool:
    """Whether a deal of unknown amount may add to what is firm: contracted, and in no other contract that counts."""
    if deal.stage is not Stage.CONTRACTED or not deal.counted:
        return False
    others = [one for one in sight.ledger.current if one.id in {*deal.inside, *deal.overlaps}]
    return not any(
        one.giver == deal.giver and one.counted and one.stage is Stage.CONTRACTED and one.amount.point is not None
        for one in others
    )


def _rates(sight: Sight, party: str) -> list[tuple[date, Fraction, Claim]]:
    known = [one for one in run_rates(sight.snapshot, party) if one[0] <= sight.at]
    return [one for one in known if one[2].status not in _UNSURE] or known


def run_rate_cone(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """The last two readings of a run rate under a quantile of the reader's cone, which starts from an earlier one."""
    for party in sight.makers:
        if sight.scenario is None:
            yield Found(party, State.CANNOT_TELL, "", (), ("a scenario: --growth and --spread",))
            continue
        try:
            rates = _rates(sight, party)
        except FactError:
            yield Found(party, State.CANNOT_TELL, "", (), (f"run_rate_usd of {party}",))
            continue
        base = _base(rates, sight.scenario.since)
        after = [] if base is None else [one for one in rates if one[0] > base[0]][-_READINGS:]
        if base is None or len(after) < _READINGS:
            yield Found(party, State.CANNOT_TELL, "", (), (f"two readings of run_rate_usd of {party} after its base",))
            continue
        cone = sight.scenario.of(float(base[1]))
        bounds = [cone.quantile_usd((day - base[0]).days / _DAYS_A_YEAR, float(threshold)) for day, _, _ in after]
        under = all(float(rate) < bound for (_, rate, _), bound in zip(after, bounds, strict=True))
        told = "; ".join(
            f"{day}: {float(rate) / 1e9:.4g} against {bound / 1e9:.4g} bn USD"
            for (day, rate, _), bound in zip(after, bounds, strict=True)
        )
        claims = [base[2], *(one[2] for one in after)]
        state = State.FIRED if under else State.NOT_FIRED
        yield Found(party, state, told, tuple(claim.id for claim in claims), (), newest(claims, sight.at))


def _base(rates: list[tuple[date, Fraction, Claim]], since: date | None) -> tuple[date, Fraction, Claim] | None:
    """The reading a cone starts from: the last by a day, or the one before the last two."""
    if since is None:
        return rates[-1 - _READINGS] if len(rates) > _READINGS else None
    return next((one for one in reversed(rates) if one[0] <= since), None)


def tranche_missed(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """A payment announced to a party and out of time, or a letter of intent that lapsed or was replaced of late."""
    since = sight.at - timedelta(days=int(threshold))
    for deal in sight.ledger.deals:
        if deal.stage not in _OPEN or deal.kind not in _PAID or not deal.counted:
            continue
        if deal.getter not in sight.parties or deal.amount.point is None:
            continue
        what = f"{deal.giver} to {deal.getter}, {deal.name}"
        ids, day = (deal.id, *deal.term_ids), newest((deal.claim,), sight.at)
        if deal.state is DealState.ENDED:
            yield Found(what, State.FIRED, f"its window ended on {deal.end}, {deal.stage.value}", ids, (), day)
        elif deal.state is DealState.SUPERSEDED:
            after = sight.ledger.deal(deal.superseded_by)
            on = after.announced_on
            if deal.stage is Stage.LETTER_OF_INTENT and on is not None and since < on <= sight.at:
                yield Found(what, State.FIRED, f"replaced by {after.name} on {on}", (*ids, after.id), (), on)
        elif deal.state is DealState.CURRENT and deal.end is None:
            yield Found(what, State.CANNOT_TELL, deal.stage.value, ids, (f"the day by which {deal.name} is paid",), day)
        elif deal.state is DealState.CURRENT:
            yield Found(what, State.NOT_FIRED, f"{deal.stage.value}, until {deal.end}", ids, (), day)


def notice_served(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """A notice on a contract that has one, or its end by termination, of late."""
    yield from _event(
        sight, threshold, [deal for deal in _deals(sight) if deal.notice_days is not None], "notice", "terminated"
    )


def guarantee_called(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """A guarantee that was called, of late."""
    yield from _event(sight, threshold, [deal for deal in _deals(sight) if deal.kind is Kind.GUARANTEE], "called")


def _event(sight: Sight, threshold: Decimal, deals: Sequence[Deal], *events: str) -> Iterator[Found]:
    since = sight.at - timedelta(days=int(threshold))
    for deal in deals:
        if deal.state is DealState.SUPERSEDED:
            continue
        what = f"{deal.giver} to {deal.getter}, {deal.name}"
        known = [one for one in deal.versions if one.on is None or one.on <= sight.at]
        of_late = [one for one in known if one.event in events and one.on is not None and one.on > since]
        day = max((one.on for one in known if one.on is not None), default=newest((deal.claim,), sight.at))
        if of_late:
            last = of_late[-1]
            told = f"{last.event} on {last.on}: {last.text}"
            yield Found(what, State.FIRED, told, (deal.id, last.claim_id), (), last.on)
        else:
            yield Found(what, State.NOT_FIRED, f"no claim says `{events[0]}`", (deal.id,), (), day)


def one_buyer(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """The share of a party's backlog or revenue that is one buyer's; a claim that is unconfirmed does not count."""
    for party in sight.parties:
        if party in sight.makers:
            continue
        found = [
            claim
            for prefix in _SHARES
            for claim in _latest(sight, party, prefix)
            if claim.number is not None and claim.unit == "%"
        ]
        if not found:
            yield Found(party, State.CANNOT_TELL, "", (), (f"backlog_share of {party}",))
        for claim in found:
            share, buyer = claim.number or Decimal(0), claim.predicate.partition(":")[2]
            told = f"{buyer} {share} % ({claim.predicate.partition('_')[0]})"
            day = newest((claim,), sight.at)
            if claim.status in _UNSURE:
                missing = (f"a claim of {claim.predicate} better than {claim.status}",)
                yield Found(party, State.CANNOT_TELL, told, (claim.id,), missing, day)
            else:
                yield Found(party, State.FIRED if share > threshold else State.NOT_FIRED, told, (claim.id,), (), day)


def _latest(sight: Sight, party: str, prefix: str) -> list[Claim]:
    """The newest reading of each indicator of a party whose name begins so."""
    found: dict[str, Claim] = {}
    for claim in sight.snapshot.find(subject=party, topic="indicators"):
        start = claim.valid_from or date.min
        if not claim.predicate.startswith(prefix) or start > sight.at:
            continue
        other = found.get(claim.predicate)
        if other is None or (start, claim.id) > (other.valid_from or date.min, other.id):
            found[claim.predicate] = claim
    return [found[name] for name in sorted(found)]


def exclusivity_change(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """A change of exclusivity or licence, of late."""
    since = sight.at - timedelta(days=int(threshold))
    found = [(party, claim) for party in sight.parties for claim in _latest(sight, party, "exclusivity:")]
    if not found:
        yield Found(", ".join(sight.parties), State.CANNOT_TELL, "", (), ("an exclusivity of any of them",))
    for party, claim in found:
        start = claim.valid_from
        state = State.FIRED if start is not None and start > since else State.NOT_FIRED
        told = f"{claim.predicate.partition(':')[2]}: {claim.value} on {start}"
        yield Found(party, state, told, (claim.id,), (), newest((claim,), sight.at))


def model_removed(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """A model in use that its surface stopped serving, of late."""
    since = sight.at - timedelta(days=int(threshold))
    if sight.used is None:
        yield Found("models in use", State.CANNOT_TELL, "", (), ("the models in use: name a ledger with --db",))
        return
    for surface, model in sight.used:
        claims = [
            claim
            for claim in sight.snapshot.find(predicate="retirement")
            if claim.surface == surface and claim.models and claim.speaks_of(model)
        ]
        ids, day = tuple(claim.id for claim in claims), newest(claims, sight.at)
        on = sight.snapshot.retired_at(surface, model)
        what = f"{model} on {surface}"
        if on is None:
            yield Found(what, State.NOT_FIRED, "no end is stated", ids, (), day)
        else:
            fired = since < on <= sight.at
            yield Found(what, State.FIRED if fired else State.NOT_FIRED, f"served until {on}", ids, (), day)


def spread_widening(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """The widening of a party's bond spread, in basis points."""
    yield from _measured(sight, "spread_widening_bp", threshold)


def going_concern(sight: Sight, threshold: Decimal) -> Iterator[Found]:
    """Going-concern language of an auditor: 1 where a claim says so, 0 where one says there is none."""
    yield from _measured(sight, "going_concern", threshold)


def _measured(sight: Sight, predicate: str, threshold: Decimal) -> Iterator[Found]:
    for party in sight.parties:
        found = [claim for claim in _latest(sight, party, predicate) if claim.predicate == predicate]
        if not found or found[0].number is None or found[0].status in _UNSURE:
            ids = tuple(claim.id for claim in found)
            yield Found(party, State.CANNOT_TELL, "", ids, (f"{predicate} of {party}",), newest(found, sight.at))
            continue
        claim, number = found[0], found[0].number
        state = State.FIRED if number > threshold else State.NOT_FIRED
        yield Found(party, state, f"{claim.value} {claim.unit}".strip(), (claim.id,), (), newest((claim,), sight.at))


def _deals(sight: Sight) -> list[Deal]:
    """The deals that touch a party behind what is used."""
    known = set(sight.parties)
    return [deal for deal in sight.ledger.deals if known & {deal.giver, deal.getter}]
