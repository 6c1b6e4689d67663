"""Reads the organisation's tables of `trivium.toml`; each error names the field, the value and the remedy.

The gateway's own tables stand in the same file and are left to it. What was left out takes a default, and each default
that bears on a decision is named in `Organisation.assumed`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from trivium.catalog.refusal import near_or_all, short
from trivium.core import ROUTABLE_SURFACES, SEAT_SURFACES, Money, UserError
from trivium.plan.org._assumed import assumed_of
from trivium.plan.org._convert import NUMBER_MAX, converted
from trivium.plan.org._values import (
    About,
    Contract,
    Growth,
    Microsoft,
    Needs,
    Onboarding,
    Organisation,
    Tier,
    Usage,
    Workload,
)

GATEWAY_TABLES = ("gateway", "paths", "surfaces", "limits", "prices_as_of", "capital")  # read by others
OWN_TABLES = ("organisation", "workloads", "contracts", "microsoft", "onboarding", "usage")
_WHOLE = Decimal(100)
MONTHS_MAX = 120
_SCENARIOS_MAX, _REQUESTS_MAX = 10_000, 10**10
_COMMITMENTS = {"spend-commitment"}
_UNITS = {"provisioned", "reserved"}


def read_organisation(path: Path, canonical: Callable[[str], str] | None = None) -> Organisation:
    """The organisation of a settings file; `canonical` gives the catalogue's id of a model, or raises."""
    if not path.exists():
        raise UserError("organisation file", str(path), "create it: `trivium init` writes a commented one")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UserError("organisation file", str(path), f"give valid TOML ({error})") from error
    except OSError as error:
        raise UserError("organisation file", str(path), f"make it readable ({error.strerror})") from error
    return parse_organisation(raw, canonical)


def default_organisation() -> Organisation:
    """Nothing stated: every default, each of them assumed."""
    return parse_organisation({})


def parse_organisation(raw: Mapping[str, Any], canonical: Callable[[str], str] | None = None) -> Organisation:
    """Check decoded tables; UserError names field, value and remedy."""
    for name in raw:
        if name not in OWN_TABLES and name not in GATEWAY_TABLES:
            raise UserError(name, short(raw[name]), near_or_all(name, (*OWN_TABLES, *GATEWAY_TABLES)))
    about: About = converted(raw.get("organisation", {}), About, "organisation")
    workloads = {name: _workload(name, entry) for name, entry in _tables(raw, "workloads").items()}
    contracts: dict[str, Contract] = {
        name: converted(entry, Contract, f"contracts.{name}") for name, entry in _tables(raw, "contracts").items()
    }
    microsoft: Microsoft = converted(raw.get("microsoft", {}), Microsoft, "microsoft")
    onboarding: dict[str, Onboarding] = {
        name: converted(entry, Onboarding, f"onboarding.{name}") for name, entry in _tables(raw, "onboarding").items()
    }
    usage: Usage = converted(raw.get("usage", {}), Usage, "usage")
    _check_about(about)
    for name, workload in workloads.items():
        _check_workload(name, workload)
    for name, contract in contracts.items():
        _check_contract(name, contract)
    _check_microsoft(microsoft)
    for name, entry in onboarding.items():
        _check_onboarding(name, entry)
    _check_usage(usage)
    found = Organisation(about, workloads, contracts, microsoft, onboarding, usage, ())
    if canonical is not None:
        found = _canonical(found, canonical)
    return dataclasses.replace(found, assumed=assumed_of(raw, found))


def _tables(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name, {})
    if not isinstance(found, dict):
        raise UserError(name, short(found), f"give tables, such as [{name}.NAME]")
    return found


def _workload(name: str, entry: Any) -> Workload:
    where = f"workloads.{name}"
    if not isinstance(entry, dict):
        raise UserError(where, short(entry), f"give a table, such as [{where}]")
    known = (
        *("owner", "models", "surfaces", "scopes", "cache_loss_usd_max", "tags", "forwards_identity"),
        *("hedge_after_ms", "needs"),
    )
    for field in entry:
        if field not in known:
            raise UserError(f"{where}.{field}", short(entry[field]), near_or_all(field, known))
    needs = converted(entry.get("needs", {}), Needs, f"{where}.needs")
    rest = {field: value for field, value in entry.items() if field != "needs"}
    found: Workload = converted(rest, Workload, where)
    if found.scopes and not needs.scopes:  # where its keys may not go it cannot be placed either
        needs = msgspec.structs.replace(needs, scopes=found.scopes)
    return msgspec.structs.replace(found, needs=needs)


