"""A drill in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivium.cli._drill.measure import PHASES
from trivium.cli._drill.outage import HOW
from trivium.cli._drill.record import Drill

if TYPE_CHECKING:
    from rich.console import Console


def show(screen: Console, drill: Drill) -> None:
    """Print what was lost, how long it took, and what it cost."""
    from rich.table import Table

    recovery, cost = drill.recovery, drill.cost
    screen.rule(f"{drill.surface} away: {HOW[drill.how]}", align="left")
    table = Table("answered by", *PHASES)
    for surface in sorted({name for found in drill.served.values() for name in found}):
        table.add_row(surface, *(f"{drill.served[phase].get(surface, 0):,}" for phase in PHASES))
    screen.print(table)
    lines = [
        f"requests lost        {drill.lost} of {drill.chosen.requests:,}",
        (
            f"first byte           back after {_seconds(recovery.first_byte_s)} from the first failure "
            f"(p99 before {recovery.p99_before_ms:.0f} ms, slowest during {recovery.slowest_ms:,.0f} ms)"
        ),
        (
            f"the surface again    first answer {_seconds(recovery.served_again_s)} after its return, its weight after "
            f"{_seconds(recovery.weight_again_s)} (a breaker rests {drill.pace.breaker_open_s:g} s)"
        ),
        f"added cost           {cost.added} USD for {cost.displaced_requests:,} requests answered elsewhere"
        + (f", {cost.unpriced} without a price" if cost.unpriced else ""),
        f"cache lost           {cost.cache_lost_tokens:,} tokens, {cost.cache_lost} USD in {cost.cache_moves} moves"
        + (f", {cost.cache_unknown} of them not known" if cost.cache_unknown else ""),
        f"attempts             {cost.extra_attempts} extra"
        + (f", {cost.maybe_billed} perhaps billed without an answer" if cost.maybe_billed else ""),
    ]
    for line in (*lines, *(f"  error: {text}" for text in drill.errors)):
        screen.print(line, markup=False, soft_wrap=True)


def _seconds(value: float | None) -> str:
    return "never in this drill" if value is None else f"{value:.2f} s"
