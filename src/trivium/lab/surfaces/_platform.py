"""What Bedrock and Vertex have in common: Messages features that the platforms do not carry, refused by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from trivium.lab.surfaces._base import invalid

# Fields of the first-party body that neither platform accepts.
FIRST_PARTY_ONLY = frozenset(
    {
        "billing_policy", "container", "diagnostics", "fallback_credit_token", "fallbacks", "inference_geo",
        "mcp_servers", "service_tier", "speed", "thread",
    },
)  # fmt: skip
# Tools that run on Anthropic's side, by the beginning of their type.
SERVER_TOOLS = ("code_execution_", "web_search_", "web_fetch_", "advisor_", "mcp_toolset")
TOOLSETS = ("computer_toolset_", "browser_toolset_")
_SOURCES = ("url", "file")


def refuse_fields(body: Mapping[str, Any], names: Collection[str]) -> None:
    """Raise Refused for the first field that the platform does not know."""
    for name in body:
        if name in names:
            raise invalid(f"{name}: Extra inputs are not permitted")


def refuse_tools(body: Mapping[str, Any], starts: tuple[str, ...], *, but: Collection[str] = ()) -> None:
    """Raise Refused for the first tool of a type that the platform does not run."""
    for index, tool in enumerate(_list(body.get("tools"))):
        kind = tool.get("type", "custom")
        if isinstance(kind, str) and kind.startswith(starts) and kind not in but:
            raise invalid(
                f"tools.{index}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            )


def refuse_remote_sources(body: Mapping[str, Any]) -> None:
    """Raise Refused for an image or document that would have to be fetched."""
    for where, block in _blocks(body):
        source = block.get("source")
        if isinstance(source, dict) and source.get("type") in _SOURCES:
            raise invalid(
                f"{where}.{block.get('type')}.source: Input tag '{source['type']}' found using 'type' does not match "
                "any of the expected tags"
            )


def _blocks(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, message in enumerate(_list(body.get("messages"))):
        for index, block in enumerate(_list(message.get("content"))):
            where = f"messages.{number}.content.{index}"
            yield where, block
            for inner, nested in enumerate(_list(block.get("content"))):
                yield f"{where}.{block.get('type')}.content.{inner}", nested


def _list(value: object) -> Iterable[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
