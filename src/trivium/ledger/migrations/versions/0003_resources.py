"""Batches and files: who owns which id, at which surface; what became of one is a row of its own."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = (
    """CREATE TABLE resources (
        seq INTEGER NOT NULL PRIMARY KEY, kind TEXT NOT NULL, resource_id TEXT NOT NULL, surface TEXT NOT NULL,
        workload TEXT NOT NULL, key_id TEXT NOT NULL, request_id TEXT NOT NULL, created_at_us BIGINT NOT NULL)""",
    "CREATE UNIQUE INDEX resources_once ON resources (kind, resource_id)",
    "CREATE INDEX resources_of ON resources (workload, kind, seq)",
    """CREATE TABLE resource_marks (
        resource_seq INTEGER NOT NULL REFERENCES resources (seq), mark TEXT NOT NULL, at_us BIGINT NOT NULL,
        PRIMARY KEY (resource_seq, mark)) WITHOUT ROWID""",
)


def upgrade() -> None:
    """Create the tables, then the triggers."""
    for statement in _TABLES:
        op.execute(statement)
    for table in ("resources", "resource_marks"):
        for action, done in (("UPDATE", "updated"), ("DELETE", "deleted from")):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the ledger only grows: {table} is never {done}'); END"
            )
