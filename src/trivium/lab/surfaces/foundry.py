"""Microsoft Foundry: first-party bodies under `/anthropic`, deployments for models, Azure's keys, tokens and errors.

Options: `deployments` maps a deployment name to `model[@scope][+tier]` (scope `us_data_zone_standard`, tier `fast`);
without it every model that Foundry serves has a Global Standard deployment of its own name. `entra` is a Verifier for
bearer tokens; without it bearer tokens are taken for keys. `hosting` is `anthropic` for a resource that has files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from trivium.core import UserError
from trivium.lab.surfaces._base import (
    Exchange,
    Operation,
    Refused,
    Reply,
    Setup,
    Surface,
    Verifier,
    account_of,
    bearer,
    derived,
    json_reply,
)
from trivium.lab.surfaces._first_party import FirstPartySurface, Resolved

_FILES = re.compile(r"/anthropic/v1/files(/[^/]+(/content)?)?")
GLOBAL_STANDARD, DATA_ZONE = "global_standard", "us_data_zone_standard"
_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
    "please wait a moment and try again."
)


def build(setup: Setup) -> Surface:
    """The surface."""
    return FoundrySurface(setup)


class FoundrySurface(FirstPartySurface):
    """See the module."""

    name: ClassVar[str] = "foundry"
    system_messages: ClassVar[bool] = False
    refused_fields = frozenset({"fallbacks", "fallback_credit_token", "inference_geo", "speed"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._entra: Verifier | None = setup.options.get("entra")
        self._files = setup.options.get("hosting") == "anthropic"
        self._deployments = self._read_deployments(setup.options.get("deployments"))

    def route(self, exchange: Exchange) -> Operation | None:
        """Messages and count_tokens, files where Anthropic hosts; models, batches and all else are not served."""
        if self._files and _FILES.fullmatch(exchange.path) and exchange.method in {"GET", "POST", "DELETE"}:
            return Operation.FILES
        if exchange.method != "POST":
            return None
        return {
            "/anthropic/v1/messages": Operation.MESSAGES,
            "/anthropic/v1/messages/count_tokens": Operation.COUNT_TOKENS,
        }.get(exchange.path)

    def authenticate(self, exchange: Exchange) -> str:
        """`api-key` or `x-api-key` (if both, they must agree), or an Entra token."""
        keys = [exchange.headers[name] for name in ("api-key", "x-api-key") if name in exchange.headers]
        if keys:
            account = account_of(self.setup.keys, keys) if len(set(keys)) == 1 else None
        else:
            token = bearer(exchange)
            if token is not None and self._entra is not None:
                return self._entra.verify(token, exchange.at)
            account = account_of(self.setup.keys, [token or ""])
        if account is None:
            raise Refused(401, "authentication_error", _DENIED, native="401")
        return account

    def resolve(self, name: str) -> Resolved:
        """By deployment name; the answer names the model."""
        found = self._deployments.get(name)
        if found is None:
            raise Refused(404, "invalid_request_error", _NO_DEPLOYMENT, native="DeploymentNotFound")
        return found

    def unknown_path(self, exchange: Exchange) -> Refused:
        """Azure's answer for paths that the resource does not serve."""
        return Refused(404, "not_found_error", f"{exchange.path} is not supported.", native="api_not_supported")

    def id_headers(self, request_id: str) -> dict[str, str]:
        """Anthropic's id and Azure's."""
        digits = derived(request_id, "apim", 32)
        apim = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return {"request-id": request_id, "apim-request-id": apim}

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """Azure's form for what its gateway refuses, Anthropic's envelope for the rest."""
        if not refused.native and refused.kind != "authentication_error":
            return super().refuse(refused, exchange)
        error: dict[str, object] = {"code": refused.native or str(refused.status), "message": refused.message}
        if refused.native == "DeploymentNotFound":
            error = {"type": refused.kind, **error}
        return json_reply(refused.status, {"error": error}, refused.headers)

    def _read_deployments(self, given: Mapping[str, str] | None) -> dict[str, Resolved]:
        models = self.setup.models
        if given is None:
            return {
                model.names["foundry"]: Resolved(model, model.names["anthropic"], GLOBAL_STANDARD)
                for model in models
                if model.names["foundry"]
            }
        found = {}
        for name, text in given.items():
            place, _, tier = text.partition("+")
            model_id, _, scope = place.partition("@")
            model = models.find("foundry", model_id) or models.find("anthropic", model_id)
            if model is None or scope not in {"", GLOBAL_STANDARD, DATA_ZONE}:
                raise UserError(f"deployments.{name}", text, f"give model[@{DATA_ZONE}][+fast] with a known model")
            found[name] = Resolved(model, model.names["anthropic"], scope or GLOBAL_STANDARD, tier or "standard")
        return found
