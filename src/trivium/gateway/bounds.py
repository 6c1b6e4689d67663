"""Between which counts an attempt lies whose final ones never came: what was seen, and what was asked for at most."""

from __future__ import annotations

from dataclasses import replace

from trivium.core import NO_USAGE, PROMPT_UNITS, TOOL_UNITS, Opened, Usage
from trivium.gateway.seams import MessagesRequest

# What lets a prompt grow beyond the bytes of its request. A false alarm only costs the upper bound.
_BY_REFERENCE = (b'"file_id"', b'"url"', b'"container"')
_SERVER_TOOLS = (b'"web_search', b'"web_fetch', b'"code_execution', b'"mcp_servers"', b'"advisor')


def bounds_of(request: MessagesRequest, opened: Opened, seen: Usage) -> tuple[Usage, Usage]:
    """The least and the most of each unit; None in the most: no bound. `seen`: what the answer told so far.

    A token is at least one byte, so the request's bytes bound its prompt, whichever class its tokens were billed in;
    what a surface adds to a prompt by itself is taken to be smaller than what JSON adds to its text. The output is
    bounded by what was asked for; deltas that were seen are no lower bound, as only the surface counts tokens.
    """
    known = seen.input is not None
    body = request.body.data
    tools = _any_of(_SERVER_TOOLS, body)
    counted = Usage(**{unit: count or 0 for unit, count in seen})
    least = replace(counted, output=0) if known else NO_USAGE
    most: dict[str, int | None] = dict(least) | {"output": opened.max_output_tokens}
    for unit in PROMPT_UNITS:
        if tools or (not known and _any_of(_BY_REFERENCE, body)):
            most[unit] = None
        elif not known or seen.get(unit) is None:
            most[unit] = opened.prompt_bytes
    if tools:
        most |= dict.fromkeys(TOOL_UNITS)
    return least, Usage(**most)


def within(seen: Usage, most: int | None) -> Usage:
    """The counts with an estimated output that does not pass what was asked for."""
    if seen.output is None or most is None or seen.output <= most:
        return seen
    return replace(seen, output=most)


def _any_of(marks: tuple[bytes, ...], body: bytes) -> bool:
    return any(mark in body for mark in marks)
