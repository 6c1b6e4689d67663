"""Adds contracts to a settings file as text, so that its comments and order stay as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from trivium.core import UserError
from trivium.core.files import turn, write_whole
from trivium.plan._in_force import terms
from trivium.plan.org._read import parse_organisation
from trivium.plan.org._values import Contract
from trivium.plan.org._write import contract_tables


def add_contracts(path: Path, contracts: Mapping[str, Contract]) -> None:
    """Append `[contracts.NAME]` tables; UserError leaves the file as it was: a name exists, or it would not read."""
    try:
        with turn(path.parent):
            write_whole(path, _joined(path, contracts).encode())
    except OSError as error:
        raise UserError("--write", str(path), f"make it readable and writable ({error.strerror})") from error


def _joined(path: Path, contracts: Mapping[str, Contract]) -> str:
    """The file's text with the tables after it, checked."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        raw = tomllib.loads(text, parse_float=Decimal)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError("--write", str(path), f"give a readable TOML file ({error})") from error
    taken = [name for name in contracts if name in raw.get("contracts", {})]
    if taken:
        remedy = "take these tables out of the file first, or leave the rows out"
        raise UserError("contracts", ", ".join(taken), remedy)
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    whole = text + gap + contract_tables(contracts)
    try:
        parse_organisation(tomllib.loads(whole, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        remedy = "write the file's contracts as tables of their own, [contracts.NAME], so that more can follow"
        raise UserError("--write", str(path), f"{remedy} ({error})") from error
    return whole


def contract_state(contract: Contract, at: date) -> str:
    """Signed and running, to come, ended; offered and open, or expired; assumed."""
    if contract.status == "signed":
        if contract.starts is None:
            return "signed"
        if at < contract.starts:
            return f"signed, from {contract.starts}"
        *_, (_, end) = terms(contract, at, at + timedelta(days=1))
        if at >= end:
            return f"ended on {end}"
        return f"signed, until {end}" + (", renews" if contract.renews else "")
    if contract.expires is not None:
        word = "expired on" if at > contract.expires else "to be signed by"
        return f"{contract.status}, {word} {contract.expires}"
    return contract.status
