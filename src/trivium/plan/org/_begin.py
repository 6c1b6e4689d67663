"""Begins an organisation file: what was stated and what the ledger saw, with every other field as a comment.

A field that stands in a comment keeps its default and stays an assumption; taking the `#` away states it. What the
ledger saw stands in comments too, since naming models or surfaces would narrow what the gateway lets through.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from trivium.core import ROUTABLE_SURFACES, Offer, UserError
from trivium.plan.org._read import parse_organisation
from trivium.plan.org._values import About, Microsoft, Needs, Onboarding, Organisation, Usage, Workload
from trivium.plan.org._words import CONTRACTS, DEMAND, HEAD, TABLES, WORDS, Word
from trivium.plan.org._write import contract_tables, toml_key, toml_value

_INVENTED = "my-workload"


@dataclass(frozen=True, slots=True)
class Seen:
    """One workload and offer of the ledger, with what was recorded of it."""

    workload: str
    offer: Offer
    requests: int
    amount: str  # exact, or why there is none


@dataclass(frozen=True)
class Sight:
    """What a ledger holds: use by workload and offer, and models of totals that name no workload."""

    uses: tuple[Seen, ...] = ()
    totals: tuple[str, ...] = ()

    @property
    def workloads(self) -> tuple[str, ...]:
        """Names, in the order of the ledger."""
        return tuple(dict.fromkeys(use.workload for use in self.uses))


def begin(stated: Mapping[str, str], workloads: Sequence[str] = (), sight: Sight | None = None) -> Organisation:
    """The organisation of stated fields, by their path in the file; UserError names the path, the value, the remedy.

    `workloads` and those of the ledger get a table each; a platform that the ledger saw needs no opening.
    """
    seen = sight or Sight()
    raw: dict[str, Any] = {}
    for name in dict.fromkeys((*workloads, *seen.workloads)):
        if not name.strip():
            raise UserError("workload", name, "give a name")
        raw.setdefault("workloads", {})[name] = {}
    for surface in dict.fromkeys(use.offer.surface for use in seen.uses):
        if surface in ROUTABLE_SURFACES:
            raw.setdefault("onboarding", {})[surface] = {"done": True}
    for path, text in stated.items():
        _merge(raw, _stated(path, text))
    return parse_organisation(raw)


def begun_text(organisation: Organisation, sight: Sight | None = None, present: Mapping[str, Any] | None = None) -> str:
    """The commented file; with `present`, the decoded tables of a file, only what that file lacks."""
    seen, there = sight or Sight(), present or {}
    blocks = [
        *([] if present else [HEAD]),
        *_about(organisation, there),
        *_workloads(organisation, seen, there),
        *_contracts(organisation, there),
        *([] if "microsoft" in there else [_block("microsoft", organisation.microsoft, Microsoft())]),
        *_onboarding(organisation, there),
        *_usage(organisation, seen, there),
    ]
    return "\n".join(blocks)


def _stated(path: str, text: str) -> dict[str, Any]:
    """`path = text` as TOML; text that is no TOML value is taken as a string."""
    if "\n" in path or "\n" in text:
        raise UserError(path.partition("\n")[0], text, "give one line")
    for value in (text, toml_value(text)):
        try:
            return tomllib.loads(f"{path} = {value}", parse_float=Decimal)
        except tomllib.TOMLDecodeError:
            continue
    raise UserError(path, text, "give a path of the file, such as organisation.horizon_months")


def _merge(raw: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        found = raw.get(name)
        if isinstance(value, dict) and isinstance(found, dict):
            _merge(found, value)
        else:
            raw[name] = value


def _about(organisation: Organisation, there: Mapping[str, Any]) -> Iterator[str]:
    if "organisation" not in there:
        yield _block("organisation", organisation.about, About())


def _workloads(organisation: Organisation, seen: Sight, there: Mapping[str, Any]) -> Iterator[str]:
    known = there.get("workloads", {})
    if organisation.workloads and not known:
        yield _remark([TABLES["workloads"]])
    for name, entry in organisation.workloads.items():
        key = f"workloads.{toml_key(name)}"
        told = [f"# seen: {_use(use)}" for use in seen.uses if use.workload == name]
        if name not in known:
            yield "\n".join([*told, *_lines(key, "workloads", entry, Workload(), leave=("needs",))]) + "\n"
            told = []
        if "needs" not in known.get(name, {}):
            yield "\n".join([*told, *_lines(f"{key}.needs", "needs", entry.needs, Needs())]) + "\n"
    if not organisation.workloads and not known:
        table = _lines(f"workloads.{_INVENTED}", "workloads", Workload(), Workload(), leave=("needs",))
        needs = _lines(f"workloads.{_INVENTED}.needs", "needs", Needs(), Needs())
        yield _remark([TABLES["workloads"]]) + _remark([*table, *needs], always=False)


def _use(use: Seen) -> str:
    return f"{use.offer.model} on {use.offer.surface}/{use.offer.scope}, {use.requests:,} requests, {use.amount}"


def _contracts(organisation: Organisation, there: Mapping[str, Any]) -> Iterator[str]:
    if "contracts" in there:
        return
    if organisation.contracts:
        yield f"# {TABLES['contracts']}\n{contract_tables(organisation.contracts)}"
        return
    yield _remark([TABLES["contracts"]]) + _remark(CONTRACTS.strip().splitlines())


def _onboarding(organisation: Organisation, there: Mapping[str, Any]) -> Iterator[str]:
    known = there.get("onboarding", {})
    for name, entry in organisation.onboarding.items():
        if name not in known:
            yield _block(f"onboarding.{name}", entry, Onboarding(), "onboarding")
    if not organisation.onboarding and not known:
        lines = list(_lines(f"onboarding.{ROUTABLE_SURFACES[0]}", "onboarding", Onboarding(), Onboarding()))
        yield _remark([TABLES["onboarding"]]) + _remark(lines, always=False)


def _usage(organisation: Organisation, seen: Sight, there: Mapping[str, Any]) -> Iterator[str]:
    if "usage" in there:
        return
    yield _block("usage", organisation.usage, Usage(), leave=("demand",))
    for model in seen.totals:
        if model not in organisation.usage.demand:
            lines = [f"[usage.demand.{toml_key(model)}]", *DEMAND]
            yield _remark([f"seen: totals of {model}, which name no workload. What do they stand for?"]) + _remark(
                lines
            )


def _block(
    table: str, value: msgspec.Struct, blank: msgspec.Struct, words: str = "", leave: Collection[str] = ()
) -> str:
    group = words or table
    return "\n".join([f"# {TABLES[group]}", *_lines(table, group, value, blank, leave=leave)]) + "\n"


def _lines(
    table: str, group: str, value: msgspec.Struct, blank: msgspec.Struct, *, leave: Collection[str] = ()
) -> Iterator[str]:
    """A table: stated fields as they are, every other one as a comment that can be taken away."""
    yield f"[{table}]"
    for field in value.__struct_fields__:
        if field in leave:
            continue
        word = WORDS[group, field]
        told = getattr(value, field)
        is_stated = told != getattr(blank, field)
        line = f"{field} = {toml_value(told) if is_stated else example(word, told)}"
        yield f"{'' if is_stated else '# '}{line}  # {word.meaning}"


def example(word: Word, default: Any) -> str:
    """What stands behind a field that is not stated: its default, or an example where the default is nothing."""
    return word.example or toml_value(default)


def _remark(lines: Sequence[str], *, always: bool = True) -> str:
    """Lines as comments; those that are comments already stay as they are unless `always`."""
    kept = (line if line.startswith("#") and not always else f"# {line}".rstrip() for line in lines)
    return "".join(f"{line}\n" for line in kept)
