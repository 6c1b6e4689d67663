"""`trivium ask`: a question in words, answered from claims alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared

if TYPE_CHECKING:
    from trivium.catalog.ask import Answer, Evidence, Figures

_ROWS_MAX, _CONFLICTS_MAX, _EVIDENCE_MAX, _OTHERS_MAX = 20, 5, 12, 6
_NO_ANSWER = 3
_CELL_MAX = 90
_AsOf = Annotated[str | None, typer.Option(help="Only what had been announced by this day; today if not given.")]
_At = Annotated[str | None, typer.Option(help="The day that decides windows; the --as-of day if not given.")]


def command(
    question: Annotated[list[str] | None, typer.Argument(help="The question, in words.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show what can be asked.")] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Show every row, conflict and claim; --json always does.")
    ] = False,
    as_of: _AsOf = None,
    at: _At = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Answer a question from claims, with grades, dates, conflicts and sources; exit 3 if no claim answers it.

    No language model is asked: the words decide which kind of question it is, and the answer says as which it was
    understood.
    """
    from trivium import catalog
    from trivium.catalog.ask import ask, questions
    from trivium.cli._output import print_json

    if list_:
        _print_kinds(questions(), as_json=as_json)
        return
    known = shared.day(as_of, "as-of")
    day = known if at is None else shared.day(at, "at")
    answer = ask(" ".join(question or ()), catalog.load(tuple(overlay or ())).snapshot(known), day)
    if as_json:
        print_json(answer)
    else:
        _print(answer, everything=all_)
    if not answer.answered:
        raise typer.Exit(_NO_ANSWER)


def _say(text: str) -> None:
    from trivium.cli._output import console

    console().print(text, markup=False, soft_wrap=True)


def _print_kinds(kinds: tuple[tuple[str, str], ...], *, as_json: bool) -> None:
    from trivium.cli._output import print_json

    if as_json:
        print_json([{"kind": name, "question": text} for name, text in kinds])
        return
    for _, text in kinds:
        _say(text)


def _print(answer: Answer, *, everything: bool) -> None:
    if answer.understood:
        _say(f"understood as: {answer.understood}")
    _say(f"by what had been announced by {answer.as_of}, seen on {answer.at}\n")
    for line in answer.lines:
        _say(line)
    for figures in answer.figures:
        _print_figures(figures, everything=everything)
    _print_some("Claims that disagree", answer.conflicts, None if everything else _CONFLICTS_MAX)
    _print_some("Notes", answer.notes, None)
    _print_some("Claims", [_told(one) for one in answer.evidence], None if everything else _EVIDENCE_MAX)
    if answer.others:
        _print_some("What can be asked, the nearest first", answer.others, None if everything else _OTHERS_MAX)


def _print_figures(figures: Figures, *, everything: bool) -> None:
    from trivium.cli._output import console
    from trivium.figures import clip, table

    rows = figures.rows if everything else figures.rows[:_ROWS_MAX]
    cells = rows if everything else [[clip(cell, _CELL_MAX) for cell in row] for row in rows]
    _say("")
    drawn = table(figures.headers, cells, title=figures.title)
    _say(drawn.terminal(drawn.width if everything else console().width))
    if len(rows) < len(figures.rows):
        _say(f"{len(figures.rows) - len(rows)} more rows (--all)")


def _print_some(title: str, lines: list[str] | tuple[str, ...], most: int | None) -> None:
    if not lines:
        return
    _say(f"\n{title}")
    for line in lines[:most]:
        _say(f"  {line}")
    if most is not None and len(lines) > most:
        _say(f"  {len(lines) - most} more (--all)")


def _told(one: Evidence) -> str:
    """A claim in a line: its id, how sure it is, when it holds, and where it was read."""
    window = f"{one.valid_from or '…'} to {one.valid_until or '…'}"
    seen = f", seen {one.seen_on}" if one.seen_on else ""
    first = one.sources[0] if one.sources else None
    place = f"; {first.address or first.title}" if first else ""
    return f"{one.claim_id}   {one.grade}, {one.state}; {window}{seen}{place}"
