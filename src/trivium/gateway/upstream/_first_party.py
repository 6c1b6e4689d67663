"""How requests in the first-party wire are sent: version and betas in headers, the model in the body."""

from __future__ import annotations

from collections.abc import Mapping

from trivium.gateway.seams import Outbound, SurfaceSettings
from trivium.gateway.upstream._choices import address, own_headers
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.wire.headers import upstream_headers

PATHS: Mapping[str, str] = {"messages": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"}


def sent(
    draft: Draft,
    settings: SurfaceSettings,
    *,
    below: str = "",
    fixed: Mapping[str, str] | None = None,
    kept_back: tuple[str, ...] = (),
) -> Outbound:
    """The draft as a request to the endpoint's path under the configured address and `below`.

    `fixed` headers replace whatever a client or an operator gave; those of `kept_back` are not the surface's.
    """
    headers = upstream_headers(draft.request, betas=False)
    for name in kept_back:
        headers.pop(name, None)
    if draft.betas:
        headers["anthropic-beta"] = ",".join(draft.betas)
    return Outbound(
        surface=draft.surface,
        method="POST",
        url=address(settings, below + PATHS[draft.request.endpoint]),
        headers={**own_headers(settings, headers), **(fixed or {})},
        body=draft.edited(),
        stream=draft.request.stream,
        notes=tuple(draft.notes),
    )
