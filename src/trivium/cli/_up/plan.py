"""The plan of a run, from its own ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trivium.cli._up.site import SURFACES, Site
from trivium.cli._up.trace import Chosen
from trivium.core import SystemClock

if TYPE_CHECKING:
    from trivium.plan import Plan
    from trivium.pricing import PriceBook


def make(site: Site, chosen: Chosen, snapshot: Any, book: PriceBook) -> Plan:
    """Where each workload should run, at the prices of the replayed time, on the surfaces of the site."""
    from trivium.ledger import Ledger
    from trivium.plan import PlanOptions, demand_from_ledger, solve

    with Ledger.open(site.ledger, clock=SystemClock(), must_exist=True) as ledger:
        demands = demand_from_ledger(ledger, book)
    return solve(demands, (), snapshot, book, chosen.start.date(), options=PlanOptions(surfaces=SURFACES))
