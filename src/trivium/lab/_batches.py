"""Message Batches: kept in memory, processed on the lab's clock, billed at the batch tier, results as JSON lines.

Each request of a batch takes a minute, or the seconds of its directive `[[lab after=N]]`. What would take longer than
the batch lives expires, what had not ended when the batch was cancelled is canceled; neither is billed. A batch is
looked after whenever somebody asks for it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from trivium.lab._files import Files
from trivium.lab._paging import page
from trivium.lab.engine import Engine
from trivium.lab.prompt import directive_of
from trivium.lab.surfaces._base import Exchange, Operation, Refused, Reply, Surface, derived, invalid, json_reply

PATH = "/v1/messages/batches"
_REQUESTS_MAX = 100_000
_LIFE = timedelta(hours=24)
_TAKES_S, _CANCEL = 60, timedelta(seconds=1)
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KINDS = ("succeeded", "errored", "canceled", "expired")


@dataclass(slots=True)
class _Request:
    custom_id: str
    params: dict[str, Any]
    ends: datetime
    result: dict[str, Any] | None = None


@dataclass(slots=True)
class _Batch:
    id: str
    account: str
    created: datetime
    exchange: Exchange  # of its creation: versions and betas hold for every request in it
    requests: list[_Request] = field(default_factory=list)
    cancelled: datetime | None = None

    @property
    def expires(self) -> datetime:
        return self.created + _LIFE

    @property
    def stops(self) -> datetime:
        """When whatever has not ended by then is given up."""
        return self.expires if self.cancelled is None else min(self.expires, self.cancelled + _CANCEL)

    @property
    def ends(self) -> datetime:
        return min(max(request.ends for request in self.requests), self.stops)


class Batches:
    """The batches of one surface."""

    def __init__(self, surface: Surface, engine: Engine, files: Files) -> None:
        self._surface = surface
        self._engine = engine
        self._files = files
        self._batches: dict[str, _Batch] = {}

    def answer(self, exchange: Exchange, account: str) -> Reply:
        """Answer one authenticated request; raises Refused."""
        rest = unquote(exchange.path.partition(PATH)[2]).strip("/")
        batch_id, _, action = rest.partition("/")
        if not rest:
            return self._create(exchange, account) if exchange.method == "POST" else self._list(exchange, account)
        batch = self._batches.get(batch_id)
        if batch is None or batch.account != account:
            raise Refused(404, "not_found_error", f"Message Batch {batch_id} not found.")
        self._work(batch, exchange.at)
        match (exchange.method, action):
            case ("GET", ""):
                return json_reply(200, self._shown(batch, exchange))
            case ("GET", "results"):
                return self._results(batch, exchange)
            case ("POST", "cancel"):
                if batch.cancelled is None and exchange.at < batch.ends:
                    batch.cancelled = exchange.at
                return json_reply(200, self._shown(batch, exchange))
            case ("DELETE", ""):
                return self._delete(batch, exchange)
        raise self._surface.unknown_path(exchange)

    def _create(self, exchange: Exchange, account: str) -> Reply:
        try:
            body = msgspec.json.decode(exchange.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise invalid(f"The request body is not valid JSON: {error}") from error
        asked = body.get("requests") if isinstance(body, dict) else None
        if not isinstance(asked, list) or not asked:
            raise invalid("requests: Field required" if asked is None else "requests: Input should be a non-empty list")
        if len(asked) > _REQUESTS_MAX:
            raise invalid(f"requests: List should have at most {_REQUESTS_MAX} items")
        for name in body.keys() - {"requests"}:
            raise invalid(f"{name}: Extra inputs are not permitted")
        batch = _Batch(f"msgbatch_{derived(exchange.request_id, 'batch')}", account, exchange.at, exchange)
        seen: set[str] = set()
        for number, item in enumerate(asked):
            batch.requests.append(_read(item, f"requests.{number}", exchange.at))
            if batch.requests[-1].custom_id in seen:
                raise invalid(f"requests.{number}.custom_id: duplicate custom_id: {batch.requests[-1].custom_id}")
            seen.add(batch.requests[-1].custom_id)
        self._batches[batch.id] = batch
        return json_reply(200, self._shown(batch, exchange))

    def _list(self, exchange: Exchange, account: str) -> Reply:
        own = [batch for batch in reversed(self._batches.values()) if batch.account == account]
        for batch in own:
            self._work(batch, exchange.at)
        return json_reply(200, page([self._shown(batch, exchange) for batch in own], parse_qs(exchange.query)))

    def _results(self, batch: _Batch, exchange: Exchange) -> Reply:
        if exchange.at < batch.ends:
            raise invalid(f"Message Batch {batch.id} has no available results: it is still being processed.")
        # Not in the order of the requests, as the API says.
        lines = [{"custom_id": request.custom_id, "result": request.result} for request in reversed(batch.requests)]
        body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        return Reply(200, {"content-type": "application/x-jsonl"}, body)

    def _delete(self, batch: _Batch, exchange: Exchange) -> Reply:
        if exchange.at < batch.ends:
            raise invalid(f"Message Batch {batch.id} cannot be deleted while it is being processed: cancel it first.")
        del self._batches[batch.id]
        return json_reply(200, {"id": batch.id, "type": "message_batch_deleted"})

    def _work(self, batch: _Batch, now: datetime) -> None:
        """Decide whatever is due."""
        for request in batch.requests:
            if request.result is None and request.ends <= min(now, batch.stops):
                request.result = self._processed(batch, request)
        if now >= batch.ends:
            given_up = "expired" if batch.stops == batch.expires else "canceled"
            for request in batch.requests:
                request.result = request.result or {"type": given_up}

    def _processed(self, batch: _Batch, request: _Request) -> dict[str, Any]:
        request_id = f"req_{derived(batch.id, request.custom_id)}"
        try:
            if request.params.get("stream"):
                raise invalid("stream: streaming is not supported in batches")
            self._files.check(request.params, batch.account, batch.created)
            call = self._surface.read(batch.exchange, Operation.MESSAGES, dict(request.params), batch.account)
            answer = self._engine.begin(
                replace(call, tier="batch"), request_id, system_messages=self._surface.system_messages
            )
        except Refused as refused:
            error = {"type": refused.kind, "message": refused.message}
            return {"type": "errored", "error": {"type": "error", "error": error, "request_id": request_id}}
        self._engine.started(answer)
        self._engine.finished(answer, "ok", answer.output_tokens)
        return {"type": "succeeded", "message": answer.message()}

    def _shown(self, batch: _Batch, exchange: Exchange) -> dict[str, Any]:
        ended = exchange.at >= batch.ends
        counts = Counter(str((request.result or {}).get("type")) for request in batch.requests if ended)
        status = "ended" if ended else "in_progress" if batch.cancelled is None else "canceling"
        prefix = exchange.path.partition(PATH)[0]
        address = f"{exchange.scheme}://{exchange.headers.get('host', '')}{prefix}{PATH}/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {
                "processing": 0 if ended else len(batch.requests),
                **{kind: counts[kind] for kind in _KINDS},
            },
            "created_at": _stamp(batch.created),
            "expires_at": _stamp(batch.expires),
            "ended_at": _stamp(batch.ends) if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None if batch.cancelled is None else _stamp(batch.cancelled),
            "results_url": address if ended else None,
        }


def _read(item: Any, where: str, at: datetime) -> _Request:
    if not isinstance(item, dict):
        raise invalid(f"{where}: Input should be a valid dictionary")
    custom_id, params = item.get("custom_id"), item.get("params")
    if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
        raise invalid(f"{where}.custom_id: String should match pattern '^{_CUSTOM_ID.pattern}$'")
    if not isinstance(params, dict):
        raise invalid(f"{where}.params: Field required")
    try:
        takes = directive_of(params.get("messages") or []).get("after", str(_TAKES_S))
    except (AttributeError, KeyError, TypeError):  # malformed: its processing names what is
        takes = str(_TAKES_S)
    if not takes.isdecimal():
        raise invalid(f"lab: [[lab after={takes}]]: give whole seconds")
    return _Request(custom_id, params, at + timedelta(seconds=int(takes)))


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
