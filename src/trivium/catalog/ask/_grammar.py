"""Which kind of question a question is: declared phrases and slots, summed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from trivium.catalog.ask._reading import HERE, Reading


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question: how it is asked, what speaks for it, and what it cannot do without."""

    name: str
    question: str
    phrases: Mapping[str, int]
    slots: Mapping[str, int]
    needs: tuple[str, ...]
    enough: tuple[str, ...] = ()

    def score(self, reading: Reading) -> int:
        """The weights of the phrases and slots found; slots alone count only where one of them is needed or enough."""
        said = sum(weight for phrase, weight in self.phrases.items() if reading.says(phrase))
        filled = sum(weight for slot, weight in self.slots.items() if reading.has(slot))
        carried = said or any(reading.has(slot) for slot in (*self.needs, *self.enough))
        return said + filled if carried else 0

    @property
    def said(self) -> frozenset[str]:
        """The words of how it is put, and of what speaks for it."""
        told = " ".join((self.question.casefold(), *self.phrases))
        return frozenset(re.findall(r"[a-z]+", told))

    def missing(self, reading: Reading) -> tuple[str, ...]:
        """The slots it needs and the question does not fill."""
        return tuple(slot for slot in self.needs if not reading.has(slot))


@dataclass(frozen=True, slots=True)
class Grammar:
    """Every kind, in the order that decides ties, and the least score that is an answer."""

    kinds: tuple[Kind, ...]
    least: int

    def ranked(self, reading: Reading) -> tuple[tuple[int, Kind], ...]:
        """Kinds with their scores, the best first; those that lack nothing before those that do."""
        scored = [(kind.score(reading), kind) for kind in self.kinds]
        return tuple(sorted(scored, key=lambda item: (-item[0], bool(item[1].missing(reading)))))


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """The shipped grammar."""
    with (HERE / "grammar.toml").open("rb") as file:
        read = tomllib.load(file)
    kinds = tuple(
        Kind(
            row["name"],
            row["question"],
            row["phrases"],
            row["slots"],
            tuple(row.get("needs", ())),
            tuple(row.get("enough", ())),
        )
        for row in read["kind"]
    )
    return Grammar(kinds, read["least"])
