"""Limits warn at their thresholds and at the forecast day, once, at a real receiver."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.core import LedgerCorrupt, Money, UserError
from trivium.watch import (
    AlertLog,
    AppriseNotifier,
    DeliveryFailed,
    Kind,
    Limit,
    Unwritten,
    check,
    deliver,
    forecast_crossing,
    state,
    window_bounds,
)

NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
DOLLAR = Money.from_usd("1")


def even_spend(usd_per_hour: int) -> object:
    """A ledger in which each hour of the window up to NOW costs the same."""

    def between(where: Mapping[str, str], since: datetime, until: datetime) -> tuple[Money, int]:
        hours = max((min(until, NOW) - since) / timedelta(hours=1), 0)
        return DOLLAR * int(usd_per_hour * hours), 0

    return between


def limit(usd: int, window: str = "day", **more: object) -> Limit:
    return Limit("team", DOLLAR * usd, window, **more)


def test_windows_are_utc_days_and_calendar_months() -> None:
    assert window_bounds("day", NOW) == (datetime(2026, 4, 15, tzinfo=UTC), datetime(2026, 4, 16, tzinfo=UTC))
    assert window_bounds("month", datetime(2026, 12, 31, 23, tzinfo=UTC)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_reached_thresholds_and_the_crossing_day_are_told() -> None:
    # 2 USD an hour for 12 hours = 24 of 30 USD: 50 % and 80 % are reached, 100 % comes 3 hours from now
    alerts = check([limit(30)], even_spend(2), NOW, NOW - timedelta(days=30))
    assert [(alert.kind, alert.threshold) for alert in alerts] == [
        (Kind.THRESHOLD, 0.5),
        (Kind.THRESHOLD, 0.8),
        (Kind.FORECAST, 1.0),
    ]
    assert alerts[-1].crossing_at == NOW + timedelta(hours=3)


def test_no_forecast_is_made_from_less_than_an_hour() -> None:
    alerts = check([limit(30)], even_spend(2), NOW, NOW - timedelta(minutes=59))
    assert all(alert.kind is Kind.THRESHOLD for alert in alerts)


def test_a_crossing_after_the_window_is_no_alert() -> None:
    assert state(limit(1000), even_spend(2), NOW, NOW - timedelta(days=3)).crossing_at is None


@given(st.integers(1, 10**15), st.integers(1, 10**15), st.integers(0, 10**15))
def test_at_the_forecast_instant_the_extended_spend_meets_the_limit(amount: int, trailing: int, spent: int) -> None:
    span = timedelta(hours=6)
    at = forecast_crossing(
        spent=Money(spent),
        amount=Money(amount),
        trailing=Money(trailing),
        span=span,
        now=NOW,
        window_end=NOW + timedelta(days=400),
    )
    if at is not None:
        grown = spent + trailing * ((at - NOW) / span)
        assert abs(grown - amount) <= max(amount, trailing) * 1e-6 + 1


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook that keeps what it got."""

    got: list[dict[str, str]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).got.append(json.loads(body))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Handler", (Receiver,), {"got": [], "status": 200})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://user:secret@127.0.0.1:{server.server_port}/hook", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_alert_reaches_a_webhook_once_and_survives_a_restart(
    receiver: tuple[str, type[Receiver]], tmp_path: Path
) -> None:
    address, handler = receiver
    alerts = check([limit(30, notify=(address,))], even_spend(2), NOW, NOW - timedelta(days=30))
    path = tmp_path / "alerts.jsonl"
    assert deliver(alerts, AlertLog(path), AppriseNotifier()) == []
    assert deliver(alerts, AlertLog(path), AppriseNotifier()) == []
    assert [message["title"] for message in handler.got] == [alert.title for alert in alerts]
    assert "24.0000 of 30.00 USD" in handler.got[0]["message"]
    assert "secret" not in path.read_text()


def test_a_failed_delivery_is_reported_and_tried_again(receiver: tuple[str, type[Receiver]], tmp_path: Path) -> None:
    address, handler = receiver
    alerts = check([limit(48, notify=(address,), forecast=False)], even_spend(2), NOW, None)
    log = AlertLog(tmp_path / "alerts.jsonl")
    handler.status = 500
    (failure,) = deliver(alerts, log, AppriseNotifier())
    assert "did not take" in failure
    assert "secret" not in failure
    handler.status = 200
    assert deliver(alerts, log, AppriseNotifier()) == []
    assert len(handler.got) == 2


