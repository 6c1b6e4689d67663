"""Twelve questions for an organisation without usage: answers become an organisation and a month of assumed demand.

Whatever is not answered takes a default, and every figure that stands in for a measurement is an assumption.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from trivium.catalog.refusal import near_or_all
from trivium.core import Offer, UserError
from trivium.plan._demand import Demand
from trivium.plan._totals import Total, demand_from_totals
from trivium.plan.org._convert import NUMBER_MAX
from trivium.plan.org._read import parse_organisation
from trivium.plan.org._values import Assumption, Organisation

DAYS = 30
NONE = "none"


@dataclass(frozen=True, slots=True)
class Question:
    """One question: what to ask, what it is for, its default, and the answers it takes where they are few."""

    id: str
    text: str
    default: str
    why: str
    choices: tuple[str, ...] = ()
    several: bool = False


@cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """The shapes of work, by name."""
    text = resources.files(__package__).joinpath("presets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


QUESTIONS = (
    Question(
        "kinds",
        "Which kinds of work? Several, separated by commas",
        "chat",
        "each kind becomes a workload with a shape of its own",
        ("coding-agent", "chat", "office", "documents", "extraction"),
        several=True,
    ),
    Question("people", "How many people would use it on a working day", "50", "people times requests is the volume"),
    Question("requests", "How many requests a day would machines send", "1000", "for documents and extraction"),
    Question("model", "Which model", "claude-sonnet-5-5", "the price depends on it; a smaller one may do"),
    Question("waiting_percent", "Which share may wait a day for its answer, in percent", "0", "batches cost half"),
    Question(
        "geography",
        "Must processing stay somewhere",
        NONE,
        "a geography narrows the platforms",
        (NONE, "us", "eu", "jp"),
    ),
    Question(
        "attestations",
        "Which attestations are needed? Several, separated by commas",
        NONE,
        "a platform that cannot show one is out",
        (NONE, "hipaa_baa", "fedramp", "soc2", "iso27001", "pci"),
        several=True,
    ),
    Question(
        "cloud",
        "Where would it run if nothing spoke against it",
        "anthropic",
        "what the plan is compared with",
        ("anthropic", "bedrock", "vertex", "foundry"),
    ),
    Question("commitment_usd", "What is committed there a year already, in USD", "0", "a commitment must be served"),
    Question("seats", "Microsoft 365 seats and GitHub Copilot seats, as 500/100", "0/0", "seats buy the same work"),
    Question("growth", "Growth a month in percent: low, likely, high, as 0/3/8", "0/2/5", "the width of the forecast"),
    Question("tuning", "Is a tuned model wanted, and from when (a day, or no)", "no", "the fine-tuning window"),
)


@dataclass(frozen=True)
class Assessment:
    """What the answers come to."""

    organisation: Organisation
    demands: tuple[Demand, ...]


def ask(prompt: Callable[[Question], str]) -> dict[str, str]:
    """Every question put once; an empty answer takes the default."""
    return {question.id: prompt(question).strip() or question.default for question in QUESTIONS}


def from_answers(
    answers: Mapping[str, str],
    at: date,
    band_starts: Sequence[int] = (0,),
    *,
    name: str = "",
    sold: Callable[[Offer], bool] = lambda _: False,
) -> Assessment:
    """An organisation and its demand; UserError names the question, the answer and what it takes.

    What the plan is compared with runs in the geography that is needed, where that is `sold` on the cloud named.
    """
    unknown = sorted(set(answers) - {question.id for question in QUESTIONS})
    if unknown:
        raise UserError("form", ", ".join(unknown), near_or_all(unknown[0], [question.id for question in QUESTIONS]))
    form = _Form({question.id: str(answers.get(question.id, question.default)) for question in QUESTIONS})
    kinds = form.several("kinds")
    raw = _organisation(form, kinds, name)
    organisation = _parsed(raw, form)
    totals = [total for kind in kinds for total in _totals(form, kind, at, sold)]
    assumed = (*(_shape(form, kind) for kind in kinds), *_unanswered(answers))
    return Assessment(
        replace(organisation, assumed=(*assumed, *organisation.assumed)), demand_from_totals(totals, band_starts)
    )


_MADE_FROM = {  # what an answer becomes: an error there is the answer's
    "organisation.growth": "growth",
    "microsoft.m365_seats": "seats",
    "microsoft.github_copilot_seats": "seats",
    "needs.users": "people",
    "contracts.committed.commitment_usd_per_year": "commitment_usd",
    "contracts.committed.other_spend_usd_per_year": "commitment_usd",
}
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")


def _parsed(raw: Mapping[str, Any], form: _Form) -> Organisation:
    """What the answers make, checked; what cannot be used is refused as the answer that it came from."""
    try:
        return parse_organisation(raw)
    except UserError as error:
        asked = next((name for made, name in _MADE_FROM.items() if made in error.field), None)
        if asked is None:
            raise
        raise form.refused(asked, error.remedy) from error


class _Form:
    """Answers as what they mean."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers
        self._by_id = {question.id: question for question in QUESTIONS}

    def text(self, name: str) -> str:
        """An answer, held against its choices."""
        found = self._answers[name].strip()
        choices = self._by_id[name].choices
        if choices and found not in choices:
            raise self._bad(name, found, near_or_all(found, choices))
        return found

    def several(self, name: str) -> tuple[str, ...]:
        """Answers separated by commas, each held against the choices; `none` is none."""
        found = tuple(dict.fromkeys(part.strip() for part in self._answers[name].split(",") if part.strip()))
        choices = self._by_id[name].choices
        for part in found:
            if part not in choices:
                raise self._bad(name, part, near_or_all(part, choices))
        kept = tuple(part for part in found if part != NONE)
        if not kept and NONE not in choices:
            raise self._bad(name, self._answers[name], f"name at least one of {', '.join(choices)}")
        return kept

    def number(self, name: str, *, low: int = 0, high: int | None = None) -> Decimal:
        """A number within bounds."""
        text = self._answers[name].strip().removesuffix("%").strip()
        found = _finite(text.replace(",", "") if _THOUSANDS.fullmatch(text) else text)
        if found is None:
            raise self._bad(name, text, "give a number, such as 1500, 1,500 or 0.5")
        top = NUMBER_MAX if high is None else high
        if not low <= found <= top:
            raise self._bad(name, text, f"give a number from {low} to {top:,}")
        return found

    def whole(self, name: str) -> int:
        """A whole number from zero up."""
        found = self.number(name)
        if found != int(found):
            raise self._bad(name, str(found), "give a whole number")
        return int(found)

    def parts(self, name: str, count: int) -> tuple[Decimal, ...]:
        """Numbers separated by slashes."""
        found = [_finite(piece.strip().removesuffix("%")) for piece in self._answers[name].split("/")]
        if len(found) != count:
            raise self.refused(name, f"give {count} numbers, as {self._by_id[name].default}")
        numbers = tuple(number for number in found if number is not None)
        if len(numbers) != count:
            raise self.refused(name, f"give numbers, as {self._by_id[name].default}")
        return numbers

    def wholes(self, name: str, count: int) -> tuple[int, ...]:
        """Whole numbers from zero up, separated by slashes."""
        found = self.parts(name, count)
        if any(number != int(number) or not 0 <= number <= NUMBER_MAX for number in found):
            raise self.refused(name, f"give whole numbers from zero up, as {self._by_id[name].default}")
        return tuple(int(number) for number in found)

    def refused(self, name: str, remedy: str) -> UserError:
        """The error of an answer as it was given."""
        return self._bad(name, self._answers[name], remedy)

    def day(self, name: str) -> date | None:
        """A day, or no."""
        text = self._answers[name].strip()
        if text in {"no", NONE, ""}:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise self._bad(name, text, "give a day such as 2027-03-01, or no") from error

    @staticmethod
    def _bad(name: str, value: str, remedy: str) -> UserError:
        return UserError(f"form.{name}", value, remedy)


