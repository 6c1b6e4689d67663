"""`trivium.toml`: what the page shows parses; whatever is wrong is named with its value and the remedy."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from trivium.app._credentials import credentials_of
from trivium.app._parts import RouteFile, ScopedKeys, default_routes
from trivium.app.compose import gateway_settings
from trivium.app.settings import WorkloadEntry, parse_settings, read_settings, scope_of
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
from trivium.gateway.credentials import AwsCredential, GoogleCredential
from trivium.plan.org import parse_organisation

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
        ({**GOOD, "gateway": {"host": " "}}, r"gateway\.host"),
        ({**GOOD, "gateway": {"deadline_s": 1e9}}, r"gateway\.deadline_s.*at most 604800"),
        ({**GOOD, "gateway": {"rest_s_max": -1}}, r"gateway\.rest_s_max.*from 0"),
        ({**GOOD, "gateway": {"breaker_open_s": 0}}, r"gateway\.breaker_open_s.*above 0"),
        ({**GOOD, "gateway": {"extra_attempts_max": 99}}, r"gateway\.extra_attempts_max"),
        (surface("anthropic/", credential=KEY), "SURFACE/SCOPE"),
        (surface("anthropic/us", credential=KEY, scope="eu"), r"surfaces\.anthropic/us\.scope: 'eu'"),
        (surface("anthropic", credential=KEY, base_url="https://x:port"), "https://claude"),
        (surface("anthropic", credential=KEY, base_url="https://x/?a=1"), "without query"),
        (
            surface("anthropic", credential=KEY, project="p"),
            r"anthropic\.project: 'p': take it out: it belongs to vertex",
        ),
        (surface("bedrock", credential={"kind": "aws"}, region="us-east-1/../x"), "letters, digits and hyphens"),
        (surface("bedrock", credential={"kind": "aws", "env": "X"}, region="us-east-1"), r"env: 'aws'.*reads profile"),
        ({**GOOD, "workloads": {"a": {"surfaces": ["bedrok"]}}}, r"workloads\.a\.surfaces: 'bedrok'"),
        ({**GOOD, "workloads": {"a": {"models": [7]}}}, r"workloads\.a\.models\[0\]: 7"),
        ({**GOOD, "limits": {"a": {"amount_usd": "1", "window": "day", "where": {"team": "x"}}}}, "tag:NAME"),
        ({**GOOD, "limits": {"a": {"amount_usd": "1", "window": "day", "where": {"surface": "x"}}}}, "where.surface"),
        (
            {**GOOD, "limits": {"a": {"amount_usd": "1", "window": "day", "thresholds": [], "forecast": False}}},
            "never warns",
        ),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        parse_settings(raw)


SECRETS = (
    "sk-ant-api03-canary0123456789abcdefghij",
    "AKIACANARY0123456789",
    "0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.canary",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "entry",
    [
        lambda secret: {"credential": {"kind": "api-key", "env": secret}},
        lambda secret: {"credential": {"kind": "api-key", "file": secret}},
        lambda secret: {"credential": {"kind": "api-key", "env": "KEY", "key": secret}},
        lambda secret: {"credential": secret},
        lambda secret: {"credential": KEY, "base_url": f"https://me:{secret}@example.com"},
    ],
    ids=["env", "file", "unknown field", "no table", "address"],
)
def test_a_secret_written_where_its_place_belongs_is_refused_and_not_shown(entry: Any, secret: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_settings(surface("anthropic", **entry(secret)))
    assert secret not in str(refused.value)
    assert "anthropic" in str(refused.value)


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "key", "K2", "A_NAME_THAT_HAS_32_CHARACTERS_IN"])
def test_names_of_variables_are_not_taken_for_secrets(name: str) -> None:
    settings = parse_settings(surface("anthropic", credential={"kind": "api-key", "env": name}))
    assert settings.surfaces["anthropic"].credential.env == name


def test_the_scope_is_that_of_the_entry_or_of_its_name_or_global() -> None:
    def scope(key: str, **entry: Any) -> str:
        return scope_of(key, parse_settings(surface(key, credential=KEY, **entry)).surfaces[key])

    assert scope("anthropic") == "global"
    assert scope("anthropic/us") == "us"
    assert scope("anthropic", scope="us") == "us"
    assert scope("anthropic/us", scope="us") == "us"


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


def routes_to(surface_name: str, version: str) -> str:
    return RouteTable((Route("*", "*", (Target(Offer(surface_name, "global", "*"), 1),)),), version).to_json()


def test_a_bad_route_file_keeps_the_table_of_before_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock(parse_utc("2026-01-01"))
    path = tmp_path / "routes.json"
    routes = RouteFile(path, default_routes({"bedrock": Offer("bedrock", "us", ANY)}), clock)
    assert routes().version == "default"
    path.write_text(routes_to("vertex", "v1"))
    assert routes().version == "default", "the file is looked at every quarter of a second"
    clock.advance(timedelta(seconds=1))
    assert routes().version == "v1"
    path.write_text("{ broken")
    for _ in range(3):
        clock.advance(timedelta(seconds=1))
        assert routes().version == "v1"
    assert len([record for record in caplog.records if "the table of before stays" in record.getMessage()]) == 1


def test_a_route_file_that_vanishes_keeps_the_table_of_before_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The order of the settings may send a workload where its routes do not let it go."""
    clock = ManualClock(parse_utc("2026-01-01"))
    path = tmp_path / "routes.json"
    path.write_text(routes_to("vertex", "v1"))
    routes = RouteFile(path, default_routes({"bedrock": Offer("bedrock", "us", ANY)}), clock)
    path.rename(tmp_path / "aside.json")
    for _ in range(3):
        clock.advance(timedelta(seconds=1))
        assert routes().version == "v1"
    told = [record for record in caplog.records if "the table of before stays" in record.getMessage()]
    assert [record.levelname for record in told] == ["ERROR"]
    assert str(path) in told[0].getMessage()
    (tmp_path / "aside.json").rename(path)
    clock.advance(timedelta(seconds=1))
    assert routes().version == "v1"
    path.unlink()
    clock.advance(timedelta(seconds=1))
    assert routes().version == "v1"
    assert len([record for record in caplog.records if "the table of before stays" in record.getMessage()]) == 2
    path.write_text(routes_to("foundry", "v2"))
    clock.advance(timedelta(seconds=1))
    assert routes().version == "v2"


