"""How low and how high the sum of squared shares can be while some shares are one of several names', or nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, product
from math import prod

_CHOICES_MAX = 4096  # of names for all groups together; beyond it a bound that is safe and not tight
_NAMES_MAX = 12  # of sets of names there are 2^12
_NOBODY = ""
Names = tuple[str, ...]


def least_squares(sure: Mapping[str, Fraction], several: Mapping[Names, Fraction]) -> Fraction:
    """The least sum: each group is divided among its names as evenly as that goes; what nobody states adds nothing.

    The evenest division (Fujishige 1980): of all sets of names, the one that must carry most a name carries it evenly;
    then the same of the rest.
    """
    names = {name for group in several for name in group}
    left, groups = {name: sure.get(name, Fraction(0)) for name in names}, dict(several)
    total = sum((share**2 for name, share in sure.items() if name not in names), Fraction(0))
    if len(names) > _NAMES_MAX:
        return total + sum((share**2 for share in left.values()), Fraction(0))
    while left:
        level, carrying = max(
            (_carried(left, groups, chosen) / size, chosen)
            for size in range(1, len(left) + 1)
            for chosen in combinations(sorted(left), size)
        )
        total += level**2 * len(carrying)
        left = {name: share for name, share in left.items() if name not in carrying}
        rest: dict[Names, Fraction] = {}
        for group, share in groups.items():
            if kept := tuple(name for name in group if name in left):
                rest[kept] = rest.get(kept, Fraction(0)) + share
        groups = rest
    return total


def _carried(sure: Mapping[str, Fraction], several: Mapping[Names, Fraction], chosen: Names) -> Fraction:
    """What some names must carry: their own, and what is one of them alone."""
    mine = sum((sure[name] for name in chosen), Fraction(0))
    return mine + sum((share for group, share in several.items() if set(group) <= set(chosen)), Fraction(0))


def most_squares(sure: Mapping[str, Fraction], several: Mapping[Names, Fraction], unknown: Fraction) -> Fraction:
    """The greatest sum: each group is one of its names in whole, and what nobody states is the largest name's."""
    whole = {_NOBODY: Fraction(0), **sure}
    if prod(map(len, several)) > _CHOICES_MAX:
        return _squares(whole, sum(several.values(), unknown))
    found = Fraction(0)
    for choice in product(*several):
        tried = dict(whole)
        for name, share in zip(choice, several.values(), strict=True):
            tried[name] = tried.get(name, Fraction(0)) + share
        found = max(found, _squares(tried, unknown))
    return found


def _squares(shares: Mapping[str, Fraction], loose: Fraction) -> Fraction:
    largest = max(shares.values())
    return sum((share**2 for share in shares.values()), Fraction(0)) - largest**2 + (largest + loose) ** 2
