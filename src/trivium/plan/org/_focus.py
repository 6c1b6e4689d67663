"""Contracts from a FOCUS `contract_commitment` dataset (columns of versions 1.3 and 1.4), as CSV or JSON.

FOCUS has no model, no capacity and no notice period: what a row cannot say is kept at its default, and a row that
cannot become a contract is named with its remedy. Shares are 0 to 1 there, amounts are of the whole commitment period.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from trivium.core import ROUTABLE_SURFACES, Money, UserError
from trivium.plan.org._convert import DAYS, NUMBER_MAX
from trivium.plan.org._read import parse_organisation
from trivium.plan.org._values import Contract

_PREFIX = "ContractCommitment"
_READ = (
    "BillingCurrency",
    "ContractCommitmentCategory",
    "ContractCommitmentCost",
    "ContractCommitmentDescription",
    "ContractCommitmentDiscountPercentage",
    "ContractCommitmentId",
    "ContractCommitmentLifecycleStatus",
    "ContractCommitmentModel",
    "ContractCommitmentPeriodEnd",
    "ContractCommitmentPeriodStart",
    "ContractCommitmentQuantity",
    "ContractCommitmentType",
    "ContractCommitmentUnit",
    "ContractId",
    "PricingCurrency",
    "PricingCurrencyContractCommitmentCost",
    "InvoiceIssuerName",
    "ServiceProviderName",
)
_OWN = ("x_Surfaces", "x_Model", "x_Scope", "x_UnitTokensPerMinute", "x_PriceUsdPerUnitHour")
COLUMNS = (*_READ, *_OWN)
_ENDED = ("expired", "canceled", "cancelled", "superseded")
_STATUS = {"proposed": "offered", "pending": "signed", "active": "signed", "exhausted": "signed", "": "signed"}
# Whose bill a commitment is burnt down on; marketplaces count differently from contract to contract, so they are left
# out until the reader names them with `surfaces`.
_PROVIDERS = (
    ("anthropic", ("anthropic",)),
    ("amazon", ("bedrock", "bedrock-mantle")),
    ("aws", ("bedrock", "bedrock-mantle")),
    ("google", ("vertex",)),
    ("microsoft", ("foundry",)),
    ("azure", ("foundry",)),
)
_NAME_MAX = 60
_YEAR = 12
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that became no contract."""

    row: int  # data rows count from 1
    commitment: str  # its ContractCommitmentId
    field: str
    value: str
    remedy: str


@dataclass(frozen=True)
class FocusImport:
    """What a file gave: contracts by name, remarks on them, rows that became none, columns that nothing read."""

    contracts: dict[str, Contract]
    remarks: tuple[str, ...]
    problems: tuple[RowProblem, ...]
    ended: tuple[str, ...]  # commitments whose period or status says that they are over
    kept_aside: dict[str, tuple[str, ...]]  # column nobody read → its distinct values


def read_focus(path: Path, at: date, surfaces: Sequence[str] = ()) -> FocusImport:
    """Read a file; `surfaces` are taken for every row, else the provider's own. UserError where the file is none."""
    if unknown := [name for name in surfaces if name not in ROUTABLE_SURFACES]:
        raise UserError("--surface", ", ".join(unknown), f"use {', '.join(ROUTABLE_SURFACES)}")
    return focus_contracts(_rows(path), at, surfaces, path.name)


def focus_contracts(
    rows: Iterable[Mapping[str, str]], at: date, surfaces: Sequence[str] = (), source: str = "FOCUS"
) -> FocusImport:
    """Contracts of rows of text by column name; what has ended before `at` is listed apart."""
    contracts: dict[str, Contract] = {}
    remarks: list[str] = []
    problems: list[RowProblem] = []
    ended: list[str] = []
    aside: dict[str, dict[str, None]] = {}
    for number, row in enumerate(rows, 1):
        for column, text in row.items():
            if column not in COLUMNS and text:
                aside.setdefault(column, {})[text] = None
        try:
            made = _Row(row, surfaces, f"{source}, row {number}").contract(at)
            if made is None:
                ended.append(row.get(f"{_PREFIX}Id", ""))
                continue
            name, contract, said = made
            _checked(name, contract, contracts)
        except UserError as error:
            found = row.get(f"{_PREFIX}Id", "")
            problems.append(RowProblem(number, found, error.field, str(error.value), error.remedy))
            continue
        contracts[name] = contract
        remarks += [f"{name}: {text}" for text in said]
    kept = {column: tuple(values) for column, values in aside.items()}
    return FocusImport(contracts, tuple(remarks), tuple(problems), tuple(ended), kept)


