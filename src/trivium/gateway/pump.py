"""Carries one admitted request over its candidates until one answers or the law forbids another attempt."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trivium.core import (
    AdmissionDenied,
    Closed,
    FactError,
    KeyRecord,
    Offer,
    Outcome,
    Retry,
    RouteTable,
    Target,
    TriviumError,
    UpstreamError,
    Usage,
    UserError,
)
from trivium.gateway.admit import NO_RETRY, Refused
from trivium.gateway.affinity import Affinity, Marks
from trivium.gateway.attempt import Attempt, Order, Terms, Tools
from trivium.gateway.decision import Notes, Stake
from trivium.gateway.flight import Cut, Flight, unbroken
from trivium.gateway.grant import granted
from trivium.gateway.guard import Rests, RetryBudget
from trivium.gateway.hedge import Lane, Race, Run
from trivium.gateway.leaving import read_on
from trivium.gateway.reply import Reply
from trivium.gateway.routing import rank
from trivium.gateway.seams import (
    Admission,
    AdmissionRequest,
    Admitted,
    Breaker,
    CachePrices,
    Circuit,
    Credential,
    Facts,
    Failure,
    MessagesRequest,
    NotSupported,
    Outbound,
    Routes,
    Upstream,
)
from trivium.gateway.waiting import Waiting
from trivium.gateway.wire.errors import envelope
from trivium.gateway.wire.thinking import signature_refused, without_thinking

_MS = 1000
_PAUSE_S = 0.2  # before a repetition at the same surface that named no time
_ERROR, _TOO_MANY = 400, 429
_UNNAMED_WAIT_S = 5.0  # told with a 429 of a surface that names no time: clients that read none ask without end
_RESTING = {429, 503, 529}  # what says with `retry-after` when the surface will have room again
_UNKNOWN_BILLS_MAX = 2  # attempts that may have been billed without an answer


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a request is served with; replaced as a whole by a reload, so no request sees half of one."""

    tools: Tools
    routes: Routes
    facts: Facts
    admission: Admission
    upstreams: Mapping[str, Upstream]
    credentials: Mapping[str, Credential]
    breaker: Breaker
    budget: RetryBudget
    rests: Rests
    waiting: Waiting
    affinity: Affinity
    cache_prices: CachePrices


