"""Which headers cross the gateway, in either direction: lists of what may pass, never of what may not."""

from __future__ import annotations

from trivium import __version__
from trivium.gateway.seams import Headers, MessagesRequest

USER_AGENT = f"trivium/{__version__}"
_OWN = {"anthropic-version", "anthropic-beta"}  # carried by fields of MessagesRequest
_SHARED_QUOTA = ("anthropic-ratelimit-", "anthropic-priority-", "anthropic-fast-")
_ORGANISATION = {"anthropic-organization-id", "anthropic-workspace-id"}


def forwarded(headers: Headers) -> dict[str, str]:
    """The client's anthropic-* headers, an open list, but for those that have a place of their own."""
    return {name: value for name, value in headers.items() if name.startswith("anthropic-") and name not in _OWN}


def upstream_headers(request: MessagesRequest, *, betas: bool = True) -> dict[str, str]:
    """What every Anthropic-format upstream gets: version and betas as the client sent them, no client credential."""
    headers = {
        "accept": "text/event-stream" if request.stream else "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "anthropic-version": request.version,
        **request.headers,
    }
    if betas and request.betas:
        headers["anthropic-beta"] = ",".join(request.betas)
    return headers


def client_headers(upstream: Headers) -> dict[str, str]:
    """What of an upstream's headers the client may see: the type of the body, and anthropic-* that is its own."""
    passed = {
        name: value
        for name, value in upstream.items()
        if name.startswith("anthropic-") and name not in _ORGANISATION and not name.startswith(_SHARED_QUOTA)
    }
    if "content-type" in upstream:
        passed["content-type"] = upstream["content-type"]
    return passed
