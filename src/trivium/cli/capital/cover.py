"""`trivium capital cover`: can a party serve what it committed to; a probability only for a scenario that is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as cli
from trivium.cli.capital import _shared as shared
from trivium.core import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from trivium.capital.cover import Dues, Growth, Means, Shortfall
    from trivium.capital.deals import Firmness
    from trivium.catalog import Claim

_QUARTERS_MAX, _PATHS_MAX, _USD_MAX = 60, 1_000_000, 10**18
_QUANTILES = (0.05, 0.2, 0.5, 0.8, 0.95)
_NO_PROBABILITY = (
    "No probability without your scenario: give --growth, --spread and --share (and --cash, --growth-end, --half-life)."
)


@dataclass(frozen=True, slots=True)
class _Scenario:
    """What the reader assumes; nothing of it is claimed."""

    growth: Growth
    means: Means
    paths: int
    seed: int
    accepted: float


def command(
    party: Annotated[str, typer.Argument(help="The party that pays, such as Anthropic.")],
    as_of: shared.AsOf = None,
    run_rate: Annotated[
        str | None, typer.Option(help="Its run rate in USD a year; the latest claim that counts if not given.")
    ] = None,
    growth: Annotated[
        float | None, typer.Option(help="Scenario: growth as a factor a year, such as 2 for a doubling.")
    ] = None,
    spread: Annotated[
        float | None, typer.Option(help="Scenario: standard deviation of the log of revenue after a year, such as 0.5.")
    ] = None,
    share: Annotated[float | None, typer.Option(help="Scenario: share of revenue that is free for the dues.")] = None,
    cash: Annotated[float, typer.Option(help="Scenario: cash at hand, USD.")] = 0.0,
    growth_end: Annotated[float | None, typer.Option(help="Scenario: the factor a year that growth fades to.")] = None,
    half_life: Annotated[float, typer.Option(help="Scenario: years in which the difference halves.")] = 1.0,
    cancelled: Annotated[list[str] | None, typer.Option(help="Scenario: leave this deal out; may be repeated.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Years of cover at each claimed run rate, as known then.")
    ] = False,
    quarters: Annotated[int, typer.Option(help="How far to look.")] = 24,
    accepted: Annotated[
        float, typer.Option(help="The probability of a shortfall that break-even growth accepts.")
    ] = 0.05,
    paths: Annotated[int, typer.Option(help="Futures, an even number.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The seed of the futures.")] = 1,
    entered_by: shared.EnteredBy = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Years of cover at three degrees of firmness, what falls due by year, and, for your scenario, shortfalls.

    Growth, spread and share are yours: no probability is printed without them, and none is a finding about a party.
    """
    from trivium.capital.cover import Degree, dues
    from trivium.capital.deals import commitments
    from trivium.cli._output import print_json

    check_sizes(quarters, paths)
    ledger, snapshot, day = shared.ledger_of(as_of, entered_by, overlay)
    left = _without(ledger.current, tuple(cancelled or ()))
    known = sorted({deal.giver for deal in ledger.deals})
    name = next((one for one in known if one.casefold() == party.casefold()), None)
    if name is None:
        raise UserError("PARTY", party, f"name one of {', '.join(known)}")
    rate, claim = rate_of(run_rate, snapshot, name)
    firmness = commitments(left, name)
    due = {degree: dues(left, name, degree, day, quarters) for degree in Degree}
    scenario = scenario_of(rate, (growth, spread, share), cash, (growth_end, half_life), (paths, seed, accepted))
    found = None if scenario is None else _shortfalls(scenario, due)
    past = _history(day, name, entered_by, overlay) if history else []
    if as_json:
        print_json({"history": past} | _document(day, (name, rate, claim), firmness, due, scenario, found, growth))
    else:
        _show(day, (name, rate, claim), firmness, due, growth)
        _show_history(past)
        _show_scenario(day, scenario, found)


