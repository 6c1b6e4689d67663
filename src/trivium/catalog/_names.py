"""Canonical ids from any alias: surfaces, models, and the model ids that each surface wants on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from trivium.catalog._claim import FORWARD_LOOKING, GRADE, Claim
from trivium.catalog._tables import read_claims, read_table
from trivium.core import SURFACES, AmbiguousName, NoClaim

HERE = Path(__file__).parent
WIRE_MODEL = "wire_model"
PROFILES = ("global", "us", "eu", "apac", "jp", "au", "us-gov")
_PLACES = {"europe": "eu", "asia": "apac", "us-govcloud": "us-gov", "govcloud": "us-gov"}
_REGION = re.compile(r"[a-z]{2}(-gov)?-[a-z]+-\d+")
_CLASSES = frozenset({"geo", "geo-or-regional", "multi-region", "regional-or-multi-region", "regional", "all", "*", ""})
_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):\d*:(?P<kind>[a-z-]+)/(?P<name>.+)")
_PREFIX = re.compile(r"(?P<profile>global|us-gov|us|eu|apac|jp|au)\.(?=anthropic\.)")
_UNMAPPED = ("application-inference-profile", "provisioned-model", "custom-model", "imported-model")


@dataclass(frozen=True)
class Surfaces:
    """The one alias table of surfaces."""

    aliases: Mapping[str, tuple[str, str]]

    def place(self, name: str) -> tuple[str, str]:
        """The canonical surface of a name and its variant (hosted-on-azure …), empty if the name means all of it."""
        key = name.strip().lower()
        if key in SURFACES:
            return key, ""
        found = self.aliases.get(_key(key))
        if found is None:
            base, colon, variant = key.partition(":")
            if colon and base in SURFACES and any(known == (base, variant) for known in self.aliases.values()):
                return base, variant
            raise NoClaim(f"surface {name!r} is not known; the surfaces are {', '.join(SURFACES)}")
        return found


@lru_cache(maxsize=1)
def surfaces() -> Surfaces:
    """The shipped alias table."""
    rows = read_table(HERE / "names/surfaces.csv", ("name", "surface", "variant", "note"))
    return Surfaces({_key(row["name"]): (row["surface"], row["variant"]) for row in rows})


def _key(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())


@dataclass(frozen=True)
class ModelName:
    """A model: its canonical id, its name for people, its family and what else it is called."""

    id: str
    name: str
    family: str
    aliases: tuple[str, ...]


@lru_cache(maxsize=1)
def known_models() -> Mapping[str, ModelName]:
    """Every model of the catalogue, newest of each family first."""
    rows = read_table(HERE / "names/models.csv", ("model", "name", "family", "aliases"))
    return {
        row["model"]: ModelName(row["model"], row["name"], row["family"], tuple(row["aliases"].split())) for row in rows
    }


@dataclass(frozen=True)
class WireNames:
    """Model ids on the wire, from claims."""

    claims: tuple[Claim, ...]

    @cached_property
    def _wanted(self) -> Mapping[tuple[str, str], str]:
        found: dict[tuple[str, str], Claim] = {}
        for claim in self.claims:
            for model in claim.models:
                key = (claim.surface, model)
                if key not in found or _stands_above(claim, found[key]):
                    found[key] = claim
        return {key: claim.value for key, claim in found.items()}

    @cached_property
    def _meanings(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for model in known_models().values():
            for name in (model.id, *model.aliases, _spoken(model.name), _spoken(model.name).removeprefix("claude-")):
                found.setdefault(name, set()).add(model.id)
        for claim in self.claims:
            for name in (claim.value, claim.value.removeprefix("anthropic.")):
                found.setdefault(name.lower(), set()).update(claim.models)
        return {name: frozenset(models) for name, models in found.items()}

    def model(self, name: str) -> str:
        """The canonical id of a model name of any platform, without what wraps it; NoClaim, AmbiguousName."""
        for key in (name.strip().lower(), _spoken(name)):
            found = self._meanings.get(key)
            if found is None:
                continue
            if len(found) > 1:
                raise AmbiguousName(f"model {name!r} may mean {', '.join(sorted(found))}")
            return next(iter(found))
        raise NoClaim(f"no claim knows a model {name!r}; `trivium facts list --predicate wire_model` lists the ids")

    def wire(self, surface: str, scope: str, model: str) -> str:
        """The id a surface wants for a model in a scope."""
        wanted = self._wanted.get((surface, model))
        if wanted is None:
            raise NoClaim(f"no claim gives the id of {model} on {surface}")
        if surface != "bedrock":
            return wanted
        profile = self._profile(scope, model)
        return f"{profile}.{wanted}" if profile else wanted

    def _profile(self, scope: str, model: str) -> str:
        name = scope.strip().lower().replace("_", "-")
        name = _PLACES.get(name, name)
        if name in PROFILES:
            return name
        if name == "in-region" or _REGION.fullmatch(name):
            return ""
        if name in _CLASSES:
            raise AmbiguousName(
                f"scope {scope!r} of bedrock may mean any inference profile of {model}: "
                f"name one of {', '.join(PROFILES)}, a region, or give the profile's id or ARN under `deployments`"
            )
        raise NoClaim(f"bedrock has no scope {scope!r}; it has {', '.join(PROFILES)} and regions")

    def parse(self, surface: str, wire: str) -> tuple[str, str | None]:
        """The model and the scope that an id on the wire means; the scope is None where the id does not say."""
        text = wire.strip()
        scope: str | None = None
        if surface == "bedrock":
            text, scope = _unwrap_arn(text)
            if prefix := _PREFIX.match(text):
                scope = prefix["profile"]
                text = text[prefix.end() :]
        return self.model(text), scope


def _stands_above(claim: Claim, other: Claim) -> bool:
    return (claim.layer, GRADE[claim.status]) > (other.layer, GRADE[other.status])


def _unwrap_arn(text: str) -> tuple[str, str | None]:
    """The id inside a Bedrock ARN and the region it pins (foundation models only)."""
    if not text.startswith("arn:"):
        return text, None
    arn = _ARN.fullmatch(text)
    if arn is None:
        raise NoClaim(f"{text!r} is no ARN of a Bedrock model")
    if arn["kind"] in _UNMAPPED:
        raise NoClaim(
            f"{text!r} does not say which model it stands for: "
            "map the model to this ARN under `deployments` of the surface"
        )
    return arn["name"], arn["region"] if arn["kind"] == "foundation-model" else None


def _spoken(name: str) -> str:
    """`Claude Opus 4.7`, `claude-opus-4.7` and `opus 4.7` in one form."""
    return re.sub(r"[\s._]+", "-", name.strip().lower())


@lru_cache(maxsize=1)
def shipped_wire_names() -> WireNames:
    """The wire ids that come with the product."""
    return wire_names(read_claims(HERE / "claims/wire_models.csv"))


def wire_names(claims: Iterable[Claim]) -> WireNames:
    """The wire ids among some claims."""
    return WireNames(
        tuple(claim for claim in claims if claim.predicate == WIRE_MODEL and claim.status != FORWARD_LOOKING)
    )


def surface_id(name: str) -> str:
    """The canonical surface of any alias; NoClaim."""
    return surfaces().place(name)[0]


def surface_place(name: str) -> tuple[str, str]:
    """The canonical surface of any alias and its variant; NoClaim."""
    return surfaces().place(name)


@lru_cache(maxsize=4096)
def model_id(name: str) -> str:
    """The canonical id of a model by any name: wire ids of any surface, ARNs, dated ids; AmbiguousName, NoClaim."""
    names = shipped_wire_names()
    try:
        return names.parse("bedrock", name)[0]
    except NoClaim:
        bare = name.rpartition("/")[2]  # publisher paths: anthropic/claude-…, publishers/anthropic/models/claude-…
        if bare == name or name.startswith("arn:"):
            raise
        return names.parse("bedrock", bare)[0]


def wire_model(surface: str, scope: str, model: str) -> str:
    """The id that a surface wants for a model in a scope; NoClaim, AmbiguousName."""
    return shipped_wire_names().wire(surface_id(surface), scope, model)


def parse_wire_model(surface: str, wire: str) -> tuple[str, str | None]:
    """The model, and the scope if the id says it, of an id on the wire of a surface; NoClaim, AmbiguousName."""
    return shipped_wire_names().parse(surface_id(surface), wire)
