"""The errors of one surface in one form, compiled from claims: found by status, names and words in microseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._errors import ANY, CLASSES, ERROR, ErrorPattern, class_of, pattern_of
from trivium.catalog._rank import most_specific, rank
from trivium.core import ErrorClass

_API = "messages-api"
_TEXT_CHARS_MAX = 2000  # what is longer quotes a client
_VALUE = re.compile(r"[\w.-]+")
_Key = tuple[int | None, str | None]
_Order = tuple[int, bool, int, int, str]


@dataclass(frozen=True, slots=True)
class _Words:
    """A text to look for, in pieces between stars, and what an error with it means."""

    pieces: tuple[str, ...]
    said: ErrorClass
    order: _Order  # the lowest is the best

    def match(self, text: str) -> str | None:
        """None if the text is another; else what the first star between words stood for."""
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return "" if text == first else None
        if not (text.startswith(first) and text.endswith(last)):
            return None
        position, end, between = len(first), len(text) - len(last), ""
        for number, piece in enumerate(self.pieces[1:-1]):
            found = text.find(piece, position, end)
            if found < 0:
                return None
            if number == 0:
                between = text[position:found]
            position = found + len(piece)
        return between if position <= end else None


@dataclass(frozen=True)
class ErrorTable:
    """What claims say about the errors of a surface in one form, on a day."""

    plain: Mapping[_Key, ErrorClass] = field(default_factory=dict)
    words: Mapping[_Key, Sequence[_Words]] = field(default_factory=dict)

    def find(self, status: int, names: Sequence[str], text: str) -> ErrorClass | None:
        """The class of an error; `names` from the most particular to the most general. None if no claim knows it.

        Words go before names. Of words the organisation's own go first, then the surface's, then capabilities in
        their order, then the longest. Of names: with this status, then the status alone, then whatever the status.
        """
        exact = [(status, name) for name in names]
        loose = [(None, name) for name in names]
        if text and self.words:
            found = self._by_words((*exact, *loose, (status, None), (None, None)), text)
            if found is not None:
                return found
        keys: tuple[_Key, ...] = (*exact, (status, None), *loose, (None, None))
        return next((said for key in keys if (said := self.plain.get(key)) is not None), None)

    def _by_words(self, keys: Iterable[_Key], text: str) -> ErrorClass | None:
        best: tuple[_Words, str] | None = None
        folded = text[:_TEXT_CHARS_MAX].casefold()
        for key in keys:
            for words in self.words.get(key, ()):
                if best is not None and words.order > best[0].order:
                    break
                between = words.match(folded)
                if between is not None and _named(words.said, between) is not None:
                    best = words, between
                    break
        return None if best is None else _named(best[0].said, best[1])


def _named(said: ErrorClass, between: str) -> ErrorClass | None:
    """The class with the value that the error names; None where it names none, or several."""
    name, _, value = said.capability.partition(":")
    if value != ANY:
        return said
    return replace(said, capability=f"{name}:{between}") if _VALUE.fullmatch(between) else None


def error_table(current: Iterable[Claim], surface: str, form: str, at: date) -> ErrorTable:
    """Compile the claims that hold on a day. Where nothing decides, as checks tell, the first by id counts."""
    claims, classes = _that_speak(current, surface, form, at)
    groups: dict[tuple[str, bool], list[Claim]] = {}
    for claim in claims:
        groups.setdefault((claim.predicate, not claim.surface), []).append(claim)
    plain: dict[_Key, tuple[tuple[int, bool], ErrorClass]] = {}
    words: dict[_Key, list[_Words]] = {}
    for (predicate, general), group in groups.items():
        winner, pattern = rank(most_specific(group)).winner, pattern_of(predicate)  # a request waits: some class it is
        said = replace(class_of(winner.value), foreign=not general or form != _API, claim_id=winner.id)
        key = (pattern.status, pattern.name)
        if pattern.text is None:
            standing = (winner.layer, not general)
            if key not in plain or standing > plain[key][0]:
                plain[key] = standing, said
        else:
            words.setdefault(key, []).append(_compiled(pattern, said, winner.layer, general, classes))
    ordered = {key: tuple(sorted(found, key=lambda one: one.order)) for key, found in words.items()}
    return ErrorTable({key: said for key, (_, said) in plain.items()}, ordered)


def _that_speak(current: Iterable[Claim], surface: str, form: str, at: date) -> tuple[list[Claim], Sequence[str]]:
    """The claims about the surface or the form, and the classes of capabilities in their order."""
    claims: list[Claim] = []
    classes: list[Claim] = []
    for claim in current:
        if claim.status == FORWARD_LOOKING or not claim.holds_on(at):
            continue
        if claim.predicate == CLASSES:
            classes.append(claim)
        elif claim.predicate.startswith(ERROR) and (claim.surface == surface or claim.subject == form):
            claims.append(claim)
    return claims, rank(classes).winner.value.split() if classes else ()


def _compiled(pattern: ErrorPattern, said: ErrorClass, layer: int, general: bool, classes: Sequence[str]) -> _Words:
    text = (pattern.text or "").casefold()
    name = said.capability.partition(":")[0]
    number = classes.index(name) + 1 if name in classes else 0
    order = (-layer, general, number, -len(text.replace(ANY, "")), said.claim_id)
    return _Words(tuple(text.split(ANY)), said, order)
