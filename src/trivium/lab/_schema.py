"""A small value that satisfies a JSON schema: enough for tool calls and structured output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_DEPTH_MAX = 12
_NUMBER_MAX = 10**6
_TEXTS = ("one", "two", "red", "blue", "plan", "note", "cost", "team")


def example(schema: Mapping[str, Any], below: Callable[[int], int]) -> Any:
    """A value for the schema; `below(n)` draws a number under n. Keywords it does not know are ignored."""
    return _value(schema, schema, below, 0)


def _value(schema: Any, root: Mapping[str, Any], below: Callable[[int], int], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEPTH_MAX:
        return None
    if "$ref" in schema:
        return _value(_resolve(str(schema["$ref"]), root), root, below, depth + 1)
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[below(len(choices))]
    for keyword in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(keyword), list) and schema[keyword]:
            return _value(schema[keyword][0], root, below, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "null"
    if kind == "object":
        return _object(schema, root, below, depth)
    if kind == "array":
        least = max(_whole(schema.get("minItems"), 1), 1 if depth < _DEPTH_MAX // 2 else 0)
        return [_value(schema.get("items", {"type": "string"}), root, below, depth + 1) for _ in range(least)]
    return _scalar(str(kind), schema, below)


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], below: Callable[[int], int], depth: int) -> Any:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    names = [name for name in properties if name in required or depth < _DEPTH_MAX // 2]
    return {name: _value(properties[name], root, below, depth + 1) for name in names}


def _scalar(kind: str, schema: Mapping[str, Any], below: Callable[[int], int]) -> Any:
    if kind in {"integer", "number"}:
        least = _whole(schema.get("minimum"), 1)
        most = _whole(schema.get("maximum"), least + 100)
        return least + below(max(most - least, 0) + 1)
    if kind == "boolean":
        return below(2) == 1
    if kind == "null":
        return None
    text = _TEXTS[below(len(_TEXTS))]
    return text.ljust(_whole(schema.get("minLength"), 0), "x")[: _whole(schema.get("maxLength"), len(text) + 1000)]


def _whole(value: object, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < _NUMBER_MAX else otherwise


def _resolve(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
