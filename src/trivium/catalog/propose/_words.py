"""What the words of price pages mean: token kinds, tiers, scopes, prompt lengths, amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from trivium.catalog.propose._values import WHOLE, Band

_UNITS = (
    (
        re.compile(r"(1|one)[\s-]?(h|hour)\b.*(cache|write)|(cache|write).*\b(1|one)[\s-]?(h|hour)\b", re.IGNORECASE),
        "cache_write_1h",
    ),
    (
        re.compile(
            r"cache.*\bwrit|\bwrit.*cache|(5|five)[\s-]?(m|min|minute)s?\b.*(cache|write)|cache creation", re.IGNORECASE
        ),
        "cache_write_5m",
    ),
    (
        re.compile(r"cache.*(hit|read|refresh)|(hit|read).*cache|cached[\s-]*(input|prompt)", re.IGNORECASE),
        "cache_read",
    ),
    (re.compile(r"\boutput\b|\bcompletion", re.IGNORECASE), "output"),
    (re.compile(r"\binput\b|\bprompt tokens", re.IGNORECASE), "input"),
)
_TIERS = ((re.compile(r"\bbatch", re.IGNORECASE), "batch"), (re.compile(r"\bfast\b", re.IGNORECASE), "fast"))
_SCOPES = (
    (re.compile(r"\bgov ?cloud|us[ -]gov", re.IGNORECASE), "us-gov"),
    (re.compile(r"us[ -]only|us residency|inference_geo|us data zone|\bUS inference", re.IGNORECASE), "us"),
    (re.compile(r"\bregional\b|in-region|multi-region|geographic", re.IGNORECASE), "in-region"),
    (re.compile(r"\bglobal\b", re.IGNORECASE), "global"),
)
_LENGTH = re.compile(
    r"(≤|<=|up to|under|over|above|more than|longer than|exceed\w*|>|<|≥)\s*([0-9][0-9,]*)\s*(k\b|m\b|thousand)?",
    re.IGNORECASE,
)
_SHORT = {"≤", "<=", "up to", "under", "<"}
_AMOUNT = re.compile(r"(?:US)?\$\s?([0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)")
_BARE = re.compile(r"\s*([0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)\s*(?:/.*|per .*|USD.*)?\s*", re.IGNORECASE)
_FOREIGN = re.compile(r"[€£¥]|\b(EUR|GBP|JPY|CHF)\b")
_NOTHING = {"", "-", "–", "—", "n/a", "na", "none", "not available", "not applicable", "tbd", "contact sales"}  # noqa: RUF001  dashes as pages write them
_PER = (
    (re.compile(r"(per|/)\s*(1\s*)?(m(illion)?\b|mtok|1,?000,?000|million)|mtok", re.IGNORECASE), Decimal(1)),
    (re.compile(r"(per|/)\s*(1\s*k\b|k\s?tok|1,?000\b|thousand)", re.IGNORECASE), Decimal(1000)),
    (re.compile(r"(per|/)\s*tokens?\b", re.IGNORECASE), Decimal(10**6)),
)
SCALES = {"mtok": Decimal(1), "ktok": Decimal(1000), "token": Decimal(10**6)}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a heading says: a token kind, and the tier, scope and prompt length if it names them."""

    unit: str
    tier: str
    scope: str
    band: Band


def meaning(text: str) -> Meaning:
    """What a heading or label says; empty where it says nothing."""
    return Meaning(_first(_UNITS, text), _first(_TIERS, text), _first(_SCOPES, text), band_in(text))


def _first(words: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    return next((name for pattern, name in words if pattern.search(text[:300])), "")


def band_in(text: str) -> Band:
    """The prompt lengths that a label limits itself to."""
    found = _LENGTH.search(text[:300])
    if found is None or not (found[3] or "prompt" in text.lower()):
        return WHOLE
    factor = {"k": 1000, "thousand": 1000, "m": 10**6}.get((found[3] or "").lower(), 1)
    tokens = int(found[2].replace(",", "")[:9]) * factor
    if found[1].lower() in _SHORT:
        return (0, tokens)
    return (tokens + 1, None)


def scale_in(*texts: str) -> Decimal | None:
    """What one amount has to be multiplied with to be per million tokens, by the first text that says it."""
    for text in texts:
        for pattern, factor in _PER:
            if pattern.search(text[:500]):
                return factor
    return None


def amounts(text: str) -> tuple[Decimal, ...]:
    """The dollar amounts in a text; a bare number counts if it stands alone."""
    found = [amount.replace(",", "") for amount in _AMOUNT.findall(text[:500])]
    if not found and (bare := _BARE.fullmatch(text[:100])):
        found = [bare[1].replace(",", "")]
    return tuple(Decimal(amount) for amount in found if len(amount) <= len("1000000.000000000"))


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is no price."""
    return text.strip().lower() in _NOTHING


def is_foreign(text: str) -> bool:
    """Whether an amount is in another currency."""
    return bool(_FOREIGN.search(text[:500]))
