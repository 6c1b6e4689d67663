"""The names of needs: what the organisation file calls them and what the claims do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from trivium.core import UserError
from trivium.plan.questions._reading import LADDERS

_SAME = {
    "hipaa": "hipaa_baa",
    "baa": "hipaa_baa",
    "soc_2": "soc2",
    "iso_27001": "iso27001",
    "iso_42001": "iso42001",
    "pci_dss": "pci",
    "no_training": "training_use",
    "no_data_sharing": "data_sharing",
    "zero_data_retention": "zdr",
    "eu_boundary": "eu_data_boundary",
    "dod": "dod_il",
}
_LEVEL = re.compile(r"(?P<name>fedramp|dod_il|dod)_?(?P<level>low|moderate|high|(?:il)?[2456])")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Words of lists of features, and the capabilities or tiers that they mean.
_FEATURES = {
    "batch": ("batch", "message_batches_api", "native_batch"),
    "batches": ("batch", "message_batches_api", "native_batch"),
    "code execution": ("code_execution",),
    "files": ("files_api",),
    "mcp connector": ("mcp_connector",),
    "managed agents": ("managed_agents",),
    "compaction": ("compaction",),
    "context editing": ("context_management", "context_editing"),
    "browser use": ("browser_use", "browser_toolset"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A need as the claims name it, with the least level if one was given."""

    name: str
    predicate: str
    level: str = ""

    @property
    def short(self) -> str:
        """The programme's own word: `hipaa` of `hipaa_baa`."""
        return self.predicate.partition("_")[0]


@lru_cache(maxsize=256)
def parse(name: str) -> Wanted:
    """A need by any of its names: `HIPAA`, `fedramp_high`, `dod_il5`, `no_training`; UserError if it is no name."""
    text = re.sub(r"[\s-]+", "_", name.strip().lower())
    if not _NAME.fullmatch(text):
        raise UserError(
            "needs", name, "name an attestation or data term as the claims do: hipaa_baa, fedramp_high, zdr"
        )
    if match := _LEVEL.fullmatch(text):
        level = match["level"]
        level = f"il{level}" if level.isdigit() else level
        predicate = "fedramp" if match["name"] == "fedramp" else "dod_il"
        if any(level in ladder for ladder in LADDERS if (ladder[0] == "il2") == (predicate == "dod_il")):
            return Wanted(name, predicate, level)
    return Wanted(name, _SAME.get(text, text))


def requirement_of(name: str) -> str:
    """The predicate of the claims that speak of a need, whatever it is called; UserError if it is no name."""
    return parse(name).predicate


def covered_by(ability: str, listed: Sequence[str]) -> bool:
    """Whether a list of features includes an ability or tier in use."""
    return any(
        ability == word or ability.startswith(f"{word}_")
        for feature in listed
        for word in _FEATURES.get(feature.lower(), ())
    )
