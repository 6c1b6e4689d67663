"""Reads the organisation's tables of `trivium.toml`; each error names the field, the value and the remedy.

The gateway's own tables stand in the same file and are left to it. What was left out takes a default, and each default
that bears on a decision is named in `Organisation.assumed`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from trivium.core import ROUTABLE_SURFACES, SEAT_SURFACES, Money, UserError
from trivium.plan.org._assumed import assumed_of
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

GATEWAY_TABLES = ("gateway", "paths", "surfaces", "limits", "prices_as_of")
OWN_TABLES = ("organisation", "workloads", "contracts", "microsoft", "onboarding", "usage")
_WHOLE = Decimal(100)
_MONTHS_MAX, _SCENARIOS_MAX = 120, 10_000
_COMMITMENTS = {"spend-commitment"}
_UNITS = {"provisioned", "reserved"}


def read_organisation(path: Path, canonical: Callable[[str], str] | None = None) -> Organisation:
    """The organisation of a settings file; `canonical` gives the catalogue's id of a model, or raises."""
    if not path.is_file():
        raise UserError("organisation file", str(path), "create it: `trivium init` writes a commented one")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
            known = ", ".join((*OWN_TABLES, *GATEWAY_TABLES))
            raise UserError(name, _short(raw[name]), f"use one of the tables {known}")
    about: About = _converted(raw.get("organisation", {}), About, "organisation")
    workloads = {name: _workload(name, entry) for name, entry in _tables(raw, "workloads").items()}
    contracts: dict[str, Contract] = {
        name: _converted(entry, Contract, f"contracts.{name}") for name, entry in _tables(raw, "contracts").items()
    }
    microsoft: Microsoft = _converted(raw.get("microsoft", {}), Microsoft, "microsoft")
    onboarding: dict[str, Onboarding] = {
        name: _converted(entry, Onboarding, f"onboarding.{name}") for name, entry in _tables(raw, "onboarding").items()
    }
    usage: Usage = _converted(raw.get("usage", {}), Usage, "usage")
    _check_about(about)
    for name, workload in workloads.items():
        _check_workload(name, workload)
    for name, contract in contracts.items():
        _check_contract(name, contract)
    _check_microsoft(microsoft)
    for name, entry in onboarding.items():
        _check_onboarding(name, entry)
    _check_usage(usage)
    if canonical is not None:
        workloads, contracts = _canonical(workloads, contracts, canonical)
    found = Organisation(about, workloads, contracts, microsoft, onboarding, usage, ())
    return Organisation(about, workloads, contracts, microsoft, onboarding, usage, assumed_of(raw, found))


def _tables(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name, {})
    if not isinstance(found, dict):
        raise UserError(name, _short(found), f"give tables, such as [{name}.NAME]")
    return found


def _workload(name: str, entry: Any) -> Workload:
    where = f"workloads.{name}"
    if not isinstance(entry, dict):
        raise UserError(where, _short(entry), f"give a table, such as [{where}]")
    known = ("owner", "models", "surfaces", "tags", "needs")
    for field in entry:
        if field not in known:
            raise UserError(f"{where}.{field}", _short(entry[field]), f"use one of {', '.join(known)}")
    needs = _converted(entry.get("needs", {}), Needs, f"{where}.needs")
    rest = {field: value for field, value in entry.items() if field != "needs"}
    found: Workload = _converted(rest, Workload, where)
    return Workload(found.owner, found.models, found.surfaces, found.tags, needs)


