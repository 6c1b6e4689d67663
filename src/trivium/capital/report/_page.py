"""The report as one HTML page: drawings and script inline, nothing fetched, readable in both lights and on paper."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from trivium.capital.report._blocks import Block, Part, Picture
from trivium.capital.report._build import parts_of
from trivium.capital.report._inputs import live_inputs
from trivium.capital.report._values import IS_NOT, Report
from trivium.figures import page_style

_MARK = re.compile(r'aria-labelledby="t([0-9a-f]+) ')
TEMPLATES = files("trivium.capital.report") / "templates"


def report_page(report: Report) -> str:
    """The page."""
    environment, script = _environment()
    inputs = live_inputs(report)
    return environment.get_template("page").render(
        title=f"Is the ground firm under {report.asked.party}?",
        subtitle=f"Capital: what was announced by {report.snapshot.as_of}",
        parts=_with_own_names(parts_of(report)),
        foot=f"{IS_NOT} Catalogue {report.snapshot.digest[:12]}.",
        style=page_style() + _read("more.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        inputs=inputs,
        inputs_json=_embedded(inputs),
    )


def is_web(address: str) -> bool:
    """Whether an address may be a link: a claim can hold any text."""
    return address.startswith(("https://", "http://"))


def _embedded(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _with_own_names(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Equal drawings name themselves equally: on one page each needs a name of its own."""
    seen: Counter[str] = Counter()

    def named(block: Block) -> Block:
        mark = _MARK.search(block.svg) if isinstance(block, Picture) else None
        if mark is None or not isinstance(block, Picture):
            return block
        seen[mark[1]] += 1
        number = seen[mark[1]]
        return block if number == 1 else replace(block, svg=block.svg.replace(mark[1], f"{mark[1]}-{number}"))

    return tuple(replace(part, blocks=tuple(map(named, part.blocks))) for part in parts)


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> tuple[Environment, str]:
    found = Environment(
        loader=DictLoader({"page": _read("page.html.jinja")}), autoescape=True, undefined=StrictUndefined
    )
    found.filters["is_web"] = is_web
    return found, _read("reckon.js") + _read("live.js")
