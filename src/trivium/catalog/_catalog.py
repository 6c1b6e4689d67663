"""Loads the shipped claims and an organisation's overlays, and cuts snapshots of what was known by a day."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

from trivium.catalog._claim import Claim
from trivium.catalog._errors import check_capabilities
from trivium.catalog._rule_claims import claims_of
from trivium.catalog._rules import RuleBook, read_rules
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._tables import read_claims, read_table
from trivium.core import NoClaim, UserError

HERE = Path(__file__).parent
SHIPPED = HERE / "claims"
_SNAPSHOTS_MAX = 64


@dataclass(frozen=True, eq=False)  # identity: it is immutable and large
class Catalog:
    """All claims, shipped and the organisation's own, in the order of their ids. Immutable."""

    claims: tuple[Claim, ...]
    rules: tuple[RuleBook, ...]  # the shipped one first, then each overlay's
    _snapshots: dict[date, Snapshot] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def snapshot(self, as_of: date) -> Snapshot:
        """What had been announced by a day; the same object for the same day."""
        with self._lock:
            found = self._snapshots.get(as_of)
            if found is None:
                if len(self._snapshots) >= _SNAPSHOTS_MAX:
                    self._snapshots.clear()
                found = self._snapshots[as_of] = Snapshot(self, as_of)
            return found

    def claim(self, claim_id: str) -> Claim:
        """A claim by id, whenever it was announced; NoClaim."""
        found = self._by_id.get(claim_id)
        if found is None:
            raise NoClaim(f"no claim {claim_id!r}; `trivium facts list` shows the ids")
        return found

    @cached_property
    def _by_id(self) -> Mapping[str, Claim]:
        return {claim.id: claim for claim in self.claims}


def load(overlays: Sequence[Path] = ()) -> Catalog:
    """The shipped catalogue with overlays laid over it, later ones above; raises UserError naming file and line."""
    shipped_claims, shipped_rules = _shipped()
    claims, rules = list(shipped_claims), [shipped_rules]
    for layer, folder in enumerate(overlays, start=1):
        more, book = _read_folder(Path(folder), layer)
        claims += more
        rules.append(book)
    return Catalog(_checked(claims), tuple(rules))


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[Claim, ...], RuleBook]:
    claims, book = _read_folder(SHIPPED, 0)
    return tuple(claims), book


def _read_folder(folder: Path, layer: int) -> tuple[list[Claim], RuleBook]:
    if not folder.is_dir():
        raise UserError("overlay", str(folder), "give a folder with prices.toml and tables of claims")
    book = read_rules(folder / "prices.toml") if (folder / "prices.toml").exists() else RuleBook()
    if layer == 0 and book.contract:
        raise UserError("prices.toml: contract", book.contract[0].id, "contract prices belong in an overlay")
    claims = list(claims_of(book, layer))
    for path in sorted(folder.glob("*.csv")):
        claims += read_claims(path, layer)
    days = _review_days()
    return [_with_review(claim, days) for claim in claims], book


def _with_review(claim: Claim, days: Mapping[str, int]) -> Claim:
    """A claim without a review date of its own is due some days after it was seen, as its topic asks."""
    wait = days.get(claim.topic, 0)
    if claim.review_by is not None or claim.seen_on is None or not wait:
        return claim
    return replace(claim, review_by=claim.seen_on + timedelta(days=wait))


@lru_cache(maxsize=1)
def _review_days() -> Mapping[str, int]:
    rows = read_table(HERE / "names/topics.csv", ("topic", "title", "review_days"))
    return {row["topic"]: int(row["review_days"]) for row in rows}


def _checked(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    ordered = tuple(sorted(claims, key=lambda claim: claim.id))
    for one, other in pairwise(ordered):
        if one.id == other.id:
            raise UserError("claim id", one.id, "give each claim an id of its own; a correction supersedes, by name")
    ids = {claim.id for claim in ordered}
    for claim in ordered:
        for name in claim.supersedes:
            if name not in ids:
                raise UserError(f"claim {claim.id}: supersedes", name, "name a claim that exists")
    check_capabilities(ordered)
    return ordered
