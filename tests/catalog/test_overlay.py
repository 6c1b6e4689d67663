"""An organisation's own claims and contract prices over the shipped ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import pytest

from trivium.catalog import Catalog, PriceCell, check, explain_cell, load
from trivium.catalog._check import Grade
from trivium.core import UserError

NOW = date(2026, 11, 22)
OPUS = "anthropic/claude-opus-5/global/standard"
CONTRACT = """
[sources.order]
title = "Order form 4711"
date = "2026-09-30"

[[contract]]
id = "anthropic-2026"
surface = "anthropic"
models = ["claude-opus-5"]
tiers = ["standard"]
factor = "0.85"
from = 2026-10-01
until = 2027-10-01
status = "contracted"
sources = ["order"]
"""


def overlay(folder: Path, text: str) -> Catalog:
    (folder / "prices.toml").write_text(text)
    return load([folder])


def price(catalog: Catalog, query: str, unit: str, at: date, as_of: date = NOW) -> PriceCell:
    return explain_cell(catalog.snapshot(as_of), query, unit, at).cell


def test_a_contract_price_holds_within_its_window_and_list_prices_around_it(tmp_path: Path) -> None:
    mine = overlay(tmp_path, CONTRACT)
    inside = price(mine, OPUS, "output", NOW)
    assert (inside.amount_usd, inside.status) == (Decimal("21.25"), "contracted")  # 25 x 0.85
    assert inside.claim_ids[:2] == ("price.contract.anthropic-2026", "price.base.claude-opus-5")
    for day in (date(2026, 9, 30), date(2027, 10, 1)):
        outside = price(mine, OPUS, "output", day)
        assert (outside.amount_usd, outside.status) == (Decimal(25), "documented")
    assert price(mine, "anthropic/claude-opus-5/us/fast", "output", NOW).amount_usd == 55  # not in the contract


def test_a_contract_is_known_from_the_day_it_begins(tmp_path: Path) -> None:
    mine = overlay(tmp_path, CONTRACT)
    assert price(mine, OPUS, "output", NOW, as_of=date(2026, 9, 1)).status == "documented"


def test_a_contract_may_give_amounts_instead_of_a_factor(tmp_path: Path) -> None:
    mine = overlay(tmp_path, CONTRACT.replace('factor = "0.85"', 'amounts = { input = "4.2", cache_read = "0.4" }'))
    assert price(mine, OPUS, "input", NOW).amount_usd == Decimal("4.2")
    assert price(mine, OPUS, "output", NOW).amount_usd == 25


def test_other_prices_and_the_shipped_catalogue_stay_as_they_are(tmp_path: Path) -> None:
    mine, shipped = overlay(tmp_path, CONTRACT), load()
    changed = {cell.id for cell in mine.snapshot(NOW).cells} ^ {cell.id for cell in shipped.snapshot(NOW).cells}
    assert all("/claude-opus-5/" in name and "/standard/" in name for name in changed)
    assert mine.snapshot(NOW).digest != shipped.snapshot(NOW).digest


def test_later_overlays_stand_above_earlier_ones(tmp_path: Path) -> None:
    head = "id,surface,predicate,value,status,source\n"
    for number, value in enumerate(("no", "yes")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "own.csv").write_text(f"{head}own.{number},anthropic,fast_mode,{value},reported,us\n")
    for order, expected in (((0, 1), True), ((1, 0), False)):
        mine = load([tmp_path / str(number) for number in order])
        assert mine.snapshot(NOW).supports("anthropic", "claude-sonnet-5", "fast_mode", NOW) is expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('surface = "anthropic"', 'surface = "copilot-studio"'), "no list price matches it"),
        (('factor = "0.85"', 'factor = "0.8500000003"'), "a whole number of pico-dollars"),
        (('models = ["claude-opus-5"]', 'models = ["@ours"]'), "use one of"),
    ],
)
def test_a_contract_that_cannot_be_applied_is_refused(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        _ = overlay(tmp_path, CONTRACT.replace(*change)).snapshot(NOW).cells


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give a folder"):
        load([tmp_path / "nowhere"])


def test_the_shipped_catalogue_has_no_error(catalog: Catalog) -> None:
    errors = [finding for finding in check(catalog.snapshot(NOW), NOW) if finding.grade is Grade.ERROR]
    assert errors == []


BROKEN = {
    "multiplier": ('cache_read = "0.9"', "cache_read is not one factor of input"),
    "batch half": ('input = "2.6"', "not half of"),
    "regional premium": ('input = "7"', "1, 1.1 or 1.2 was expected"),
}


@pytest.mark.parametrize("check_name", BROKEN)
def test_a_list_price_that_breaks_an_invariant_is_an_error(tmp_path: Path, check_name: str) -> None:
    """An overlay that replaces a list price by another list price, not by a contract."""
    amount, says = BROKEN[check_name]
    tier = "batch" if check_name == "batch half" else "standard"
    scope = "us" if check_name == "regional premium" else "global"
    text = CONTRACT.replace('factor = "0.85"', f'scopes = ["{scope}"]\namounts = {{ {amount} }}')
    text = text.replace('tiers = ["standard"]', f'tiers = ["{tier}"]').replace('"contracted"', '"reported"')
    found = check(overlay(tmp_path, text).snapshot(NOW), NOW)
    assert [f.check for f in found if f.grade is Grade.ERROR and says in f.text][:1] == [check_name]


@pytest.mark.parametrize(
    ("row", "check_name"),
    [
        ("own.a,anthropic,claude-opus-99,p,1,reported,us", "model"),
        ("own.a,lunar,claude-opus-5,p,1,reported,us", "surface"),
        ("own.a,anthropic,claude-opus-5,wire_model,claude-opus-4-6,contracted,us", "alias"),
        ("own.a,anthropic,claude-opus-5,retirement,2026-01-01,contracted,us", "retired"),
    ],
)
def test_a_claim_that_breaks_an_invariant_is_an_error(tmp_path: Path, row: str, check_name: str) -> None:
    (tmp_path / "own.csv").write_text(f"id,surface,models,predicate,value,status,source\n{row}\n")
    found = check(load([tmp_path]).snapshot(NOW), NOW)
    assert check_name in {finding.check for finding in found if finding.grade is Grade.ERROR}


def test_loading_and_expanding_everything_is_fast() -> None:
    """Measured 0.06 s on two shared cores; the bound is the promise."""
    from trivium.catalog._catalog import _shipped

    _shipped.cache_clear()
    start = perf_counter()
    snapshot = load().snapshot(NOW)
    assert len(snapshot.cells) > 1700
    assert snapshot.digest
    assert perf_counter() - start < 0.5
