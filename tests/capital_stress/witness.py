"""The value layer once more: everything at once, in plain loops over names, from the best or from the worst on."""

from __future__ import annotations

from math import ceil, exp

from trivium.capital.stress import Network, Obligation

Sums = dict[str, float]


def plain(network: Network, *, best: bool, rounds: int = 4000) -> Sums:
    """Equity by name, from a network whose tranches are booked as assets and that has no guarantees."""
    names = [party.name for party in network.parties]
    parties = {party.name: party for party in network.parties}
    whole = {item.name: worth(network, item) for item in network.obligations}
    claim = {
        item.name: whole[item.name] * (1 if item.kind == "debt" else 1 - item.avoidable - item.resale)
        for item in network.obligations
    }
    lowest = max(item.rank for item in network.obligations)
    rank = {item.name: lowest if item.kind == "commitment" else item.rank for item in network.obligations}
    owed = {name: sum(claim[item.name] for item in network.obligations if item.debtor == name) for name in names}
    paid = {item.name: claim[item.name] if best else 0.0 for item in network.obligations}
    equity = dict.fromkeys(names, 1e6 if best else 0.0)
    fallen = dict.fromkeys(names, not best)
    for _ in range(rounds):
        outside, income = sources(network, whole, claim, paid, equity, fallen)
        then: Sums = {}
        before = {**paid, **fallen}
        for name in names:
            party = parties[name]
            if party.threshold > 0 and equity[name] < party.threshold:
                outside[name] -= party.failure_cost
            assets = outside[name] + income[name]
            fallen[name] = bool(assets < owed[name] - 1e-10)
            then[name] = 0.0 if fallen[name] else max(assets - owed[name], 0.0)
            rest = party.alpha * max(outside[name], 0) + min(outside[name], 0) + party.beta * income[name]
            rest = max(rest, 0.0) if fallen[name] else float("inf")
            mine = [item.name for item in network.obligations if item.debtor == name]
            for level in range(1, lowest + 1):
                group = [title for title in mine if rank[title] == level]
                total = sum(claim[title] for title in group)
                share = min(1.0, rest / total) if total > 0 else 1.0
                paid.update({title: claim[title] * share for title in group})
                rest -= min(rest, total)
        before.update({f"{name}'s equity": equity[name] for name in names})
        equity = then
        after = {**paid, **fallen, **{f"{name}'s equity": equity[name] for name in names}}
        if max(abs(after[key] - before[key]) for key in after) < 1e-14:
            break
    return equity


def sources(
    network: Network, whole: Sums, claim: Sums, paid: Sums, equity: Sums, fallen: dict[str, bool]
) -> tuple[Sums, Sums]:
    """What each has outside, with resale and tranches, and what it gets from claims and stakes."""
    names = list(equity)
    outside = {name: own(network, name) - price_paid(network, name, whole, claim) for name in names}
    released = sum(
        whole[item.name] * item.resale
        for item in network.obligations
        if item.kind == "commitment" and fallen[item.debtor]
    )
    price = network.resale_price * exp(-network.resale_sensitivity * released / network.resale_market)
    income = dict.fromkeys(names, 0.0)
    for item in network.obligations:
        if item.creditor:
            income[item.creditor] += paid[item.name]
            if item.kind == "commitment":
                outside[item.creditor] += whole[item.name] * item.resale * (price if fallen[item.debtor] else 1)
    for holding in network.holdings:
        income[holding.holder] += holding.share * holding.mark * equity[holding.issuer]
    for tranche in network.tranches:
        if equity[tranche.investor] - tranche.amount >= tranche.equity_floor:
            outside[tranche.recipient] += tranche.amount
    return outside, income


def worth(network: Network, item: Obligation) -> float:
    """What cannot be cancelled in time, discounted to today."""
    found = 0.0
    for quarter, amount in enumerate(item.due):
        kept = 1.0 if quarter < ceil(item.notice_days / 91) else item.firm_share
        found += amount * kept / (1 + network.discount_per_year) ** ((quarter + 1) / 4)
    return found


def own(network: Network, name: str) -> float:
    party = next(party for party in network.parties if party.name == name)
    rate = 1 + network.discount_per_year
    return party.cash + party.assets + sum(x / rate ** ((t + 1) / 4) for t, x in enumerate(party.income))


def price_paid(network: Network, name: str, whole: Sums, claim: Sums) -> float:
    """What a performing commitment costs its buyer beyond the claim it would leave."""
    return sum(whole[item.name] - claim[item.name] for item in network.obligations if item.debtor == name)
