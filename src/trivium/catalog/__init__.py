"""Dated, sourced claims about prices, capabilities, limits and deals; immutable snapshots of them."""

from trivium.catalog._catalog import Catalog, load
from trivium.catalog._claim import STATUSES, Claim, PriceCell, Source
from trivium.catalog._conflicts import Conflict
from trivium.catalog._names import (
    ModelName,
    known_models,
    model_id,
    parse_wire_model,
    surface_id,
    surface_place,
    wire_model,
)
from trivium.catalog._platform import BetaAction, BetaKind
from trivium.catalog._rank import Ranked, rank
from trivium.catalog._snapshot import Snapshot

__all__ = [
    "STATUSES",
    "BetaAction",
    "BetaKind",
    "Catalog",
    "Claim",
    "Conflict",
    "ModelName",
    "PriceCell",
    "Ranked",
    "Snapshot",
    "Source",
    "known_models",
    "load",
    "model_id",
    "parse_wire_model",
    "rank",
    "surface_id",
    "surface_place",
    "wire_model",
]
