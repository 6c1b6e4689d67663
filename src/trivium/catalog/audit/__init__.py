"""Other tools' price tables held against the catalogue: who disagrees, how, and who is probably wrong."""

from trivium.catalog.audit._audit import audit
from trivium.catalog.audit._classes import CLASSES, DisagreementClass
from trivium.catalog.audit._gaps import Gap
from trivium.catalog.audit._index import CellIndex
from trivium.catalog.audit._names import Models
from trivium.catalog.audit._read import FORMATS, read_table
from trivium.catalog.audit._source import announced_in, index_of, listed_profiles, models_of
from trivium.catalog.audit._values import Announced, Entry, Finding, Report, Table

__all__ = [
    "CLASSES",
    "FORMATS",
    "Announced",
    "CellIndex",
    "DisagreementClass",
    "Entry",
    "Finding",
    "Gap",
    "Models",
    "Report",
    "Table",
    "announced_in",
    "audit",
    "index_of",
    "listed_profiles",
    "models_of",
    "read_table",
]
