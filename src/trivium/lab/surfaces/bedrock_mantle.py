"""Claude in Amazon Bedrock (Mantle): the first-party wire under `/anthropic`, AWS's sign-in, an endpoint per region."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from typing import Any, ClassVar

from trivium.lab.auth.identities import AWS
from trivium.lab.auth.sigv4 import Received, SigV4Verifier
from trivium.lab.surfaces._base import (
    Call,
    Exchange,
    Operation,
    Refused,
    Reply,
    Setup,
    Surface,
    account_of,
    bearer,
    derived,
    json_reply,
)
from trivium.lab.surfaces._first_party import FirstPartySurface, Resolved
from trivium.lab.surfaces._platform import SERVER_TOOLS, TOOLSETS, refuse_remote_sources, refuse_tools

_PATHS = {
    "/anthropic/v1/messages": Operation.MESSAGES,
    "/anthropic/v1/messages/count_tokens": Operation.COUNT_TOKENS,
}
_REGION = re.compile(r"Credential=[^/,\s]+/\d{8}/(?P<region>[a-z0-9-]+)/")
_REGIONAL, _GOVERNMENT = "geo_or_regional", "us_gov"
_REFUSED_KEY = "Authentication failed: Please make sure your API Key is valid."
_NOT_FOUND = "Could not resolve the foundation model from the provided model identifier."


def build(setup: Setup) -> Surface:
    """The surface."""
    return BedrockMantle(setup)


class BedrockMantle(FirstPartySurface):
    """Options: `aws` (access keys), `wall` (the clock that signatures are judged by), `region` (None: every region).

    An endpoint belongs to a region and the ids name no other place, so a region's price is what is billed: that of
    the signature, and for a key that of the option.
    """

    name: ClassVar[str] = "bedrock-mantle"
    refused_fields = frozenset(
        {
            "container", "diagnostics", "fallback_credit_token", "fallbacks", "inference_geo", "mcp_servers", "speed",
            "thread",
        },
    )  # fmt: skip

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        options = setup.options
        self._region = str(options.get("region") or "")
        self._verifier = SigV4Verifier(
            options.get("aws", (AWS,)),
            service="bedrock-mantle",
            region=self._region or None,
            clock=options.get("wall", setup.clock),
        )
        self._betas = frozenset((files("trivium.lab") / "data" / "betas_mantle.csv").read_text().split()[1:])

    def route(self, exchange: Exchange) -> Operation | None:
        """Messages and count_tokens; there are no batches, models or files."""
        return _PATHS.get(exchange.path) if exchange.method == "POST" else None

    def authenticate(self, exchange: Exchange) -> str:
        """A Bedrock API key as bearer or in `x-api-key`, else a signature."""
        key = exchange.headers.get("x-api-key") or bearer(exchange)
        if key is None:
            headers = tuple(exchange.headers.items())
            request = Received(exchange.method, exchange.path, exchange.query, headers, exchange.body)
            return self._verifier.verify(request).account
        account = account_of(self.setup.keys, [key])
        if account is None:
            raise Refused(403, "permission_error", _REFUSED_KEY, native="AccessDeniedException")
        return account

    def read(self, exchange: Exchange, operation: Operation, body: dict[str, Any], account: str) -> Call:
        """The first party's form, without what runs elsewhere: server tools, toolsets, things to be fetched."""
        refuse_tools(body, SERVER_TOOLS + TOOLSETS)
        refuse_remote_sources(body)
        call = super().read(exchange, operation, body, account)
        signed = _REGION.search(exchange.headers.get("authorization", ""))
        region = signed["region"] if signed else self._region
        return replace(call, scope=_GOVERNMENT) if region.startswith("us-gov-") else call

    def resolve(self, name: str) -> Resolved:
        """By `anthropic.` and the bare name; there are no profiles and no ARNs."""
        model = self.setup.models.find("mantle", name)
        if model is None:
            raise Refused(404, "not_found_error", _NOT_FOUND, native="ResourceNotFoundException")
        return Resolved(model, model.names["anthropic"] or model.id, _REGIONAL)

    def id_headers(self, request_id: str) -> dict[str, str]:
        """The model service's id, and the one that AWS logs."""
        text = derived(request_id, "x-amzn-requestid", 32)
        amzn = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        return {"request-id": request_id, "x-amzn-requestid": amzn}

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """The front's own form for its refusals, the envelope for everything else."""
        if refused.native:
            headers = {**refused.headers, "x-amzn-errortype": refused.native}
            return json_reply(refused.status, {"message": refused.message}, headers)
        return super().refuse(refused, exchange)
