"""Items of a feed: RSS, Atom or JSON Feed. A document type or an entity in XML is refused before anything is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET

from trivium.core import UserError

_DECLARES = re.compile(r"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_ITEMS_MAX = 2000
_DAY = re.compile(r"20\d\d-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: its number, title, day and link, and its text, which may be markup."""

    number: int
    title: str
    day: str
    link: str
    body: str


def is_xml_feed(text: str) -> bool:
    """Whether a text is an RSS or Atom feed."""
    return bool(re.search(r"<(rss|feed|rdf:RDF)\b", text[:4096]))


def read_xml(text: str, name: str) -> tuple[str, tuple[Item, ...]]:
    """The title and the items of an RSS or Atom feed; raises UserError for a broken or a dangerous one."""
    declared = _DECLARES.search(text)
    if declared is not None:
        line = text.count("\n", 0, declared.start()) + 1
        raise UserError(
            f"{name}, line {line}", declared[0], "remove the declaration: feeds need none, and it can be an attack"
        )
    try:
        root = ET.fromstring(text)  # noqa: S314  as above
    except ET.ParseError as error:
        line, column = error.position
        raise UserError(name, f"line {line}, column {column}", f"give a well-formed feed ({error})") from error
    nodes = [node for node in root.iter() if _local(node) in {"item", "entry"}][:_ITEMS_MAX]
    title = next((child.text or "" for child in root.iter() if _local(child) == "title"), "")
    return title, tuple(_item(number, node) for number, node in enumerate(nodes, start=1))


def _local(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _item(number: int, node: ET.Element) -> Item:
    said: dict[str, list[str]] = {}
    link = ""
    for child in node:
        said.setdefault(_local(child), []).append("".join(child.itertext()))
        if _local(child) == "link" and not link:
            link = child.get("href") or (child.text or "").strip()
    body = " ".join(text for name in ("encoded", "content", "description", "summary") for text in said.get(name, ()))
    days = [text for name in ("updated", "published", "pubDate", "date") for text in said.get(name, ())]
    return Item(number, said.get("title", [""])[0].strip(), _day(days[0] if days else ""), link, body)


def _day(text: str) -> str:
    found = _DAY.search(text)
    if found:
        return found[0]
    try:
        return parsedate_to_datetime(text.strip()).date().isoformat()
    except (TypeError, ValueError):
        return ""


def read_json(document: Mapping[str, Any]) -> tuple[str, tuple[Item, ...]]:
    """The title and the items of a JSON Feed."""
    return str(document.get("title", "")), tuple(_json_items(document))


def is_json_feed(document: Any) -> bool:
    """Whether a document is a JSON Feed."""
    return isinstance(document, dict) and isinstance(document.get("items"), list)


def _json_items(document: Mapping[str, Any]) -> Iterator[Item]:
    for number, raw in enumerate(document["items"][:_ITEMS_MAX], start=1):
        if isinstance(raw, dict):
            body = str(raw.get("content_html") or raw.get("content_text") or raw.get("summary") or "")
            day = _day(str(raw.get("date_modified") or raw.get("date_published") or ""))
            yield Item(number, str(raw.get("title", "")), day, str(raw.get("url", "")), body)