@pytest.mark.parametrize("content", [b"{ broken", b"\xff\xfe", b"{}"])
def test_at_the_start_a_bad_route_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    """There is no table of before, and the order of the settings may send a workload where it must not go."""
    path = tmp_path / "routes.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"routes\.json"):
        RouteFile(path, RouteTable((), "none"), SystemClock())


def test_a_start_without_a_file_that_is_required_names_field_value_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(UserError, match="routes_required") as caught:
        RouteFile(path, RouteTable((), "none"), SystemClock(), required=True)
    assert (caught.value.field, caught.value.value) == ("paths.routes", str(path))
    assert f"trivium plan --write-routes {path}" in caught.value.remedy
    path.write_text(routes_to("vertex", "v1"))
    assert RouteFile(path, RouteTable((), "none"), SystemClock(), required=True)().version == "v1"


def test_without_a_file_the_fallback_of_now_is_used_and_the_start_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    routes = RouteFile(tmp_path / "none.json", RouteTable((), "none"), SystemClock())
    (warned,) = caplog.records
    assert warned.levelname == "WARNING"
    assert "none.json" in warned.getMessage()
    assert "paths.routes_required" in warned.getMessage()
    assert routes().version == "none"
    routes.fall_back_to(RouteTable((), "other"))
    assert routes().version == "other"


