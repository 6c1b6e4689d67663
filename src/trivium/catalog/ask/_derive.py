"""The sums of the article, done again from the figures of the claims they rest on."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from trivium.catalog._claim import Claim
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._tables import parse_day, read_table
from trivium.core import NoClaim, UserError

_HERE = Path(__file__).parent
_REF = re.compile(r"\{([^{}@]+)(?:@(\w+))?\}")
_BILLION = Decimal(1_000_000_000)
_DAYS_A_YEAR = 365.25
_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True, slots=True)
class Sum:
    """A derivation done again: `worked` is the sum with its figures, `missing` the claim that was not known yet."""

    claim: Claim
    worked: str
    result: str
    operands: tuple[Claim, ...]
    speaks_of: str
    literals: str
    missing: str = ""

    def holds(self, sum_: str) -> bool:
        """Whether a sum, such as `30 / 19`, stands in it."""
        return re.search(rf"(?<![\d.]){re.escape(sum_)}(?![\d.])", self.worked) is not None

    @property
    def agrees(self) -> bool:
        """Whether the recomputed value is the recorded one."""
        return not self.missing and self.result == self.claim.value


def sums(snapshot: Snapshot) -> tuple[Sum, ...]:
    """Every derivation, done again from what had been announced by the snapshot's day."""
    return snapshot.remembered(("ask.sums",), lambda: tuple(_sum(snapshot, row) for row in _rows()))


@lru_cache(maxsize=1)
def _rows() -> tuple[Mapping[str, str], ...]:
    return tuple(read_table(_HERE / "derivations.csv", ("claim", "formula", "shown", "speaks_of", "literals")))


def _sum(snapshot: Snapshot, row: Mapping[str, str]) -> Sum:
    claim = snapshot.claim(row["claim"])
    operands: dict[str, Claim] = {}
    results: list[Decimal] = []
    worked: list[str] = []
    try:
        for formula in row["formula"].split(" ; "):
            figures = {ref[0]: _figure(snapshot, ref[1], ref[2], operands) for ref in _REF.finditer(formula)}
            filled = _REF.sub(lambda ref, known=figures: _plain(known[ref[0]]), formula)  # type: ignore[misc]  # a default
            results.append(evaluate(filled))
            worked.append(_told(formula, figures, operands))
    except NoClaim as error:
        return Sum(claim, row["formula"], "", tuple(operands.values()), row["speaks_of"], row["literals"], str(error))
    shown = row["shown"].format(*results)
    return Sum(claim, " ; ".join(worked), shown, tuple(operands.values()), row["speaks_of"], row["literals"])


def _figure(snapshot: Snapshot, claim_id: str, part: str | None, operands: dict[str, Claim]) -> Decimal:
    """The figure of a claim: its number in bn where it is USD, its day, or the length of its window in years."""
    claim = snapshot.claim(claim_id)
    operands[claim.id] = claim
    if part == "years":
        if claim.valid_from is None or claim.valid_until is None:
            raise UserError(claim_id, part, "the claim has no window with two ends")
        return Decimal(round((claim.valid_until - claim.valid_from).days / _DAYS_A_YEAR))
    if part is not None:
        return _ordinal(claim_id, {"from": claim.valid_from, "announced": claim.announced_on}[part])
    if claim.number is not None:
        return claim.number / _BILLION if claim.unit in {"USD", "USD/year"} else claim.number
    return _ordinal(claim_id, parse_day(claim.value))


def _ordinal(claim_id: str, day: date | None) -> Decimal:
    if day is None:
        raise UserError(claim_id, "", "the claim gives neither a number nor a day")
    return Decimal(day.toordinal())


def _told(formula: str, figures: Mapping[str, Decimal], operands: Mapping[str, Claim]) -> str:
    """The formula with figures in place of claims; days as days."""

    def figure(ref: re.Match[str]) -> str:
        claim = operands[ref[1]]
        if ref[2] in {"from", "announced"} or (ref[2] is None and claim.number is None):
            return date.fromordinal(int(figures[ref[0]])).isoformat()
        return _plain(figures[ref[0]])

    return _REF.sub(figure, formula)


def _plain(figure: Decimal) -> str:
    text = format(figure, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def evaluate(expression: str) -> Decimal:
    """A sum of decimal numbers with + - * / ** and brackets, exact but for division; UserError for anything else."""
    try:
        return _value(ast.parse(expression, mode="eval").body, expression)
    except SyntaxError as error:
        raise UserError("formula", expression, "write numbers, + - * / ** and brackets") from error


def _value(node: ast.expr, whole: str) -> Decimal:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, whole), _value(node.right, whole))
    digits = ast.get_source_segment(whole, node)
    if isinstance(node, ast.Constant) and digits is not None and re.fullmatch(r"\d+(\.\d+)?", digits):
        return Decimal(digits)
    raise UserError("formula", whole, "write numbers, + - * / ** and brackets")
