"""Price rules as checked values: what stands in a `prices.toml`, and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from trivium.catalog._claim import GRADE, Source
from trivium.catalog.refusal import refused
from trivium.core import TOKEN_UNITS, UserError

Window = tuple[date | None, date | None]
ALWAYS: Window = (None, None)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule states besides its subject: grade, sources, window, days, and for which it holds."""

    id: str
    status: str
    sources: tuple[str, ...]
    from_: date | None = msgspec.field(default=None, name="from")
    until: date | None = None
    announced: date | None = None
    seen: date | None = None
    review_by: date | None = None
    supersedes: tuple[str, ...] = ()
    quote: str = ""
    note: str = ""

    @property
    def window(self) -> Window:
        """The rule's own window."""
        return (self.from_, self.until)


class Base(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """USD per million tokens of input and output; `models` gives the day each was first sold at that price."""

    input: str
    output: str
    models: dict[str, date] = {}
    undated: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    over: int = 0
    up_to: int | None = None


class Unit(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cache write or read as a factor of the input price."""

    unit: str
    factor: str
    surfaces: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")


class Factor(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scope, a tier or a long prompt changes; `factor_output` if output changes differently."""

    factor: str
    factor_output: str = ""
    surfaces: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    over: int = 0


class Life(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Since when a surface sells at all (or some units), and from when until when it sells a model."""

    surface: str
    since: date | None = None
    scopes: tuple[str, ...] = ()
    except_scopes: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    begins: dict[str, date] = {}
    ends: dict[str, date] = {}


class Offer(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a surface sells: `sold` lists scope/tier, `models` may name groups as `@group`.

    `unconfirmed` are patterns over scope/tier/model/unit: what follows by the rule, though no source carries it.
    """

    surface: str
    sold: tuple[str, ...]
    models: tuple[str, ...]
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")
    units: tuple[str, ...] = TOKEN_UNITS
    over: int = 0
    unconfirmed: tuple[str, ...] = ()
    stated: bool = False


class Item(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price that is not per token: `amount` USD for `per` items, the same or by scope/tier."""

    surface: str
    unit: str
    sold: tuple[str, ...] = ()
    amount: str = ""
    amounts: dict[str, str] = {}
    per: int = 1
    models: tuple[str, ...] = ("*",)


class Gap(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something sold, or said to be, whose price nobody publishes."""

    surface: str
    tier: str
    value: str


class Contract(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation's own price: a factor of the list price, or amounts per unit. Only overlays have these."""

    surface: str
    factor: str = ""
    amounts: dict[str, str] = {}
    scopes: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


class RuleBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `prices.toml`."""

    sources: dict[str, Source] = {}
    groups: dict[str, tuple[str, ...]] = {}
    base: tuple[Base, ...] = ()
    unit: tuple[Unit, ...] = ()
    factor: tuple[Factor, ...] = ()
    life: tuple[Life, ...] = ()
    offer: tuple[Offer, ...] = ()
    item: tuple[Item, ...] = ()
    gap: tuple[Gap, ...] = ()
    contract: tuple[Contract, ...] = ()

    def rules(self) -> Iterable[tuple[str, Rule]]:
        """Every rule with its kind."""
        for kind in ("base", "unit", "factor", "life", "offer", "item", "gap", "contract"):
            for rule in getattr(self, kind):
                yield kind, rule

    def members(self, names: Iterable[str]) -> tuple[str, ...]:
        """Model ids, with every `@group` replaced by its members; raises UserError for an unknown group."""
        found: list[str] = []
        for name in names:
            if not name.startswith("@"):
                found.append(name)
            elif name[1:] in self.groups:
                found += self.groups[name[1:]]
            else:
                raise UserError("prices.toml: models", name, f"use one of {', '.join(sorted(self.groups))}")
        return tuple(dict.fromkeys(found))


def merged(books: Sequence[RuleBook]) -> RuleBook:
    """The rules of several books as one: an overlay's rules may build on the shipped ones."""
    if len(books) == 1:
        return books[0]
    kinds = ("base", "unit", "factor", "life", "offer", "item", "gap", "contract")
    return RuleBook(
        sources={key: source for book in books for key, source in book.sources.items()},
        groups={key: members for book in books for key, members in book.groups.items()},
        **{kind: tuple(rule for book in books for rule in getattr(book, kind)) for kind in kinds},
    )


def read_rules(path: Path) -> RuleBook:
    """The rules of a file, checked; raises UserError naming the file, the rule and the remedy."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(str(path), error.strerror or "", "make it a readable file") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UserError(str(path), str(error), "give a valid TOML file in UTF-8") from error
    try:
        book = msgspec.convert(raw, RuleBook)
    except msgspec.ValidationError as error:
        raise refused(raw, RuleBook, f"{path}: ", str(error)) from error
    _check(path, book)
    return book


def _check(path: Path, book: RuleBook) -> None:
    seen: set[tuple[str, str]] = set()
    for kind, rule in book.rules():
        where = f"{path.name}: {kind} {rule.id}"
        if (kind, rule.id) in seen:
            raise UserError(where, rule.id, "give each rule an id of its own")
        seen.add((kind, rule.id))
        if rule.status not in GRADE:
            raise UserError(where, rule.status, f"use a status of {', '.join(GRADE)}")
        if not rule.sources:
            raise UserError(where, "no sources", "name at least one source")
        for key in rule.sources:
            if key not in book.sources:
                raise UserError(where, key, "describe this source under [sources.…]")
        if rule.from_ and rule.until and rule.until <= rule.from_:
            raise UserError(where, f"{rule.from_}..{rule.until}", "a window ends after it begins (it is half-open)")
        for field, text in _amounts(rule):
            decimal_of(f"{where}: {field}", text)


def _amounts(rule: Rule) -> Iterable[tuple[str, str]]:
    for field in ("input", "output", "factor", "factor_output", "amount"):
        text = getattr(rule, field, "")
        if text:
            yield field, text
    amounts: Mapping[str, Any] = getattr(rule, "amounts", {})
    yield from amounts.items()


def decimal_of(where: str, text: str) -> Decimal:
    """An authored number, exact; raises UserError if it is not a plain non-negative decimal."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise UserError(where, text, 'give a decimal number in quotes, such as "2.50"') from error
    if not number.is_finite() or number < 0:
        raise UserError(where, text, "give a finite number, 0 or more")
    return number
