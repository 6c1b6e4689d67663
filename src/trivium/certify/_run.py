"""One run: every call to the live surface while the budget bears its worst case, then to the lab, then compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from trivium.certify._calls import Call
from trivium.certify._compare import Aspect, Found, Verdict, compare
from trivium.certify._cost import settled, worst_case
from trivium.certify._read import Answer, read, usage_of
from trivium.certify._record import Record, digest, error_words, lines, record
from trivium.certify._redact import Guard, Redactor
from trivium.certify._send import Exchange, Site, prepare, send
from trivium.core import ZERO, Money, NoPrice, Offer, TriviumError, UpstreamError, UsageUnknown, UserError
from trivium.gateway import Outbound
from trivium.pricing import PriceBook

_BUSY = frozenset({429, 500, 502, 503, 504, 529})  # says nothing about the API, only about the moment
_BUSY_MAX = 3  # in a row; then the surface is left in peace
_REFUSED = frozenset({401, 403})
_OK = range(200, 300)
_ERRORS_FROM = 400


class Unreachable(TriviumError):
    """The surface, or the lab, does not answer, or the surface does not take the credential."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A call as it will be sent, and what it can cost at most; `left_out` says why it will not be."""

    call: Call
    outbound: Outbound | None
    worst: Money = ZERO
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole list for one surface and model, with nothing sent yet."""

    surface: str
    model: str
    public: bool  # asked at the surface's own address
    nonce: str
    offer: Offer
    at: datetime
    book: PriceBook
    calls: tuple[Planned, ...]

    @property
    def worst(self) -> Money:
        """What all of it can cost at most."""
        return sum((item.worst for item in self.calls), ZERO)


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one call; `not_run` says why there is nothing to compare."""

    call: Call
    aspects: Mapping[Aspect, Found] = field(default_factory=dict)
    not_run: str = ""
    stopped: bool = False  # not run although the surface could have been asked: over budget, or it was busy
    answered: bool = False  # the surface answered with 200, to the end
    confirmed: str = ""  # the capability that the answer shows
    remarks: tuple[str, ...] = ()  # what the reader must know to judge `same`
    worst: Money = ZERO
    spent: Money = ZERO


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `recording` and everything in it may be shared."""

    surface: str
    model: str
    public: bool  # asked at the surface's own address; else it may have been anything
    started_at: datetime
    rows: tuple[Row, ...]
    worst: Money
    budget: Money
    book_digest: str
    recording: str
    guard: Guard
    unreachable: str = ""  # why the run ended before the list did

    @property
    def spent(self) -> Money:
        """What was billed by the surface's own counts; where it gave none, the bound."""
        return sum((row.spent for row in self.rows), ZERO)

    @property
    def digest(self) -> str:
        """SHA-256 of the recording."""
        return digest(self.recording)

    def count(self, aspect: Aspect) -> tuple[int, int]:
        """In how many of the compared calls an aspect is the same, and of how many."""
        found = [row.aspects[aspect] for row in self.rows if aspect in row.aspects]
        return sum(item.verdict is Verdict.SAME for item in found), len(found)

    @property
    def differences(self) -> int:
        """Aspects of calls that are not the same."""
        return sum(item.verdict is not Verdict.SAME for row in self.rows for item in row.aspects.values())

    @property
    def stopped(self) -> bool:
        """Whether a call was not made that could have been."""
        return any(row.stopped for row in self.rows)


def plan(calls: Sequence[Call], site: Site, book: PriceBook, *, at: datetime, nonce: str) -> Plan:
    """The requests and their bounds. NoPrice where the book has none for the model: nothing is sent unpriced.

    UserError when no call can be sent at all: a run of nothing would differ in nothing.
    """
    planned = []
    for call in calls:
        outbound = prepare(call, site, nonce)
        if isinstance(outbound, str):
            planned.append(Planned(call, None, left_out=outbound))
            continue
        bought = outbound.offer or site.offer
        planned.append(Planned(call, outbound, worst_case(call, outbound.body, bought, at.date(), book)))
    if all(item.outbound is None for item in planned):
        reason = planned[0].left_out if planned else "the list is empty"
        raise UserError("calls", site.settings.surface, f"name others with --only, or a --model: {reason}")
    return Plan(site.settings.surface, site.model, site.public, nonce, site.offer, at, book, tuple(planned))


