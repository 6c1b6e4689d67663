"""Attempts carry the decision that led them to their surface, and are found by their request.

SQLite adds a column with a constant default without touching the rows, so the triggers that forbid updates stay.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the index."""
    op.execute("ALTER TABLE attempts_opened ADD COLUMN decision TEXT NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX attempts_opened_request ON attempts_opened (request_id)")
