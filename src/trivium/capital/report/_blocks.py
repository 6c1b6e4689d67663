"""What a page is made of: paragraphs, lists, tables, pictures and references; text is plain, the page escapes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trivium.catalog import Claim

_SITE = re.compile(r"https?://([^/]+)")
_NAMED = re.compile(r"\(([^\s()]+)\)")


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference: its text, the anchor that it leads to, and what is said when it is pointed at."""

    text: str
    anchor: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text with its references; `tone` is "", "strong", "faint", "bad", "day" or "code"."""

    text: str
    refs: tuple[Ref, ...] = ()
    tone: str = ""
    addresses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph; `role` is "", "lead", "note" or "banner"."""

    cell: Cell
    role: str = ""
    kind: str = "para"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[Cell, ...]
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; `align` has a letter a column, `anchors` one for each row that can be led to."""

    headers: tuple[str, ...]
    align: str
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    anchors: tuple[str, ...] = ()
    kind: str = "grid"

    @property
    def numbered(self) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
        """The rows with their anchors."""
        return tuple(zip(self.anchors or ("",) * len(self.rows), self.rows, strict=True))


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing and what it shows."""

    svg: str
    caption: Cell
    kind: str = "picture"


@dataclass(frozen=True, slots=True)
class Live:
    """Inputs that the reader can change in the page, and what is reckoned from them; `name` chooses the form."""

    name: str
    kind: str = "live"


Block = Para | Bullets | Grid | Picture | Live


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


class Refs:
    """Numbers claims in the order in which the page first names them."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self.claims = {claim.id: claim for claim in claims}
        self.numbers: dict[str, int] = {}

    def anchor(self, claim_id: str) -> str:
        """Where a claim stands in the table of claims; it is in the table once it was asked for."""
        return f"claim-{self.numbers.setdefault(claim_id, len(self.numbers) + 1)}"

    def of(self, *claim_ids: str, most: int = 8) -> tuple[Ref, ...]:
        """References to claims, each once; all are numbered, and beyond `most` the rest is one reference."""
        found = [self._ref(name) for name in dict.fromkeys(claim_ids)]
        if len(found) <= most:
            return tuple(found)
        rest = ", ".join(one.hint.partition(" · ")[0] for one in found[most:])
        return (*found[:most], Ref(f"and {len(found) - most} more", "claims", rest))

    def said_in(self, words: str) -> tuple[Ref, ...]:
        """References to the claims that a sentence names in brackets, as assumptions of a schedule do."""
        return self.of(*(name for name in _NAMED.findall(words) if name in self.claims))

    def _ref(self, claim_id: str) -> Ref:
        anchor = self.anchor(claim_id)
        return Ref(anchor.removeprefix("claim-"), anchor, self.hint(claim_id))

    def hint(self, claim_id: str) -> str:
        """Id, grade, day and source of a claim on one line."""
        claim = self.claims.get(claim_id)
        if claim is None:
            return claim_id
        title = claim.sources[0].title if claim.sources else "no source"
        site = _SITE.match(title)
        source = site[1] if site else title  # the whole address stands in the table of claims
        return f"{claim_id} · {claim.status} · {claim.announced_on or claim.valid_from or 'undated'} · {source}"


def text(words: str, *refs: Ref, tone: str = "") -> Cell:
    """A cell."""
    return Cell(words, tuple(refs), tone)
