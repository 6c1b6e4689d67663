"""What kind of error a difference is: patterns that public tables showed, tried in order, the most telling first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from trivium.catalog._claim import PriceCell
from trivium.catalog.audit._index import CellIndex, same
from trivium.catalog.audit._names import GLOBAL
from trivium.catalog.audit._values import Announced, Entry

_TENTH = Decimal("0.1")
_ROUNDING_MAX = Decimal("0.01")
_ROUNDING_CENTS_MAX = Decimal("0.05")  # cents are rounded more coarsely the smaller a price is
_CENTS = 2
_PLACES_MAX = 8
_SCALES = tuple(Decimal(10) ** power for power in (3, 6, -3, -6))
_DECADES = tuple(Decimal(10) ** power for power in (1, 2, -1, -2))
_WRITES = ("cache_write_5m", "cache_write_1h")
RowKey = tuple[str, str, int]  # tier, unit, where the band begins


@dataclass(frozen=True, slots=True)
class Case:
    """One difference with everything that may explain it; `row` holds the other prices under the same id."""

    entry: Entry
    cell: PriceCell
    day: date
    index: CellIndex
    row: Mapping[RowKey, Decimal]
    announced: Sequence[Announced]

    @property
    def expected(self) -> Decimal:
        """What the catalogue says."""
        return self.cell.amount_usd

    @property
    def observed(self) -> Decimal:
        """What the table says."""
        return self.entry.usd

    @property
    def prompt(self) -> int:
        """A prompt length inside the entry's band."""
        return max(self.entry.band[0], 1)

    def price(self, *, scope: str = "", tier: str = "", unit: str = "") -> Decimal | None:
        """What we say of the same model with a part of the offer changed."""
        entry = self.entry
        place = (entry.surface, scope or entry.scope, entry.model, tier or entry.tier, unit or entry.unit)
        cell = self.index.price(place, self.day, self.prompt)
        return None if cell is None else cell.amount_usd

    def says(self, unit: str, tier: str = "") -> Decimal | None:
        """What the table says of another unit under the same id."""
        return self.row.get((tier or self.entry.tier, unit, self.entry.band[0]))

    def shows(self, usd: Decimal | None) -> bool:
        """Whether a price is the one that the table shows."""
        return usd is not None and same(usd, self.observed)


class Explanation(NamedTuple):
    """The class of a difference, the reason in words, and who is wrong if the pattern itself tells."""

    class_id: str
    reason: str
    wrong: str = ""


def classify(case: Case) -> Explanation:
    """The class of a difference and the reason, in words."""
    for rule in _RULES:
        found = rule(case)
        if found is not None:
            return found
    return Explanation("T05", "no known pattern explains the difference")


def _wrong_date(case: Case) -> Explanation | None:
    if "foreign-date" not in case.entry.marks:
        return None
    launch = case.index.launches.get(case.entry.model)
    return Explanation("C15", f"the id is dated before the model was sold ({launch}); its price is not the model's")


def _zero(case: Case) -> Explanation | None:
    if case.observed or not case.expected:
        return None
    return Explanation("T07", "0 for a price: unknown, or included elsewhere, is not free")


def _rounded(case: Case) -> Explanation | None:
    off = abs(case.observed - case.expected)
    places = _roundings(case.expected, case.observed) if off <= case.expected * _ROUNDING_CENTS_MAX else None
    if places is not None and (places >= _CENTS or off <= case.expected * _ROUNDING_MAX):
        return Explanation("C16", f"{case.expected} rounded to {places} decimal places")
    if off > case.expected * _ROUNDING_MAX:
        return None
    without_region = case.price(scope=GLOBAL)
    if without_region:
        factor = case.expected / without_region
        places = _roundings(without_region, case.observed / factor)
        if places is not None:
            return Explanation("C16", f"{without_region} rounded to {places} decimal places, then times {factor:f}")
    if _roundings(case.observed, case.expected) is not None:
        return Explanation("C16", f"our {case.expected} is the table's {case.observed} rounded", "us")
    return None


