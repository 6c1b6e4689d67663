"""How a claim says what an error means: `error:STATUS/NAME[/TEXT]` is a class, as `billing elsewhere`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from trivium.catalog._claim import Claim
from trivium.core import ERROR_FORMS, SURFACES, ErrorClass, ErrorKind, Retry, UserError

ERROR = "error:"
CLASSES = "capability_rejected_classes"  # of a client: the capabilities it recovers from, in the order they are tried
ANY = "*"
_PATTERN = re.compile(r"(?P<status>\*|[1-5]\d\d)/(?P<name>\*|[\w.-]+)(?:/(?P<text>.*\S.*))?", re.DOTALL)
_CAPABILITY = re.compile(r"[a-z_]+(?::(?:\*|[\w.-]+))?")
_STARS_MAX = 4
# From the safest: never sends again what may have been billed or would be refused again, elsewhere not to who refused.
_RETRIES = (Retry.NEVER, Retry.ELSEWHERE, Retry.HERE)
_KINDS = tuple(ErrorKind)


class ErrorPattern(NamedTuple):
    """Which errors a claim is about. None is any; in a text `*` stands for any words."""

    status: int | None
    name: str | None
    text: str | None


def pattern_of(predicate: str) -> ErrorPattern:
    """What a predicate `error:…` is about; raises UserError."""
    found = _PATTERN.fullmatch(predicate.removeprefix(ERROR))
    if found is None:
        raise UserError("predicate", predicate, "write error:STATUS/NAME or error:STATUS/NAME/TEXT; * is any")
    status, name, text = found["status"], found["name"], found["text"]
    if text is not None and (text.count(ANY) > _STARS_MAX or not text.replace(ANY, "").strip()):
        raise UserError("predicate", predicate, f"a text has words of its own, and at most {_STARS_MAX} stars")
    return ErrorPattern(None if status == ANY else int(status), None if name == ANY else name, text)


@lru_cache(maxsize=512)
def class_of(value: str) -> ErrorClass:
    """What a value such as `billing elsewhere` or `capability:media_budget never` says; raises UserError."""
    said, _, retry = value.partition(" ")
    kind, _, capability = said.partition(":")
    if kind not in {one.value for one in ErrorKind} or retry not in {one.value for one in Retry}:
        kinds = ", ".join(one.value for one in ErrorKind)
        remedy = f"write KIND RETRY: the kind is one of {kinds}; the retry is never, here or elsewhere"
        raise UserError("value", value, remedy)
    if (kind == ErrorKind.CAPABILITY.value) != bool(capability) or (
        capability and not _CAPABILITY.fullmatch(capability)
    ):
        raise UserError("value", value, "write capability:CLASS RETRY; no other kind has a class")
    return ErrorClass(ErrorKind(kind), Retry(retry), capability)


def safety_of(claim: Claim) -> int:
    """How safe it is to believe a claim about an error, where an equally founded one says otherwise; else 0."""
    if not claim.predicate.startswith(ERROR):
        return 0
    said = class_of(claim.value)
    return -(_RETRIES.index(said.retry) * len(_KINDS) + _KINDS.index(said.kind))


def check_error_claim(claim: Claim) -> None:
    """Refuse a claim about an error that could never be asked, or says nothing; raises UserError."""
    pattern_of(claim.predicate)
    class_of(claim.value)
    if claim.models:
        raise UserError("models", " ".join(claim.models), "an error is classified for a surface, not for a model")
    if claim.surface not in SURFACES and claim.subject not in ERROR_FORMS:
        raise UserError("subject", claim.subject, f"name a surface, or as subject one of {', '.join(ERROR_FORMS)}")


def check_capabilities(claims: Sequence[Claim]) -> None:
    """Refuse a capability that no client is said to know; raises UserError naming the claim."""
    known = {name for claim in claims if claim.predicate == CLASSES for name in claim.value.split()}
    for claim in claims:
        if claim.predicate.startswith(ERROR):
            name = class_of(claim.value).capability.partition(":")[0]
            if name and name not in known:
                raise UserError(f"claim {claim.id}: value", claim.value, f"no client knows {name}: see {CLASSES}")
