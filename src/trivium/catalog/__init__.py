"""Dated, sourced claims about prices, capabilities, limits and deals; immutable snapshots of them."""

from trivium.catalog._catalog import Catalog, load
from trivium.catalog._check import Finding, Grade, check
from trivium.catalog._claim import STATUSES, Claim, PriceCell, Source
from trivium.catalog._conflicts import Conflict
from trivium.catalog._diff import Change, Kind, diff
from trivium.catalog._error_table import ErrorTable
from trivium.catalog._explain import (
    Answer,
    CellAnswer,
    cell_answer,
    explain,
    explain_cell,
    find_cells,
    is_about,
    subject_of,
)
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
from trivium.catalog._states import Standing, State, standing

__all__ = [
    "STATUSES",
    "Answer",
    "BetaAction",
    "BetaKind",
    "Catalog",
    "CellAnswer",
    "Change",
    "Claim",
    "Conflict",
    "ErrorTable",
    "Finding",
    "Grade",
    "Kind",
    "ModelName",
    "PriceCell",
    "Ranked",
    "Snapshot",
    "Source",
    "Standing",
    "State",
    "cell_answer",
    "check",
    "diff",
    "explain",
    "explain_cell",
    "find_cells",
    "is_about",
    "known_models",
    "load",
    "model_id",
    "parse_wire_model",
    "rank",
    "standing",
    "subject_of",
    "surface_id",
    "surface_place",
    "wire_model",
]
