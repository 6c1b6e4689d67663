"""Concentration after looking through: shares by name, the Herfindahl index with its bounds, and exposures by party."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from trivium.capital.deals import Deal, Kind, Stage, State
from trivium.capital.dependence._bounds import least_squares, most_squares
from trivium.capital.dependence._values import ROLES, Chain, Concentration, Connection, Exposure, Spent
from trivium.core import Money

Chains = Mapping[tuple[str, str], Chain]
PARTY = "party"
_STAKES = frozenset({Kind.STAKE, Kind.INVEST})
_GONE = frozenset({State.SUPERSEDED, State.TERMINATED})
_SURE = frozenset({Stage.CONTRACTED, Stage.REPORTED})


def concentration(
    spent: Sequence[Spent], chains: Chains, role: str, same: Mapping[str, str] | None = None
) -> Concentration:
    """How the spend is spread over one role; with `same`, names of one group are counted as one."""
    sure: dict[str, int] = {}
    several: dict[tuple[str, ...], int] = {}
    unknown = 0
    groups = same or {}
    for one in spent:
        chain = chains[one.surface, one.model]
        makers = chain.makers if groups else {}
        names = tuple(dict.fromkeys(groups.get(makers.get(name, name), name) for name in chain.links[role].names))
        if len(names) == 1:
            sure[names[0]] = sure.get(names[0], 0) + one.amount.picos
        elif names:
            several[names] = several.get(names, 0) + one.amount.picos
        else:
            unknown += one.amount.picos
    return _spread(role, sure, several, unknown)


def party_concentration(spent: Sequence[Spent], chains: Chains, same: Mapping[str, str] | None = None) -> Concentration:
    """The same over parties: a dollar counts once for every party that surely stands behind it, in whatever role.

    So the shares are of all such dependences, which add up to more than the spend; what nobody states is in none.
    """
    sure: dict[str, int] = {}
    for one in spent:
        names = (name if same is None else same.get(name, name) for name in chains[one.surface, one.model].parties)
        for name in dict.fromkeys(names):
            sure[name] = sure.get(name, 0) + one.amount.picos
    return _spread(PARTY, sure, {}, 0)


def _spread(role: str, sure: Mapping[str, int], several: Mapping[tuple[str, ...], int], unknown: int) -> Concentration:
    total = sum(sure.values()) + sum(several.values()) + unknown
    shares = {name: Fraction(picos, total) if total else Fraction(0) for name, picos in sure.items()}
    ordered = sorted(shares, key=lambda name: (-shares[name], name))
    open_ = {names: Fraction(picos, total) for names, picos in several.items()} if total else {}
    low = least_squares(shares, open_)
    high = most_squares(shares, open_, Fraction(unknown, total) if total else Fraction(0))
    return Concentration(
        role=role,
        total=Money(total),
        shares=tuple((name, Money(sure[name]), shares[name]) for name in ordered),
        several=tuple((names, Money(several[names]), share) for names, share in sorted(open_.items())),
        not_stated=Money(unknown),
        hhi_low=low * 10_000,
        hhi_high=high * 10_000,
    )


def exposures(spent: Sequence[Spent], chains: Chains) -> tuple[Exposure, ...]:
    """What of the spend has each party behind it, the most exposed first."""
    sure: dict[str, int] = {}
    perhaps: dict[str, int] = {}
    roles: dict[str, set[str]] = {}
    for one in spent:
        chain = chains[one.surface, one.model]
        for name in chain.parties:
            sure[name] = sure.get(name, 0) + one.amount.picos
        for name in set(chain.possible) - set(chain.parties):
            perhaps[name] = perhaps.get(name, 0) + one.amount.picos
        for role in ROLES:
            for name in chain.links[role].names:
                roles.setdefault(chain.makers.get(name, name), set()).add(role)
    names = sorted(roles, key=lambda name: (-sure.get(name, 0), -perhaps.get(name, 0), name))
    return tuple(
        Exposure(
            name,
            Money(sure.get(name, 0)),
            Money(perhaps.get(name, 0)),
            tuple(role for role in ROLES if role in roles[name]),
        )
        for name in names
    )


def connections(deals: Iterable[Deal], parties: Iterable[str]) -> tuple[Connection, ...]:
    """The stakes among some parties, by the deal ledger: equity that is held or was paid for, whatever its size."""
    known = set(parties)
    return tuple(
        Connection(deal.id, deal.giver, deal.getter, deal.stage in _SURE, deal.stage.value)
        for deal in deals
        if deal.kind in _STAKES and deal.state not in _GONE and {deal.giver, deal.getter} <= known
    )


def groups(found: Iterable[Connection], parties: Iterable[str]) -> Mapping[str, str]:
    """Each party's group: those that counted stakes tie together, however long the chain, joined by ` + `."""
    group = {name: {name} for name in parties}
    for one in found:
        if one.counted and group[one.holder] is not group[one.held]:
            merged = group[one.holder] | group[one.held]
            for name in merged:
                group[name] = merged
    return {name: " + ".join(sorted(members)) for name, members in group.items()}
