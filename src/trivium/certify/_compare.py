"""Compares what the surface and the lab said to one call, aspect by aspect, on what may be shared and nothing else.

May differ: ids, texts and their lengths, times, counts within a tolerance, headers of the network (`rules.toml`). Must
not: path and status, names of headers, fields and types of bodies, order and kinds of events, errors, usage.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from trivium.certify._record import Record

_ERRORS_FROM = 400
_USAGE = "usage"
_METRICS = "amazon-bedrock-invocationMetrics"
_COUNTED = ("input_tokens", "inputTokens", "totalTokens")  # a count's whole answer, in three spellings
_PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_CONTENT_TYPE = "content-type"
_NAMES_MAX = 12  # shown of a list


class Aspect(Enum):
    """What is compared."""

    STATUS = "path and status"
    HEADERS = "headers"
    BODY = "body"
    EVENTS = "events"
    ERROR = "error"
    USAGE = "usage"


class Verdict(Enum):
    """What was found of an aspect."""

    SAME = "same"
    DIFFERS = "differs"
    ONLY_LIVE = "only live"
    ONLY_LAB = "only lab"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict and, where it is not `same`, what it rests on."""

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far the prompt's counts may be apart: the larger of a share and a number of tokens."""

    share: Decimal
    count: int
    headers: tuple[str, ...]

    def ignores(self, header: str) -> bool:
        """Whether a header says nothing about the API."""
        return any(header.startswith(name[:-1]) if name.endswith("*") else header == name for name in self.headers)


@lru_cache(maxsize=1)
def shipped_tolerance() -> Tolerance:
    """The rules that come with the product."""
    raw = tomllib.loads((files("trivium.certify") / "rules.toml").read_text("utf-8"))
    return Tolerance(Decimal(raw["tokens"]["share"]), raw["tokens"]["count"], tuple(raw["headers"]["may_differ"]))


def compare(live: Record, lab: Record, tolerance: Tolerance | None = None) -> dict[Aspect, Found]:
    """Every aspect that at least one of the two has; an aspect that neither has is left out."""
    rules = tolerance or shipped_tolerance()
    found = {Aspect.STATUS: _status(live, lab), Aspect.HEADERS: _headers(live, lab, rules)}
    common = _kinds(live) & _kinds(lab)  # an event that one of them lacks is a matter of events, and of nothing else
    parts = {
        Aspect.BODY: (_bodies(live, common), _bodies(lab, common)),
        Aspect.EVENTS: (_grammar(live), _grammar(lab)),
        Aspect.ERROR: (_error(live), _error(lab)),
    }
    for aspect, (mine, others) in parts.items():
        if mine or others:
            found[aspect] = _sets(mine, others)
    usage = _usage(_counted(live, common), _counted(lab, common), rules)
    if usage is not None:
        found[Aspect.USAGE] = usage
    return found


def _status(live: Record, lab: Record) -> Found:
    if live["status"] != lab["status"]:
        return Found(Verdict.DIFFERS, f"live {live['status']}, lab {lab['status']}")
    if live["trouble"] or lab["trouble"]:
        return Found(Verdict.DIFFERS, f"live {live['trouble'] or 'ended well'}, lab {lab['trouble'] or 'ended well'}")
    return Found(Verdict.SAME)


def _headers(live: Record, lab: Record, rules: Tolerance) -> Found:
    mine, others = ({name for name in side["headers"] if not rules.ignores(name)} for side in (live, lab))
    types = [side["headers"].get(_CONTENT_TYPE, "none") for side in (live, lab)]
    if types[0] != types[1] and mine == others:
        return Found(Verdict.DIFFERS, f"content-type: live {types[0]}, lab {types[1]}")
    return _names(mine, others)


def _names(mine: Collection[str], others: Collection[str]) -> Found:
    """Two sets of names."""
    here, there = sorted(set(mine) - set(others)), sorted(set(others) - set(mine))
    if not here and not there:
        return Found(Verdict.SAME)
    if not there:
        return Found(Verdict.ONLY_LIVE, _shown(here))
    if not here:
        return Found(Verdict.ONLY_LAB, _shown(there))
    return Found(Verdict.DIFFERS, f"only live: {_shown(here)}; only lab: {_shown(there)}")


def _sets(mine: Sequence[str], others: Sequence[str]) -> Found:
    """Two descriptions, in order where order means something; one of them may be absent altogether."""
    if not others:
        return Found(Verdict.ONLY_LIVE, _shown(mine))
    if not mine:
        return Found(Verdict.ONLY_LAB, _shown(others))
    if list(mine) == list(others):
        return Found(Verdict.SAME)
    found = _names(mine, others)
    if found.verdict is not Verdict.SAME:
        return Found(
            Verdict.DIFFERS,
            found.detail if found.verdict is Verdict.DIFFERS else f"{found.verdict.value}: {found.detail}",
        )
    return Found(Verdict.DIFFERS, f"live: {' > '.join(mine)}; lab: {' > '.join(others)}")


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else ""
    return ", ".join(names[:_NAMES_MAX]) + more


# --- fields and types ------------------------------------------------------------------------------------------------


def fields(value: Any, path: str = "", skip: Collection[str] = ()) -> Iterator[str]:
    """`path: type` of everything in a JSON value; parts of a list go by their `type`, whatever their number."""
    if isinstance(value, Mapping):
        yield f"{path or '.'}: object"
        for name, item in value.items():
            if name not in skip:
                yield from fields(item, f"{path}.{name}" if path else name, skip)
    elif isinstance(value, list):
        yield f"{path or '.'}: list"
        for item in value:
            kind = item.get("type", "") if isinstance(item, Mapping) else ""
            yield from fields(item, f"{path}[{kind}]", skip)
    else:
        yield f"{path}: {_type(value)}"


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float) or value == "<number>":
        return "number"
    return "string"


