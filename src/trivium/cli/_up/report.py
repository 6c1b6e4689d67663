"""What a run found, as values and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trivium.cli._up.replay import Killed, Outcome
from trivium.cli._up.site import Site
from trivium.cli._up.trace import Chosen, Kind
from trivium.core import Money, SystemClock

if TYPE_CHECKING:
    from rich.console import Console

    from trivium.ledger import Explanation, SpendRow
    from trivium.plan import Plan

_BY = ("workload", "model", "surface")


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the screen and the JSON file show."""

    chosen: Chosen
    outcome: Outcome
    spend: tuple[SpendRow, ...]
    total: SpendRow | None
    ledger_usd: Money
    unpriced: int
    lab_usd: Money
    cache_hit_rate: float
    walk: Explanation | None
    plan: Plan
    snapshot: str
    book: str

    @property
    def difference(self) -> Money:
        """The ledger minus the lab's own bill."""
        return self.ledger_usd - self.lab_usd


def gather(site: Site, chosen: Chosen, outcome: Outcome, catalog: Any, plan: Plan) -> Figures:
    """Read the ledger and the lab's bill."""
    from trivium.ledger import Ledger, explain
    from trivium.pricing import PriceBook

    clock = SystemClock()

    def cut(day: Any) -> tuple[Any, str]:
        snapshot = catalog.snapshot(day)
        return snapshot, PriceBook.from_snapshot(snapshot).digest

    with Ledger.open(site.ledger, clock=clock, must_exist=True) as ledger:
        rows = ledger.spend(_BY)
        (total,) = ledger.spend(()) or (None,)
        example = _example(ledger)
        walk = explain(ledger, example, cut) if example else None
    snapshot = catalog.snapshot(clock.now().date())
    bill = site.control("GET", "/bill")
    return Figures(
        chosen=chosen,
        outcome=outcome,
        spend=rows,
        total=total,
        ledger_usd=total.amount if total else Money(0),
        unpriced=total.unpriced if total else 0,
        lab_usd=Money.from_usd(bill["total_usd"]),
        cache_hit_rate=(total.cache_hit_rate or 0.0) if total else 0.0,
        walk=walk,
        plan=plan,
        snapshot=snapshot.digest,
        book=PriceBook.from_snapshot(snapshot).digest,
    )


def _example(ledger: Any) -> str:
    """The attempt whose amount is walked back: the dearest of the first hundred that read and wrote a cache."""
    best, best_amount = "", Money(-1)
    for number, event in enumerate(ledger.events()):
        usage = event.closed.usage
        if number >= 100 and best:  # noqa: PLR2004  enough to choose from
            break
        if usage.cache_read and usage.cache_write_5m and usage.output:
            amount = ledger.rating(event.opened.event_id).amount
            if amount is not None and amount > best_amount:
                best, best_amount = event.opened.event_id, amount
    return best


def as_json(figures: Figures) -> dict[str, Any]:
    """The figures for a program; money as decimal strings."""
    from trivium.cli._ledger import why_values
    from trivium.plan import plan_json

    plan = plan_json(figures.plan)
    killed = figures.outcome.killed
    return {
        "trace": {
            "kind": figures.chosen.kind.name.lower(),
            "source": figures.chosen.source,
            "start": figures.chosen.start.isoformat(),
            "end": figures.chosen.end.isoformat(),
            "conversations": len(figures.chosen.conversations),
            "unread": list(figures.chosen.unread),
        },
        "requests": figures.chosen.requests,
        "errors": figures.outcome.errors,
        "streamed": sum(answer.request.stream for answer in figures.outcome.answers),
        "ledger_usd": str(figures.ledger_usd),
        "lab_usd": str(figures.lab_usd),
        "difference_usd": str(figures.difference),
        "unpriced": figures.unpriced,
        "cache_hit_rate": round(figures.cache_hit_rate, 6),
        "spend": [
            {
                **dict(zip(_BY, row.keys, strict=True)),
                "requests": row.requests,
                "attempts": row.attempts,
                "amount_usd": str(row.amount),
                "cache_hit_rate": row.cache_hit_rate,
            }
            for row in figures.spend
        ],
        "levers": plan["levers"],
        "plan": plan,
        "killed_surface": _killed_json(killed) if killed else None,
        "walk": why_values(figures.walk) if figures.walk else None,
        "snapshot": figures.snapshot,
        "book": figures.book,
    }