def _converted(raw: Any, kind: type[Any], where: str) -> Any:
    try:
        return msgspec.convert(_plain(raw), kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        place = f"{where}{path.rstrip('`')}"
        names = ", ".join(kind.__struct_fields__)
        raise UserError(place, _value_at(raw, path.rstrip("`")), f"{message}; fields: {names}") from error


def _plain(raw: Any) -> Any:
    """Decimals as the text they were written as, so that a number and a string say the same amount."""
    if isinstance(raw, dict):
        return {name: _plain(value) for name, value in raw.items()}
    if isinstance(raw, list):
        return [_plain(value) for value in raw]
    if isinstance(raw, Decimal):
        return str(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    return raw


def _value_at(raw: Any, path: str) -> object:
    found = raw
    for name in re.findall(r"[^.\[\]]+", path):
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            break
    return _short(found)


def _short(value: object) -> object:
    return sorted(value) if isinstance(value, dict) else value


def _check_about(about: About) -> None:
    where = "organisation"
    _within(f"{where}.horizon_months", about.horizon_months, 1, _MONTHS_MAX)
    _within(f"{where}.risk_weight", about.risk_weight, 0, 1)
    if not 0 <= about.risk_level < 1:
        raise UserError(f"{where}.risk_level", about.risk_level, "give a share from 0 to below 1, such as 0.9")
    _within(f"{where}.discount_rate_percent_per_year", about.discount_rate_percent_per_year, -50, 100)
    _within(f"{where}.surface_share_max_percent", about.surface_share_max_percent, 1, 100)
    _within(f"{where}.surfaces_min", about.surfaces_min, 1, len(ROUTABLE_SURFACES))
    _within(f"{where}.min_stay_months", about.min_stay_months, 1, _MONTHS_MAX)
    _within(f"{where}.growth_ceiling_per_year", about.growth_ceiling_per_year, 1, 1000)
    _within(f"{where}.scenarios", about.scenarios, 10, _SCENARIOS_MAX)
    _names(f"{where}.surfaces", about.surfaces, ROUTABLE_SURFACES)
    _names(f"{where}.quota_tiers", about.quota_tiers, ROUTABLE_SURFACES)
    _growth(f"{where}.growth", about.growth)


def _check_workload(name: str, workload: Workload) -> None:
    where, needs = f"workloads.{name}", workload.needs
    _names(f"{where}.surfaces", workload.surfaces, ROUTABLE_SURFACES)
    _names(f"{where}.needs.seat_surfaces", needs.seat_surfaces, SEAT_SURFACES)
    _within(f"{where}.needs.batchable_percent", needs.batchable_percent, 0, 100)
    for field in ("availability_percent", "continuity_percent"):
        value = getattr(needs, field)
        if value is not None:
            _within(f"{where}.needs.{field}", value, 0, 100)
    for field in ("latency_ms_p95", "users"):
        value = getattr(needs, field)
        if value is not None and value < 1:
            raise UserError(f"{where}.needs.{field}", value, "give a number above 0")
    _growth(f"{where}.needs.growth", needs.growth)
    wish = needs.tuning
    if wish is not None and wish.wanted_from and wish.wanted_until and wish.wanted_until < wish.wanted_from:
        raise UserError(f"{where}.needs.tuning.wanted_until", wish.wanted_until, "give a day after wanted_from")


def _growth(where: str, growth: Growth | None) -> None:
    if growth is not None and not -1 < growth.low <= growth.point <= growth.high:
        told = (str(growth.low), str(growth.point), str(growth.high))
        raise UserError(where, told, "give low ≤ point ≤ high as shares a month above -1, such as 0, 0.03 and 0.1")


def _check_contract(name: str, contract: Contract) -> None:
    where = f"contracts.{name}"
    if not contract.surfaces:
        raise UserError(f"{where}.surfaces", "[]", f"name the surfaces it holds for, of {', '.join(ROUTABLE_SURFACES)}")
    _names(f"{where}.surfaces", contract.surfaces, ROUTABLE_SURFACES)
    _within(f"{where}.term_months", contract.term_months, 1, _MONTHS_MAX)
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
            f"{where}.expires", contract.expires, "take it out: what is signed no longer expires as an offer"
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
    if contract.kind in _UNITS and not (contract.model and contract.unit_tokens_per_minute and _priced(contract)):
        missing = "model, unit_tokens_per_minute and price_usd_per_unit_hour"
        raise UserError(where, contract.kind, f"give {missing}: such prices are not public, yours is a quote")
    _amount(f"{where}.price_usd_per_unit_hour", contract.price_usd_per_unit_hour)


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
        if getattr(microsoft, field) < 0:
            raise UserError(f"microsoft.{field}", getattr(microsoft, field), "give a number from zero up")
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
        raise UserError(f"{where}.days_high", entry.days_high, f"give at least days_low ({entry.days_low})")
    for field in ("usd_per_day", "weeks", "switch_days_per_workload"):
        if getattr(entry, field) < 0:
            raise UserError(f"{where}.{field}", getattr(entry, field), "give a number from zero up")
    _amount(f"{where}.fees_usd", entry.fees_usd)


def _check_usage(usage: Usage) -> None:
    named = [field for field in ("trace", "csv", "profile") if getattr(usage, field)]
    if len(named) > 1:
        raise UserError("usage", ", ".join(named), "give one source: trace, csv or profile; none of them is the ledger")
    for name, entry in usage.demand.items():
        where = f"usage.demand.{name}"
        _names(f"{where}.surface", [entry.surface], ROUTABLE_SURFACES)
        for field in ("percent", "tokens_percent"):
            if getattr(entry, field) <= 0:
                raise UserError(f"{where}.{field}", getattr(entry, field), "give a percentage above 0")
        if entry.peak_over_mean < 1:
            raise UserError(f"{where}.peak_over_mean", entry.peak_over_mean, "give 1 or more: a peak is above the mean")


def _within(where: str, value: Decimal | int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UserError(where, str(value), f"give a number from {low} to {high}")


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
    if amount.picos < 0:
        raise UserError(where, text, "give an amount from zero up")


def _names(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    allowed = tuple(known)
    if unknown := [name for name in names if name not in allowed]:
        raise UserError(where, ", ".join(unknown), f"use {', '.join(allowed)}")


def _canonical(
    workloads: dict[str, Workload], contracts: dict[str, Contract], canonical: Callable[[str], str]
) -> tuple[dict[str, Workload], dict[str, Contract]]:
    """Model names as the catalogue has them."""
    replace = msgspec.structs.replace

    def ids(where: str, names: Iterable[str]) -> tuple[str, ...]:
        found = []
        for name in names:
            try:
                found.append(canonical(name))
            except UserError as error:
                raise UserError(where, name, error.remedy) from error
        return tuple(found)

    named = {
        name: replace(
            entry,
            models=ids(f"workloads.{name}.models", entry.models),
            needs=replace(entry.needs, models=ids(f"workloads.{name}.needs.models", entry.needs.models)),
        )
        for name, entry in workloads.items()
    }
    priced = {
        name: replace(entry, model=ids(f"contracts.{name}.model", [entry.model])[0]) if entry.model else entry
        for name, entry in contracts.items()
    }
    return named, priced
