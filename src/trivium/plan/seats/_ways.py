"""Ways to buy the same work in a Microsoft footprint, each as a range of dollars a month beside the tokens it replaces.

A range has its low end where what is already owned carries the work, and its high end where everything is bought for
it. Whether a seat does the same work is for the organisation to say (`needs.seat_surfaces`, `needs.place`); that it
uses the same tokens is an assumption, and marked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trivium.catalog import Snapshot
from trivium.core import Money
from trivium.plan._demand import Demand
from trivium.plan._months import DAYS_PER_MONTH
from trivium.plan.decision import Basis, Ground
from trivium.plan.money._basis import basis_of
from trivium.plan.org import Microsoft, Needs
from trivium.plan.seats._rates import capacity_pack, figure, metered, stated
from trivium.plan.seats._values import SeatUsage

GITHUB, M365, STUDIO = "github-copilot", "m365-copilot", "copilot-studio"
TITLES = {GITHUB: "GitHub Copilot seats", M365: "Microsoft 365 Copilot seats", STUDIO: "Copilot Studio credits"}
_PLACES = {"ide": GITHUB, "terminal": GITHUB, "github": GITHUB, "microsoft-365": M365, "teams": M365}
_PLACES["copilot-studio"] = STUDIO
_SAME_WORK = "the same work with the same tokens"


@dataclass(frozen=True, slots=True)
class Case:
    """What every way is computed from."""

    snapshot: Snapshot
    at: date
    demands: tuple[Demand, ...]
    needs: Needs
    microsoft: Microsoft
    usage: tuple[SeatUsage, ...]
    model_usd: Mapping[str, float]  # a month at list, as it runs, by model
    requests: float  # a month
    span_days: float

    @property
    def tokens_usd(self) -> float:
        """A month at list, as it runs."""
        return sum(self.model_usd.values())

    @property
    def users(self) -> int | None:
        """Who would need a seat; None where nobody says."""
        return self.needs.users

    def month(self, amount: Money) -> float:
        """An amount of the measured span as a month."""
        return amount.picos / 1e12 / self.span_days * DAYS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Way:
    """A way and its range; None where a figure is missing (`yours` names the field that gives it)."""

    surface: str
    low_usd: float | None
    high_usd: float | None
    break_even: str
    why: str
    basis: Basis
    blocked: str = ""  # why it is not counted
    yours: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return TITLES.get(self.surface, self.surface)


def seat_surfaces(needs: Needs) -> tuple[str, ...]:
    """Where the same work could be bought as seats or credits: as stated, else by where people use it."""
    if needs.seat_surfaces:
        return needs.seat_surfaces
    return (_PLACES[needs.place],) if needs.place in _PLACES else ()


def ways(case: Case) -> tuple[Way, ...]:
    """A range for each seat surface that the workload allows."""
    makers = {GITHUB: github_way, M365: m365_way, STUDIO: studio_way}
    return tuple(makers[name](case) for name in seat_surfaces(case.needs) if name in makers)


def github_way(case: Case) -> Way:
    """Seats with pooled AI credits, and what is metered above them."""
    plan, snapshot, at = case.microsoft.github_copilot_plan, case.snapshot, case.at
    price = figure(snapshot, GITHUB, f"seat_price_usd_month:{plan}", at)
    pool = figure(snapshot, GITHUB, f"ai_credits_user_month:{plan}", at) or figure(
        snapshot, GITHUB, f"ai_credits_month:{plan}", at
    )
    credit = figure(snapshot, GITHUB, "ai_credit_usd", at)
    own_price = case.microsoft.github_copilot_usd_per_seat_month
    found = metered(snapshot, case.demands, at)
    ids = [*found.claim_ids, *(item.claim.id for item in (pool, credit) if item is not None)]
    grounds = [Ground.MEASURED, Ground.ASSUMPTION]
    if own_price:
        grounds.append(Ground.STATED)
    elif price is not None:
        ids.append(price.claim.id)
    missing = ", ".join(f"{model} ({why})" for model, why in found.missing.items())
    if found.missing and len(found.missing) == len(case.model_usd):
        blocked = f"GitHub Copilot has no {missing}"
        return Way(GITHUB, None, None, "", blocked, basis_of(snapshot, ids, Ground.MEASURED), blocked)
    rest = sum(case.model_usd[model] for model in found.missing)
    seat = Decimal(own_price) if own_price else price.value if price is not None else None
    if seat is None or pool is None or credit is None:
        return _yours(
            case, GITHUB, "microsoft.github_copilot_usd_per_seat_month", f"no claim prices {plan} on {at}", ids
        )
    meter = case.month(found.amount)
    s, p = float(seat), float(pool.value * credit.value)
    included = f"{pool.value:,} credits a seat ({p:,.2f} USD) pooled; the same tokens are {meter:,.2f} USD on its meter"
    if missing:
        included += f"; {missing} goes on as tokens for {rest:,.2f} USD"
    even = _github_even(case.tokens_usd - rest, meter, s, p)
    basis = basis_of(snapshot, ids, *grounds, note=_SAME_WORK)
    if case.users is None:
        return Way(GITHUB, None, None, even, included, basis, yours="needs.users")
    users, owned = case.users, case.microsoft.github_copilot_seats
    free = max(owned * p - _credits_used(case.usage) * float(credit.value), 0.0)
    new = max(users - owned, 0)
    low = rest + new * s + max(meter - free - new * p, 0.0)
    uplift = _uplift(case)
    high = rest + users * s + max(meter * uplift - users * p, 0.0)
    why = f"{included}; {users} users, {owned} seats owned with {free:,.2f} USD of credits left a month"
    if uplift > 1:
        why += f"; {uplift - 1:.0%} more for data-resident requests"
    return Way(GITHUB, min(low, high), max(low, high), even, why, basis)


def _github_even(tokens_usd: float, meter: float, seat: float, pool: float) -> str:
    """Up to how many seats cost no more than the tokens: u seats cost u x seat + what the pool leaves of the meter."""
    most = math.floor(tokens_usd / seat) if seat else 0
    if most * seat + max(meter - most * pool, 0.0) > tokens_usd:  # then the pool is too small to carry the meter
        most = math.floor((tokens_usd - meter) / (seat - pool)) if seat > pool and tokens_usd >= meter else 0
    if not most:
        return f"no number of seats, from {seat:,.2f} USD each, costs less than {tokens_usd:,.2f} USD of tokens a month"
    return f"up to {most:,} seats cost no more than {tokens_usd:,.2f} USD of tokens a month"


def _uplift(case: Case) -> float:
    """The multiplier for data-resident requests, where the workload must stay in a geography."""
    if not case.needs.geography:
        return 1.0
    found = figure(case.snapshot, GITHUB, "uplift", case.at)
    return 1 + float(found.value) / 100 if found is not None else 1.0


def _credits_used(usage: Sequence[SeatUsage]) -> float:
    """Credits that present seats use a month, by their exports."""
    total = 0.0
    for item in usage:
        used = item.credits_if_metered if item.credits_if_metered is not None else item.credits
        if item.surface == GITHUB and used is not None and item.months:
            total += float(used / item.months)
    return total


def m365_way(case: Case) -> Way:
    """A seat for each user; no tokens are counted, and Claude is outside the EU Data Boundary."""
    snapshot, at, microsoft = case.snapshot, case.at, case.microsoft
    price = figure(snapshot, M365, "seat_price_usd_month", at)
    own = microsoft.m365_copilot_usd_per_seat_month
    ids = [] if own or price is None else [price.claim.id]
    blocked, why_ids = _m365_blocked(case)
    ids += why_ids
    seat = float(own) if own else float(price.value) if price is not None else None
    if seat is None:
        return _yours(case, M365, "microsoft.m365_copilot_usd_per_seat_month", f"no claim prices a seat on {at}", ids)
    said = "as you state" if own else "as reported; state yours in microsoft.m365_copilot_usd_per_seat_month"
    grounds = (Ground.MEASURED, Ground.STATED if own else Ground.ASSUMPTION)
    basis = basis_of(snapshot, ids, *grounds, note=f"{_SAME_WORK}, done by people in Microsoft 365")
    most = math.floor(case.tokens_usd / seat)
    even = f"up to {most:,} seats cost no more than {case.tokens_usd:,.2f} USD of tokens a month"
    why = f"{seat:,.2f} USD a seat ({said}), on top of a base licence"
    if case.users is None:
        return Way(M365, None, None, even, why, basis, blocked, "needs.users")
    users, owned = case.users, microsoft.m365_copilot_seats
    return Way(
        M365,
        max(users - owned, 0) * seat,
        users * seat,
        even,
        f"{why}; {users} users, {owned} seats owned",
        basis,
        blocked,
    )


def _m365_blocked(case: Case) -> tuple[str, list[str]]:
    boundary = stated(case.snapshot, M365, "eu_data_boundary", case.at)
    needs_it = (
        case.microsoft.eu_data_boundary or case.needs.geography == "eu" or "eu_data_boundary" in case.needs.data_terms
    )
    if needs_it and boundary is not None:
        off = stated(case.snapshot, M365, "default_state", case.at)
        ids = [boundary.id, *([off.id] if off is not None else [])]
        return f"Claude there is {boundary.value}" + (f"; {off.value}" if off is not None else ""), ids
    if any(name.startswith(("fedramp", "dod")) for name in case.needs.attestations):
        clouds = stated(case.snapshot, M365, "government_clouds", case.at)
        if clouds is not None:
            return f"government clouds: {clouds.value}", [clouds.id]
    return "", []


def studio_way(case: Case) -> Way:
    """Credits an answer: from a plain one out of packs, to one that grounds, acts and reasons, paid as it goes."""
    snapshot, at = case.snapshot, case.at
    plain = figure(snapshot, STUDIO, "credit_rate:generative answer", at)
    ground = figure(snapshot, STUDIO, "credit_rate:tenant graph grounding per message", at)
    action = figure(snapshot, STUDIO, "credit_rate:agent action", at)
    reason = figure(snapshot, STUDIO, "credit_rate:text and gen AI tools premium per 10 responses", at)
    credit = figure(snapshot, STUDIO, "copilot_credit_usd_payg", at)
    pack = capacity_pack(snapshot, at)
    parts = [item for item in (plain, ground, action, reason, credit) if item is not None]
    ids = [*(item.claim.id for item in parts), *([pack[2].id] if pack is not None else [])]
    if plain is None or credit is None:
        return _yours(
            case, STUDIO, "microsoft.copilot_studio_usd_per_month", "no claim rates an answer in credits", ids
        )
    more = sum((float(item.value) for item in (ground, action) if item is not None), 0.0)
    more += float(reason.value) / 10 if reason is not None else 0.0
    least, most = float(plain.value), float(plain.value) + more
    owned = float(case.microsoft.copilot_studio_credits_per_month)
    needed = max(case.requests * least - owned, 0.0)
    payg = needed * float(credit.value)
    packed = math.ceil(needed / float(pack[1])) * float(pack[0]) if pack is not None else payg
    high = case.requests * most * float(credit.value)
    each = case.tokens_usd / case.requests if case.requests else 0.0
    even = (
        f"a request costs {each:.4f} USD in tokens; an answer {least * float(credit.value):.4f} to "
        f"{most * float(credit.value):.4f} in credits as you go"
    )
    why = f"{case.requests:,.0f} requests a month at {least:g} to {most:g} credits; {owned:,.0f} credits a month owned"
    note = "one request is one answer; Claude has no credit rate of its own there"
    return Way(
        STUDIO,
        min(payg, packed),
        high,
        even,
        why,
        basis_of(snapshot, ids, Ground.MEASURED, Ground.ASSUMPTION, note=note),
    )


def _yours(case: Case, surface: str, field: str, why: str, ids: Sequence[str]) -> Way:
    return Way(surface, None, None, "", why, basis_of(case.snapshot, ids), yours=field)
