"""The readings of `trivium capital dependence` for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from trivium.cli._output import console
from trivium.cli.capital._drill_file import told

if TYPE_CHECKING:
    from trivium.capital.dependence import Concentration, Continuity, Exit, Link
    from trivium.cli.capital.dependence import Readings

_SURFACES = ("surface", "maker", "operator", "biller", "cloud", "chips")
_SPREAD = ("by", "largest", "one of several", "not stated", "HHI", "effective number")
_GOES = ("without", "goes on", "unaffected", "measured", "not shown", "workloads")
_EXIT = ("leave", "a day", "remaining", "planned", "stressed", "months", "bound to")
_WIDE = 120
_ASKED = "Whether a clause is met is for you and your supervisor to say; a reading supports it and no more."


def show(found: Readings) -> None:
    """Print every reading: tables, then what is behind them in sentences."""
    total = found.concentrations[0].total
    _say(
        f"{total.rounded()} USD from {found.since or 'the first attempt'} until {found.until}, by claims of {found.at}"
    )
    if unpriced := sum(one.unpriced for one in found.spent):
        _say(f"{unpriced} attempts have no price and are in no share")
    _draw(_SURFACES, _behind(found), "\nWho stands behind it")
    _spreads(found.concentrations, "\nConcentration")
    _spreads(found.connected, "\nThe same, parties tied by stakes counted as one")
    _lines(_ties(found))
    for plan in found.planned:
        untold = f"; {plan.untold} stages tell no amount" if plan.untold else ""
        _spreads(plan.concentrations, f"\nAs planned, in the month of {plan.month}, at the measured pace{untold}")
    title = f"\nWhat goes on, measured in the {found.evidence_days} days before {found.at}"
    _draw(_GOES, [_goes(one) for one in found.continuity], title)
    _lines(_evidence(found))
    _lines(told(one) for one in found.rehearsed)
    _say("  An answer elsewhere shows that it works there, not that all of it would fit.")
    _draw(_EXIT, [_exit(one) for one in found.exits], "\nExits: USD that could not be used, planned and stressed")
    _lines(_bound(found))
    _lines(f"  not known: {text}" for text in dict.fromkeys(text for one in found.exits for text in one.unknown))
    _say("")
    _lines(
        f"{name} supports {'; '.join(claim.value for claim in claims)}"
        for name, claims in found.clauses.items()
        if claims
    )
    _say(_ASKED)


def _draw(headers: tuple[str, ...], rows: list[tuple[str, ...]], title: str) -> None:
    from trivium.figures import table

    screen = console()
    if rows:
        screen.print(table(headers, rows, title=title).terminal(screen.width), markup=False, soft_wrap=True)


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)


def _spreads(found: Iterable[Concentration], title: str) -> None:
    """A table; in a narrow terminal a line for each role, so that no name is cut."""
    rows = [_spread(one) for one in found]
    if console().width >= _WIDE:
        _draw(_SPREAD, rows, title)
        return
    _say(title)
    for by, largest, several, unknown, hhi, number in rows:
        others = f"; one of {several}" if several != "-" else ""
        _say(f"  {by}: {largest}{others}; not stated {unknown}; HHI {hhi}, effective number {number}")


def _lines(texts: Iterable[str]) -> None:
    for text in texts:
        _say(text)


def _bound(found: Readings) -> Iterator[str]:
    for one in found.exits:
        for stranded in one.commitments:
            notice = f", notice by {stranded.commitment.notice_by}" if stranded.commitment.notice_by else ""
            left = f"{_usd(stranded.staying_usd)} USD are left over even if all stays"
            yield f"  {one.surface}: {stranded.commitment.name} to {stranded.commitment.ends}{notice}; {left}"


def _behind(found: Readings) -> list[tuple[str, ...]]:
    rows = []
    for (surface, model), chain in found.chains.items():
        row = (surface, *(_names(chain.links[role]) for role in chain.links))
        if row not in rows:
            rows.append(row)
        elif model:
            continue
    return rows


def _names(link: Link) -> str:
    return " or ".join(link.names) or "not stated"


def _spread(one: Concentration) -> tuple[str, ...]:
    largest = ", ".join(f"{name} {_percent(share)}" for name, _, share in one.shares[:3]) or "-"
    several = ", ".join(f"{' or '.join(names)} {_percent(share)}" for names, _, share in one.several) or "-"
    low, high = round(one.hhi_low), round(one.hhi_high)
    hhi = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    few, many = one.effective_low, one.effective_high
    number = "-" if few is None else f"{float(few):.2f}"
    if many is None and few is not None:
        number += " or more"
    elif many is not None and few is not None and many != few:
        number += f" to {float(many):.2f}"
    return (one.role.replace("_", " "), largest, several, _percent(one.not_stated_share), hhi, number)


def _ties(found: Readings) -> Iterator[str]:
    for one in found.connections:
        deal = one.deal_id.removeprefix("deal.")
        yield f"  {one.holder} holds of {one.held}: {deal}, {one.stage}" + ("" if one.counted else "; not counted")


def _goes(one: Continuity) -> tuple[str, ...]:
    from trivium.capital.dependence import Goes

    amounts = [one.amount(goes).rounded() for goes in Goes]
    kept = sum(one.workloads.values())
    share = "-" if one.share is None else _percent(one.share)
    return (f"{one.kind} {one.name}", share, *amounts, f"{kept} of {len(one.workloads)}")


def _evidence(found: Readings) -> Iterator[str]:
    if len(found.continuity) > 2:  # noqa: PLR2004  more than was asked for by name
        yield "  --party or --surface shows the evidence by workload"
        return
    for one in found.continuity:
        for part in one.parts:
            told = "; ".join(
                f"{seen.count} {seen.how.value} by {seen.surface}, last on {seen.last_on}" for seen in part.seen
            )
            perhaps = " (perhaps: one of several names)" if part.perhaps else ""
            spent = part.spent
            goes = f"{part.goes.value}{perhaps}{': ' + told if told else ''}"
            yield f"  without {one.name}: {spent.workload}, {spent.model} on {spent.surface}: {goes}"


def _exit(one: Exit) -> tuple[str, ...]:
    months = "unknown" if one.migration_months is None else f"{float(one.migration_months):g} ({one.migration_from})"
    return (
        one.surface,
        f"{float(one.spend_usd_per_day):,.2f}",
        _usd(one.remaining_usd),
        _usd(one.planned_usd),
        _usd(one.stressed_usd),
        months,
        str(one.bound_until or "-"),
    )


def _usd(value: Fraction | None) -> str:
    return "unknown" if value is None else f"{float(value):,.2f}"


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.1f} %"
