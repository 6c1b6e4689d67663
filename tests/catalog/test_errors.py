"""Claims about errors: what cannot be meant is refused by name, the safer wins, and the page says what they say."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from trivium.catalog import Catalog, Snapshot, load
from trivium.core import ERROR_FORMS, ErrorKind, Retry, UserError

DAY = date(2026, 11, 25)
HEADER = "id,surface,models,subject,predicate,value,status,from,until,seen,source\n"
PAGE = Path(__file__).parent.parent.parent / "docs" / "errors.md"
BEGIN, END = "<!-- made from the claims: UPDATE_GOLDEN=1 pytest tests/catalog/test_errors.py -->\n", "<!-- end -->\n"


def overlaid(folder: Path, *rows: str) -> Catalog:
    (folder / "errors.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return load([folder])


def row(predicate: str, value: str, *, surface: str = "foundry", models: str = "", subject: str = "") -> str:
    return f"own.one,{surface},{models},{subject},{predicate},{value},documented,,,2026-11-25,x"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (row("error:402/*", "billing"), "errors.csv:2: value", "billing"),
        (row("error:402/*", "billing sometimes"), "errors.csv:2: value", "billing sometimes"),
        (row("error:402/*", "money elsewhere"), "errors.csv:2: value", "money elsewhere"),
        (row("error:402/*", "capability never"), "errors.csv:2: value", "capability never"),
        (row("error:402/*", "billing:effort never"), "errors.csv:2: value", "billing:effort never"),
        (row("error:402", "billing never"), "errors.csv:2: predicate", "error:402"),
        (row("error:99/*", "billing never"), "errors.csv:2: predicate", "error:99/*"),
        (row("error:*/*/***", "billing never"), "errors.csv:2: predicate", "error:*/*/***"),
        (row("error:*/*/a*b*c*d*e*f", "billing never"), "errors.csv:2: predicate", "error:*/*/a*b*c*d*e*f"),
        (row("error:402/*", "billing never", models="claude-opus-5"), "errors.csv:2: models", "claude-opus-5"),
        (row("error:402/*", "billing never", surface="", subject="aws"), "errors.csv:2: subject", "aws"),
        (row("error:402/*", "capability:speed never"), "claim own.one: value", "capability:speed never"),
    ],
)
def test_a_claim_that_could_not_be_meant_is_refused_by_name_when_it_is_loaded(
    line: str, field: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as refused:
        overlaid(tmp_path, line)
    assert (refused.value.field, refused.value.value) == (field, value)


@pytest.mark.parametrize(
    ("one", "other", "wins"),
    [
        ("rate_limit here", "rate_limit elsewhere", "rate_limit elsewhere"),  # not to who refused
        ("rate_limit elsewhere", "rate_limit never", "rate_limit never"),  # would be refused again
        ("overloaded elsewhere", "failed elsewhere", "failed elsewhere"),  # may have been billed
        ("billing elsewhere", "not_enabled elsewhere", "not_enabled elsewhere"),
    ],
)
def test_of_two_equally_founded_claims_the_safer_wins_and_the_conflict_is_shown(
    one: str, other: str, wins: str, tmp_path: Path
) -> None:
    rows = [f"own.{n},foundry,,,error:*/Busy,{v},documented,,,2026-11-2{n},x" for n, v in ((5, one), (4, other))]
    for order in (rows, rows[::-1]):
        snapshot = overlaid(tmp_path, *order).snapshot(DAY)
        found = snapshot.errors("foundry", "azure-front", DAY).find(429, ("Busy",), "")
        assert found is not None
        assert f"{found.kind.value} {found.retry.value}" == wins
        conflict = next(c for c in snapshot.conflicts(DAY) if c.predicate == "error:*/Busy")
        assert conflict.ranked.winner.value == wins
        assert conflict.why == f"{wins} is safer to believe of an error than {other if wins == one else one}"


def test_a_better_founded_claim_stands_above_a_safer_one(tmp_path: Path) -> None:
    rows = [
        "own.a,foundry,,,error:*/Busy,rate_limit never,reported,,,2026-11-25,x",
        "own.b,foundry,,,error:*/Busy,rate_limit elsewhere,documented,,,2026-11-01,x",
    ]
    found = overlaid(tmp_path, *rows).snapshot(DAY).errors("foundry", "azure-front", DAY).find(429, ("Busy",), "")
    assert found is not None
    assert found.retry is Retry.ELSEWHERE


def test_a_class_holds_within_its_window_and_is_known_from_its_day(tmp_path: Path) -> None:
    line = "own.w,foundry,,,error:*/Spent,billing elsewhere,documented,2026-11-10,2026-11-20,2026-11-25,x"
    snapshot = overlaid(tmp_path, line).snapshot(DAY)
    for day, known in ((9, False), (10, True), (19, True), (20, False)):
        at = date(2026, 11, day)
        assert (snapshot.errors("foundry", "azure-front", at).find(400, ("Spent",), "") is not None) is known


def test_the_more_particular_claim_decides(tmp_path: Path) -> None:
    rows = [
        "own.1,foundry,,,error:*/*,failed never,documented,,,2026-11-25,x",
        "own.2,foundry,,,error:*/Busy,overloaded here,documented,,,2026-11-25,x",
        "own.3,foundry,,,error:503/*,overloaded elsewhere,documented,,,2026-11-25,x",
        "own.4,foundry,,,error:503/Busy,overloaded never,documented,,,2026-11-25,x",
        "own.5,foundry,,,error:*/*/*tea*pot*,unsupported never,documented,,,2026-11-25,x",
    ]
    table = overlaid(tmp_path, *rows).snapshot(DAY).errors("foundry", "azure-front", DAY)
    asked = [
        (400, ("X",), "", "own.1"),
        (400, ("Busy",), "", "own.2"),
        (503, ("X",), "", "own.3"),
        (503, ("Busy",), "", "own.4"),
        (503, ("Busy",), "a TEA in the POT.", "own.5"),
        (503, ("Busy",), "a pot of tea", "own.4"),
    ]
    for status, names, text, claim in asked:
        found = table.find(status, names, text)
        assert found is not None
        assert found.claim_id == claim, (status, names, text)


def _table(snapshot: Snapshot) -> str:
    lines: list[str] = []
    for form in ERROR_FORMS:
        lines += [f"\n### {form}\n", "| status | name | text | class | grade |", "| --- | --- | --- | --- | --- |"]
        found = [c for c in snapshot.find(subject=form, topic="errors", at=DAY) if c.predicate.startswith("error:")]
        for claim in sorted(found, key=lambda one: (one.predicate.count("/") > 1, one.predicate)):
            status, name, *text = claim.predicate.removeprefix("error:").split("/", 2)
            shown = f"`` {text[0]} ``" if text else ""
            lines.append(f"| {status} | `{name}` | {shown} | {claim.value} | {claim.status} |")
    return "\n".join(lines) + "\n"


def test_the_page_says_what_the_claims_say() -> None:
    made = _table(load().snapshot(DAY))
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(before + BEGIN + made + END + after)
        return
    assert shown == made
    for kind in ErrorKind:
        assert f"| `{kind.value}` |" in before, kind
