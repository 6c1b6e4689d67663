"""Rooms joined by settings: what cannot be used touches nothing, and a reload takes all of it or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from trivium.app.compose import Runtime, compose
from trivium.app.settings import Settings, parse_settings
from trivium.core import Closed, ManualClock, Offer, Opened, Outcome, Quality, RouteTable, Usage, UsageEvent, UserError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENTRY: dict[str, Any] = {"credential": {"kind": "api-key", "file": "key"}}


def settings(**tables: Any) -> Settings:
    return parse_settings({"surfaces": {"anthropic": ENTRY}, **tables})


@asynccontextmanager
async def running(folder: Path, given: Settings) -> AsyncIterator[Runtime]:
    (folder / "key").write_text("a-key")
    runtime = compose(given, folder, ManualClock(NOON))
    try:
        yield runtime
    finally:
        await runtime.close()


def book_of(runtime: Runtime, name: str) -> date:
    """The day of the price book by which the ledger rates an attempt now."""
    usage = Usage(input=1, output=1, cache_read=0, cache_write_5m=0, cache_write_1h=0)
    opened = Opened(name, name, 1, NOON, Offer("anthropic", "global", "claude-opus-5"), "w")
    runtime.ledger.append([UsageEvent(opened, Closed(name, NOON, Outcome.OK, usage, Quality.EXACT))])
    found = runtime.ledger.rating(name).book_as_of
    assert found is not None
    return found


async def test_a_reload_brings_the_catalogue_of_its_settings_to_ledger_and_gateway(tmp_path: Path) -> None:
    async with running(tmp_path, settings(prices_as_of=date(2026, 11, 1))) as runtime:
        assert book_of(runtime, "e1") == date(2026, 11, 1)
        await runtime.reload(settings(prices_as_of=date(2026, 11, 20)))
        assert book_of(runtime, "e2") == date(2026, 11, 20)
        await runtime.reload(settings())
        assert runtime.prepared.shelf.book().as_of == NOON.date()


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({"paths": {"overlays": ["nowhere"]}}, "nowhere"),
        ({"workloads": {"search": {"models": ["claude-opuss"]}}}, r"workloads\.search\.models: 'claude-opuss'"),
        ({"surfaces": {"anthropic": {**ENTRY, "ca_file": "none.pem"}}}, r"anthropic\.ca_file"),
        ({"paths": {"ledger": "other.db"}}, r"paths\.ledger: 'other\.db': restart"),
        ({"paths": {"routes": "other.json"}}, r"paths\.routes"),
        ({"gateway": {"port": 1}}, r"gateway\.port: 1: restart the gateway to change it from 8484"),
        ({"gateway": {"host": "::1"}}, r"gateway\.host"),
    ],
)
async def test_a_reload_that_cannot_be_had_changes_nothing(tmp_path: Path, tables: dict[str, Any], named: str) -> None:
    async with running(tmp_path, settings()) as runtime:
        before = runtime.prepared
        with pytest.raises(UserError, match=named):
            await runtime.reload(settings(prices_as_of=date(2026, 11, 1), **tables))
        assert runtime.prepared is before
        assert book_of(runtime, "e1") == NOON.date()


def test_settings_that_cannot_be_used_open_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="claude-opuss"):
        compose(settings(workloads={"a": {"models": ["claude-opuss"]}}), tmp_path, ManualClock(NOON))
    (tmp_path / "routes.json").write_text("{")
    with pytest.raises(UserError, match=r"routes\.json"):
        compose(settings(paths={"routes": "routes.json"}), tmp_path, ManualClock(NOON))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["routes.json"]


async def test_a_workload_may_name_its_models_as_any_platform_does(tmp_path: Path) -> None:
    given = settings(workloads={"a": {"models": ["us.anthropic.claude-opus-5", "claude-haiku-4-5"]}})
    async with running(tmp_path, given) as runtime:
        assert runtime.settings.workloads["a"].models == ("claude-opus-5", "claude-haiku-4-5")


async def test_a_reload_that_requires_routes_is_refused_until_there_are_some(tmp_path: Path) -> None:
    required = settings(paths={"routes_required": True})
    async with running(tmp_path, settings()) as runtime:
        with pytest.raises(UserError, match="routes_required"):
            await runtime.reload(required)
        assert not runtime.settings.paths.routes_required
        (tmp_path / ".trivium/routes.json").write_text(RouteTable((), "v1").to_json())
        await runtime.reload(required)
        assert runtime.settings.paths.routes_required
        assert runtime.routes().version == "v1"


def test_a_start_without_the_routes_that_are_required_opens_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key")
    with pytest.raises(UserError, match=r"paths\.routes"):
        compose(settings(paths={"routes_required": True}), tmp_path, ManualClock(NOON))
    assert not (tmp_path / ".trivium/ledger.db").exists()