def _check_about(about: About) -> None:
    where = "organisation"
    _within(f"{where}.horizon_months", about.horizon_months, 1, MONTHS_MAX)
    _within(f"{where}.risk_weight", about.risk_weight, 0, 1)
    if not 0 <= about.risk_level < 1:
        raise UserError(f"{where}.risk_level", str(about.risk_level), "give a share from 0 to below 1, such as 0.9")
    _within(f"{where}.discount_rate_percent_per_year", about.discount_rate_percent_per_year, -50, 100)
    _within(f"{where}.surface_share_max_percent", about.surface_share_max_percent, 1, 100)
    _within(f"{where}.surfaces_min", about.surfaces_min, 1, len(ROUTABLE_SURFACES))
    _within(f"{where}.min_stay_months", about.min_stay_months, 1, MONTHS_MAX)
    _within(f"{where}.growth_ceiling_per_year", about.growth_ceiling_per_year, 1, 1000)
    _within(f"{where}.scenarios", about.scenarios, 10, _SCENARIOS_MAX)
    _least(f"{where}.seed", about.seed, 0)
    _names(f"{where}.surfaces", about.surfaces, ROUTABLE_SURFACES)
    _names(f"{where}.quota_tiers", about.quota_tiers, ROUTABLE_SURFACES)
    _growth(f"{where}.growth", about.growth)


def _check_workload(name: str, workload: Workload) -> None:
    where, needs = f"workloads.{name}", workload.needs
    if not name.strip():
        raise UserError("workloads", name, "give each workload a name, as in [workloads.search]")
    _names(f"{where}.surfaces", workload.surfaces, ROUTABLE_SURFACES)
    _names(f"{where}.needs.seat_surfaces", needs.seat_surfaces, SEAT_SURFACES)
    _within(f"{where}.needs.batchable_percent", needs.batchable_percent, 0, 100)
    for field in ("availability_percent", "continuity_percent"):
        value = getattr(needs, field)
        if value is not None:
            _within(f"{where}.needs.{field}", value, 0, 100)
    for field in ("latency_ms_p95", "users"):
        _least(f"{where}.needs.{field}", getattr(needs, field), 1)
    _growth(f"{where}.needs.growth", needs.growth)
    wish = needs.tuning
    if wish is not None and wish.wanted_from and wish.wanted_until and wish.wanted_until < wish.wanted_from:
        raise UserError(f"{where}.needs.tuning.wanted_until", str(wish.wanted_until), "give a day after wanted_from")


def _growth(where: str, growth: Growth | None) -> None:
    if growth is not None and not -1 < growth.low <= growth.point <= growth.high:
        told = (str(growth.low), str(growth.point), str(growth.high))
        raise UserError(where, told, "give low ≤ point ≤ high as shares a month above -1, such as 0, 0.03 and 0.1")


def _check_contract(name: str, contract: Contract) -> None:
    where = f"contracts.{name}"
    if not contract.surfaces:
        raise UserError(f"{where}.surfaces", "[]", f"name the surfaces it holds for, of {', '.join(ROUTABLE_SURFACES)}")
    _names(f"{where}.surfaces", contract.surfaces, ROUTABLE_SURFACES)
    _within(f"{where}.term_months", contract.term_months, 1, MONTHS_MAX)
    _within(f"{where}.notice_days", contract.notice_days, 0, 3650)
    _within(f"{where}.counts_percent", contract.counts_percent, 0, 100)
    _discount(f"{where}.discount_percent", contract.discount_percent)
    for field in (
        "commitment_usd_per_year",
        "commitment_usd_per_year_max",
        "remaining_usd",
        "other_spend_usd_per_year",
    ):
        _amount(f"{where}.{field}", getattr(contract, field))
    _tiers(f"{where}.tiers", contract.tiers)
    _tiers(f"{where}.levels", contract.levels)
    if contract.starts and contract.expires and contract.status == "signed":
        raise UserError(
            f"{where}.expires", str(contract.expires), "take it out: what is signed no longer expires as an offer"
        )
    least, most = contract.commitment_usd_per_year, contract.commitment_usd_per_year_max
    if least and most and Decimal(most) < Decimal(least):
        raise UserError(f"{where}.commitment_usd_per_year_max", most, f"give at least {least}")
    if contract.kind in _COMMITMENTS and not (least or most or contract.levels):
        raise UserError(f"{where}.commitment_usd_per_year", "", "give the amount a year, its range, or levels")
    if contract.kind == "volume-tiers" and not contract.tiers:
        raise UserError(
            f"{where}.tiers", "[]", 'give thresholds, such as [{ from_usd = "100000", discount_percent = 5 }]'
        )
    _least(f"{where}.unit_tokens_per_minute", contract.unit_tokens_per_minute, 1)
    if contract.kind in _UNITS and not (contract.model and contract.unit_tokens_per_minute and _priced(contract)):
        missing = "model, unit_tokens_per_minute and price_usd_per_unit_hour"
        raise UserError(where, contract.kind, f"give {missing}: such prices are not public, yours is a quote")
    _amount(f"{where}.price_usd_per_unit_hour", contract.price_usd_per_unit_hour)
    _least(f"{where}.units_min", contract.units_min, 1)
    if contract.output_weight <= 0:
        raise UserError(f"{where}.output_weight", str(contract.output_weight), "give a number above 0, such as 5")


