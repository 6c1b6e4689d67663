"""The first-party API: keys in `x-api-key` or as bearer, versions and betas in headers, rate-limit headers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qs, unquote

from trivium.lab._batches import PATH as BATCHES
from trivium.lab._files import PATH as FILES
from trivium.lab._paging import page
from trivium.lab.models import Model
from trivium.lab.surfaces._base import (
    Exchange,
    Metrics,
    Operation,
    Refused,
    Reply,
    Setup,
    Surface,
    account_of,
    bearer,
    json_reply,
)
from trivium.lab.surfaces._first_party import FirstPartySurface, Resolved

_LIMITS = {"requests": 10_000, "input-tokens": 10_000_000, "output-tokens": 2_000_000}  # per minute, shown not enforced
_RATE_LIMITED = 429
_LARGE = {BATCHES: 256 * 1024 * 1024, FILES: 500 * 1024 * 1024}  # bytes
_BATCH = re.compile(rf"{BATCHES}/[^/]+(/results|/cancel)?")
_FILE = re.compile(rf"{FILES}/[^/]+(/content)?")


def build(setup: Setup) -> Surface:
    """The surface."""
    return AnthropicSurface(setup)


class AnthropicSurface(FirstPartySurface):
    """See the module."""

    name: ClassVar[str] = "anthropic"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._used: dict[str, tuple[datetime, dict[str, int]]] = {}

    def route(self, exchange: Exchange) -> Operation | None:
        """The Messages paths; `?beta=true` and other queries are tolerated."""
        path = exchange.path
        if (stored := _stored(exchange.method, path)) is not None:
            return stored
        if exchange.method == "POST":
            return {"/v1/messages": Operation.MESSAGES, "/v1/messages/count_tokens": Operation.COUNT_TOKENS}.get(path)
        if exchange.method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/")):
            return Operation.OTHER
        return None

    def body_limit(self, path: str) -> int:
        """Batches and files may be larger than a message."""
        return _LARGE.get(path, self.body_bytes_max)

    def authenticate(self, exchange: Exchange) -> str:
        """Either header will do; with both, a key in `x-api-key` must itself be valid."""
        key, token = exchange.headers.get("x-api-key"), bearer(exchange)
        if key is None and token is None:
            raise Refused(401, "authentication_error", "x-api-key header is required")
        account = account_of(self.setup.keys, [key if key is not None else token or ""])
        if account is None:
            name = "x-api-key" if key is not None else "bearer token"
            raise Refused(401, "authentication_error", f"invalid {name}")
        return account

    def resolve(self, name: str) -> Resolved:
        """By first-party id, dated or not; the answer names the dated one."""
        model = self.setup.models.find("anthropic", name)
        if model is None:
            raise Refused(404, "not_found_error", f"model: {name}")
        return Resolved(model, model.names["anthropic"])

    def other(self, exchange: Exchange) -> Reply:
        """The Models API."""
        at = exchange.at
        served = [self._model_info(model) for model in self.setup.models if model.on(self.name, at)]
        served.sort(key=lambda info: str(info["created_at"]), reverse=True)
        wanted = unquote(exchange.path.removeprefix("/v1/models").lstrip("/"))
        if wanted:
            model = self.setup.models.find("anthropic", wanted)
            found = [info for info in served if model is not None and info["id"] == model.names["anthropic"]]
            if not found:
                raise Refused(404, "not_found_error", f"model: {wanted}")
            return json_reply(200, found[0])
        return json_reply(200, page(served, parse_qs(exchange.query)))

    def observe(self, account: str, now: datetime, metrics: Metrics) -> None:
        """Count what an account used in the current minute."""
        minute = now.replace(second=0, microsecond=0)
        since, used = self._used.get(account, (minute, {}))
        if since != minute:
            used = {}
        used["requests"] = used.get("requests", 0) + 1
        used["input-tokens"] = used.get("input-tokens", 0) + metrics.input_tokens + metrics.cache_write_tokens
        used["output-tokens"] = used.get("output-tokens", 0) + metrics.output_tokens
        self._used[account] = (minute, used)

    def limit_headers(self, account: str, now: datetime) -> dict[str, str]:
        """Limits, what is left of them in this minute (tokens rounded to thousands), and when they reset."""
        minute = now.replace(second=0, microsecond=0)
        since, used = self._used.get(account, (minute, {}))
        reset = (minute + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        limits = {**_LIMITS, "tokens": _LIMITS["input-tokens"] + _LIMITS["output-tokens"]}
        spent = (
            {**used, "tokens": used.get("input-tokens", 0) + used.get("output-tokens", 0)} if since == minute else {}
        )
        headers = {"anthropic-organization-id": f"org-lab-{account}"}
        for name, limit in limits.items():
            left = max(limit - spent.get(name, 0), 0)
            headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            headers[f"anthropic-ratelimit-{name}-remaining"] = str(left if name == "requests" else round(left, -3))
            headers[f"anthropic-ratelimit-{name}-reset"] = reset
        return headers

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """The envelope; a rate limit says when to come back unless it was told otherwise."""
        if refused.status == _RATE_LIMITED:
            refused.headers.setdefault("retry-after", "1")
        return super().refuse(refused, exchange)

    def _model_info(self, model: Model) -> dict[str, object]:
        since = min(window.since for window in model.available[self.name] if window.since is not None)
        ends = [window.until for window in model.available[self.name]]
        retires = None if None in ends else max(end for end in ends if end is not None).isoformat()
        return {
            "type": "model",
            "id": model.names["anthropic"],
            "display_name": model.id.replace("-", " ").title(),
            "created_at": f"{since.isoformat()}T00:00:00Z",
            "max_input_tokens": model.context_tokens,
            "max_tokens": model.output_tokens_max,
            "retires_at": f"{retires}T00:00:00Z" if retires else None,
        }


def _stored(method: str, path: str) -> Operation | None:
    """Batches or files, where the method fits the path."""
    if path in {BATCHES, FILES}:
        served = Operation.BATCHES if path == BATCHES else Operation.FILES
        return served if method in {"GET", "POST"} else None
    if found := _BATCH.fullmatch(path):
        allowed = {None: {"GET", "DELETE"}, "/results": {"GET"}, "/cancel": {"POST"}}[found[1]]
        return Operation.BATCHES if method in allowed else None
    if found := _FILE.fullmatch(path):
        return Operation.FILES if method in ({"GET"} if found[1] else {"GET", "DELETE"}) else None
    return None
