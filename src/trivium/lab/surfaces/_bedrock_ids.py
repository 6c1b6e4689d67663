"""The model ids of Bedrock's runtime: profiles, foundation models, ARNs; and the list of inference profiles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from trivium.lab.models import Model, ModelTable
from trivium.lab.surfaces._base import Refused

ACCOUNT = "123456789012"  # the lab's AWS account number
PROFILES = ("global", "us", "eu", "jp", "apac", "au", "us-gov")
_SCOPES = {"global": "global", "us-gov": "us_gov"}  # every other profile, and a single region, is geo_or_regional
_REGIONAL = "geo_or_regional"
# Where a geographic profile may be called from, and a name for it in the list.
_SOURCE_REGIONS: Mapping[str, tuple[str, ...]] = {
    "us": ("us-", "ca-"),
    "eu": ("eu-",),
    "jp": ("ap-northeast-",),
    "apac": ("ap-",),
    "au": ("ap-southeast-",),
    "us-gov": ("us-gov-",),
}
_TITLES = {"global": "Global", "us": "US", "eu": "EU", "jp": "JP", "apac": "APAC", "au": "AU", "us-gov": "US-GOV"}
_ARN = re.compile(
    r"arn:aws(?:-us-gov|-cn)?:bedrock:(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<kind>[a-z-]+)/(?P<name>.+)"
)
_UNKNOWN = "The provided model identifier is invalid."


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a model id in the path means."""

    model: Model
    scope: str  # the price table's region class
    base: bool  # a bare foundation model, called on demand in one region


class ModelIds:
    """Reads ids against the model table.

    `application_profiles` maps the id or ARN of an application inference profile, or of provisioned throughput, to
    the id it stands for. With a `region`, a geographic profile must be callable from it.
    """

    def __init__(
        self, models: ModelTable, *, region: str | None = None, application_profiles: Mapping[str, str] | None = None
    ) -> None:
        self._models = models
        self._region = region
        self._applications = dict(application_profiles or {})
        self._on_demand = frozenset((files("trivium.lab") / "data" / "bedrock_on_demand.csv").read_text().split()[1:])

    def resolve(self, model_id: str) -> Resolved:
        """The model and scope of a decoded id; raises Refused as ValidationException."""
        name = self._applications.get(model_id, model_id)
        match = _ARN.fullmatch(name)
        if match:
            name = self._of_arn(match)
        prefix, found = self._parse(name)
        if found is None or (prefix and prefix not in found.bedrock_profiles):
            raise validation(_UNKNOWN)
        if prefix and self._region and not self._region.startswith(_SOURCE_REGIONS.get(prefix, ("",))):
            raise validation(_UNKNOWN)
        return Resolved(found, _SCOPES.get(prefix, _REGIONAL), base=not prefix)

    def check_on_demand(self, resolved: Resolved, model_id: str) -> None:
        """Refuse a bare id of a model that is sold through inference profiles only."""
        if resolved.base and resolved.model.id not in self._on_demand:
            raise validation(
                f"Invocation of model ID {model_id} with on-demand throughput isn\N{RIGHT SINGLE QUOTATION MARK}t "
                "supported. Retry your request with the ID or ARN of an inference profile that contains this model."
            )

    def summaries(self, at: datetime) -> Iterator[dict[str, Any]]:
        """The system-defined inference profiles of that day, as ListInferenceProfiles shows them."""
        region = self._region or "us-east-1"
        for model in self._models:
            if not model.names["bedrock"] or not model.on("bedrock", at):
                continue
            since = next(window.since for window in model.available["bedrock"] if window.holds(at.date()))
            created = f"{(since or at.date()).isoformat()}T00:00:00Z"
            for prefix in model.bedrock_profiles:
                if not region.startswith(_SOURCE_REGIONS.get(prefix, ("",))) and self._region:
                    continue
                name = f"{prefix}.{model.names['bedrock']}"
                yield {
                    "inferenceProfileName": f"{_TITLES[prefix]} Anthropic {model.id}",
                    "description": f"Routes requests to Anthropic {model.id} ({_TITLES[prefix]}).",
                    "createdAt": created,
                    "updatedAt": created,
                    "inferenceProfileArn": f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{name}",
                    "models": [{"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model.names['bedrock']}"}],
                    "inferenceProfileId": name,
                    "status": "ACTIVE",
                    "type": "SYSTEM_DEFINED",
                }

    def _of_arn(self, match: re.Match[str]) -> str:
        kind, name = match["kind"], match["name"]
        if self._region and match["region"] not in {"", self._region}:
            raise validation(_UNKNOWN)
        if kind in {"foundation-model", "inference-profile"}:
            return name
        if kind in {"application-inference-profile", "provisioned-model"} and name in self._applications:
            return self._applications[name]
        raise validation(_UNKNOWN)

    def _parse(self, name: str) -> tuple[str, Model | None]:
        prefix, dot, rest = name.partition(".")
        if dot and prefix in PROFILES:
            return prefix, self._models.find("bedrock", rest)
        return "", self._models.find("bedrock", name)


def validation(message: str) -> Refused:
    """A ValidationException."""
    return Refused(400, "invalid_request_error", message, native="ValidationException")
