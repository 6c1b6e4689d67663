"""One file for each surface."""

from collections.abc import Mapping

from trivium.gateway.seams import Upstream

UPSTREAMS: Mapping[str, Upstream] = {}
