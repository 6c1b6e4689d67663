"""The cash layer: can each party pay what falls due, quarter by quarter, over many scenarios of income."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trivium.capital.clearing._system import TOLERANCE, Floats
from trivium.core import UserError

Notice = Literal["never", "at once", "when behind"]
NOTICES: tuple[Notice, ...] = ("never", "at once", "when behind")
_BLOCK = 100  # scenarios between two steps of a progress bar
_STILL = 1e-13  # of the largest amount a party sees: too little to move


@dataclass(frozen=True, slots=True)
class Due:
    """What one party owes another, by quarter. `creditor` None is the outside; `rank` 1 is the most senior.

    `firm` cannot be got out of; `cancellable` drops out `notice_quarters` after notice. `termination` is the claim if
    the debtor's default was declared in the quarter before, of `termination_rank` (None: of `rank`). A supply that
    `ends_with_creditor` is owed no more once the creditor is in default; a `conditional` payment not while the debtor
    is behind.
    """

    debtor: str
    creditor: str | None
    firm: tuple[float, ...]
    cancellable: tuple[float, ...] = ()
    notice_quarters: int = 0
    rank: int = 1
    termination: tuple[float, ...] = ()
    termination_rank: int | None = None
    ends_with_creditor: bool = False
    conditional: bool = False


@dataclass(frozen=True, eq=False)
class CashNetwork:
    """Parties with opening cash and what they owe over Q quarters.

    A payment that is missed rolls over. Who is behind at the end of more than `cure_quarters` quarters in a row is in
    default from then on: its later dues become termination claims, and of its outside cash only `alpha`, of what it
    receives only `beta`, reaches creditors. With 0 the cost is borne in the very quarter (Rogers and Veraart 2013).
    """

    parties: tuple[str, ...]
    quarters: int
    opening_cash: Floats
    dues: tuple[Due, ...]
    alpha: Floats
    beta: Floats
    cure_quarters: int = 1
    notice: Notice = "never"
    _arrays: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, eq=False)
class CashRuns:
    """What came of S scenarios; (S, N) in the order of the parties, quarters counted from 0, -1 for never.

    `behind` (S, Q, N) is what is unpaid at the end of each quarter, kept only on demand. `unsolved`: quarters whose
    payments did not settle, 0 unless something is wrong.
    """

    parties: tuple[str, ...]
    default_quarter: NDArray[np.int64]
    first_behind: NDArray[np.int64]
    paid: Floats
    received: Floats
    cash: Floats
    unpaid: Floats
    costs: Floats
    behind: Floats | None
    unsolved: int

    def default_share(self) -> dict[str, float]:
        """In what share of the scenarios given each party was in default by the end: a count, not a probability."""
        share = (self.default_quarter >= 0).mean(axis=0)
        return dict(zip(self.parties, share.tolist(), strict=True))


def cash_network(
    parties: Sequence[str],
    quarters: int,
    opening_cash: ArrayLike,
    dues: Sequence[Due],
    *,
    costs: tuple[ArrayLike, ArrayLike] = (1.0, 1.0),
    cure_quarters: int = 1,
    notice: Notice = "never",
) -> CashNetwork:
    """A checked network; `costs` are alpha and beta, a number or one each. UserError by field."""
    count = len(parties)
    if len(set(parties)) != count or not count:
        raise UserError("parties", list(parties), "name each party once, one at least")
    if quarters < 1:
        raise UserError("quarters", quarters, "give 1 or more")
    if cure_quarters < 0:
        raise UserError("cure_quarters", cure_quarters, "give 0 or more")
    if notice not in NOTICES:
        raise UserError("notice", notice, f"one of {', '.join(NOTICES)}")
    cash = np.broadcast_to(np.asarray(opening_cash, dtype=float), (count,)).copy()
    alpha, beta = (np.broadcast_to(np.asarray(cost, dtype=float), (count,)).copy() for cost in costs)
    for name, found, most in (("opening_cash", cash, np.inf), ("alpha", alpha, 1.0), ("beta", beta, 1.0)):
        if not ((found >= 0) & (found <= most) & np.isfinite(found)).all():
            raise UserError(name, found.tolist(), "give 0 or more" + ("" if most == np.inf else ", at most 1"))
    for number, due in enumerate(dues):
        _check_due(f"dues[{number}]", due, parties, quarters)
    network = CashNetwork(tuple(parties), quarters, cash, tuple(dues), alpha, beta, cure_quarters, notice)
    network._arrays.update(_arrays(network))  # noqa: SLF001  laid out once, beside what it is made from
    return network


def _check_due(name: str, due: Due, parties: Sequence[str], quarters: int) -> None:
    for field_name, party in (("debtor", due.debtor), ("creditor", due.creditor)):
        if party not in parties and not (field_name == "creditor" and party is None):
            raise UserError(f"{name}.{field_name}", party, f"name one of {', '.join(parties)}")
    if due.debtor == due.creditor:
        raise UserError(f"{name}.creditor", due.creditor, "nobody owes itself")
    for field_name in ("firm", "cancellable", "termination"):
        amounts = getattr(due, field_name)
        if len(amounts) not in ({quarters} if field_name == "firm" else {0, quarters}):
            raise UserError(
                f"{name}.{field_name}", f"{len(amounts)} amounts", f"give one for each of {quarters} quarters"
            )
        if not all(np.isfinite(amount) and amount >= 0 for amount in amounts):
            raise UserError(f"{name}.{field_name}", list(amounts), "give amounts of 0 or more")
    if min(due.rank, due.termination_rank or 1) < 1 or due.notice_quarters < 0:
        raise UserError(f"{name}.rank", due.rank, "ranks from 1, notice from 0 quarters")


def _arrays(network: CashNetwork) -> dict[str, Any]:
    """The dues as the loop wants them: claims ordered by debtor and rank."""
    quarters, index = network.quarters, {name: number for number, name in enumerate(network.parties)}
    nothing = (0.0,) * quarters
    rows = []
    for due in network.dues:
        debtor = index[due.debtor]
        creditor = len(index) if due.creditor is None else index[due.creditor]
        flags = (due.ends_with_creditor, due.conditional)
        later = due.rank if due.termination_rank is None else due.termination_rank
        ended, loose = due.termination or nothing, due.cancellable or nothing
        now = ended if later == due.rank else nothing
        rows.append((debtor, due.rank, creditor, due.firm, loose, due.notice_quarters, now, flags))
        if later != due.rank and any(ended):
            rows.append((debtor, later, creditor, nothing, nothing, 0, ended, flags))
    rows.sort(key=lambda row: row[:2])
    keys = [row[:2] for row in rows]
    groups = sorted(set(keys))
    begin = np.array([keys.index(group) for group in groups], dtype=np.int64)
    end = np.append(begin[1:], len(rows)) if groups else begin
    owners = [group[0] for group in groups]
    first = np.searchsorted(owners, range(len(index)), side="left").astype(np.int64)
    last = np.searchsorted(owners, range(len(index)), side="right").astype(np.int64)

    def column(place: int, kind: type) -> Any:
        return np.array([row[place] for row in rows], dtype=kind)

    def table(place: int) -> Floats:
        return np.ascontiguousarray(column(place, float).reshape(len(rows), quarters).T)

    return {
        "first": first,
        "last": last,
        "begin": begin,
        "end": end.astype(np.int64),
        "debtor": column(0, np.int64),
        "creditor": column(2, np.int64),
        "firm": table(3),
        "loose": table(4),
        "notice": column(5, np.int64),
        "ended": table(6),
        "flags": column(7, bool).reshape(len(rows), 2),
        "kept": np.column_stack([network.alpha, network.beta]),
        "opening": network.opening_cash,
    }


def run_cash(
    network: CashNetwork,
    income: ArrayLike,
    *,
    progress: Callable[[int, int | None], None] | None = None,
    workers: int | None = None,
    keep_quarters: bool = False,
) -> CashRuns:
    """Clear every quarter of every scenario; `income` (S, Q, N), or (Q, N) for one, is from outside the network.

    Income may be negative: what a party cannot cover it carries on, and pays nothing meanwhile. The result does not
    depend on `workers`, the number of threads (default: one a core). UserError for a wrong shape or no number.
    """
    from trivium.capital.clearing._cash_kernel import run_block  # noqa: PLC0415  numba takes half a second to import

    flows = np.ascontiguousarray(np.asarray(income, dtype=float))
    flows = flows[None] if flows.ndim == 2 else flows  # noqa: PLR2004  a single scenario
    count, quarters = len(network.parties), network.quarters
    if flows.ndim != 3 or flows.shape[1:] != (quarters, count):  # noqa: PLR2004  scenarios, quarters, parties
        raise UserError("income", str(flows.shape), f"give scenarios x {quarters} quarters x {count} parties")
    if not np.isfinite(flows).all():
        raise UserError("income", "not finite", "give finite amounts")
    scenarios = len(flows)
    terms = _terms(network, flows)
    out = np.empty((scenarios, 7, count))
    behind = np.empty((scenarios, quarters if keep_quarters else 1, count))

    def block(start: int) -> int:
        return int(run_block(start, min(start + _BLOCK, scenarios), flows, terms, out, behind))

    unsolved = done = 0
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for part in pool.map(block, range(0, scenarios, _BLOCK)):
            unsolved += part
            done = min(done + _BLOCK, scenarios)
            if progress:
                progress(done, scenarios)
    quarter = out[:, :2].astype(np.int64)
    paid, received, cash, unpaid, lost = (out[:, place] for place in range(2, 7))
    return CashRuns(
        parties=network.parties,
        default_quarter=quarter[:, 0],
        first_behind=quarter[:, 1],
        paid=paid,
        received=received,
        cash=cash,
        unpaid=unpaid,
        costs=lost,
        behind=behind if keep_quarters else None,
        unsolved=unsolved,
    )


def _terms(network: CashNetwork, flows: Floats) -> Any:
    """The network as the loop takes it, with the tolerance that follows from the largest amount each party sees."""
    from trivium.capital.clearing._cash_kernel import Terms  # noqa: PLC0415  as above

    laid = network._arrays  # noqa: SLF001  as above
    found = np.maximum(np.abs(flows).max(axis=(0, 1), initial=0.0), network.opening_cash)
    most = (laid["firm"] + laid["loose"]).max(axis=0, initial=0.0) + laid["ended"].max(axis=0, initial=0.0)
    owed, owing = np.zeros(len(found)), np.zeros(len(found) + 1)
    np.add.at(owed, laid["debtor"], most)
    np.add.at(owing, laid["creditor"], most)
    found = np.maximum(found, np.maximum(owed, owing[:-1]))
    scale = np.where(found > 0, found, found.max() or 1.0)
    arrays = {name: laid[name] for name in laid if name != "debtor"}
    rules = (network.cure_quarters, NOTICES.index(network.notice))
    return Terms(**arrays, cure=rules[0], notice_rule=rules[1], tolerance=TOLERANCE * scale, limit=_STILL * scale)
