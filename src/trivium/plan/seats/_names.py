"""Model names as exports spell them: display names, slugs, and those of other makers."""

from __future__ import annotations

import re

from trivium.catalog import model_id
from trivium.core import AmbiguousName, NoClaim

_EXTRA = re.compile(r"(\s*\((?:preview|fast(?: mode)?|high|low|medium|max|thinking)[^)]*\))+\s*$", re.IGNORECASE)


def canonical_model(name: str) -> str:
    """The catalogue's id for `Claude Sonnet 4.5`, `claude-sonnet-4.5` or `Claude Opus 4.6 (fast mode)`; else empty."""
    plain = _EXTRA.sub("", name.strip())
    for candidate in (plain, plain.casefold().replace(" ", "-").replace(".", "-")):
        try:
            return model_id(candidate)
        except (NoClaim, AmbiguousName):
            continue
    return ""
