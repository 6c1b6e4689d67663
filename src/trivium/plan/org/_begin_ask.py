"""The few questions that begin an organisation file; an empty answer states nothing and leaves the default assumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from trivium.core import ROUTABLE_SURFACES, UserError
from trivium.plan.org._form import Question
from trivium.plan.org._write import toml_key

_NAMES = Question("workloads", "Which workloads, separated by commas", "", "each gets a table of its own", several=True)
_GROWTH_PARTS = 3
_FIRST = (
    Question("organisation.name", "What is the organisation called", "", "shown on reports"),
    Question("organisation.horizon_months", "How many months to plan ahead", "12", "how far commitments are looked at"),
    Question(
        "organisation.risk_weight",
        "How much do the worst cases count: 0 the mean alone, 1 the worst cases alone",
        "0.5",
        "what a bad year weighs",
    ),
    Question(
        "organisation.growth",
        "Believed growth a month in percent: low, likely, high, as 0/3/8",
        "",
        "without a belief, history and the shipped prior decide",
    ),
    Question(
        "onboarding",
        "Which platforms are in use already",
        "",
        "the others cost something to open",
        ROUTABLE_SURFACES,
        True,
    ),
    Question("microsoft.m365_seats", "How many seats of Microsoft 365", "0", "seats buy the same work"),
    Question("microsoft.github_copilot_seats", "How many seats of GitHub Copilot", "0", "seats buy the same work"),
)


def ask_to_begin(
    prompt: Callable[[Question], str], names: Sequence[str] = ()
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Workloads, and stated fields by their path as TOML. `names` is what the first question suggests."""
    told = prompt(replace(_NAMES, default=", ".join(names)))
    kept = tuple(_several(told))
    stated: dict[str, str] = {}
    for question in (*_FIRST, *(one for name in kept for one in _of_workload(name))):
        answer = prompt(question).strip()
        if answer and answer != question.default:
            stated.update(_stated(question, answer))
    return kept, stated


def _of_workload(name: str) -> Iterator[Question]:
    path = f"workloads.{toml_key(name)}"
    yield Question(f"{path}.owner", f"{name}: who answers for it", "", "shown on reports")
    yield Question(
        f"{path}.needs.batchable_percent", f"{name}: which share may wait a day, in percent", "0", "batches cost half"
    )
    yield Question(
        f"{path}.needs.geography", f"{name}: must processing stay somewhere, as us or eu", "", "narrows the platforms"
    )
    yield Question(
        f"{path}.needs.attestations",
        f"{name}: which attestations are needed, as hipaa_baa, soc2",
        "",
        "a platform that cannot show one is out",
        several=True,
    )
    yield Question(f"{path}.needs.users", f"{name}: how many people use it", "", "seats are compared for them")


def _stated(question: Question, answer: str) -> Iterator[tuple[str, str]]:
    if question.id == "onboarding":
        for surface in _several(answer):
            if surface not in ROUTABLE_SURFACES:
                raise UserError("onboarding", surface, f"use {', '.join(ROUTABLE_SURFACES)}")
            yield f"onboarding.{surface}.done", "true"
    elif question.id.endswith(".growth"):
        yield question.id, _growth(question.id, answer)
    elif question.several:
        yield question.id, json.dumps(list(_several(answer)), ensure_ascii=False)
    else:
        yield question.id, answer


def _growth(path: str, answer: str) -> str:
    try:
        parts = [Decimal(part.strip().removesuffix("%")) / 100 for part in answer.split("/")]
    except InvalidOperation as error:
        raise UserError(path, answer, "give three percentages, as 0/3/8") from error
    if len(parts) != _GROWTH_PARTS or not all(part.is_finite() for part in parts):
        raise UserError(path, answer, "give three percentages, as 0/3/8")
    low, point, high = (f"{part:f}" for part in parts)
    return f'{{ low = "{low}", point = "{point}", high = "{high}" }}'


def _several(text: str) -> Iterator[str]:
    yield from dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