def _roundings(exact: Decimal, shown: Decimal) -> int | None:
    """To how many decimal places `exact` was rounded to give `shown`, None if it was not."""
    for places in range(_PLACES_MAX):
        step = Decimal(1).scaleb(-places)
        if any(same(exact.quantize(step, way), shown) for way in (ROUND_HALF_UP, ROUND_HALF_EVEN)):
            return places
    return None


def _scale(case: Case) -> Explanation | None:
    if not case.expected:
        return None
    if any(case.shows(case.expected * factor) for factor in _SCALES):
        return Explanation("T02", "off by a thousand or a million: per token and per million were mixed up")
    if any(case.shows(case.expected * factor) for factor in _DECADES):
        return Explanation("C24", "off by a power of ten")
    return None


def _announced(case: Case) -> Explanation | None:
    unit = "output" if case.entry.unit == "output" else "input"
    base = case.index.price(("anthropic", GLOBAL, case.entry.model, "standard", unit), case.day)
    if base is None or not base.amount_usd:
        return None
    for change in case.announced:
        usd = change.output_usd if unit == "output" else change.input_usd
        if change.model == case.entry.model and case.shows(case.expected * usd / base.amount_usd):
            fate = f"withdrawn on {change.withdrawn_on}" if change.withdrawn_on else "not in force"
            move = f"the change to {change.input_usd}/{change.output_usd} from {change.valid_from}"
            claims = ", ".join(change.claim_ids)
            return Explanation("C05", f"{move}, announced on {change.announced_on}, is {fate} [{claims}]")
    return None


def _tool(case: Case) -> Explanation | None:
    if case.entry.tier != "tool" or not case.expected:
        return None
    ratio = case.observed / case.expected
    if ratio == int(ratio) and ratio > 1:
        return Explanation("C17", f"{int(ratio)} times the price of the tool, which no tier multiplies")
    return None


def _fast(case: Case) -> Explanation | None:
    if case.entry.tier != "fast":
        return None
    if case.shows(case.price(tier="standard")):
        return Explanation("C11", "the price at standard speed: the fast multiplier covers every token kind")
    if case.entry.scope != GLOBAL and case.shows(case.price(scope=GLOBAL)):
        return Explanation("C11", "the fast price without the multiplier of its region")
    if _ended(case, "standard"):
        return Explanation("C11", "an ended price at standard speed: the fast multiplier covers every prompt length")
    return None


def _region(case: Case) -> Explanation | None:
    if case.entry.scope == GLOBAL or not case.shows(case.price(scope=GLOBAL)):
        return None
    if "unprefixed" in case.entry.marks:
        return Explanation("C13", "no region prefix, and the global price: a call in a region costs more")
    return Explanation("C01", "the global price on an offer that pays the regional premium")


def _write_as_read(case: Case) -> Explanation | None:
    if case.entry.unit in _WRITES and (
        case.shows(case.price(unit="cache_read")) or case.shows(case.says("cache_read"))
    ):
        return Explanation("C03", "the price of a cache read on a cache write")
    return None


def _batch(case: Case) -> Explanation | None:
    if case.entry.tier != "batch":
        return None
    standard = case.says(case.entry.unit, "standard")
    if standard is not None and same(standard / 2, case.observed):
        return None  # half of a wrong price: the standard row tells the story
    sibling = _sibling(case, ("input", "output"))
    if sibling:
        return Explanation("C06", f"the batch price of {sibling}, not half of the own standard price")
    return Explanation("T01", "a batch price is half of the standard price, whatever the token kind")


