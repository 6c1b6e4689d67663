"""The report as one HTML page: drawings inline, no request to anywhere, no script, readable in both lights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from trivium.catalog import Claim, Conflict
from trivium.figures import page_style
from trivium.plan.decision import Decision
from trivium.plan.report._build import document
from trivium.plan.report._document import Block, Chart, Document

_MARK = re.compile(r'aria-labelledby="t([0-9a-f]+) ')
TEMPLATES = files("trivium.plan.report") / "templates"


def report_html(decision: Decision, claims: Mapping[str, Claim], conflicts: Sequence[Conflict] = ()) -> str:
    """The page; `claims` by id. A claim that is not among them is named as missing, not left out."""
    return page(document(decision, claims, conflicts))


def page(doc: Document) -> str:
    """Any document as a page."""
    environment, style = _environment()
    return environment.get_template("report").render(doc=_with_own_names(doc), style=style)


def _with_own_names(doc: Document) -> Document:
    """Equal drawings name themselves equally: on one page each needs a name of its own."""
    seen: dict[str, int] = {}

    def named(block: Block) -> Block:
        if not isinstance(block, Chart):
            return block
        mark = _MARK.search(block.svg)
        if mark is None:
            return block
        seen[mark[1]] = seen.get(mark[1], 0) + 1
        number = seen[mark[1]]
        return block if number == 1 else replace(block, svg=block.svg.replace(mark[1], f"{mark[1]}-{number}"))

    parts = (replace(part, blocks=tuple(map(named, part.blocks))) for part in doc.sections)
    return replace(doc, sections=tuple(parts))


@lru_cache(maxsize=1)
def _environment() -> tuple[Environment, str]:

    source = (TEMPLATES / "report.html.jinja").read_text(encoding="utf-8")
    found = Environment(loader=DictLoader({"report": source}), autoescape=True, undefined=StrictUndefined)
    return found, page_style()
