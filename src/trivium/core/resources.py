"""What a surface keeps for a client beyond one request: message batches and files, and who owns them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ResourceKind = Literal["batch", "file"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One batch or file. It belongs to a workload, so that it outlives the key that made it."""

    kind: ResourceKind
    resource_id: str  # as the surface calls it
    surface: str  # as configured: `surface` or `surface/scope`
    workload: str
    key_id: str
    request_id: str  # of the request that made it; a batch's attempts carry it too
    created_at: datetime
    metered: bool = False  # a batch whose every result is in the ledger
