"""The compiled loop of the cash layer: one scenario, quarter by quarter, in each the greatest payments there are.

Within a quarter everyone is first taken to be paid in full; who is short pushes its shortfall to its creditors, until
nobody moves. What still creeps after some sweeps is solved: the walk of `_walk`, from above, inside this loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

NOTICE_AT_ONCE, NOTICE_BEHIND = 1, 2
FIRST_DEFAULT, FIRST_BEHIND, PAID, RECEIVED, CASH, UNPAID, COST = range(7)  # the rows of a scenario's result
ENDS_WITH_CREDITOR, CONDITIONAL = range(2)  # the flags of a claim

_SWEEPS = 60  # of pushing; then leaps, which take a linear system each
_LEAPS_MAX = 2000
_DAMPING = 1e-9


class Terms(NamedTuple):
    """A network as arrays: claims in groups (debtor, rank), ordered by debtor and rank.

    `first` and `last` are each party's groups, `begin` and `end` each group's claims; the creditor with the number of
    parties is the outside. `firm`, `loose` and `ended` are (Q, claims), `flags` (claims, 2), `kept` (N, 2) alpha, beta.
    """

    first: Any
    last: Any
    begin: Any
    end: Any
    creditor: Any
    firm: Any
    loose: Any
    notice: Any
    ended: Any
    flags: Any
    kept: Any
    opening: Any
    cure: int
    notice_rule: int
    tolerance: Any  # of each party: who is short by less pays in full
    limit: Any  # of each party: what is too little to move


class Book(NamedTuple):
    """The state of one scenario: by claim, by group, by party."""

    claim: Any
    arrears: Any
    total: Any
    share: Any
    received: Any
    due: Any
    own: Any
    cash: Any
    estate: Any
    behind: Any
    defaulted: Any
    noticed: Any


def compiled(function: Callable[..., Any]) -> Any:
    """The machine code of a loop; kept on disk where that is possible, else made anew in each process."""
    try:
        return njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # numba's word for: neither the package's folder nor the user's cache can be written
        return njit(function, nogil=True, error_model="numpy")


@compiled
def _free(i: int, own: Any, received: Any, due: Any, estate: Any, tolerance: float, at_once: bool) -> bool:
    """Whether a party bears no cost of default: no estate, nor short where default is at once."""
    return not estate[i] and not (at_once and own[i] + received[i] < due[i] - tolerance)


@compiled
def _pot(i: int, own: Any, received: Any, kept: Any, free: bool) -> Any:
    """What a party has to pay with."""
    if free:
        return own[i] + received[i]
    return max(own[i], 0.0) * kept[i, 0] + min(own[i], 0.0) + kept[i, 1] * received[i]


@compiled
def _push(i: int, pot: float, ways: Any, claim: Any, total: Any, share: Any, received: Any, limit: float) -> bool:
    """Pay from a pot in order of rank; whether anybody gets less than before."""
    first, last, begin, end, creditor = ways
    moved = False
    rest = max(pot, 0.0)
    for g in range(first[i], last[i]):
        if total[g] <= 0.0:
            continue
        then = min(rest / total[g], 1.0)
        rest = max(rest - total[g], 0.0)
        if then < share[g] and (share[g] - then) * total[g] > limit:
            for e in range(begin[g], end[g]):
                received[creditor[e]] -= claim[e] * (share[g] - then)
            share[g] = then
            moved = True
    return moved


@compiled
def _income(ways: Any, claim: Any, share: Any, income: Any) -> None:
    """What each gets if every group is paid its share."""
    _, _, begin, end, creditor = ways
    income[:] = 0.0
    for g in range(len(begin)):
        if share[g] > 0.0:
            for e in range(begin[g], end[g]):
                income[creditor[e]] += claim[e] * share[g]


@compiled
def _bend(i: int, pot: float, rate: float, ways: Any, claim: Any, total: Any, share: Any, slope: Any) -> Any:
    """Pay what a party in trouble can, set its column of the slope, and say how far its income may fall to a kink."""
    first, last, begin, end, creditor = ways
    below, room, rest = 0.0, np.inf, max(pot, 0.0)
    for g in range(first[i], last[i]):
        if total[g] <= 0.0:
            continue
        if below < pot <= below + total[g]:
            room = (pot - below) / rate if rate > 0.0 else np.inf
            for e in range(begin[g], end[g]):
                if creditor[e] < len(slope):
                    slope[creditor[e], i] += rate * claim[e] / total[g]
        below += total[g]
        share[g] = min(share[g], rest / total[g])
        rest = max(rest - total[g], 0.0)
    return room


@compiled
def _leap(terms: Any, book: Any) -> bool:
    """One step of the walk from above: to the solution, or the first kink on the way to it. Whether anything moved."""
    ways = (terms.first, terms.last, terms.begin, terms.end, terms.creditor)
    kept, limit, tolerance, at_once = terms.kept, terms.limit, terms.tolerance, terms.cure == 0
    claim, total, share = book.claim, book.total, book.share
    own, due, received, estate = book.own, book.due, book.received, book.estate
    count = len(due)
    slope, room, after = np.zeros((count, count)), np.empty(count), np.zeros(count + 1)
    for i in range(count):
        free = _free(i, own, received, due, estate, tolerance[i], at_once)
        rate = 1.0 if free else kept[i, 1]
        pot = _pot(i, own, received, kept, free)
        if free and at_once:
            room[i] = max(pot - due[i] + tolerance[i] + limit[i], 0.0)
        elif pot > due[i] + limit[i]:
            room[i] = (pot - due[i]) / rate if rate > 0.0 else np.inf
        else:
            room[i] = max(_bend(i, pot - limit[i], rate, ways, claim, total, share, slope), 0.0)
    _income(ways, claim, share, after)
    missing = np.maximum(received[:count] - after[:count], 0.0)
    if np.all(missing <= 2 * limit):
        received[:] = after
        return False
    way = np.linalg.solve(np.eye(count) - (1.0 - _DAMPING) * slope, missing)
    part = 1.0
    for i in range(count):
        if way[i] > 0.0:
            part = min(part, room[i] / way[i])
    for i in range(count):
        received[i] = min(received[i] - part * max(way[i], 0.0), after[i])
    return True


@compiled
def _clear(terms: Any, book: Any) -> bool:
    """The greatest payments of one quarter, as shares of groups. False if they were not reached."""
    ways = (terms.first, terms.last, terms.begin, terms.end, terms.creditor)
    kept, limit, tolerance, at_once = terms.kept, terms.limit, terms.tolerance, terms.cure == 0
    claim, total, share = book.claim, book.total, book.share
    own, due, received, estate = book.own, book.due, book.received, book.estate
    share[:] = 1.0
    _income(ways, claim, share, received)
    for _ in range(_SWEEPS):
        moved = False
        for i in range(len(due)):
            if due[i] > 0.0:
                free = _free(i, own, received, due, estate, tolerance[i], at_once)
                pot = _pot(i, own, received, kept, free)
                slack = tolerance[i] if at_once else 0.0
                if pot < due[i] - slack:
                    moved |= _push(i, pot, ways, claim, total, share, received, limit[i])
        if not moved:
            return True
    leaps = 0
    while leaps < _LEAPS_MAX and _leap(terms, book):
        leaps += 1
    return leaps < _LEAPS_MAX


@compiled
def _open(t: int, income: Any, terms: Any, book: Any) -> None:
    """What each has of its own, and owes, in a quarter: what is in arrears and what falls due."""
    first, last, begin, end, creditor = terms.first, terms.last, terms.begin, terms.end, terms.creditor
    firm, loose, ended, notice, flags = terms.firm[t], terms.loose[t], terms.ended[t], terms.notice, terms.flags
    claim, arrears, total, due = book.claim, book.arrears, book.total, book.due
    defaulted, noticed, behind = book.defaulted, book.noticed, book.behind
    for i in range(len(due)):
        due[i] = 0.0
        for g in range(first[i], last[i]):
            total[g] = 0.0
            for e in range(begin[g], end[g]):
                new = firm[e]
                if defaulted[i] >= 0:
                    new = ended[e] if defaulted[i] == t - 1 else 0.0
                elif (flags[e, ENDS_WITH_CREDITOR] and defaulted[creditor[e]] >= 0) or (
                    flags[e, CONDITIONAL] and behind[i] > 0
                ):
                    new = 0.0
                elif t < noticed[i] + notice[e]:
                    new += loose[e]
                claim[e] = arrears[e] + new
                total[g] += claim[e]
            due[i] += total[g]
    book.own[:] = book.cash + income


@compiled
def _close(terms: Any, book: Any, out: Any) -> None:
    """Pay, and roll over what is missing."""
    first, last, begin, end, kept = terms.first, terms.last, terms.begin, terms.end, terms.kept
    claim, arrears, total, share = book.claim, book.arrears, book.total, book.share
    own, due, received, estate, cash = book.own, book.due, book.received, book.estate, book.cash
    for i in range(len(due)):
        free = _free(i, own, received, due, estate, terms.tolerance[i], terms.cure == 0)
        pot, paid = _pot(i, own, received, kept, free), 0.0
        for g in range(first[i], last[i]):
            paid += share[g] * total[g]
            for e in range(begin[g], end[g]):
                arrears[e] = claim[e] * (1.0 - share[g])
        cash[i] = pot - paid
        out[PAID, i] += paid
        out[RECEIVED, i] += received[i]
        out[COST, i] += own[i] + received[i] - pot
        out[UNPAID, i] = due[i] - paid


@compiled
def _judge(t: int, terms: Any, book: Any, out: Any) -> None:
    """Who is behind, gives notice, or is in default from now on."""
    behind, noticed, defaulted, estate = book.behind, book.noticed, book.defaulted, book.estate
    for i in range(len(behind)):
        if out[UNPAID, i] <= terms.tolerance[i]:
            behind[i] = 0
            continue
        behind[i] += 1
        if out[FIRST_BEHIND, i] < 0.0:
            out[FIRST_BEHIND, i] = t
        if terms.notice_rule == NOTICE_BEHIND:
            noticed[i] = min(noticed[i], t + 1)
        if behind[i] > terms.cure and defaulted[i] < 0:
            defaulted[i] = t
            out[FIRST_DEFAULT, i] = t
            estate[i] = True


@compiled
def run_scenario(income: Any, terms: Any, out: Any, behind: Any) -> int:
    """One scenario from income (Q, N); `out` (7, N) and `behind`, a row a quarter or one for all, are filled.

    Returns how many quarters were not solved.
    """
    quarters, count = income.shape
    claims, groups = len(terms.creditor), len(terms.begin)
    book = Book(
        np.zeros(claims),
        np.zeros(claims),
        np.zeros(groups),
        np.ones(groups),
        np.zeros(count + 1),
        np.zeros(count),
        np.zeros(count),
        terms.opening.copy(),
        np.zeros(count, dtype=np.bool_),
        np.zeros(count, dtype=np.int64),
        np.full(count + 1, -1, dtype=np.int64),  # the outside never defaults
        np.full(count, 0 if terms.notice_rule == NOTICE_AT_ONCE else quarters, dtype=np.int64),
    )
    out[:, :] = 0.0
    out[: FIRST_BEHIND + 1, :] = -1.0
    unsolved = 0
    for t in range(quarters):
        _open(t, income[t], terms, book)
        if not _clear(terms, book):
            unsolved += 1
        _close(terms, book, out)
        _judge(t, terms, book, out)
        behind[t % len(behind)] = out[UNPAID]
    out[CASH] = book.cash
    return unsolved


@compiled
def run_block(start: int, stop: int, income: Any, terms: Any, out: Any, behind: Any) -> int:
    """Scenarios from `start` to before `stop`."""
    unsolved = 0
    for s in range(start, stop):
        unsolved += run_scenario(income[s], terms, out[s], behind[s])
    return unsolved
