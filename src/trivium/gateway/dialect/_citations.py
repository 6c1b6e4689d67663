"""Citations in Converse's words and in the Messages API's: the same places, counted the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trivium.core import UserError


@dataclass(frozen=True, slots=True)
class _Place:
    """One kind of location: what Converse calls it and its index, and the members of the Messages API."""

    location: str
    index: str
    members: tuple[str, str, str]  # index, start, end
    title: str


_PLACES: Mapping[str, _Place] = {
    "char_location": _Place(
        "documentChar",
        "documentIndex",
        ("document_index", "start_char_index", "end_char_index"),
        "document_title",
    ),
    "page_location": _Place(
        "documentPage",
        "documentIndex",
        ("document_index", "start_page_number", "end_page_number"),
        "document_title",
    ),
    "content_block_location": _Place(
        "documentChunk",
        "documentIndex",
        ("document_index", "start_block_index", "end_block_index"),
        "document_title",
    ),
    "search_result_location": _Place(
        "searchResultLocation",
        "searchResultIndex",
        ("search_result_index", "start_block_index", "end_block_index"),
        "title",
    ),
}
_KINDS = {place.location: kind for kind, place in _PLACES.items()}


def to_converse(citation: Mapping[str, Any]) -> dict[str, Any] | None:
    """A citation of the Messages API; None for a place that Converse has no word for."""
    place = _PLACES.get(str(citation.get("type")))
    if place is None:
        return None
    index, start, end = (citation.get(name) for name in place.members)
    said: dict[str, Any] = {
        "location": {place.location: {place.index: index, "start": start, "end": end}},
        "sourceContent": [{"text": citation.get("cited_text") or ""}],
    }
    for ours, theirs in (("title", place.title), ("source", "source")):
        if citation.get(theirs) is not None:
            said[ours] = citation[theirs]
    return said


def to_messages(citation: object, where: str) -> dict[str, Any] | None:
    """A citation of Converse; None for a place that the Messages API has no word for. Raises UserError."""
    location = citation.get("location") if isinstance(citation, dict) else None
    if not isinstance(citation, dict) or not isinstance(location, dict) or len(location) != 1:
        raise UserError(f"{where}.location", type(location).__name__, "give one location")
    ((name, found),) = location.items()
    kind = _KINDS.get(name)
    if kind is None or not isinstance(found, dict):
        return None
    place = _PLACES[kind]
    quoted = citation.get("sourceContent") or []
    texts = [part.get("text", "") for part in quoted if isinstance(part, dict)] if isinstance(quoted, list) else []
    numbers = (found.get(place.index), found.get("start"), found.get("end"))
    said: dict[str, Any] = {"type": kind, "cited_text": "".join(str(text) for text in texts)}
    said |= dict(zip(place.members, numbers, strict=True))
    said[place.title] = citation.get("title")
    if kind == "search_result_location":
        said["source"] = citation.get("source")
    return said
