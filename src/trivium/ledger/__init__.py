"""The append-only record of usage and its ratings."""

from trivium.ledger import importers
from trivium.ledger._demand import DemandRow
from trivium.ledger._export import write_export, write_lines
from trivium.ledger._keys import KeyStore
from trivium.ledger._ledger import Appended, Ledger, Rerated
from trivium.ledger._rate import Rating, RatingLine
from trivium.ledger._resources import ResourceStore
from trivium.ledger._sink import GroupCommitSink
from trivium.ledger._spend import DIMENSIONS, SpendRow
from trivium.ledger._upkeep import Finding, Pruned
from trivium.ledger._why import Because, Explanation, explain

__all__ = [
    "DIMENSIONS",
    "Appended",
    "Because",
    "DemandRow",
    "Explanation",
    "Finding",
    "GroupCommitSink",
    "KeyStore",
    "Ledger",
    "Pruned",
    "Rating",
    "RatingLine",
    "Rerated",
    "ResourceStore",
    "SpendRow",
    "explain",
    "importers",
    "write_export",
    "write_lines",
]
