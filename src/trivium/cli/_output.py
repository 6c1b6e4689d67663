"""How commands print: one JSON document with --json, else text through Rich."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.segment import Segment

from trivium.core import Money

PIPED_WIDTH = 140  # columns for output that is not a terminal, unless COLUMNS says otherwise
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # what JSON leaves as it is, and a terminal may obey


def console() -> Console:
    """The console for people; plain and wide when the output is not a terminal. No text in it commands the terminal."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    found = Console(width=wide, highlight=False, emoji=False)
    found.push_render_hook(Harmless())
    return found


def harmless(text: str) -> str:
    """The same lines without control characters: names come from traces, headers and files of others."""
    if text.isprintable():
        return text
    from trivium.figures import one_line  # slow to import, and seldom needed

    return "\n".join(map(one_line, text.split("\n")))


class Harmless(RenderHook):
    """Every text that is printed, whichever command it comes from, passes here; Rich's own colours come later."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Cleaned(item) for item in renderables]


class _Cleaned:
    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return self._segments(console.render(self._inner, options))

    @staticmethod
    def _segments(found: Iterable[Segment]) -> Iterable[Segment]:
        for segment in found:
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


def print_json(value: object) -> None:
    """One JSON document on stdout: money and decimals as strings, dates in ISO form; control characters as escapes."""
    text = json.dumps(value, default=jsonable, ensure_ascii=False, indent=2)
    sys.stdout.write(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def jsonable(value: object) -> Any:
    """What json cannot write by itself."""
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
