"""The summary for a manager: what to do, what it costs, what could change it. At most seven sentences."""

from __future__ import annotations

from collections.abc import Iterator

from trivium.plan.decision import Decision

_SENTENCES_MAX = 7
_SHOWN = 3
_CENT = 0.005


def summarise(decision: Decision) -> tuple[str, ...]:
    """The sentences, most important first."""
    return tuple(_sentences(decision))[:_SENTENCES_MAX]


def _sentences(decision: Decision) -> Iterator[str]:
    plan, now = decision.forecast, decision.baseline.mean_usd
    saved = now - plan.mean_usd
    low, middle, high = plan.quantiles_usd[0], plan.quantiles_usd[2], plan.quantiles_usd[-1]
    yield (
        f"Over {decision.horizon_months} months the plan costs {middle:,.0f} USD in the middle scenario, {low:,.0f} to "
        f"{high:,.0f} in nine of ten, {plan.mean_usd:,.0f} on average; as it runs now the same work would cost "
        f"{now:,.0f} on average, "
        f"{_difference(saved, now)}."
    )
    yield _where(decision)
    levers = sorted(decision.levers.steps, key=lambda step: step.amount_usd)
    gains = [f"{step.name} {-step.amount_usd:,.0f}" for step in levers if step.amount_usd < -_CENT]
    if gains:
        yield f"The money lies in: {', '.join(gains[:_SHOWN])} USD over the horizon."
    yield from _commitments(decision)
    yield from _limits(decision)
    yield from _next(decision)


def _difference(saved: float, now: float) -> str:
    if saved > _CENT and now:
        return f"so it saves {saved:,.0f} ({saved / now:.1%})"
    if saved < -_CENT:
        return f"{-saved:,.0f} less: the difference pays for what the needs, moves and the risk that was chosen ask for"
    return "so there is nothing to save"


def _where(decision: Decision) -> str:
    shares: dict[str, float] = {}
    for item in decision.workloads:
        first = min((stage.first_month for stage in item.stages), default=None)
        now = [stage for stage in item.stages if stage.first_month == first]
        whole = sum(stage.share_percent for stage in now) or 1
        for stage in now:
            part = item.monthly_plan_usd * stage.share_percent / whole
            shares[stage.offer.surface] = shares.get(stage.offer.surface, 0.0) + part
    total = sum(shares.values()) or 1.0
    told = ", ".join(
        f"{surface} {amount / total:.0%}" for surface, amount in sorted(shares.items(), key=lambda i: -i[1])
    )
    stranded = [item.workload for item in decision.workloads if item.unplaced]
    text = f"Of the first month's spend, {told}."
    openings = [
        (stage.first_month, stage.offer.surface)
        for item in decision.workloads
        for stage in item.stages
        if stage.offer.surface not in shares
    ]
    if openings:
        day = min(openings)[0]
        text += f" From {day} on, also on {', '.join(sorted({name for when, name in openings if when == day}))}."
    return text + (f" No platform offers what {', '.join(stranded)} needs." if stranded else "")


def _commitments(decision: Decision) -> Iterator[str]:
    signed = [a for a in decision.commitments if a.verdict == "sign"]
    others = [a.contract for a in decision.commitments if a.verdict == "do not sign"]
    if signed:
        told = "; ".join(
            f"{a.contract} at {_units(a.units)}{a.level_usd_per_year:,.0f} USD a year "
            f"(saves {a.saving.mean_usd:,.0f} on average and {a.worst_usd:,.0f} where use is dearest; "
            f"loses in {a.loss_probability:.0%} of scenarios)"
            for a in signed
        )
        yield f"Sign {told}."
    if others:
        yield f"Do not sign {', '.join(others)} as offered."


def _units(count: int) -> str:
    return f"{count} unit{'s' if count > 1 else ''}, " if count else ""


def _limits(decision: Decision) -> Iterator[str]:
    dear = [b for b in decision.bindings if b.usd_per_month > _CENT]
    if dear:
        worst = max(dear, key=lambda b: b.usd_per_month)
        yield f"The dearest constraint is {worst.constraint}: {worst.usd_per_month:,.0f} USD a month."
    weak = [loss for loss in decision.losses if loss.workloads_stopped]
    if weak:
        loss = min(weak, key=lambda item: item.share_continues_percent)
        yield (
            f"If {loss.surface} fails, {loss.share_continues_percent:.0f} % of the spend goes on elsewhere; "
            f"{', '.join(loss.workloads_stopped)} would stop."
        )


def _next(decision: Decision) -> Iterator[str]:
    due = [checkpoint for checkpoint in decision.checkpoints if checkpoint.due >= decision.at]
    if due:
        first = min(due)
        yield f"Look again on {first.due}: {first.subject}, {first.reason}."
