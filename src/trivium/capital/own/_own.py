"""What an organisation states for this room in the `[capital]` table of its file; nothing of it is a claim."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from trivium.catalog.refusal import refused
from trivium.core import SURFACES, Money, UserError

DAYS_MAX = 3650
MONTHS_MAX = 120


class ExitTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What leaving a platform takes (`[capital.exit.SURFACE]`), as the organisation states it."""

    prepaid_usd: str = ""  # credits paid for and not used yet; empty: not stated
    migration_months: Decimal | None = None  # to move what runs there; none: not stated
    note: str = ""


class TriggerTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exit trigger as the organisation sets it (`[capital.triggers.NAME]`); what is left out keeps its default."""

    threshold: Decimal | None = None
    owner: str = ""
    action: str = ""
    off: bool = False


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table (`[capital]`)."""

    owner: str = ""  # of every trigger that names none
    failover_days: int = 90  # an answer elsewhere within so many days shows that a workload can go on
    evidence_days: int = 180  # a claim announced longer ago is stale
    exit: dict[str, ExitTerms] = {}
    triggers: dict[str, TriggerTerms] = {}


def read_own(raw: Mapping[str, Any]) -> Own:
    """The decoded table, checked; UserError names field, value and remedy."""
    plain = _plain(raw)
    try:
        own: Own = msgspec.convert(plain, Own, strict=False)
    except msgspec.ValidationError as error:
        raise refused(plain, Own, "capital", str(error)) from error
    for field, days in (("failover_days", own.failover_days), ("evidence_days", own.evidence_days)):
        if not 1 <= days <= DAYS_MAX:
            raise UserError(f"capital.{field}", days, f"give 1 to {DAYS_MAX} days")
    for name, terms in own.exit.items():
        _check_exit(name, terms)
    for name, trigger in own.triggers.items():
        if trigger.threshold is not None and not trigger.threshold.is_finite():
            raise UserError(f"capital.triggers.{name}.threshold", str(trigger.threshold), "give a number")
    return own


def _check_exit(name: str, terms: ExitTerms) -> None:
    where = f"capital.exit.{name}"
    if name not in SURFACES:
        raise UserError(where, name, f"name one of {', '.join(SURFACES)}")
    months = terms.migration_months
    if months is not None and not (months.is_finite() and 0 <= months <= MONTHS_MAX):
        raise UserError(f"{where}.migration_months", str(months), f"give 0 to {MONTHS_MAX} months")
    if terms.prepaid_usd:
        try:
            amount = Money.from_usd(terms.prepaid_usd)
        except UserError as error:
            raise UserError(f"{where}.prepaid_usd", terms.prepaid_usd, error.remedy) from error
        if amount.picos < 0:
            raise UserError(f"{where}.prepaid_usd", terms.prepaid_usd, "give 0 or more USD")


def _plain(raw: Any) -> Any:
    """Numbers as the text they were written as, so that a number and a string say the same amount."""
    if isinstance(raw, Mapping):
        return {str(name): _plain(value) for name, value in raw.items()}
    if isinstance(raw, list):
        return [_plain(value) for value in raw]
    if isinstance(raw, (Decimal, int)) and not isinstance(raw, bool):
        return str(raw)
    return raw
