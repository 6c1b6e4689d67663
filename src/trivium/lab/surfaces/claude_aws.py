"""Claude Platform on AWS: the first-party API behind AWS's sign-in, every request in a workspace."""

from __future__ import annotations

import re
from typing import ClassVar

from trivium.lab.auth.identities import AWS
from trivium.lab.auth.sigv4 import Received, SigV4Verifier
from trivium.lab.surfaces._base import (
    Exchange,
    Refused,
    Reply,
    Setup,
    Surface,
    account_of,
    bearer,
    derived,
    invalid,
    json_reply,
)
from trivium.lab.surfaces.anthropic import AnthropicSurface

_WORKSPACE = re.compile(r"wrkspc_[A-Za-z0-9]+")
_REFUSED_KEY = "The API key is not valid."  # the platform answers a generic refusal; its exact words are not documented


def build(setup: Setup) -> Surface:
    """The surface."""
    return ClaudeAws(setup)


class ClaudeAws(AnthropicSurface):
    """Options: `aws` (access keys), `wall` (the clock that signatures are judged by), `region` (None: every region)."""

    name: ClassVar[str] = "claude-aws"
    refused_fields = frozenset({"speed", "diagnostics"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        options = setup.options
        self._verifier = SigV4Verifier(
            options.get("aws", (AWS,)),
            service="aws-external-anthropic",
            region=options.get("region"),
            clock=options.get("wall", setup.clock),
        )

    def authenticate(self, exchange: Exchange) -> str:
        """A key as bearer or in `x-api-key`, else a signature; then the workspace, to which caches belong."""
        account = self._account(exchange)
        workspace = exchange.headers.get("anthropic-workspace-id", "")
        if not _WORKSPACE.fullmatch(workspace):
            raise invalid("anthropic-workspace-id: header is required")
        return f"{account}/{workspace}"

    def _account(self, exchange: Exchange) -> str:
        key = exchange.headers.get("x-api-key") or bearer(exchange)
        if key is None:
            headers = tuple(exchange.headers.items())
            request = Received(exchange.method, exchange.path, exchange.query, headers, exchange.body)
            return self._verifier.verify(request).account
        account = account_of(self.setup.keys, [key])
        if account is None:
            raise Refused(403, "authentication_error", _REFUSED_KEY, native="UnrecognizedClientException")
        return account

    def id_headers(self, request_id: str) -> dict[str, str]:
        """The API's id, and the one that AWS logs."""
        text = derived(request_id, "x-amzn-requestid", 32)
        amzn = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        return {"request-id": request_id, "x-amzn-requestid": amzn}

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """The front's own form for its refusals, the envelope for everything else."""
        if refused.native:
            headers = {**refused.headers, "x-amzn-errortype": refused.native}
            return json_reply(refused.status, {"message": refused.message}, headers)
        return super().refuse(refused, exchange)
