"""Saved price pages, feeds and tables read into proposed rules with a review; a person moves them in."""

from trivium.catalog.propose._propose import Written, propose, review_text, write
from trivium.catalog.propose._read import FILE_BYTES_MAX, OPERATORS, read_file
from trivium.catalog.propose._values import Candidate, Issue, Line, Origin, Proposal, Reading
from trivium.catalog.propose._words import SCALES

__all__ = [
    "FILE_BYTES_MAX",
    "OPERATORS",
    "SCALES",
    "Candidate",
    "Issue",
    "Line",
    "Origin",
    "Proposal",
    "Reading",
    "Written",
    "propose",
    "read_file",
    "review_text",
    "write",
]
