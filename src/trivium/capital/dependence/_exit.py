"""What leaving a platform costs and takes: planned, when the move is done, and stressed, from one day to the next.

A commitment is burnt down by the spend on its surfaces and by other spend. What it still asks for at its end, and
nothing burns any more, is stranded:

    stranded = max(0, remaining - other - counts x sum over surfaces of spend a day x days it still runs there)

days to the end of the term for the surfaces that stay; for the one that is left the days of the move (planned), or
none (stressed). Spend a day is the measured mean; growth is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction

from trivium.capital.dependence._values import Committed, Exit, Stranded

_DAYS_A_MONTH = Fraction(365, 12)
NO_CACHE = "lost cache: the ledger has what was read from caches, not what is alive in them on the day"
NO_MOVE = "how long the move takes: state capital.exit.{}.migration_months, or measure it by a drill"
NO_PREPAID = "prepaid credits: state capital.exit.{}.prepaid_usd, 0 if there are none"
NO_AMOUNT = "what remains of {}: state its amount"


def exit_of(
    surface: str,
    at: date,
    commitments: Iterable[Committed],
    per_day: Mapping[str, Fraction],
    *,
    prepaid_usd: Fraction | None = None,
    migration_months: Fraction | None = None,
    migration_from: str = "",
) -> Exit:
    """The exit from one surface; `per_day` is the measured spend in USD a day by surface."""
    mine = sorted((one for one in commitments if surface in one.surfaces), key=lambda one: one.name)
    days = None if migration_months is None else migration_months * _DAYS_A_MONTH
    stranded = tuple(_stranded(one, surface, at, per_day, days) for one in mine)
    daily = per_day.get(surface, Fraction(0))
    used = None if prepaid_usd is None or days is None else max(Fraction(0), prepaid_usd - daily * days)
    unknown = [NO_CACHE]
    unknown += [NO_MOVE.format(surface)] if migration_months is None else []
    unknown += [NO_PREPAID.format(surface)] if prepaid_usd is None else []
    unknown += [NO_AMOUNT.format(one.name) for one in mine if one.remaining_usd is None]
    return Exit(
        surface=surface,
        spend_usd_per_day=daily,
        commitments=stranded,
        prepaid_usd=prepaid_usd,
        prepaid_lost_planned_usd=used,
        migration_months=migration_months,
        migration_from=migration_from,
        leaves_on=None if days is None else at + timedelta(days=round(days)),
        bound_until=max((one.ends for one in mine), default=None),
        unknown=tuple(unknown),
    )


def _stranded(
    one: Committed, surface: str, at: date, per_day: Mapping[str, Fraction], move_days: Fraction | None
) -> Stranded:
    if one.remaining_usd is None:
        return Stranded(one, None, None, None)
    length = Fraction(max(0, (one.ends - at).days))
    stays = sum((per_day.get(name, Fraction(0)) for name in one.surfaces if name != surface), Fraction(0))
    leaves = per_day.get(surface, Fraction(0))

    def left(days: Fraction) -> Fraction:
        burnt = one.counts * (stays * length + leaves * min(days, length))
        return max(Fraction(0), (one.remaining_usd or Fraction(0)) - one.other_usd - burnt)

    return Stranded(one, left(length), None if move_days is None else left(move_days), left(Fraction(0)))
