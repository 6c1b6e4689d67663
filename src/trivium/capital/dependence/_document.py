"""The readings as one JSON document: amounts exact strings of USD, shares decimal strings, days in ISO form."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from trivium.capital.deals import decimal_text
from trivium.capital.dependence._values import (
    ROLES,
    Chain,
    Concentration,
    Connection,
    Continuity,
    Exit,
    Exposure,
    Goes,
    Seen,
    Stranded,
)
from trivium.catalog import Claim

SUPPORTS = "supports"


def clause_documents(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Clauses that a reading supports; whether one is met is for the reader and the supervisor to say."""
    return [{SUPPORTS: one.value, "asks": one.note, "claim": one.id, "grade": one.status} for one in claims]


def chain_document(chain: Chain) -> dict[str, Any]:
    """What stands behind a surface; a role without names is `not stated`."""
    return {
        "surface": chain.surface,
        "model": chain.model,
        "links": {
            role: {
                "names": list(chain.links[role].names),
                "stated": bool(chain.links[role].names),
                "claim": chain.links[role].claim_id or None,
                "grade": chain.links[role].grade or None,
                "note": chain.links[role].note,
            }
            for role in ROLES
        },
        "parties": list(chain.parties),
        "possible": list(chain.possible),
    }


def concentration_document(one: Concentration) -> dict[str, Any]:
    """Shares, what nobody states, and the Herfindahl index with its bounds."""
    return {
        "by": one.role,
        "total_usd": str(one.total),
        "shares": [
            {"name": name, "usd": str(amount), "share": decimal_text(share)} for name, amount, share in one.shares
        ],
        "one_of_several": [
            {"names": list(names), "usd": str(amount), "share": decimal_text(share)}
            for names, amount, share in one.several
        ],
        "not_stated": {"usd": str(one.not_stated), "share": decimal_text(one.not_stated_share)},
        "hhi": {"low": decimal_text(one.hhi_low), "high": decimal_text(one.hhi_high)},
        "effective_number": {"low": _text(one.effective_low), "high": _text(one.effective_high)},
    }


def exposure_document(one: Exposure) -> dict[str, Any]:
    """What has a party behind it; exposures overlap."""
    return {"party": one.party, "usd": str(one.sure), "perhaps_usd": str(one.perhaps), "roles": list(one.roles)}


def connection_document(one: Connection) -> dict[str, Any]:
    """A stake that ties two parties."""
    return {
        "deal": one.deal_id.removeprefix("deal."),
        "holder": one.holder,
        "held": one.held,
        "counted": one.counted,
        "stage": one.stage,
    }


def continuity_document(one: Continuity) -> dict[str, Any]:
    """What goes on without a party or a surface, part by part with the evidence."""
    return {
        one.kind: one.name,
        "evidence_from": one.since,
        "evidence_until": one.until,
        "spend_share": None if one.share is None else decimal_text(one.share),
        "spend_usd": {goes.value: str(one.amount(goes)) for goes in Goes},
        "workloads": {name: "goes on" if goes_on else "not shown" for name, goes_on in one.workloads.items()},
        "workload_share": _text(Fraction(sum(one.workloads.values()), len(one.workloads))) if one.workloads else None,
        "parts": [
            {
                "workload": part.spent.workload,
                "model": part.spent.model,
                "surface": part.spent.surface,
                "usd": str(part.spent.amount),
                "requests": part.spent.requests,
                "unpriced": part.spent.unpriced,
                "goes_on": part.goes.value,
                "perhaps": part.perhaps,
                "not_stated": list(part.not_stated),
                "evidence": [seen_document(seen) for seen in part.seen],
            }
            for part in one.parts
        ],
    }


def seen_document(one: Seen) -> dict[str, Any]:
    """Who answered, how often, and when last."""
    return {
        "surface": one.surface,
        "how": one.how.value,
        "count": one.count,
        "last_on": one.last_on,
        "instead_of": one.instead_of or None,
    }


def exit_document(one: Exit) -> dict[str, Any]:
    """An exit, planned and stressed; null is not known, and `unknown` says why."""
    return {
        "surface": one.surface,
        "spend_usd_per_day": decimal_text(one.spend_usd_per_day),
        "remaining_usd": _text(one.remaining_usd),
        "commitments": [_stranded_document(stranded) for stranded in one.commitments],
        "prepaid_usd": _text(one.prepaid_usd),
        "planned": {
            "stranded_usd": _text(one.planned_usd),
            "prepaid_lost_usd": _text(one.prepaid_lost_planned_usd),
            "migration_months": _text(one.migration_months),
            "migration_from": one.migration_from or None,
            "leaves_on": one.leaves_on,
        },
        "stressed": {"stranded_usd": _text(one.stressed_usd), "prepaid_lost_usd": _text(one.prepaid_usd)},
        "bound_until": one.bound_until,
        "unknown": list(one.unknown),
    }


def _stranded_document(one: Stranded) -> dict[str, Any]:
    committed = one.commitment
    return {
        "name": committed.name,
        "surfaces": list(committed.surfaces),
        "remaining_usd": _text(committed.remaining_usd),
        "ends": committed.ends,
        "notice_days": committed.notice_days,
        "notice_by": committed.notice_by,
        "renews": committed.renews,
        "stranded_usd": {
            "staying": _text(one.staying_usd),
            "planned": _text(one.planned_usd),
            "stressed": _text(one.stressed_usd),
        },
        "source": committed.source,
    }


def _text(value: Fraction | None) -> str | None:
    return None if value is None else decimal_text(value)
