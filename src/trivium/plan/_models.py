"""Which models a text means: an id, a list of ids, or a family with versions as sources write them.

`claude-opus-5;claude-sonnet-5` · `claude-opus-4-x (4.5 to 4.8 combined)` · `claude-sonnet (5+)` · `opus/sonnet 4.x` ·
`claude-opus-4-5 to 4-7` · `claude 4 and later` · `claude` · `*`.
"""

from __future__ import annotations

import re

_FAMILIES = ("opus", "sonnet", "haiku", "fable", "mythos", "instant")
_VERSION = r"(\d+)(?:[.-](\d+))?"
_RANGE = re.compile(rf"{_VERSION}\s*to\s*{_VERSION}")
_FROM = re.compile(rf"{_VERSION}\s*(?:\+|and later)")
_MAJOR = re.compile(r"\b(\d+)[.-]x\b")
_ONE = re.compile(rf"{_VERSION}\b")

Version = tuple[int, int]


def covers_model(text: str, model: str) -> bool:
    """Whether a subject's text includes a model id."""
    wanted = text.strip().lower()
    if wanted in {"*", "claude", "all"}:
        return True
    parts = [part.strip() for part in re.split(r"[;,]", wanted.split("(", 1)[0])]
    if model in parts:
        return True
    if len(parts) > 1 and "(" not in wanted:
        return any(covers_model(part, model) for part in parts)
    return _by_version(wanted, model)


def _by_version(text: str, model: str) -> bool:
    family, version = _parsed(model)
    named = [name for name in _FAMILIES if name in text.split("(", 1)[0]]
    if family is None or version is None or (named and family not in named):
        return False
    for pattern in (_RANGE, _FROM):
        if found := pattern.search(text):
            numbers = [int(part) if part else 0 for part in found.groups()]
            low = (numbers[0], numbers[1])
            high = (numbers[2], numbers[3]) if pattern is _RANGE else (10**6, 0)
            return low <= version <= high
    if found := _MAJOR.search(text):
        return version[0] == int(found[1])
    if " " in text and named and (found := _ONE.search(text)):  # `opus 4.7`; an id with hyphens was compared whole
        return version == (int(found[1]), int(found[2] or 0))
    return False


def _parsed(model: str) -> tuple[str | None, Version | None]:
    family = next((name for name in _FAMILIES if name in model), None)
    numbers = [int(part) for part in re.findall(r"\d+", model)][:2]
    if not numbers:
        return family, None
    return family, (numbers[0], numbers[1] if len(numbers) > 1 else 0)
