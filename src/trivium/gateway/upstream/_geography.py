"""The field `inference_geo`, for the surfaces that take it."""

from __future__ import annotations

from trivium.core import Target, UserError
from trivium.gateway.seams import MessagesRequest
from trivium.gateway.upstream._choices import encoded

_GLOBAL = "global"


def geography_of(request: MessagesRequest, target: Target) -> tuple[str, dict[str, bytes]]:
    """Where the request is served, and the field that says so when the route keeps a place and the client is silent.

    The body decides what is served and billed. A client may narrow a global route, but not leave a narrow one.
    """
    asked, kept = request.body.get("inference_geo"), target.offer.scope
    if kept == _GLOBAL:
        return (asked if isinstance(asked, str) else kept), {}
    if asked is None:
        return kept, ({"inference_geo": encoded(kept)} if request.endpoint == "messages" else {})
    if asked != kept:
        raise UserError("inference_geo", asked, f"this route keeps {kept}; ask for it, or for a route that does not")
    return kept, {}