def test_an_unknown_address_stops_no_other(tmp_path: Path) -> None:
    sent: list[str] = []

    class Fake:
        def send(self, address: str, title: str, body: str) -> None:
            if address == "down://x":
                raise DeliveryFailed(address)
            sent.append(address)

    alerts = check([limit(48, notify=("down://x", "up://y"), forecast=False)], even_spend(2), NOW, None)
    assert len(deliver(alerts, AlertLog(tmp_path / "log"), Fake())) == 1
    assert sent == ["up://y"]
    with pytest.raises(UserError, match="Apprise address"):
        AppriseNotifier().send("nonsense", "t", "b")


def test_a_torn_last_line_is_dropped_by_the_next_delivery_and_every_later_look_can_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    (alert, *_) = check([limit(30)], even_spend(2), NOW, None)
    AlertLog(path).add(alert, "up://y")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"alert": "x')
    log = AlertLog(path)
    assert log.has(alert, "up://y")
    log.add(alert, "other://z")
    assert path.read_bytes().startswith(whole)
    later = AlertLog(path)
    assert [later.has(alert, address) for address in ("up://y", "other://z")] == [True, True]
    assert [json.loads(line)["address"].partition("#")[0] for line in path.read_text().splitlines()] == [
        "up://y",
        "other://z",
    ]


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path: Path) -> None:
    """An editor may have left the newline out; the delivery it tells of happened."""
    path = tmp_path / "log"
    (alert, *_) = check([limit(30)], even_spend(2), NOW, None)
    AlertLog(path).add(alert, "up://y")
    path.write_bytes(path.read_bytes().rstrip())
    AlertLog(path).add(alert, "other://z")
    later = AlertLog(path)
    assert [later.has(alert, address) for address in ("up://y", "other://z")] == [True, True]


def test_a_torn_middle_line_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"alert": "a", "address": "x"}\n{"alert": "x\n{"alert": "b", "address": "x"}\n')
    with pytest.raises(LedgerCorrupt, match="line 2"):
        AlertLog(path)


class Sent:
    """A notifier that keeps the titles it sent."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def send(self, address: str, title: str, body: str) -> None:
        self.titles.append(title)


def test_a_log_that_takes_no_line_is_reported_and_every_alert_goes_out_once_all_the_same(tmp_path: Path) -> None:
    """24 of 24 USD: 50 %, 80 % and 100 % are due. The folder of the log is missing until the third look."""
    path, notifier, unwritten = tmp_path / "log", Sent(), Unwritten()
    path.symlink_to(tmp_path / "missing/log")
    alerts = check([limit(24, notify=("up://y",), forecast=False)], even_spend(2), NOW, None)
    first = deliver(alerts, AlertLog(path, unwritten), notifier)
    assert [str(path) in failure and "No such file" in failure for failure in first] == [True, True, True]
    second = deliver(alerts, AlertLog(path, unwritten), notifier)
    assert len(second) == 1
    assert "deliveries (3)" in second[0]
    (tmp_path / "missing").mkdir()
    assert deliver(alerts, AlertLog(path, unwritten), notifier) == []
    assert notifier.titles == [f"team: {share} of its day limit is spent" for share in ("50%", "80%", "100%")]
    assert not unwritten
    after_a_restart = AlertLog(path)
    assert all(after_a_restart.has(alert, "up://y") for alert in alerts)


def test_a_limit_with_another_amount_or_window_alerts_again_in_the_same_month(tmp_path: Path) -> None:
    """1 April, 12:00: day and month began at once and hold 24 USD, so 50 % of 30 and of 40 USD are reached in both."""
    path, notifier = tmp_path / "log", Sent()
    now = datetime(2026, 4, 1, 12, tzinfo=UTC)

    def spend(where: Mapping[str, str], since: datetime, until: datetime) -> tuple[Money, int]:
        return DOLLAR * 24, 0

    def look(usd: int, window: str) -> int:
        changed = limit(usd, window, notify=("up://y",), forecast=False, thresholds=(0.5,))
        assert deliver(check([changed], spend, now, None), AlertLog(path), notifier) == []
        return len(notifier.titles)

    assert [look(30, "month"), look(30, "month")] == [1, 1]
    assert [look(40, "month"), look(40, "month")] == [2, 2]
    assert [look(40, "day"), look(40, "day")] == [3, 3]


def test_the_same_amount_written_otherwise_is_the_same_limit() -> None:
    (one,) = check(
        [Limit("team", Money.from_usd("20"), "day", forecast=False, thresholds=(1.0,))], even_spend(2), NOW, None
    )
    (other,) = check(
        [Limit("team", Money.from_usd("20.00"), "day", forecast=False, thresholds=(1.0,))], even_spend(2), NOW, None
    )
    assert one.key == other.key
