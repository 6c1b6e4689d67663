"""The ids of other tools, taken apart: which model, where, at which tier, and what is odd about the id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from trivium.core import SURFACES

GLOBAL, IN_REGION, GOV = "global", "in-region", "us-gov"
_GEOGRAPHY = re.compile(r"^(global|regional|us-gov|[a-z]{2,4})\.(?=(?:anthropic\.)?claude)")
_REGION = re.compile(r"^[a-z]{2}(-gov)?-[a-z]+-\d$")
_COMMITMENT = re.compile(r"^(\d+)-month-commitment$")
_DATE = re.compile(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})(?!\d)")
_REVISION = re.compile(r"(?<=\d)[-@]v\d+(:\d+)?$|:\d+$|[@-](default|latest)$|-v\d+:\d+$")
_WORDS = re.compile(r"[a-z]+|\d+")
_DAYS_BEFORE_LAUNCH = timedelta(days=90)  # a model's id is dated days to weeks before it goes on sale, never months
_NOISE = {"claude", "anthropic", "v", "model", "models", "default", "latest", "think", "thinking", "databricks"}

# The vendor names that tables use for the catalogue's surfaces; every other vendor resells under its own terms.
VENDORS = {
    "anthropic": "anthropic",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "amazon-bedrock": "bedrock",
    "aws": "bedrock",
    "bedrock_mantle": "bedrock-mantle",
    "vertex_ai": "vertex",
    "vertex_ai-anthropic_models": "vertex",
    "google-vertex": "vertex",
    "google-vertex-anthropic": "vertex",
    "google": "vertex",
    "azure": "foundry",
    "azure_ai": "foundry",
    "azure-cognitive-services": "foundry",
    "aws_claude_platform": "claude-aws",
    "github_copilot": "github-copilot",
} | {surface: surface for surface in SURFACES}


@dataclass(frozen=True, slots=True)
class Place:
    """What an id says; `model` is empty if the catalogue knows no such model."""

    surface: str
    scope: str
    model: str
    tier: str
    marks: frozenset[str] = frozenset()


class Models:
    """Recognises the catalogue's models behind any spelling: family words and version numbers, in any order."""

    def __init__(self, launches: dict[str, date | None], known: Callable[[str], str | None] | None = None) -> None:
        self.launches = launches
        self._known = known or (lambda _name: None)
        self._by_parts = {_parts(model): model for model in launches if model != "*"}
        self._families = {word for family, _ in self._by_parts for word in family}

    def find(self, name: str) -> str | None:
        """The canonical id, None if no model of the catalogue answers to the name."""
        plain = strip_revision(name.lower())
        if plain in self.launches:
            return plain
        family, version = _parts(plain)
        family = tuple(word for word in family if word in self._families)
        for numbers in (version, tuple(int(digit) for number in version for digit in str(number))):
            if (family, numbers) in self._by_parts:
                return self._by_parts[family, numbers]
        return self._known(name)

    def versioned(self, name: str) -> bool:
        """Whether a name says which version it means (`claude-opus-latest` does not)."""
        return bool(_parts(strip_revision(name.lower()))[1]) or self.find(name) is not None

    def foreign_date(self, name: str, model: str) -> bool:
        """Whether the id carries a date long before the model was first sold."""
        found, launch = _DATE.search(name), self.launches.get(model)
        if found is None or launch is None:
            return False
        try:
            stamped = date(*(int(part) for part in found.groups()))
        except ValueError:
            return True
        return launch - stamped > _DAYS_BEFORE_LAUNCH


def strip_revision(name: str) -> str:
    """An id without date, revision, `@default` and `-latest`."""
    name = re.sub(r"^(?:.*[./])?(?=claude)", "", name)
    name = re.sub(r"[-@]?" + _DATE.pattern, "", name)
    while (shorter := _REVISION.sub("", name)) != name:
        name = shorter
    return name


def _parts(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    words = _WORDS.findall(name)
    family = tuple(sorted(word for word in words if not word.isdigit() and word not in _NOISE))
    version = [int(word) for word in words if word.isdigit()]
    while len(version) > 1 and version[-1] == 0:
        version.pop()
    return family, tuple(version)


def is_claude(key: str) -> bool:
    """Whether an id is about one of Anthropic's models at all."""
    return "claude" in key.lower()


def place_of(key: str, vendor: str, models: Models) -> Place | None:
    """What an id of a vendor says, None if the vendor is none of the catalogue's surfaces."""
    surface = VENDORS.get(vendor)
    if surface is None:
        return None
    *folders, name = key.split("/")
    if "claude_platform" in folders:
        surface = "claude-aws"
    scope, tier = _folders(folders)
    if prefix := _GEOGRAPHY.match(name):
        scope = {"regional": IN_REGION}.get(prefix[1], prefix[1])
        name = name[prefix.end() :]
    bare = name.removeprefix("anthropic.")
    if bare.endswith("-fast"):
        tier, bare = "fast", bare.removesuffix("-fast")
    model = models.find(bare) or ""
    found = {
        "unprefixed": not scope and surface in {"bedrock", "bedrock-mantle"},
        "latest": "-latest" in bare,
        "foreign-date": bool(model) and models.foreign_date(bare, model),
    }
    marks = frozenset(mark for mark, holds in found.items() if holds)
    return Place(surface, scope or (IN_REGION if "unprefixed" in marks else GLOBAL), model, tier, marks)


def _folders(folders: Iterable[str]) -> tuple[str, str]:
    """The scope and the tier that the folders of an id name."""
    scope, tier = "", "standard"
    for folder in folders:
        if commitment := _COMMITMENT.match(folder):
            tier = f"provisioned-{commitment[1]}mo"
        elif folder == "fast":
            tier = "fast"
        elif _REGION.match(folder):
            scope = GOV if "-gov-" in folder else folder
        elif len(folder) == 2 and folder not in VENDORS:  # noqa: PLR2004  a geography: us, eu, …
            scope = folder
    return scope, tier


def scopes_for(surface: str, scope: str, sold: Iterable[str]) -> tuple[str, ...]:
    """The catalogue's scopes that price what an id calls `scope`, best first."""
    available = tuple(sold)
    if scope == GLOBAL:
        order = [GLOBAL, "global-standard", "all"]
    elif scope == GOV:
        order = [GOV]
    elif surface == "foundry":
        order = [scope, f"{scope}-data-zone-standard"]
    elif surface in {"anthropic", "claude-aws"}:
        order = [scope]
    else:
        order = [scope, "in-region", "geo", "geo-or-regional", "regional-or-multi-region"]
        order += [name for name in available if scope in name.split("/")]
        order.append("all")
    return tuple(dict.fromkeys(name for name in [scope, *order] if name in available))
