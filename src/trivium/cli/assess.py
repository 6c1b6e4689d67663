"""`trivium assess`: one workload through the five questions; with --ask, a whole organisation without any usage."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._main import EXIT_FINDING
from trivium.cli._output import console, print_json
from trivium.core import Offer, PriceError, UserError

if TYPE_CHECKING:
    from datetime import date

    from trivium.plan.decision import Decided, Decision
    from trivium.plan.org import Question


def command(
    workload: Annotated[str | None, typer.Argument(help="The workload to assess; leave out with --ask.")] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Answer at most twelve questions: no usage, no gateway needed.")
    ] = False,
    form: Annotated[
        Path | None, typer.Option(help="The answers to --ask, as TOML or JSON, in place of a terminal.")
    ] = None,
    name: Annotated[str, typer.Option(help="With --ask: the organisation's name.")] = "",
    write: Annotated[
        Path | None, typer.Option(help="With --ask: write the organisation file that the answers make.")
    ] = None,
    report: ahead.Report = None,
    file: ahead.File = ahead.DEFAULT_FILE,
    trace: ahead.Trace = None,
    at: ahead.At = None,
    as_of: ahead.AsOf = None,
    since: ahead.Since = None,
    until: ahead.Until = None,
    months: ahead.Months = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """The five questions for one workload: type, tuning window, real price, Microsoft depth, checkpoints.

    With --ask (or --form): the whole report for an organisation without usage. Exit 1 if something has no place.
    """
    for path in report or ():
        shared.output("--report", path, *ahead.REPORTS)
    source = ahead.Source(file, trace, at, as_of, since, until, months, tuple(overlay or ()), db)
    if ask or form is not None:
        if workload is not None:
            raise UserError("workload", workload, "leave it out with --ask: the answers make the workloads")
        found = _from_form(source, form, name, write)
        decision = ahead.decided(found)
        ahead.write_reports(found, decision, tuple(report or ()))
        _print_all(decision, as_json=as_json)
        stranded = any(item.unplaced for item in decision.workloads)
    else:
        if write is not None or name:
            given, value = ("--write", str(write)) if write is not None else ("--name", name)
            raise UserError(given, value, "give it with --ask or --form: it belongs to the answers")
        if workload is None:
            raise UserError("workload", "none", "name one, or use --ask for an organisation without usage")
        found = ahead.gather(source)
        known = sorted({demand.workload for demand in found.demands})
        if workload not in known:
            raise UserError("workload", workload, f"use one of {', '.join(known) or 'none: there is no usage'}")
        with shared.progress("deciding"):
            decision = ahead.decided(found)
        ahead.write_reports(found, decision, tuple(report or ()))
        item = next(item for item in decision.workloads if item.workload == workload)
        _print_one(decision, item, as_json=as_json)
        stranded = bool(item.unplaced)
    if stranded:
        raise typer.Exit(EXIT_FINDING)


def _from_form(source: ahead.Source, form: Path | None, name: str, write: Path | None) -> ahead.Ahead:
    """The answers, from the file or the terminal, as what a decision is made from."""
    from trivium.plan.org import ask, from_answers, write_organisation

    if write is not None and write.exists():
        raise UserError("--write", str(write), "give a new file: this one exists")
    shared.output("--write", write)
    facts, at = ahead.facts_of(source)
    answers = _answers(form) if form is not None else ask(_prompt)
    if answers.get("model"):
        answers = {**answers, "model": _model(str(answers["model"]))}
    found = from_answers(answers, at, ahead.bands_of(facts), name=name, sold=lambda offer: _sold(offer, facts, at))
    if write is not None:
        shared.written("--write", write, write_organisation(found.organisation).encode())
    organisation = ahead.with_months(found.organisation, source.months)
    return ahead.asked(source, organisation, found.demands, facts, at)


def _model(name: str) -> str:
    try:
        return ahead.model_of(name)
    except UserError as error:
        raise UserError("form.model", name, error.remedy) from error


def _sold(offer: Offer, facts: ahead.Facts, at: date) -> bool:
    try:
        facts[1].resolve(offer, at)
    except PriceError:
        return False
    return True


def _answers(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UserError("--form", str(path), f"make it readable ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UserError("--form", str(path), f"give valid TOML or JSON ({error})") from error
    if not isinstance(raw, dict):
        raise UserError("--form", str(path), "give a table of answers, by the names of the questions")
    return {
        str(key): ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in raw.items()
    }


def _prompt(question: Question) -> str:
    return shared.prompt(question, "give the answers in a file: --form answers.toml")


def _print_all(decision: Decision, *, as_json: bool) -> None:
    from trivium.plan.report import decision_json, decision_text

    if as_json:
        print_json(decision_json(decision))
    else:
        console().print(decision_text(decision))


def _print_one(decision: Decision, item: Decided, *, as_json: bool) -> None:
    from trivium.plan.report import decision_json, workload_text

    if as_json:
        whole: dict[str, Any] = decision_json(decision)
        chosen = next(entry for entry in whole["workloads"] if entry["workload"] == item.workload)
        print_json({"at": whole["at"], "as_of": whole["as_of"], "workload": chosen})
    else:
        console().print(workload_text(decision, item))
