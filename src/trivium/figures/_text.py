"""Text measured in terminal columns: wide and combining characters included."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def width_of(text: str) -> int:
    """How many terminal columns a line takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def clip(text: str, width: int) -> str:
    """The text in at most `width` columns, its end replaced by an ellipsis if it does not fit."""
    if width_of(text) <= width:
        return text
    if width < 1:
        return ""
    kept, used = [], 0
    for character in text:
        columns = _columns(character)
        if used + columns > width - 1:
            break
        kept.append(character)
        used += columns
    return "".join(kept) + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled with spaces to `width` columns; `right` aligns it to the right."""
    space = " " * max(0, width - width_of(text))
    return space + text if right else text + space


def one_line(text: str) -> str:
    """Without line breaks and control characters, which would break a row or command the terminal."""
    return "".join(" " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in text)


def markdown_text(text: str) -> str:
    """One line that Markdown shows as it stands: no mark-up, HTML or table cell begins or ends in it."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
