"""Price rules expanded to every cell: base times unit times scope, tier and prompt length, within all their windows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import pairwise

from trivium.catalog._claim import FORWARD_LOOKING, UNCONFIRMED, PriceCell, weakest
from trivium.catalog._ids import base_id, rule_id
from trivium.catalog._rules import ALWAYS, Base, Factor, Life, Offer, Rule, RuleBook, Unit, Window, decimal_of
from trivium.core import Money, UserError, rate_picos

ONE = Decimal(1)
CACHE_UNITS = ("cache_read", "cache_write_5m", "cache_write_1h")


def expand(book: RuleBook, known: Collection[str]) -> tuple[PriceCell, ...]:
    """All cells that follow from the rules whose claims are known (by id); forward-looking prices give none."""
    made = _Expansion(book, known)
    cells = [*made.token_cells(), *made.item_cells()]
    _refuse_twins(cells)
    return tuple(sorted(cells, key=lambda cell: cell.id))


class _Expansion:
    """The rules that are known, indexed by what an offer asks of them."""

    def __init__(self, book: RuleBook, known: Collection[str]) -> None:
        self.book = book
        self.known = known
        self.bases: dict[str, list[tuple[Base, str, Window]]] = {}
        self.authored = {model for base in book.base for model in (*base.models, *base.undated)}
        for base in book.base:
            if base.status == FORWARD_LOOKING:
                continue
            for model in (*base.models, *base.undated):
                claim = base_id(base.id, model)
                if claim in known:
                    first = base.models.get(model)
                    self.bases.setdefault(model, []).append((base, claim, meet((first, None), base.window)))
        self.units = [rule for rule in book.unit if self._priced("unit", rule)]
        self.factors = [rule for rule in book.factor if self._priced("factor", rule)]
        self.lives = [rule for rule in book.life if self._priced("life", rule)]

    def _priced(self, kind: str, rule: Rule) -> bool:
        return rule.status != FORWARD_LOOKING and rule_id(kind, rule.id) in self.known

    def token_cells(self) -> Iterator[PriceCell]:
        """The cells of every offer."""
        for offer in self.book.offer:
            if not self._priced("offer", offer):
                continue
            excluded = frozenset(offer.except_)
            models = [model for model in self.book.members(offer.models) if model not in excluded]
            for sold in offer.sold:
                scope, tier = split_sold(f"offer {offer.id}", sold)
                for model in models:
                    yield from self._cells_of(offer, scope, tier, model)

    def _cells_of(self, offer: Offer, scope: str, tier: str, model: str) -> Iterator[PriceCell]:
        factors = [rule for rule in self.factors if _changes(rule, offer, scope, tier, model)]
        lives = [rule for rule in self.lives if rule.surface == offer.surface and _lives_in(rule, scope, tier)]
        bases = self._bases_of(offer, scope, model)
        if not bases and model not in self.authored:
            raise UserError(f"prices.toml: offer {offer.id}", model, "give this model a base price")
        for base, base_claim, base_window in bases:
            shared = meet(offer.window, base_window)
            for factor in factors:
                shared = meet(shared, factor.window)
            for unit in offer.units:
                for unit_rule in self._unit_rules(unit, offer.surface, model):
                    cell = _cell(offer, (scope, tier, model, unit), base, base_claim, unit_rule, factors, lives, shared)
                    if cell is not None:
                        yield cell

    def _bases_of(self, offer: Offer, scope: str, model: str) -> list[tuple[Base, str, Window]]:
        fitting = [
            entry
            for entry in self.bases.get(model, [])
            if (not entry[0].surfaces or offer.surface in entry[0].surfaces)
            and (not entry[0].scopes or scope in entry[0].scopes)
        ]
        exact = [entry for entry in fitting if entry[0].over == offer.over]
        return exact or [entry for entry in fitting if entry[0].over == 0]

    def _unit_rules(self, unit: str, surface: str, model: str) -> list[Unit | None]:
        if unit in ("input", "output"):
            return [None]
        return [
            rule
            for rule in self.units
            if rule.unit == unit
            and (not rule.surfaces or surface in rule.surfaces)
            and (not rule.models or model in rule.models)
            and model not in rule.except_
        ]

    def item_cells(self) -> Iterator[PriceCell]:
        """The cells of what is not priced per token; the amount is USD per one item."""
        for item in self.book.item:
            if not self._priced("item", item):
                continue
            for sold, text in item.amounts.items() or [(sold, item.amount) for sold in item.sold]:
                scope, tier = split_sold(f"item {item.id}", sold)
                amount = decimal_of(f"item {item.id}", text) / item.per
                for model in item.models:
                    yield PriceCell(
                        id=cell_id(item.surface, model, scope, tier, item.unit, 0, item.from_),
                        surface=item.surface,
                        model=model,
                        scope=scope,
                        tier=tier,
                        unit=item.unit,
                        band=(0, None),
                        rate_picos=Money.from_usd(amount).picos,
                        amount_usd=amount,
                        valid_from=item.from_,
                        valid_until=item.until,
                        status=item.status,
                        claim_ids=(rule_id("item", item.id),),
                    )


def _changes(rule: Factor, offer: Offer, scope: str, tier: str, model: str) -> bool:
    return (
        (not rule.surfaces or offer.surface in rule.surfaces)
        and (not rule.scopes or scope in rule.scopes)
        and (not rule.tiers or tier in rule.tiers)
        and (not rule.models or model in rule.models)
        and (not rule.over or rule.over == offer.over)
    )


def _cell(
    offer: Offer,
    place: tuple[str, str, str, str],
    base: Base,
    base_claim: str,
    unit_rule: Unit | None,
    factors: list[Factor],
    lives: list[Life],
    window: Window,
) -> PriceCell | None:
    scope, tier, model, unit = place
    where = f"offer {offer.id}"
    amount = decimal_of(where, base.output if unit == "output" else base.input)
    rules: list[Rule] = [offer]
    claims = [base_claim, rule_id("offer", offer.id)]
    if unit_rule is not None:
        amount *= decimal_of(where, unit_rule.factor)
        window = meet(window, unit_rule.window)
        rules.append(unit_rule)
        claims.append(rule_id("unit", unit_rule.id))
    for factor in factors:
        amount *= decimal_of(
            where, factor.factor_output if unit == "output" and factor.factor_output else factor.factor
        )
        rules.append(factor)
        claims.append(rule_id("factor", factor.id))
    for life in lives:
        bounds = _life_window(life, model, unit)
        if bounds != ALWAYS:
            window = meet(window, bounds)
            claims.append(rule_id("life", life.id))
    if window[0] is not None and window[1] is not None and window[0] >= window[1]:
        return None
    over = max(offer.over, base.over)
    return PriceCell(
        id=cell_id(offer.surface, model, scope, tier, unit, over, window[0]),
        surface=offer.surface,
        model=model,
        scope=scope,
        tier=tier,
        unit=unit,
        band=(over + 1 if over else 0, base.up_to),
        rate_picos=rate_picos(amount),
        amount_usd=plain(amount),
        valid_from=window[0],
        valid_until=window[1],
        status=_grade(offer, base, rules, f"{scope}/{tier}/{model}/{unit}"),
        claim_ids=tuple(claims),
    )


def _grade(offer: Offer, base: Base, rules: list[Rule], name: str) -> str:
    """As sure as the least sure of the rules, unless the offer's source states the amounts themselves."""
    if offer.stated:
        return offer.status
    doubt = (UNCONFIRMED,) if any(fnmatchcase(name, pattern) for pattern in offer.unconfirmed) else ()
    return weakest((*doubt, base.status, *(rule.status for rule in rules)))


