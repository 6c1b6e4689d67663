"""GitHub's exports: metered usage, premium requests (present and legacy), AI usage with tokens, usage metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from trivium.core import ZERO as NO_MONEY
from trivium.core import Money
from trivium.plan.seats._fields import Field, Table, plain
from trivium.plan.seats._names import canonical_model
from trivium.plan.seats._values import ZERO, ModelUse, SeatUsage

SURFACE = "github-copilot"
METERED, PREMIUM, AI_USAGE, LEGACY, METRICS = (
    "github-metered-usage",
    "github-premium-requests",
    "github-ai-usage",
    "github-premium-requests-legacy",
    "github-usage-metrics",
)
TOKENS = ("input", "output", "cache_read", "cache_write")
BILLING_FIELDS = (
    Field("date", ("usage_at",), required=True),
    Field("product", required=True),
    Field("sku", required=True),
    Field("quantity", required=True),
    Field("unit_type", required=True),
    Field("net_amount", required=True),
    Field("applied_cost_per_quantity"),
    Field("gross_amount"),
    Field("discount_amount"),
    Field("username", ("user",)),
    Field("organization"),
    Field("repository"),
    Field("workflow_path", ("workflow_name",)),
    Field("cost_center_name"),
    Field("model"),
    Field("exceeds_quota"),
    Field("total_monthly_quota"),
    Field("aic_quantity"),
    Field("aic_gross_amount"),
    Field("input", ("input_tokens",)),
    Field("output", ("output_tokens",)),
    Field("cache_read", ("cache_read_tokens",)),
    Field("cache_write", ("cache_write_tokens",)),
)
LEGACY_FIELDS = (
    Field("timestamp", required=True),
    Field("user", required=True),
    Field("model", required=True),
    Field("requests_used", required=True),
    Field("exceeds_monthly_quota"),
    Field("total_monthly_quota"),
)
_OURS = ("copilot", "aicredit", "premiumrequest", "codingagent", "spark")


@dataclass
class _Sums:
    """Running sums over rows."""

    days: list[date] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    requests: Decimal = ZERO
    credits: Decimal = ZERO
    credits_if_metered: Decimal = ZERO
    seat_months: Decimal = ZERO
    gross: Money = NO_MONEY
    discount: Money = NO_MONEY
    net: Money = NO_MONEY
    rows: int = 0
    left_out: int = 0
    units: set[str] = field(default_factory=set)
    disagree: int = 0
    models: dict[str, ModelUse] = field(default_factory=dict)


def read_billing(table: Table) -> SeatUsage:
    """Any of the three present billing reports: they share their columns, and say by them which one they are."""
    sums = _Sums()
    for line, row in enumerate(table.rows, 2):
        kind = plain(table.text(row, "product")) + plain(table.text(row, "sku"))
        if not any(word in kind for word in _OURS):
            sums.left_out += 1
            continue
        _take(table, row, line, sums)
    tokens = any(table.has(name) for name in TOKENS)
    report = AI_USAGE if tokens or table.has("aic_quantity") else PREMIUM if table.has("model") else METERED
    notes = []
    if sums.units:
        notes.append(f"quantities in {', '.join(sorted(sums.units))} are in the amounts and in no other count")
    if sums.disagree:
        notes.append(f"{sums.disagree} rows whose net amount is not gross less discount: the net amount counts")
    if not table.has("username"):
        notes.append("summarised: users are not named, so nobody knows how many seats were used")
    return SeatUsage(
        SURFACE,
        report,
        table.source,
        min(sums.days, default=None),
        max(sums.days, default=None),
        sums.rows,
        seat_months=sums.seat_months or None,
        active=len(sums.users) if table.has("username") else None,
        requests=sums.requests,
        credits=sums.credits,
        credits_if_metered=sums.credits_if_metered if table.has("aic_quantity") else None,
        by_model=tuple(sums.models[name] for name in sorted(sums.models)),
        gross=sums.gross if table.has("gross_amount") else None,
        discount=sums.discount if table.has("discount_amount") else None,
        net=sums.net,
        left_out=sums.left_out,
        unknown_columns=table.unknown,
        notes=tuple(notes),
    )


def _take(table: Table, row: Sequence[str], line: int, sums: _Sums) -> None:
    sums.rows += 1
    quantity = table.number(row, "quantity", line) or ZERO
    day = table.day(row, "date", line)
    if day is not None:
        sums.days.append(day)
    gross, discount = table.usd(row, "gross_amount", line), table.usd(row, "discount_amount", line)
    net = table.usd(row, "net_amount", line) or Money(0)
    sums.gross += gross or Money(0)
    sums.discount += discount or Money(0)
    sums.net += net
    sums.disagree += gross is not None and discount is not None and gross - discount != net
    requests, metered_now = _counts(table, row, quantity, sums)
    metered = table.number(row, "aic_quantity", line)
    sums.requests += requests
    sums.credits += metered_now
    sums.credits_if_metered += metered if metered is not None else metered_now
    user = table.text(row, "username")
    if user and quantity:
        sums.users.add(user)
    name = table.text(row, "model")
    if name:
        before = sums.models.get(name) or ModelUse(name, canonical_model(name), net=Money(0))
        sums.models[name] = replace(
            before,
            requests=before.requests + requests,
            credits=before.credits + metered_now,
            input=_plus(before.input, table.count(row, "input", line)),
            output=_plus(before.output, table.count(row, "output", line)),
            cache_read=_plus(before.cache_read, table.count(row, "cache_read", line)),
            cache_write=_plus(before.cache_write, table.count(row, "cache_write", line)),
            net=(before.net or Money(0)) + net,
        )


def _counts(table: Table, row: Sequence[str], quantity: Decimal, sums: _Sums) -> tuple[Decimal, Decimal]:
    """Requests and credits of a row; seats go to their own sum, and a unit that is neither is named."""
    unit, sku = plain(table.text(row, "unit_type")), plain(table.text(row, "sku"))
    if "user" in unit or "seat" in unit:
        sums.seat_months += quantity
        return ZERO, ZERO
    if unit == "requests":
        return quantity, ZERO
    if "credit" in unit or "credit" in sku or table.has("model"):
        return ZERO, quantity
    sums.units.add(table.text(row, "unit_type") or "no unit")
    return ZERO, ZERO


def _plus(before: int | None, more: int | None) -> int | None:
    return before if more is None else (before or 0) + more


def read_legacy(table: Table) -> SeatUsage:
    """The closed report: requests per user and model, and no money."""
    days, users, requests = [], set(), ZERO
    models: dict[str, ModelUse] = {}
    for line, row in enumerate(table.rows, 2):
        day = table.day(row, "timestamp", line)
        used = table.number(row, "requests_used", line) or ZERO
        if day is not None:
            days.append(day)
        if used:
            users.add(table.text(row, "user"))
        requests += used
        name = table.text(row, "model")
        before = models.get(name) or ModelUse(name, canonical_model(name))
        models[name] = replace(before, requests=before.requests + used)
    return SeatUsage(
        SURFACE,
        LEGACY,
        table.source,
        min(days, default=None),
        max(days, default=None),
        len(table.rows),
        active=len(users),
        requests=requests,
        by_model=tuple(models[name] for name in sorted(models)),
        unknown_columns=table.unknown,
        notes=("this report had no amounts",),
    )


def is_metrics(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are usage metrics: of users, or of an enterprise."""
    first = records[0]
    return ("user_login" in first and "day" in first) or "day_totals" in first


