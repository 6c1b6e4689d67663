"""How a report writes numbers, days and grounds: one place, so that a figure looks the same wherever it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from trivium.catalog import STATUSES
from trivium.core import Money, Offer
from trivium.plan.decision import Basis, Ground, Spread, Stage

_WHOLE_FROM = 100  # dollars: cents say nothing about a forecast of that size
_CENT = 0.005
_SURFACES = {
    "anthropic": "Anthropic API",
    "claude-aws": "Claude on AWS",
    "bedrock": "Amazon Bedrock",
    "bedrock-mantle": "Bedrock (Mantle)",
    "vertex": "Vertex AI",
    "claude-gcp": "Claude on Google Cloud",
    "foundry": "Microsoft Foundry",
    "github-copilot": "GitHub Copilot",
    "m365-copilot": "Microsoft 365 Copilot",
    "copilot-studio": "Copilot Studio",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GROUNDS = {
    Ground.CLAIM: "claims",
    Ground.MEASURED: "measured",
    Ground.CONTRACT: "contract",
    Ground.QUOTE: "quote",
    Ground.ASSUMPTION: "assumption",
    Ground.STATED: "stated by the organisation",
}


def usd(amount: float | Money) -> str:
    """An amount for reading: whole dollars from a hundred on, cents below; `12,345 USD`."""
    value = float(amount.usd) if isinstance(amount, Money) else amount
    if 0 < abs(value) < _CENT:
        return "less than a cent" if value > 0 else "less than a cent below zero"
    text = f"{value:,.0f}" if abs(value) >= _WHOLE_FROM - _CENT else f"{value:,.2f}"
    text = text.removeprefix("-") if not float(text.replace(",", "")) else text
    return f"{text} USD"


def signed_usd(amount: float) -> str:
    """An amount that is added or taken away, with its sign."""
    return f"+{usd(amount)}" if amount >= _CENT else usd(amount)


def percent(share: float, digits: int = 0) -> str:
    """A share (0.05) as text (5 %)."""
    return f"{100 * share:.{digits}f} %"


def points(value: float) -> str:
    """A number of percent (62.5) as text; whole where it is whole."""
    return f"{value:.4g} %"


def range_usd(spread: Spread) -> str:
    """Nine chances in ten."""
    return f"{usd(spread.quantiles_usd[0]).removesuffix(' USD')} to {usd(spread.quantiles_usd[-1])}"


def count(number: int, what: str) -> str:
    """Some of a thing: 1 month, 36 months."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def month(day: date) -> str:
    """A month: Nov 2026."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def offer_text(offer: Offer) -> str:
    """Where something is bought, in words: Amazon Bedrock us, claude-opus-5, batch."""
    tier = f", {offer.tier}" if offer.tier != "standard" else ""
    return f"{surface_text(offer.surface)} {offer.scope}, {offer.model}{tier}"


def surface_text(surface: str) -> str:
    """The name people know a surface by."""
    return _SURFACES.get(surface, surface)


def stage_text(stage: Stage, *, one_model: bool = True) -> str:
    """A stage in few words, for a bar of a timeline; with its model where the workload has several or it changed."""
    tier = f" {stage.offer.tier}" if stage.offer.tier != "standard" else ""
    share = f" {points(stage.share_percent)}" if stage.share_percent < 100 else ""  # noqa: PLR2004  the whole is not said
    changed = f" {stage.offer.model}" if stage.offer.model != stage.model or not one_model else ""
    changed += f" for {stage.model}" if stage.offer.model != stage.model else ""
    return f"{stage.offer.surface} {stage.offer.scope}{tier}{share}{changed}"


def grounds_text(basis: Basis) -> str:
    """What a statement rests on, without its claims."""
    words = ", ".join(_GROUNDS[ground] for ground in basis.grounds)
    words += f" ({basis.grade})" if basis.grade else ""
    return f"{words}: {basis.note}" if basis.note and words else words or basis.note


def weakest(statuses: Iterable[str]) -> str:
    """The weakest of some grades; empty if there is none."""
    ranked = [status for status in statuses if status in STATUSES]
    return min(ranked, key=STATUSES.index, default="")
