"""Demand that comes as aggregates: recorded beside the events, never as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from trivium.core import DuplicateEvent
from trivium.ledger._schema import demand as table


@dataclass(frozen=True, slots=True)
class DemandRow:
    """Requests and tokens of one client of one model in a span of time; the source has no absolute dates."""

    source: str
    model: str
    client: str
    offset_s: int  # from the start of the source
    span_s: int
    requests: int
    input_tokens: int
    output_tokens: int
    imputed: bool  # the source filled gaps in the token counts by medians


def append_demand(connection: Connection, demand: Iterable[DemandRow]) -> tuple[int, int]:
    """New and known rows; DuplicateEvent if a row is known with other content."""
    known = {(row.source, row.model, row.client, row.offset_s): row for row in read_demand(connection)}
    fresh = []
    already = 0
    for row in demand:
        key = (row.source, row.model, row.client, row.offset_s)
        mine = known.get(key)
        if mine is None:
            known[key] = row
            fresh.append({name: getattr(row, name) for name in DemandRow.__slots__} | {"imputed": int(row.imputed)})
        elif mine == row:
            already += 1
        else:
            raise DuplicateEvent(f"demand {'/'.join(map(str, key))} is known with other content")
    if fresh:
        connection.execute(table.insert(), fresh)
    return len(fresh), already


def read_demand(connection: Connection) -> Iterator[DemandRow]:
    """Every row, in the order of its import."""
    for row in connection.execute(select(table).order_by(table.c.seq)).mappings():
        values = {name: row[name] for name in DemandRow.__slots__}
        yield DemandRow(**values | {"imputed": bool(row["imputed"])})
