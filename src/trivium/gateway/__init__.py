"""The request pump: the Messages API in front of every surface."""

from trivium.gateway.facts import SnapshotFacts
from trivium.gateway.gateway import Gateway
from trivium.gateway.metrics import Metrics
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
    "Metrics",
    "OpenAdmission",
    "Outbound",
    "SnapshotFacts",
    "SurfaceSettings",
    "Timeouts",
    "Transport",
    "TransportError",
    "clock_stamp",
    "trace_stamp",
]
