"""A plan for programs (one JSON document, money as decimal strings) and for people (tables)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from trivium.core import Money, Offer
from trivium.figures import one_line
from trivium.plan._plan import Plan, QuotaFinding, Reason, WorkloadPlan

_LEVER_NAMES = {"cache_life": "cache life", "region_scope": "region scope"}
_FINDINGS_SHOWN = 12


def plan_json(plan: Plan) -> dict[str, Any]:
    """Everything the plan says."""
    return {
        "at": plan.at.isoformat(),
        "as_of": plan.as_of.isoformat() if plan.as_of else None,
        "span_days": str(plan.span_days),
        "baseline_usd": str(plan.baseline),
        "cost_usd": str(plan.cost),
        "saving_usd": str(plan.saving),
        "levers": [
            {
                "name": lever.name,
                "alone_usd": str(lever.alone),
                "saving_usd": str(lever.step),
                "if_allowed_usd": None if lever.closed is None else str(lever.closed),
                "reason": lever.reason,
            }
            for lever in plan.levers
        ],
        "remainder_usd": str(plan.remainder),
        "workloads": [_workload(item) for item in plan.workloads],
        "unplaced": [
            {"workload": item.workload, "model": item.model, "requests": item.requests, "reason": item.reason}
            for item in plan.unplaced
        ],
        "quotas": [_quota(finding) for finding in plan.quotas],
        "reasons": [_reason(reason) for reason in plan.reasons],
        "checkpoints": [
            {"due": c.due.isoformat(), "subject": c.subject, "reason": c.reason, "claims": list(c.claim_ids)}
            for c in plan.checkpoints
        ],
        "assumptions": list(plan.assumptions),
        "claims": list(plan.claim_ids),
        "snapshot": plan.snapshot_digest,
        "book": plan.book_digest,
        "route_table_version": plan.route_table().version,
    }


def _offer(offer: Offer) -> dict[str, str]:
    return {"surface": offer.surface, "scope": offer.scope, "model": offer.model, "tier": offer.tier}


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "constraint": reason.constraint,
        "shadow_price_usd": str(reason.shadow_price),
        "claims": list(reason.claim_ids),
    }


def _quota(finding: QuotaFinding) -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "pool": finding.pool,
        "metric": finding.metric,
        "tier": finding.tier,
        "limit": finding.limit,
        "peak": finding.peak,
        "peak_minute": finding.peak_minute,
        "breaks": finding.breaks,
        "enforced": finding.enforced,
        "claims": list(finding.claim_ids),
        "note": finding.note,
    }


def _workload(item: WorkloadPlan) -> dict[str, Any]:
    runner_up = item.runner_up
    return {
        "workload": item.workload,
        "model": item.model,
        "requests": item.requests,
        "baseline_usd": str(item.baseline),
        "cost_usd": str(item.cost),
        "placements": [
            {**_offer(share.offer), "cache_life": share.cache_life, "percent": share.percent} for share in item.shares
        ],
        "why": item.why,
        "reasons": [_reason(reason) for reason in item.reasons],
        "runner_up": None
        if runner_up is None
        else {
            **_offer(runner_up.offer),
            "cache_life": runner_up.cache_life,
            "cost_usd": str(runner_up.cost),
            "gap_usd": str(runner_up.gap),
            "break_even_price_multiplier": None if runner_up.break_even is None else str(runner_up.break_even),
            "break_even": runner_up.sentence,
        },
        "fallbacks": [_offer(offer) for offer in item.fallbacks],
        "cost_usd_by_cache_life": {life: str(cost) for life, cost in sorted(item.cache_costs.items())},
        "excluded": [
            {**_offer(out.offer), "reason": out.reason, "claims": list(out.claim_ids)} for out in item.excluded
        ],
        "claims": list(item.claim_ids),
    }


def plan_text(plan: Plan) -> Group:
    """Tables and sentences for a terminal."""
    saved = plan.saving.picos * 1000 // plan.baseline.picos if plan.baseline.picos else 0
    head = (
        f"Plan at prices of {plan.at}, for {plan.span_days} measured days: {_usd(plan.cost)} USD "
        f"against {_usd(plan.baseline)} as it runs now, saving {_usd(plan.saving)} ({saved // 10}.{saved % 10} %)"
    )
    parts: list[RenderableType] = [head, "", _placements(plan), "[bold]Why[/bold]", *_whys(plan), "", _levers(plan)]
    left_out = [f"{i.workload} / {i.model}: {i.requests:,} requests: {i.reason}" for i in plan.unplaced]
    parts += _lines("Without a place (in none of the amounts)", left_out)
    parts += _lines("What decides", _deciding(plan))
    parts += _lines("Quotas that a placement would break", _broken(plan))
    parts += _lines("Quotas of the plan", [_sentence(f) for f in plan.quotas if not f.breaks])
    parts += _lines("Look again", [f"{c.due}: {c.subject}: {c.reason}{_claims(c.claim_ids)}" for c in plan.checkpoints])
    parts += _lines("Assumptions", plan.assumptions)
    parts += _lines("Claims", [", ".join(plan.claim_ids)] if plan.claim_ids else [])
    return Group(*parts)


def _said(text: str) -> str:
    """A text that stays within its line and is no markup, whoever named the workload."""
    return escape(one_line(text))


def _usd(amount: Money) -> str:
    text = amount.rounded(2)
    return "under 0.01" if amount.picos > 0 and text == "0.00" else text


def _placements(plan: Plan) -> Table:
    table = Table(title="Where each workload should run", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("workload", "model", "runs on", "cache", "now USD", "plan USD"):
        folds = name == "workload"  # the others are told apart by their last characters
        longest = max((len(item.model) for item in plan.workloads), default=0) if name == "model" else None
        table.add_column(
            name,
            justify="right" if name.endswith("USD") else "left",
            no_wrap=not folds,
            overflow="fold",
            min_width=longest or (None if folds else len(name)),
        )
    for item in plan.workloads:
        where = "\n".join(_place(share.offer, item.model, share.percent) for share in item.shares)
        table.add_row(
            _said(item.workload),
            _said(item.model),
            escape(where),
            "\n".join(share.cache_life for share in item.shares),
            _usd(item.baseline),
            _usd(item.cost),
        )
    return table


def _whys(plan: Plan) -> list[RenderableType]:
    """One sentence for each workload and model: why it goes there, and what comes second."""
    found: list[RenderableType] = []
    for item in plan.workloads:
        second = item.runner_up
        after = _nowhere_else(item)
        if second is not None:
            after = f"runner-up {second.offer.surface}/{second.offer.scope} +{_zero(second.gap)} USD: {second.sentence}"
        found.append(_said(f"  {item.workload} / {item.model}: {item.why}; {after}"))
    return found


def _nowhere_else(item: WorkloadPlan) -> str:
    """Why no other surface can take it: what is out for another reason than that nobody sells it there."""
    out = {e.offer.surface: e.reason for e in item.excluded if not e.reason.startswith("no price")}
    why = "; ".join(f"{surface}: {reason}" for surface, reason in sorted(out.items()))
    return f"no other surface can take it ({why})" if why else "no other surface sells it"


def _place(offer: Offer, model: str, percent: int) -> str:
    other = [] if offer.model == model else [offer.model]
    tier = [] if offer.tier == "standard" else [offer.tier]
    share = [] if percent == 100 else [f"{percent} %"]  # noqa: PLR2004  per cent
    return " ".join([f"{offer.surface}/{offer.scope}", *other, *tier, *share])


def _levers(plan: Plan) -> Table:
    title = "What each lever saves (USD; steps in this order)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("lever", "alone", "step", "if allowed", "why"):
        table.add_column(name, justify="left" if name in {"lever", "why"} else "right", overflow="fold")
    for lever in plan.levers:
        closed = "" if lever.closed is None or not lever.closed.picos else _usd(lever.closed)
        name = _LEVER_NAMES.get(lever.name, lever.name)
        table.add_row(name, _zero(lever.alone), _zero(lever.step), closed, _said(lever.reason))
    if plan.remainder.picos:
        table.add_row("the rest", "", _usd(plan.remainder), "", "what requirements, quotas and divided workloads take")
    table.add_row("all", "", _usd(plan.saving), "", "")
    return table


def _zero(amount: Money) -> str:
    return _usd(amount) if amount.picos else "0"


def _deciding(plan: Plan) -> list[str]:
    found = [f"{r.constraint}: lifting it saves {_usd(r.shadow_price)} USD{_claims(r.claim_ids)}" for r in plan.reasons]
    for item in plan.workloads:
        found += [
            f"{item.workload}/{item.model}: {r.constraint}: lifting it saves {_usd(r.shadow_price)} USD"
            + _claims(r.claim_ids)
            for r in item.reasons
        ]
    return found


def _broken(plan: Plan) -> list[str]:
    """A sentence for each broken quota of the organisation's tiers, and one for each lower tier with its worst."""
    own = {(f.pool.split(" ", 1)[0], f.tier) for f in plan.quotas if f.enforced}
    found = [_sentence(finding) for finding in plan.broken if finding.enforced]
    lower: dict[tuple[str, str], list[QuotaFinding]] = {}
    for finding in plan.broken:
        key = (finding.pool.split(" ", 1)[0], finding.tier)
        if not finding.enforced and key not in own:
            lower.setdefault(key, []).append(finding)
    for (surface, tier), several in lower.items():
        count = "a quota" if len(several) == 1 else f"{len(several)} quotas"
        worst = max(several, key=lambda f: f.peak / (f.limit or 1))
        found.append(
            f"at usage tier {tier} of {surface} the plan would break {count}, worst "
            f"{worst.metric} of {worst.pool}: {worst.peak:,} against {worst.limit or 0:,}{_claims(worst.claim_ids)}"
        )
    return found


def _sentence(finding: QuotaFinding) -> str:
    tier = f", tier {finding.tier}" if finding.tier else ""
    if finding.limit is None:
        return f"{finding.pool}: {finding.note} (peak {finding.peak:,} {finding.metric})"
    verb = "breaks" if finding.breaks else "keeps"
    note = f" ({finding.note})" if finding.note else ""
    when = f", at {finding.peak_minute[:16]}" if finding.peak_minute else ""
    return (
        f"{finding.subject} on {finding.pool}: {finding.peak:,} {finding.metric} {verb} {finding.limit:,}{tier}"
        f"{when}{note}{_claims(finding.claim_ids)}"
    )


def _claims(ids: Iterable[str]) -> str:
    named = ", ".join(ids)
    return f" [{named}]" if named else ""


def _lines(title: str, lines: Iterable[str]) -> list[RenderableType]:
    found = list(lines)
    if not found:
        return []
    shown = found[:_FINDINGS_SHOWN]
    more = [f"  … and {len(found) - len(shown)} more (--json has all)"] if len(found) > len(shown) else []
    return ["", f"[bold]{title}[/bold]", *[f"  {_said(line)}" for line in shown], *more]
