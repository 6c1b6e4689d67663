"""`trivium why`: where a request went, what was considered on the way, and what each attempt's amount rests on."""

from __future__ import annotations

from typing import Annotated

import typer

from trivium.cli import _ledger as shared


def command(
    request_id: Annotated[str, typer.Argument(help="A request (x-trivium-request-id of the answer), or one attempt.")],
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Every attempt of a request: the routing decision in words, the amount, and its way back to the sources."""
    shared.print_why(db, request_id, overlay, as_json=as_json)
