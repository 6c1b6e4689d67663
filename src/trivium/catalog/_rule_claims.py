"""Every price rule as the claims it states, so that a price leads back to who said it and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from trivium.catalog._claim import Claim, Source
from trivium.catalog._ids import base_id, rule_id
from trivium.catalog._rules import Base, Contract, Factor, Gap, Item, Life, Offer, Rule, RuleBook, Unit
from trivium.catalog._tables import parse_day

TOPIC = "prices"


def claims_of(book: RuleBook, layer: int) -> Iterator[Claim]:
    """The claims of all rules of a book; a base price makes one for each model."""
    for kind, rule in book.rules():
        sources = _sources(book, rule)
        if isinstance(rule, Base):
            for model in (*rule.models, *rule.undated):
                yield _base(rule, model, sources, layer)
        else:
            yield _other(kind, rule, book, sources, layer)


def _sources(book: RuleBook, rule: Rule) -> tuple[Source, ...]:
    """The rule's sources; what the rule quotes is the first one's."""
    first, *others = (book.sources[key] for key in rule.sources)
    return (replace(first, quote=rule.quote) if rule.quote else first, *others)


def _base(rule: Base, model: str, sources: tuple[Source, ...], layer: int) -> Claim:
    first = rule.models.get(model)
    start = max((day for day in (first, rule.from_) if day is not None), default=None)
    length = f":over-{rule.over}" if rule.over else f":up-to-{rule.up_to}" if rule.up_to else ""
    place = f":{'+'.join(rule.scopes)}" if rule.scopes else ""
    return _claim(
        rule,
        sources,
        layer,
        id=base_id(rule.id, model),
        subject=model,
        predicate=f"base_price{length}{place}",
        value=f"{rule.input}/{rule.output}",
        unit="USD/MTok input/output",
        surface=rule.surfaces[0] if len(rule.surfaces) == 1 else "",
        models=(model,),
        valid_from=start,
    )


def _other(kind: str, rule: Rule, book: RuleBook, sources: tuple[Source, ...], layer: int) -> Claim:
    subject, predicate, value, unit, surface, models = _words(rule, book)
    return _claim(
        rule,
        sources,
        layer,
        id=rule_id(kind, rule.id),
        subject=subject,
        predicate=predicate,
        value=value,
        unit=unit,
        surface=surface,
        models=models,
        valid_from=rule.from_,
    )


def _words(rule: Rule, book: RuleBook) -> tuple[str, str, str, str, str, tuple[str, ...]]:
    """Subject, predicate, value, unit, surface and models of a rule's claim."""
    if isinstance(rule, Unit):
        place = f":{'+'.join(rule.surfaces)}" if rule.surfaces else ""
        subject = "+".join(rule.models) or "*"
        return subject, f"multiplier:{rule.unit}{place}", rule.factor, "times input", "", rule.models
    if isinstance(rule, Factor):
        value = rule.factor + (f" (output {rule.factor_output})" if rule.factor_output else "")
        return "+".join(rule.surfaces) or "*", f"factor:{rule.id}", value, "times price", "", rule.models
    if isinstance(rule, Life):
        parts = [f"since {rule.since}"] if rule.since else []
        parts += [f"{model} from {day}" for model, day in rule.begins.items()]
        parts += [f"{model} until {day}" for model, day in rule.ends.items()]
        return rule.surface, f"sold:{rule.id}", "; ".join(parts), "", rule.surface, ()
    if isinstance(rule, Offer):
        models = tuple(model for model in book.members(rule.models) if model not in rule.except_)
        return rule.surface, f"offer:{rule.id}", ", ".join(rule.sold), "scope/tier", rule.surface, models
    if isinstance(rule, Item):
        value = rule.amount or "; ".join(f"{place} {amount}" for place, amount in rule.amounts.items())
        models = () if rule.models == ("*",) else rule.models
        unit = f"USD per {rule.per} {rule.unit}" if rule.per != 1 else f"USD per {rule.unit}"
        return (
            rule.surface,
            f"price:{rule.unit}" + ("" if rule.amount else f":{rule.id}"),
            value,
            unit,
            rule.surface,
            models,
        )
    if isinstance(rule, Gap):
        return rule.surface, f"price_gap:{rule.tier}", rule.value, "", rule.surface, ()
    if isinstance(rule, Contract):
        value = (
            f"{rule.factor} of list"
            if rule.factor
            else "; ".join(f"{unit} {usd}" for unit, usd in rule.amounts.items())
        )
        return rule.surface, f"contract:{rule.id}", value, "USD/MTok", rule.surface, book.members(rule.models)
    raise TypeError(type(rule).__name__)  # a new kind of rule needs its words here


def _claim(  # noqa: PLR0913  the fields of a claim, by name
    rule: Rule,
    sources: tuple[Source, ...],
    layer: int,
    *,
    id: str,  # noqa: A002  the field's name
    subject: str,
    predicate: str,
    value: str,
    unit: str,
    surface: str,
    models: tuple[str, ...],
    valid_from: date | None,
) -> Claim:
    return Claim(
        id=id,
        topic=TOPIC,
        subject=subject,
        predicate=predicate,
        value=value,
        unit=unit,
        status=rule.status,
        valid_from=valid_from,
        valid_until=rule.until,
        announced_on=rule.announced,
        seen_on=rule.seen or parse_day(sources[0].date),
        review_by=rule.review_by,
        sources=sources,
        supersedes=rule.supersedes,
        note=rule.note,
        surface=surface,
        models=models,
        layer=layer,
    )
