"""Claude on Google Cloud, Anthropic-managed: the first-party API below a project and a workspace, Google's sign-in."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import unquote

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
    invalid,
    json_reply,
)
from trivium.lab.surfaces.anthropic import AnthropicSurface

_PATH = re.compile(
    r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/workspaces/(?P<workspace>[^/]+)/invoke"
    r"(?P<rest>/v1/.*)"
)
_LOCATION, _WORKSPACE = "global", re.compile(r"wrkspc_[A-Za-z0-9]+")
_MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential."
)
_INVALID = "Request had invalid authentication credentials."


def build(setup: Setup) -> Surface:
    """The surface."""
    return ClaudeGcp(setup)


class ClaudeGcp(AnthropicSurface):
    """The first party's form; caches belong to a workspace, and fast mode is sold for what the price table has.

    Options: `google` verifies access tokens (the setup's keys are taken for tokens too); `projects` and `workspaces`
    that may be named (None: any).
    """

    name: ClassVar[str] = "claude-gcp"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._google: Verifier | None = setup.options.get("google")
        self._projects = _named(setup.options.get("projects"))
        self._workspaces = _named(setup.options.get("workspaces"))

    def route(self, exchange: Exchange) -> Operation | None:
        """The first party's paths below the prefix."""
        match = _PATH.fullmatch(exchange.path)
        return super().route(replace(exchange, path=match["rest"])) if match else None

    def body_limit(self, path: str) -> int:
        """The first party's, by what stands below the prefix."""
        match = _PATH.fullmatch(path)
        return super().body_limit(match["rest"] if match else path)

    def authenticate(self, exchange: Exchange) -> str:
        """An OAuth token alone; then project, location and workspace of the path."""
        match = _match(exchange)
        token = bearer(exchange)
        if token is None:
            raise Refused(401, "authentication_error", _MISSING, native="UNAUTHENTICATED")
        self._check_token(token, exchange)
        project, workspace = unquote(match["project"]), unquote(match["workspace"])
        if self._projects is not None and project not in self._projects:
            message = (
                f"Permission 'claude.messages.create' denied on resource 'projects/{project}' (or it may not exist)."
            )
            raise Refused(403, "permission_error", message, native="PERMISSION_DENIED")
        known = self._workspaces is None or workspace in self._workspaces
        if match["location"] != _LOCATION or not _WORKSPACE.fullmatch(workspace) or not known:
            raise Refused(404, "not_found_error", "Requested entity was not found.", native="NOT_FOUND")
        for header in ("x-api-key", "anthropic-workspace-id"):
            if header in exchange.headers:
                raise invalid(f"{header}: header is not accepted here")
        return f"{project}/{workspace}"

    def _check_token(self, token: str, exchange: Exchange) -> None:
        if account_of(self.setup.keys, [token]) is not None:
            return
        if self._google is None:
            raise Refused(401, "authentication_error", _INVALID, native="UNAUTHENTICATED")
        self._google.verify(token, exchange.at)

    def other(self, exchange: Exchange) -> Reply:
        """The Models API below the prefix."""
        return super().other(replace(exchange, path=_match(exchange)["rest"]))

    def unknown_path(self, exchange: Exchange) -> Refused:
        """Google answers outside the prefix, the API below it."""
        native = "" if _PATH.fullmatch(exchange.path) else "NOT_FOUND"
        return Refused(404, "not_found_error", "Not Found" if not native else "Method not found.", native=native)

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """Google's error object for what its front end refuses, the envelope for everything else."""
        if not refused.native:
            return super().refuse(refused, exchange)
        error = {"code": refused.status, "message": refused.message, "status": refused.native}
        return json_reply(refused.status, {"error": error}, refused.headers)


def _named(names: Any) -> frozenset[str] | None:
    return frozenset(names) if names else None


def _match(exchange: Exchange) -> re.Match[str]:
    match = _PATH.fullmatch(exchange.path)
    if match is None:
        raise Refused(404, "not_found_error", "Method not found.", native="NOT_FOUND")
    return match
