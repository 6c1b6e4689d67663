"""Microsoft's exports: Microsoft 365 Copilot use, licences, Copilot Credits, Copilot Studio on Azure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from trivium.core import Money, UserError
from trivium.plan.seats._fields import Field, Table, plain
from trivium.plan.seats._values import ZERO, SeatUsage

M365, STUDIO = "m365-copilot", "copilot-studio"
USER_DETAIL, COUNTS, LICENCES, COSTS, CREDITS, AZURE, TELEMETRY = (
    "m365-user-detail",
    "m365-user-counts",
    "licences",
    "copilot-cost-management",
    "copilot-credits",
    "azure-cost-details",
    "business-central-telemetry",
)
_DERIVED = "column names follow the documented JSON; Microsoft documents no header for the CSV"
USER_FIELDS = (
    Field("user", ("User Principal Name",), required=True),
    Field("last_activity", ("Last Activity Date",), required=True),
    Field("refreshed", ("Report Refresh Date",), required=True),
    Field("name", ("Display Name",)),
    Field("period", ("Report Period",)),
    *(
        Field(f"{app}_last_activity", (f"{app} Last Activity Date", f"{app} Copilot Last Activity Date"))
        for app in (*("Copilot Chat", "Microsoft Teams", "Word", "Excel", "PowerPoint", "Outlook", "OneNote", "Loop"),)
    ),
)
AZURE_FIELDS = (
    Field("date", required=True),
    Field("meter_category", ("MeterCategory",), required=True),
    Field("meter_name", ("MeterName",), required=True),
    Field("quantity", required=True),
    Field("cost", ("CostInBillingCurrency",), required=True),
    Field("meter_subcategory", ("MeterSubCategory",)),
    Field("product", ("ProductName",)),
    Field("service", ("ConsumedService",)),
    Field("cost_usd", ("CostInUsd", "costInUSD")),
    Field("currency", ("BillingCurrency", "BillingCurrencyCode")),
    Field("unit", ("UnitOfMeasure",)),
    Field("publisher", ("PublisherName",)),
)
TELEMETRY_FIELDS = (
    Field("credits", ("copilotCredits",), required=True),
    Field("feature", ("copilotStudioFeature",), required=True),
    Field("at", ("consumptionDateTime",)),
    Field("actions"),
    Field("company", ("companyName",)),
)
# Reports whose header nobody has documented: read only with a mapping.
LICENCE_FIELDS = (Field("user", required=True), Field("licences", required=True))
CREDIT_FIELDS = (
    Field("credits", required=True),
    Field("date"),
    Field("user"),
    Field("agent"),
    Field("environment"),
)
_LICENSED: Mapping[str, tuple[str, ...]] = {
    M365: ("microsoft 365 copilot", "copilot for microsoft 365", "microsoft_365_copilot"),
    "github-copilot": ("github copilot",),
    STUDIO: ("copilot studio", "copilot_studio", "virtual agent"),
}


def read_user_detail(table: Table) -> SeatUsage:
    """Licensed users, and of them who used it within the report's period."""
    last, refreshed, period = [], [], ""
    for line, row in enumerate(table.rows, 2):
        last.append(table.day(row, "last_activity", line))
        refreshed.append(table.day(row, "refreshed", line))
        period = period or table.text(row, "period")
    return _detail(table.source, last, refreshed, period, (_DERIVED,), table.unknown)


def read_user_detail_json(source: str, records: Sequence[Mapping[str, Any]]) -> SeatUsage:
    """The same from Microsoft Graph."""
    periods = [
        str(item.get("reportPeriod", ""))
        for record in records
        for item in (record.get("copilotActivityUserDetailsByPeriod") or (record,))
    ]
    last = [_json_day(record.get("lastActivityDate")) for record in records]
    refreshed = [_json_day(record.get("reportRefreshDate")) for record in records]
    return _detail(source, last, refreshed, next((p for p in periods if p), ""), (), ())


def _detail(
    source: str,
    last: Sequence[date | None],
    refreshed: Iterable[date | None],
    period: str,
    notes: tuple[str, ...],
    unknown: tuple[str, ...],
) -> SeatUsage:
    end = max((day for day in refreshed if day is not None), default=None)
    digits = period.upper().removeprefix("D")
    first = end - timedelta(days=int(digits) - 1) if end is not None and digits.isdigit() and int(digits) else None
    if first is None:
        notes = (*notes, "no period is named: whoever was ever active counts as active")
    return SeatUsage(
        M365,
        USER_DETAIL,
        source,
        first,
        end,
        len(last),
        seats=len(last),
        active=sum(day is not None and (first is None or day >= first) for day in last),
        unknown_columns=unknown,
        notes=(*notes, "licensed users only; no tokens, no cost, no model"),
    )


def read_user_counts(source: str, records: Sequence[Mapping[str, Any]]) -> SeatUsage:
    """The summary: enabled and active users of any app."""
    seats = active = 0
    for record in records:
        items = record.get("adoptionByProduct") or (record,)
        for item in items:
            seats = max(seats, int(item.get("anyAppEnabledUsers") or 0))
            active = max(active, int(item.get("anyAppActiveUsers") or 0))
    days = [day for record in records if (day := _json_day(record.get("reportRefreshDate"))) is not None]
    return SeatUsage(M365, COUNTS, source, None, max(days, default=None), len(records), seats=seats, active=active)


