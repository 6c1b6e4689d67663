"""What is not served here, told in the dialect whose clients ask at such a path, before anybody is authenticated."""

from __future__ import annotations

import re

from trivium.gateway.admit import Refused
from trivium.gateway.auxiliary import methods_at
from trivium.gateway.dialect import BEDROCK, FOUNDRY, MESSAGES, OPENAI, VERTEX, Dialect, asked
from trivium.gateway.dialect._seam import NOWHERE

_READ = ("GET", "HEAD")
_SHOWN_MAX = 200  # of a path, in a message
_HOMES: tuple[tuple[re.Pattern[str], Dialect], ...] = (
    (re.compile(r"/anthropic(/|$)"), FOUNDRY),
    (
        re.compile(r"/(model|inference-profiles|foundation-models|guardrails?|async-invoke|model-invocation)(/|$)"),
        BEDROCK,
    ),
    (re.compile(r"(/v1(beta1)?)?/projects/[^/]+/locations/[^/]+/workspaces/"), MESSAGES),
    (re.compile(r"(/v1(beta1)?)?/projects/"), VERTEX),
    (re.compile(r"/v1/(chat|completions|responses|embeddings|batches|images|audio|moderations|realtime)(/|$)"), OPENAI),
)
# Their fronts know an operation by method and path together: another method is another operation, which is not there.
_NO_METHODS = (BEDROCK, VERTEX, FOUNDRY)


def home_of(path: str) -> Dialect:
    """The dialect of the clients that ask below such a path."""
    return next((dialect for form, dialect in _HOMES if form.match(path)), MESSAGES)


def unserved(method: str, path: str, *, readable: bool) -> Refused:
    """404 for a path without anything, 405 with `allow` for one that takes another method. `readable`: it takes GET."""
    shown = path[:_SHOWN_MAX]
    allowed = _READ if readable else ("POST",) if asked(path) is not None else methods_at(path)
    if not allowed or home_of(path) in _NO_METHODS:
        return Refused(404, "not_found_error", f"{method} {shown}{NOWHERE}")
    takes = ", ".join(allowed)
    return Refused(405, "invalid_request_error", f"{method} {shown}: this path takes {takes}", {"allow": takes})
