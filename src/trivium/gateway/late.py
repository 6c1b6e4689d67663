"""Ends of attempts that the ledger did not take at once: what was billed is known, so they are offered again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import chain, repeat

from trivium.core import Closed, DuplicateEvent, LedgerError, OutOfOrder, Sink, UserError

PAUSES_S = (0.5, 1.0, 2.0, 5.0)  # before each offer; the last one repeats
NEVER = (DuplicateEvent, OutOfOrder, UserError)  # the ledger answered: it will not take this one
REFUSALS = (LedgerError, UserError, OSError)  # all that a sink raises, one across a network included
_log = logging.getLogger("trivium.gateway")


async def offer_again(sink: Sink, closed: Closed, pauses_s: Sequence[float] = PAUSES_S) -> None:
    """Offer an end until the ledger takes it or refuses it for good.

    Only attempts that were in the air when the ledger failed come here: while it fails nothing new is sent.
    """
    for pause_s in chain(pauses_s, repeat(pauses_s[-1])):
        try:
            await asyncio.sleep(pause_s)
            await sink.closed(closed)
        except NEVER as error:
            _log.warning("ledger refused the end of event=%s: %s", closed.event_id, type(error).__name__)
            return
        except asyncio.CancelledError:
            counts = " ".join(f"{unit}={count}" for unit, count in closed.usage if count)
            _log.error("the ledger never took the end of event=%s %s %s", closed.event_id, closed.outcome.value, counts)
            raise
        except REFUSALS as error:
            _log.error("ledger refused a closed record: %s event=%s", type(error).__name__, closed.event_id)
        else:
            _log.warning("ledger took the end of event=%s late", closed.event_id)
            return