def _ended(case: Case, tier: str = "") -> PriceCell | None:
    """The latest ended window of the model, on any surface, at the table's price or at that without its region."""
    entry = case.entry
    without_region = case.price(scope=GLOBAL)
    shown = [case.observed]
    if without_region and entry.scope != GLOBAL:
        shown.append(case.observed * without_region / case.expected if case.expected else case.observed)
    ended = [
        cell
        for cell in case.index.any_windows(entry.model, tier or entry.tier, entry.unit)
        if cell.valid_until is not None
        and cell.valid_until <= case.day
        and any(same(cell.amount_usd, usd) for usd in shown)
    ]
    return max(ended, key=lambda cell: (cell.valid_until or date.min, cell.surface == entry.surface), default=None)


def _stale(case: Case) -> Explanation | None:
    ended = _ended(case)
    if ended is None:
        return None
    length = f" for prompts of {ended.band[0]:,} tokens and more" if ended.band[0] else ""
    ending = f"the price of {ended.surface}{length} that ended on {ended.valid_until} [{ended.id}]"
    if "latest" in case.entry.marks:
        return Explanation("C08", f"a -latest alias with {ending}")
    given, known = case.says("input"), case.price(unit="input")
    if case.entry.unit == "cache_read" and (given is None or (known is not None and same(given, known))):
        return Explanation("C10", f"a current row with {ending}")
    return Explanation("C07", ending)


def _tenth(case: Case) -> Explanation | None:
    given = case.price(unit="input")
    if case.entry.unit == "cache_read" and given is not None and case.shows(given * _TENTH):
        return Explanation("C28", "a tenth of the input price; this model's cache reads have a lower factor")
    return None


def _other_write(case: Case) -> Explanation | None:
    if case.entry.unit != "cache_write_1h":
        return None
    given = case.says("input")
    sibling = _sibling(case, ("cache_write_1h",))
    if sibling and not (given is not None and case.shows(given * 2)):
        return Explanation("C09", f"the 1-hour write of {sibling}")
    return None


def _other_row(case: Case) -> Explanation | None:
    sibling = _sibling(case, ("input", "output"))
    return Explanation("C08", f"the price of {sibling}") if sibling else None


def _sibling(case: Case, units: Iterable[str]) -> str | None:
    """Another model of the surface whose price the table shows, in every one of the units that the row gives."""
    entry = case.entry
    wanted = {unit: usd for unit in {*units, entry.unit} if (usd := case.says(unit)) is not None}
    agreeing: set[str] | None = None
    for unit, usd in wanted.items():
        found = {
            model
            for model, cell in case.index.siblings(entry.surface, entry.scope, entry.model, entry.tier, unit)
            if same(cell.amount_usd, usd)
        }
        agreeing = found if agreeing is None else agreeing & found
    return min(agreeing or (), key=lambda model: (-_shared(model, entry.model), model), default=None)


def _shared(one: str, other: str) -> int:
    """How many characters two ids share from the start: the nearest relative is meant."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _write_as_input(case: Case) -> Explanation | None:
    if case.entry.unit == "input" and case.shows(case.price(unit="cache_write_5m")):
        return Explanation("C22", "the price of a 5-minute cache write")
    return None


def _multiple(case: Case) -> Explanation | None:
    if case.entry.scope == GLOBAL or not case.expected:
        return None
    ratio = case.observed / case.expected
    if ratio == int(ratio) and ratio > 1:
        return Explanation("C02", f"{int(ratio)} times the price")
    return None


def _premium(case: Case) -> Explanation | None:
    entry = case.entry
    if entry.scope != GLOBAL:
        return None
    for cell in case.index.any_windows(entry.model, entry.tier, entry.unit):
        if cell.surface == case.cell.surface and cell.scope != case.cell.scope and case.shows(cell.amount_usd):
            return Explanation("T04", f"the price of scope {cell.scope}")
    return None


_RULES: tuple[Callable[[Case], Explanation | None], ...] = (
    _wrong_date,
    _zero,
    _rounded,
    _scale,
    _announced,
    _tool,
    _fast,
    _region,
    _write_as_read,
    _batch,
    _stale,
    _tenth,
    _other_write,
    _other_row,
    _write_as_input,
    _multiple,
    _premium,
)
