"""Claude Code's own session logs (~/.claude/projects): the usage of each request, nothing of what was said.

A request writes several lines that repeat its usage while the answer grows, and a resumed session copies lines into
a new file, so requests are told apart by `requestId` over all files and the line with the most output counts.
Subagents have files of their own (`<session>/subagents/agent-*.jsonl`), which are read with the rest. The format is
internal to Claude Code and may change; a line that cannot be read is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trivium.core import COUNT_MAX, Closed, Opened, Outcome, Quality, Usage, UsageEvent, UserError, parse_utc
from trivium.ledger.importers._common import BadRow, ImportOptions, Source, json_lines

NAME = "claude_code_logs"
_LOCAL_MODEL = "<synthetic>"  # messages Claude Code wrote itself, without a request
# A message id tells which surface answered; Anthropic's own are plain `msg_`.
_SURFACE_OF_ID = (("msg_bdrk_", "bedrock"), ("msg_vrtx_", "vertex"))


@dataclass(slots=True)
class _Request:
    """One request as its lines tell it so far."""

    request_id: str
    first: datetime
    last: datetime
    model: str
    message_id: str
    usage: Usage
    tier: str
    scope: str
    session: str
    stop: str
    tags: dict[str, str]


def read(path: Path, options: ImportOptions = ImportOptions()) -> Iterator[UsageEvent]:  # noqa: B008  frozen
    """The requests of a file, of a project's folder or of all projects, in the order of their first line."""
    requests: dict[str, _Request] = {}
    for file in _files(path):
        place = _place(file)
        for opened, line in json_lines(file, options, growing=True):
            if line.get("type") != "assistant":
                continue
            try:
                _take(requests, _request(opened, line, place))
            except BadRow as bad:
                options.refuse(bad)
    for request in sorted(requests.values(), key=lambda request: (request.first, request.request_id)):
        yield _event(request, options)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(path.rglob("*.jsonl"))
        if not found:
            raise UserError("file", str(path), "give ~/.claude/projects, a folder in it, or one .jsonl file")
        return found
    return [path]


def _place(file: Path) -> dict[str, str]:
    """Project and subagent, as the path names them."""
    if file.parent.name == "subagents":
        return {"project": file.parent.parent.parent.name, "subagent": file.stem.removeprefix("agent-")}
    return {"project": file.parent.name, "subagent": "main"}


def _request(opened: Source, line: Mapping[str, Any], place: Mapping[str, str]) -> _Request | None:
    """What one line says of its request; None if it says nothing of one."""
    message = line.get("message")
    if not isinstance(message, dict):
        raise opened.bad("message", message, "give an object")
    usage, model = message.get("usage"), message.get("model")
    if model == _LOCAL_MODEL or usage is None:
        return None
    if not isinstance(usage, dict):
        raise opened.bad("message.usage", usage, "give an object")
    if not isinstance(model, str) or not model:
        raise opened.bad("message.model", model, "give a model id")
    request_id = next(
        (str(value) for value in (line.get("requestId"), message.get("id"), line.get("uuid")) if value), ""
    )
    if not request_id:
        raise opened.bad("requestId", None, "give an id, or a message.id or uuid in its place")
    try:
        at = parse_utc(str(line.get("timestamp")))
    except ValueError as error:
        raise opened.bad("timestamp", line.get("timestamp"), "give an ISO instant") from error
    tags = dict(place)
    if line.get("version"):
        tags["client_version"] = str(line["version"])
    if line.get("isSidechain") is True and tags["subagent"] == "main":
        tags["subagent"] = str(line.get("agentId") or "sidechain")
    return _Request(
        request_id=request_id,
        first=at,
        last=at,
        model=model,
        message_id=str(message.get("id") or ""),
        usage=_usage(opened, usage),
        tier=_tier(usage),
        scope=_scope(usage),
        session=str(line.get("sessionId") or ""),
        stop=str(message.get("stop_reason") or ""),
        tags=tags,
    )


def _take(requests: dict[str, _Request], request: _Request | None) -> None:
    """Merge a line into what is known of its request: the widest span, the usage with the most output."""
    if request is None:
        return
    known = requests.setdefault(request.request_id, request)
    if known is request:
        return
    if (request.usage.output or 0) > (known.usage.output or 0):
        known.usage, known.tier, known.scope = request.usage, request.tier, request.scope
    if request.first < known.first:  # the original comes before its copies
        known.first, known.session, known.tags = request.first, request.session, request.tags
    known.last = max(known.last, request.last)
    known.stop = known.stop or request.stop


def _usage(opened: Source, usage: Mapping[str, Any]) -> Usage:
    created = _count(opened, usage, "cache_creation_input_tokens")
    split = usage.get("cache_creation")
    if isinstance(split, dict):
        write_1h = _count(opened, split, "ephemeral_1h_input_tokens")
        write_5m = _count(opened, split, "ephemeral_5m_input_tokens")
        if write_1h + write_5m != created:
            remedy = f"{write_5m} for five minutes and {write_1h} for an hour must give {created}"
            raise opened.bad("usage.cache_creation", split, remedy)
    else:
        write_5m, write_1h = created, 0  # the only kind there was before the split was written
    tools = usage.get("server_tool_use")
    tools = tools if isinstance(tools, dict) else {}
    return Usage(
        input=_count(opened, usage, "input_tokens"),
        output=_count(opened, usage, "output_tokens"),
        cache_read=_count(opened, usage, "cache_read_input_tokens"),
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        web_search=_count(opened, tools, "web_search_requests"),
        web_fetch=_count(opened, tools, "web_fetch_requests"),
    )


def _count(opened: Source, values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if value is None:  # the format leaves out what did not occur
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_MAX:
        raise opened.bad(f"usage.{name}", value, "give a whole number, 0 or more")
    return value


def _tier(usage: Mapping[str, Any]) -> str:
    if usage.get("speed") == "fast":
        return "fast"
    return "batch" if usage.get("service_tier") == "batch" else "standard"


def _scope(usage: Mapping[str, Any]) -> str:
    geography = usage.get("inference_geo")
    return geography if isinstance(geography, str) and geography not in {"", "not_available"} else "global"


def _event(request: _Request, options: ImportOptions) -> UsageEvent:
    surface = next((name for start, name in _SURFACE_OF_ID if request.message_id.startswith(start)), "anthropic")
    offer = options.offer(request.model, surface=surface, scope=request.scope, tier=request.tier)
    event_id = f"{NAME}:{request.request_id}"
    values = {"model": offer.model, "session": request.session, **request.tags}
    return UsageEvent(
        Opened(
            event_id=event_id,
            request_id=event_id,
            attempt=1,
            at=request.first,
            offer=offer,
            workload=options.workload_of("claude-code", values),
            session=request.session,
            stream=True,
            tags={**request.tags, **options.tags},
        ),
        Closed(
            event_id=event_id,
            at=request.last,
            outcome=Outcome.OK,
            usage=request.usage,
            # Without a stop reason no line was written after the answer ended: its output may have gone on.
            quality=Quality.EXACT if request.stop else Quality.ESTIMATED,
            upstream_request_id=request.request_id if request.request_id.startswith("req_") else "",
            stop_reason=request.stop,
        ),
    )
