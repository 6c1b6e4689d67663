"""What the organisation file says to this room: its own table, and its contracts as plain values."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ahead as ahead
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.dependence import Committed
    from trivium.capital.own import Own
    from trivium.plan.org import Organisation

File = Annotated[
    Path,
    typer.Option("--organisation", "--file", help="The organisation file, with contracts and a [capital] table."),
]


@dataclass(frozen=True, slots=True)
class OwnFile:
    """The organisation file as this room needs it."""

    path: Path
    organisation: Organisation
    own: Own
    overlays: tuple[Path, ...]


def read_file(path: Path, overlay: Sequence[Path] | None) -> OwnFile:
    """The file, or defaults where the default file does not exist; UserError names the file, field and remedy."""
    from trivium.capital.own import read_own

    source = ahead.Source(file=path, overlay=tuple(overlay or ()))
    organisation = ahead.read(source)
    table: object = {}
    if path.is_file():
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal).get("capital", {})
    if not isinstance(table, dict):
        raise UserError("capital", str(table), "give a table, such as [capital]")
    return OwnFile(path, organisation, read_own(table), ahead.overlays(source))


def committed_in(file: OwnFile, at: date) -> tuple[Committed, ...]:
    """What the signed contracts still bind to on a day, as plain values."""
    from trivium.capital.dependence import Committed
    from trivium.plan import remaining

    found = []
    for name, contract in sorted(file.organisation.contracts.items()):
        left = remaining(contract, at)
        if left is None or contract.kind in {"discount", "volume-tiers"}:
            continue
        found.append(
            Committed(
                name=name,
                surfaces=contract.surfaces,
                ends=left.ends,
                remaining_usd=left.usd,
                other_usd=left.other_usd,
                counts=Fraction(contract.counts_percent) / 100,
                notice_days=contract.notice_days,
                notice_by=left.notice_by,
                renews=contract.renews,
                source=contract.source,
            )
        )
    return tuple(found)
