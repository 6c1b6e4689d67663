"""How a deal came to be and what became of it: stages, versions, and the rows that replace each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trivium.capital.deals._terms import Terms
from trivium.capital.deals._values import Stage, State, Version
from trivium.catalog import Claim
from trivium.core import Money, UserError

_STAGES = {"contracted": Stage.CONTRACTED, "measured": Stage.CONTRACTED, "documented": Stage.ANNOUNCED}
_LETTER = "LOI"


def said_in(claim: Claim, word: str) -> str:
    """A mark that the deals table writes at the end of its notes: `confidence high`, `round ANT-G`, `as LOI`."""
    found = re.search(rf"(?:^|; ){word} (\S+?)(?:;|$)", claim.note)
    return found[1] if found else ""


def stage_of(claim: Claim) -> Stage:
    """How far a deal has come by its row."""
    if claim.status == "forward-looking":
        return Stage.LETTER_OF_INTENT if said_in(claim, "as") == _LETTER else Stage.ANNOUNCED
    return _STAGES.get(claim.status, Stage.REPORTED)


def day_of(claim: Claim) -> date:
    """A day as the value of a claim; UserError names it."""
    try:
        return date.fromisoformat(claim.value)
    except ValueError as error:
        raise UserError(claim.id, claim.value, "give a day such as 2026-07-05") from error


@dataclass(frozen=True)
class Chain:
    """Which row replaces which, among those known by a day."""

    rows: Mapping[str, Claim]
    after: Mapping[str, str]

    @classmethod
    def of(cls, rows: Sequence[Claim], as_of: date) -> Chain:
        """Rows in the order of their announcement; a successor counts from the day it was announced."""
        known = {claim.id: claim for claim in rows}
        after = {name: claim.id for claim in rows if claim.known_by(as_of) for name in claim.supersedes}
        return cls(known, after)

    def successor(self, claim_id: str) -> str:
        """The row that replaces one, empty if none does."""
        return self.after.get(claim_id, "")

    def state(self, claim: Claim, terms: Terms, as_of: date) -> State:
        """What has become of a row by a day."""
        if any(event == State.TERMINATED.value for event, _ in terms.events(claim.id)):
            return State.TERMINATED
        if self.successor(claim.id):
            return State.SUPERSEDED
        if claim.valid_until is not None and claim.valid_until < as_of:
            return State.ENDED
        return State.CURRENT

    def versions(self, claim: Claim, terms: Terms) -> tuple[Version, ...]:
        """Every row of the chain that a deal belongs to, with its events, in the order of their days."""
        found: list[Version] = []
        for row in self._line(claim):
            amount = None if row.number is None else Money.from_usd(row.number)
            event = "amended" if any(name in self.rows for name in row.supersedes) else stage_of(row).value
            found.append(Version(event, row.announced_on, f"{row.predicate}, {stage_of(row).value}", row.id, amount))
            found += [Version(name, one.announced_on, one.value, one.id) for name, one in terms.events(row.id)]
            found += [
                Version("qualified", one.announced_on, f"by {one.value}", one.id)
                for one in terms.all(row.id, "qualified_by")
            ]
            if (after := self.successor(row.id)) and after in self.rows:
                found.append(Version("superseded", self.rows[after].announced_on, f"by {after}", after))
        return tuple(sorted(found, key=lambda one: one.on or date.min))

    def _line(self, claim: Claim) -> tuple[Claim, ...]:
        """The rows before and after one in its chain, the oldest first."""
        found = {claim.id: claim}
        grown = True
        while grown:
            more = {name for row in found.values() for name in (*row.supersedes, self.successor(row.id))}
            grown = False
            for name in sorted(more - set(found)):
                if name in self.rows:
                    found[name] = self.rows[name]
                    grown = True
        return tuple(sorted(found.values(), key=lambda row: (row.announced_on or date.min, row.id)))