def read_metrics(source: str, records: Sequence[Mapping[str, Any]]) -> SeatUsage:
    """Adoption: who used it on which days, prompts by model, and the tokens of the command line alone."""
    days, active = [], set()
    prompt = output = 0
    interactions: dict[str, int] = {}
    peak: int | None = None
    for record in records:
        for totals in record.get("day_totals") or (record,):
            days.append(date.fromisoformat(str(totals["day"])[:10]))
            if isinstance(totals.get("monthly_active_users"), int):
                peak = max(peak or 0, totals["monthly_active_users"])
            for item in totals.get("totals_by_model_feature") or ():
                name = str(item.get("model", ""))
                count = int(item.get("user_initiated_interaction_count") or 0)
                interactions[name] = interactions.get(name, 0) + count
            spent = (totals.get("totals_by_cli") or {}).get("token_usage") or {}
            prompt += int(spent.get("prompt_tokens_sum") or 0)
            output += int(spent.get("output_tokens_sum") or 0)
        if "user_login" in record and _used(record):
            active.add(str(record["user_login"]))
    return SeatUsage(
        SURFACE,
        METRICS,
        source,
        min(days, default=None),
        max(days, default=None),
        len(records),
        active=peak if peak is not None else len(active),
        prompt_tokens=prompt,
        output_tokens=output,
        by_model=tuple(
            ModelUse(name, canonical_model(name), interactions=count) for name, count in sorted(interactions.items())
        ),
        notes=("adoption, not money; tokens are those of the command line only",),
    )


def _used(record: Mapping[str, Any]) -> bool:
    counts = ("user_initiated_interaction_count", "code_generation_activity_count", "code_acceptance_activity_count")
    flags = ("used_agent", "used_chat", "used_cli", "used_copilot_code_review_active")
    return any(record.get(name) for name in (*counts, *flags))
