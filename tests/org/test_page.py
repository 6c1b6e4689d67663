"""docs/organisation.md names every field of the file with its default, and its example reads."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from trivium.core import Money
from trivium.plan.org import (
    About,
    Contract,
    DemandAs,
    Growth,
    Microsoft,
    Needs,
    Onboarding,
    Tier,
    Tuning,
    Usage,
    Workload,
    parse_organisation,
    read_organisation,
)

PAGE = Path(__file__).parents[2] / "docs/organisation.md"
TABLES = {
    "`[organisation]`": About,
    "`[workloads.NAME]`": Workload,
    "`[workloads.NAME.needs]`": Needs,
    "`growth`": Growth,
    "`tuning`": Tuning,
    "`[contracts.NAME]`": Contract,
    "`tiers`, `levels`": Tier,
    "`[microsoft]`": Microsoft,
    "`[onboarding.SURFACE]`": Onboarding,
    "`[usage]`": Usage,
    "`[usage.demand.MODEL]`": DemandAs,
}


def described(title: str) -> dict[str, str]:
    """Fields of a section, each with its default as the page states it."""
    section = re.split(r"^#+ ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = (part for part in section if part.startswith(f"{title}\n"))
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines()[1:] if "|" in line
    ]
    return {row[0].strip("`"): row[2].strip("`") for row in rows if row[0].startswith("`")}


@pytest.mark.parametrize("title", TABLES)
def test_every_field_is_described_with_its_default(title: str) -> None:
    found = described(title)
    fields = msgspec.structs.fields(TABLES[title])
    assert list(found) == [field.name for field in fields]
    for field in fields:
        told = found[field.name]
        if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT:
            assert told == "required", field.name
        elif not told:
            empty = field.default in (None, "", ()) or field.default_factory is dict
            assert empty or isinstance(field.default, msgspec.Struct), field.name
        else:
            assert tomllib.loads(f"x = {told}", parse_float=Decimal)["x"] == field.default, field.name


def test_the_example_is_a_file_that_reads() -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = parse_organisation(tomllib.loads(example, parse_float=Decimal))
    assert found.about.name == "Northwind"
    assert Money.from_usd(found.contracts["edp"].commitment_usd_per_year) == Money.from_usd("1200000")
    assert [tier.discount_percent for tier in found.contracts["vertex-offer"].levels] == [4, 7]


def test_the_example_organisation_reads() -> None:
    assert read_organisation(PAGE.parent / "examples/northwind/trivium.toml").workloads
