"""Who answers the five questions of each workload, names the dates, and says what uncounted claims would be worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trivium.catalog import Snapshot
from trivium.core import AmbiguousOffer, Checkpoint, NoPrice
from trivium.plan._candidates import Excluded, lives
from trivium.plan._demand import Demand
from trivium.plan._market import UNCACHED, BookMarket, demand_cost
from trivium.plan._months import DAYS_PER_MONTH
from trivium.plan.decide._attested import attested
from trivium.plan.decide._evidence import ByClaims
from trivium.plan.decide._frame import Framed
from trivium.plan.decide._opening import in_use
from trivium.plan.decide._parts import Part
from trivium.plan.decision import Answer, Basis, Ground, Stage, WhatIfTrue
from trivium.plan.money import Path, PriceAsk, real_price
from trivium.plan.questions import (
    Asked,
    Occasion,
    alternatives,
    checkpoint_answer,
    checkpoints,
    tuning_window,
    workload_type,
)
from trivium.plan.seats import DepthAsk, SeatUsage, microsoft_depth
from trivium.pricing import PriceBook

_NOT_COUNTED = "shown, never counted"
_CENT = 0.005
_SHOWN_MAX = 20


class Voices(Protocol):
    """What is said beside the numbers."""

    def answers(self, framed: Framed, workload: str, told: Sequence[Stage], ids: Sequence[str]) -> tuple[Answer, ...]:
        """The five answers, in order; fewer where one cannot be given."""
        ...

    def dates(self, framed: Framed, told: Sequence[Stage], ids: Sequence[str]) -> tuple[Checkpoint, ...]:
        """Every day on which to look again."""
        ...

    def what_if(self, framed: Framed, monthly_usd: Sequence[float]) -> tuple[WhatIfTrue, ...]:
        """What uncounted claims would be worth, given what each part costs a month as planned."""
        ...

    def instead(self, framed: Framed, workload: str) -> tuple[str, ...]:
        """What platforms do offer where they do not offer what a workload asks for."""
        ...


@dataclass(frozen=True)
class Evidence:
    """The voices that speak from claims, measurements and the organisation's file."""

    by_claims: ByClaims
    seat_usage: tuple[SeatUsage, ...] = ()
    list_book: PriceBook | None = None

    def answers(self, framed: Framed, workload: str, told: Sequence[Stage], ids: Sequence[str]) -> tuple[Answer, ...]:
        """See Voices."""
        given = framed.given
        needs = given.organisation.needs(workload)
        demands = tuple(demand for demand in given.demands if demand.workload == workload)
        found = [
            workload_type(demands, needs, given.snapshot, given.at),
            tuning_window(needs.tuning, given.snapshot, given.at),
        ]
        try:
            found.append(real_price(self._price_ask(framed, workload, demands)).answer)
            found.append(microsoft_depth(self._depth_ask(framed, workload, demands)).answer)
        except NoPrice as error:
            unknown = Basis((Ground.CLAIM,), note="no price is known for what runs now")
            found.append(Answer("price", "unpriced", str(error), "", (), unknown))
        found.append(checkpoint_answer(workload, self._occasion(framed, told, ids)))
        return tuple(found)

    def dates(self, framed: Framed, told: Sequence[Stage], ids: Sequence[str]) -> tuple[Checkpoint, ...]:
        """See Voices."""
        return checkpoints(self._occasion(framed, told, ids))

    def instead(self, framed: Framed, workload: str) -> tuple[str, ...]:
        """See Voices."""
        needs = framed.given.organisation.needs(workload)
        if needs.tuning is None:
            return ()
        models = [demand.model for demand in framed.given.demands if demand.workload == workload]
        found = alternatives(framed.given.snapshot, models[0] if models else "", framed.given.at)
        return tuple(str(item) for item in found)

    def what_if(self, framed: Framed, monthly_usd: Sequence[float]) -> tuple[WhatIfTrue, ...]:
        """See Voices: offers that only an uncounted price, or an attestation not shown, keeps out of a cheaper plan."""
        months = float((framed.scenes.demand.mean(axis=(0, 1)) * framed.scenes.month_weight).sum())
        market = BookMarket(framed.given.book, framed.given.at)
        found: dict[str, WhatIfTrue] = {}
        for part, cost, excluded in zip(framed.parts, monthly_usd, framed.ways.excluded, strict=True):
            for out in excluded:
                if _NOT_COUNTED in out.reason and out.claim_ids:
                    then = _monthly(part, out, market, framed.span_days[part.workload])
                    if then is not None and cost - then > _CENT:
                        text = f"the price of {out.offer} is as stated"
                        saving, changes = (cost - then) * months, f"{part.name} would move there"
                        before = found.get(out.claim_ids[0])
                        if before is None or before.saving_usd < saving:
                            found[out.claim_ids[0]] = WhatIfTrue(out.claim_ids[0], text, saving, changes)

        def priced(part: Part, out: Excluded) -> float | None:
            return _monthly(part, out, market, framed.span_days[part.workload])

        every = (*found.values(), *attested(framed, monthly_usd, priced))
        return tuple(sorted(every, key=lambda item: (-item.saving_usd, item.claim_id))[:_SHOWN_MAX])

    def _price_ask(self, framed: Framed, workload: str, demands: tuple[Demand, ...]) -> PriceAsk:
        given = framed.given
        about = given.organisation.about
        entry = given.organisation.workloads.get(workload)
        row = framed.cone.names.index(workload)
        low, _, _, _, high = framed.demand_quantiles[row]
        mean = framed.cone.paths[row].mean(axis=0)
        note = "; ".join(framed.model.assumptions)
        path = Path(
            tuple(map(float, mean)), Basis((Ground.MEASURED, Ground.ASSUMPTION), note=note), _plain(low), _plain(high)
        )
        surfaces = (entry.surfaces if entry is not None else ()) or framed.terms.surfaces
        return PriceAsk(
            workload=workload,
            demands=demands,
            needs=given.organisation.needs(workload),
            snapshot=given.snapshot,
            book=given.book,
            at=given.at,
            path=path,
            span_days=framed.span_days[workload],
            list_book=self.list_book,
            contracts=given.organisation.contracts,
            surfaces=tuple(name for name in framed.terms.surfaces if name in surfaces),
            quota_tiers=about.quota_tiers,
        )

    def _depth_ask(self, framed: Framed, workload: str, demands: tuple[Demand, ...]) -> DepthAsk:
        given = framed.given
        days = framed.span_days[workload]
        return DepthAsk(
            workload, given.organisation, demands, given.snapshot, given.book, given.at, days, self.seat_usage
        )

    def _occasion(self, framed: Framed, told: Sequence[Stage], ids: Sequence[str]) -> Occasion:
        given = framed.given
        used = {(stage.workload, stage.offer) for stage in told}
        asked = tuple(
            dict.fromkeys(
                Asked(workload, text, verdict.claim_ids)
                for (workload, offer), verdict in self.by_claims.verdicts.items()
                if (workload, offer) in used
                for text in verdict.unknown
            )
        )
        months = given.organisation.about.horizon_months
        open_now = in_use(given.organisation, given.demands)
        return Occasion(given.organisation, told, given.snapshot, given.at, months, ids, asked, open_now)


def speaking(snapshot: Snapshot, seat_usage: Sequence[SeatUsage] = (), list_book: PriceBook | None = None) -> Evidence:
    """The voices for a snapshot; its `by_claims` is what the frame asks for feasibility."""
    return Evidence(ByClaims(snapshot), tuple(seat_usage), list_book)


def _plain(values: np.ndarray) -> tuple[float, ...]:
    return tuple(map(float, values))


def _monthly(part: Part, out: Excluded, market: BookMarket, days: float) -> float | None:
    """What a part would cost a month on an offer, in its cheapest cache life; None if that has no price."""
    costs = []
    for life in (UNCACHED,) if out.offer.tier == "batch" else lives(part.demand):
        try:
            costs.append(demand_cost(part.demand.rows, out.offer, life, market, part.demand.band_starts))
        except (NoPrice, AmbiguousOffer):
            continue
    return float(min(costs) * part.fraction) / 1e12 / days * DAYS_PER_MONTH if costs else None
