"""What keeps retries from making an outage worse: a retry budget, rests, and a breaker for each circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random  # noqa: TID251  here the generators are made that others take

from trivium.core import Clock
from trivium.gateway.seams import Circuit

_NS = 1_000_000_000
WINDOW_S = 10.0
_SPREAD = 0.25  # of a wait, over which those who wait for the same moment come one after the other


Chance = Callable[[], float]  # a number from 0 to below 1


def chance(seed: int | None = None) -> Chance:
    """Chance from a seed; without one it is the machine's."""
    return Random(seed).random  # noqa: S311  it spreads waits, it keeps no secret


class RetryBudget:
    """Extra attempts are at most a ratio of recent requests, plus a small floor, counted over ten seconds."""

    def __init__(self, clock: Clock, *, ratio: float, floor_per_s: float) -> None:
        self._clock = clock
        self._ratio = ratio
        self._floor = floor_per_s * WINDOW_S
        self._window = -1
        self._requests = [0, 0]  # the window before, this window
        self._taken = [0, 0]

    def request(self) -> None:
        """A client's request began."""
        self._turn()
        self._requests[1] += 1

    def take(self) -> bool:
        """Whether one more extra attempt is within the budget; if so it is counted."""
        if not self.room():
            return False
        self._taken[1] += 1
        return True

    def give_back(self) -> None:
        """An extra attempt that was taken is not made: there was nowhere to go."""
        self._turn()
        place = 1 if self._taken[1] else 0  # of the window before, if that has turned meanwhile
        self._taken[place] = max(self._taken[place] - 1, 0)

    def room(self) -> bool:
        """Whether one more extra attempt would be within the budget."""
        self._turn()
        return sum(self._taken) + 1 <= self._ratio * sum(self._requests) + self._floor

    def _turn(self) -> None:
        window = int(self._clock.monotonic_ns() / (WINDOW_S * _NS))
        if window == self._window:
            return
        consecutive = window == self._window + 1
        for counts in (self._requests, self._taken):
            counts[:] = [counts[1] if consecutive else 0, 0]
        self._window = window


@dataclass(slots=True)
class _State:
    failures: int = 0
    opened_at_ns: int | None = None
    probing_since_ns: int | None = None


class ConsecutiveBreaker:
    """Opens after a number of failures in a row; after a pause one real request probes."""

    def __init__(self, clock: Clock, *, failures: int, open_s: float) -> None:
        self._clock = clock
        self._failures_max = failures
        self._open_ns = int(open_s * _NS)
        self._states: dict[Circuit, _State] = {}

    def allows(self, circuit: Circuit) -> bool:
        """Whether a request may be sent there now; True for a half-open circuit makes this request its probe."""
        state = self._states.get(circuit)
        if state is None or state.opened_at_ns is None:
            return True
        now = self._clock.monotonic_ns()
        if now - state.opened_at_ns < self._open_ns:
            return False
        if state.probing_since_ns is not None and now - state.probing_since_ns < self._open_ns:
            return False  # a probe that never reports is replaced after another pause
        state.probing_since_ns = now
        return True

    def closed(self, circuit: Circuit) -> bool:
        """Whether requests pass freely; False also while one may probe."""
        state = self._states.get(circuit)
        return state is None or state.opened_at_ns is None

    def record(self, circuit: Circuit, *, healthy: bool, began_ns: int | None = None) -> None:
        """Success closes, unless it was sent before the breaker opened; failures add up, a failed probe opens anew."""
        state = self._states.get(circuit)
        if healthy:
            opened_ns = state.opened_at_ns if state is not None else None
            if opened_ns is None or began_ns is None or began_ns >= opened_ns:
                self._states.pop(circuit, None)
            return
        if state is None:
            state = self._states[circuit] = _State()
        state.failures += 1
        if state.failures >= self._failures_max:
            self._open(state)

    def trip(self, circuit: Circuit) -> None:
        """Open at once: requests wait there and none is answered."""
        state = self._states.setdefault(circuit, _State())
        state.failures = max(state.failures, self._failures_max)
        self._open(state)

    def _open(self, state: _State) -> None:
        state.opened_at_ns = self._clock.monotonic_ns()
        state.probing_since_ns = None

    def release(self, circuit: Circuit) -> None:
        """The probe learned nothing; the next request may probe."""
        state = self._states.get(circuit)
        if state is not None:
            state.probing_since_ns = None


class Rests:
    """Circuits that named a time before which they want no request; there are no more of them than circuits."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._until_ns: dict[Circuit, int] = {}

    def wait_s(self, seconds: float) -> float:
        """How long one of many should wait for the same moment: at least so long, and not all as long."""
        return seconds * (1 + _SPREAD * self._chance())

    def rest(self, circuit: Circuit, seconds: float) -> None:
        """Leave it alone for so long; of two times the later one counts."""
        until_ns = self._clock.monotonic_ns() + int(seconds * _NS)
        self._until_ns[circuit] = max(until_ns, self._until_ns.get(circuit, until_ns))

    def left_s(self, circuit: Circuit) -> float:
        """Seconds of rest that remain, 0 when it may be asked."""
        until_ns = self._until_ns.get(circuit)
        if until_ns is None:
            return 0.0
        left_ns = until_ns - self._clock.monotonic_ns()
        if left_ns <= 0:
            del self._until_ns[circuit]
            return 0.0
        return left_ns / _NS
