"""What the ledger's commands share: its path, dated prices, progress on stderr, and the walk back of one amount."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.core import Outcome, SystemClock, UserError, parse_utc
from trivium.core.files import write_whole

if TYPE_CHECKING:
    from trivium.ledger import Explanation, Ledger
    from trivium.plan.org import Question

DEFAULT_DB = Path(".trivium/ledger.db")

Db = Annotated[Path, typer.Option("--db", envvar="TRIVIUM_DB", help="The ledger's file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Overlay = Annotated[list[Path] | None, typer.Option(help="A folder of your own claims, laid over the shipped ones.")]
AsOf = Annotated[str | None, typer.Option(help="Price by what had been announced by this day; today if not given.")]

_DURATION = re.compile(r"(\d{1,9})([smhd])")
_DAYS = (date(1990, 1, 1), date(2199, 12, 31))  # every month and window around one of them exists
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@contextmanager
def opened(db: Path, *, must_exist: bool = True) -> Iterator[Ledger]:
    """The ledger for a command that prices nothing."""
    from trivium.ledger import Ledger

    with Ledger.open(db, clock=SystemClock(), must_exist=must_exist) as ledger:
        yield ledger


@contextmanager
def pricing(
    db: Path, overlays: Sequence[Path] | None, as_of: str | None, *, must_exist: bool = True
) -> Iterator[Ledger]:
    """The ledger with the price book of a day."""
    from trivium import catalog
    from trivium.ledger import Ledger
    from trivium.pricing import PriceBook

    facts = catalog.load(tuple(overlays or ()))
    priced_on = day(as_of, "as-of")
    book = cache(lambda: PriceBook.from_snapshot(facts.snapshot(priced_on)))
    with Ledger.open(db, clock=SystemClock(), book=book, must_exist=must_exist) as ledger:
        yield ledger


def instant(text: str | None, option: str) -> datetime | None:
    """An option's date or instant; a bare date is its first moment in UTC."""
    if text is None:
        return None
    try:
        found = parse_utc(text)
    except (ValueError, OverflowError) as error:
        raise UserError(f"--{option}", text, "give a date such as 2026-11-01, or an instant") from error
    _within_reach(found.date(), text, option)
    return found


def _within_reach(found: date, text: str, option: str) -> None:
    if not _DAYS[0] <= found <= _DAYS[1]:
        raise UserError(f"--{option}", text, f"give a day from {_DAYS[0]} to {_DAYS[1]}")


def day(text: str | None, option: str) -> date:
    """An option's day; today if it is not given."""
    if text is None:
        return SystemClock().now().date()
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--{option}", text, "give a date such as 2026-11-01") from error
    _within_reach(found, text, option)
    return found


def duration(text: str, option: str) -> timedelta:
    """An option's length of time, such as 30s, 15m, 1h or 2d."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UserError(f"--{option}", text, "give a number and s, m, h or d, such as 30s, 15m, 1h or 2d")
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def future(text: str, option: str) -> datetime:
    """An option's instant, or a length of time from now on."""
    if _DURATION.fullmatch(text):
        return SystemClock().now() + duration(text, option)
    found = instant(text, option)
    if found is None:
        raise UserError(f"--{option}", text, "give a date, or a length of time such as 30d")
    return found


def output(option: str, path: Path | None, *endings: str) -> None:
    """Refuse, before anything is computed, a file that could not be written: only the product's own folder is made."""
    if path is None:
        return
    if endings and path.suffix not in endings:
        raise UserError(option, str(path), f"give a name that ends in {' or '.join(endings)}")
    if path.is_dir():
        raise UserError(option, str(path), "name a file: this is a folder")
    if not path.parent.is_dir() and path.parent != DEFAULT_DB.parent:
        raise UserError(option, str(path), f"make the folder {path.parent} first, or name a file in one that exists")


def written(option: str, path: Path, content: bytes) -> None:
    """Write a file whole; UserError names the option if it cannot be."""
    output(option, path)
    try:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise UserError(option, str(path), f"make it writable ({error.strerror})") from error


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Options of the form name=value."""
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UserError(f"--{option}", text, "give name=value")
        found[name] = value
    return found


def prompt(question: Question, remedy: str) -> str:
    """Ask at the terminal; what is empty takes the default. UserError with the remedy where there is none."""
    if not sys.stdin.isatty():
        raise UserError("--ask", "no terminal", remedy)
    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    return str(typer.prompt(f"{question.text}{choices}", default=question.default, err=True)).strip()


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr, where it is a terminal; the function takes what is done and the whole, if that is known."""
    from rich.console import Console
    from rich.progress import Progress

    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task(title, total=None)

        def show(done: int, total: int | None) -> None:
            bars.update(task, completed=done, total=total)

        yield show


def print_why(db: Path, name: str, overlays: Sequence[Path] | None, *, as_json: bool) -> None:
    """Print the walk back of one attempt's amount, or of all attempts of a request with their decisions."""
    from trivium.cli._decision import decision_lines, decision_values, request_head, total_of
    from trivium.cli._output import console, print_json

    with opened(db) as ledger:
        attempts = ledger.attempts(name)
        walk = _walker(ledger, overlays)
        walks = {one.event_id: walk(one.event_id) for one in attempts if ledger.ended(one.event_id)}
    if len(attempts) == 1 and attempts[0].event_id == name and walks:
        if as_json:
            print_json(why_values(walks[name]))
        else:
            console().print("\n".join(why_lines(walks[name])), markup=False)
        return
    request_id = attempts[0].request_id
    if as_json:
        total, unpriced = total_of(tuple(walks.values()))
        values = [
            why_values(walks[one.event_id])
            if one.event_id in walks
            else {"event_id": one.event_id, "at": one.at, "outcome": None, "decision": decision_values(one.decision)}
            for one in attempts
        ]
        print_json({"request_id": request_id, "amount_usd": total, "unpriced": unpriced, "attempts": values})
        return
    lines = [request_head(request_id, attempts, tuple(walks.values()))]
    for one in attempts:
        if one.event_id in walks:
            lines += why_lines(walks[one.event_id])
        else:
            lines += [f"{one.event_id}: has not ended  {one.offer}", *decision_lines(one.decision)]
    console().print("\n".join(lines), markup=False)


