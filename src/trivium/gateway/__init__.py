"""The request pump: the Messages API in front of every surface."""

from trivium.gateway.facts import SnapshotFacts
from trivium.gateway.gateway import Gateway
from trivium.gateway.metrics import Metrics
from trivium.gateway.resources import MemoryResources
from trivium.gateway.seams import (
    Admission,
    AdmissionRequest,
    Admitted,
    Breaker,
    Circuit,
    Credential,
    Facts,
    GatewaySettings,
    Inbound,
    OpenAdmission,
    Outbound,
    Resources,
    SurfaceSettings,
    Timeouts,
    Transport,
    TransportError,
)
from trivium.gateway.serving import GatewayServer
from trivium.gateway.stamp import clock_stamp, trace_stamp
from trivium.gateway.transport import AiohttpTransport

__all__ = [
    "Admission",
    "AdmissionRequest",
    "Admitted",
    "AiohttpTransport",
    "Breaker",
    "Circuit",
    "Credential",
    "Facts",
    "Gateway",
    "GatewayServer",
    "GatewaySettings",
    "Inbound",
    "MemoryResources",
    "Metrics",
    "OpenAdmission",
    "Outbound",
    "Resources",
    "SnapshotFacts",
    "SurfaceSettings",
    "Timeouts",
    "Transport",
    "TransportError",
    "clock_stamp",
    "trace_stamp",
]
