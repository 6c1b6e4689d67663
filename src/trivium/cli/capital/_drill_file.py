"""Drill records as `trivium drill --write` keeps them: what was rehearsed without a surface, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from trivium.cli.capital.clear import read_text
from trivium.core import UserError

_REMEDY = "name a record that `trivium drill SURFACE --write FILE` kept"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One drill, `against` what it ran: with emulated surfaces it is evidence about routes, and none about a cloud.

    `recent`: made within the days of evidence. `first_byte_s` is None where the outage met no request.
    """

    file: str
    surface: str
    how: str
    made_on: date
    requests: int
    lost: int
    first_byte_s: float | None
    added_usd: str
    route_table: str
    against: str
    recent: bool


def read_drills(paths: tuple[Path, ...], at: date, evidence_days: int) -> tuple[Rehearsal, ...]:
    """The records, newest first. UserError names file and field of one that is none, or was made after the day."""
    found = [_read(path, at, evidence_days) for path in paths]
    return tuple(sorted(found, key=lambda one: (-one.made_on.toordinal(), one.surface, one.file)))


def _read(path: Path, at: date, evidence_days: int) -> Rehearsal:
    from trivium.cli._drill.record import FORMAT

    try:
        raw = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UserError("--drill", str(path), _REMEDY) from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise UserError("--drill", str(path), f"{_REMEDY}: its format is {FORMAT}")
    made = _made_on(path, _field(path, raw, ("made_at",), str))
    if made > at:
        raise UserError(f"--drill {path}: made_at", str(made), f"it was made after {at}: give a later --until")
    first = raw.get("recovery", {}).get("first_byte_s") if isinstance(raw.get("recovery"), dict) else None
    return Rehearsal(
        file=str(path),
        surface=_field(path, raw, ("drill", "surface"), str),
        how=_field(path, raw, ("drill", "how"), str),
        made_on=made,
        requests=_field(path, raw, ("workload", "requests"), int),
        lost=_field(path, raw, ("lost_requests",), int),
        first_byte_s=float(first) if isinstance(first, int | float) else None,
        added_usd=_field(path, raw, ("cost", "added_usd"), str),
        route_table=_field(path, raw, ("versions", "route_table"), str),
        against=_field(path, raw, ("drill", "against"), str),
        recent=made >= at - timedelta(days=evidence_days),
    )


def _made_on(path: Path, text: str) -> date:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).date()
    except ValueError as error:
        raise UserError(f"--drill {path}: made_at", text, _REMEDY) from error


def _field(path: Path, raw: dict[str, Any], names: tuple[str, ...], kind: type) -> Any:
    value: Any = raw
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"--drill {path}: {'.'.join(names)}", str(value)[:60], _REMEDY)
    return value


def told(one: Rehearsal) -> str:
    """A rehearsal in one line."""
    byte = "" if one.first_byte_s is None else f", first byte back after {one.first_byte_s:g} s"
    old = "" if one.recent else "; older than the days of evidence"
    return (
        f"  rehearsed without {one.surface} ({one.how}) on {one.made_on}: {one.lost} of {one.requests} requests lost"
        f"{byte}, {one.added_usd} USD more; against {one.against}, so in no share{old}"
    )
