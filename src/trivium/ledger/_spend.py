"""What was spent, by any dimension: totals of live attempts and of what pruning left of older ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, null, or_, select

from trivium.core import UNITS, Money, Usage, UserError
from trivium.ledger import _rows as rows
from trivium.ledger._schema import closed as c
from trivium.ledger._schema import opened as o
from trivium.ledger._schema import prunes, tombstones
from trivium.ledger._schema import ratings as r

DIMENSIONS = (
    *("workload", "model", "surface", "scope", "tier", "key", "session", "endpoint"),
    *("outcome", "quality", "day", "month"),
)
TAG = "tag:"
PRUNED = "(pruned)"  # the key of attempts whose session or tag went with pruning
OPEN = "open"  # the outcome of an attempt that has not ended
_SPLIT = 10**9  # amounts are summed in two parts, so that no sum leaves 64 bits
_MICROS = 1_000_000
_COLUMN = {"key": "key_id"}


@dataclass(frozen=True, slots=True)
class SpendRow:
    """One group of attempts. The usage sums what is known; `unknown_usage` attempts have counts that are not."""

    keys: tuple[str, ...]
    requests: int
    attempts: int  # ended or open
    usage: Usage
    amount: Money  # of the priced attempts, exact
    unpriced: int
    unpriced_lower: Money
    unpriced_upper: Money | None  # None: at least one of them has no upper bound
    lower: (
        Money  # what all ended attempts cost together lies between these: unpriced ones and estimates by their bounds
    )
    upper: Money | None  # None: at least one has no upper bound
    open: int
    unknown_usage: int
    estimated: int  # attempts whose counts are estimates

    @property
    def cache_hit_rate(self) -> float | None:
        """Share of prompt tokens read from a cache; None without a prompt."""
        counts = {
            unit: self.usage.get(unit) or 0 for unit in ("input", "cache_read", "cache_write_5m", "cache_write_1h")
        }
        prompt = sum(counts.values())
        return counts["cache_read"] / prompt if prompt else None


@dataclass(slots=True)
class _Sum:
    """A group while it is being added up."""

    requests: int = 0
    attempts: int = 0
    open: int = 0
    unknown_usage: int = 0
    estimated: int = 0
    unpriced: int = 0
    unbounded: int = 0
    amount: int = 0
    lower: int = 0
    upper: int = 0
    total_lower: int = 0
    total_upper: int = 0
    endless: int = 0  # without an upper bound, priced by an estimate or not at all
    counts: list[int] = field(default_factory=lambda: [0] * len(UNITS))

    def row(self, keys: tuple[str, ...]) -> SpendRow:
        return SpendRow(
            keys=keys,
            requests=self.requests,
            attempts=self.attempts,
            usage=Usage(*self.counts),
            amount=Money(self.amount),
            unpriced=self.unpriced,
            unpriced_lower=Money(self.lower),
            unpriced_upper=None if self.unbounded else Money(self.upper),
            lower=Money(self.total_lower),
            upper=None if self.endless else Money(self.total_upper),
            open=self.open,
            unknown_usage=self.unknown_usage,
            estimated=self.estimated,
        )


def spend(
    connection: Connection,
    by: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    where: Mapping[str, str],
) -> tuple[SpendRow, ...]:
    """Totals by dimensions, dearest first; `since` ≤ start of the attempt < `until`."""
    for name in (*by, *where):
        check_dimension(name)
    since_us = None if since is None else rows.to_us(since, "since")
    until_us = None if until is None else rows.to_us(until, "until")
    groups: dict[tuple[str, ...], _Sum] = {}
    for row in connection.execute(_live(by, since_us, until_us, where)):
        _add_live(groups.setdefault(tuple(map(str, row[: len(by)])), _Sum()), row[len(by) :])
    _add_pruned(connection, groups, by, (since_us, until_us), where)
    found = [total.row(keys) for keys, total in groups.items()]
    return tuple(sorted(found, key=lambda row: (-row.amount.picos, row.keys)))


def check_dimension(name: str) -> None:
    """UserError if attempts cannot be grouped or chosen by that name."""
    tag = name.removeprefix(TAG) if name.startswith(TAG) else None
    if (tag is None and name not in DIMENSIONS) or tag == "" or (tag and '"' in tag):
        raise UserError("dimension", name, f"use one of {', '.join(DIMENSIONS)}, or tag:NAME")


def dimension(name: str) -> ColumnElement[Any]:
    """The expression of a dimension over live attempts; text, except `day` in its inner form."""
    check_dimension(name)
    if name.startswith(TAG):
        return func.coalesce(func.json_extract(o.c.tags, f'$."{name.removeprefix(TAG)}"'), "")
    if name == "day":
        return func.strftime("%Y-%m-%d", o.c.at_us // _MICROS, "unixepoch")
    if name == "month":
        return func.strftime("%Y-%m", o.c.at_us // _MICROS, "unixepoch")
    if name == "outcome":
        return func.coalesce(c.c.outcome, OPEN)
    if name == "quality":
        return func.coalesce(c.c.quality, OPEN)
    return o.c[_COLUMN.get(name, name)]


def conditions(since_us: int | None, until_us: int | None, where: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """The WHERE clauses over live attempts."""
    found: list[ColumnElement[bool]] = [dimension(name) == value for name, value in where.items()]
    if since_us is not None:
        found.append(o.c.at_us >= since_us)
    if until_us is not None:
        found.append(o.c.at_us < until_us)
    return found


def current_closed() -> ColumnElement[bool]:
    """Joins an attempt to the end that counts."""
    later = c.alias("later")
    newest = select(func.max(later.c.revision)).where(later.c.opened_seq == o.c.seq).scalar_subquery()
    return and_(c.c.opened_seq == o.c.seq, c.c.revision == newest)


def current_rating() -> ColumnElement[bool]:
    """Joins an attempt to the rating that counts."""
    later = r.alias("later_rating")
    newest = select(func.max(later.c.revision)).where(later.c.opened_seq == o.c.seq).scalar_subquery()
    return and_(r.c.opened_seq == o.c.seq, r.c.revision == newest)


def _live(
    by: Sequence[str], since_us: int | None, until_us: int | None, where: Mapping[str, str]
) -> Select[tuple[Any, ...]]:
    keys = [dimension(name).label(f"key_{number}") for number, name in enumerate(by)]
    ended = c.c.opened_seq != null()
    unpriced = and_(ended, r.c.amount_picos == null())
    unknown = and_(ended, or_(*(c.c[unit] == null() for unit in UNITS)))
    parts = [
        func.count(o.c.request_id.distinct()),
        func.count(),
        _count(c.c.opened_seq == null()),
        _count(unknown),
        _count(c.c.quality == "estimated"),
        _count(unpriced),
        _count(and_(unpriced, r.c.upper_picos == null())),
        _count(and_(ended, r.c.upper_picos == null(), or_(r.c.amount_picos == null(), r.c.lower_picos != null()))),
    ]
    alone = [case((unpriced, column)) for column in (r.c.lower_picos, r.c.upper_picos)]
    together = [func.coalesce(column, r.c.amount_picos) for column in (r.c.lower_picos, r.c.upper_picos)]
    for column in (r.c.amount_picos, *alone, *together):
        parts += [_sum(column // _SPLIT), _sum(column % _SPLIT)]
    parts += [_sum(c.c[unit]) for unit in UNITS]
    source = o.outerjoin(c, current_closed()).outerjoin(r, current_rating())
    query = select(*keys, *parts).select_from(source).where(*conditions(since_us, until_us, where))
    return query.group_by(*keys) if keys else query


def _sum(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(value), 0)


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, literal(1)), else_=literal(0))), 0)


def _add_live(total: _Sum, row: Sequence[int]) -> None:
    requests, attempts, open_, unknown, estimated, unpriced, unbounded, endless, *rest = row
    total.requests += requests
    total.attempts += attempts
    total.open += open_
    total.unknown_usage += unknown
    total.estimated += estimated
    total.unpriced += unpriced
    total.unbounded += unbounded
    total.amount += rest[0] * _SPLIT + rest[1]
    total.lower += rest[2] * _SPLIT + rest[3]
    total.upper += rest[4] * _SPLIT + rest[5]
    total.total_lower += rest[6] * _SPLIT + rest[7]
    total.total_upper += rest[8] * _SPLIT + rest[9]
    total.endless += endless
    total.counts = [mine + theirs for mine, theirs in zip(total.counts, rest[10:], strict=True)]


def _add_pruned(
    connection: Connection,
    groups: dict[tuple[str, ...], _Sum],
    by: Sequence[str],
    window: tuple[int | None, int | None],
    where: Mapping[str, str],
) -> None:
    pruned_us = connection.execute(select(func.max(prunes.c.before_us))).scalar()
    if pruned_us is None:
        return
    since_us, until_us = window
    for field_name, edge in (("since", since_us), ("until", until_us)):
        if edge is not None and edge < pruned_us and edge % rows.DAY_US:
            remedy = "that period was pruned to whole days: give the start of a day (UTC)"
            raise UserError(field_name, rows.from_us(edge).isoformat(), remedy)
    query = select(tombstones)
    if since_us is not None:
        query = query.where(tombstones.c.day_us >= since_us)
    if until_us is not None:
        query = query.where(tombstones.c.day_us < until_us)
    for row in connection.execute(query).mappings():
        tags = rows.tags_from(row["tags"])
        if any(_pruned_key(row, tags, name) != value for name, value in where.items()):
            continue
        keys = tuple(_pruned_key(row, tags, name) for name in by)
        total = groups.setdefault(keys, _Sum())
        total.requests += row["requests"]
        total.attempts += row["attempts"]
        total.unknown_usage += row["unknown_usage"]
        total.estimated += row["attempts"] if row["quality"] == "estimated" else 0
        amount, lower, upper = row["amount_picos"], row["lower_picos"], row["upper_picos"]
        total.amount += int(amount)
        total.total_lower += int(lower or amount)
        total.total_upper += int(upper or amount)
        total.endless += lower is not None and upper is None
        total.counts = [mine + row[unit] for mine, unit in zip(total.counts, UNITS, strict=True)]


def _pruned_key(row: Mapping[Any, Any], tags: Mapping[str, str], name: str) -> str:
    if name.startswith(TAG):
        return tags.get(name.removeprefix(TAG), PRUNED)
    if name == "session":
        return PRUNED
    if name in _DATES:
        return _DATES[name](rows.from_us(row["day_us"]))
    return str(row[_COLUMN.get(name, name)])


_DATES: Mapping[str, Callable[[datetime], str]] = {
    "day": lambda day: day.date().isoformat(),
    "month": lambda day: f"{day:%Y-%m}",
}