def _finite(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _organisation(form: _Form, kinds: Sequence[str], name: str) -> dict[str, Any]:
    low, point, high = (value / 100 for value in form.parts("growth", 3))
    m365, github = form.wholes("seats", 2)
    geography = form.text("geography")
    tuning = form.day("tuning")
    people = form.whole("people")
    needs: dict[str, Any] = {
        "batchable_percent": form.number("waiting_percent", high=100),
        "attestations": list(form.several("attestations")),
    }
    if geography != NONE:
        needs["geography"] = geography
    if tuning is not None:
        needs["tuning"] = {"wanted_from": tuning}
    raw: dict[str, Any] = {
        "organisation": {"name": name, "nothing_runs": True, "growth": {"low": low, "point": point, "high": high}},
        "workloads": {kind: {"needs": needs | _place(kind, people)} for kind in kinds},
        "microsoft": {"m365_seats": m365, "github_copilot_seats": github},
    }
    committed = form.number("commitment_usd")
    if committed:
        cloud = form.text("cloud")
        raw["contracts"] = {
            "committed": {
                "kind": "spend-commitment",
                "surfaces": [cloud],
                "status": "signed",
                "term_months": 36,
                "commitment_usd_per_year": str(committed),
                "other_spend_usd_per_year": str(committed),
                "note": "taken to be served by other spend on that cloud",
            }
        }
    return raw


def _place(kind: str, people: int) -> dict[str, Any]:
    shape = presets()[kind]
    found: dict[str, Any] = {"place": shape["place"]}
    if shape["per"] == "person" and people:
        found["users"] = people
    seats = {"coding-agent": ["github-copilot"], "office": ["m365-copilot", "copilot-studio"]}.get(kind)
    return found | ({"seat_surfaces": seats} if seats else {})


def _per_day(form: _Form, kind: str) -> int:
    shape = presets()[kind]
    if shape["per"] == "person":
        return form.whole("people") * int(shape["requests_per_person_day"])
    return form.whole("requests")


def _totals(form: _Form, kind: str, at: date, sold: Callable[[Offer], bool]) -> list[Total]:
    """A month of equal days that ends on the day of the plan."""
    shape, requests = presets()[kind], _per_day(form, kind)
    if not requests:
        asked = "people" if shape["per"] == "person" else "requests"
        raise UserError(f"form.{asked}", "0", f"give a number above 0: {kind} depends on it")
    cached = requests * int(shape["cached_tokens"])
    there = Offer(form.text("cloud"), form.text("geography"), form.text("model"))
    offer = there if sold(there) else replace(there, scope="global")
    end = datetime(at.year, at.month, at.day, tzinfo=UTC)
    return [
        Total(
            workload=kind,
            offer=offer,
            at=end - timedelta(days=DAYS - number),
            span=timedelta(days=1),
            requests=requests,
            input=requests * int(shape["input_tokens"]),
            output=requests * int(shape["output_tokens"]),
            cached=cached,
            read=cached * int(shape["reread_percent"]) // 100,
            peak_over_mean=Fraction(str(shape["peak_over_mean"])),
        )
        for number in range(DAYS)
    ]


def _shape(form: _Form, kind: str) -> Assumption:
    shape = presets()[kind]
    prompt = int(shape["input_tokens"]) + int(shape["cached_tokens"])
    value = (
        f"{_per_day(form, kind):,} requests a day of {prompt:,} prompt tokens ({shape['reread_percent']} % of them "
        f"read from a cache) and {shape['output_tokens']:,} answer tokens, busiest minute {shape['peak_over_mean']} "
        "times the mean"
    )
    return Assumption(
        f"form.{kind}", value, str(shape["source"]), "measure it: send this work through the gateway for a week"
    )


def _unanswered(answers: Mapping[str, str]) -> list[Assumption]:
    return [
        Assumption(f"form.{question.id}", question.default, question.why, f"answer: {question.text}")
        for question in QUESTIONS
        if not str(answers.get(question.id, "")).strip()
    ]
