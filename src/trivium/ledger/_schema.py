"""The tables of the ledger as SQLAlchemy sees them; the migrations create them, and a test keeps the two equal."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

HEAD = "0004"  # the newest migration this code writes for; a test compares it with the folder

metadata = MetaData()

# Instants are whole microseconds since 1970 in UTC, amounts whole pico-dollars. A single request's amount fits in
# 64 bits (recording checks it); sums are taken in two parts so that they never overflow.
opened = Table(
    "attempts_opened",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("request_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("surface", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("tags", Text, nullable=False),  # a JSON object, keys sorted
    Column("prompt_bytes", BigInteger, nullable=False),
    Column("max_output_tokens", BigInteger),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("decision", Text, nullable=False, server_default=""),  # `core.Decision` as text; empty: none was kept
    Index("attempts_opened_at", "at_us"),
    Index("attempts_opened_request", "request_id"),
)

# Revision 0 is how an attempt ended. A reaped attempt whose true end arrives later gets a revision 1: the correction
# stands beside what it corrects. The same holds for ratings: the highest revision is the one that counts.
closed = Table(
    "attempts_closed",
    metadata,
    Column("opened_seq", Integer, ForeignKey("attempts_opened.seq"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("quality", Text, nullable=False),
    Column("input", BigInteger),
    Column("output", BigInteger),
    Column("cache_read", BigInteger),
    Column("cache_write_5m", BigInteger),
    Column("cache_write_1h", BigInteger),
    Column("web_search", BigInteger),
    Column("web_fetch", BigInteger),
    Column("code_execution_hours", BigInteger),
    Column("http_status", Integer),
    Column("ttft_ms", BigInteger),
    Column("latency_ms", BigInteger),
    Column("upstream_request_id", Text, nullable=False),
    Column("stop_reason", Text, nullable=False),
    Column("error_type", Text, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("usage_lower", Text),  # a JSON object of counts by unit; null: the counts are final
    Column("usage_upper", Text),  # a unit that is null in it has no bound
    sqlite_with_rowid=False,
)

books = Table(
    "books",
    metadata,
    Column("book_id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("as_of", Text, nullable=False),
)

price_rows = Table(
    "price_rows",
    metadata,
    Column("price_row_id", Integer, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("rate_picos", BigInteger, nullable=False),
    Column("cell_id", Text, nullable=False),
    Column("claim_ids", Text, nullable=False),  # a JSON list
    Index("price_rows_once", "unit", "rate_picos", "cell_id", "claim_ids", unique=True),
)

ratings = Table(
    "ratings",
    metadata,
    Column("opened_seq", Integer, ForeignKey("attempts_opened.seq"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("amount_picos", BigInteger),  # null: unpriced, with the reason
    Column("reason", Text, nullable=False),
    Column("lower_picos", BigInteger),  # bounds of an amount that is unpriced or estimated, where there are any
    Column("upper_picos", BigInteger),
    Column("scope", Text, nullable=False),  # as the price book names it
    Column("book_id", Integer, ForeignKey("books.book_id")),
    Column("rated_at_us", BigInteger, nullable=False),
    Index("ratings_unpriced", "opened_seq", sqlite_where=text("amount_picos IS NULL")),
    sqlite_with_rowid=False,
)

rating_lines = Table(
    "rating_lines",
    metadata,
    Column("opened_seq", Integer, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("price_row_id", Integer, ForeignKey("price_rows.price_row_id"), nullable=False),
    Column("count", BigInteger, nullable=False),
    ForeignKeyConstraint(["opened_seq", "revision"], ["ratings.opened_seq", "ratings.revision"]),
    sqlite_with_rowid=False,
)

keys = Table(
    "keys",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("key_id", Text, nullable=False, unique=True),
    Column("secret_sha256", Text, nullable=False, unique=True),
    Column("workload", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("tags", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("surfaces", Text, nullable=False),
    Column("expires_at_us", BigInteger),
)

key_revocations = Table(
    "key_revocations",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("key_id", Text, ForeignKey("keys.key_id"), nullable=False, unique=True),
    Column("revoked_at_us", BigInteger, nullable=False),
)

demand = Table(
    "demand",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("offset_s", BigInteger, nullable=False),
    Column("span_s", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("imputed", Integer, nullable=False),
    Index("demand_once", "source", "model", "client", "offset_s", unique=True),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),  # a JSON object
)

prunes = Table(
    "prunes",
    metadata,
    Column("prune_id", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("before_us", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("keep_tags", Text, nullable=False),  # names of the tags that the summaries still tell apart
)

# What is left of pruned attempts: one row per day and dimensions, with everything a total needs.
tombstones = Table(
    "tombstones",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("prune_id", Integer, ForeignKey("prunes.prune_id"), nullable=False),
    Column("day_us", BigInteger, nullable=False),
    Column("workload", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("quality", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("unknown_usage", BigInteger, nullable=False),
    Column("input", BigInteger, nullable=False),
    Column("output", BigInteger, nullable=False),
    Column("cache_read", BigInteger, nullable=False),
    Column("cache_write_5m", BigInteger, nullable=False),
    Column("cache_write_1h", BigInteger, nullable=False),
    Column("web_search", BigInteger, nullable=False),
    Column("web_fetch", BigInteger, nullable=False),
    Column("code_execution_hours", BigInteger, nullable=False),
    Column("amount_picos", Text, nullable=False),  # a sum: decimal digits, of any length
    Column("lower_picos", Text),  # null in a row of before there were bounds: the amount
    Column("upper_picos", Text),  # null beside a lower bound: one of its attempts has none
)

# Batches and files that surfaces keep: who owns an id, and what became of it (`metered`, `forgotten`).
resources = Table(
    "resources",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Index("resources_once", "kind", "resource_id", unique=True),
    Index("resources_of", "workload", "kind", "seq"),
)
resource_marks = Table(
    "resource_marks",
    metadata,
    Column("resource_seq", Integer, ForeignKey("resources.seq"), primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)

# Holds one row only inside the transaction of a prune: the triggers let it delete what is older, nothing else.
prune_permit = Table("prune_permit", metadata, Column("before_us", BigInteger, primary_key=True))

APPEND_ONLY = (
    "attempts_opened",
    "attempts_closed",
    "books",
    "price_rows",
    "ratings",
    "rating_lines",
    "keys",
    "key_revocations",
    "demand",
    "audit",
    "prunes",
    "tombstones",
    "resources",
    "resource_marks",
)
