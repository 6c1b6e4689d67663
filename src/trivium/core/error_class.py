"""What an error of a surface means: whether another attempt helps, and whose state it tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trivium.core.errors import Retry

# The forms errors come in: the API's own envelope, and those of what stands in front of it.
ERROR_FORMS = ("messages-api", "aws-front", "google-front", "azure-front")


class ErrorKind(Enum):
    """Whose state an error tells. From the safest reading to the least safe: what may have been billed comes first."""

    FAILED = "failed"  # it broke, and may have been billed
    TIMEOUT = "timeout"  # too slow, and may have been billed
    INVALID = "invalid"  # the request's own content
    CONTENT = "content"  # a filter refused the content
    CONTEXT = "context"  # more than the model's context window
    CAPABILITY = "capability"  # a part of the request that the model or the surface does not take
    TOO_LARGE = "too_large"  # more bytes than the surface takes
    UNSUPPORTED = "unsupported"  # the surface has no such endpoint
    PERMISSION = "permission"  # the account may not
    NOT_ENABLED = "not_enabled"  # the account has not been given the model
    NOT_FOUND = "not_found"  # no such model there, or none that the account may see
    BILLING = "billing"  # the account may not spend
    AUTH = "auth"  # our credential was not taken
    RATE_LIMIT = "rate_limit"  # the account asked too much
    OVERLOADED = "overloaded"  # the surface has no room
    CONFLICT = "conflict"  # another request was in the way


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """What an error means. `capability` is the class that clients recover from by themselves, where there is one."""

    kind: ErrorKind
    retry: Retry
    capability: str = ""
    foreign: bool = False  # said in words that are not the API's, which clients cannot know
    claim_id: str = ""
