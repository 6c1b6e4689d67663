"""The exceptions of AWS's front ends, read by their names, for every surface that stands behind one."""

from __future__ import annotations

from typing import Any

from trivium.gateway.seams import Headers
from trivium.gateway.upstream._errors import Said, text_at

_FORM = "aws-front"
_MODEL_SAYS = "The model returned the following errors: "  # what follows is the Messages API's own wording


def read_said(status: int, headers: Headers, value: Any) -> Said | None:  # noqa: ARG001  the reader's form
    """An exception named in `x-amzn-errortype` or the body; None when there is neither name nor message."""
    name = headers.get("x-amzn-errortype", "").partition(":")[0] or text_at(value, "__type").rpartition("#")[2]
    message = text_at(value, "message") or text_at(value, "Message") or text_at(value, "originalMessage")
    return exception(name, message) if name or message else None


def exception(name: str, message: str) -> Said:
    """An exception by its name, which frames write with a small letter."""
    named = name[:1].upper() + name[1:]
    return Said(_FORM, (named,) if named else (), message.removeprefix(_MODEL_SAYS) or named)
