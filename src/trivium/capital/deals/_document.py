"""A deal as one JSON document: amounts are exact strings of USD, shares decimal strings, days in ISO form."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from trivium.capital.deals._firmness import Firmness
from trivium.capital.deals._values import Contradiction, Deal, Figure, Share, Statement
from trivium.core import Money

_PLACES = 6


def deal_document(deal: Deal) -> dict[str, Any]:
    """Everything that a deal says, for a program to read."""
    return {
        "id": deal.name,
        "claim": deal.id,
        "from": deal.giver,
        "to": deal.getter,
        "kind": deal.kind.value,
        "what": deal.what,
        "amount_usd": {
            "low": _usd(deal.amount.low),
            "point": _usd(deal.amount.point),
            "high": _usd(deal.amount.high),
            "words": deal.amount.words,
            "per": deal.amount.per,
        },
        "stage": deal.stage.value,
        "state": deal.state.value,
        "grade": deal.grade,
        "confidence": deal.confidence,
        "announced": deal.announced_on,
        "start": deal.start,
        "end": deal.end,
        "schedule": _schedule(deal),
        "conditions": list(deal.conditions),
        "tranches": [{"name": one.name, "usd": _usd(one.amount), "claim": one.claim_id} for one in deal.tranches],
        "notice_days": deal.notice_days,
        **{one.field: _share(one) for one in (deal.firm, deal.avoidable, deal.resale)},
        "firm_usd": None if deal.firm_usd is None else decimal_text(deal.firm_usd),
        "cash": deal.cash,
        "counted": deal.counted,
        "not_counted": deal.not_counted,
        "round": deal.round,
        "inside": list(deal.inside),
        "overlaps": list(deal.overlaps),
        "qualified_by": list(deal.qualified_by),
        "superseded_by": deal.superseded_by or None,
        "versions": [
            {"event": one.event, "on": one.on, "says": one.text, "usd": _usd(one.amount), "claim": one.claim_id}
            for one in deal.versions
        ],
        "sources": [{"title": one.title, "address": one.address} for one in deal.sources],
        "note": deal.claim.note,
        "terms": list(deal.term_ids),
    }


def firmness_document(one: Firmness) -> dict[str, Any]:
    """What a party has committed at three degrees of firmness, in USD, with the deals behind it."""
    return {
        "party": one.party,
        "headline_usd": decimal_text(one.headline_usd),
        "contracted_usd": decimal_text(one.contracted_usd),
        "firm_usd": decimal_text(one.firm_usd),
        "deals": [row[0].removeprefix("deal.") for row in one.rows],
        "not_known": [name.removeprefix("deal.") for name in one.unknown],
    }


def statement_document(one: Statement) -> dict[str, Any]:
    """What the article says of a deal."""
    claim = one.claim
    return {"claim": claim.id, "subject": claim.subject, "predicate": claim.predicate, "says": one.figure}


def contradiction_document(one: Contradiction) -> dict[str, Any]:
    """Claims that cannot all be true, which of them stand, and why."""
    return {
        "id": one.id,
        "says": one.says,
        "claims": list(one.claim_ids),
        "stands": list(one.stands),
        "why": one.why,
    }


def figure_document(one: Figure) -> dict[str, Any]:
    """A derived figure with its sum and the claims behind it."""
    return {
        "claim": one.claim_id,
        "name": one.name,
        "sum": one.worked,
        "result": one.result,
        "recorded": one.recorded,
        "claims": list(one.claim_ids),
        "missing": one.missing or None,
    }


def decimal_text(value: Fraction) -> str:
    """A fraction as a decimal of at most six places, without trailing zeros."""
    text = f"{round(value * 10**_PLACES) / 10**_PLACES:.{_PLACES}f}" if value.denominator > 1 else str(value.numerator)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _usd(amount: Money | None) -> str | None:
    return None if amount is None else str(amount)


def _share(one: Share) -> dict[str, Any]:
    return {
        "low": decimal_text(one.low),
        "point": decimal_text(one.point),
        "high": decimal_text(one.high),
        "assumed": one.assumed,
        "claim": one.claim_id,
        "why": one.why,
    }


def _schedule(deal: Deal) -> dict[str, Any]:
    when, amount = deal.schedule, deal.amount.point
    return {
        "shape": when.shape,
        "start": when.start,
        "end": when.end,
        "assumed": list(when.assumed),
        "usd_by_year": None
        if amount is None
        else {str(year): decimal_text(when.due(amount, year)) for year in when.span if when.share_of(year)},
    }
