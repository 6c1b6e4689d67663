"""Whether an offer keeps processing inside a geography, from what claims say of profiles, endpoints and zones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from trivium.catalog import Claim, Snapshot
from trivium.core import Offer
from trivium.plan._market import UNCOUNTED
from trivium.plan.questions._evidence import find
from trivium.plan.questions._places import leaves_choice, place_of, within
from trivium.plan.questions._reading import Says

_PLACE_WORDS = re.compile(r"\b(us|eu|jp|au|ca|in|uk|apac)\b", re.IGNORECASE)
_ANY_PLACE = re.compile(r"\b(geographic profiles|regional endpoints)\b", re.IGNORECASE)
_PROFILES = ("inference_profiles", "regional_rates_in_price_list")
_HELD = ("data_residency", "eu_data_boundary", "inference_geo")
_SPELLED = {"canada": "ca", "europe": "eu", "japan": "jp", "australia": "au", "india": "in"}


@dataclass(frozen=True, slots=True)
class Held:
    """Whether processing stays in a geography, and what to choose for that."""

    ok: bool
    why: str = ""
    claim_ids: tuple[str, ...] = ()
    open: bool = False
    choice: str = ""


def geographies(snapshot: Snapshot) -> frozenset[str]:
    """The places that claims name where they speak of residency, and those that a priced scope is bound to."""

    def find_them() -> frozenset[str]:
        told = {claim.value for name in (*_PROFILES, *_HELD) for claim in snapshot.find(predicate=name)}
        bound = {place for scope in {cell.scope for cell in snapshot.cells} if (place := place_of(scope))}
        return frozenset().union(bound, *(_named(text) for text in told))

    return snapshot.remembered(("questions.geographies",), find_them)


def held_in(snapshot: Snapshot, offer: Offer, geography: str, at: date) -> Held:
    """Whether the scope of an offer keeps processing in a geography on a day."""
    key = ("questions.held", offer.surface, offer.scope, offer.model, geography, at)
    return snapshot.remembered(key, lambda: _held(snapshot, offer, geography, at))


def _held(snapshot: Snapshot, offer: Offer, geography: str, at: date) -> Held:
    place = place_of(offer.scope)
    said = [claim for name in _HELD for claim in find(snapshot, offer.surface, offer.model, name, at).claims]
    ids = tuple(dict.fromkeys(claim.id for claim in said))
    if place is None and not leaves_choice(offer.scope):
        return Held(ok=False, why=f"the scope {offer.scope} may process anywhere", claim_ids=ids)
    if place is not None and not within(place, geography):
        return Held(ok=False, why=f"the scope {offer.scope} lies in {place}", claim_ids=ids)
    if place == "us-gov":
        return Held(ok=True, claim_ids=ids)
    offered = _offered(snapshot, offer, geography, at, said)
    if not offered.ok or place is not None:
        return offered
    choice = f"{offer.model} on {offer.surface}: choose the {geography} profile, endpoint or region"
    return Held(ok=True, claim_ids=offered.claim_ids, choice=choice)


def _offered(snapshot: Snapshot, offer: Offer, geography: str, at: date, said: list[Claim]) -> Held:
    """Whether claims say that the surface can hold this model's processing to the geography."""
    own = [claim for name in _PROFILES for claim in find(snapshot, offer.surface, offer.model, name, at).claims]
    own = [claim for claim in own if claim.status not in UNCOUNTED and claim.models]
    if own:
        named = _named(own[0].value)
        ids = (own[0].id,)
        if geography in named:
            return Held(ok=True, claim_ids=ids)
        places = ", ".join(sorted(named)) or "none"
        return Held(ok=False, why=f"the model's profiles are listed for {places}", claim_ids=ids)
    if geography == "eu":
        boundary = find(snapshot, offer.surface, offer.model, "eu_data_boundary", at)
        if boundary.reading.says is Says.NO:
            return Held(ok=False, why=boundary.claims[0].value, claim_ids=boundary.claim_ids)
    counted = [claim for claim in said if claim.status not in UNCOUNTED]
    proving = [claim for claim in counted if geography in _named(claim.value) and not _denies(claim, geography)]
    if not proving:
        proving = [claim for claim in counted if _ANY_PLACE.search(claim.value)]
    if not proving and geography == "us":  # a plain `yes` to the field that pins processing
        listed = [claim for claim in snapshot.find(predicate="data_residency", at=at) if claim.surface == offer.surface]
        if all(claim.speaks_of(offer.model) for claim in listed):
            proving = [claim for claim in counted if claim.predicate == "inference_geo" and claim.value == "yes"]
    if proving:
        return Held(ok=True, claim_ids=tuple(claim.id for claim in proving))
    return Held(ok=False, why="no claim says that processing can be held there", open=True)


def _denies(claim: Claim, geography: str) -> bool:
    return re.match(rf"no {geography}\b", claim.value, re.IGNORECASE) is not None


def _named(text: str) -> frozenset[str]:
    """Places a text affirms: what follows `none` or `no` is not."""
    plain = re.split(r"\bnone\b|\bno\b", text, flags=re.IGNORECASE)[0]
    for word, place in _SPELLED.items():
        plain = re.sub(rf"\b{word}\b", place, plain, flags=re.IGNORECASE)
    # `in` is India only in a list of places, in capitals
    return frozenset(word.lower() for word in _PLACE_WORDS.findall(plain) if word != "in")
