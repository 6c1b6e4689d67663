"""The surfaces of Claude emulated on loopback: an independent witness."""

from trivium.lab.faults import Fault
from trivium.lab.server import SURFACES, LabServer

__all__ = ["SURFACES", "Fault", "LabServer"]
