"""Before anything is replayed: facts and prices of the day, who sells what, and a key for each workload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trivium.catalog import Catalog, Snapshot, load
from trivium.cli._up.offers import carriers
from trivium.cli._up.site import Site
from trivium.cli._up.trace import Chosen
from trivium.core import Offer, SystemClock, UserError
from trivium.ledger import Ledger
from trivium.pricing import PriceBook


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is replayed, and the facts and prices it is replayed by."""

    chosen: Chosen
    left_out: int  # requests of conversations that no surface could serve at that time
    offers: Mapping[tuple[str, str], tuple[Offer, ...]]
    catalog: Catalog
    snapshot: Snapshot
    book: PriceBook


def prepare(chosen: Chosen) -> Prepared:
    """Find the surfaces for every workload and model; leave out what none of them sells at the time of the replay."""
    facts = load()
    snapshot = facts.snapshot(SystemClock().now().date())
    book = PriceBook.from_snapshot(snapshot)
    offers = carriers(chosen.pairs(), snapshot, book, chosen.start)
    kept = chosen.only(offers)
    if not kept.conversations:
        models = ", ".join(sorted({model for _, model in chosen.pairs()}))
        raise UserError("TRACE", models, f"no surface of the lab sells these models on {chosen.start.date()}")
    return Prepared(kept, chosen.requests - kept.requests, offers, facts, snapshot, book)


def make_keys(site: Site, chosen: Chosen) -> dict[str, str]:
    """A virtual key for each workload."""
    workloads = sorted({turns[0].opened.workload for turns in chosen.conversations})
    with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
        return {workload: ledger.keys.create(workload)[1] for workload in workloads}
