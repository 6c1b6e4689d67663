"""The exit triggers a machine can check: their defaults, an organisation's own settings, and their state on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from trivium.capital.checkpoints import _rules as rules
from trivium.capital.checkpoints._values import STALE, Found, Reading, Sight, State, Trigger
from trivium.capital.own import Own
from trivium.catalog.refusal import near_or_all
from trivium.core import UserError

_NOBODY = "nobody yet"
_DAYS_MAX = 3650
_THRESHOLD_MAX = 10**9
_Rule = Callable[[Sight, Decimal], Iterator[Found]]
# name: (rule, condition, threshold, unit, action). Thresholds are defaults of the product, each the user's to change.
_TRIGGERS: Mapping[str, tuple[_Rule, str, str, str, str]] = {
    "cover-years": (
        rules.cover_years,
        "firm commitments of the model maker are over {} years of its run rate",
        "3",
        "years",
        "ask for its funding plan; run the planned exit on paper",
    ),
    "run-rate-cone": (
        rules.run_rate_cone,
        "its run rate was under the {} quantile of your cone in two readings",
        "0.2",
        "quantile",
        "redo cover with the lower growth; look at the other platforms' terms",
    ),
    "tranche-missed": (
        rules.tranche_missed,
        "an announced payment was not made in its time, or a letter of intent lapsed within {} days",
        "90",
        "days",
        "ask what took its place; redo the circular flow",
    ),
    "notice-served": (
        rules.notice_served,
        "notice was served on a contract that can be left, within {} days",
        "90",
        "days",
        "find what capacity it carried; look at limits and latency",
    ),
    "one-buyer": (
        rules.one_buyer,
        "one buyer is over {} percent of a party's backlog or revenue",
        "40",
        "%",
        "treat the platform and that buyer as one risk",
    ),
    "exclusivity-change": (
        rules.exclusivity_change,
        "exclusivity or a licence changed within {} days",
        "90",
        "days",
        "look at which surfaces may be opened or closed by it",
    ),
    "guarantee-called": (
        rules.guarantee_called,
        "a guarantee was called within {} days",
        "90",
        "days",
        "start the stressed exit's first steps",
    ),
    "model-removed": (
        rules.model_removed,
        "a surface stopped serving a model in use within {} days",
        "90",
        "days",
        "move what is left of it; check the successors' prices",
    ),
    "spread-widening": (
        rules.spread_widening,
        "a party's bond spread widened by over {} basis points",
        "50",
        "bp",
        "look at its filings; redo cover",
    ),
    "going-concern": (
        rules.going_concern,
        "an auditor doubts that a party goes on (1: a claim says so, over {})",
        "0",
        "",
        "start the stressed exit",
    ),
}
NAMES = tuple(_TRIGGERS)


def triggers_of(own: Own, thresholds: Mapping[str, Decimal] | None = None) -> tuple[Trigger, ...]:
    """The triggers with an organisation's settings and, above them, thresholds by name. UserError names a wrong one."""
    for name in own.triggers:
        if name not in _TRIGGERS:
            raise UserError(f"capital.triggers.{name}", name, near_or_all(name, NAMES))
    for name in thresholds or {}:
        if name not in _TRIGGERS:
            raise UserError("--threshold", name, near_or_all(name, NAMES))
    found = []
    for name, (_, condition, default, unit, action) in _TRIGGERS.items():
        stated = own.triggers.get(name)
        if stated is not None and stated.off:
            continue
        threshold, where = Decimal(default), ""
        if stated is not None and stated.threshold is not None:
            threshold, where = stated.threshold, f"capital.triggers.{name}.threshold"
        if thresholds and name in thresholds:
            threshold, where = thresholds[name], "--threshold"
        _check(where, unit, threshold)
        owner = (stated.owner if stated is not None else "") or own.owner or _NOBODY
        found.append(
            Trigger(
                name=name,
                condition=condition.format(threshold),
                threshold=threshold,
                unit=unit,
                owner=owner,
                action=(stated.action if stated is not None else "") or action,
            )
        )
    return tuple(found)


def _check(where: str, unit: str, threshold: Decimal) -> None:
    if not threshold.is_finite() or not 0 <= threshold <= _THRESHOLD_MAX:
        raise UserError(where, str(threshold), f"give a number from 0 to {_THRESHOLD_MAX}")
    if unit == "quantile" and not 0 < threshold < 1:
        raise UserError(where, str(threshold), "give a quantile between 0 and 1, such as 0.2")
    if unit == "days" and not (1 <= threshold <= _DAYS_MAX and threshold == int(threshold)):
        raise UserError(where, str(threshold), f"give whole days, 1 to {_DAYS_MAX}")


def read_triggers(sight: Sight, triggers: tuple[Trigger, ...]) -> tuple[Reading, ...]:
    """Each trigger on the day, subject by subject: fired first, then what cannot be told, in the order of triggers."""
    found = []
    for trigger in triggers:
        read = [_aged(sight, trigger, one) for one in _TRIGGERS[trigger.name][0](sight, trigger.threshold)]
        order = [State.FIRED, State.CANNOT_TELL, State.NOT_FIRED]
        found += sorted(read, key=lambda one: (order.index(one.state), one.subject))
    return tuple(found)


def _aged(sight: Sight, trigger: Trigger, found: Found) -> Reading:
    age = None if found.evidence_on is None else (sight.at - found.evidence_on).days
    old = age is not None and age > sight.own.evidence_days
    verdict = STALE if old else found.state.value
    return Reading(
        trigger,
        found.subject,
        found.state,
        found.value,
        found.claim_ids,
        found.missing,
        found.evidence_on,
        age,
        verdict,
    )


def reading_document(one: Reading) -> dict[str, Any]:
    """A trigger's state for a program."""
    return {
        "trigger": one.trigger.name,
        "subject": one.subject,
        "state": one.state.value,
        "verdict": one.verdict,
        "condition": one.trigger.condition,
        "threshold": str(one.trigger.threshold),
        "unit": one.trigger.unit,
        "value": one.value,
        "claims": list(one.claim_ids),
        "missing": list(one.missing),
        "evidence_on": one.evidence_on,
        "age_days": one.age_days,
        "owner": one.trigger.owner,
        "action": one.trigger.action,
    }