def judged(row: Row, live: Record, lab: Record, guard: Guard) -> Row:
    """The row with what two redacted exchanges say of each other."""
    found = compare(live, lab)
    words = [error_words(side) if side["status"] >= _ERRORS_FROM else "" for side in (live, lab)]
    if words[0] != words[1] and all(words):
        row = noted(row, f"other words: live '{words[0]}', lab '{words[1]}'")
    return replace(
        row, aspects={aspect: replace(item, detail=guard.scrub(item.detail)) for aspect, item in found.items()}
    )


def noted(row: Row, remark: str) -> Row:
    """The row with one more remark."""
    return replace(row, remarks=(*row.remarks, remark))


@dataclass(slots=True)
class _Run:
    plan: Plan
    live: Site
    lab: Site
    budget: Money
    redactor: Redactor
    records: list[Record] = field(default_factory=list)
    spent: Money = ZERO
    busy: int = 0
    taken: bool = False  # the surface has taken the credential

    async def row(self, item: Planned) -> Row:
        if item.outbound is None:
            return Row(item.call, not_run=item.left_out)
        if self.busy >= _BUSY_MAX:
            return Row(item.call, not_run=f"stopped: the surface was busy {_BUSY_MAX} times in a row", stopped=True)
        if self.spent + item.worst > self.budget:
            reason = (
                f"over budget: {self.spent} USD spent, this call may cost {item.worst}, the budget is {self.budget}"
            )
            return Row(item.call, not_run=reason, stopped=True, worst=item.worst)
        exchange = await self._ask(item.call, item.outbound, self.live, "the surface")
        answer = read(exchange)
        cost = self._cost(item, exchange, answer)
        self.spent += cost
        answered = _answered(exchange, answer)
        confirmed = item.call.confirms if answered and _shows(item.call, answer) else ""
        row = Row(item.call, worst=item.worst, spent=cost, answered=answered, confirmed=confirmed)
        if exchange.status in _BUSY:
            self.busy += 1
            return replace(row, not_run=f"the surface was busy: status {exchange.status}", stopped=True)
        self.busy = 0
        self._check_taken(item.call, exchange, answer)
        if not item.call.refused and not row.answered:
            row = noted(row, f"the surface did not answer it to the end: status {exchange.status}")
        if cost > item.worst:
            row = noted(row, f"the surface counted {cost} USD, more than the bound")
        replayed = prepare(item.call, self.lab, self.plan.nonce)
        if isinstance(replayed, str):
            return replace(row, not_run=f"not replayed: {replayed}")
        other = await self._ask(item.call, replayed, self.lab, "the lab")
        sides = [
            record("live", exchange, answer, self.redactor),
            record("lab", other, read(other), self.redactor),
        ]
        self.records += sides
        return judged(row, sides[0], sides[1], self.redactor.guard)

    async def _ask(self, call: Call, outbound: Outbound, site: Site, who: str) -> Exchange:
        try:
            exchange = await send(call, outbound, site)
        except UpstreamError as error:
            raise Unreachable(f"{who}: {error}") from error
        if site is self.live:
            self.redactor.guard.credential(exchange.secrets)
        if not exchange.status and not call.padding_bytes:  # a body over the limit may be cut off, which is an answer
            raise Unreachable(f"{who} does not answer ({call.id}): {exchange.trouble}")
        return exchange

    def _cost(self, item: Planned, exchange: Exchange, answer: Answer) -> Money:
        """By the surface's counts; the bound where it gave none."""
        offer = (item.outbound.offer if item.outbound else None) or self.plan.offer
        try:
            usage = usage_of(answer)
            return settled(item.call, exchange.status, usage, offer, self.plan.at.date(), self.plan.book)
        except (UsageUnknown, NoPrice):
            return item.worst

    def _check_taken(self, call: Call, exchange: Exchange, answer: Answer) -> None:
        """The first call that is to be answered must be: a list of refusals would be the same everywhere."""
        if call.refused or self.taken:
            return
        if exchange.status in _REFUSED:
            raise Unreachable(f"the surface does not take the credential: status {exchange.status} to {call.id}")
        if exchange.status not in _OK:
            words = error_words(record("live", exchange, answer, self.redactor)) or "no words"
            raise Unreachable(
                f"the surface refuses {call.id} with status {exchange.status} ({words}): "
                "name a model that this account may use with --model"
            )
        self.taken = True


