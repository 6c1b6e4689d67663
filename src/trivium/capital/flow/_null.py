"""Whether the ledger has more cycles than chance: networks with the same degrees, rewired by a seeded generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from trivium.capital._extra import needed
from trivium.capital.flow._cycles import LENGTH_MAX, cycles_in
from trivium.capital.flow._values import NullModel

SWAPS_PER_EDGE = 10


def null_model(
    pairs: Iterable[tuple[str, str]], samples: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> NullModel:
    """Cycles up to the bounded length against `samples` rewired networks; the same seed gives the same answer.

    Who receives is swapped between two pairs drawn at random, many times over: every party keeps its number of payers
    and of payees, no party pays itself and no pair occurs twice.
    """
    numpy: Any = needed("numpy", "null model")
    rng = numpy.random.default_rng(seed)
    original = sorted(set(pairs))
    own = len(cycles_in(original, LENGTH_MAX))
    counts = []
    for number in range(samples):
        counts.append(len(cycles_in(_rewired(original, rng), LENGTH_MAX)))
        if progress is not None:
            progress(number + 1, samples)
    mean = sum(counts) / samples if samples else 0.0
    return NullModel(own, samples, mean, sum(count >= own for count in counts), seed)


def _rewired(pairs: list[tuple[str, str]], rng: Any) -> list[tuple[str, str]]:
    edges, present = list(pairs), set(pairs)
    if len(edges) <= 1:
        return edges
    for first, second in rng.integers(len(edges), size=(SWAPS_PER_EDGE * len(edges), 2)):
        (one, to_one), (other, to_other) = edges[first], edges[second]
        swapped = ((one, to_other), (other, to_one))
        if one == to_other or other == to_one or present.intersection(swapped):
            continue
        present -= {edges[first], edges[second]}
        present.update(swapped)
        edges[first], edges[second] = swapped
    return edges
