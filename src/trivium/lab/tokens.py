r"""The synthetic tokenizer, `synthetic-1`: declared, exact and cheap; it is not Claude's.

A text is cut by the regular expression ` ?[^\s]{1,4}|\s`; each piece is one token, so single-letter words
separated by single spaces are one token each. A complete directive for the lab (`[[lab out=169]]`) is removed
first and counts nothing.
"""

from __future__ import annotations

import re

TOKEN = re.compile(r" ?[^\s]{1,4}|\s")
DIRECTIVE = re.compile(r"\[\[lab((?: [a-z]+=[^\s\]]+)+)\]\]")


def count_text(text: str) -> int:
    """Tokens of a text."""
    if "[[lab " in text:
        text = DIRECTIVE.sub("", text)
    return len(TOKEN.findall(text))


def take(text: str, tokens: int) -> str:
    """The longest beginning of a text that has at most `tokens` tokens."""
    end = 0
    for number, match in enumerate(TOKEN.finditer(text)):
        if number == tokens:
            break
        end = match.end()
    return text[:end]


def directives(text: str) -> dict[str, str]:
    """The directives in a text, the last one of a name winning: `{"out": "169", "at": "2026-04-15T00:00:19Z"}`."""
    found: dict[str, str] = {}
    if "[[lab " in text:
        for match in DIRECTIVE.finditer(text):
            for pair in match.group(1).split():
                name, _, value = pair.partition("=")
                found[name] = value
    return found