def _answered(exchange: Exchange, answer: Answer) -> bool:
    ended = answer.events is None or any(event.name == "message_stop" for event in answer.events)
    return exchange.status in _OK and not exchange.trouble and ended


def _shows(call: Call, answer: Answer) -> bool:
    """Whether an answer is evidence of what its call is about: a cache, only when something was read from it."""
    if not call.confirms.startswith("prompt_caching"):
        return True
    return bool(_number(usage_of(answer) or {}, "cache_read_input_tokens"))


def _number(usage: Mapping[str, object], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) else 0


async def run(
    planned: Plan,
    live: Site,
    lab: Site,
    budget: Money,
    *,
    names: Sequence[str] = (),
    on_row: Callable[[Row], None] | None = None,
) -> Report:
    """Carry the plan out. `names` are names of the account (project, resource, workspace) that must not be shown.

    Unreachable if the surface or the lab does not answer at all, or the surface refuses the credential. Once something
    was paid for, a run that breaks off or is cancelled ends with a report of what there is.
    """
    guard = Guard()
    for name in names:
        guard.name(name)
    work = _Run(planned, live, lab, budget, Redactor(guard))
    guard.credential(await _secrets(planned, live))
    rows: list[Row] = []
    lost = ""
    for item in planned.calls:
        try:
            row = Row(item.call, not_run="the run had ended", stopped=True) if lost else await work.row(item)
        except asyncio.CancelledError:
            if not work.records:
                raise
            lost = "interrupted"  # not raised again: what was paid for is worth more than a prompt end
            row = Row(item.call, not_run=lost, stopped=True, worst=item.worst, spent=item.worst)
        except Unreachable as error:
            if not work.records:  # nothing was learnt yet
                raise
            lost = guard.scrub(str(error))
            row = Row(item.call, not_run=lost, stopped=True, worst=item.worst, spent=item.worst)  # it may be billed
        rows.append(row)
        if on_row is not None:
            on_row(row)
    return Report(
        surface=planned.surface,
        model=planned.model,
        public=planned.public,
        started_at=planned.at,
        rows=tuple(rows),
        worst=planned.worst,
        budget=budget,
        book_digest=planned.book.digest,
        recording=lines([_about(planned, live), *work.records], work.redactor),
        guard=guard,
        unreachable=lost,
    )


def _about(planned: Plan, live: Site) -> Record:
    """The first line of a recording: enough to put the same calls to a lab again."""
    return {
        "run": {
            "surface": planned.surface,
            "model": planned.model,
            "scope": live.settings.scope,
            "region": live.settings.region,
            "credential": live.kind,
            "public_address": planned.public,
            "started_at": planned.at.isoformat(),
        }
    }


async def _secrets(planned: Plan, live: Site) -> Mapping[str, str]:
    """The credential's headers, known before the first answer could repeat one."""
    for item in planned.calls:
        if item.outbound is not None:
            try:
                return await live.credential.headers(item.outbound)
            except UpstreamError as error:
                raise Unreachable(f"the surface: {error}") from error
    return {}
