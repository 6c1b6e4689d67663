"""The first form of the ledger: attempts, ratings, keys, demand, tombstones, and triggers that keep them append-only.

A migration never imports the current schema: it says what was true when it was written.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_USAGE = (
    "input BIGINT{n}, output BIGINT{n}, cache_read BIGINT{n}, cache_write_5m BIGINT{n}, cache_write_1h BIGINT{n}, "
    "web_search BIGINT{n}, web_fetch BIGINT{n}, code_execution_hours BIGINT{n}"
)

_TABLES = (
    """CREATE TABLE attempts_opened (
        seq INTEGER NOT NULL PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, request_id TEXT NOT NULL,
        attempt INTEGER NOT NULL, at_us BIGINT NOT NULL,
        surface TEXT NOT NULL, scope TEXT NOT NULL, model TEXT NOT NULL, tier TEXT NOT NULL,
        workload TEXT NOT NULL, key_id TEXT NOT NULL, session TEXT NOT NULL, endpoint TEXT NOT NULL,
        stream INTEGER NOT NULL, tags TEXT NOT NULL, prompt_bytes BIGINT NOT NULL, max_output_tokens BIGINT,
        recorded_at_us BIGINT NOT NULL)""",
    "CREATE INDEX attempts_opened_at ON attempts_opened (at_us)",
    f"""CREATE TABLE attempts_closed (
        opened_seq INTEGER NOT NULL REFERENCES attempts_opened (seq), revision INTEGER NOT NULL,
        at_us BIGINT NOT NULL, outcome TEXT NOT NULL, quality TEXT NOT NULL, {_USAGE.format(n="")},
        http_status INTEGER, ttft_ms BIGINT, latency_ms BIGINT, upstream_request_id TEXT NOT NULL,
        stop_reason TEXT NOT NULL, error_type TEXT NOT NULL, recorded_at_us BIGINT NOT NULL,
        PRIMARY KEY (opened_seq, revision)) WITHOUT ROWID""",
    "CREATE TABLE books (book_id INTEGER NOT NULL PRIMARY KEY, digest TEXT NOT NULL UNIQUE, as_of TEXT NOT NULL)",
    """CREATE TABLE price_rows (
        price_row_id INTEGER NOT NULL PRIMARY KEY, unit TEXT NOT NULL, rate_picos BIGINT NOT NULL,
        cell_id TEXT NOT NULL, claim_ids TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX price_rows_once ON price_rows (unit, rate_picos, cell_id, claim_ids)",
    """CREATE TABLE ratings (
        opened_seq INTEGER NOT NULL REFERENCES attempts_opened (seq), revision INTEGER NOT NULL,
        amount_picos BIGINT, reason TEXT NOT NULL, lower_picos BIGINT, upper_picos BIGINT, scope TEXT NOT NULL,
        book_id INTEGER REFERENCES books (book_id), rated_at_us BIGINT NOT NULL,
        PRIMARY KEY (opened_seq, revision)) WITHOUT ROWID""",
    "CREATE INDEX ratings_unpriced ON ratings (opened_seq) WHERE amount_picos IS NULL",
    """CREATE TABLE rating_lines (
        opened_seq INTEGER NOT NULL, revision INTEGER NOT NULL, line INTEGER NOT NULL,
        price_row_id INTEGER NOT NULL REFERENCES price_rows (price_row_id), count BIGINT NOT NULL,
        PRIMARY KEY (opened_seq, revision, line),
        FOREIGN KEY (opened_seq, revision) REFERENCES ratings (opened_seq, revision)) WITHOUT ROWID""",
    """CREATE TABLE keys (
        seq INTEGER NOT NULL PRIMARY KEY, key_id TEXT NOT NULL UNIQUE, secret_sha256 TEXT NOT NULL UNIQUE,
        workload TEXT NOT NULL, created_at_us BIGINT NOT NULL, tags TEXT NOT NULL, models TEXT NOT NULL,
        surfaces TEXT NOT NULL, expires_at_us BIGINT)""",
    """CREATE TABLE key_revocations (
        seq INTEGER NOT NULL PRIMARY KEY, key_id TEXT NOT NULL UNIQUE REFERENCES keys (key_id),
        revoked_at_us BIGINT NOT NULL)""",
    """CREATE TABLE demand (
        seq INTEGER NOT NULL PRIMARY KEY, source TEXT NOT NULL, model TEXT NOT NULL, client TEXT NOT NULL,
        offset_s BIGINT NOT NULL, span_s BIGINT NOT NULL, requests BIGINT NOT NULL, input_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL, imputed INTEGER NOT NULL)""",
    "CREATE UNIQUE INDEX demand_once ON demand (source, model, client, offset_s)",
    """CREATE TABLE audit (
        seq INTEGER NOT NULL PRIMARY KEY, at_us BIGINT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL)""",
    """CREATE TABLE prunes (
        prune_id INTEGER NOT NULL PRIMARY KEY, at_us BIGINT NOT NULL, before_us BIGINT NOT NULL,
        attempts BIGINT NOT NULL, keep_tags TEXT NOT NULL)""",
    f"""CREATE TABLE tombstones (
        seq INTEGER NOT NULL PRIMARY KEY, prune_id INTEGER NOT NULL REFERENCES prunes (prune_id),
        day_us BIGINT NOT NULL, workload TEXT NOT NULL, surface TEXT NOT NULL, scope TEXT NOT NULL,
        model TEXT NOT NULL, tier TEXT NOT NULL, key_id TEXT NOT NULL, endpoint TEXT NOT NULL,
        outcome TEXT NOT NULL, quality TEXT NOT NULL, tags TEXT NOT NULL, requests BIGINT NOT NULL,
        attempts BIGINT NOT NULL, unknown_usage BIGINT NOT NULL, {_USAGE.format(n=" NOT NULL")},
        amount_picos TEXT NOT NULL)""",
    "CREATE TABLE prune_permit (before_us BIGINT NOT NULL PRIMARY KEY)",
)

# What a prune may delete, by table: the condition under which a row is older than the permit.
_OLDER = "(SELECT at_us FROM attempts_opened WHERE seq = OLD.opened_seq) < p.before_us"
_PRUNABLE = {
    "attempts_opened": "OLD.at_us < p.before_us",
    "attempts_closed": _OLDER,
    "ratings": _OLDER,
    "rating_lines": _OLDER,
}
_FROZEN = ("books", "price_rows", "keys", "key_revocations", "demand", "audit", "prunes", "tombstones")


def _guard(table: str, action: str, unless: str, message: str) -> None:
    """A trigger that refuses an action on a table's rows."""
    op.execute(
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {unless} "
        f"BEGIN SELECT RAISE(ABORT, 'the ledger only grows: {message}'); END"
    )


def upgrade() -> None:
    """Create the tables, then the triggers."""
    for statement in _TABLES:
        op.execute(statement)
    for table in (*_PRUNABLE, *_FROZEN):
        _guard(table, "UPDATE", "", f"{table} is never updated")
    for table, older in _PRUNABLE.items():
        permit = f"WHEN NOT EXISTS (SELECT 1 FROM prune_permit p WHERE {older})"  # noqa: S608  built from constants
        _guard(table, "DELETE", permit, "use `trivium ledger prune`")
    for table in _FROZEN:
        _guard(table, "DELETE", "", f"{table} is never deleted from")
