"""What several tests of reports share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from decide.orgs import snapshot
from trivium.catalog import Claim


@cache
def claims() -> Mapping[str, Claim]:
    """The shipped claims by id."""
    return {claim.id: claim for claim in snapshot().claims}
