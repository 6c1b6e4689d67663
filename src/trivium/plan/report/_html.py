"""The report as one HTML page: drawings inline, no request to anywhere, no script, readable in both lights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from trivium.catalog import Claim, Conflict
from trivium.plan.decision import Decision
from trivium.plan.report._build import document
from trivium.plan.report._document import Document

TEMPLATES = files("trivium.plan.report") / "templates"


def report_html(decision: Decision, claims: Mapping[str, Claim], conflicts: Sequence[Conflict] = ()) -> str:
    """The page; `claims` by id. A claim that is not among them is named as missing, not left out."""
    return page(document(decision, claims, conflicts))


def page(doc: Document) -> str:
    """Any document as a page."""
    environment, style = _environment()
    return environment.get_template("report").render(doc=doc, style=style)


@lru_cache(maxsize=1)
def _environment() -> tuple[Environment, str]:

    source = (TEMPLATES / "report.html.jinja").read_text(encoding="utf-8")
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    found = Environment(loader=DictLoader({"report": source}), autoescape=True, undefined=StrictUndefined)
    return found, style
