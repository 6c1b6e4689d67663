"""Google's error object, read by its reason and status, for every surface that stands behind Google's front end."""

from __future__ import annotations

from typing import Any

from trivium.gateway.seams import Headers
from trivium.gateway.upstream._errors import Said, http_status, text_at

_FORM = "google-front"
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def read_said(status: int, headers: Headers, value: Any) -> Said | None:  # noqa: ARG001  the reader's form
    """An error object, perhaps in an array; None when it is none."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict) and "error" in item), None)
    name, message = text_at(value, "error", "status"), text_at(value, "error", "message")
    if not name and not message:
        return None
    code = text_at(value, "error", "code")
    names = tuple(one for one in (_reason(value), name) if one)
    return Said(_FORM, names, message or name, http_status(code))


def _reason(value: Any) -> str:
    """The reason that the details give, such as BILLING_DISABLED."""
    details = value["error"].get("details")
    for detail in details if isinstance(details, list) else ():
        if text_at(detail, "@type") == _INFO:
            return text_at(detail, "reason")
    return ""
