"""What an audit takes from a snapshot: cells, prices announced and not in force, the price list's geographies."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._names import model_id
from trivium.catalog._snapshot import Snapshot
from trivium.catalog.audit._index import CellIndex
from trivium.catalog.audit._names import Models
from trivium.catalog.audit._values import Announced
from trivium.core import FactError

_PRICE = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")
_GEOGRAPHY = re.compile(r"\b(US|us|EU|JP|AU|IN|CA|Canada)\b")
_REGIONAL = "regional_rates_in_price_list"


def index_of(snapshot: Snapshot) -> CellIndex:
    """The snapshot's price cells, ready to be asked."""
    return CellIndex(snapshot.cells)


def models_of(index: CellIndex) -> Models:
    """The reader of model names: by spelling, then by the catalogue's own names."""

    def known(name: str) -> str | None:
        try:
            return model_id(name)
        except FactError:
            return None

    return index.models(known)


def announced_in(snapshot: Snapshot) -> tuple[Announced, ...]:
    """Base prices that were announced, with what became of them."""
    found = (_announced(claim, snapshot) for claim in snapshot.claims if claim.status == FORWARD_LOOKING)
    return tuple(change for change in found if change is not None)


def _announced(claim: Claim, snapshot: Snapshot) -> Announced | None:
    price = _PRICE.fullmatch(claim.value)
    if price is None or not claim.predicate.startswith("base_price"):
        return None
    try:
        usd = (Decimal(price[1]), Decimal(price[2]))
    except InvalidOperation:
        return None
    end = snapshot.superseded_by.get(claim.id)
    withdrawn = None if end is None else end.announced_on or end.valid_from
    ids = (claim.id,) if end is None else (claim.id, end.id)
    return Announced(claim.subject, *usd, claim.valid_from, claim.announced_on, withdrawn, ids)


def listed_profiles(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """The geographies in which Bedrock's price list carries a model, where a claim says so."""
    found: dict[str, frozenset[str]] = {}
    for claim in snapshot.find(predicate=_REGIONAL):
        said = re.split(r";|\bnone\b", claim.value)[0]
        places = frozenset(name.lower().replace("canada", "ca") for name in _GEOGRAPHY.findall(said))
        if places:
            found |= dict.fromkeys(claim.models, places)
    return found
