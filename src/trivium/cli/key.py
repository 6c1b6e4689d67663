"""`trivium key`: virtual keys that name a workload: create, list, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import KeyRecord, SystemClock

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke virtual keys.")


@app.command()
def create(
    workload: Annotated[str, typer.Option(help="The workload whose spend the key carries.")],
    tag: Annotated[list[str] | None, typer.Option(help="A tag for its requests, name=value; may be repeated.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model it may use, any if not given; may be repeated.")
    ] = None,
    surface: Annotated[list[str] | None, typer.Option(help="A surface it may use, any if not given.")] = None,
    expires: Annotated[str | None, typer.Option(help="A date or instant, or a length of time such as 30d.")] = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Make a key. Its secret is shown once and stored nowhere."""
    from trivium import catalog

    with shared.opened(db, must_exist=False) as ledger:
        record, secret = ledger.keys.create(
            workload,
            tags=shared.pairs(tag, "tag"),
            models=[catalog.model_id(name) for name in model or ()],
            surfaces=[catalog.surface_id(name) for name in surface or ()],
            expires_at=None if expires is None else shared.future(expires, "expires"),
        )
    if as_json:
        print_json(_values(record) | {"secret": secret})
        return
    screen = console()
    screen.print(secret, markup=False)
    screen.print(f"key {record.key_id} for workload {workload}; the secret is shown this once", markup=False)


@app.command("list")
def list_(db: shared.Db = shared.DEFAULT_DB, as_json: shared.AsJson = False) -> None:
    """Show every key; secrets are not stored."""
    from trivium.figures import table

    with shared.opened(db) as ledger:
        records = ledger.keys.list()
    if as_json:
        print_json([_values(record) for record in records])
        return
    rows = [
        [
            record.key_id,
            record.workload,
            _state(record, SystemClock().now()),
            f"{record.created_at:%Y-%m-%d}",
            "any" if not record.models else ", ".join(record.models),
            "any" if not record.surfaces else ", ".join(record.surfaces),
            ", ".join(f"{name}={value}" for name, value in sorted(record.tags.items())),
        ]
        for record in records
    ]
    screen = console()
    made = table(["key", "workload", "state", "created", "models", "surfaces", "tags"], rows)
    screen.print(made.terminal(screen.width) if rows else "there are no keys", markup=False)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id that `list` shows.")],
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Revoke a key for good; a running gateway refuses it from its next request on."""
    with shared.opened(db) as ledger:
        record = ledger.keys.revoke(key_id)
    if as_json:
        print_json(_values(record))
    else:
        console().print(f"key {key_id} of workload {record.workload} is revoked", markup=False)


def _state(record: KeyRecord, now: datetime) -> str:
    if record.revoked_at is not None:
        return f"revoked {record.revoked_at:%Y-%m-%d}"
    if record.expires_at is None:
        return "valid"
    return f"{'valid until' if now < record.expires_at else 'expired'} {record.expires_at:%Y-%m-%d}"


def _values(record: KeyRecord) -> dict[str, object]:
    return {
        "key_id": record.key_id,
        "workload": record.workload,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "tags": dict(record.tags),
        "models": record.models,
        "surfaces": record.surfaces,
    }
