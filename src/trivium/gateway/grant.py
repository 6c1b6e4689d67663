"""Asks an admission so that no grant is lost: one that comes when nobody waits for it any more is given back."""

from __future__ import annotations

import asyncio

from trivium.core import AdmissionDenied
from trivium.gateway.flight import later
from trivium.gateway.seams import Admission, AdmissionRequest, Admitted


async def granted(admission: Admission, request: AdmissionRequest) -> Admitted:
    """The grant; raises AdmissionDenied. A caller that is cancelled meanwhile has none: it is settled by itself."""
    asked = later(admission.admit(request))
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError:
        later(_given_back(admission, asked))
        raise


async def _given_back(admission: Admission, asked: asyncio.Future[Admitted]) -> None:
    try:
        admitted = await asked
    except AdmissionDenied:
        return
    await admission.settle(admitted, ())
