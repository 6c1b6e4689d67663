"""Bounds of what an attempt consumed, where its final counts never came; summaries keep the bounds of their amounts."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; rows of before have none."""
    for table, columns in (
        ("attempts_closed", ("usage_lower", "usage_upper")),
        ("tombstones", ("lower_picos", "upper_picos")),
    ):
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
