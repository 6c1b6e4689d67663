"""What is cleared: outside assets, ranked debts, who holds how much of whose debt and equity, costs of default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trivium.core import UserError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOLERANCE = 1e-9  # of the largest amount that a party sees: who is short by less pays in full, above its threshold
NAME_MAX = 200
AMOUNT_MAX = 1e100  # sums and products of amounts stay numbers
_SUM_SLACK = 1e-12  # shares such as 546/777 + 231/777 may add up to a hair over one


@dataclass(frozen=True, eq=False)
class System:
    """N parties and K classes of debt, the first the most senior; amounts in one currency, shares from 0 to 1.

    `debt` (K, N) is nominal; `debt_holdings` (K, N, N) and `equity_holdings` (N, N) are shares, the row holds of the
    column. Of what a party in default has, `alpha` of its outside assets and `beta` of its other income reach creditors
    (Rogers and Veraart 2013). A party whose equity is below `thresholds` loses `failure_costs` (Elliott, Golub and
    Jackson 2014). `fixed_income` counts like income from holdings, and does not move. Outside assets may be negative.
    """

    parties: tuple[str, ...]
    outside_assets: Floats
    debt: Floats
    debt_holdings: Floats
    equity_holdings: Floats
    alpha: Floats
    beta: Floats
    thresholds: Floats
    failure_costs: Floats
    fixed_income: Floats

    @property
    def tolerance(self) -> Floats:
        """The one tolerance of the solvency test and of the thresholds, as an amount of each party."""
        return TOLERANCE * self.scale

    @property
    def scale(self) -> Floats:
        """The largest amount that each party can see, so that a small one beside a giant is tested as if alone.

        Its own amounts and the most that can come in from its holdings; the largest of all where it sees none.
        """
        own = (self.outside_assets, self.debt.sum(axis=0), self.thresholds, self.failure_costs, self.fixed_income)
        paid, equity = self.most
        found = np.abs(np.vstack([*own, paid + self.equity_holdings @ equity])).max(axis=0)
        return np.where(found > 0, found, found.max() or 1.0)

    @property
    def most(self) -> tuple[Floats, Floats]:
        """What debts and fixed income bring each party if all pay in full, and the equity it has at most."""
        paid = np.einsum("kij,kj->i", self.debt_holdings, self.debt) + self.fixed_income
        left = np.eye(len(self.parties)) - self.equity_holdings
        return paid, np.linalg.solve(left, np.maximum(self.outside_assets, 0.0) + paid)


def system(  # noqa: PLR0913  one keyword an input of the model, all with a neutral value
    parties: Sequence[str],
    outside_assets: ArrayLike,
    *,
    debt: ArrayLike | None = None,
    debt_holdings: ArrayLike | None = None,
    equity_holdings: ArrayLike | None = None,
    alpha: ArrayLike = 1.0,
    beta: ArrayLike = 1.0,
    thresholds: ArrayLike = 0.0,
    failure_costs: ArrayLike = 0.0,
    fixed_income: ArrayLike = 0.0,
) -> System:
    """A checked system; (N,) and (N, N) for one class of debt, (K, N) and (K, N, N) for several. UserError by field."""
    count = len(parties)
    _check_names(parties)
    debts = np.atleast_2d(_array("debt", np.zeros(count) if debt is None else debt))
    held = _array("debt_holdings", np.zeros((len(debts), count, count)) if debt_holdings is None else debt_holdings)
    held = held[None] if held.ndim == 2 else held  # noqa: PLR2004  a matrix is the holdings of a single class
    found = System(
        tuple(parties),
        _vector("outside_assets", outside_assets, count, lowest=-np.inf),
        _shaped("debt", debts, (len(debts), count)),
        _shaped("debt_holdings", held, (len(debts), count, count)),
        _shaped(
            "equity_holdings",
            _array("equity_holdings", np.zeros((count, count)) if equity_holdings is None else equity_holdings),
            (count, count),
        ),
        _vector("alpha", alpha, count, highest=1.0),
        _vector("beta", beta, count, highest=1.0),
        _vector("thresholds", thresholds, count),
        _vector("failure_costs", failure_costs, count),
        _vector("fixed_income", fixed_income, count),
    )
    _check_shares("equity_holdings", found.equity_holdings, parties, whole=False)
    for number, (owed, matrix) in enumerate(zip(found.debt, found.debt_holdings, strict=True)):
        which = f"[{number}]" if len(debts) > 1 else ""
        _check_range(f"debt{which}", owed, 0.0, np.inf)
        _check_shares(f"debt_holdings{which}", matrix, parties, whole=True)
    return found


def from_liabilities(  # noqa: PLR0913  as above
    parties: Sequence[str],
    outside_assets: ArrayLike,
    liabilities: ArrayLike,
    outside_liabilities: ArrayLike = 0.0,
    *,
    equity_holdings: ArrayLike | None = None,
    alpha: ArrayLike = 1.0,
    beta: ArrayLike = 1.0,
    thresholds: ArrayLike = 0.0,
    failure_costs: ArrayLike = 0.0,
) -> System:
    """A system with one class of debt from amounts: the row owes the column (Eisenberg and Noe 2001). UserError."""
    count = len(parties)
    owed = _shaped("liabilities", _array("liabilities", liabilities), (count, count))
    _check_range("liabilities", owed, 0.0, np.inf)
    for i in np.flatnonzero(owed.diagonal()).tolist():
        raise UserError(
            f"liabilities[{i}][{i}]", float(owed[i, i]), f"{parties[i]} cannot owe itself: make the diagonal 0"
        )
    outside = _vector("outside_liabilities", outside_liabilities, count)
    debt = owed.sum(axis=1) + outside
    return system(
        parties,
        outside_assets,
        debt=debt,
        debt_holdings=np.divide(owed, debt[:, None], out=np.zeros_like(owed), where=debt[:, None] > 0).T,
        equity_holdings=equity_holdings,
        alpha=alpha,
        beta=beta,
        thresholds=thresholds,
        failure_costs=failure_costs,
    )


def _check_names(parties: Sequence[str]) -> None:
    if not parties:
        raise UserError("parties", list(parties), "name at least one party")
    seen: set[str] = set()
    for number, name in enumerate(parties):
        if not isinstance(name, str) or not name.strip():
            raise UserError(f"parties[{number}]", name, "give a name that is not empty")
        if not name.isprintable():
            raise UserError(f"parties[{number}]", name[:60], "give a name of characters that can be printed")
        if len(name) > NAME_MAX:
            raise UserError(f"parties[{number}]", f"{name[:60]}…", f"give a name of at most {NAME_MAX} characters")
        if name in seen:
            raise UserError(f"parties[{number}]", name, "name each party once")
        seen.add(name)


def _array(field: str, value: ArrayLike) -> Floats:
    try:
        found = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(field, type(value).__name__, f"give numbers in rows of equal length ({error})") from error
    if not np.isfinite(found).all():
        place = np.argwhere(~np.isfinite(found))[0]
        raise UserError(f"{field}{_place(place)}", float(found[tuple(place)]), "give a finite number")
    if (np.abs(found) > AMOUNT_MAX).any():
        place = np.argwhere(np.abs(found) > AMOUNT_MAX)[0]
        remedy = f"give an amount of at most {AMOUNT_MAX:g}, in millions or billions if need be"
        raise UserError(f"{field}{_place(place)}", float(found[tuple(place)]), remedy)
    return found


def _vector(field: str, value: ArrayLike, count: int, *, lowest: float = 0.0, highest: float = np.inf) -> Floats:
    found = _array(field, value)
    _check_range(field, found, lowest, highest)
    return np.full(count, float(found)) if found.ndim == 0 else _shaped(field, found, (count,))


def _shaped(field: str, found: Floats, shape: tuple[int, ...]) -> Floats:
    if found.shape != shape:
        size = " x ".join(map(str, found.shape)) or "a single number"
        raise UserError(field, size, f"give {' x '.join(map(str, shape))} numbers, in the order of the parties")
    return found


def _check_range(field: str, found: Floats, lowest: float, highest: float) -> None:
    wrong = np.argwhere((found < lowest) | (found > highest))
    if len(wrong):
        remedy = f"give {lowest:g} or more" if highest == np.inf else f"give a share from {lowest:g} to {highest:g}"
        raise UserError(f"{field}{_place(wrong[0])}", float(found[tuple(wrong[0])]), remedy)


def _check_shares(field: str, matrix: Floats, parties: Sequence[str], *, whole: bool) -> None:
    """Own claims are nobody's; all of a debt may be held inside, of equity a part must be held outside."""
    _check_range(field, matrix, 0.0, 1.0)
    for i in np.flatnonzero(matrix.diagonal()).tolist():
        raise UserError(
            f"{field}[{i}][{i}]", float(matrix[i, i]), f"{parties[i]} cannot hold its own: make the diagonal 0"
        )
    totals = matrix.sum(axis=0)
    for j in np.flatnonzero(totals > 1 + _SUM_SLACK if whole else totals >= 1 - _SUM_SLACK).tolist():
        remedy = "at most 1" if whole else "below 1: some of the equity must be held outside the network"
        raise UserError(f"{field} column {j} ({parties[j]})", float(totals[j]), f"shares must add up to {remedy}")


def _place(place: NDArray[np.int64]) -> str:
    return "".join(f"[{index}]" for index in place)