def _lives_in(life: Life, scope: str, tier: str) -> bool:
    return (
        (not life.scopes or scope in life.scopes)
        and scope not in life.except_scopes
        and (not life.tiers or tier in life.tiers)
    )


def _life_window(life: Life, model: str, unit: str) -> Window:
    if life.units and unit not in life.units:
        return ALWAYS
    begins = life.begins.get(model)
    since = max(day for day in (begins, life.since) if day is not None) if begins or life.since else None
    return (since, life.ends.get(model))


def meet(one: Window, other: Window) -> Window:
    """The days that fall into both windows."""
    starts = [day for day in (one[0], other[0]) if day is not None]
    ends = [day for day in (one[1], other[1]) if day is not None]
    return (max(starts, default=None), min(ends, default=None))


def split_sold(where: str, sold: str) -> tuple[str, str]:
    """The scope and the tier of `scope/tier`; a scope may name several regions with slashes."""
    scope, slash, tier = sold.rpartition("/")
    if not slash or not scope or not tier:
        raise UserError(f"prices.toml: {where}", sold, "write scope/tier, such as global/standard")
    return scope, tier


def cell_id(surface: str, model: str, scope: str, tier: str, unit: str, over: int, start: date | None) -> str:
    """The name of a cell: its place, its prompt length if that matters, and its first day."""
    length = f">{over}" if over else ""
    day = f"@{start.isoformat()}" if start else ""
    return f"{surface}/{model}/{scope}/{tier}/{unit}{length}{day}"


def plain(amount: Decimal) -> Decimal:
    """The same number without trailing zeros or an exponent."""
    short = amount.normalize()
    exponent = short.as_tuple().exponent
    return short.quantize(ONE) if isinstance(exponent, int) and exponent > 0 else short


def _refuse_twins(cells: Iterable[PriceCell]) -> None:
    """Two cells at one place whose windows meet would be two prices for one thing: a mistake in the rules."""
    places: dict[tuple[object, ...], list[PriceCell]] = {}
    for cell in cells:
        places.setdefault((cell.surface, cell.model, cell.scope, cell.tier, cell.unit, cell.band), []).append(cell)
    for found in places.values():
        found.sort(key=lambda cell: cell.valid_from or date.min)
        for earlier, later in pairwise(found):
            if earlier.valid_until is None or later.valid_from is None or later.valid_from < earlier.valid_until:
                raise UserError(
                    "prices.toml",
                    f"{earlier.id} ({', '.join(earlier.claim_ids)}) and {later.id} ({', '.join(later.claim_ids)})",
                    "two rules price the same thing on the same day; exclude it from one or end one of them",
                )