def _checked(name: str, contract: Contract, others: Mapping[str, Contract]) -> None:
    """UserError if the name is taken, or if the organisation file would refuse it."""
    if name in others:
        raise UserError(f"{_PREFIX}Id", name, "give one row a commitment: it is there twice")
    parse_organisation({"contracts": {name: msgspec.to_builtins(contract)}})


class _Row:
    """One commitment, by the names of FOCUS."""

    def __init__(self, row: Mapping[str, str], surfaces: Sequence[str], source: str) -> None:
        self._row, self._told, self._source = row, tuple(surfaces), source
        self._remarks: list[str] = []

    def contract(self, at: date) -> tuple[str, Contract, list[str]] | None:
        """Name, contract and remarks; None if it is over."""
        name = self._name()
        life = self._text(f"{_PREFIX}LifecycleStatus").lower()
        if life not in _ENDED and life not in _STATUS:
            raise self._bad(f"{_PREFIX}LifecycleStatus", "use a FOCUS status, such as Proposed, Active or Expired")
        start, end = self._day(f"{_PREFIX}PeriodStart"), self._day(f"{_PREFIX}PeriodEnd")
        if end <= start:
            raise self._bad(f"{_PREFIX}PeriodEnd", f"give a day after {start}")
        if life in _ENDED or end <= at:
            return None
        fields: dict[str, Any] = {
            "surfaces": self._surfaces(),
            "status": _STATUS[life],
            "form": "covered" if self._text(f"{_PREFIX}Model").lower() == "continuous" else "take-or-pay",
            "starts": start,
            "term_months": self._months(start, end),
            "discount_percent": self._discount(),
            "source": self._source,
            "note": self._note(),
        }
        match self._text(f"{_PREFIX}Category").lower():
            case "spend":
                contract = self._spend(fields, exhausted=life == "exhausted")
            case "usage":
                contract = self._usage(fields)
            case _:
                raise self._bad(f"{_PREFIX}Category", "give Spend or Usage")
        return name, contract, self._remarks

    def _spend(self, fields: dict[str, Any], *, exhausted: bool) -> Contract:
        total, months = self._usd(), fields["term_months"]
        whole = total.usd * _YEAR / months
        yearly = whole.quantize(_CENT)
        if yearly * months != total.usd * _YEAR:
            self._remarks.append(f"{total.usd:f} USD over {months} months is {yearly} a year, rounded to the cent")
        if exhausted:
            self._remarks.append("exhausted: nothing of it remains to be spent")
        remaining = "0" if exhausted else ""
        amount = _plain(yearly)
        return Contract("spend-commitment", commitment_usd_per_year=amount, remaining_usd=remaining, **fields)

    def _usage(self, fields: dict[str, Any]) -> Contract:
        for column in ("x_Model", "x_UnitTokensPerMinute", "x_PriceUsdPerUnitHour"):
            if not self._text(column):
                remedy = "add this column: FOCUS does not say what one unit carries of which model, at which price"
                raise UserError(column, "", f"{remedy}; or enter the contract by hand as kind = provisioned")
        units = self._number(f"{_PREFIX}Quantity")
        if units != int(units) or units < 1:
            raise self._bad(f"{_PREFIX}Quantity", "give a whole number of units from 1 up")
        carried = self._number("x_UnitTokensPerMinute")
        if carried != int(carried) or carried < 1:
            raise self._bad("x_UnitTokensPerMinute", "give whole tokens a minute from 1 up")
        fields["form"] = "take-or-pay"
        return Contract(
            "provisioned",
            model=self._text("x_Model"),
            scope=self._text("x_Scope") or "global",
            unit_tokens_per_minute=int(carried),
            price_usd_per_unit_hour=self._text("x_PriceUsdPerUnitHour"),
            units_min=int(units),
            **fields,
        )

    def _usd(self) -> Money:
        column = f"{_PREFIX}Cost"
        if self._text("BillingCurrency").upper() != "USD":
            if self._text("PricingCurrency").upper() != "USD":
                raise self._bad("BillingCurrency", "give the amount in USD: nothing here converts currencies")
            column = f"PricingCurrency{_PREFIX}Cost"
        amount = self._number(column)
        if amount <= 0:
            raise self._bad(column, "give the committed amount of the whole period, above 0")
        return Money.from_usd(amount)

    def _discount(self) -> Decimal:
        column = f"{_PREFIX}DiscountPercentage"
        if not self._text(column):
            return Decimal(0)
        share = self._number(column)
        if not 0 <= share < 1:
            raise self._bad(column, "give a share from 0 to below 1: 0.15 is 15 %")
        return Decimal(_plain(share * 100))

    def _surfaces(self) -> tuple[str, ...]:
        own = tuple(re.split(r"[\s,;]+", self._text("x_Surfaces"))) if self._text("x_Surfaces") else ()
        if own or self._told:
            return own or self._told
        for column in ("ServiceProviderName", "InvoiceIssuerName"):
            found = self._text(column).lower()
            for word, surfaces in _PROVIDERS:
                if word in re.split(r"\W+", found):
                    self._remarks.append(f"{self._text(column)} was taken as {', '.join(surfaces)}")
                    return surfaces
        raise self._bad("ServiceProviderName", "name the surfaces it holds for with --surface, or a column x_Surfaces")

    def _months(self, start: date, end: date) -> int:
        """Whole months of a half-open period; what does not fit is rounded and said."""
        months = (end.year - start.year) * _YEAR + end.month - start.month
        days = end.day - start.day
        if days:
            half = 15
            months += 1 if days >= half else -1 if days <= -half else 0
            months = max(months, 1)
            self._remarks.append(f"{start} to {end} was taken as {months} months")
        return months

    def _name(self) -> str:
        found = re.sub(r"[^A-Za-z0-9_]+", "-", self._text(f"{_PREFIX}Id")).strip("-").lower()
        if not found:
            raise self._bad(f"{_PREFIX}Id", "give each commitment its id")
        return found[-_NAME_MAX:].strip("-")

    def _note(self) -> str:
        kind, contract = self._text(f"{_PREFIX}Type"), self._text("ContractId")
        told = (self._text(f"{_PREFIX}Description"), kind, f"contract {contract}" if contract else "")
        return "; ".join(text for text in told if text)

    def _day(self, column: str) -> date:
        try:
            found = date.fromisoformat(self._text(column)[:10])
        except ValueError as error:
            raise self._bad(column, "give a day or instant, such as 2026-12-01T00:00:00Z") from error
        if not DAYS[0] <= found <= DAYS[1]:
            raise self._bad(column, f"give a day from {DAYS[0]} to {DAYS[1]}")
        return found

    def _number(self, column: str) -> Decimal:
        try:
            found = Decimal(self._text(column))
        except InvalidOperation as error:
            raise self._bad(column, "give a decimal number") from error
        if not found.is_finite() or abs(found) > NUMBER_MAX:
            raise self._bad(column, f"give a number of at most {NUMBER_MAX:,}")
        return found

    def _text(self, column: str) -> str:
        return self._row.get(column, "").strip()

    def _bad(self, column: str, remedy: str) -> UserError:
        return UserError(column, self._text(column), remedy)


