"""The look of a page: one style sheet for every self-contained page, in both lights, on paper and on small screens."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def page_style() -> str:
    """The style sheet, to stand inside the page."""
    return (files("trivium.figures") / "page.css").read_text(encoding="utf-8")
