"""The organisation file: read, refused by name, written and read again."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium import catalog
from trivium.app.settings import read_settings
from trivium.core import UserError
from trivium.plan.org import (
    About,
    Contract,
    Growth,
    Microsoft,
    Needs,
    Onboarding,
    Organisation,
    Tier,
    Tuning,
    Usage,
    Workload,
    default_organisation,
    parse_organisation,
    read_organisation,
    write_organisation,
)

FILE = """
[surfaces.anthropic]
credential = { kind = "api-key", env = "ANTHROPIC_API_KEY" }

[organisation]
name = "Northwind"
horizon_months = 24
risk_weight = 0.3

[workloads.search]
owner = "team-search"
models = ["claude-sonnet-5"]

[workloads.search.needs]
geography = "eu"
batchable_percent = 25
growth = { low = 0.0, point = 0.03, high = 0.1 }
tuning = { wanted_from = 2027-01-01 }

[contracts.edp]
kind = "spend-commitment"
surfaces = ["bedrock"]
commitment_usd_per_year = 100000
discount_percent = 7.5
levels = [{ from_usd = "100000", discount_percent = 5 }, { from_usd = "200000", discount_percent = 8 }]
"""


def test_one_file_serves_the_gateway_and_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "trivium.toml"
    path.write_text(FILE)
    found = read_organisation(path, catalog.model_id)
    assert found.about.horizon_months == 24
    assert found.about.risk_weight == Decimal("0.3")
    needs = found.workloads["search"].needs
    assert (needs.geography, needs.batchable_percent) == ("eu", 25)
    assert needs.growth == Growth(Decimal("0.0"), Decimal("0.03"), Decimal("0.1"))
    assert needs.tuning == Tuning(date(2027, 1, 1))
    edp = found.contracts["edp"]
    assert (edp.commitment_usd_per_year, edp.discount_percent) == ("100000", Decimal("7.5"))
    assert edp.levels[1] == Tier("200000", Decimal(8))
    assert read_settings(path).workloads["search"].owner == "team-search"


def test_what_is_left_out_is_assumed_and_named_with_the_line_to_write() -> None:
    found = {item.field: item for item in parse_organisation({"workloads": {"chat": {}}}).assumed}
    assert found["organisation.risk_weight"].remedy == "[organisation] risk_weight = …"
    assert found["workloads.chat.needs.batchable_percent"].value == "0 % may wait for a batch"
    assert "contracts" in found
    stated = parse_organisation({"organisation": {"risk_weight": "0.5"}}).assumed
    assert "organisation.risk_weight" not in {item.field for item in stated}
    assert default_organisation().workloads == {}


@pytest.mark.parametrize(
    ("raw", "field", "remedy"),
    [
        ({"organisaton": {}}, "organisaton", "did you mean organisation?"),
        ({"organisation": {"horizn_months": 3}}, "organisation.horizn_months", "did you mean horizon_months?"),
        ({"organisation": {"horizon_months": 0}}, "organisation.horizon_months", "from 1 to 120"),
        ({"organisation": {"risk_level": 1}}, "organisation.risk_level", "below 1"),
        ({"organisation": {"surfaces": ["azure"]}}, "organisation.surfaces", "foundry"),
        ({"workloads": {"a": {"ownr": "x"}}}, "workloads.a.ownr", "use one of owner"),
        (
            {"workloads": {"a": {"needs": {"batchable_percent": 140}}}},
            "workloads.a.needs.batchable_percent",
            "0 to 100",
        ),
        ({"workloads": {"a": {"needs": {"users": 0}}}}, "workloads.a.needs.users", "1 or more"),
        (
            {"workloads": {"a": {"needs": {"growth": {"low": 1, "point": 0, "high": 2}}}}},
            "workloads.a.needs.growth",
            "low ≤ point ≤ high",
        ),
        ({"contracts": {"c": {"kind": "discount", "surfaces": []}}}, "contracts.c.surfaces", "name the surfaces"),
        (
            {"contracts": {"c": {"kind": "spend-commitment", "surfaces": ["bedrock"]}}},
            "contracts.c.commitment_usd_per_year",
            "amount a year",
        ),
        (
            {"contracts": {"c": {"kind": "discount", "surfaces": ["bedrock"], "discount_percent": 100}}},
            "contracts.c.discount_percent",
            "below 100",
        ),
        (
            {"contracts": {"c": {"kind": "discount", "surfaces": ["bedrock"], "other_spend_usd_per_year": "much"}}},
            "contracts.c.other_spend_usd_per_year",
            "finite decimal",
        ),
        ({"contracts": {"c": {"kind": "lease", "surfaces": ["bedrock"]}}}, "contracts.c.kind", "spend-commitment"),
        ({"contracts": {"c": {"kind": "provisioned", "surfaces": ["bedrock"]}}}, "contracts.c", "yours is a quote"),
        (
            {
                "contracts": {
                    "c": {
                        "kind": "volume-tiers",
                        "surfaces": ["vertex"],
                        "tiers": [{"from_usd": "9", "discount_percent": 1}, {"from_usd": "9", "discount_percent": 2}],
                    }
                }
            },
            "contracts.c.tiers",
            "rising order",
        ),
        ({"onboarding": {"azure": {}}}, "onboarding", "foundry"),
        (
            {"onboarding": {"vertex": {"days_low": 9, "days_high": 3}}},
            "onboarding.vertex.days_high",
            "at least days_low",
        ),
        ({"microsoft": {"m365_seats": -1}}, "microsoft.m365_seats", "0 or more"),
        ({"usage": {"trace": "a", "csv": "b"}}, "usage", "one source"),
        ({"workloads": "many"}, "workloads", "[workloads.NAME]"),
    ],
)
def test_what_cannot_be_used_is_refused_by_field_value_and_remedy(
    raw: dict[str, object], field: str, remedy: str
) -> None:
    with pytest.raises(UserError) as caught:
        parse_organisation(raw)
    assert caught.value.field == field
    assert remedy in caught.value.remedy


def test_an_unknown_model_is_refused_where_it_stands() -> None:
    def canonical(name: str) -> str:
        if name == "opus":
            return "claude-opus-5"
        raise UserError("model", name, "use a model of the catalogue")

    found = parse_organisation({"workloads": {"a": {"models": ["opus"]}}}, canonical)
    assert found.workloads["a"].models == ("claude-opus-5",)
    with pytest.raises(UserError, match=r"workloads\.a\.needs\.models"):
        parse_organisation({"workloads": {"a": {"needs": {"models": ["gpt"]}}}}, canonical)


def test_a_file_that_is_none_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="trivium init"):
        read_organisation(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[organisation")
    with pytest.raises(UserError, match="valid TOML"):
        read_organisation(broken)


shares = st.decimals(0, 1, places=2)
names = st.text("abcdefghij-_", min_size=1, max_size=8)
amounts = st.decimals(0, 10**6, places=2).map(str)
needs = st.builds(
    Needs,
    geography=st.sampled_from(["", "us", "eu"]),
    batchable_percent=st.decimals(0, 100, places=1),
    attestations=st.tuples() | st.just(("soc2",)),
    growth=st.none() | st.tuples(shares, shares, shares).map(sorted).map(lambda found: Growth(*found)),
    users=st.none() | st.integers(1, 10_000),
    note=st.text(max_size=20),
)
contracts = st.builds(
    Contract,
    kind=st.just("spend-commitment"),
    surfaces=st.just(("bedrock", "claude-aws")),
    status=st.sampled_from(["signed", "offered", "assumed"]),
    commitment_usd_per_year=amounts,
    discount_percent=st.decimals(0, 50, places=1),
    levels=st.tuples() | st.just((Tier("1", Decimal(2)), Tier("3", Decimal(4)))),
)
organisations = st.builds(
    Organisation,
    st.builds(About, name=st.text(max_size=20), horizon_months=st.integers(1, 60), risk_weight=shares),
    st.dictionaries(names, st.builds(Workload, owner=st.text(max_size=9), needs=needs), max_size=3),
    st.dictionaries(names, contracts, max_size=2),
    st.builds(Microsoft, m365_seats=st.integers(0, 100), entra=st.booleans()),
    st.dictionaries(st.sampled_from(["bedrock", "vertex"]), st.builds(Onboarding, done=st.booleans()), max_size=2),
    st.builds(Usage, csv=st.sampled_from(["", "usage.csv"])),
    st.just(()),
)


@given(organisations)
def test_what_is_written_reads_back_the_same(organisation: Organisation) -> None:
    import tomllib

    text = write_organisation(organisation)
    found = parse_organisation(tomllib.loads(text, parse_float=Decimal))
    for field in ("about", "workloads", "contracts", "microsoft", "onboarding", "usage"):
        assert getattr(found, field) == getattr(organisation, field), text


@pytest.mark.parametrize(
    ("raw", "field", "remedy"),
    [
        ({"contracts": {"x": {"kind": "zz"}}}, "contracts.x.kind", "provisioned, reserved, spend-commitment"),
        ({"contracts": {"x": {"surfaces": ["bedrock"]}}}, "contracts.x.kind", "discount, provisioned"),
        (
            {"contracts": {"x": {"kind": "discount", "surfaces": ["bedrock"], "status": "sined"}}},
            "contracts.x.status",
            "did you mean signed? use one of assumed, offered, signed",
        ),
        ({"organisation": {"horizon_months": "abc"}}, "organisation.horizon_months", "give a whole number"),
        ({"organisation": {"risk_weight": "much"}}, "organisation.risk_weight", "give a number"),
        ({"organisation": {"nothing_runs": "maybe"}}, "organisation.nothing_runs", "give true or false"),
        ({"organisation": {"surfaces": "bedrock"}}, "organisation.surfaces", "give a list in brackets"),
        ({"organisation": {"quota_tiers": {"bedrock": []}}}, "organisation.quota_tiers.bedrock", "give text"),
        ({"organisation": {"growth": {"low": "x"}}}, "organisation.growth.low", "give a number"),
        ({"workloads": {"a": {"needs": {"place": "ideo"}}}}, "workloads.a.needs.place", "did you mean ide?"),
        (
            {"workloads": {"a": {"needs": {"tuning": {"wanted_from": "soon"}}}}},
            "workloads.a.needs.tuning.wanted_from",
            "give a day",
        ),
        ({"usage": {"demand": {"m": {"workload": "a", "model": ["x"]}}}}, "usage.demand.m.model", "give text"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_the_field_takes(
    raw: dict[str, object], field: str, remedy: str
) -> None:
    with pytest.raises(UserError) as caught:
        parse_organisation(raw)
    assert caught.value.field == field
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400", "99999999999999999999"])
@pytest.mark.parametrize("where", ["organisation.risk_weight", "onboarding.vertex.usd_per_day"])
def test_a_number_that_is_none_or_beyond_every_organisation_is_refused(where: str, number: str) -> None:
    table, _, field = where.rpartition(".")
    with pytest.raises(UserError) as caught:
        parse_organisation(tomllib.loads(f"[{table}]\n{field} = {number}\n", parse_float=Decimal))
    assert caught.value.field == where


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[organisation]\nseed = " + b"9" * 5000])
def test_a_file_that_is_no_toml_is_refused_by_its_name_and_an_empty_one_states_nothing(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "trivium.toml"
    path.write_bytes(content)
    if not content:
        assert read_organisation(path).workloads == {}
        return
    with pytest.raises(UserError) as caught:
        read_organisation(path)
    assert caught.value.value == str(path)
    with pytest.raises(UserError, match="make it readable"):
        read_organisation(tmp_path)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"workloads": {"a": {"needs": {"tuning": {"model": "opos"}}}}}, "workloads.a.needs.tuning.model"),
        ({"usage": {"demand": {"m": {"workload": "a", "model": "opos"}}}}, "usage.demand.m.model"),
    ],
)
def test_a_model_that_the_catalogue_lacks_is_refused_wherever_it_is_named(raw: dict[str, object], field: str) -> None:
    def canonical(name: str) -> str:
        raise UserError("model", name, "use claude-opus-5")

    with pytest.raises(UserError) as caught:
        parse_organisation(raw, canonical)
    assert (caught.value.field, caught.value.value) == (field, "opos")
