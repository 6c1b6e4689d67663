"""Why an attempt went where it went: what was considered, in order, as a small value that the ledger keeps as text."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from trivium.core.errors import UserError
from trivium.core.money import Money

DECISION_CHARS_MAX = 2048
_DETAIL_CHARS_MAX = 160
_VERSION = 1
_encode = json.JSONEncoder(separators=(",", ":")).encode

# What may be said of a candidate. Those of CHOSEN are why it was taken, the others why it was passed over.
CHOSEN = frozenset({"cache", "weight", "only", "order", "last", "again", "hedge"})
PASSED = frozenset(
    {
        "route",
        "key",
        "residency",
        "configured",
        "draining",
        "resting",
        "breaker",
        "cannot",
        "file",
        "failed",
        "signer",
        "waited",
    }
)


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate and what was said of it: a code of CHOSEN or PASSED, with its detail."""

    offer: str  # surface/scope/model/tier
    code: str
    detail: str = ""

    @property
    def chosen(self) -> bool:
        """Whether this is where the attempt went."""
        return self.code in CHOSEN


@dataclass(frozen=True, slots=True)
class Decision:
    """Why one attempt went where it went."""

    affinity: str = "none"  # new · kept · moved (away from `home`) · none: no cache is known
    found_by: str = ""  # session · prefix: by what the cache was found; empty: it was not
    home: str = ""  # the offer where the cache lives
    considered: tuple[Considered, ...] = ()
    lost_tokens: int | None = None  # of a move: tokens that were cached at `home`, None where that is not known
    lost: Money | None = None  # of a move: what it costs to write them elsewhere, None where there is no price
    waited_s: float = 0.0  # for the sake of the cache
    table: str = ""  # version of the route table
    left_out: int = 0  # candidates for which there was no room

    @property
    def chosen(self) -> str:
        """The offer that was chosen; empty where none is said."""
        return next((one.offer for one in self.considered if one.chosen), "")

    def encode(self) -> str:
        """Compact JSON of at most DECISION_CHARS_MAX characters; what does not fit is counted in `left_out`."""
        text = _text(self)
        if len(text) <= DECISION_CHARS_MAX:
            return text
        short = replace(
            self,
            table=self.table[:_DETAIL_CHARS_MAX],
            considered=tuple(replace(one, detail=one.detail[:_DETAIL_CHARS_MAX]) for one in self.considered),
        )
        text = _text(short)
        while len(text) > DECISION_CHARS_MAX and short.considered:
            # the one that was chosen is said last to go
            drop = next((one for one in reversed(short.considered) if not one.chosen), short.considered[-1])
            kept = tuple(one for one in short.considered if one is not drop)
            short = replace(short, considered=kept, left_out=short.left_out + 1)
            text = _text(short)
        return text

    @classmethod
    def decode(cls, text: str) -> Decision | None:
        """The value of a stored text; None for an empty one. Raises UserError for a text that is none of ours."""
        if not text:
            return None
        try:
            raw = json.loads(text)
            if raw.pop("v") != _VERSION:
                raise UserError("decision.v", text[:40], f"this program reads version {_VERSION}")
            considered = tuple(Considered(*one) for one in raw.pop("considered", ()))
            lost = raw.pop("lost_usd", None)
            money = None if lost is None else Money.from_usd(lost)
            found = cls(considered=considered, lost=money, **raw)
            return replace(found, home=found.chosen) if found.affinity == "kept" and not found.home else found
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise UserError("decision", text[:40], f"give a decision as the gateway writes it ({error})") from error


def _text(decision: Decision) -> str:
    values: dict[str, Any] = {"v": _VERSION, "affinity": decision.affinity}
    for name in ("found_by", "home", "lost_tokens", "waited_s", "table", "left_out"):
        value = getattr(decision, name)
        if name == "home" and decision.affinity == "kept" and value == decision.chosen:
            continue  # the usual case: said once
        if value not in ("", None, 0):
            values[name] = value
    if decision.lost is not None:
        values["lost_usd"] = str(decision.lost)
    values["considered"] = [
        [one.offer, one.code, one.detail] if one.detail else [one.offer, one.code] for one in decision.considered
    ]
    return _encode(values)
