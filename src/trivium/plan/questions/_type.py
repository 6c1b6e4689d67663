"""Question 1: the dominant type of a workload, with its evidence, its margin, and what would flip it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from trivium.catalog import STATUSES, Snapshot
from trivium.plan._demand import Demand
from trivium.plan.decision import Answer, Basis, Ground, Point
from trivium.plan.org import Needs
from trivium.plan.questions._advantages import advantage_points
from trivium.plan.questions._shape import Shape, shape_of
from trivium.plan.questions._signals import SIGNALS, TYPES, Signal

_NARROW = 10.0  # points of 100
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Score:
    """What each type has of 100 points, and the signals that gave them."""

    points: dict[str, float]
    heard: tuple[tuple[Signal, float], ...]  # signal and its value

    @property
    def verdict(self) -> str:
        """The type with most points; unknown if nothing speaks for any."""
        best = max(TYPES, key=lambda kind: self.points[kind])
        return best if self.points[best] > 0 else "unknown"

    @property
    def second(self) -> str:
        """The type with the next most points."""
        return sorted(TYPES, key=lambda kind: -self.points[kind])[1]

    @property
    def margin(self) -> float:
        """Points between the first and the second."""
        ordered = sorted(self.points.values(), reverse=True)
        return ordered[0] - ordered[1]


def score(shape: Shape, needs: Needs) -> Score:
    """The scoring of `_signals`: shares of the weight that all heard signals give to a type."""
    heard = [(signal, value) for signal in SIGNALS if (value := signal.measure(shape, needs)) is not None]
    return Score(_points([(signal, signal.position(value)) for signal, value in heard]), tuple(heard))


def _points(positions: Sequence[tuple[Signal, float]]) -> dict[str, float]:
    total = dict.fromkeys(TYPES, 0.0)
    for signal, position in positions:
        for kind, weight in signal.votes(position).items():
            total[kind] += weight
    given = sum(total.values())
    return {kind: 100 * (weight / given) if given else 0.0 for kind, weight in total.items()}


def workload_type(demands: Sequence[Demand], needs: Needs, snapshot: Snapshot, at: date) -> Answer:
    """The type of a workload from its measured shape and what the file says of it."""
    shape = shape_of(demands)
    found = score(shape, needs)
    verdict = found.verdict
    models = tuple(dict.fromkeys(demand.model for demand in demands))
    points = [_point(signal, value, needs) for signal, value in found.heard]
    sentence = _sentence(found, shape)
    grounds = (Ground.MEASURED, *({signal.ground for signal, _ in found.heard} - {Ground.MEASURED}), Ground.ASSUMPTION)
    shown: tuple[Point, ...] = ()
    if verdict != "unknown":
        said, extra, shown = advantage_points(verdict, models, needs, snapshot, at)
        points += extra
        sentence += f" {said}"
    counted = [point.basis for point in points]
    ids = tuple(dict.fromkeys(name for basis in counted for name in basis.claim_ids))
    grades = [basis.grade for basis in counted if basis.grade]
    return Answer(
        question="type",
        verdict=verdict,
        sentence=sentence,
        margin=_margin(found),
        points=(*points, *shown),
        basis=Basis(
            grounds + ((Ground.CLAIM,) if ids else ()), ids, _weakest(grades), "weights and ends: questions.md"
        ),
    )


def _weakest(grades: Sequence[str]) -> str:
    return min(grades, key=STATUSES.index) if grades else ""


def _point(signal: Signal, value: float, needs: Needs) -> Point:
    votes = signal.votes(signal.position(value))
    speaks = ", ".join(f"{kind} ({weight:.1f} of {signal.weight:g})" for kind, weight in votes.items()) or "no type"
    shown = needs.place if signal.name == "where it is used" else signal.show(value)
    return Point(signal.name, shown, speaks, Basis((signal.ground,), note=signal.why))


def _sentence(found: Score, shape: Shape) -> str:
    if found.verdict == "unknown":
        return "Nothing that was measured or said speaks for a type."
    scores = ", ".join(f"{kind} {found.points[kind]:.0f}" for kind in TYPES)
    long = f"{shape.days:.1f} days" if shape.days >= 1 else f"{shape.days * 24:.1f} hours"
    span = f"{shape.requests:,} requests" + (f" over {long}" if shape.days else "")
    return f"From {span}: {scores} of 100 points."


def _margin(found: Score) -> str:
    if found.verdict == "unknown":
        return ""
    near = "only " if found.margin < _NARROW else ""
    by_type: dict[str, list[str]] = {}
    for to, how in _flips(found):
        by_type.setdefault(to, []).append(how)
    flips = [f"{to} if {' or '.join(ways)}" for to, ways in by_type.items()]
    what = f"; it would be {', and '.join(flips)}" if flips else "; no single figure alone would change that"
    return f"{near}{found.margin:.0f} points of 100 before {found.second}{what}"


def _flips(found: Score) -> Iterator[tuple[str, str]]:
    """For each signal the type that another value of it would make, and that value, all others staying."""
    for number, (signal, value) in enumerate(found.heard):
        now = signal.position(value)
        for end in (0.0, 1.0):
            if now != end and _verdict(found, number, end) != found.verdict:
                yield _flip(found, number, now, end)


def _flip(found: Score, number: int, now: float, end: float) -> tuple[str, str]:
    signal, _ = found.heard[number]
    inside, outside = now, end
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if _verdict(found, number, middle) == found.verdict:
            inside = middle
        else:
            outside = middle
    to = _verdict(found, number, outside)
    if signal.show(0.0) == "no":
        return to, f"“{signal.name}” were the other way"
    return to, f"{signal.name} were {'below' if end < now else 'above'} {signal.show(signal.at(outside))}"


def _verdict(found: Score, number: int, position: float) -> str:
    places = [(signal, signal.position(value)) for signal, value in found.heard]
    places[number] = (places[number][0], position)
    points = _points(places)
    best = max(TYPES, key=lambda kind: points[kind])
    return best if points[best] > 0 else "unknown"
