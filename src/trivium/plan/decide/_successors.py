"""What follows a model that its surfaces retire inside the horizon where the organisation names no successor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from trivium.catalog import Snapshot
from trivium.core import ROUTABLE_SURFACES


def successors(snapshot: Snapshot, models: tuple[str, ...], at: date) -> Mapping[str, str]:
    """For each model the next younger one of its family that is sold on the day and that no surface has set a day for.

    The family is the word of the name that is no number (`opus`, `sonnet`, …), the age is that of its first list price.
    A model without such a follower is not in the result. This is an assumption about what the organisation would do,
    and is shown as one.
    """
    born: dict[str, date] = {}
    sold: set[str] = set()
    for cell in snapshot.cells:
        if cell.tier != "standard" or cell.valid_from is None:
            continue
        born[cell.model] = min(born.get(cell.model, cell.valid_from), cell.valid_from)
        if cell.valid_from <= at and (cell.valid_until is None or at < cell.valid_until):
            sold.add(cell.model)
    staying = {model for model in sold if not _leaves(snapshot, model)}
    found = {}
    for model in models:
        later = [
            name for name in staying if _family(name) == _family(model) and model in born and born[name] > born[model]
        ]
        if later:
            found[model] = min(later, key=lambda name: (born[name], name))
    return found


def _family(model: str) -> str:
    words = [word for word in model.split("-") if not word[0].isdigit()]
    return "-".join(words)


def _leaves(snapshot: Snapshot, model: str) -> bool:
    return any(snapshot.retired_at(surface, model) is not None for surface in ROUTABLE_SURFACES)
