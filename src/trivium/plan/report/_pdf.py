"""The report in print: the same document as the page, set by Typst with the fonts it brings along."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import typst

from trivium.catalog import Claim, Conflict
from trivium.core import TriviumError
from trivium.plan.decision import Decision
from trivium.plan.report._build import document
from trivium.plan.report._document import Document
from trivium.plan.report._html import TEMPLATES

_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_AS_IS = {"anchor", "anchors", "kind", "role", "tone", "align", "svg", "day"}
_LONG = re.compile(r"[^\s\u200b]{15,}")
_JOINTS = re.compile(r"([./_:;=-])(?=\w)")
_CHART_FONT = "Libertinus Serif"  # a drawing's page font is not there in print


def report_pdf(decision: Decision, claims: Mapping[str, Claim], conflicts: Sequence[Conflict] = ()) -> bytes:
    """The printed report; equal decisions give equal bytes."""
    return printed(document(decision, claims, conflicts))


def printed(doc: Document) -> bytes:
    """Any document in print; no fonts of the machine are used and nothing is fetched."""
    source = (TEMPLATES / "report.typ").read_bytes()
    day = date.fromisoformat(doc.day)
    data = _plain(asdict(doc)) | {"year": day.year, "month": day.month, "day_of_month": day.day}
    stamp = datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        made = typst.compile(
            source,
            sys_inputs={"document": json.dumps(data)},
            ignore_system_fonts=True,
            format="pdf",
            timestamp=int(stamp.timestamp()),
        )
    except typst.TypstError as error:
        raise TriviumError(f"the report could not be set for print: {error}") from error
    if not isinstance(made, bytes):
        raise TriviumError("the report could not be set for print: it came in several files")
    return made


def _plain(value: Any) -> Any:
    """For the template: rows with their anchors, drawings with a font that is there."""
    if isinstance(value, dict):
        found = {key: item if key in _AS_IS else _plain(item) for key, item in value.items()}
        if found.get("kind") == "grid":
            anchors = found["anchors"] or [""] * len(found["rows"])
            found["rows"] = [{"anchor": a, "cells": r} for a, r in zip(anchors, found["rows"], strict=True)]
        if found.get("kind") == "chart":
            found["svg"] = value["svg"].replace("system-ui, sans-serif", _CHART_FONT)
        return found
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _breakable(_UNREADABLE.sub(" ", value)) if isinstance(value, str) else value


def _breakable(text: str) -> str:
    """Long names may break after their dots and dashes: a zero-width space marks where."""
    return _LONG.sub(lambda word: _JOINTS.sub("\\1\u200b", word[0]), text)
