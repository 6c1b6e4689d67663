"""Carries one admitted request over its candidates until one answers or the law forbids another attempt."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trivium.core import (
    ANY,
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
from trivium.gateway.attempt import Attempt, Order, Terms, Tools
from trivium.gateway.flight import Flight, unbroken
from trivium.gateway.guard import Rests, RetryBudget
from trivium.gateway.hedge import Lane, Race, Run
from trivium.gateway.leaving import read_on
from trivium.gateway.reply import Reply
from trivium.gateway.routing import candidates
from trivium.gateway.seams import (
    Admission,
    AdmissionRequest,
    Admitted,
    Breaker,
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
from trivium.gateway.wire.errors import envelope
from trivium.gateway.wire.thinking import signature_refused, without_thinking

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


class Pump:
    """Serves one request. `attempts` grows as attempts are closed."""

    def __init__(self, parts: Parts, order: Order, key: KeyRecord, *, flight: Flight, reply: Reply) -> None:
        self._parts = parts
        self._order = order
        self._key = key
        self._flight = flight
        self._reply = reply
        self._targets: list[Target] = []
        self._refreshed: set[str] = set()
        self._tries = 0
        self._opened = 0
        self._allows: Callable[[Offer, Usage], bool] | None = None
        self.attempts: list[Closed] = []

    async def run(self) -> None:
        """Admit, route, attempt, settle; the answer goes into the reply, a refusal is raised."""
        parts, request = self._parts, self._order.request
        self._targets = list(self._candidates(parts.routes()))
        try:
            admitted = await parts.admission.admit(
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
                )
            )
        except AdmissionDenied as error:
            raise denied(error) from error
        try:
            self._reply.headers |= admitted.headers
            self._allows = admitted.allows
            parts.budget.request()
            await self._attempts()
        finally:
            await unbroken(self._settle(admitted))

    async def _settle(self, admitted: Admitted) -> None:
        await self._parts.admission.settle(admitted, tuple(self.attempts))

    def _candidates(self, table: RouteTable) -> tuple[Target, ...]:
        request, key = self._order.request, self._key
        route = table.find(self._order.workload, request.model)
        if route is None:
            raise Refused(404, "not_found_error", f"model: {request.model} (no route leads workload to it)")
        affinity = request.session or key.key_id
        found = candidates(route, key, self._parts.tools.settings, affinity)
        if not found:
            raise Refused(404, "not_found_error", f"model: {request.model} (no configured surface may serve it)")
        if (pin := self._order.pin) is not None:
            found = tuple(target for target in found if self._name(target) == pin.surface)
            if not found:
                raise pin.elsewhere(request.model)
        return tuple(
            replace(target, offer=replace(target.offer, model=request.model)) if target.offer.model == ANY else target
            for target in found
        )

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
                self._parts.breaker.release(self._circuit(target))
                target = await self._next()
                continue
            if previous is not None:
                labels = previous.offer.surface, target.offer.surface
                self._parts.tools.metrics.failovers.labels(*labels).inc()
            previous = target
            self._tries += 1
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
        rests_s = [parts.rests.left_s(self._circuit(target)) for target in self._targets]
        for index, target in enumerate(self._targets):
            if not rests_s[index] and parts.breaker.allows(self._circuit(target)):
                return self._targets.pop(index)
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
        return target

    def _prepare(self, target: Target) -> Outbound:
        name = self._name(target)
        upstream = self._parts.upstreams.get(target.offer.surface)
        if upstream is None:
            raise NotSupported(f"no adapter for surface {target.offer.surface}")
        settings = self._parts.tools.settings.surfaces[name]
        request = self._order.request
        if request.model != target.offer.model:  # the route serves it by another model: that one is asked for
            request = replace(request, model=target.offer.model)
        beyond = request.beyond if request.beyond and request.beyond.surface != target.offer.surface else None
        if beyond is not None and beyond.refused is not None:
            raise beyond.refused
        outbound = upstream.prepare(request, target, self._parts.facts, settings)
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
        parts = self._parts
        for index, target in enumerate(self._targets):
            circuit = self._circuit(target)
            if target.offer.model != first.offer.model or parts.rests.left_s(circuit):
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
            parts.tools.metrics.hedges.labels(first.offer.surface, target.offer.surface).inc()
            return lambda lane: self._attempt(target, outbound, lane)
        return None

    async def _attempt(self, target: Target, outbound: Outbound, lane: Lane | None = None) -> Failure | None:
        reply, number = lane or self._reply, self._tries
        parts, name = self._parts, self._name(target)
        surface = target.offer.surface
        credential = parts.credentials.get(name)
        if credential is not None:
            try:
                authorised = await credential.headers(outbound)
            except UpstreamError as error:
                parts.breaker.record(self._circuit(target), healthy=False)
                return unauthorised(surface, error)
            outbound = replace(outbound, headers={**outbound.headers, **authorised})
        notes = (*self._order.request.notes, *outbound.notes)
        reply.headers |= {
            "x-trivium-surface": name,
            "x-trivium-attempts": str(number),
            **({"x-trivium-notes": "; ".join(notes)} if notes else {}),
        }
        attempt = Attempt(
            parts.tools,
            self._order,
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
            self._report(target, attempt.closed, attempt.failure)
        return failure

    def _report(self, target: Target, closed: Closed | None, failure: Failure | None) -> None:
        """Tell the breaker: an attempt is evidence unless the client ended it. A time that was named is kept."""
        breaker, circuit = self._parts.breaker, self._circuit(target)
        if failure is not None and failure.error.status in _RESTING and failure.error.retry_after_s:
            rest_s = min(failure.error.retry_after_s, self._parts.tools.settings.rest_s_max)
            self._parts.rests.rest(circuit, rest_s)
        if closed is None or closed.outcome is Outcome.CANCELLED:
            breaker.release(circuit)
        else:
            breaker.record(circuit, healthy=failure is None or failure.error.retry is Retry.NEVER)

    async def _after(self, target: Target, failure: Failure) -> Target | None:
        """Where to try again, or None; waits if the surface asked for it."""
        error, settings = failure.error, self._parts.tools.settings
        name = self._name(target)
        credential = self._parts.credentials.get(name) if failure.credential else None
        refreshable = credential is not None and name not in self._refreshed
        unsigned = self._without_thinking(failure)
        if error.retry is Retry.NEVER and not refreshable and unsigned is None:
            return None
        unknown_bills = sum(closed.outcome in {Outcome.FAILED, Outcome.CUT} for closed in self.attempts)
        if unknown_bills >= _UNKNOWN_BILLS_MAX or self._tries > settings.extra_attempts_max:
            return None
        if not self._parts.budget.take():
            return None
        if unsigned is not None:
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
        return await self._next()

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
