"""The Files API: uploads kept in memory with ids and content, visible to the account that made them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from trivium.lab._paging import page
from trivium.lab.surfaces._base import Exchange, Refused, Reply, Surface, derived, invalid, json_reply

PATH = "/v1/files"
_BOUNDARY = re.compile(r'multipart/form-data\s*;.*boundary="?([^";]+)"?', re.IGNORECASE)
_DISPOSITION = re.compile(
    rb'content-disposition:\s*form-data;\s*name="([^"]*)"(?:;\s*filename="([^"]*)")?', re.IGNORECASE
)
_TYPE = re.compile(rb"content-type:\s*([^\r\n;]+)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
_NAME_MAX = 500
_LIFE_S = range(3600, 7_776_001)


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    account: str
    name: str
    mime_type: str
    content: bytes
    created: datetime
    expires: datetime | None


class Files:
    """The files of one surface. Option `files_downloadable`: uploads may be read back, which the API does not allow."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._downloadable = bool(surface.setup.options.get("files_downloadable"))
        self._files: dict[str, _File] = {}

    def answer(self, exchange: Exchange, account: str) -> Reply:
        """Answer one authenticated request; raises Refused."""
        rest = unquote(exchange.path.partition(PATH)[2]).strip("/")
        file_id, _, action = rest.partition("/")
        if not rest:
            return self._upload(exchange, account) if exchange.method == "POST" else self._list(exchange, account)
        found = self._find(file_id, account, exchange.at)
        match (exchange.method, action):
            case ("GET", ""):
                return json_reply(200, self._shown(found))
            case ("GET", "content"):
                if not self._downloadable:
                    raise invalid(f"File {found.id} is not downloadable: it was uploaded.")
                return Reply(200, {"content-type": found.mime_type}, found.content)
            case ("DELETE", ""):
                del self._files[found.id]
                return json_reply(200, {"id": found.id, "type": "file_deleted"})
        raise self._surface.unknown_path(exchange)

    def check(self, body: Mapping[str, Any], account: str, at: datetime) -> None:
        """Refuse a Messages body that names a file which the account does not have."""
        for file_id in _named(body.get("messages")):
            self._find(file_id, account, at)

    def _find(self, file_id: str, account: str, at: datetime) -> _File:
        found = self._files.get(file_id)
        if found is None or found.account != account or (found.expires is not None and found.expires <= at):
            raise Refused(404, "not_found_error", f"File not found: {file_id}")
        return found

    def _upload(self, exchange: Exchange, account: str) -> Reply:
        form = _form(exchange)
        if "file" not in form:
            raise invalid("file: Field required")
        name, mime_type, content = form["file"]
        name = name.rpartition("/")[2] or "unnamed"
        if len(name) > _NAME_MAX or _FORBIDDEN.search(name):
            raise invalid("file: invalid filename")
        expires = None
        if "expires_in_seconds" in form:
            text = form["expires_in_seconds"][2].decode("ascii", "replace")
            if not text.isdecimal() or int(text) not in _LIFE_S:
                raise invalid(f"expires_in_seconds: Input should be from {_LIFE_S.start} to {_LIFE_S.stop - 1}")
            expires = exchange.at + timedelta(seconds=int(text))
        file_id = f"file_{derived(exchange.request_id, 'file')}"
        stored = self._files[file_id] = _File(file_id, account, name, mime_type, content, exchange.at, expires)
        return json_reply(200, self._shown(stored))

    def _list(self, exchange: Exchange, account: str) -> Reply:
        own = [
            self._shown(stored)
            for stored in reversed(self._files.values())
            if stored.account == account and (stored.expires is None or exchange.at < stored.expires)
        ]
        return json_reply(200, page(own, parse_qs(exchange.query)))

    def _shown(self, stored: _File) -> dict[str, Any]:
        return {
            "type": "file",
            "id": stored.id,
            "filename": stored.name,
            "mime_type": stored.mime_type,
            "size_bytes": len(stored.content),
            "created_at": stored.created.isoformat().replace("+00:00", "Z"),
            "expires_at": None if stored.expires is None else stored.expires.isoformat().replace("+00:00", "Z"),
            "downloadable": self._downloadable,
        }


def _form(exchange: Exchange) -> dict[str, tuple[str, str, bytes]]:
    """The parts of a multipart body by name: file name, media type, content."""
    found = _BOUNDARY.match(exchange.headers.get("content-type", ""))
    if found is None:
        raise invalid("content-type: multipart/form-data with a boundary is required")
    marker = b"--" + found[1].encode()
    pieces = (b"\r\n" + exchange.body).split(b"\r\n" + marker)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004  a preamble and an end at the least
        raise invalid("The multipart body has no end.")
    parts: dict[str, tuple[str, str, bytes]] = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        named, kind = _DISPOSITION.search(head), _TYPE.search(head)
        if not blank or named is None:
            raise invalid("The multipart body has a part without a name.")
        media = kind[1].decode("latin-1").strip() if kind else "application/octet-stream"
        parts[named[1].decode()] = ((named[2] or b"").decode("utf-8", "replace"), media, content)
    return parts


def _named(value: object) -> Iterator[str]:
    """Every file id in content blocks, those inside tool results included."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        source = value.get("source")
        if isinstance(source, dict) and source.get("type") == "file" and isinstance(source.get("file_id"), str):
            yield source["file_id"]
        if value.get("type") == "container_upload" and isinstance(value.get("file_id"), str):
            yield value["file_id"]
        yield from _named(value.get("content"))