def _killed_json(killed: Killed) -> dict[str, Any]:
    return {
        "surface": killed.surface,
        "after_requests": killed.after_requests,
        "extra_attempts": killed.extra_attempts,
        "requests_moved": killed.requests_moved,
        "errors": killed.errors,
        "lost_prefix_tokens": killed.lost_prefix_tokens,
        "lost_cache_usd": str(killed.lost_cache_usd),
    }


def announce(screen: Console, chosen: Chosen, left_out: int) -> None:
    """Say what is going to be replayed, and at what time."""
    screen.print(f"[bold]Replaying {chosen.kind.value}[/bold]: {chosen.source}", markup=True)
    screen.print(
        f"  {chosen.requests:,} of {chosen.available:,} requests in {len(chosen.conversations)} conversations; "
        "every second one streamed; think times left out"
    )
    if chosen.unread:
        screen.print(
            f"  left out: {len(chosen.unread):,} rows that cannot be read, the first: {chosen.unread[0]}", markup=False
        )
    if left_out:
        screen.print(f"  left out: {left_out:,} requests of conversations whose model or prompt no surface sold then")
    if chosen.kind is Kind.NAMED and chosen.start.date().isoformat() != "2026-04-15":
        pinned = "the file's own times"
    else:
        pinned = "pinned to 2026-04-15, when its models were current"
    screen.print(f"  time and prices: {chosen.start:%Y-%m-%d %H:%M} to {chosen.end:%Y-%m-%d %H:%M} UTC, {pinned}")
    screen.print("  new input counts as 5-minute cache writes, re-used prefix as reads; idle gaps expire them")
    screen.print("  answers come from the lab, whose tokenizer is synthetic (one word, one token)")


def show(screen: Console, figures: Figures) -> None:
    """The report for a person."""
    from trivium.cli._ledger import why_lines
    from trivium.plan import plan_text

    _show_spend(screen, figures)
    if figures.walk:
        screen.rule("One amount walked back to its source", align="left")
        screen.print("\n".join(why_lines(figures.walk)), markup=False)
    screen.rule("The plan", align="left")
    screen.print(plan_text(figures.plan))
    killed = figures.outcome.killed
    if killed:
        screen.rule(f"One surface lost: {killed.surface}, after {killed.after_requests:,} requests", align="left")
        screen.print(
            f"  {killed.requests_moved:,} requests of its sessions were served elsewhere with "
            f"{killed.extra_attempts:,} extra attempts; {killed.errors} reached their client as an error"
        )
        screen.print(
            f"  {killed.lost_prefix_tokens:,} cached tokens had to be written again: {killed.lost_cache_usd} USD"
        )
    screen.print(f"\nsnapshot {figures.snapshot[:12]} · price book {figures.book[:12]}", markup=False)


def _show_spend(screen: Console, figures: Figures) -> None:
    from trivium.cli.spend import spend_text
    from trivium.figures import bar_chart

    screen.rule("Spend", align="left")
    screen.print(spend_text(_BY, figures.spend, figures.total, screen.width, chart=False), markup=False)
    by_surface: dict[str, Money] = {}
    for row in figures.spend:
        by_surface[row.keys[2]] = by_surface.get(row.keys[2], Money(0)) + row.amount
    dearest_first = sorted(by_surface.items(), key=lambda item: item[1], reverse=True)
    bars = [(name, float(amount.usd), f"{amount.rounded(2)} USD") for name, amount in dearest_first]
    screen.print(bar_chart(bars, title="USD by surface").terminal(min(screen.width, 100)), markup=False)
    screen.print(
        f"requests {figures.chosen.requests:,} · errors {figures.outcome.errors} · "
        f"cache hit rate {figures.cache_hit_rate:.2%}"
    )
    if figures.unpriced:
        screen.print(
            f"{figures.unpriced} attempts have no known usage: their connection was lost with the surface that was "
            "pulled down, so they are bounded and not counted"
        )
    screen.print(
        f"ledger {figures.ledger_usd} USD - lab's own bill {figures.lab_usd} USD = [bold]{figures.difference}[/bold]",
        markup=True,
    )


def exports(site: Site, keys: Mapping[str, str]) -> list[str]:
    """The two lines that point a client at the gateway."""
    key = keys.get("claude-code") or next(iter(keys.values()))
    return [f"export ANTHROPIC_BASE_URL={site.gateway_url}", f"export ANTHROPIC_API_KEY={key}"]
