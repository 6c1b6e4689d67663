"""Files that a request names: they must be the workload's own, and the request must go where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from trivium.core import KeyRecord, UserError
from trivium.gateway.admit import Refused
from trivium.gateway.seams import GatewaySettings, Pin, Resources
from trivium.gateway.wire.body import Body

_MENTION = b'"file_id"'
_ESCAPE = b"\\u00"  # the key may be written with escapes of its letters
_LETTERS = "".join(rf"(?:{each}|\\u{ord(each):04x})" for each in "file_id")
_ESCAPED = re.compile(f'"{_LETTERS}"'.encode(), re.IGNORECASE)


def files_in(body: Body) -> tuple[str, ...]:
    """The ids of files that content blocks name, in order, each once. What tools made on a surface is no upload."""
    raw = body.raw("messages")
    if raw is None or not (_MENTION in raw or (_ESCAPE in raw and _ESCAPED.search(raw))):
        return ()
    return tuple(dict.fromkeys(_named(msgspec.json.decode(raw))))


def _named(messages: object) -> Iterator[str]:
    waiting = [messages]  # no recursion: how deep it goes is the client's choice
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            found = value.get("file_id")
            if value.get("type") in {"file", "container_upload"} and isinstance(found, str):
                yield found
            waiting += (value.get("content"), value.get("source"))


def visible(key: KeyRecord, settings: GatewaySettings) -> tuple[str, ...]:
    """The configured surfaces whose resources a key may see."""
    return tuple(name for name, entry in settings.surfaces.items() if not key.surfaces or entry.surface in key.surfaces)


async def pin_of(
    file_ids: Iterable[str], resources: Resources, key: KeyRecord, settings: GatewaySettings
) -> Pin | None:
    """Where the files lie, None without files; raises Refused for one that is not the workload's."""
    pin: Pin | None = None
    for file_id in file_ids:
        found = await resources.owner("file", file_id)
        if found is None or found.workload != key.workload or found.surface not in visible(key, settings):
            raise Refused(404, "not_found_error", f"File not found: {file_id}")
        if pin is not None and pin.surface != found.surface:
            other = f"{pin.file_id} lies at {pin.surface}, {file_id} at {found.surface}"
            raise UserError("file_id", file_id, f"{other}: upload them to one surface, or send the content as base64")
        pin = pin or Pin(found.surface, file_id)
    return pin
