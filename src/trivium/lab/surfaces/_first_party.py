"""What surfaces that speak the first-party wire have in common: version and betas in headers, model in the body."""

from __future__ import annotations

import csv
from abc import abstractmethod
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from trivium.lab.models import Model
from trivium.lab.rules import VERSIONS
from trivium.lab.surfaces._base import Call, Exchange, Operation, Setup, Surface, invalid


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a model name stands for on a surface."""

    model: Model
    echo: str  # the answer's `model`
    scope: str = "global"
    tier: str = "standard"


class FirstPartySurface(Surface):
    """A surface with `anthropic-version` and `anthropic-beta` headers and the model in the body."""

    refused_fields: frozenset[str] = frozenset()  # Messages fields that this surface does not take

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._betas = known_betas()

    @abstractmethod
    def resolve(self, name: str) -> Resolved:
        """The model behind a name; raises Refused."""

    def read(self, exchange: Exchange, operation: Operation, body: dict[str, Any], account: str) -> Call:
        """The call; unknown versions, betas and models are refused."""
        version = header_version(exchange)
        betas = header_betas(exchange)
        unknown = [beta for beta in betas if beta not in self._betas]
        if unknown:
            values = ", ".join(f"`{beta}`" for beta in unknown)
            raise invalid(f"Unexpected value(s) {values} for the `anthropic-beta` header.")
        name = body.pop("model", None)
        if not isinstance(name, str) or not name:
            raise invalid("model: Field required" if name is None else "model: Input should be a valid string")
        stream = body.pop("stream", None)
        if stream is not None and (operation is not Operation.MESSAGES or not isinstance(stream, bool)):
            wrong = "Extra inputs are not permitted" if isinstance(stream, bool) else "Input should be a valid boolean"
            raise invalid(f"stream: {wrong}")
        for field in body.keys() & self.refused_fields:
            raise invalid(f"{field}: Extra inputs are not permitted")
        resolved = self.resolve(name)
        return Call(
            surface=self.name,
            account=account,
            model=resolved.model.id,
            model_echo=resolved.echo,
            scope=resolved.scope,
            version=version,
            betas=betas,
            stream=bool(stream),
            fields=body,
            tier=resolved.tier,
        )


def known_betas() -> frozenset[str]:
    """The beta values that the first-party API knows."""
    with (files("trivium.lab") / "data" / "betas.csv").open(encoding="utf-8") as lines:
        return frozenset(row["beta"] for row in csv.DictReader(lines))


def header_version(exchange: Exchange) -> str:
    """The `anthropic-version` header, checked."""
    version = exchange.headers.get("anthropic-version")
    if version is None:
        raise invalid("anthropic-version: header is required")
    if version not in VERSIONS:
        raise invalid(f'anthropic-version: "{version}" is not a valid version')
    return version


def header_betas(exchange: Exchange) -> tuple[str, ...]:
    """The values of the `anthropic-beta` header."""
    return tuple(beta.strip() for beta in exchange.headers.get("anthropic-beta", "").split(",") if beta.strip())
