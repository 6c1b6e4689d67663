"""Which paths are about batches and files, and what a client asks there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from trivium.core import KeyRecord, ResourceKind, UserError
from trivium.gateway.dialect import FOUNDRY, MESSAGES, Dialect
from trivium.gateway.dialect._seam import VERSION_DEFAULT, header_betas
from trivium.gateway.seams import Endpoint, Errand, Headers
from trivium.gateway.wire.headers import forwarded

Action = Literal["create", "list", "read", "results", "content", "cancel", "delete"]
ROOTS: Mapping[Endpoint, str] = {"batches": "/v1/messages/batches", "files": "/v1/files"}
CAPABILITIES: Mapping[Endpoint, str] = {"batches": "message_batches_api", "files": "files_api"}  # as claims call them
KINDS: Mapping[Endpoint, ResourceKind] = {"batches": "batch", "files": "file"}

_PATH = re.compile(
    r"(?P<prefix>|/anthropic|/v1/projects/[^/]+/locations/[^/]+/workspaces/[^/]+/invoke)"
    r"(?P<root>/v1/messages/batches|/v1/files)(?:/(?P<id>[A-Za-z0-9_-]{1,128})(?P<part>/[a-z]+)?)?"
)
_ACTIONS: Mapping[tuple[str, str, bool, str], Action] = {  # method, root, with an id, what follows it
    **{("POST", root, False, ""): "create" for root in ROOTS.values()},
    **{("GET", root, False, ""): "list" for root in ROOTS.values()},
    **{("GET", root, True, ""): "read" for root in ROOTS.values()},
    **{("DELETE", root, True, ""): "delete" for root in ROOTS.values()},
    ("GET", ROOTS["batches"], True, "/results"): "results",
    ("POST", ROOTS["batches"], True, "/cancel"): "cancel",
    ("GET", ROOTS["files"], True, "/content"): "content",
}
_LISTED = {"limit", "after_id", "before_id", "page", "ids", "ids[]", "beta"}
_PAGE, _PAGE_MAX, _PAGE_SHOWN_MAX = 20, 1000, 100
_CURSOR = "page_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a method and a path ask for."""

    endpoint: Endpoint
    action: Action
    dialect: Dialect
    prefix: str
    resource_id: str = ""

    @property
    def upload(self) -> bool:
        """Whether a large body belongs to it."""
        return self.action == "create"

    @property
    def method(self) -> str:
        """The HTTP method."""
        return {"create": "POST", "cancel": "POST", "delete": "DELETE"}.get(self.action, "GET")

    @property
    def path(self) -> str:
        """The path at a surface."""
        root = ROOTS[self.endpoint]
        part = f"/{self.action}" if self.action in {"results", "content", "cancel"} else ""
        return f"{root}/{self.resource_id}{part}" if self.resource_id else root


def wanted(method: str, path: str) -> Wanted | None:
    """What is asked for; None when the path is about something else."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    action = _ACTIONS.get((method, found["root"], found["id"] is not None, found["part"] or ""))
    if action is None:
        return None
    endpoint: Endpoint = "files" if found["root"] == ROOTS["files"] else "batches"
    dialect = FOUNDRY if found["prefix"] == "/anthropic" else MESSAGES
    return Wanted(endpoint, action, dialect, found["prefix"], found["id"] or "")


def methods_at(path: str) -> tuple[str, ...]:
    """The methods that a path takes; none when it is about something else."""
    found = _PATH.fullmatch(path)
    if found is None:
        return ()
    what = (found["root"], found["id"] is not None, found["part"] or "")
    return tuple(method for method, *rest in _ACTIONS if tuple(rest) == what)


def address_of(scope: Mapping[str, Any], headers: Headers) -> str:
    """This gateway's address as the client wrote it, for links that lead back here; shown to that client alone."""
    told = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = told if told in {"http", "https"} else str(scope.get("scheme", "http"))
    return f"{scheme}://{headers.get('host', '')}"


@dataclass(frozen=True, slots=True)
class Call:
    """One client's request."""

    wanted: Wanted
    key: KeyRecord
    headers: Headers
    query: Mapping[str, Sequence[str]]
    at: datetime
    request_id: str
    address: str  # of this gateway, as the client wrote it
    data: bytes = b""

    def errand(
        self, method: str = "", path: str = "", *, body: bytes = b"", accept: str = "application/json"
    ) -> Errand:
        """This request, or another one in its name, for a surface."""
        return Errand(
            method=method or self.wanted.method,
            path=path or self.wanted.path,
            version=self.headers.get("anthropic-version", VERSION_DEFAULT),
            betas=header_betas(self.headers),
            headers=forwarded(self.headers),
            accept=accept,
            content_type=self.headers.get("content-type", "") if body else "",
            body=body,
        )


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page of a list."""

    limit: int
    after: str
    before: str
    ids: tuple[str, ...]


def page_asked(query: Mapping[str, Sequence[str]]) -> PageAsked:
    """The page a query asks for; raises UserError for what is not understood, so nothing is left out in silence."""
    for name in query:
        if name not in _LISTED:
            raise UserError(name, query[name][0][:64], f"use some of {', '.join(sorted(_LISTED))}")

    def one(name: str) -> str:
        return query.get(name, ("",))[0]

    limit = one("limit") or str(_PAGE)
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= _PAGE_MAX:
        raise UserError("limit", limit[:64], f"give a whole number from 1 to {_PAGE_MAX}")
    cursor = one("page")
    if cursor and not cursor.startswith(_CURSOR):
        raise UserError("page", cursor[:64], "give the next_page of an earlier answer")
    ids = tuple(dict.fromkeys((*query.get("ids", ()), *query.get("ids[]", ()))))
    if len(ids) > _PAGE_SHOWN_MAX:
        raise UserError("ids", len(ids), f"ask for at most {_PAGE_SHOWN_MAX}")
    # Each entry of a page is asked of its surface, so a page is never longer than this; has_more says the rest.
    shown = min(int(limit), _PAGE_SHOWN_MAX)
    return PageAsked(shown, cursor.removeprefix(_CURSOR) or one("after_id"), one("before_id"), ids)


def cursor_after(resource_id: str) -> str:
    """The `next_page` that continues after a resource."""
    return _CURSOR + resource_id
