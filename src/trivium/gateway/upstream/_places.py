"""Which geography a route keeps, for requests that ask for one in words that the surface does not take."""

from __future__ import annotations

import re

from trivium.core import UserError

_GLOBAL = "global"
_ALL = "all"  # one price wherever it is served
_CLASSES = ("geo", "in-region", "regional", "multi-region", "geo-or-regional", "regional-or-multi-region")
_REGIONAL = ("in-region", "regional")  # the bare id
_PLACES = ("us", "eu")  # regions of other continents have several profiles
_SAME = {"europe": "eu"}
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
_PROFILE = re.compile(r"(?P<scope>[a-z-]+)\.anthropic\.")
_ARN = re.compile(r"arn:[^:]*:bedrock:(?P<region>[a-z0-9-]*):[0-9]*:(?P<kind>[a-z-]+)/(?P<name>.*)")


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


def scope_of_name(name: str) -> str | None:
    """The scope that a Bedrock id or ARN pins: a profile's prefix, a foundation model's region; None if it is silent.

    A bare id is served in the region of the endpoint; what stands behind an application's profile it does not say.
    """
    found = _ARN.fullmatch(name)
    if found is not None and found["kind"] == "foundation-model":
        return found["region"] or None
    profile = _PROFILE.match(found["name"] if found else name)
    return profile["scope"] if profile else None


def keeps(scope: str, place: str) -> bool:
    """Whether serving in `place` (a profile's geography, or a region) stays within what a route's scope promises."""
    name = scope.lower().replace("_", "-")
    name = _SAME.get(name, name)
    if name in _REGIONAL:
        return _REGION.fullmatch(place) is not None
    if name in _CLASSES:
        return place != _GLOBAL
    return name in {_GLOBAL, _ALL, place} or place.startswith(f"{name}-")


def region_for(surface: str, scope: str, region: str) -> str:
    """The region whose endpoint serves a route of this scope; raises UserError when that would leave the scope."""
    if not region:
        raise UserError(f"surfaces.{surface}.region", "", "give the AWS region of the endpoint")
    if not keeps(scope, region):
        remedy = f"the route keeps {scope}: route to a region of it, by the region's own name where it is not us or eu"
        raise UserError(f"surfaces.{surface}.region", region, remedy)
    return region
