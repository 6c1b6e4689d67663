"""ServeGen's per-client aggregates (Alibaba Cloud Model Studio): demand in spans of six hours, not events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trivium.core import UserError
from trivium.ledger._demand import DemandRow
from trivium.ledger.importers._common import BadRow, ImportOptions, Row, table

NAME = "servegen"
SPAN_S = 6 * 3600
COLUMNS = (
    *("model", "client", "t_s", "requests", "input_tokens", "output_tokens"),
    *("in_mean_imputed", "out_mean_imputed"),
)
SHAPE_COLUMNS = ("model", "client", "t_s", "in_p50", "out_p50")


def read(path: Path, options: ImportOptions = ImportOptions()) -> Iterator[DemandRow]:  # noqa: B008  frozen
    """One row per model, client and span; token totals are rounded to whole tokens."""
    if path.name.startswith("client_tokens"):
        remedy = "this file holds quantiles of request sizes without volumes: give client_usage_6h.csv.gz"
        raise UserError("file", str(path), remedy)
    for row in table(path, COLUMNS, options):
        try:
            yield DemandRow(
                source=NAME,
                model=options.model or row.named("model"),
                client=row.named("client"),
                offset_s=row.count("t_s"),
                span_s=SPAN_S,
                requests=row.count("requests"),
                input_tokens=_tokens(row, "input_tokens"),
                output_tokens=_tokens(row, "output_tokens"),
                imputed="True" in (row.text("in_mean_imputed"), row.text("out_mean_imputed")),
            )
        except BadRow as bad:
            options.refuse(bad)


def _tokens(row: Row, name: str) -> int:
    count = row.scaled(name, 1)
    if count is None:
        raise row.source.bad(name, "", "give a number of tokens: a gap is not zero")
    return count
