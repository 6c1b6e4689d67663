"""Colours: one for each surface wherever it is drawn, and the few that carry a meaning.

Every colour has a contrast of at least 3 to 1 on white and on near-black, so that one drawing serves light and dark
pages. The clouds that are compared most (first party, Bedrock, Vertex, Foundry) stay apart for colour-blind readers;
a second surface of the same company has a hue near by, and colour is never the only sign.
"""

from __future__ import annotations

import zlib
from typing import Final

SURFACE_COLOURS: Final = {
    "anthropic": "#bc4f06",
    "claude-aws": "#a1761c",
    "bedrock": "#2484ee",
    "bedrock-mantle": "#5f7fb8",
    "vertex": "#1c8d4d",
    "claude-gcp": "#6f8a2c",
    "foundry": "#cf6fa0",
    "github-copilot": "#7d7f86",
    "m365-copilot": "#9a6b5d",
    "copilot-studio": "#5f8a94",
}
MAIN, DOWN, UP, NEUTRAL = "#3b6fb6", "#0e8f68", "#c8590f", "#7d7f86"  # plan, less to pay, more to pay, totals
_OTHERS = ("#3b6fb6", "#b5563b", "#4d8a4f", "#8a5aa8", "#a1761c", "#4f8a8a")


def colour_of(name: str) -> str:
    """The colour of a surface; another name always gets the same one of a few."""
    return SURFACE_COLOURS.get(name) or _OTHERS[zlib.crc32(name.encode()) % len(_OTHERS)]
