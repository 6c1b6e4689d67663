"""The lab's own bill: every answered request priced at its time from the lab's own expanded price table, exactly."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files

from trivium.core import NoPrice, rate_picos
from trivium.core.money import Money

UNITS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_EVERYWHERE = "all"  # the scope of prices that hold in every region


@dataclass(frozen=True, slots=True)
class _Line:
    scope: str
    prompt_over: int
    since: date | None
    until: date | None
    rates: Mapping[str, int]  # unit → pico-dollars per token; a missing unit has no price


@dataclass(frozen=True, slots=True)
class BillLine:
    """One request on the bill."""

    request_id: str
    surface: str
    account: str
    model: str
    scope: str
    tier: str
    at: datetime
    stream: bool
    outcome: str  # "ok", "cut", "cancelled"
    tokens: Mapping[str, int]
    rates_picos: Mapping[str, int]
    amount: Money

    def as_json(self) -> dict[str, object]:
        """For the control port: amounts as decimal strings, rates in pico-dollars per token."""
        return {
            "request_id": self.request_id,
            "surface": self.surface,
            "account": self.account,
            "model": self.model,
            "scope": self.scope,
            "tier": self.tier,
            "at": self.at.isoformat(),
            "stream": self.stream,
            "outcome": self.outcome,
            "tokens": dict(self.tokens),
            "rates_picos": dict(self.rates_picos),
            "amount_usd": str(self.amount),
        }


def _merged(lines: Sequence[_Line], keys: tuple[str, ...]) -> Mapping[str, int]:
    """The rates of lines that begin on different days for different units; no unit may stand in two of them."""
    rates: dict[str, int] = {}
    for line in lines:
        if rates.keys() & line.rates.keys():
            raise NoPrice(f"the lab's price table has two lines for {' · '.join(keys)}", keys)
        rates |= line.rates
    return rates


class PriceTable:
    """Prices by surface, model, scope, tier, prompt length and day."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._lines: dict[tuple[str, str, str], list[_Line]] = {}
        for row in rows:
            line = _Line(
                scope=row["scope"],
                prompt_over=int(row["prompt_over"]),
                since=date.fromisoformat(row["from"]) if row["from"] else None,
                until=date.fromisoformat(row["until"]) if row["until"] else None,
                rates={unit: rate_picos(row[unit]) for unit in UNITS if row[unit]},
            )
            self._lines.setdefault((row["surface"], row["model"], row["tier"]), []).append(line)

    @classmethod
    def shipped(cls) -> PriceTable:
        """The table that comes with the lab."""
        with (files("trivium.lab") / "data" / "prices.csv").open(encoding="utf-8") as lines:
            return cls(csv.DictReader(lines))

    def rates(
        self, surface: str, model: str, scope: str, tier: str, prompt_tokens: int, at: datetime
    ) -> Mapping[str, int]:
        """Pico-dollars per token by unit, for a prompt of that length; raises NoPrice."""
        day = at.astimezone(UTC).date()
        keys = (surface, model, scope, tier, day.isoformat(), f"{prompt_tokens} prompt tokens")
        valid = [
            line
            for line in self._lines.get((surface, model, tier), ())
            if (line.since is None or line.since <= day) and (line.until is None or day < line.until)
        ]
        band = max((line.prompt_over for line in valid if line.prompt_over < max(prompt_tokens, 1)), default=0)
        for wanted in (scope, _EVERYWHERE):
            merged: dict[str, int] = {}  # a line's units may have windows of their own, and so lines of their own
            for line in valid:
                if line.scope == wanted and line.prompt_over == band:
                    if not merged.keys().isdisjoint(line.rates):
                        raise NoPrice(f"the lab's price table has two prices for {' · '.join(keys)}", keys)
                    merged.update(line.rates)
            if merged:
                return merged
        raise NoPrice(f"the lab's price table has no line for {' · '.join(keys)}", keys)

    def complete_rates(
        self, surface: str, model: str, scope: str, tier: str, tokens: Mapping[str, int], at: datetime
    ) -> Mapping[str, int]:
        """As `rates`, and every unit that has tokens has a rate; raises NoPrice."""
        prompt_tokens = sum(count for unit, count in tokens.items() if unit != "output")
        rates = self.rates(surface, model, scope, tier, prompt_tokens, at)
        for unit in UNITS:
            if unit not in rates and (tokens.get(unit, 0) or unit == "output"):
                keys = (surface, model, scope, tier, at.date().isoformat(), unit)
                raise NoPrice(f"the lab's price table has no {unit} price for {' · '.join(keys[:-1])}", keys)
        return rates

    def offers(self, surface: str, model: str, tier: str, at: datetime) -> bool:
        """Whether the surface sells the model at that tier on that day, in any scope."""
        day = at.astimezone(UTC).date()
        return any(
            (line.since is None or line.since <= day) and (line.until is None or day < line.until)
            for line in self._lines.get((surface, model, tier), ())
        )


class Bill:
    """What every surface would charge: lines in order of completion, and totals."""

    def __init__(self, prices: PriceTable) -> None:
        self.prices = prices
        self.lines: list[BillLine] = []
        self.unpriced: list[tuple[str, ...]] = []  # keys of requests refused for want of a price

    def rates_for(
        self, surface: str, model: str, scope: str, tier: str, tokens: Mapping[str, int], at: datetime
    ) -> Mapping[str, int]:
        """The rates of a request about to be answered; raises NoPrice, and remembers it, if one it needs is missing."""
        try:
            return self.prices.complete_rates(surface, model, scope, tier, tokens, at)
        except NoPrice as error:
            self.unpriced.append(error.keys)
            raise

    def add(self, line: BillLine) -> None:
        """Put a line on the bill."""
        self.lines.append(line)

    def clear(self) -> None:
        """Start a new bill."""
        self.lines.clear()
        self.unpriced.clear()

    def total(self, **where: str) -> Money:
        """The sum of the lines whose attributes equal `where`, for instance `surface="anthropic"`."""
        return Money(
            sum(
                line.amount.picos
                for line in self.lines
                if all(getattr(line, name) == value for name, value in where.items())
            )
        )

    def as_json(self, *, lines: bool = False) -> dict[str, object]:
        """Totals by surface and model as decimal strings; with every line on demand."""
        by_surface: dict[str, int] = {}
        by_model: dict[tuple[str, str], int] = {}
        tokens: dict[str, int] = dict.fromkeys(UNITS, 0)
        for line in self.lines:
            by_surface[line.surface] = by_surface.get(line.surface, 0) + line.amount.picos
            key = (line.surface, line.model)
            by_model[key] = by_model.get(key, 0) + line.amount.picos
            for unit in UNITS:
                tokens[unit] += line.tokens.get(unit, 0)
        document: dict[str, object] = {
            "total_usd": str(Money(sum(by_surface.values()))),
            "requests": len(self.lines),
            "by_surface": {name: str(Money(picos)) for name, picos in sorted(by_surface.items())},
            "by_surface_model": [
                {"surface": surface, "model": model, "amount_usd": str(Money(picos))}
                for (surface, model), picos in sorted(by_model.items())
            ],
            "tokens": tokens,
            "unpriced": [list(keys) for keys in self.unpriced],
        }
        if lines:
            document["lines"] = [line.as_json() for line in self.lines]
        return document


def amount_of(tokens: Mapping[str, int], rates: Mapping[str, int]) -> Money:
    """The exact amount: tokens times rate, summed. A unit with tokens and no rate raises KeyError."""
    return Money(sum(count * rates[unit] for unit, count in tokens.items() if count))
