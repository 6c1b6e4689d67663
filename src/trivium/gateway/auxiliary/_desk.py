"""One auxiliary request at work: which surface it may go to, who owns what, and the way there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trivium.core import ANY, AdmissionDenied, Outcome, Resource, Retry, TriviumError, UpstreamError
from trivium.gateway.admit import NO_RETRY, Refused
from trivium.gateway.attempt import read_error
from trivium.gateway.auxiliary._asked import CAPABILITIES, KINDS, Call
from trivium.gateway.auxiliary._pinned import visible
from trivium.gateway.grant import granted
from trivium.gateway.pump import Parts, denied, unauthorised
from trivium.gateway.reply import Reply
from trivium.gateway.routing import candidates
from trivium.gateway.seams import (
    AdmissionRequest,
    Admitted,
    Circuit,
    Errand,
    Failure,
    Inbound,
    Keeper,
    NotSupported,
    Outbound,
    Resources,
    TransportError,
    Upstream,
)
from trivium.gateway.wire.decode import broken
from trivium.gateway.wire.headers import client_headers

_OK = range(200, 300)
_MISSING, _TOO_MANY, _BROKEN = 404, 429, 500
_WORDS = {"batches": "Message Batches", "files": "files"}


class Failed(TriviumError):
    """A surface refused or failed; `failure` is what the client is told."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(str(failure.error))

    @property
    def missing(self) -> bool:
        """Whether the surface no longer has what was asked for."""
        return self.failure.error.status == _MISSING


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request is served with."""

    parts: Parts
    resources: Resources
    call: Call
    reply: Reply

    def places(self, models: Sequence[str] = ()) -> tuple[str, ...]:
        """The configured surfaces that may serve this, best first: all of the models it is about, if it names any.

        Raises NotSupported when routes lead to surfaces, and none of them has the endpoint.
        """
        reached = [self._reached(model) for model in models] if models else [self._reached_by_any()]
        common = [name for name in reached[0] if all(name in names for names in reached)]
        served = [name for name in common if self._has(name, models)]
        if served:
            return tuple(served)
        wanted = self.call.wanted
        endpoint = f"{wanted.method} {wanted.path}"
        if (
            models
            and not common
            and all(
                any(self._has(name, (model,)) for name in names) for model, names in zip(models, reached, strict=True)
            )
        ):
            message = f"requests: no one surface is open to all of {', '.join(models)}: send a batch for each"
            raise Refused(400, "invalid_request_error", message, NO_RETRY)
        lacking = ", ".join(dict.fromkeys(name for names in reached for name in names))
        if not lacking:
            raise Refused(
                404, "not_found_error", f"{endpoint}: no route leads workload {self.call.key.workload} anywhere"
            )
        raise NotSupported(f"{lacking}: no claim says that it has {_WORDS[wanted.endpoint]} ({endpoint})")

    async def owned(self) -> Resource:
        """The resource of the path. Someone else's is told like one that never was."""
        call = self.call
        found = await self.resources.owner(KINDS[call.wanted.endpoint], call.wanted.resource_id)
        if found is None or found.workload != call.key.workload or found.surface not in self.visible():
            self.places()
            raise unknown(call)
        return found

    def visible(self) -> tuple[str, ...]:
        """The configured surfaces whose resources the key may see."""
        return visible(self.call.key, self.parts.tools.settings)

    def note(self, notes: Sequence[str]) -> None:
        """Tell the client what was changed or left out, once each."""
        told = [part for part in self.reply.headers.get("x-trivium-notes", "").split("; ") if part]
        if found := "; ".join(dict.fromkeys((*told, *notes))):
            self.reply.headers["x-trivium-notes"] = found

    async def send(self, name: str, errand: Errand) -> Inbound:
        """The answer of a surface when it is a good one; raises Failed."""
        settings = self.parts.tools.settings.surfaces[name]
        upstream = self.parts.upstreams.get(settings.surface)
        if upstream is None or not isinstance(upstream, Keeper):
            raise NotSupported(f"{name}: no adapter for {_WORDS[self.call.wanted.endpoint]}")
        outbound = upstream.auxiliary(errand, self.parts.facts, settings)
        self.reply.headers |= {"x-trivium-surface": name}
        self.note(outbound.notes)
        circuit = Circuit(name, self.call.wanted.endpoint, ANY)
        if not self.parts.breaker.allows(circuit):
            message = f"{name}: {_WORDS[self.call.wanted.endpoint]} failed several times and are left alone for a while"
            raise Refused(529, "overloaded_error", message, {"retry-after": str(round(self._open_s))})
        healthy: bool | None = None
        try:
            inbound = await self._exchange(name, outbound, upstream)
            healthy = True
        except Failed as failed:
            status = failed.failure.error.status
            healthy = status is not None and status < _BROKEN and status != _TOO_MANY and not failed.failure.credential
            raise
        finally:
            if healthy is None:
                self.parts.breaker.release(circuit)
            else:
                self.parts.breaker.record(circuit, healthy=healthy)
        return inbound

    async def fetch(self, name: str, errand: Errand) -> tuple[bytes, Mapping[str, str]]:
        """The whole body of a good answer, and the headers of it that a client may see."""
        inbound = await self.send(name, errand)
        body = bytearray()
        limit = self.parts.tools.settings.response_bytes_max
        try:
            async for chunk in inbound.chunks():
                body += chunk
                if len(body) > limit:
                    raise Failed(broken(name, f"the answer is longer than {limit} bytes"))
        except TransportError as error:
            raise Failed(broken(name, str(error))) from error
        finally:
            await inbound.close()
        return bytes(body), client_headers(inbound.headers)

    async def admit(self, request: AdmissionRequest) -> Admitted:
        """A hold of the budget; raises Refused."""
        try:
            return await granted(self.parts.admission, request)
        except AdmissionDenied as error:
            raise denied(error) from error

    @property
    def _open_s(self) -> float:
        return self.parts.tools.settings.breaker_open_s

    async def _exchange(self, name: str, outbound: Outbound, upstream: Upstream) -> Inbound:
        """Send with the credential; one that is refused is refreshed once."""
        try:
            return await self._once(name, outbound, upstream)
        except Failed as failed:
            credential = self.parts.credentials.get(name)
            if (
                not failed.failure.credential
                or credential is None
                or failed.failure.error_type == "credential_unavailable"
            ):
                raise
            await credential.refresh()
            return await self._once(name, outbound, upstream)

    async def _once(self, name: str, outbound: Outbound, upstream: Upstream) -> Inbound:
        credential = self.parts.credentials.get(name)
        if credential is not None:
            try:
                authorised = await credential.headers(outbound)
            except UpstreamError as error:
                raise Failed(unauthorised(outbound.surface, error)) from error
            outbound = replace(outbound, headers={**outbound.headers, **authorised})
        try:
            inbound = await self.parts.tools.transport.send(outbound, self.parts.tools.settings.surfaces[name].timeouts)
        except TransportError as error:
            retry = Retry.HERE if not error.sent else Retry.NEVER
            failure = broken(outbound.surface, str(error))
            outcome = Outcome.FAILED if error.sent else Outcome.REFUSED
            told = UpstreamError(outbound.surface, str(error), retry=retry)
            raise Failed(replace(failure, error=told, outcome=outcome)) from error
        if inbound.status in _OK:
            return inbound
        try:
            raise Failed(
                upstream.classify(inbound.status, inbound.headers, await read_error(inbound), self.parts.facts)
            )
        finally:
            await inbound.close()

    def _reached(self, model: str) -> tuple[str, ...]:
        route = self.parts.routes().find(self.call.key.workload, model)
        if route is None:
            raise Refused(404, "not_found_error", f"model: {model} (no route leads workload to it)")
        key, settings = self.call.key, self.parts.tools.settings
        targets = candidates(route, key, settings, key.key_id)
        return tuple(dict.fromkeys(name for target in targets if (name := settings.key_for(target.offer)) is not None))

    def _reached_by_any(self) -> tuple[str, ...]:
        """Everywhere that routes of the workload lead, its own before those for all."""
        key, settings = self.call.key, self.parts.tools.settings
        routes = self.parts.routes().routes
        mine = [route for wanted in (key.workload, ANY) for route in routes if route.workload == wanted]
        targets = [target for route in mine for target in candidates(route, key, settings, key.key_id)]
        return tuple(dict.fromkeys(name for target in targets if (name := settings.key_for(target.offer)) is not None))

    def _has(self, name: str, models: Sequence[str]) -> bool:
        surface = self.parts.tools.settings.surfaces[name].surface
        capability = CAPABILITIES[self.call.wanted.endpoint]
        said = [self.parts.facts.supports(surface, model, capability) for model in models or ("",)]
        return all(answer is True for answer in said) and isinstance(self.parts.upstreams.get(surface), Keeper)


def unknown(call: Call) -> Refused:
    """An id that is nobody's, or somebody else's."""
    name = "Message Batch" if call.wanted.endpoint == "batches" else "File"
    return Refused(404, "not_found_error", f"{name} {call.wanted.resource_id} not found")
