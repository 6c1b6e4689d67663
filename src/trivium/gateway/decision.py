"""Takes down, while a request is routed, what was considered and why; and what leaving a living cache costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trivium.core import Considered, Decision, Money, Offer, TriviumError, UserError
from trivium.gateway.affinity import Found
from trivium.gateway.routing import Ranking
from trivium.gateway.seams import CachePrices, Failure


@dataclass(frozen=True, slots=True)
class Stake:
    """The cache that a request may lose: where it lives, what it would cost elsewhere, what may be lost without ado."""

    found: Found
    prices: CachePrices
    at: datetime
    loss_max: Money | None  # None: a switch never waits

    def loss(self, offer: Offer) -> Money | None:
        """What a switch to an offer costs: the tokens known to be cached, written instead of read; None: unknown."""
        home = self.found.home
        if home.tokens is None:
            return None
        return self.prices.rewrite(offer, home.tokens, hour=home.hour, at=self.at)

    def worth_waiting(self, offer: Offer) -> bool:
        """Whether a switch to an offer would lose more than may be lost; a loss that is not known counts as more."""
        if self.loss_max is None:
            return False
        loss = self.loss(offer)
        return loss is None or loss > self.loss_max


_NOWHERE = Ranking()


class Notes:
    """What was considered since the last attempt, in order. `page` makes the decision of the attempt that follows."""

    def __init__(
        self, ranking: Ranking = _NOWHERE, stake: Stake | None = None, *, known: bool = False, table: str = ""
    ) -> None:
        self._stake = stake
        self._known = known  # it has a session or a cacheable prefix: what it caches will be found again
        self._table = table
        self._first = ranking.first
        self._considered = list(ranking.passed)
        self._waited_s = 0.0
        self.because = "order"  # a code of core.CHOSEN: why the next attempt goes where it goes

    @property
    def stake(self) -> Stake | None:
        """The cache that a switch would lose; None where none is known."""
        return self._stake

    def passed(self, offer: Offer, code: str, detail: str = "") -> None:
        """A candidate was passed over; said once between two attempts."""
        one = Considered(str(offer), code, detail)
        if one not in self._considered:
            self._considered.append(one)

    def failed(self, offer: Offer, failure: Failure) -> None:
        """The attempt that was made there failed."""
        status = f" ({failure.error.status})" if failure.error.status else ""
        self.passed(offer, "failed", f"{failure.error_type}{status}")

    def cannot(self, offer: Offer, error: TriviumError) -> None:
        """Its adapter refused the request. The value is left out: it may be a client's own words."""
        told = f"{error.field}: {error.remedy}" if isinstance(error, UserError) else str(error)
        self.passed(offer, "cannot", told)

    def waited(self, offer: Offer, seconds: float) -> None:
        """It was waited for, for the sake of the cache that lives there."""
        self._waited_s += seconds
        self.passed(offer, "waited", f"{seconds:g} s")

    def page(self, offer: Offer) -> Decision:
        """The decision of an attempt at an offer; the next page begins empty."""
        chosen = Considered(str(offer), self.because)
        if self.because == "order" and self._first is not None and self._first.offer == chosen.offer:
            chosen = self._first
        decision = self._decision(offer, (*self._considered, chosen))
        self._considered, self._waited_s, self._first, self.because = [], 0.0, None, "order"
        return decision

    def unwritten(self, decision: Decision) -> None:
        """A page that no attempt carries: what was passed over is said on the next one."""
        self._considered = [one for one in decision.considered if not one.chosen] + self._considered
        self._waited_s += decision.waited_s

    def _decision(self, offer: Offer, considered: tuple[Considered, ...]) -> Decision:
        if self._stake is None:
            affinity = "new" if self._known else "none"
            return Decision(affinity, considered=considered, table=self._table, waited_s=self._waited_s)
        home = self._stake.found.home
        moved = home.offer != offer
        return Decision(
            affinity="moved" if moved else "kept",
            found_by=self._stake.found.by,
            home=str(home.offer),
            considered=considered,
            lost_tokens=home.tokens if moved else None,
            lost=self._stake.loss(offer) if moved else None,
            waited_s=self._waited_s,
            table=self._table,
        )