def check_sizes(quarters: int, paths: int) -> None:
    """UserError for a horizon or a number of futures that cannot be."""
    if not 1 <= quarters <= _QUARTERS_MAX:
        raise UserError("--quarters", quarters, f"give 1 to {_QUARTERS_MAX}")
    if not 2 <= paths <= _PATHS_MAX or paths % 2:  # noqa: PLR2004  they come in pairs
        raise UserError("--paths", paths, f"give an even number from 2 to {_PATHS_MAX}")


def _history(day: date, party: str, entered_by: str | None, overlay: Sequence[Path] | None) -> list[dict[str, Any]]:
    """For each claimed run rate: what had been committed by that day, and how many years of it that was."""
    from trivium.capital.cover import run_rates, static_years
    from trivium.capital.deals import commitments

    _, snapshot, _ = shared.ledger_of(day.isoformat(), entered_by, overlay)
    claimed = run_rates(snapshot, party)
    found = []
    with cli.progress("run rates") as note:
        for done, (on, rate, claim) in enumerate(claimed, 1):
            ledger, _, _ = shared.ledger_of(on.isoformat(), entered_by, overlay)
            firmness = commitments(ledger.current, party)
            degrees = {
                "headline": firmness.headline_usd,
                "contracted": firmness.contracted_usd,
                "firm": firmness.firm_usd,
            }
            found.append(
                {
                    "on": on,
                    "run_rate_usd": float(rate),
                    "claim": claim.id,
                    "status": claim.status,
                    "committed_usd": {name: float(usd) for name, usd in degrees.items()},
                    "static_years": {name: static_years(float(usd), float(rate)) for name, usd in degrees.items()},
                }
            )
            note(done, len(claimed))
    return found


def _show_history(past: list[dict[str, Any]]) -> None:
    from trivium.cli._output import console
    from trivium.figures import table

    if not past:
        return
    rows = [
        (
            str(one["on"]),
            f"{one['run_rate_usd'] / 1e9:g}",
            *(
                f"{one['committed_usd'][name] / 1e9:g} = {one['static_years'][name]:.3g}"
                for name in one["static_years"]
            ),
            f"{one['claim']} ({one['status']})",
        )
        for one in past
    ]
    head = ("day", "run rate, bn", "headline, bn = years", "contracted", "firm", "claim of the run rate")
    screen = console()
    drawn = table(head, rows, title="What had been committed by the day of each run rate")
    screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)


