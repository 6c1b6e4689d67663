"""Prices in sentences: one model, and amounts that say whether they are for input or output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from trivium.catalog.audit import Models
from trivium.catalog.propose._tables import Setting
from trivium.catalog.propose._values import Candidate, clean
from trivium.catalog.propose._words import meaning, scale_in

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_NAME = re.compile(
    r"\bClaude\s+(?:[A-Z][a-z]+\s+)?\d+(?:\.\d+)?(?:\s+[A-Z][a-z]+)?|\b[A-Z][a-z]+\s+\d+(?:\.\d+)?\b|\bclaude-[a-z0-9.-]+"
)
_PAIR = re.compile(r"\$\s?([0-9]+(?:\.[0-9]+)?)\s?/\s?\$\s?([0-9]+(?:\.[0-9]+)?)")
_NAMED = re.compile(
    r"\$\s?([0-9]+(?:\.[0-9]+)?)\s?(?:/|per)\s?(?:1\s?)?(million|M|MTok)\s+(input|output)(?: tokens)?", re.IGNORECASE
)
_OFFER = re.compile(r"\bsubscription|\bper seat|\bper month|\bdiscount|\bsave\b", re.IGNORECASE)
_SENTENCE_MAX = 600


def read_prose(paragraphs: Sequence[tuple[str, str]], setting: Setting) -> list[Candidate]:
    """The prices that sentences state of one model; a sentence that names two is left to the reader."""
    found = []
    for number, (heading, text) in enumerate(paragraphs, start=1):
        for sentence in _SENTENCE.split(text[:20_000]):
            if "$" in sentence and len(sentence) <= _SENTENCE_MAX and not _OFFER.search(sentence):
                found += _of(sentence, heading, f"paragraph {number}", setting)
    return found


def _of(sentence: str, heading: str, where: str, setting: Setting) -> list[Candidate]:
    prices: dict[str, Decimal] = {}
    for amount, _, kind in _NAMED.findall(sentence):
        prices.setdefault(kind.lower(), Decimal(amount))
    pair = _PAIR.search(sentence)
    if not prices and pair is not None:
        scale = scale_in(sentence) or setting.scale
        if scale is None:
            return []
        prices = {"input": Decimal(pair[1]) * scale, "output": Decimal(pair[2]) * scale}
    named = _models(sentence, setting.models) or _models(heading, setting.models)
    if not prices or len(named) != 1:
        return []
    ((model, label),) = named.items()
    about = meaning(sentence)
    tier = about.tier or "standard"
    return [
        Candidate(label, model, setting.surface, setting.scope, tier, unit, usd, where, clean(sentence))
        for unit, usd in prices.items()
    ]


def _models(text: str, models: Models) -> dict[str, str]:
    """The known models that a text names, with the words it uses."""
    found = {}
    for name in _NAME.findall(text[:1000]):
        known = models.find(
            "claude-" + name.lower().replace(" ", "-").replace(".", "-").removeprefix("claude-").rstrip("-")
        )
        if known is not None:
            found[known] = name
    return found
