"""Reads a price table of another tool, whichever it is: the content tells the format."""

from __future__ import annotations

from pathlib import Path

from trivium.catalog.audit import _genai_prices, _litellm, _llm_prices, _models_dev
from trivium.catalog.audit._collect import Collector, parse_json, read_text
from trivium.catalog.audit._csv import read_csv
from trivium.catalog.audit._names import Models
from trivium.catalog.audit._values import Table
from trivium.core import UserError

_JSON = {
    "litellm": _litellm,
    "llm-prices": _llm_prices,
    "models.dev": _models_dev,
    "genai-prices": _genai_prices,
}
FORMATS = (*_JSON, "csv")


def read_table(path: Path, models: Models) -> Table:
    """The table in a file; raises UserError if the format is none of FORMATS, or the file is broken."""
    text = read_text(path)
    if text.lstrip()[:1] not in {"{", "["}:
        return read_csv(text, path.name, Collector("csv", models))
    document = parse_json(text, path.name)
    for name, reader in _JSON.items():
        if reader.detect(document):
            table: Table = reader.read(document, Collector(name, models))
            return table
    raise UserError(
        path.name,
        "JSON of an unknown shape",
        f"give a table of {', '.join(_JSON)} (for genai-prices its data.json), or a CSV",
    )