def _without(deals: Sequence[Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    known = {deal.name for deal in deals}
    for name in names:
        if name not in known:
            raise UserError("--cancelled", name, "name a deal by its id, such as D045 (trivium capital deals)")
    return tuple(deal for deal in deals if deal.name not in names)


def rate_of(given: str | None, snapshot: Any, party: str) -> tuple[Fraction, Claim | None]:
    """The run rate, and the claim it is from: the latest that is not unconfirmed, else the latest."""
    from trivium.capital.cover import run_rates
    from trivium.core import FactError

    if given is not None:
        try:
            rate = Decimal(given)
        except InvalidOperation:
            rate = Decimal(0)
        if not (rate.is_finite() and 1 <= rate <= _USD_MAX):
            raise UserError("--run-rate", given, f"give USD a year, 1 to {_USD_MAX:g}, such as 47e9")
        return Fraction(rate), None
    try:
        claimed = run_rates(snapshot, party)
    except FactError as error:
        raise UserError("--run-rate", "none", f"give it: {error}") from error
    sure = [one for one in claimed if one[2].status != "unconfirmed"] or list(claimed)
    return sure[-1][1], sure[-1][2]


def scenario_of(
    rate: Fraction,
    given: tuple[float | None, float | None, float | None],
    cash: float,
    fade: tuple[float | None, float],
    run: tuple[int, int, float],
) -> _Scenario | None:
    """What the reader assumes, None if nothing is given. UserError for a half of it."""
    from trivium.capital.cover import Growth, Means

    growth, spread, share = given
    names = ("--growth", "--spread", "--share")
    missing = [name for name, value in zip(names, given, strict=True) if value is None]
    if len(missing) == len(names):
        return None
    if growth is None or spread is None or share is None:
        raise UserError(missing[0], "none", f"a scenario needs {', '.join(names)} together")
    for name, value in (("--growth", growth), ("--growth-end", fade[0])):
        if value is not None and not 0 < value < math.inf:
            raise UserError(name, value, "give a factor a year above 0, such as 1.5")
    if not 0 < run[2] < 1:
        raise UserError("--accepted", run[2], "give a probability between 0 and 1")
    end = None if fade[0] is None else math.log(fade[0])
    return _Scenario(Growth(float(rate), math.log(growth), spread, end, fade[1]), Means(share, cash), *run)


def _shortfalls(scenario: _Scenario, due: dict[Any, Dues]) -> dict[str, tuple[Shortfall, float | None]]:
    from trivium.capital.cover import break_even_growth, revenue_usd, shortfall

    found: dict[str, tuple[Shortfall, float | None]] = {}
    with cli.progress("futures") as note:
        quarters = len(next(iter(due.values())).starts)
        revenue = revenue_usd(scenario.growth, quarters, scenario.paths, scenario.seed)
        for done, (degree, one) in enumerate(due.items(), 1):
            totals = [float(usd) for usd in one.total_usd]
            least = break_even_growth(
                scenario.growth,
                scenario.means,
                totals,
                share=scenario.accepted,
                paths=min(scenario.paths, 4000),
                seed=scenario.seed,
            )
            found[degree.value] = shortfall(revenue, scenario.means, totals), least
            note(done, len(due))
    return found


def _years(firmness: Firmness, rate: Fraction, growth: float | None) -> list[tuple[str, Fraction, float, float | None]]:
    from trivium.capital.cover import grown_years, static_years

    rows = []
    for name, usd in (
        ("headline", firmness.headline_usd),
        ("contracted", firmness.contracted_usd),
        ("firm", firmness.firm_usd),
    ):
        static = static_years(float(usd), float(rate))
        grown = None if growth is None else grown_years(float(usd), float(rate), math.log(growth))
        rows.append((name, usd, static, grown))
    return rows


def _document(
    day: date,
    who: tuple[str, Fraction, Claim | None],
    firmness: Firmness,
    due: dict[Any, Dues],
    scenario: _Scenario | None,
    found: dict[str, tuple[Shortfall, float | None]] | None,
    growth: float | None,
) -> dict[str, Any]:
    name, rate, claim = who
    document: dict[str, Any] = {
        "as_of": day,
        "party": name,
        "run_rate_usd": float(rate),
        "run_rate_claim": None if claim is None else claim.id,
        "cover": [
            {
                "degree": degree,
                "committed_usd": float(usd),
                "static_years": static,
                "grown_years": None if grown == math.inf else grown,
            }
            for degree, usd, static, grown in _years(firmness, rate, growth)
        ],
        "unknown_amounts": firmness.unknown,
        "due_by_quarter": {
            degree.value: {
                "starts": one.starts,
                "total_usd": [float(usd) for usd in one.total_usd],
                "deals": {row.deal_id: [float(usd) for usd in row.usd] for row in one.deals},
            }
            for degree, one in due.items()
        },
        "schedules_assumed": sorted(
            {f"{row.deal_id}: {text}" for one in due.values() for row in one.deals for text in row.assumed}
        ),
        "scenario": scenario,
        "not_a_finding": shared.NOT_A_FINDING,
    }
    if scenario is not None and found is not None:
        document["cone_usd"] = {
            str(share): [
                scenario.growth.quantile_usd(at / 4, share) for at in range(1, len(next(iter(due.values())).starts) + 1)
            ]
            for share in _QUANTILES
        }
        document["shortfall"] = {
            degree: {"probability": one.probability, "break_even_growth": _factor(least), "detail": one}
            for degree, (one, least) in found.items()
        }
    return document


def _factor(rate: float | None) -> float | None:
    return None if rate is None else math.exp(rate)


def _show(
    day: date, who: tuple[str, Fraction, Claim | None], firmness: Firmness, due: dict[Any, Dues], growth: float | None
) -> None:
    from trivium.cli._output import console
    from trivium.figures import table

    name, rate, claim = who
    screen = console()
    source = "given" if claim is None else f"{claim.id}, {claim.status}, {claim.valid_from}"
    rows = [
        (
            degree,
            shared.billions(usd),
            f"{static:.3g}",
            "" if grown is None else "never" if grown == math.inf else f"{grown:.3g}",
        )
        for degree, usd, static, grown in _years(firmness, rate, growth)
    ]
    title = f"{name} as of {day}, run rate {shared.billions(rate)} bn USD a year ({source})"
    head = ("degree", "committed, bn USD", "years of run rate", "" if growth is None else f"at x{growth:g} a year")
    screen.print(table(head, rows, title=title).terminal(screen.width), markup=False, soft_wrap=True)
    for degree, usd, _, _ in _years(firmness, rate, growth):
        screen.print(f"{degree}: {shared.billions(usd)} / {shared.billions(rate)}", markup=False, soft_wrap=True)
    if firmness.unknown:
        unknown = ", ".join(one.removeprefix("deal.") for one in firmness.unknown)
        screen.print(f"amount unknown, in no figure: {unknown}", markup=False, soft_wrap=True)
    years: dict[int, dict[str, Fraction]] = {}
    for degree, one in due.items():
        for start, usd in zip(one.starts, one.total_usd, strict=True):
            row = years.setdefault(start.year, {})
            row[degree.value] = row.get(degree.value, Fraction(0)) + usd
    lines = [
        (str(year), *(shared.billions(row[degree.value]) for degree in due)) for year, row in sorted(years.items())
    ]
    head = ("quarters that begin in", *(degree.value for degree in due))
    drawn = table(head, lines, title="Falls due, bn USD (maturity ladder)")
    screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)
    assumed = sorted({row.deal_id.removeprefix("deal.") for one in due.values() for row in one.deals if row.assumed})
    if assumed:
        screen.print(f"schedules partly assumed: {', '.join(assumed)} (trivium capital deal ID)", markup=False)


def _show_scenario(
    day: date, scenario: _Scenario | None, found: dict[str, tuple[Shortfall, float | None]] | None
) -> None:
    from trivium.capital.cover import RATE_LEAST
    from trivium.cli._output import console
    from trivium.figures import table

    screen = console()
    if scenario is None or found is None:
        screen.print(f"\n{_NO_PROBABILITY}\n{shared.NOT_A_FINDING}", markup=False, soft_wrap=True)
        return
    growth, means = scenario.growth, scenario.means
    fading = (
        ""
        if growth.growth_end is None
        else f" fading to x{math.exp(growth.growth_end):g} (half-life {growth.half_life_years:g} years)"
    )
    screen.print(
        f"\nYour scenario: growth x{math.exp(growth.growth):g} a year{fading}, spread {growth.spread:g}, "
        f"{means.share_of_revenue:.0%} of revenue free for dues, cash {means.cash_usd / 1e9:g} bn USD; "
        f"{scenario.paths:,} futures, seed {scenario.seed}",
        markup=False,
        soft_wrap=True,
    )
    rows = []
    for degree, (one, least) in found.items():
        rows.append(
            (
                degree,
                f"{one.probability:.3f} +- {2 * one.standard_error:.3f}",
                _when(day, one.first_quarter_5),
                _when(day, one.first_quarter_50),
                f"{one.gap_mean_usd / 1e9:.1f} / {one.gap_tail_usd / 1e9:.1f}",
                "none up to x148" if least is None else f"x{math.exp(least):.2f}{' or less' * (least <= RATE_LEAST)}",
            )
        )
    head = (
        "degree",
        "share of futures short",
        "first, 5 %",
        "first, 50 %",
        "gap mean / worst 5 %, bn USD",
        "break-even growth",
    )
    title = f"If that were so (break-even growth accepts {scenario.accepted:.0%})"
    screen.print(table(head, rows, title=title).terminal(screen.width), markup=False, soft_wrap=True)
    screen.print(
        f"\nA reading of your scenario, not a finding about the party. {shared.NOT_A_FINDING}",
        markup=False,
        soft_wrap=True,
    )


def _when(day: date, quarter: int | None) -> str:
    if quarter is None:
        return "never"
    month = day.year * 12 + day.month - 1 + 3 * quarter
    return f"{month // 12}-{month % 12 + 1:02d}"