def read_costs(source: str, records: Sequence[Mapping[str, Any]]) -> SeatUsage:
    """Copilot Credits of one kind of record (users, groups, services or fundings see the same consumption)."""
    total, users, units, days = ZERO, set(), set(), []
    for number, record in enumerate(records, 1):
        try:
            used = Decimal(str(record["consumedQuantity"]))
        except InvalidOperation as error:
            raise UserError(f"{source}: record {number}", record["consumedQuantity"], "give a number") from error
        total += used
        units.add(str(record.get("unit", "")))
        if used and record.get("userId"):
            users.add(str(record["userId"]))
        day = next((d for key in ("usageDate", "date", "day") if (d := _json_day(record.get(key))) is not None), None)
        if day is not None:
            days.append(day)
    if len(units) > 1:
        raise UserError(source, sorted(units), "records of one unit at a time")
    return SeatUsage(
        M365,
        COSTS,
        source,
        min(days, default=None),
        max(days, default=None),
        len(records),
        active=len(users) if users else None,
        credits=total,
        notes=(f"unit {next(iter(units)) or 'not named'}; quantities only: no price and no model",),
    )


def read_azure(table: Table) -> SeatUsage:
    """Copilot Studio meters among Azure cost details; other meters are left out."""
    days, rows, quantity, units = [], 0, ZERO, set()
    cost: Money | None = Money(0)
    for line, row in enumerate(table.rows, 2):
        named = " ".join(table.text(row, name) for name in ("meter_category", "meter_subcategory", "meter_name"))
        if "copilot" not in f"{named} {table.text(row, 'product')} {table.text(row, 'service')}".casefold():
            continue
        rows += 1
        quantity += table.number(row, "quantity", line) or ZERO
        units.add(table.text(row, "unit") or "not named")
        day = table.day(row, "date", line)
        if day is not None:
            days.append(day)
        dollars = table.text(row, "currency").upper() in {"USD", ""}
        paid = table.usd(row, "cost_usd", line) or (table.usd(row, "cost", line) if dollars else None)
        cost = cost + paid if cost is not None and paid is not None else None
    notes = [f"meter quantities in {', '.join(sorted(units))}"] if rows else ["no meter names Copilot"]
    if rows and cost is None:
        notes.append("billed in another currency and without a column of US dollars: no amount")
    return SeatUsage(
        STUDIO,
        AZURE,
        table.source,
        min(days, default=None),
        max(days, default=None),
        rows,
        credits=quantity,
        net=cost,
        left_out=len(table.rows) - rows,
        unknown_columns=(),
        notes=tuple(notes),
    )


def read_telemetry(table: Table) -> SeatUsage:
    """Business Central's event RT0055, exported as a table."""
    return _credits(table, TELEMETRY, "at", ())


def read_credits(table: Table) -> SeatUsage:
    """Credits by the columns that the reader was told."""
    return _credits(table, CREDITS, "date", ("columns as given by hand",))


def _credits(table: Table, report: str, day_field: str, notes: tuple[str, ...]) -> SeatUsage:
    days, total, users = [], ZERO, set()
    for line, row in enumerate(table.rows, 2):
        used = table.number(row, "credits", line) or ZERO
        total += used
        day = table.day(row, day_field, line)
        if day is not None:
            days.append(day)
        if used and table.text(row, "user"):
            users.add(table.text(row, "user"))
    return SeatUsage(
        STUDIO,
        report,
        table.source,
        min(days, default=None),
        max(days, default=None),
        len(table.rows),
        active=len(users) if table.has("user") else None,
        credits=total,
        unknown_columns=table.unknown,
        notes=notes,
    )


def read_licences(table: Table) -> tuple[SeatUsage, ...]:
    """Seats by product, from the text of each user's licences; one value a product that somebody holds."""
    holders: dict[str, set[str]] = {}
    for row in table.rows:
        held = table.text(row, "licences").casefold()
        for surface, words in _LICENSED.items():
            if any(word in held for word in words):
                holders.setdefault(surface, set()).add(table.text(row, "user"))
    note = "columns as given by hand; products are found by their names among the licences"
    return tuple(
        SeatUsage(
            surface,
            LICENCES,
            table.source,
            None,
            None,
            len(table.rows),
            seats=len(users),
            unknown_columns=table.unknown,
            notes=(note,),
        )
        for surface, users in sorted(holders.items())
    )


def json_kind(record: Mapping[str, Any]) -> str:
    """Which of Microsoft's JSON records this is; empty for none."""
    names = {plain(name) for name in record}
    if "consumedquantity" in names:
        return COSTS
    if "userprincipalname" in names and "lastactivitydate" in names:
        return USER_DETAIL
    if "adoptionbyproduct" in names or "anyappenabledusers" in names:
        return COUNTS
    return ""


def _json_day(value: object) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise UserError("date", value, "give a day such as 2026-11-01") from error
