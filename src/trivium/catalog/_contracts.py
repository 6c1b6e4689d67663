"""An organisation's contract prices laid over list prices: the same place, other amounts, within their window."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from trivium.catalog._claim import PriceCell
from trivium.catalog._expand import meet, plain
from trivium.catalog._ids import rule_id
from trivium.catalog._rules import Contract, RuleBook, decimal_of
from trivium.core import Money, UserError
from trivium.core.money import PICOS_PER_TOKEN_PER_USD_MTOK
from trivium.core.usage import TOKEN_UNITS


def with_contracts(cells: Iterable[PriceCell], book: RuleBook, known: Collection[str]) -> tuple[PriceCell, ...]:
    """The cells, with those parts replaced that the book's known contracts price; the list price stays around them."""
    result = tuple(cells)
    for contract in book.contract:
        if rule_id("contract", contract.id) not in known:
            continue
        members = frozenset(book.members(contract.models))
        parts = tuple(part for cell in result for part in _laid_over(cell, contract, members))
        if parts == result:
            raise UserError(f"prices.toml: contract {contract.id}", contract.surface, "no list price matches it")
        result = parts
    return result


def _laid_over(cell: PriceCell, contract: Contract, members: frozenset[str]) -> Iterator[PriceCell]:
    amount = _amount(cell, contract, members)
    window = meet((cell.valid_from, cell.valid_until), contract.window)
    start, end = window
    if amount is None or (start is not None and end is not None and start >= end):
        yield cell
        return
    if start is not None and (cell.valid_from is None or cell.valid_from < start):
        yield replace(cell, valid_until=start)
    per = PICOS_PER_TOKEN_PER_USD_MTOK if cell.unit in TOKEN_UNITS else Money.from_usd("1").picos
    picos = amount * per
    if picos != int(picos):
        raise UserError(f"contract {contract.id}", str(amount), "a rate must be a whole number of pico-dollars")
    yield replace(
        cell,
        id=f"{cell.id}!{contract.id}",
        rate_picos=int(picos),
        amount_usd=plain(amount),
        valid_from=start,
        valid_until=end,
        status=contract.status,
        claim_ids=(rule_id("contract", contract.id), *cell.claim_ids),
    )
    if end is not None and (cell.valid_until is None or end < cell.valid_until):
        yield replace(cell, id=_renamed(cell.id, end), valid_from=end)


def _amount(cell: PriceCell, contract: Contract, members: frozenset[str]) -> Decimal | None:
    """The contract's price for a cell, None if it says nothing of it."""
    if (
        cell.surface != contract.surface
        or (members and cell.model not in members)
        or (contract.scopes and cell.scope not in contract.scopes)
        or (contract.tiers and cell.tier not in contract.tiers)
    ):
        return None
    where = f"contract {contract.id}"
    if cell.unit in contract.amounts:
        return decimal_of(where, contract.amounts[cell.unit])
    return (
        cell.amount_usd * decimal_of(where, contract.factor) if contract.factor and cell.unit in TOKEN_UNITS else None
    )


def _renamed(cell_id: str, start: date) -> str:
    return f"{cell_id.partition('@')[0]}@{start.isoformat()}"