def _is_error(side: Record) -> bool:
    return bool(side["status"] >= _ERRORS_FROM)


def _kinds(side: Record) -> set[str]:
    """The kinds of events that carry content."""
    return {event["event"] for event in side["events"] or ()} - {"ping", "error"}


def _bodies(side: Record, kinds: Collection[str]) -> list[str]:
    """Fields of a whole answer, or of each kind of event; counts are compared as usage, errors as errors."""
    if _is_error(side):
        return []
    if side["events"] is None:
        skip = {_USAGE, *_COUNTED}
        return sorted(set(fields(side["body"], skip=skip))) if side["body"] is not None else []
    found: set[str] = set()
    for event in side["events"]:
        if event["event"] in kinds:
            found.update(f"{event['event']} {line}" for line in fields(event["data"], skip={_USAGE, _METRICS}))
    return sorted(found)


def _grammar(side: Record) -> list[str]:
    """Kinds of events in their order: repeated ones once, pings and framing as what they are and wherever they come."""
    if side["events"] is None:
        return []
    found: list[str] = []
    for event in side["events"]:
        step = _step(event)
        if event["event"] != "ping" and (not found or found[-1] != step):
            found.append(step)
    pings = ["with pings"] if any(event["event"] == "ping" for event in side["events"]) else []
    framing = sorted({f"framed by {' '.join(event['framing'])}" for event in side["events"]})
    broken = [f"broken: {side['broken']}"] if side["broken"] else []
    return [*found, *broken, *pings, *framing]


def _step(event: Mapping[str, Any]) -> str:
    data = event["data"] if isinstance(event["data"], Mapping) else {}
    inner = data.get("content_block") or (data.get("delta") if event["event"] == "content_block_delta" else None)
    kind = inner.get("type") if isinstance(inner, Mapping) else None
    return f"{event['event']}({kind})" if kind else str(event["event"])


# --- errors ----------------------------------------------------------------------------------------------------------


def _error(side: Record) -> list[str]:
    """Type and form of a refusal, before the first byte or inside a stream."""
    if side["events"] is not None:
        inside = [event["data"] for event in side["events"] if _failed(event)]
        return [line for data in inside for line in _error_lines(data)]
    if not _is_error(side):
        return []
    code = side["headers"].get("x-amzn-errortype")
    return ([f"x-amzn-errortype {code}"] if code else []) + _error_lines(side["body"])


def _failed(event: Mapping[str, Any]) -> bool:
    return bool(event["event"] == "error" or ":exception-type" in event["framing"])


def _error_lines(body: Any) -> list[str]:
    if isinstance(body, list) and len(body) == 1:  # Google wraps an error in an array, or not
        body = body[0]
    inner = body.get("error") if isinstance(body, Mapping) else None
    types = (
        [f"{name} {inner[name]}" for name in ("type", "status", "code") if name in inner]
        if isinstance(inner, Mapping)
        else []
    )
    return [*types, *sorted(set(fields(body)))]


# --- usage -----------------------------------------------------------------------------------------------------------


_Counts = list[tuple[str, Mapping[str, Any]]]  # every usage object of an answer, with where it stands


def _usage(mine: _Counts, others: _Counts, rules: Tolerance) -> Found | None:
    if not mine and not others:
        return None
    names = _sets(
        *(sorted({line for place, usage in side for line in fields(usage, place)}) for side in (mine, others))
    )
    if names.verdict is not Verdict.SAME:
        return names
    apart = list(_apart(mine, others, rules))
    return Found(Verdict.DIFFERS, "; ".join(apart)) if apart else Found(Verdict.SAME)


def _counted(side: Record, kinds: Collection[str]) -> _Counts:
    if _is_error(side):
        return []
    found: _Counts = []
    if side["events"] is None:
        body = side["body"] if isinstance(side["body"], Mapping) else {}
        if isinstance(body.get(_USAGE), Mapping):
            found.append((_USAGE, body[_USAGE]))
        if counts := {name: body[name] for name in _COUNTED if name in body}:
            found.append(("count", counts))
        return found
    for event in side["events"]:
        data = event["data"] if event["event"] in kinds and isinstance(event["data"], Mapping) else {}
        holders = {"": data, ".message": data.get("message")}
        for place, holder in holders.items():
            for name in (_USAGE, _METRICS):
                usage = holder.get(name) if isinstance(holder, Mapping) else None
                found += [(f"{event['event']}{place}.{name}", usage)] if isinstance(usage, Mapping) else []
    return found


def _apart(mine: _Counts, others: _Counts, rules: Tolerance) -> Iterator[str]:
    """What of the counts is further apart than a tokenizer explains, or another relation to the cache."""
    theirs = dict(others)
    for place, usage in mine:
        other = theirs.get(place)
        if other is None:
            continue
        for name in _COUNTED[1:]:
            yield from _far(f"{place}.{name}", _number(usage, name), _number(other, name), rules)
        totals = [sum(_number(side, name) for name in _PROMPT) for side in (usage, other)]
        yield from _far(f"{place}: prompt tokens", totals[0], totals[1], rules)
        for name in (*_PROMPT[1:], "output_tokens"):
            here, there = _number(usage, name) > 0, _number(other, name) > 0
            if here != there:
                yield f"{place}.{name}: live {_number(usage, name)}, lab {_number(other, name)}"


def _far(name: str, here: int, there: int, rules: Tolerance) -> Iterator[str]:
    if abs(here - there) > max(Decimal(rules.count), rules.share * max(here, there)):
        yield f"{name}: live {here}, lab {there}"


def _number(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
