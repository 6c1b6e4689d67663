"""Which region scope of a surface a request means: a class by name, or a geography that leads to one class.

The words are vocabulary, not facts: which scopes a model is sold in, and at what price, comes from the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ANY_SCOPE = frozenset({"", "*", "any"})

# What a class of scope reaches: requests served anywhere, inside one geography, or inside one region.
_CLASSES: dict[str, frozenset[str]] = {
    "global": frozenset({"global"}),
    "global-standard": frozenset({"global"}),
    "geo": frozenset({"geo"}),
    "multi-region": frozenset({"geo"}),
    "in-region": frozenset({"region"}),
    "regional": frozenset({"region"}),
    "geo-or-regional": frozenset({"geo", "region"}),
    "regional-or-multi-region": frozenset({"geo", "region"}),
}
_EVERYWHERE = frozenset({"all", "*"})  # one price for every scope, GovCloud apart
_GOVERNMENT = "us-gov"
_COUNTRIES = ("us", "eu", "uk", "ch", "jp", "kr", "sg", "au", "nz", "in", "ca", "br", "mx", "il", "ae", "sa", "za")
_CONTINENTS = ("apac", "asia", "europe", "emea", "americas", "latam", "me", "africa")
_GEOGRAPHIES = frozenset(_COUNTRIES + _CONTINENTS)
_SAME_PLACE = {"europe": "eu", "asia": "apac"}
_REGION_FORMS = (
    re.compile(r"[a-z]{2}(-gov)?-[a-z]+-\d+"),  # us-east-1, us-gov-west-1
    re.compile(r"[a-z]+-[a-z]+\d+"),  # us-east5, europe-west1
)


def canonical(scope: str) -> str:
    """Lower case with hyphens: `US_Gov` and `us-gov` are one word."""
    return scope.strip().lower().replace("_", "-")


def candidates(requested: str, offered: Iterable[str]) -> tuple[str, ...]:
    """The offered scopes that the requested one may mean, sorted; one is an answer, none is not sold."""
    known = {canonical(scope): scope for scope in offered}
    wanted = canonical(requested)
    if wanted in ANY_SCOPE:
        return tuple(sorted(known.values()))
    if wanted in known:
        return (known[wanted],)
    if _is_government(wanted):
        return _pick(known, (scope for scope in known if _is_government(scope)))
    open_scopes = [scope for scope in known if not _is_government(scope)]
    found = _by_meaning(wanted, open_scopes)
    if found is None:
        return ()
    return _pick(known, found or [scope for scope in open_scopes if scope in _EVERYWHERE])


def _by_meaning(wanted: str, offered: list[str]) -> list[str] | None:
    """Offered scopes a word leads to; None if the word means nothing here."""
    if wanted in _CLASSES:
        reach = _CLASSES[wanted]
        return [scope for scope in offered if _CLASSES.get(scope, frozenset()) & reach]
    if wanted in _GEOGRAPHIES:
        place = _SAME_PLACE.get(wanted, wanted)
        bound = [scope for scope in offered if _place(scope) == place]
        return bound or [scope for scope in offered if "geo" in _CLASSES.get(scope, frozenset())]
    if any(form.fullmatch(wanted) for form in _REGION_FORMS):
        named = [scope for scope in offered if wanted in scope.split("/")]
        return named or [scope for scope in offered if "region" in _CLASSES.get(scope, frozenset())]
    if wanted.startswith("data-zone") or wanted in _EVERYWHERE:
        return [scope for scope in offered if wanted in scope]
    return None


def _place(scope: str) -> str | None:
    """The geography a scope is bound to (`us`, `us-data-zone` → us), None for a class without a place or a region."""
    if scope in _CLASSES or "/" in scope or any(form.fullmatch(scope) for form in _REGION_FORMS):
        return None
    head = scope.split("-", 1)[0]
    return _SAME_PLACE.get(head, head) if head in _GEOGRAPHIES else None


def _is_government(scope: str) -> bool:
    return scope == _GOVERNMENT or scope.startswith(_GOVERNMENT + "-") or scope in {"gov", "govcloud", "us-govcloud"}


def _pick(known: dict[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(known[name] for name in names))
