"""What the commands on deals share: the ledger of a day, and amounts as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.deals import Amount, DealLedger
    from trivium.catalog import Snapshot
    from trivium.core import Money

AsOf = Annotated[str | None, typer.Option(help="Only what had been announced by this day; today if not given.")]
EnteredBy = Annotated[str | None, typer.Option(help="Only rows that stood in the shipped ledger by this day.")]
Overlay = shared.Overlay
AsJson = shared.AsJson

NOT_A_FINDING = (
    "Amounts are claims of the press and of filings, each with its grade. This states no probability of default."
)
_BILLION = 10**9


def ledger_of(
    as_of: str | None, entered_by: str | None, overlay: Sequence[Path] | None
) -> tuple[DealLedger, Snapshot, date]:
    """The deal ledger of a day with an organisation's own claims laid over it."""
    from trivium import catalog
    from trivium.capital.deals import read_deals

    day = shared.day(as_of, "as-of")
    entered = None if entered_by is None else shared.day(entered_by, "entered-by")
    snapshot = catalog.load(tuple(overlay or ())).snapshot(day)
    return read_deals(snapshot, entered_by=entered), snapshot, day


def need(*modules: str, extra: str = "capital") -> None:
    """UserError that names the extra if a package of it is not there."""
    for module in modules:
        if find_spec(module) is None:
            raise UserError(extra, module, f"install trivium[{extra}]")


def billions(usd: Fraction | int) -> str:
    """An amount in bn USD, three places at most."""
    return f"{float(Fraction(usd) / _BILLION):,.3f}".rstrip("0").rstrip(".")


def amount_text(amount: Amount) -> str:
    """An amount in bn USD with its words: `up to 10`, `at least 60 (to 100)`, `unknown`."""
    if amount.point is None:
        return "unknown"
    words = f"{amount.words} " if amount.words in {"up to", "at least", "about"} else ""
    after = f" {amount.words}" if amount.words and not words else ""
    other = amount.high if amount.words == "at least" else amount.low
    span = f" (to {_bn(other)})" if other and amount.words == "at least" else ""
    if amount.words in {"up to", "about"} and other and other.picos and other != amount.point:
        span = f" (from {_bn(other)})"
    return f"{words}{_bn(amount.point)}{span}{after}"


def _bn(amount: Money) -> str:
    return billions(Fraction(amount.usd))
