"""The limits of the settings, looked at: what is due is delivered, once, whoever looks."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from trivium.app.compose import alert_log, canonical, open_shelf, spend_between
from trivium.app.settings import Settings, read_settings
from trivium.core import Clock, LedgerError
from trivium.gateway import SnapshotFacts
from trivium.ledger import Ledger
from trivium.watch import Alert, AlertLog, AppriseNotifier, Limit, Notifier, Unwritten, check, deliver

_PAUSE_S = 0.1  # between two tries for the turn


class AlertsBusy(LedgerError):
    """Another process delivers alerts, or holds the turn and hangs."""


def limits_of(settings: Settings) -> tuple[Limit, ...]:
    """The limits of the settings as the watch takes them."""
    return tuple(
        Limit(name, entry.amount, entry.window, entry.where, entry.thresholds, entry.forecast, entry.notify)
        for name, entry in settings.limits.items()
    )


def read_limits(path: Path, clock: Clock) -> tuple[Settings, tuple[Limit, ...]]:
    """A settings file and its limits as a gateway that serves by it understands them."""
    settings = read_settings(path)
    if any("model" in entry.where for entry in settings.limits.values()):  # else no claim is asked, and none is read
        shelf = open_shelf(settings, path.parent, clock)
        settings = canonical(settings, SnapshotFacts(shelf.snapshot, clock))
    return settings, limits_of(settings)


def deliver_due(
    limits: Sequence[Limit],
    ledger: Ledger,
    now: datetime,
    notifier: Notifier | None = None,
    unwritten: Unwritten | None = None,
    *,
    patience_s: float = 10.0,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[list[Alert], list[str]]:
    """Every alert that holds now, and what of it could not be delivered or noted.

    A gateway and a command may look at the same moment: they take turns, so that no address gets an alert twice.
    Who does not get its turn within `patience_s` raises AlertsBusy.
    A process that looks again gives the same `unwritten`, so that it repeats nothing that its disk did not take.
    """
    alerts = check(limits, partial(spend_between, ledger), now, ledger.first_at())
    if not alerts:
        return [], []
    log = alert_log(ledger)
    with _turn(log.with_suffix(".lock"), patience_s, pause):
        return alerts, deliver(alerts, AlertLog(log, unwritten), notifier or AppriseNotifier())


@contextmanager
def _turn(path: Path, patience_s: float, pause: Callable[[float], None]) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    try:
        file = path.open("a")
    except OSError as error:
        raise LedgerError(f"{path} cannot be opened ({error.strerror}); alerts wait for it") from error
    with file:
        for _ in range(round(patience_s / _PAUSE_S)):
            if _taken(file):
                break
            pause(_PAUSE_S)
        else:
            if not _taken(file):
                raise AlertsBusy(f"{path} is busy: another process delivers alerts; look again later")
        yield


def _taken(file: IO[str]) -> bool:
    """Whether the lock is had; never waits, since a holder that hangs must not stop whoever comes after it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
