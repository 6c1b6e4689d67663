"""Content parts of a Chat Completions message as Messages blocks: text, images, files, and the marks of a cache."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from trivium.gateway.dialect.openai._read import items, members, refuse, text, word

_MARK = "cache_control"
_BREAKPOINT = "prompt_cache_breakpoint"
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)
_LINK = re.compile(r"https?://", re.IGNORECASE)
_COMMON = frozenset({"type", _MARK, _BREAKPOINT})
_DETAIL = "auto"
_PDF, _PLAIN = "application/pdf", "text/plain"
_NO_AUDIO = "leave it out: Claude takes no audio"

Block = dict[str, Any]


class Parts:
    """Reads parts; what was left out on the way is noted once."""

    def __init__(self) -> None:
        self.notes: dict[str, None] = {}  # an ordered set

    def blocks(self, content: Any, where: str, *, only_text: bool = False) -> list[Block]:
        """A message's content: a text or a list of parts. An empty text is no block."""
        if content is None:
            return []
        if isinstance(content, str):
            return [{"type": "text", "text": content}] if content else []
        found = [
            self._block(part, f"{where}[{number}]", only_text=only_text)
            for number, part in enumerate(items(content, where))
        ]
        return [block for block in found if block != {"type": "text", "text": ""}]

    def _block(self, part: Any, where: str, *, only_text: bool) -> Block:
        kind = word(part, "type")
        if kind == "text":
            found = members(part, where, _COMMON | {"text"})
            block: Block = {"type": "text", "text": text(found.get("text"), f"{where}.text")}
        elif kind == "refusal":
            found = members(part, where, _COMMON | {"refusal"})
            block = {"type": "text", "text": text(found.get("refusal"), f"{where}.refusal")}
        elif only_text:
            refuse(f"{where}.type", kind, "give text: nothing else may stand in this message")
        elif kind == "image_url":
            found = members(part, where, _COMMON | {"image_url"})
            block = {"type": "image", "source": self._image(found.get("image_url"), f"{where}.image_url")}
        elif kind == "file":
            found = members(part, where, _COMMON | {"file"})
            block = _document(found.get("file"), f"{where}.file")
        else:
            refuse(f"{where}.type", kind, _NO_AUDIO if kind == "input_audio" else "give text, image_url or file")
        if _BREAKPOINT in found:
            self.note("left out prompt_cache_breakpoint: mark the part with cache_control")
        return block | ({_MARK: found[_MARK]} if _MARK in found else {})

    def _image(self, value: Any, where: str) -> Block:
        found = members(value, where, frozenset({"url", "detail"}))
        if found.get("detail", _DETAIL) != _DETAIL:
            self.note("left out image_url.detail: Claude sees an image in its own resolution")
        url = text(found.get("url"), f"{where}.url")
        if data := _DATA.match(url):
            return {"type": "base64", "media_type": data[1].lower(), "data": url[data.end() :]}
        if not _LINK.match(url):
            refuse(f"{where}.url", url, "give an https address or a data URL in base64")
        return {"type": "url", "url": url}

    def note(self, what: str) -> None:
        """Tell the client what was left out."""
        self.notes[what] = None


def _document(value: Any, where: str) -> Block:
    found = members(value, where, frozenset({"file_data", "file_id", "filename"}))
    if "file_id" in found:
        refuse(f"{where}.file_id", found["file_id"], "send the file itself as file_data")
    sent = text(found.get("file_data"), f"{where}.file_data")
    data = _DATA.match(sent)
    kind = data[1].lower() if data else ""
    if data is None or kind not in {_PDF, _PLAIN}:
        refuse(f"{where}.file_data", kind or "no data URL", f"give a data URL in base64 of {_PDF} or {_PLAIN}")
    content = sent[data.end() :]
    source = {"type": "base64", "media_type": kind, "data": content}
    if kind == _PLAIN:
        source = {"type": "text", "media_type": kind, "data": _plain(content, f"{where}.file_data")}
    title = {"title": text(found["filename"], f"{where}.filename")} if found.get("filename") else {}
    return {"type": "document", "source": source, **title}


def _plain(content: str, where: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        refuse(where, "text/plain", "give UTF-8 text in base64")
