"""Which geography a route keeps, for requests that ask for one in words that the surface does not take."""

from __future__ import annotations

_GLOBAL = "global"
_ALL = "all"  # one price wherever it is served
_CLASSES = ("geo", "in-region", "regional", "multi-region", "geo-or-regional", "regional-or-multi-region")
_REGIONAL = ("in-region", "regional")  # the bare id
_PLACES = ("us", "eu")  # regions of other continents have several profiles
_SAME = {"europe": "eu"}


def place_of(scope: str, region: str) -> str:
    """`us`, `eu`, … for a scope that is a geography or a class whose region lies in one; `global` or empty else."""
    name = scope.lower().replace("_", "-")
    if name in _CLASSES:
        name = region.lower()
    head = name.partition("-")[0]
    return _SAME.get(head, head)


def profile_scope(scope: str, settings_scope: str, region: str) -> str:
    """The place that a class of scopes means for one configured surface: the one in its settings, else its region's.

    A price list sells classes (`geo-or-regional`), a Bedrock inference profile is of one place. Where neither says
    which, the class stays, and the facts will ask for a name.
    """
    name = scope.lower().replace("_", "-")
    if name in _REGIONAL:
        return _REGIONAL[0]
    if name not in _CLASSES and name != _ALL:
        return scope
    configured = settings_scope.lower().replace("_", "-")
    if configured not in _CLASSES and (configured != _GLOBAL or name == _ALL):
        return settings_scope
    place = region.lower().partition("-")[0]
    return place if place in _PLACES else scope
