"""The scenarios (a) to (h) as values: each makes another network from a network. Which to run is the user's choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trivium.capital.stress._values import DAYS_A_QUARTER, Guarantee, Network, Obligation, Party, Service
from trivium.core import UserError

_HUNDRED = 100.0


@dataclass(frozen=True, slots=True)
class Default:
    """(a) A party loses what it has and earns outside; `remaining` is the share it keeps. Losses it keeps in whole."""

    party: str
    remaining: float = 0.0

    def apply(self, network: Network) -> Network:
        """The network after it."""

        def lose(party: Party) -> Party:
            income = tuple(_less(amount, 1 - self.remaining) for amount in party.income)
            kept = self.remaining
            return replace(party, cash=party.cash * kept, assets=party.assets * kept, income=income, undrawn_credit=0.0)

        return _each(network, (self.party,), lose)


@dataclass(frozen=True, slots=True)
class Stall:
    """(b) Growth stalls: income stays at its first quarter; `kept` is the share of the growth that still comes."""

    parties: tuple[str, ...]
    kept: float = 0.0

    def apply(self, network: Network) -> Network:
        """The network after it."""

        def stall(party: Party) -> Party:
            first = party.income[0]
            income = tuple(min(amount, first + self.kept * (amount - first)) for amount in party.income)
            return replace(party, income=income)

        return _each(network, self.parties, stall)


@dataclass(frozen=True, slots=True)
class Withhold:
    """(c) No conditional tranche is paid."""

    def apply(self, network: Network) -> Network:
        """The network after it."""
        return replace(network, tranches=tuple(replace(tranche, milestone_met=False) for tranche in network.tranches))


@dataclass(frozen=True, slots=True)
class Mark:
    """(d) Stakes in unlisted parties are booked at so much less: value alone, no cash."""

    percent: float

    def apply(self, network: Network) -> Network:
        """The network after it."""
        unlisted = {party.name for party in network.parties if not party.listed}
        kept = 1 - self.percent / _HUNDRED
        marked = (
            replace(holding, mark=holding.mark * kept) if holding.issuer in unlisted else holding
            for holding in network.holdings
        )
        return replace(network, holdings=tuple(marked))


@dataclass(frozen=True, slots=True)
class Resale:
    """(e) Released capacity sells for so much less."""

    percent: float

    def apply(self, network: Network) -> Network:
        """The network after it."""
        return replace(network, resale_price=network.resale_price * (1 - self.percent / _HUNDRED))


@dataclass(frozen=True, slots=True)
class CreditStop:
    """(f) No new lending, and guarantees for vehicles are called in full."""

    def apply(self, network: Network) -> Network:
        """The network after it."""
        vehicles = {party.name for party in network.parties if party.vehicle}
        called = [item for item in network.guarantees if item.debtor in vehicles]
        obligations = list(network.obligations)
        for item in called:
            obligations = _called(obligations, item, network.quarters)
        return replace(
            network,
            parties=tuple(replace(party, undrawn_credit=0.0) for party in network.parties),
            obligations=tuple(obligations),
            guarantees=tuple(item for item in network.guarantees if item not in called),
        )


def _called(obligations: list[Obligation], guarantee: Guarantee, quarters: int) -> list[Obligation]:
    """The guarantor owes what it guaranteed at once, and takes the beneficiary's place for so much of the debt."""
    route = (guarantee.debtor, guarantee.beneficiary)
    whole = sum(sum(item.due) for item in obligations if (item.debtor, item.creditor) == route)
    share = min(guarantee.amount / whole, 1.0) if whole > 0 else 0.0
    found = []
    for item in obligations:
        if (item.debtor, item.creditor) != route:
            found.append(item)
            continue
        left, moved = (tuple(amount * part for amount in item.due) for part in (1 - share, share))
        name = f"{item.name}, taken over by {guarantee.guarantor}"
        found += [replace(item, due=left), replace(item, name=name, creditor=guarantee.guarantor, due=moved)]
    now = (share * whole, *(0.0,) * (quarters - 1))
    name = f"guarantee of {guarantee.guarantor} for {guarantee.debtor} to {guarantee.beneficiary}"
    return [*found, Obligation(name, guarantee.guarantor, guarantee.beneficiary, now)]


@dataclass(frozen=True, slots=True)
class Cancel:
    """(g) The supplier ends a contract that it may end; the buyer earns less where nobody else takes the work up."""

    obligation: str

    def apply(self, network: Network) -> Network:
        """The network after it."""
        found = next((item for item in network.obligations if item.name == self.obligation), None)
        if found is None:
            names = ", ".join(item.name for item in network.obligations)
            raise UserError("cancel", self.obligation, f"name one of {names}")
        if found.supplier_notice_days is None:
            raise UserError("cancel", self.obligation, "its supplier may not end it: supplier_notice_days is not given")
        start = quarters_of(found.supplier_notice_days)
        due = tuple(amount if t < start else 0.0 for t, amount in enumerate(found.due))
        obligations = tuple(replace(item, due=due) if item is found else item for item in network.obligations)
        lost = _lost(network.services, found.creditor)

        def earn(party: Party) -> Party:
            share = lost.get(party.name, 0.0)
            income = tuple(_less(amount, share if t >= start else 0.0) for t, amount in enumerate(party.income))
            return replace(party, income=income)

        return _each(replace(network, obligations=obligations), (found.debtor,), earn)


