"""Proposed rules in the catalogue's authored form, for a person to move into `prices.toml`: TOML that reads back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, Inexact, localcontext

from trivium.catalog._expand import plain
from trivium.catalog._snapshot import Snapshot
from trivium.catalog.audit import CellIndex
from trivium.catalog.propose._values import WHOLE, Candidate, Line, Reading, clean

_NAME = re.compile(r"[^a-z0-9]+")
_CACHE = ("cache_write_5m", "cache_write_1h", "cache_read")
Place = tuple[str, str, str, tuple[int, int | None]]  # surface, scope, model, band


def rules_text(
    reading: Reading, lines: Sequence[Line], index: CellIndex, snapshot: Snapshot, days: tuple[date, date]
) -> str:
    """The rules behind every changed or new price; what follows from another proposed price is left to follow."""
    work = _Rules(reading, lines, index, snapshot, days)
    return work.text()


class _Rules:
    """Gathers the rules of one proposal."""

    def __init__(
        self, reading: Reading, lines: Sequence[Line], index: CellIndex, snapshot: Snapshot, days: tuple[date, date]
    ) -> None:
        self.reading, self.index, self.snapshot = reading, index, snapshot
        self.valid_from, self.seen_on = days
        self.prices = {self._key(line.candidate): line.candidate for line in lines}
        self.proposed = [line for line in lines if line.verdict in {"changed", "new"}]
        self.parts: list[str] = []

    @staticmethod
    def _key(candidate: Candidate) -> tuple[Place, str, str]:
        place = (candidate.surface, candidate.scope, _model(candidate), candidate.band)
        return place, candidate.tier, candidate.unit

    def text(self) -> str:
        """The whole file."""
        origin = self.reading.origin
        head = [
            f"# PROPOSED on {self.seen_on} by `trivium facts propose`, from: {clean(origin.title)}",
            "# Not part of the catalogue. Check each rule against its source, then move it into prices.toml by hand.",
            "# A rule with `from` follows an older one: give that one `until` of the same day. docs/audit.md says how.",
            "",
            "[sources.proposed]",
            f"title = {_quoted(origin.title)}",
            f"address = {_quoted(origin.address)}",
            f"date = {_quoted(origin.date)}",
        ]
        bases = self._bases()
        for place in sorted(bases, key=str):
            worldwide = (place[0], self.index.scope_of(place[0], "global"), place[2], place[3])
            if place == worldwide or self._usd(worldwide, "standard", "input") is None:
                self._base(place, bases[place])
            else:
                self._region(place, worldwide, bases[place])
        for line in self.proposed:
            if (line.candidate.tier, line.candidate.unit) not in {("standard", "input"), ("standard", "output")}:
                self._factor(line)
        return "\n".join([*head, *self.parts]) + "\n"

    def _bases(self) -> dict[Place, list[Line]]:
        found: dict[Place, list[Line]] = {}
        for line in self.proposed:
            candidate = line.candidate
            if candidate.tier == "standard" and candidate.unit in {"input", "output"}:
                found.setdefault(self._key(candidate)[0], []).append(line)
        return found

    def _base(self, place: Place, lines: Sequence[Line]) -> None:
        surface, scope, model, band = place
        usd = {unit: self._usd(place, "standard", unit) for unit in ("input", "output")}
        if None in usd.values():
            missing = " and ".join(unit for unit, value in usd.items() if value is None)
            self._remark(lines, f"no base rule: the {missing} price is neither in the file nor in the catalogue")
            return
        over, up_to = (band[0] - 1 if band[0] else 0), band[1]
        fields = {
            "id": _quoted(self._name(model, surface, scope, f"over-{over}" if over else "")),
            "input": _quoted(format(plain(usd["input"] or Decimal(0)), "f")),
            "output": _quoted(format(plain(usd["output"] or Decimal(0)), "f")),
            "models": f"{{ {_quoted(model)} = {self._from(lines[0].candidate)} }}",
            "surfaces": _list([surface]),
            "scopes": "" if scope == "global" else _list([scope]),
            "over": str(over) if over else "",
            "up_to": str(up_to) if up_to else "",
        }
        self._rule("base", fields, lines)

    def _region(self, place: Place, worldwide: Place, lines: Sequence[Line]) -> None:
        """A region's prices are the global ones times a factor, so that is what is proposed, not a price."""
        surface, scope, model, _ = place
        factors: dict[str, Decimal | None] = {}
        for line in lines:
            unit, usd = line.candidate.unit, line.candidate.usd
            base = self._usd(worldwide, "standard", unit)
            ours = [self._ours(where, unit) for where in (place, worldwide)]
            if base and ours[0] and ours[1] and ours[0] * base == ours[1] * usd:
                self._remark([line], f"follows: the region's factor times {plain(base):f}")
            else:
                factors[unit] = _exact(usd, base) if base else None
        if None in factors.values():
            self._remark(lines, "no rule: it is no finite multiple of the global price")
        elif factors:
            first = factors.get("input") or next(iter(factors.values()))
            output = factors.get("output")
            fields = {
                "id": _quoted(self._name(model, surface, scope)),
                "factor": _quoted(format(plain(first or Decimal(0)), "f")),
                "factor_output": _quoted(format(plain(output), "f")) if output and output != first else "",
                "surfaces": _list([surface]),
                "scopes": _list([scope]),
                "models": _list([model]),
                "from": str(self._from(lines[0].candidate)),
            }
            self._rule("factor", fields, [line for line in lines if line.candidate.unit in factors])

    def _ours(self, place: Place, unit: str) -> Decimal | None:
        surface, scope, model, band = place
        cell = self.index.price((surface, scope, model, "standard", unit), self.valid_from, max(band[0], 1))
        return None if cell is None else cell.amount_usd

    def _factor(self, line: Line) -> None:
        """A cache factor, or the factor of a tier; nothing where the known factor already gives the price."""
        candidate = line.candidate
        place, tier, unit = self._key(candidate)
        surface, scope, model, _ = place
        of_tier = tier != "standard"
        base = self._usd(place, "standard", unit if of_tier else "input")
        known = self._known_factor(line, place, tier, unit)
        if base is None or not base:
            self._remark([line], "no rule: the price it is a multiple of is unknown")
            return
        if known is not None and known * base == candidate.usd:
            self._remark([line], f"follows: {plain(known):f} times {plain(base):f}")
            return
        factor = _exact(candidate.usd, base)
        if factor is None:
            self._remark([line], f"no rule: {candidate.usd:f} is no finite multiple of {base:f}")
            return
        fields = {
            "id": _quoted(self._name(model, surface, scope, tier if of_tier else "", unit)),
            "unit": "" if of_tier else _quoted(unit),
            "factor": _quoted(format(plain(factor), "f")),
            "surfaces": _list([surface]),
            "scopes": _list([scope]) if of_tier else "",
            "tiers": _list([tier]) if of_tier else "",
            "models": _list([model]),
            "from": str(self._from(candidate)),
        }
        self._rule("factor" if of_tier else "unit", fields, [line])

    def _known_factor(self, line: Line, place: Place, tier: str, unit: str) -> Decimal | None:
        """The factor that the catalogue has for it: from its own prices, else the general rule."""
        surface, scope, model, band = place
        day, prompt = self._from(line.candidate), max(band[0], 1)
        over = ("standard", unit) if tier != "standard" else ("standard", "input")
        mine = self.index.price((surface, scope, model, tier, unit), day, prompt)
        below = self.index.price((surface, scope, model, *over), day, prompt)
        if mine is not None and below is not None and below.amount_usd:
            return _exact(mine.amount_usd, below.amount_usd)
        if tier == "standard":
            general = self.snapshot.find(subject="*", predicate=f"multiplier:{unit}", at=day)
            return next((claim.number for claim in general if claim.number is not None), None)
        general = self.snapshot.find(predicate=f"factor:{tier}", at=day)
        return next((claim.number for claim in general if claim.number is not None), None)

    def _usd(self, place: Place, tier: str, unit: str) -> Decimal | None:
        """The price in the file, else the catalogue's."""
        said = self.prices.get((place, tier, unit))
        if said is not None:
            return said.usd
        surface, scope, model, band = place
        cell = self.index.price((surface, scope, model, tier, unit), self.valid_from, max(band[0], 1))
        return None if cell is None else cell.amount_usd

    def _from(self, candidate: Candidate) -> date:
        try:
            return max(self.valid_from, date.fromisoformat(candidate.said_on))
        except ValueError:
            return self.valid_from

    def _name(self, *parts: str) -> str:
        return (
            "-".join(_NAME.sub("-", part.lower()).strip("-") for part in parts if part and part != "global")
            + ".proposed"
        )

    def _rule(self, kind: str, fields: Mapping[str, str], lines: Sequence[Line]) -> None:
        where = "; ".join(dict.fromkeys(line.candidate.where for line in lines))
        quotes = dict.fromkeys(line.candidate.quote for line in lines)
        replaced = dict.fromkeys(line.claim_ids[0] for line in lines if line.claim_ids)
        self.parts.append("")
        self.parts += [f"# after {clean(claim)}" for claim in replaced]
        self.parts.append(f"[[{kind}]]")
        self.parts += [f"{name} = {value}" for name, value in fields.items() if value]
        self.parts += [
            f"status = {_quoted(self.reading.origin.status)}",
            'sources = ["proposed"]',
            f"quote = {_quoted(next(iter(quotes)))}",
            f"seen = {self.seen_on}",
            f"note = {_quoted(f'proposed on {self.seen_on}: {where}')}",
        ]

    def _remark(self, lines: Iterable[Line], text: str) -> None:
        for line in lines:
            candidate = line.candidate
            what = f"{candidate.surface}/{candidate.scope}/{_model(candidate)}/{candidate.tier} {candidate.unit}"
            length = "" if candidate.band == WHOLE else f" {candidate.band}"
            self.parts += ["", f"# {clean(what)}{length} = {candidate.usd:f}: {clean(text)}"]


def _model(candidate: Candidate) -> str:
    """The canonical id, or for a model nobody knows the id its label suggests."""
    if candidate.model:
        return candidate.model
    words = _NAME.sub("-", candidate.label.lower()).strip("-")
    return words if words.startswith("claude-") else f"claude-{words}"


def _exact(amount: Decimal, base: Decimal) -> Decimal | None:
    """The quotient, None if it has no end."""
    with localcontext() as context:
        context.prec = 24
        context.traps[Inexact] = True
        try:
            return amount / base
        except Inexact:
            return None


def _quoted(text: str) -> str:
    """A TOML basic string of cleaned text."""
    return json.dumps(clean(text, 400), ensure_ascii=False)


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(_quoted(name) for name in names)}]"
