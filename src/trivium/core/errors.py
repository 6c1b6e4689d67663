"""The error tree of the product.

TriviumError
  UserError            wrong input or configuration: command line exit 2, HTTP 400
  FactError            NoClaim · ClaimsDisagree · AmbiguousName
  PriceError           NoPrice(keys) · AmbiguousOffer(keys) · UsageUnknown(units)
  UpstreamError        surface, status, request id, retry: never | here | elsewhere
  AdmissionDenied      which budget, how much was left
  LedgerError          DuplicateEvent · OutOfOrder · LedgerCorrupt
"""

from __future__ import annotations

from enum import Enum


class TriviumError(Exception):
    """Base of every error the product raises on purpose."""


class UserError(TriviumError):
    """Wrong input: names the field, the value that was given and the remedy."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        self.field = field
        self.value = value
        self.remedy = remedy
        super().__init__(f"{field}: {value!r}: {remedy}")


class FactError(TriviumError):
    """A question the catalogue cannot answer."""


class NoClaim(FactError):
    """No claim answers the question on that day."""


class ClaimsDisagree(FactError):
    """Two claims of equal standing answer differently."""


class AmbiguousName(FactError):
    """A name stands for more than one thing; the message lists them."""


class PriceError(TriviumError):
    """An amount that cannot be computed exactly."""

    def __init__(self, message: str, keys: tuple[str, ...] = ()) -> None:
        self.keys = keys
        super().__init__(message)


class NoPrice(PriceError):
    """No price cell matches; `keys` names surface, scope, model, tier, unit and date."""


class AmbiguousOffer(PriceError):
    """More than one price cell matches; `keys` names the candidates."""


class UsageUnknown(PriceError):
    """A count that the amount depends on is unknown, which is not zero."""


class Retry(Enum):
    """Whether a failed upstream attempt may be repeated, and where."""

    NEVER = "never"
    HERE = "here"
    ELSEWHERE = "elsewhere"


class UpstreamError(TriviumError):
    """A surface failed or refused; carries what the failover law needs."""

    def __init__(
        self,
        surface: str,
        message: str,
        *,
        retry: Retry,
        status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.surface = surface
        self.status = status
        self.request_id = request_id
        self.retry = retry
        self.retry_after_s = retry_after_s
        super().__init__(f"{surface}: {message}")


class AdmissionDenied(TriviumError):
    """A budget or limit does not admit the request."""

    def __init__(self, budget: str, message: str, *, retry_after_s: float | None = None) -> None:
        self.budget = budget
        self.retry_after_s = retry_after_s
        super().__init__(message)


class LedgerError(TriviumError):
    """The ledger refused a record or found itself damaged."""


class DuplicateEvent(LedgerError):
    """The same event id came twice with different content."""


class OutOfOrder(LedgerError):
    """A record closes an event that was never opened, or closes it twice."""


class LedgerCorrupt(LedgerError):
    """The stored ledger contradicts itself; nothing was changed."""
