"""`trivium.toml`: what the page shows parses; whatever is wrong is named with its value and the remedy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trivium.app._parts import RouteFile, ScopedKeys, default_routes
from trivium.app.settings import WorkloadEntry, parse_settings, read_settings
from trivium.core import (
    ANY,
    KeyRecord,
    ManualClock,
    Offer,
    Route,
    RouteTable,
    SystemClock,
    Target,
    UserError,
    parse_utc,
)

PAGE = Path(__file__).parents[2] / "docs/settings.md"
KEY = {"kind": "api-key", "env": "KEY"}
GOOD: dict[str, Any] = {"surfaces": {"anthropic": {"credential": KEY}}}


def test_the_example_of_the_page_parses() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    settings = parse_settings(tomllib.loads(example))
    assert set(settings.surfaces) == {"anthropic", "bedrock", "vertex", "foundry"}
    assert str(settings.limits["search-month"].amount) == "2500"


def surface(name: str, **entry: Any) -> dict[str, Any]:
    return {"surfaces": {name: entry}}


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({}, "surfaces"),
        ({"surfaces": {}}, "at least one"),
        ({**GOOD, "gatway": {}}, "gatway"),
        ({**GOOD, "gateway": {"port": "8484"}}, r"gateway\.port: '8484'"),
        ({**GOOD, "gateway": {"port": 70_000}}, r"gateway\.port"),
        ({**GOOD, "gateway": {"deadline_s": 0}}, r"gateway\.deadline_s"),
        ({**GOOD, "gateway": {"drain_s": -1}}, r"gateway\.drain_s"),
        (surface("openai", credential=KEY), "openai"),
        (surface("anthropic"), r"surfaces\.anthropic: \[\]: .*credential"),
        (surface("anthropic", credential={"kind": "aws"}), "anthropic takes api-key"),
        (surface("anthropic", credential={"kind": "api-key"}), "env or file"),
        (surface("anthropic", credential={**KEY, "file": "x"}), "env or file"),
        (surface("anthropic", credential={"kind": "api-key", "key": "sk-ant-1"}), "key"),
        (surface("anthropic", credential=KEY, base_url="api.example.com"), "https://"),
        (surface("bedrock", credential={"kind": "aws"}), r"bedrock\.region"),
        (surface("vertex", credential={"kind": "google"}), r"vertex\.project"),
        (surface("foundry", credential=KEY), "resource or base_url"),
        (surface("foundry", credential=KEY, resource="r", base_url="https://x"), "resource or base_url"),
        ({**GOOD, "limits": {"a": {"amount_usd": "0", "window": "day"}}}, r"limits\.a\.amount_usd"),
        ({**GOOD, "limits": {"a": {"amount_usd": "x", "window": "day"}}}, "decimal number"),
        ({**GOOD, "limits": {"a": {"amount_usd": "1", "window": "week"}}}, r"limits\.a\.window: 'week'"),
        ({**GOOD, "limits": {"a": {"amount_usd": "1", "window": "day", "thresholds": [0]}}}, "thresholds"),
        ({**GOOD, "prices_as_of": "yesterday"}, "prices_as_of"),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        parse_settings(raw)


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.toml"):
        read_settings(tmp_path / "nothing.toml")
    (tmp_path / "bad.toml").write_text("[surfaces")
    with pytest.raises(UserError, match="valid TOML"):
        read_settings(tmp_path / "bad.toml")


class OneKey:
    def __init__(self, **scope: tuple[str, ...]) -> None:
        self.record = KeyRecord("k", "0" * 64, "search", parse_utc("2026-01-01"), {"team": "own"}, **scope)

    def find(self, secret_sha256: str) -> KeyRecord | None:
        return self.record if secret_sha256 == "0" * 64 else None


@pytest.mark.parametrize(
    ("mine", "theirs", "allowed"),
    [((), (), ()), (("a",), (), ("a",)), ((), ("b",), ("b",)), (("a", "b"), ("b", "c"), ("b",))],
)
def test_a_key_never_allows_more_than_its_workload(
    mine: tuple[str, ...], theirs: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    entry = WorkloadEntry(models=theirs, surfaces=theirs, tags={"team": "theirs", "site": "x"})
    record = ScopedKeys(OneKey(models=mine, surfaces=mine), {"search": entry}).find("0" * 64)
    assert record is not None
    assert (record.models, record.surfaces) == (allowed, allowed)
    assert record.tags == {"team": "own", "site": "x"}


def test_a_key_and_a_workload_that_share_nothing_allow_nothing() -> None:
    record = ScopedKeys(OneKey(models=("a",)), {"search": WorkloadEntry(models=("b",))}).find("0" * 64)
    assert record is not None
    assert record.models
    assert not {"a", "b"} & set(record.models)
    assert ScopedKeys(OneKey(), {}).find("1" * 64) is None


def test_a_bad_route_file_keeps_the_table_of_before(tmp_path: Path) -> None:
    from datetime import timedelta

    clock = ManualClock(parse_utc("2026-01-01"))
    path = tmp_path / "routes.json"
    fallback = default_routes({"bedrock": Offer("bedrock", "us", ANY)})
    routes = RouteFile(path, fallback, clock)
    assert routes().version == "default"
    path.write_text(RouteTable((Route("*", "*", (Target(Offer("vertex", "global", "*"), 1),)),), "v1").to_json())
    assert routes().version == "default", "the file is looked at every quarter of a second"
    clock.advance(timedelta(seconds=1))
    assert routes().version == "v1"
    path.write_text("{ broken")
    clock.advance(timedelta(seconds=1))
    assert routes().version == "v1"
    path.unlink()
    clock.advance(timedelta(seconds=1))
    assert routes().version == "default"


def test_the_wall_clock_is_the_default_for_routes(tmp_path: Path) -> None:
    assert RouteFile(tmp_path / "none.json", RouteTable((), "none"), SystemClock())().version == "none"