def test_an_endpoint_of_mantle_is_priced_and_addressed_by_its_region(tmp_path: Path) -> None:
    entry = {"credential": {"kind": "aws"}, "region": "eu-west-1"}
    settings = parse_settings({"surfaces": {"bedrock-mantle": entry, "bedrock-mantle/us-west-2": entry}})
    own, other = gateway_settings(settings).surfaces.values()
    assert own.base_url == "https://bedrock-mantle.eu-west-1.api.aws/anthropic"
    assert (own.scope, other.scope) == ("eu-west-1", "us-west-2")
    for credential in credentials_of(settings, tmp_path).values():
        assert isinstance(credential, AwsCredential)
    with pytest.raises(UserError, match=r"bedrock-mantle\.region"):
        parse_settings({"surfaces": {"bedrock-mantle": {"credential": {"kind": "aws"}}}})
    with pytest.raises(UserError, match="bedrock-mantle takes aws or api-key"):
        parse_settings({"surfaces": {"bedrock-mantle": {**entry, "credential": {"kind": "google"}}}})


@pytest.mark.parametrize("missing", ["project", "workspace"])
def test_claude_on_google_cloud_needs_its_project_and_its_workspace(missing: str, tmp_path: Path) -> None:
    entry: dict[str, object] = {"credential": {"kind": "google"}, "project": "p", "workspace": "wrkspc_01"}
    settings = parse_settings({"surfaces": {"claude-gcp": entry}})
    (surface,) = gateway_settings(settings).surfaces.values()
    assert (surface.base_url, surface.scope) == ("https://claude.googleapis.com", "global")
    assert isinstance(credentials_of(settings, tmp_path)["claude-gcp"], GoogleCredential)
    del entry[missing]
    with pytest.raises(UserError, match=missing):
        parse_settings({"surfaces": {"claude-gcp": entry}})


def test_a_workspace_belongs_to_the_surfaces_that_have_one() -> None:
    with pytest.raises(UserError, match="it belongs to claude-aws or claude-gcp"):
        parse_settings({"surfaces": {"anthropic": {"credential": KEY, "workspace": "wrkspc_01"}}})


@pytest.mark.parametrize("missing", ["region", "workspace"])
def test_claude_on_aws_needs_its_region_and_its_workspace(missing: str) -> None:
    entry: dict[str, object] = {"credential": {"kind": "aws"}, "region": "us-west-2", "workspace": "wrkspc_01"}
    assert parse_settings({"surfaces": {"claude-aws": entry}}).surfaces["claude-aws"].workspace == "wrkspc_01"
    del entry[missing]
    with pytest.raises(UserError, match=missing):
        parse_settings({"surfaces": {"claude-aws": entry}})


def test_the_plan_reads_every_field_that_the_gateway_gives_a_workload() -> None:
    """Both read the same file: a field that only one of them knows would stop the other."""
    given: dict[str, Any] = {"tags": {"team": "x"}, "needs": {}, "owner": "a", "cache_loss_usd_max": "0.5"}
    given["hedge_after_ms"] = 3000
    for name in WorkloadEntry.__struct_fields__:
        value = given.get(name, True if name == "forwards_identity" else [])
        assert "search" in parse_organisation({"workloads": {"search": {name: value}}}).workloads


def test_a_surface_has_times_of_its_own() -> None:
    given = {"credential": KEY, "connect_s": 1, "first_byte_s": 90, "stream_first_byte_s": 30, "idle_s": 20}
    settings = parse_settings({"surfaces": {"anthropic": given}, "gateway": {"breaker_open_s": 7}})
    (surface,) = gateway_settings(settings).surfaces.values()
    found = surface.timeouts
    assert (found.connect_s, found.first_byte_s, found.stream_first_byte_s, found.idle_s) == (1, 90, 30, 20)
    assert gateway_settings(settings).breaker_open_s == 7
    (plain,) = gateway_settings(parse_settings(GOOD)).surfaces.values()
    found = plain.timeouts
    assert (found.connect_s, found.first_byte_s, found.stream_first_byte_s, found.idle_s) == (5, 600, 120, 300)
    for name in ("connect_s", "first_byte_s", "stream_first_byte_s", "idle_s"):
        with pytest.raises(UserError, match=rf"surfaces\.anthropic\.{name}.*above 0"):
            parse_settings({"surfaces": {"anthropic": {"credential": KEY, name: 0}}})
