"""Every cell of the price table against the rules: equal, or a known difference with its reason."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from trivium.catalog import Catalog, PriceCell, Snapshot, surface_id
from trivium.core import TOKEN_UNITS, Money, rate_picos

FACTS = Path(__file__).parents[1] / "facts"
BESIDE = Path(__file__).parents[3] / "shared/facts"
TODAY = date(2026, 11, 22)

Place = tuple[str, str, str, str, str, int]
Said = tuple[Decimal, date | None, date | None, str]  # amount, window, grade

TIERS = {  # the table writes a prompt length as a tier
    "long_context_gt_100k": ("standard", 100_000),
    "long_context_gt_200k": ("standard", 200_000),
    "batch_long_context_gt_100k": ("batch", 100_000),
    "fast_long_context_gt_200k": ("fast", 200_000),
    "public_extended_access": ("extended-access", 0),
}
UNITS = {
    "web_search_per_1000": "web_search",
    "code_execution_container_hour": "code_execution_hours",
    "session_hour": "session_hours",
    "model_unit_hour": "model_unit_hours",
    "CCU": "ccu",
    "AI_credit": "ai_credit",
}
# Surfaces that the table does not know. Their prices repeat those of another surface, scope by scope.
REPEATS = {
    ("bedrock-mantle", "geo-or-regional"): "bedrock",
    ("bedrock-mantle", "us-gov"): "bedrock",
    ("claude-gcp", "global"): "anthropic",
    ("claude-gcp", "us"): "anthropic",
}
GRADES = {"documented": "documented", "reported": "reported", "unconfirmed": "unconfirmed", "derived": "unconfirmed"}


def _day(text: str) -> date | None:
    return date.fromisoformat(text + "-01" * (3 - len(text.split("-")))) if text else None


def _rows(name: str = "prices.csv") -> list[dict[str, str]]:
    with (FACTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _place_of_row(row: Mapping[str, str]) -> Place:
    tier, over = TIERS.get(row["tier"], (row["tier"].replace("_", "-"), 0))
    unit = UNITS.get(row["token_kind"], row["token_kind"])
    return (surface_id(row["platform"]), row["model"], row["region_class"].replace("_", "-"), tier, unit, over)


def _table() -> dict[Place, list[Said]]:
    found: dict[Place, list[Said]] = {}
    for row in _rows():
        if row["amount"]:
            amount = Decimal(row["amount"]) / (1000 if row["token_kind"].endswith("per_1000") else 1)
            said = (amount, _day(row["effective_from"]), _day(row["effective_until"]), GRADES[row["evidence"]])
            found.setdefault(_place_of_row(row), []).append(said)
    return {place: sorted(values, key=str) for place, values in found.items()}


def _place_of_cell(cell: PriceCell) -> Place:
    over = cell.band[0] - 1 if cell.band[0] else 0
    return (cell.surface, cell.model, cell.scope, cell.tier, cell.unit, over)


def _expanded(snapshot: Snapshot) -> dict[Place, list[Said]]:
    found: dict[Place, list[Said]] = {}
    for cell in snapshot.cells:
        said = (cell.amount_usd, cell.valid_from, cell.valid_until, cell.status)
        found.setdefault(_place_of_cell(cell), []).append(said)
    return {place: sorted(values, key=str) for place, values in found.items()}


def _known() -> Iterator[tuple[Place, str, str, str]]:
    for row in _rows("known_differences.csv"):
        place = (row["surface"], row["model"], row["scope"], row["tier"], row["unit"], int(row["over"]))
        yield place, row["table"], row["rules"], row["reason"]


def _written(values: list[Said]) -> str:
    return " | ".join(f"{amount} {grade} {start or ''}..{end or ''}" for amount, start, end, grade in values)


def test_every_cell_of_the_table_is_equal_or_a_known_difference(snapshot: Snapshot) -> None:
    """Amount, window and grade; and no rule makes a cell that the table lacks without being listed."""
    table, rules = _table(), _expanded(snapshot)
    rules = {place: made for place, made in rules.items() if (place[0], place[2]) not in REPEATS}
    differing = {
        place: (_written(table.get(place, [])), _written(rules.get(place, [])))
        for place in table.keys() | rules.keys()
        if table.get(place) != rules.get(place)
    }
    assert differing == {place: (said, made) for place, said, made, _ in _known()}


def test_each_known_difference_gives_its_reason_and_they_are_few() -> None:
    known = list(_known())
    assert all(len(reason) > 20 for *_, reason in known)
    assert len(known) == 48


def test_a_surface_that_the_table_does_not_know_costs_what_its_sister_does(snapshot: Snapshot) -> None:
    """The amounts of today, cell by cell; no cell is better founded than the one that it repeats."""
    rules = _expanded(snapshot)
    today = {place: [said for said in made if said[2] is None] for place, made in rules.items()}
    checked = Counter[str]()
    for place, made in today.items():
        sister = REPEATS.get((place[0], place[2]))
        if sister is not None and made:
            (mine,), (theirs,) = made, today[sister, *place[1:]]
            assert mine[0] == theirs[0], place
            assert mine[3] in {theirs[3], "unconfirmed"}, place
            checked[place[0]] += 1
    # 15 models without Sonnet 4.5, whose end is known: standard, in batches, and 12 in the US; Haiku 5.5 over 100K
    # tokens in all three, Opus 5.5 fast in both scopes
    assert checked["claude-gcp"] == 5 * (14 + 14 + 12 + 3 + 2)
    assert checked["bedrock-mantle"] == 5 * (11 + 3 + 2)  # units x (models, those of GovCloud, bands over 100K)


def test_nothing_of_the_table_is_dropped(snapshot: Snapshot) -> None:
    """1,708 rows: 1,701 have a price, 7 are gaps; each gap is a claim that says so."""
    rows = _rows()
    assert len(rows) == 1708
    priced = [row for row in rows if row["amount"]]
    gaps = {(surface_id(row["platform"]), row["tier"].replace("_", "-")) for row in rows if not row["amount"]}
    assert (len(priced), len(gaps)) == (1701, 7)
    claimed = {
        (claim.surface, claim.predicate.removeprefix("price_gap:"))
        for claim in snapshot.claims
        if claim.predicate.startswith("price_gap:")
    }
    assert claimed == gaps


def test_the_fixture_is_the_table_beside_the_checkout() -> None:
    if not BESIDE.is_dir():
        pytest.skip("the facts tables do not lie beside the checkout")
    assert (FACTS / "prices.csv").read_text() == (BESIDE / "prices.csv").read_text()


def test_expired_is_computed_from_windows_as_the_table_has_it(snapshot: Snapshot) -> None:
    cells: dict[Place, list[PriceCell]] = {}
    for cell in snapshot.cells:
        cells.setdefault(_place_of_cell(cell), []).append(cell)
    different = {place for place, *_ in _known()}
    expired = Counter[bool]()
    for row in _rows():
        place = _place_of_row(row)
        if not row["amount"] or place in different:
            continue
        (cell,) = [cell for cell in cells[place] if cell.valid_from == _day(row["effective_from"])]
        ended = cell.valid_until is not None and cell.valid_until <= TODAY
        assert ended == (row["status"] == "expired"), cell.id
        expired[ended] += 1
    assert expired[True] == 249 - 4 - 1 - 1  # all expired rows but those among the known differences


def test_a_person_can_review_the_rules(catalog: Catalog) -> None:
    (book,) = catalog.rules
    counts = Counter(kind for kind, _ in book.rules())
    assert sum(counts.values()) < 140
    assert sum(counts[kind] for kind in ("item", "gap")) == 20  # the rest makes the 1,666 token prices


def test_every_cell_leads_to_claims_with_dated_sources(snapshot: Snapshot) -> None:
    for cell in snapshot.cells:
        assert cell.claim_ids
        for name in cell.claim_ids:
            claim = snapshot.claim(name)
            assert claim.sources, name
            assert all(source.title and source.date for source in claim.sources), name


def test_every_rate_is_the_authored_amount_in_whole_pico_dollars(snapshot: Snapshot) -> None:
    for cell in snapshot.cells:
        if cell.unit in TOKEN_UNITS:
            assert cell.rate_picos == rate_picos(cell.amount_usd)
        else:
            assert cell.rate_picos == Money.from_usd(cell.amount_usd).picos
