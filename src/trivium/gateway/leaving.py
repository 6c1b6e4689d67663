"""What becomes of an answer whose client has left: given up at once, or read on for its counts alone."""

from __future__ import annotations

from dataclasses import dataclass

from trivium.gateway.seams import Facts, SurfaceSettings

STOPS_BILLING = "cancel_stops_billing"  # the capability that claims speak of


@dataclass(frozen=True, slots=True)
class ReadOn:
    """How far an answer is read after its client left."""

    seconds_max: float
    bytes_max: int


def read_on(settings: SurfaceSettings, facts: Facts, model: str) -> ReadOn | None:
    """How far to read, None to give the answer up at once.

    Without a setting it is read on only where a claim says that the surface bills the whole answer anyway: there
    reading costs nothing and the final counts are had; anywhere else it might be paid for and read by nobody.
    """
    chosen = settings.on_disconnect
    if not chosen:
        chosen = "drain" if facts.supports(settings.surface, model, STOPS_BILLING) is False else "cancel"
    return ReadOn(settings.drain_s_max, settings.drain_bytes_max) if chosen == "drain" else None
