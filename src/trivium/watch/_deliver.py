"""Delivery of alerts through Apprise, once each; what was delivered is remembered in an append-only file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from trivium.core import LedgerCorrupt, TriviumError, UserError
from trivium.watch._limits import Alert


class DeliveryFailed(TriviumError):
    """An address did not take the message; it is tried again at the next check."""


class Notifier(Protocol):
    """Sends one message to one address."""

    def send(self, address: str, title: str, body: str) -> None:
        """Send or raise DeliveryFailed."""
        ...


class AppriseNotifier:
    """Sends through Apprise: mail, chat, pagers, webhooks, named by its address forms."""

    def send(self, address: str, title: str, body: str) -> None:
        """Send one message; raises UserError for an address Apprise does not know, DeliveryFailed otherwise."""
        try:
            import apprise  # noqa: PLC0415  only an installation that delivers alerts needs it
        except ImportError as error:
            raise UserError("limits.notify", redacted(address), "install the extra: trivium[alerts]") from error
        service = apprise.Apprise()
        if not service.add(address):
            raise UserError("limits.notify", redacted(address), "give an Apprise address such as mailto:// or slack://")
        if not service.notify(title=title, body=body):
            raise DeliveryFailed(f"{redacted(address)} did not take the alert {title!r}")


# (alert, address) -> the line of a delivery that the log did not take: what a process knows beyond the file
Unwritten = dict[tuple[str, str], bytes]


class AlertLog:
    """Which alert went to which address: one JSON line each.

    A line that the file does not take is kept in `unwritten`, counts all the same, and is written with the next one;
    who looks again and again gives each log the same `unwritten`.
    """

    def __init__(self, path: Path, unwritten: Unwritten | None = None) -> None:
        self._path = path
        self._unwritten = Unwritten() if unwritten is None else unwritten
        self._seen = set(self._unwritten)
        if path.exists():
            lines = path.read_bytes().split(b"\n")
            for number, line in enumerate(lines):
                record = _record(line)
                if record:
                    self._seen.add(record)
                elif line and number < len(lines) - 1:  # a crash may cut the last line: that alert is delivered again
                    raise LedgerCorrupt(f"{path}, line {number + 1}: no record of an alert; restore or remove the line")

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def has(self, alert: Alert, address: str) -> bool:
        """Whether this alert was delivered to this address."""
        return (alert.key, redacted(address)) in self._seen

    def add(self, alert: Alert, address: str) -> None:
        """Remember a delivery; an OSError means that only this process does."""
        record = {
            "alert": alert.key,
            "address": redacted(address),
            "at": alert.at.isoformat(),
            "title": alert.title,
            "spent_usd": str(alert.spent),
        }
        self._seen.add((alert.key, redacted(address)))
        self._unwritten[alert.key, redacted(address)] = json.dumps(record).encode() + b"\n"
        self._write()

    def settle(self) -> list[str]:
        """Write what the file did not take before; returns that it still does not, as a sentence."""
        try:
            self._write()
        except OSError as error:
            return [
                f"{self._path} does not take the note of earlier deliveries ({len(self._unwritten)}): {error.strerror}"
            ]
        return []

    def _write(self) -> None:
        if not self._unwritten:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = self._path.read_bytes() if self._path.exists() else b""
        end, tail = kept.rfind(b"\n") + 1, kept.rpartition(b"\n")[2]
        whole = _record(tail) is not None
        with self._path.open("ab") as file:
            if not whole:
                file.truncate(end)  # a torn line would become a middle one, and no look could read past it
            file.write((b"\n" if whole else b"") + b"".join(self._unwritten.values()))
            file.flush()
            os.fsync(file.fileno())
        self._unwritten.clear()


def _record(line: bytes) -> tuple[str, str] | None:
    """The alert and the address of a line; None if the line holds no whole record."""
    try:
        record = json.loads(line)
        return str(record["alert"]), str(record["address"])
    except (ValueError, TypeError, KeyError):
        return None


def deliver(alerts: Iterable[Alert], log: AlertLog, notifier: Notifier, fallback: Sequence[str] = ()) -> list[str]:
    """Send what was not sent yet; returns what failed, as sentences. No bad address and no full disk stops others."""
    failures = log.settle()
    for alert in alerts:
        for address in alert.limit.notify or fallback:
            if log.has(alert, address):
                continue
            try:
                notifier.send(address, alert.title, alert.body)
            except (DeliveryFailed, UserError) as error:
                failures.append(str(error))
                continue
            try:
                log.add(alert, address)
            except OSError as error:
                failures.append(
                    f"{redacted(address)} got the alert {alert.title!r}, but {log.path} does not take the note of it "
                    f"({error.strerror}): a restart may send it again"
                )
    return failures


def redacted(address: str) -> str:
    """An address without what may be secret in it: scheme and host, and a digest to tell two apart."""
    scheme, _, rest = address.partition("://")
    host = rest.rpartition("@")[2].partition("/")[0].partition("?")[0]
    return f"{scheme}://{host}#{sha256(address.encode()).hexdigest()[:8]}"