def _plain(value: Decimal) -> str:
    """Without trailing zeros and without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("contract file", str(path), f"give a readable CSV or JSON file in UTF-8 ({error})") from error
    try:
        found = _of_json(path, text) if path.suffix in {".json", ".jsonl"} else _of_csv(text)
    except csv.Error as error:
        raise UserError("contract file", str(path), f"give valid CSV ({error})") from error
    if not found:
        raise UserError("contract file", str(path), "give at least one row of a contract_commitment dataset")
    if not any(f"{_PREFIX}Id" in row for row in found):
        columns = ", ".join(found[0])
        raise UserError("contract file", str(path), f"give FOCUS contract_commitment columns; the file has {columns}")
    return found


def _of_csv(text: str) -> list[dict[str, str]]:
    return [
        {column.strip(): value or "" for column, value in row.items() if isinstance(column, str)}
        for row in csv.DictReader(text.splitlines())
    ]


def _of_json(path: Path, text: str) -> list[dict[str, str]]:
    """A list of rows, an object whose one list holds them, or a row a line."""
    raw: Any
    try:
        if path.suffix == ".jsonl":
            raw = [json.loads(line, parse_float=Decimal) for line in text.splitlines() if line.strip()]
        else:
            raw = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UserError("contract file", str(path), f"give valid JSON ({error})") from error
    if isinstance(raw, dict):
        raw = next((value for value in raw.values() if isinstance(value, list)), [raw])
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise UserError("contract file", str(path), "give a list of objects, one a commitment")
    return [dict(_texts(row)) for row in raw]


def _texts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for column, value in row.items():
        if value is None:
            yield column, ""
        elif isinstance(value, dict | list | bool):
            yield column, json.dumps(value, default=str)
        else:
            yield column, str(value)