@dataclass(frozen=True, slots=True)
class Outage:
    """(h) A platform is unavailable for some days: who runs on it earns less by 1 - remaining / needed capacity."""

    platform: str
    days: int

    def apply(self, network: Network) -> Network:
        """The network after it."""
        if self.platform not in network.names:
            raise UserError("outage", self.platform, f"name one of {', '.join(network.names)}")
        lost = _lost(network.services, self.platform)

        def earn(party: Party) -> Party:
            share = lost[party.name]
            spans = (min(max(self.days / DAYS_A_QUARTER - t, 0.0), 1.0) for t in range(network.quarters))
            income = tuple(_less(amount, share * span) for amount, span in zip(party.income, spans, strict=True))
            return replace(party, income=income)

        return _each(network, tuple(lost), earn)


@dataclass(frozen=True, slots=True)
class Together:
    """Several at once, applied in order."""

    parts: tuple[Scenario, ...]

    def apply(self, network: Network) -> Network:
        """The network after all of them."""
        for part in self.parts:
            network = part.apply(network)
        return network


Scenario = Default | Stall | Withhold | Mark | Resale | CreditStop | Cancel | Outage | Together

FORMS = (
    "default:PARTY, stall:PARTY[,PARTY], withhold, mark:PERCENT, resale:PERCENT, credit-stop, cancel:OBLIGATION, "
    "outage:PLATFORM:DAYS; several with ' + ' between them"
)


def parse_scenario(text: str) -> Scenario:
    """A scenario from words such as `default:Lab` or `outage:Cloud:14`. UserError with the forms there are."""
    if " + " in text:
        return Together(tuple(parse_scenario(part.strip()) for part in text.split(" + ")))
    name, _, rest = text.partition(":")
    if name in {"withhold", "credit-stop"} and not rest:
        return Withhold() if name == "withhold" else CreditStop()
    if name == "default" and rest:
        return Default(rest)
    if name == "stall" and rest:
        return Stall(tuple(part.strip() for part in rest.split(",")))
    if name in {"mark", "resale"}:
        percent = _number(text, rest)
        if percent > _HUNDRED:
            raise UserError("scenario", text, "give percent from 0 to 100")
        return Mark(percent) if name == "mark" else Resale(percent)
    if name == "cancel" and rest:
        return Cancel(rest)
    platform, _, days = rest.rpartition(":")
    if name == "outage" and platform:
        return Outage(platform, int(_number(text, days)))
    raise UserError("scenario", text, f"give one of {FORMS}")


def scenario_words(scenario: Scenario | None) -> str:
    """The words of a scenario, as `parse_scenario` takes them where they say it all; None is `as it is`."""
    match scenario:
        case None:
            return "as it is"
        case Default(party, remaining):
            return f"default:{party}" + (f" (keeps {remaining:.0%})" if remaining else "")
        case Stall(parties, kept):
            return f"stall:{','.join(parties)}" + (f" (keeps {kept:.0%} of growth)" if kept else "")
        case Mark(percent):
            return f"mark:{percent:g}"
        case Resale(percent):
            return f"resale:{percent:g}"
        case Cancel(obligation):
            return f"cancel:{obligation}"
        case Outage(platform, days):
            return f"outage:{platform}:{days}"
        case Together(parts):
            return " + ".join(scenario_words(part) for part in parts)
        case _:
            return "withhold" if isinstance(scenario, Withhold) else "credit-stop"


def quarters_of(days: int) -> int:
    """Whole quarters that a notice of so many days lasts."""
    return -(-days // DAYS_A_QUARTER)


def _number(text: str, part: str) -> float:
    try:
        found = float(part)
    except ValueError as error:
        raise UserError("scenario", text, f"give a number, as in {FORMS}") from error
    if not 0 <= found < 1e6:  # noqa: PLR2004  days or percent; what is no number is refused too
        raise UserError("scenario", text, "give a number of 0 or more")
    return found


def _each(network: Network, names: Sequence[str], change: Callable[[Party], Party]) -> Network:
    for name in names:
        if name not in network.names:
            raise UserError("scenario", name, f"name one of {', '.join(network.names)}")
    return replace(network, parties=tuple(change(party) if party.name in names else party for party in network.parties))


def _lost(services: Sequence[Service], platform: str) -> dict[str, float]:
    """What share of its capacity each party lacks without a platform, after substitution; at most all of it."""
    found: dict[str, float] = {}
    for service in services:
        if service.platform == platform:
            lost = service.capacity_share * (1 - service.substitutable)
            found[service.party] = min(found.get(service.party, 0.0) + lost, 1.0)
    return found


def _less(amount: float, share: float) -> float:
    """Income that earns falls; a loss stays what it is."""
    return amount * (1 - share) if amount > 0 else amount
