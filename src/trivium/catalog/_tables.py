"""Reads tidy CSV tables of claims: one file a topic, one row a claim, the same columns everywhere."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from trivium.catalog._claim import GRADE, Claim, Source
from trivium.catalog._errors import ERROR, check_error_claim
from trivium.core import UserError

COLUMNS = (
    *("id", "surface", "models", "subject", "predicate", "value", "unit", "status", "from", "until"),
    *("announced", "seen", "review_by", "supersedes", "source", "quote", "note"),
)
_REQUIRED = ("id", "predicate", "value", "status", "source")
_ADDRESS = re.compile(
    r"https?://\S+|\b[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|org|net|io|dev|ai|de|uk|eu|fr|pro|media|group|tech|news)\b(/\S*)?",
    re.IGNORECASE,
)
_REPOSITORY = re.compile(r"\b(github/docs|MicrosoftDocs/[\w-]+|BerriAI/\w+)\b")
_PACKAGES = {"litellm": "github.com/BerriAI/litellm", "genai-prices": "github.com/pydantic/genai-prices"}
_DAY = re.compile(r"20\d\d-\d\d(-\d\d)?")


def read_claims(path: Path, layer: int = 0) -> tuple[Claim, ...]:
    """The claims of a CSV table; the file's name is their topic. Raises UserError naming file, line and remedy."""
    return tuple(_claim(path, number, row, layer) for number, row in _rows(path))


def read_table(path: Path, columns: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    """The rows of a small CSV table with exactly these columns."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != columns:
            raise UserError(str(path), reader.fieldnames, f"the columns are {','.join(columns)}")
        yield from reader


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = tuple(next(reader, ()))
        if unknown := [name for name in header if name not in COLUMNS]:
            raise UserError(str(path), unknown, f"the columns of a claims table are {','.join(COLUMNS)}")
        if missing := [name for name in _REQUIRED if name not in header]:
            raise UserError(str(path), missing, "a claims table needs these columns too")
        for values in reader:
            if len(values) != len(header):
                raise UserError(f"{path}:{reader.line_num}", values, f"give {len(header)} fields")
            yield reader.line_num, dict(zip(header, values, strict=True))


def _claim(path: Path, line: int, row: Mapping[str, str], layer: int) -> Claim:
    where = f"{path.name}:{line}"
    for name in _REQUIRED:
        if not row[name].strip():
            raise UserError(f"{where}: {name}", "", "fill this in; an unknown value is written `unknown`")
    if row["status"] not in GRADE:
        raise UserError(f"{where}: status", row["status"], f"use one of {', '.join(GRADE)}")
    place = row.get("surface", "")
    surface = place.partition(":")[0]
    models = tuple(row.get("models", "").split())
    start, end = _day(where, row, "from"), _day(where, row, "until")
    if start is not None and end is not None and end <= start:
        raise UserError(where, f"{start}..{end}", "a window ends after it begins (it is half-open)")
    subject = row.get("subject") or (f"{place}/{';'.join(models)}" if models else place)
    if not subject:
        raise UserError(f"{where}: subject", "", "name a surface, or a subject")
    claim = Claim(
        id=row["id"],
        topic=path.stem.replace("_", "-"),
        subject=subject,
        predicate=row["predicate"],
        value=row["value"],
        unit=row.get("unit", ""),
        status=row["status"],
        valid_from=start,
        valid_until=end,
        announced_on=_day(where, row, "announced"),
        seen_on=_day(where, row, "seen"),
        review_by=_day(where, row, "review_by"),
        sources=_sources(row["source"], row.get("quote", "")),
        supersedes=tuple(row.get("supersedes", "").split()),
        note=row.get("note", ""),
        surface=surface,
        models=models,
        layer=layer,
    )
    if claim.predicate.startswith(ERROR):
        try:
            check_error_claim(claim)
        except UserError as error:
            raise UserError(f"{where}: {error.field}", error.value, error.remedy) from error
    return claim


def _day(where: str, row: Mapping[str, str], name: str) -> date | None:
    text = row.get(name, "")
    if not text:
        return None
    found = parse_day(text)
    if found is None:
        raise UserError(f"{where}: {name}", text, "give a day such as 2026-11-01")
    return found


@lru_cache(maxsize=4096)
def parse_day(text: str) -> date | None:
    """A day in ISO form, None if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _address(text: str) -> str:
    """The address inside a source's title: a link, a host, a repository or a package's; empty if there is none."""
    if found := _ADDRESS.search(text):
        return found[0].rstrip(");,")
    if found := _REPOSITORY.search(text):
        return f"github.com/{found[0]}"
    return next((address for name, address in _PACKAGES.items() if text.startswith(name)), "")


@lru_cache(maxsize=8192)
def _sources(text: str, quote: str) -> tuple[Source, ...]:
    """Sources separated by ` | `; an address and a date inside a title are found. The quote is the first one's."""
    found = []
    for number, part in enumerate(text.split(" | ")):
        days = _DAY.findall(part) and _DAY.search(part)
        found.append(
            Source(
                title=part,
                address=_address(part),
                date=days[0] if days else "",
                quote=quote if number == 0 else "",
            )
        )
    return tuple(found)