def _priced(contract: Contract) -> bool:
    return bool(contract.price_usd_per_unit_hour)


def _tiers(where: str, tiers: Iterable[Tier]) -> None:
    found = tuple(tiers)
    for number, tier in enumerate(found):
        _amount(f"{where}[{number}].from_usd", tier.from_usd)
        _discount(f"{where}[{number}].discount_percent", tier.discount_percent)
    for before, after in pairwise(found):
        if Decimal(after.from_usd) <= Decimal(before.from_usd):
            raise UserError(where, after.from_usd, f"give thresholds in rising order, above {before.from_usd}")


def _check_microsoft(microsoft: Microsoft) -> None:
    for field in ("m365_seats", "m365_copilot_seats", "github_copilot_seats", "copilot_studio_credits_per_month"):
        _least(f"microsoft.{field}", getattr(microsoft, field), 0)
    for field in (
        "m365_copilot_usd_per_seat_month",
        "github_copilot_usd_per_seat_month",
        "copilot_studio_usd_per_month",
        "macc_remaining_usd",
    ):
        _amount(f"microsoft.{field}", getattr(microsoft, field))


def _check_onboarding(name: str, entry: Onboarding) -> None:
    where = f"onboarding.{name}"
    _names("onboarding", [name], ROUTABLE_SURFACES)
    if not 0 <= entry.days_low <= entry.days_high:
        raise UserError(f"{where}.days_high", str(entry.days_high), f"give at least days_low ({entry.days_low})")
    for field in ("usd_per_day", "weeks", "switch_days_per_workload"):
        _least(f"{where}.{field}", getattr(entry, field), 0)
    _amount(f"{where}.fees_usd", entry.fees_usd)


def _check_usage(usage: Usage) -> None:
    if usage.requests_per_month is not None:
        _within("usage.requests_per_month", usage.requests_per_month, 1, _REQUESTS_MAX)
    named = [field for field in ("trace", "csv", "profile") if getattr(usage, field)]
    if len(named) > 1:
        raise UserError("usage", ", ".join(named), "give one source: trace, csv or profile; none of them is the ledger")
    for name, entry in usage.demand.items():
        where = f"usage.demand.{name}"
        _names(f"{where}.surface", [entry.surface], ROUTABLE_SURFACES)
        for field in ("percent", "tokens_percent"):
            if getattr(entry, field) <= 0:
                raise UserError(f"{where}.{field}", str(getattr(entry, field)), "give a percentage above 0")
        if entry.peak_over_mean < 1:
            told = "give 1 or more: a peak is above the mean"
            raise UserError(f"{where}.peak_over_mean", str(entry.peak_over_mean), told)


def _within(where: str, value: Decimal | int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UserError(where, str(value), f"give a number from {low} to {high:,}")


def _least(where: str, value: Decimal | int | None, least: int) -> None:
    if value is not None and value < least:
        raise UserError(where, str(value), f"give {least} or more")


def _discount(where: str, value: Decimal) -> None:
    if not 0 <= value < _WHOLE:
        raise UserError(where, str(value), "give percent from 0 to below 100")


def _amount(where: str, text: str) -> None:
    if not text:
        return
    try:
        amount = Money.from_usd(text)
    except UserError as error:
        raise UserError(where, text, error.remedy) from error
    if not 0 <= amount.usd <= NUMBER_MAX:
        raise UserError(where, text, f"give an amount from zero to {NUMBER_MAX:,}")


def _names(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    allowed = tuple(known)
    if unknown := [name for name in names if name not in allowed]:
        raise UserError(where, ", ".join(unknown), near_or_all(unknown[0], allowed))


def _canonical(found: Organisation, canonical: Callable[[str], str]) -> Organisation:
    """Model names as the catalogue has them."""
    replace = msgspec.structs.replace

    def one(where: str, name: str) -> str:
        try:
            return canonical(name) if name else ""
        except UserError as error:
            raise UserError(where, name, error.remedy) from error

    def ids(where: str, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(one(where, name) for name in names)

    def needs(where: str, said: Needs) -> Needs:
        wish = said.tuning and replace(said.tuning, model=one(f"{where}.tuning.model", said.tuning.model))
        return replace(said, models=ids(f"{where}.models", said.models), tuning=wish)

    return dataclasses.replace(
        found,
        workloads={
            name: replace(
                entry,
                models=ids(f"workloads.{name}.models", entry.models),
                needs=needs(f"workloads.{name}.needs", entry.needs),
            )
            for name, entry in found.workloads.items()
        },
        contracts={
            name: replace(entry, model=one(f"contracts.{name}.model", entry.model))
            for name, entry in found.contracts.items()
        },
        usage=replace(
            found.usage,
            demand={
                name: replace(entry, model=one(f"usage.demand.{name}.model", entry.model))
                for name, entry in found.usage.demand.items()
            },
        ),
    )
