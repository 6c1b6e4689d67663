"""Where a region scope lets a request be processed, in the words of offers, claims and prices."""

from __future__ import annotations

import re

ANYWHERE = frozenset({"", "*", "all", "any", "global", "global-standard"})
# Classes that leave the place to the buyer: one may take the European profile or endpoint of it.
CHOSEN = frozenset(
    {"geo", "geo-or-regional", "in-region", "multi-region", "regional", "regional-or-multi-region", "data-zone"}
)
GOVERNMENT = "us-gov"
# Regions named for Europe that are not in the European Union, as their operators place them.
_OUTSIDE_EU = {"eu-west-2": "uk", "eu-central-2": "ch", "europe-west2": "uk", "europe-west6": "ch"}
_SAME = {"europe": "eu", "asia": "apac", "northamerica": "us", "govcloud": GOVERNMENT, "us-govcloud": GOVERNMENT}
_REGION = re.compile(r"(us-gov|[a-z]+)-[a-z]+-?\d+[a-z]?")
_COUNTRY = {
    "ap-northeast-1": "jp",
    "ap-northeast-3": "jp",
    "ap-northeast-2": "kr",
    "ap-southeast-1": "sg",
    "ap-southeast-2": "au",
    "ap-southeast-4": "au",
    "ap-south-1": "in",
    "ap-south-2": "in",
    "ca-central-1": "ca",
    "ca-west-1": "ca",
}


def place_of(scope: str) -> str | None:
    """The one place a scope is bound to, None if it is bound to none or leaves the choice."""
    name = scope.strip().lower().replace("_", "-")
    if name in ANYWHERE or name in CHOSEN:
        return None
    parts = {_place(part) for part in name.split("/")}
    return parts.pop() if len(parts) == 1 else None


def leaves_choice(scope: str) -> bool:
    """Whether the scope is a class in which the buyer picks the place."""
    return scope.strip().lower().replace("_", "-") in CHOSEN


def within(place: str, geography: str) -> bool:
    """Whether a place lies in a geography: GovCloud regions lie in the United States."""
    wanted = _SAME.get(geography, geography)
    return place == wanted or (place == GOVERNMENT and wanted == "us")


def _place(name: str) -> str:
    if name in _OUTSIDE_EU:
        return _OUTSIDE_EU[name]
    if name in _COUNTRY:
        return _COUNTRY[name]
    if name.startswith(GOVERNMENT):
        return GOVERNMENT
    if region := _REGION.fullmatch(name):
        return _SAME.get(region[1], region[1])
    head = name.split("-", 1)[0]
    return _SAME.get(name, _SAME.get(head, head))
