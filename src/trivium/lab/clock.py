"""The lab's clock: the machine's, one that stands until it is moved, or one that follows the traced requests."""

from __future__ import annotations

from datetime import datetime, timedelta

from trivium.core import Clock, ManualClock, SystemClock, UserError, parse_utc


class LabClock:
    """A core Clock that can be switched between the machine's time and a manual one.

    With `trace_time` a request that carries `[[lab at=…]]` happens at that instant, and the clock moves on to it.
    """

    def __init__(self, clock: Clock | None = None, *, trace_time: bool = False) -> None:
        self._clock: Clock = clock or SystemClock()
        self.trace_time = trace_time

    def now(self) -> datetime:
        """The lab's current instant."""
        return self._clock.now()

    def monotonic_ns(self) -> int:
        """The counter of the clock underneath."""
        return self._clock.monotonic_ns()

    @property
    def mode(self) -> str:
        """`system`, `manual` or `trace`."""
        if self.trace_time:
            return "trace"
        return "manual" if isinstance(self._clock, ManualClock) else "system"

    def at(self, stamp: str | None) -> datetime:
        """When a request happens: its own stamp on trace time, else now. Raises UserError for a malformed stamp."""
        if not self.trace_time or stamp is None:
            return self.now()
        try:
            instant = parse_utc(stamp)
        except ValueError as error:
            raise UserError("[[lab at=…]]", stamp, "give an ISO 8601 instant") from error
        if not isinstance(self._clock, ManualClock):
            self._clock = ManualClock(instant)
        self._clock.set(instant)
        return instant

    def set(self, to: datetime) -> None:
        """Stand at that instant, earlier or later, until moved."""
        self._clock = ManualClock(to)

    def advance(self, seconds: float) -> None:
        """Move a manual clock forward; a running one stops and stands that much later."""
        if seconds < 0:
            raise UserError("advance_s", seconds, "a clock only moves forward; set it to an instant to go back")
        if not isinstance(self._clock, ManualClock):
            self._clock = ManualClock(self._clock.now())
        self._clock.advance(timedelta(seconds=seconds))

    def run(self) -> None:
        """Follow the machine's clock again."""
        self._clock = SystemClock()
