"""The canonical surfaces, and an offer: surface, region scope, model, tier."""

from __future__ import annotations

from dataclasses import dataclass

ROUTABLE_SURFACES = (
    "anthropic",
    "claude-aws",
    "bedrock",
    "bedrock-mantle",
    "vertex",
    "claude-gcp",
    "foundry",
)
SEAT_SURFACES = ("github-copilot", "m365-copilot", "copilot-studio")
SURFACES = ROUTABLE_SURFACES + SEAT_SURFACES
TIERS = ("standard", "batch", "fast", "reserved")


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """One thing that can be bought: a model on a surface, in a region scope, at a tier.

    `scope` is `global`, a region class of the catalogue (`geo`, `in-region`, …) or a geography (`us`, `eu`, …).
    """

    surface: str
    scope: str
    model: str
    tier: str = "standard"

    def __str__(self) -> str:
        return f"{self.surface}/{self.scope}/{self.model}/{self.tier}"
