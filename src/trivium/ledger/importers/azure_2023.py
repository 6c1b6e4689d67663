"""Azure's public trace of a production LLM service, code part (2023): arrival time, prompt and answer tokens.

The trace names no model and counts in another model's tokens, so the model is the reader's choice (`--model`) and
the counts are estimates. It says nothing of caches: every prompt token is new input. A model that was not sold in
2023 has no price then: `start` lays the trace on another calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from trivium.core import Closed, Opened, Outcome, Quality, Usage, UsageEvent, UserError
from trivium.ledger.importers._common import BadRow, ImportOptions, table

NAME = "azure_2023"
COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def read(path: Path, options: ImportOptions = ImportOptions()) -> Iterator[UsageEvent]:  # noqa: B008  frozen
    """The requests in the order of the file; the end of a request is not known and stands at its start."""
    if options.model is None:
        raise UserError("model", None, "this trace names no model: say which one to price it as, with --model")
    shift: timedelta | None = None
    for row in table(path, COLUMNS, options):
        try:
            at = row.instant("TIMESTAMP")
            event_id = f"{NAME}:{path.stem}:{row.source.line}"
            usage = Usage(input=row.count("ContextTokens"), output=row.count("GeneratedTokens"))
        except BadRow as bad:
            options.refuse(bad)
            continue
        if shift is None:
            shift = timedelta(0) if options.start is None else options.start - at
        at += shift
        offer = options.offer(options.model)
        yield UsageEvent(
            Opened(
                event_id=event_id,
                request_id=event_id,
                attempt=1,
                at=at,
                offer=offer,
                workload=options.workload_of("azure-code", {"model": offer.model}),
                tags={"trace": NAME, **options.tags},
            ),
            Closed(event_id=event_id, at=at, outcome=Outcome.OK, usage=usage, quality=Quality.ESTIMATED),
        )