def walk_back(db: Path, event_id: str, overlays: Sequence[Path] | None) -> Explanation:
    """One amount and what it rests on, through the facts of the day of its price book."""
    with opened(db) as ledger:
        return _walker(ledger, overlays)(event_id)


def _walker(ledger: Ledger, overlays: Sequence[Path] | None) -> Callable[[str], Explanation]:
    from trivium import catalog
    from trivium.ledger import explain
    from trivium.pricing import PriceBook

    facts = catalog.load(tuple(overlays or ()))

    @cache
    def cut(as_of: date) -> tuple[Any, str]:
        snapshot = facts.snapshot(as_of)
        return snapshot, PriceBook.from_snapshot(snapshot).digest

    return lambda event_id: explain(ledger, event_id, cut)


def why_lines(found: Explanation) -> list[str]:
    """The walk for reading."""
    from trivium.cli._decision import decision_lines

    opened, closed, rating = found.event.opened, found.event.closed, found.rating
    amount = f"{rating.amount} USD" if rating.amount is not None else f"unpriced: {rating.reason}"
    state = f"outcome {closed.outcome.value}, counts {closed.quality.value}"
    lines = [
        f"{opened.event_id}: {amount}",
        f"  attempt   {opened.at.isoformat()}  {rating.offer}  workload {opened.workload}, {state}",
        *(
            []
            if closed.outcome is Outcome.OK
            else [f"  ended     {closed.terminal_state.value} {closed.error_type}".rstrip()]
        ),
        *decision_lines(opened.decision),
    ]
    if rating.lower is not None or rating.upper is not None:
        upper = "unknown" if rating.upper is None else f"{rating.upper} USD"
        lines.append(f"  bounds    from {rating.lower or 0} to {upper}")
    if rating.book_digest is not None:
        told = "the facts of that day still give it" if found.same_book else "the facts give another book now"
        lines.append(f"  book      {rating.book_digest[:12]}, prices as announced by {rating.book_as_of}: {told}")
    claims: dict[str, Any] = {}
    for because in found.lines:
        line = because.line
        claims |= {claim.id: claim for claim in because.claims}
        lines.append(f"  {line.unit:<15} {line.count:>9,} x {line.rate_picos:>12,} pico-USD = {line.amount} USD")
        lines.append(f"    price   {line.cell_id}" + _authored(because.cell))
        lines.append(f"    claims  {', '.join(claim.id for claim in because.claims)}")
        lines += [f"    missing {missing}" for missing in because.missing]
    if found.lines:
        lines.append(f"  sum of lines {found.sum_of_lines} USD")
    for claim in claims.values():
        lines.append(f"  claim {claim.id} ({claim.status})")
        for source in claim.sources:
            lines.append(f"    source  {source.title} · {source.address} · {source.date}")
            lines += [f"            “{source.quote}”"] if source.quote else []
    if found.note:
        lines.append(f"  note      {found.note}")
    return lines


def _authored(cell: Any) -> str:
    return "" if cell is None else f"  ({cell.amount_usd} USD as published)"


def why_values(found: Explanation) -> dict[str, object]:
    """The walk as plain values."""
    from trivium.cli._decision import decision_values

    opened, closed, rating = found.event.opened, found.event.closed, found.rating
    return {
        "event_id": opened.event_id,
        "at": opened.at,
        "offer": rating.offer,
        "workload": opened.workload,
        "outcome": closed.outcome,
        "state": closed.terminal_state,
        "quality": closed.quality,
        "usage": dict(closed.usage),
        "usage_lower": None if closed.usage_lower is None else dict(closed.usage_lower),
        "usage_upper": None if closed.usage_upper is None else dict(closed.usage_upper),
        "decision": decision_values(opened.decision),
        "amount_usd": rating.amount,
        "reason": rating.reason,
        "lower_usd": rating.lower,
        "upper_usd": rating.upper,
        "book_digest": rating.book_digest,
        "book_as_of": rating.book_as_of,
        "book_digest_now": found.book_digest_now,
        "same_book": found.same_book,
        "note": found.note,
        "lines": [
            {
                "unit": because.line.unit,
                "count": because.line.count,
                "rate_picos": because.line.rate_picos,
                "amount_usd": because.line.amount,
                "cell": because.line.cell_id,
                "claims": [
                    {
                        "id": claim.id,
                        "subject": claim.subject,
                        "predicate": claim.predicate,
                        "value": str(claim.value),
                        "unit": claim.unit,
                        "status": str(getattr(claim.status, "value", claim.status)),
                        "sources": [
                            {"title": s.title, "address": s.address, "date": s.date, "quote": s.quote}
                            for s in claim.sources
                        ],
                    }
                    for claim in because.claims
                ],
                "missing": because.missing,
            }
            for because in found.lines
        ],
    }
