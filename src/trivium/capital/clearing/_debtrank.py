"""Linear DebtRank: distress that spreads before anyone defaults; a quick ranking that knows no recovery."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trivium.capital.clearing._system import Floats
from trivium.core import UserError

_ROUNDS_MAX = 10_000
_STILL = 1e-15


def debtrank(exposures: ArrayLike, equity: ArrayLike, shock: ArrayLike) -> Floats:
    """Loss of each party as a share of its equity, from an initial loss `shock` of shares 0 to 1.

    `exposures` (N, N): the row has a claim on the column, in the currency of `equity` (N,). A debtor's loss goes on
    to its creditors in proportion, until it is wiped out (Bardoscia and others 2015). Who starts without equity has
    lost all of it. UserError for negative amounts and shares outside 0 to 1.
    """
    claims, own, first = (np.asarray(value, dtype=float) for value in (exposures, equity, shock))
    count = len(own)
    if claims.shape != (count, count) or first.shape != (count,):
        raise UserError("exposures", str(claims.shape), f"give {count} x {count} amounts and {count} shocks")
    if not (np.isfinite(claims).all() and (claims >= 0).all() and np.isfinite(own).all() and (own >= 0).all()):
        raise UserError("exposures", "a negative amount or none", "give exposures and equity of 0 or more")
    if not ((first >= 0) & (first <= 1)).all():
        raise UserError("shock", first.tolist(), "give shares of equity from 0 to 1")
    per_equity = np.divide(claims, own[:, None], out=np.zeros_like(claims), where=own[:, None] > 0)
    before, now = np.zeros(count), np.where(own > 0, first, 1.0)
    for _ in range(_ROUNDS_MAX):
        after = np.where(own > 0, np.minimum(now + per_equity @ (now - before), 1.0), 1.0)
        before, now = now, np.maximum(after, now)
        if float((now - before).max(initial=0.0)) <= _STILL:
            break
    return now