class Pump:
    """Serves one request. `attempts` grows as attempts are closed."""

    def __init__(self, parts: Parts, order: Order, key: KeyRecord, *, flight: Flight, reply: Reply) -> None:
        self._parts = parts
        self._order = order
        self._key = key
        self._flight = flight
        self._reply = reply
        self._targets: list[Target] = []
        self._marks = Marks(order.request, order.workload)
        self._notes = Notes()
        self._refreshed: set[str] = set()
        self._tries = 0
        self._opened = 0
        self._allows: Callable[[Offer, Usage], bool] | None = None
        self._stayed = False  # it has waited once for the sake of a cache
        self._taken = False  # an extra attempt is taken from the budget and not made yet
        self.attempts: list[Closed] = []

    async def run(self) -> None:
        """Admit, route, attempt, settle; the answer goes into the reply, a refusal is raised."""
        parts, request = self._parts, self._order.request
        self._targets = list(self._candidates(parts.routes()))
        try:
            admitted = await granted(
                parts.admission,
                AdmissionRequest(
                    request_id=request.request_id,
                    at=self._order.at,
                    key=self._key,
                    model=request.model,
                    endpoint=request.endpoint,
                    stream=request.stream,
                    session=request.session,
                    prompt_bytes=len(request.body.data),
                    max_output_tokens=request.max_tokens,
                    offers=tuple(target.offer for target in self._targets),
                    hedged=self._hedge_after_s() > 0,
                ),
            )
        except AdmissionDenied as error:
            raise denied(error) from error
        try:
            self._reply.headers |= admitted.headers
            self._allows = admitted.allows
            parts.budget.request()
            await self._attempts()
        finally:
            if self._taken:
                parts.budget.give_back()
            await unbroken(self._settle(admitted))

    async def _settle(self, admitted: Admitted) -> None:
        await self._parts.admission.settle(admitted, tuple(self.attempts))

    def _candidates(self, table: RouteTable) -> tuple[Target, ...]:
        request, key = self._order.request, self._key
        route = table.find(self._order.workload, request.model)
        if route is None:
            raise Refused(404, "not_found_error", f"model: {request.model} (no route leads workload to it)")
        parts, marks, settings = self._parts, self._marks, self._parts.tools.settings
        marks.of_use = len(route.targets) > 1  # with one target there is nothing to keep to
        found = parts.affinity.find(marks)
        ranking = rank(
            route,
            key,
            settings,
            lambda: marks.draw or key.key_id,
            model=request.model,
            home=found.home.offer if found else None,
            suits=lambda target: parts.tools.signers.takes(target.offer.surface, request.body),
        )
        if not ranking.targets:
            raise Refused(404, "not_found_error", f"model: {request.model} (no configured surface may serve it)")
        loss_max = settings.cache_loss_max.get(self._order.workload)
        loss_max = loss_max if route.cache_loss_max is None else route.cache_loss_max
        stake = Stake(found, parts.cache_prices, self._order.at, loss_max) if found else None
        self._notes = Notes(ranking, stake, known=marks.known, table=table.version)
        return self._where_files_lie(ranking.targets)

    def _where_files_lie(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The targets at the surface that keeps a file of the request; all of them where it names none."""
        pin = self._order.pin
        if pin is None:
            return targets
        found = tuple(target for target in targets if self._name(target) == pin.surface)
        for target in targets:
            if target not in found:
                self._notes.passed(target.offer, "file", f"it lies at {pin.surface}")
        if not found:
            raise pin.elsewhere(self._order.request.model)
        return found

    async def _attempts(self) -> None:
        """Attempt after attempt, within the law: at most the extra ones allowed, and none once the client has bytes."""
        unsuitable: TriviumError | None = None
        failure: Failure | None = None
        previous: Target | None = None
        target = await self._next()
        while target is not None:
            try:
                outbound = self._prepare(target)
            except (UserError, NotSupported, FactError) as error:  # this surface cannot take the request at all
                unsuitable = unsuitable or error
                self._notes.cannot(target.offer, error)
                self._parts.breaker.release(self._circuit(target))
                target = await self._next()
                continue
            if previous is not None:
                labels = previous.offer.surface, target.offer.surface
                self._parts.tools.metrics.failovers.labels(*labels).inc()
            previous = target
            self._tries += 1
            self._taken = False
            failure = await self._hedged(target, outbound)
            if failure is None or self._reply.started or self._flight.reason is not None:  # no attempt for nobody
                return
            target = await self._after(target, failure)
        if failure is not None:
            await self._give_up(failure)
        elif unsuitable is not None:
            raise unsuitable

    async def _next(self) -> Target | None:
        """The best target left that may be asked now; for a first attempt one that rather would not must do."""
        parts = self._parts
        self._notes.because = "order"
        rests_s = [parts.rests.left_s(self._circuit(target)) for target in self._targets]
        if self._targets and await self._stays(self._targets[0], rests_s[0]):
            rests_s[0] = 0.0
        for index, target in enumerate(self._targets):
            if rests_s[index]:
                self._notes.passed(target.offer, "resting", f"{rests_s[index]:.0f} s")
            elif parts.breaker.allows(self._circuit(target)):
                return self._targets.pop(index)
            else:
                self._notes.passed(target.offer, "breaker")
        if not self._targets or self.attempts:
            return None
        shortest_s = min(rests_s)  # 0 where only a breaker is in the way
        if shortest_s > parts.tools.settings.retry_after_s_max:
            raise resting(shortest_s)
        if shortest_s:
            await asyncio.sleep(parts.rests.wait_s(shortest_s))
        target = self._targets.pop(rests_s.index(shortest_s))
        if left_s := parts.rests.left_s(self._circuit(target)):  # those who woke before were sent away again
            raise resting(left_s)
        self._notes.because = "last"
        return target

    def _may_stay(self, failure: Failure) -> bool:
        """Whether another attempt here leaves one for elsewhere: no request fails because a switch would cost."""
        left = self._parts.tools.settings.extra_attempts_max - self._tries
        return left > 0 and failure.outcome is Outcome.REFUSED and not self._stayed and self._parts.budget.room()

    async def _stays(self, target: Target, wait_s: float | None) -> bool:
        """Wait for the surface where the request's cache lives, if that is short and a switch would lose too much."""
        stake, rests = self._notes.stake, self._parts.rests
        if not wait_s or wait_s > self._parts.tools.settings.retry_after_s_max or stake is None:
            return False
        elsewhere = (one for one in self._targets if one is not target and not rests.left_s(self._circuit(one)))
        other = next(elsewhere, None)
        if other is None or stake.found.home.offer != target.offer or not stake.worth_waiting(other.offer):
            return False
        self._stayed = True
        self._notes.waited(target.offer, wait_s)
        await asyncio.sleep(wait_s)
        return True

    def _prepare(self, target: Target) -> Outbound:
        name = self._name(target)
        upstream = self._parts.upstreams.get(target.offer.surface)
        if upstream is None:
            raise NotSupported(f"no adapter for surface {target.offer.surface}")
        settings = self._parts.tools.settings.surfaces[name]
        request = self._order.request
        if not self._parts.tools.signers.takes(target.offer.surface, request.body):
            request = without_thinking(request) or request
            self._order = replace(self._order, request=request)
        if request.model != target.offer.model:  # the route serves it by another model: that one is asked for
            request = request.by(target.offer.model, self._parts.facts)
        beyond = request.beyond if request.beyond and request.beyond.surface != target.offer.surface else None
        if beyond is not None and beyond.refused is not None:
            raise beyond.refused
        outbound = upstream.prepare(request, target, self._parts.facts, settings)
        scopes, bought = self._key.scopes, outbound.offer or target.offer
        if scopes and bought.scope not in scopes:  # the request itself asked for another geography
            raise UserError("region scope", bought.scope, f"this workload may be served in {', '.join(scopes)}")
        return replace(outbound, notes=(*beyond.notes, *outbound.notes)) if beyond is not None else outbound

    def _name(self, target: Target) -> str:
        name = self._parts.tools.settings.key_for(target.offer)
        if name is None:
            raise NotSupported(f"{target.offer.surface} is not configured")
        return name

    def _circuit(self, target: Target) -> Circuit:
        return Circuit(self._name(target), self._order.request.endpoint, target.offer.model)

    async def _hedged(self, target: Target, outbound: Outbound) -> Failure | None:
        """The attempt, and where the workload's policy asks for it another one beside it while it is silent."""
        after_s = self._hedge_after_s()
        if not after_s or self._tries > 1:
            return await self._attempt(target, outbound)
        race = Race(self._flight, self._reply)
        failure = await race.run(
            lambda lane: self._attempt(target, outbound, lane), lambda: self._hedge(target), after_s
        )
        if failure is not None and race.winner is None and self._reply.started:  # pings went out, and no answer came
            await self._give_up(failure)
        return failure

    def _hedge_after_s(self) -> float:
        request = self._order.request
        wanted = request.stream and request.endpoint == "messages"  # a whole answer is silent until its end
        return self._parts.tools.settings.hedge_after_s.get(self._order.workload, 0.0) if wanted else 0.0

    def _hedge(self, first: Target) -> Run | None:
        """Who may be asked now beside the first: another surface with the same model, within the budget of attempts."""
        parts, stake, body = self._parts, self._notes.stake, self._order.request.body
        for index, target in enumerate(self._targets):
            circuit = self._circuit(target)
            if target.offer.model != first.offer.model or parts.rests.left_s(circuit):
                continue
            if not parts.tools.signers.takes(target.offer.surface, body):  # it would be asked without its thinking
                continue
            if stake is not None and stake.worth_waiting(target.offer):
                continue
            if self._tries > parts.tools.settings.extra_attempts_max or not parts.breaker.allows(circuit):
                continue
            try:
                outbound = self._prepare(target)
            except (UserError, NotSupported, FactError):
                parts.breaker.release(circuit)
                continue
            if not parts.budget.take():
                parts.breaker.release(circuit)
                return None
            del self._targets[index]
            self._tries += 1
            self._notes.because = "hedge"
            parts.tools.metrics.hedges.labels(first.offer.surface, target.offer.surface).inc()
            return lambda lane: self._attempt(target, outbound, lane)
        return None

    async def _attempt(self, target: Target, outbound: Outbound, lane: Lane | None = None) -> Failure | None:
        reply, number = lane or self._reply, self._tries
        parts, name = self._parts, self._name(target)
        surface = target.offer.surface
        # Before anything is awaited: a hedge has a page of its own, and a ping names all that are asked.
        decision = self._notes.page(target.offer)
        notes = (*self._order.request.notes, *outbound.notes)
        reply.headers.pop("x-trivium-notes", None)  # those of an attempt before
        reply.headers |= {
            "x-trivium-surface": name,
            "x-trivium-attempts": str(number),
            **({"x-trivium-notes": "; ".join(notes)} if notes else {}),
        }
        credential = parts.credentials.get(name)
        if credential is not None:
            try:
                authorised = await credential.headers(outbound)
            except UpstreamError as error:
                parts.breaker.record(self._circuit(target), healthy=False)
                self._notes.unwritten(decision)
                return unauthorised(surface, error)
            except asyncio.CancelledError:
                parts.breaker.release(self._circuit(target))  # it may have been the probe
                raise
            outbound = replace(outbound, headers={**outbound.headers, **authorised})
        parts.tools.metrics.routed(decision.affinity)
        transport = parts.waiting.over(parts.tools.transport, self._circuit(target), self._may_move)
        began_ns = parts.tools.clock.monotonic_ns()
        attempt = Attempt(
            replace(parts.tools, transport=transport),
            replace(self._order, decision=decision.encode()),
            target,
            parts.upstreams[surface],
            surface=parts.tools.settings.surfaces[name],
            flight=lane or self._flight,
            reply=reply,
            terms=Terms(read_on(parts.tools.settings.surfaces[name], parts.facts, target.offer.model), self._allows),
        )
        try:
            self._opened += 1
            failure = await attempt.run(outbound, self._opened)
        finally:
            if attempt.closed is not None:
                self.attempts.append(attempt.closed)
            self._report(target, attempt.closed, attempt.failure, began_ns)
        return failure

    def _report(self, target: Target, closed: Closed | None, failure: Failure | None, began_ns: int) -> None:
        """Tell the breaker: an attempt is evidence unless the client or the gateway ended it. Named times are kept."""
        breaker, circuit = self._parts.breaker, self._circuit(target)
        if failure is not None and failure.error.status in _RESTING and failure.error.retry_after_s:
            rest_s = min(failure.error.retry_after_s, self._parts.tools.settings.rest_s_max)
            self._parts.rests.rest(circuit, rest_s)
        if closed is not None and (failure is not None or closed.outcome is Outcome.OK):
            healthy = failure is None or failure.error.retry is Retry.NEVER
            breaker.record(circuit, healthy=healthy, began_ns=began_ns)
        elif closed is not None and self._hung(closed):
            breaker.record(circuit, healthy=False, began_ns=began_ns)
        else:
            breaker.release(circuit)
        if closed is not None and closed.outcome is Outcome.OK:
            self._parts.affinity.keep(self._marks, target.offer, closed.usage)

    def _hung(self, closed: Closed) -> bool:
        """Whether the deadline ended an attempt that had most of it and brought nothing."""
        if closed.error_type != Cut.DEADLINE.value or closed.ttft_ms is not None or closed.latency_ms is None:
            return False
        return closed.latency_ms >= self._parts.tools.settings.deadline_s * _MS / 2

    async def _after(self, target: Target, failure: Failure) -> Target | None:
        """Where to try again, or None; waits if the surface asked for it."""
        error, settings = failure.error, self._parts.tools.settings
        name = self._name(target)
        self._notes.failed(target.offer, failure)
        credential = self._parts.credentials.get(name) if failure.credential else None
        refreshable = credential is not None and name not in self._refreshed
        unsigned = self._without_thinking(failure)
        if error.retry is Retry.NEVER and not refreshable and unsigned is None:
            return None
        if self._unknown_bills >= _UNKNOWN_BILLS_MAX or self._tries > settings.extra_attempts_max:
            return None
        self._taken = await self._afford()
        if not self._taken:
            return None
        self._notes.because = "again"
        if unsigned is not None:
            self._parts.tools.signers.refused(target.offer.surface, self._order.request.body)
            self._order = replace(self._order, request=unsigned)
            return target
        if credential is not None and refreshable:
            self._refreshed.add(name)
            await credential.refresh()
            return target
        if error.retry is Retry.HERE:
            pause_s = _PAUSE_S * self._tries if error.retry_after_s is None else error.retry_after_s
            if pause_s <= settings.retry_after_s_max:
                await asyncio.sleep(self._parts.rests.wait_s(pause_s))
                return target
        elif self._may_stay(failure) and await self._stays(target, error.retry_after_s):
            return target
        return await self._next()

    @property
    def _unknown_bills(self) -> int:
        return sum(closed.outcome in {Outcome.FAILED, Outcome.CUT} for closed in self.attempts)

    def _may_move(self) -> bool:
        """Whether the attempt under way could be given up for one elsewhere, with no answer and perhaps a bill."""
        left = self._tries <= self._parts.tools.settings.extra_attempts_max
        return left and self._unknown_bills + 1 < _UNKNOWN_BILLS_MAX and self._elsewhere() and not self._reply.started

    def _elsewhere(self) -> bool:
        """Whether a surface is left that is not known to fail or to rest."""
        breaker, rests = self._parts.breaker, self._parts.rests
        circuits = [self._circuit(target) for target in self._targets]
        return any(breaker.closed(circuit) and not rests.left_s(circuit) for circuit in circuits)

    async def _afford(self) -> bool:
        """Take one more attempt from the budget; where another surface could answer, wait for room rather than fail."""
        budget = self._parts.budget
        pauses = int(self._parts.tools.settings.budget_wait_s_max / _PAUSE_S)
        while not budget.take():
            if pauses <= 0 or not self._elsewhere():
                return False
            pauses -= 1
            await asyncio.sleep(_PAUSE_S)
        return True

    def _without_thinking(self, failure: Failure) -> MessagesRequest | None:
        """The request to repeat once where blocks that another platform signed were refused; None if that is not it."""
        if failure.error_type != "invalid_request_error" or not signature_refused(str(failure.error)):
            return None
        return without_thinking(self._order.request)

    async def _give_up(self, failure: Failure) -> None:
        """Tell the client; it should not repeat what was repeated here already."""
        headers: dict[str, str] = {}
        wait_s = failure.error.retry_after_s
        if wait_s is None and failure.status == _TOO_MANY:
            wait_s = _UNNAMED_WAIT_S
        if wait_s is not None:
            headers["retry-after"] = str(math.ceil(wait_s))  # whole seconds, as HTTP wants
        if self._tries > 1 or failure.error.retry is Retry.NEVER:
            headers |= NO_RETRY
        status = failure.status if failure.status >= _ERROR else 502
        await self._reply.refuse(status, failure.body, headers)


def denied(error: AdmissionDenied) -> Refused:
    """A budget's refusal, in the form Claude Code stops for."""
    headers = {**NO_RETRY, "anthropic-ratelimit-unified-status": "rejected"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    return Refused(429, "billing_error", f"{error.budget}: {error}", headers)


def resting(shortest_s: float) -> Refused:
    """Every surface named a time, and the earliest is too far away to wait here; nothing was sent."""
    seconds = math.ceil(shortest_s)
    message = f"every surface that may serve this asked for no request now; the first has room in {seconds} s"
    return Refused(429, "rate_limit_error", message, {"retry-after": str(seconds)})


def unauthorised(surface: str, error: UpstreamError) -> Failure:
    """Our own credential could not be had; nothing was sent."""
    return Failure(
        error=error,
        status=502,
        body=envelope("api_error", f"{surface}: the gateway's credential for it is not available"),
        error_type="credential_unavailable",
    )
