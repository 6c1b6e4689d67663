"""What rules expand to, and what a wrong rule says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.catalog import Catalog, PriceCell, Snapshot, explain_cell
from trivium.catalog._expand import expand
from trivium.catalog._rules import RuleBook, read_rules
from trivium.core import UserError

RISE, KEPT, FIRST = (f"price.base.claude-sonnet-5{suffix}" for suffix in (".rise", "", ".introductory"))


def cell(snapshot: Snapshot, query: str, unit: str, at: str) -> PriceCell:
    return explain_cell(snapshot, query, unit, date.fromisoformat(at)).cell


@pytest.mark.parametrize(
    ("query", "unit", "at", "usd"),
    [
        ("anthropic/claude-opus-5/global/standard", "input", "2026-11-22", "5"),
        ("anthropic/claude-opus-5/us/standard", "cache_write_5m", "2026-11-22", "6.875"),  # 5 x 1.25 x 1.1
        ("anthropic/claude-opus-5/us/fast", "output", "2026-11-22", "55"),  # 25 x 2 x 1.1
        ("anthropic/claude-opus-4-6/us/fast", "cache_read", "2026-03-01", "3.3"),  # 5 x 0.1 x 6 x 1.1
        ("bedrock/claude-fable-5-1/us-gov/standard", "cache_read", "2026-11-22", "0.3"),  # 10 x 0.025 x 1.2
        ("bedrock/claude-sonnet-4-5/geo-or-regional/batch", "output", "2026-11-22", "8.25"),  # 15 x 1.1 / 2
        ("vertex/claude-fable-5-2/global/fast", "cache_write_1h", "2026-11-22", "32"),  # 8 x 2 x 2
        ("foundry/claude-opus-5/us-data-zone-standard", "input", "2026-11-22", "5.5"),  # 5 x 1.1
        ("anthropic/claude-3-haiku/global/standard", "cache_write_5m", "2026-01-01", "0.3"),  # the exception to 1.25
        ("anthropic/claude-sonnet-5-5/global/standard", "cache_read", "2026-10-06", "0.2"),  # 2 x 0.1, before the cut
        ("anthropic/claude-sonnet-5-5/global/standard", "cache_read", "2026-10-07", "0.1"),  # 2 x 0.05
        ("anthropic/*/global/tool", "web_search", "2026-11-22", "0.01"),  # 10 per 1,000
    ],
)
def test_a_price_is_the_product_of_its_rules(snapshot: Snapshot, query: str, unit: str, at: str, usd: str) -> None:
    found = [
        one
        for one in snapshot.cells
        if one.id.startswith(f"{query}/")
        and one.unit == unit
        and one.holds_on(date.fromisoformat(at))
        and not one.band[0]
    ] or [cell(snapshot, query, unit, at)]
    (one,) = found
    assert one.amount_usd == Decimal(usd)


def test_prompt_lengths_are_bands_of_one_tier(snapshot: Snapshot) -> None:
    haiku = [c for c in snapshot.cells if c.id.startswith("anthropic/claude-haiku-5-5/global/standard/input")]
    assert sorted((c.band, c.amount_usd) for c in haiku) == [
        ((0, 100_000), Decimal("0.1")),
        ((100_001, None), Decimal("0.5")),
    ]
    sonnet = [c for c in snapshot.cells if c.id.startswith("anthropic/claude-sonnet-4-5/global/standard/output")]
    assert sorted((c.band, c.amount_usd, c.valid_until) for c in sonnet) == [
        ((0, None), Decimal(15), date(2026, 11, 30)),
        ((200_001, None), Decimal("22.5"), date(2026, 4, 30)),  # 15 x 1.5
    ]


def test_the_announced_rise_of_sonnet_5_is_never_priced(catalog: Catalog) -> None:
    """Announced 2026-06-30 for 2026-09-01, cancelled 2026-08-10."""
    query = "anthropic/claude-sonnet-5/global/standard"
    before, after = catalog.snapshot(date(2026, 8, 1)), catalog.snapshot(date(2026, 8, 15))
    known = cell(before, query, "input", "2026-08-31")
    assert (known.amount_usd, known.valid_until, known.claim_ids[0]) == (Decimal(2), date(2026, 9, 1), FIRST)
    kept = cell(after, query, "input", "2026-12-01")
    assert (kept.amount_usd, kept.valid_until, kept.claim_ids[0]) == (Decimal(2), None, KEPT)
    for snapshot in (before, after, catalog.snapshot(date(2026, 11, 22))):
        assert not [one.id for one in snapshot.cells if RISE in one.claim_ids]


def test_a_snapshot_knows_no_price_announced_later(catalog: Catalog) -> None:
    early = catalog.snapshot(date(2026, 4, 15))
    assert not [one.id for one in early.cells if one.model in {"claude-opus-5", "claude-opus-4-7"}]
    assert cell(early, "anthropic/claude-opus-4-6/global/standard", "input", "2026-04-15").amount_usd == 5


@settings(max_examples=15)
@given(order=st.randoms(use_true_random=False))
def test_the_cells_do_not_depend_on_the_order_of_rules(order: st.DataObject) -> None:
    book = read_rules(Path(__file__).parents[2] / "src/trivium/catalog/claims/prices.toml")
    shuffled = {}
    for kind in ("base", "unit", "factor", "life", "offer", "item"):
        rules = list(getattr(book, kind))
        order.shuffle(rules)  # type: ignore[attr-defined]
        shuffled[kind] = tuple(rules)
    again = RuleBook(sources=book.sources, groups=book.groups, gap=book.gap, **shuffled)
    assert _values(again) == _values(book)


class _Everything:
    """Every claim is known, but for what the shipped rules supersede."""

    def __contains__(self, name: object) -> bool:
        return name not in {RISE, FIRST}


def _values(book: RuleBook) -> list[tuple[object, ...]]:
    cells = expand(book, _Everything())  # type: ignore[arg-type]
    return [(c.id, c.rate_picos, c.band, c.valid_from, c.valid_until, c.status, frozenset(c.claim_ids)) for c in cells]


SOURCE = '[sources.s]\ntitle = "S"\n'
GRADED = 'status = "documented"\nsources = ["s"]\n'
BASE = f'[[base]]\nid = "m"\ninput = "1"\noutput = "5"\nmodels = {{ m = 2026-01-01 }}\n{GRADED}'
PLACE = 'surface = "anthropic"\nsold = ["global/standard"]\nmodels = ["m"]\nunits = ["input"]\n'
OFFER = f'[[offer]]\nid = "o"\n{PLACE}{GRADED}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("= nonsense", "valid TOML"),
        (SOURCE + BASE.replace('"1"', "1"), "base[0].input: 1: give text in quotes"),  # a number in quotes stays exact
        (SOURCE + BASE.replace('"1"', '"one"'), "give a decimal number"),
        (SOURCE + BASE.replace('"1"', '"-1"'), "0 or more"),
        (SOURCE + BASE.replace("documented", "certain"), "use a status of"),
        (SOURCE + BASE.replace('["s"]', '["t"]'), "describe this source"),
        (SOURCE + BASE.replace('["s"]', "[]"), "at least one source"),
        (SOURCE + BASE + "price = 1\n", "base[0].price: 1: use one of id,"),
        (SOURCE + BASE.replace("output", "ouput"), "base[0].ouput: '5': did you mean output?"),
        (SOURCE + BASE.replace('output = "5"\n', ""), "base[0].output: 'nothing': give text"),
        (SOURCE + BASE.replace("2026-01-01", '"soon"'), "base[0].models.m: 'soon': give a day"),
        (SOURCE.replace("title", "titel"), "sources.s.title: 'nothing': give text"),
        (SOURCE + BASE + BASE, "an id of its own"),
        (SOURCE + BASE.replace('id = "m"', 'id = "m"\nfrom = 2026-02-01\nuntil = 2026-02-01'), "half-open"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_remedy(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"prices\.toml") as raised:
        read_rules(path)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOURCE + BASE + OFFER + OFFER.replace('"o"', '"p"'), "two rules price the same thing"),
        (SOURCE + BASE + OFFER.replace('["m"]', '["n"]'), "give this model a base price"),
        (SOURCE + BASE + OFFER.replace('["m"]', '["@all"]'), "use one of"),
        (SOURCE + BASE + OFFER.replace("global/standard", "global"), "write scope/tier"),
    ],
)
def test_rules_that_contradict_each_other_are_refused_when_they_expand(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        expand(read_rules(path), _Everything())  # type: ignore[arg-type]
