"""Reads the deal ledger from a snapshot: every row of the deals, with its terms, as of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from trivium.capital.deals import _life as life
from trivium.capital.deals._article import contradictions, figures, statements
from trivium.capital.deals._schedule import SHAPES, Schedule, given_years, years_after
from trivium.capital.deals._terms import ASSUMPTIONS, DEALS, Terms, share_of, terms_of
from trivium.capital.deals._terms import figures as figures_in
from trivium.capital.deals._values import (
    Amount,
    Contradiction,
    Deal,
    Figure,
    Kind,
    Party,
    Refused,
    Share,
    State,
    Statement,
    Tranche,
)
from trivium.catalog import Claim, Snapshot, Source
from trivium.core import ZERO, Money, NoClaim, UserError

_CASH = ("invest", "commit", "lend")
_TERM_YEARS_MAX = 100
_LEASES = ("lease", "leases")
_OURS = frozenset({"conflict", "entered_on", "qualified_by"})  # terms that no page states of this deal
_OPEN = frozenset({"up to", "at least", "about"})


@dataclass(frozen=True)
class DealLedger:
    """All deals as of a day, the article's statements about them, what contradicts, and derived figures."""

    as_of: date
    entered_by: date | None
    deals: tuple[Deal, ...]
    refused: tuple[Refused, ...]
    statements: tuple[Statement, ...]
    contradictions: tuple[Contradiction, ...]
    figures: tuple[Figure, ...]
    parties: tuple[Party, ...]

    @property
    def current(self) -> tuple[Deal, ...]:
        """The deals that no other row replaces and that were not terminated."""
        gone = {State.SUPERSEDED, State.TERMINATED}
        return tuple(deal for deal in self.deals if deal.state not in gone)

    def deal(self, name: str) -> Deal:
        """A deal by its id, `D045` or `deal.D045`; NoClaim if none had been announced by the day."""
        found = {deal.id.casefold(): deal for deal in self.deals}
        asked = name.casefold()
        if (deal := found.get(asked) or found.get(f"deal.{asked}")) is None:
            raise NoClaim(f"no deal {name!r} in the ledger as of {self.as_of}; `trivium capital deals` lists them")
        return deal

    def role(self, party: str) -> str:
        """What a party does, empty if no claim says."""
        return next((one.role for one in self.parties if one.name == party), "")

    def about(self, deal: Deal) -> tuple[tuple[Statement, ...], tuple[Contradiction, ...], tuple[Figure, ...]]:
        """What the article says of a deal, what contradicts, and the sums it or those statements enter."""
        said = tuple(one for one in self.statements if deal.id in one.deals)
        ids = {deal.id, *(one.claim.id for one in said)}
        worked = tuple(one for one in self.figures if ids & set(one.claim_ids))
        return said, tuple(one for one in self.contradictions if deal.id in one.deals), worked


def read_deals(snapshot: Snapshot, *, entered_by: date | None = None) -> DealLedger:
    """The ledger as of the snapshot's day; with `entered_by`, only with the rows that stood in it by that day.

    A row that cannot be read is refused by name, and the others are read. UserError if a term or an assumption is
    malformed: it names the claim.
    """
    terms = terms_of(snapshot)
    rows = [claim for claim in snapshot.claims if claim.topic == DEALS and _entered(terms, claim, entered_by)]
    refused = [Refused(claim.id, why) for claim in rows if (why := _unreadable(claim))]
    unread = {one.claim_id for one in refused}
    readable = [claim for claim in rows if claim.id not in unread]
    chain = life.Chain.of(readable, snapshot.as_of)
    said = statements(snapshot, terms)
    deals = [_deal(claim, terms, said, chain, snapshot.as_of) for claim in readable]
    known = {deal.id for deal in deals}
    return DealLedger(
        as_of=snapshot.as_of,
        entered_by=entered_by,
        deals=tuple(deals),
        refused=tuple(refused),
        statements=said,
        contradictions=contradictions(snapshot, known),
        figures=figures(snapshot),
        parties=_parties(terms, deals),
    )


def _entered(terms: Terms, claim: Claim, by: date | None) -> bool:
    entered = terms.one(claim.id, "entered_on")
    return by is None or entered is None or life.day_of(entered) <= by


def _unreadable(claim: Claim) -> str:
    giver, arrow, getter = claim.subject.partition(" -> ")
    if not arrow or not giver.strip() or not getter.strip():
        return f"the subject {claim.subject!r} does not name two parties as `A -> B`"
    head = claim.predicate.partition(":")[0]
    if head not in {kind.value for kind in Kind}:
        return f"{head!r} is no kind of deal; use one of {', '.join(kind.value for kind in Kind)}"
    if claim.number is None and claim.value != "unknown":
        return f"the amount {claim.value!r} is neither a number nor `unknown`"
    if claim.number is not None and (claim.unit != "USD" or claim.number < 0):
        return f"the amount {claim.value} {claim.unit} is not a number of USD"
    return ""


def kind_of(head: str, what: str) -> Kind:
    """The kind of a row `head:what`: guarantees, warrants, leases and revenue shares have one of their own."""
    if what.startswith("guarantee"):
        return Kind.GUARANTEE
    if "warrant" in what:
        return Kind.WARRANT
    if what == "revenue_share":
        return Kind.REVENUE_SHARE
    if what.rpartition("_")[2] in _LEASES:
        return Kind.LEASE
    return Kind(head)


def _deal(claim: Claim, terms: Terms, said: tuple[Statement, ...], chain: life.Chain, as_of: date) -> Deal:
    giver, _, getter = (part.strip() for part in claim.subject.partition(" -> "))
    head, _, what = claim.predicate.partition(":")
    kind = kind_of(head, what)
    asked = (claim.id, f"assumed/{claim.predicate}", f"assumed/{kind.value}", f"assumed/{head}", "assumed/*")
    amount, schedule, notice = _amount(claim, terms), _schedule(claim, terms, asked), _notice(terms, claim.id)
    not_counted = terms.one(claim.id, "counted")
    no_cash = _no_cash(claim.id, head, kind, terms)
    excluded = not_counted is not None and not_counted.value == "no"
    return Deal(
        id=claim.id,
        giver=_name(terms, giver),
        getter=_name(terms, getter),
        kind=kind,
        head=head,
        what=what,
        amount=amount,
        schedule=schedule,
        stage=life.stage_of(claim),
        state=chain.state(claim, terms, as_of),
        grade=claim.status,
        confidence=life.said_in(claim, "confidence"),
        announced_on=claim.announced_on,
        start=claim.valid_from,
        end=claim.valid_until,
        cash=not no_cash,
        no_cash=no_cash,
        counted=not excluded,
        not_counted=not_counted.note if excluded and not_counted is not None else "",
        conditions=tuple(one.value for one in terms.all(claim.id, "condition")),
        tranches=tuple(_tranche(one) for one in terms.all(claim.id, "tranche")),
        notice_days=notice,
        firm=_firm(terms, asked, amount, _within_notice(schedule, notice, as_of)),
        avoidable=_share(terms, asked, "avoidable_share"),
        resale=_share(terms, asked, "resale_share"),
        round=life.said_in(claim, "round"),
        inside=_names(terms, claim.id, "inside"),
        overlaps=_names(terms, claim.id, "overlaps"),
        qualified_by=_names(terms, claim.id, "qualified_by"),
        superseded_by=chain.successor(claim.id),
        versions=chain.versions(claim, terms),
        sources=_sources(claim, terms, said),
        claim=claim,
        term_ids=terms.ids_of(claim.id),
    )


def _no_cash(subject: str, head: str, kind: Kind, terms: Terms) -> str:
    """Why a deal moves no money, empty if it does."""
    if head not in _CASH or kind is Kind.GUARANTEE:
        return f"a {kind.value} moves no cash"
    stated = terms.one(subject, "cash")
    return stated.note or "no cash" if stated is not None and stated.value == "no" else ""


def _name(terms: Terms, party: str) -> str:
    """One name for a party that rows name differently."""
    same = terms.one(f"party/{party}", "same_as")
    return party if same is None else same.value


def _names(terms: Terms, subject: str, predicate: str) -> tuple[str, ...]:
    return tuple(name for claim in terms.all(subject, predicate) for name in claim.value.split())


def _amount(claim: Claim, terms: Terms) -> Amount:
    found = _amount_said(claim, terms)
    ends = [end for end in (found.low, found.point, found.high) if end is not None]
    if ends != sorted(ends):
        told = " ".join(map(str, ends))
        raise UserError(f"{claim.id}: amount_low, amount, amount_high", told, "give them in order")
    return found


def _amount_said(claim: Claim, terms: Terms) -> Amount:
    point = None if claim.number is None else Money.from_usd(claim.number)
    said = terms.one(claim.id, "amount_words")
    words = "" if said is None else said.value
    low, high = _bound(terms, claim.id, "amount_low"), _bound(terms, claim.id, "amount_high")
    per = "year" if words == "per year" else ""
    if words not in _OPEN:
        return Amount(low or point, point, high or point, words, per)
    if words == "up to":
        return Amount(ZERO if low is None and point is not None else low, point, high or point, words, per)
    return Amount(point if low is None and words == "at least" else low, point, high, words, per)


def _bound(terms: Terms, subject: str, predicate: str) -> Money | None:
    claim = terms.one(subject, predicate)
    return None if claim is None else _money(claim)


def _money(claim: Claim) -> Money:
    if claim.number is None or claim.number < 0:
        raise UserError(claim.id, claim.value, "give an amount in USD")
    return Money.from_usd(claim.number)


def _tranche(claim: Claim) -> Tranche:
    name, _, text = claim.value.rpartition(":")
    try:
        amount = None if text.strip() == "unknown" else Money.from_usd(text.strip())
    except UserError as error:
        raise UserError(claim.id, claim.value, "give `name: amount in USD`, or `name: unknown`") from error
    return Tranche(name.strip(), amount, claim.id)


def _notice(terms: Terms, subject: str) -> int | None:
    claim = terms.one(subject, "notice_days")
    if claim is None:
        return None
    if not claim.value.isdecimal():
        raise UserError(claim.id, claim.value, "give a whole number of days")
    return int(claim.value)


def _share(terms: Terms, asked: tuple[str, ...], field: str) -> Share:
    claim = terms.first(asked, field)
    if claim is None:
        raise UserError("assumptions", field, "give one for `assumed/*` in a table deal_assumptions.csv")
    return share_of(field, claim)


def _within_notice(schedule: Schedule, notice_days: int | None, as_of: date) -> Fraction | None:
    """The share that falls due within the notice, if it were given on a day."""
    if notice_days is None:
        return None
    return schedule.share_between(as_of, as_of + timedelta(days=notice_days))


def _firm(terms: Terms, asked: tuple[str, ...], amount: Amount, noticed: Fraction | None) -> Share:
    """The firm share: from a firm amount if a term gives one, else from the notice, else assumed."""
    claim = terms.one(asked[0], "firm_usd")
    if claim is None or not amount.point:
        shares = _share(terms, asked, "firm_share")
        if noticed is None or not shares.assumed:
            return shares
        why = "what falls due within the notice; a time during which none may be given is not known"
        return Share(
            "firm_share", min(shares.low, noticed), noticed, max(shares.high, noticed), True, shares.claim_id, why
        )
    share = Fraction(_money(claim).picos, amount.point.picos) if amount.point.picos else Fraction(0)
    if share > 1:
        raise UserError(claim.id, claim.value, "a firm part is at most the whole")
    return Share("firm_share", share, share, share, assumed=False, claim_id=claim.id, why=claim.note)


def _schedule(claim: Claim, terms: Terms, asked: tuple[str, ...]) -> Schedule:
    assumed: list[str] = []
    start = claim.valid_from or claim.announced_on or claim.seen_on
    if start is None:
        raise UserError(claim.id, "", "give a day: when it begins, was announced, or was seen")
    if claim.valid_from is None:
        assumed.append(f"it begins on {start}, the day it was announced: no start is given")
    shape = terms.first(asked, "schedule")
    text = "at once" if shape is None else shape.value
    if shape is not None and shape.topic == ASSUMPTIONS:
        assumed.append(f"schedule {text}: {shape.note} ({shape.id})")
    years = () if text in SHAPES else given_years(text, shape.id if shape else claim.id)
    end = claim.valid_until
    if end is None or end < start:
        term = None if text == "at once" else terms.first(asked, "term_years")
        end = start if term is None else years_after(start, _term_years(term))
        if term is not None and term.topic == ASSUMPTIONS:
            assumed.append(f"term {term.value} years, to {end}: {term.note} ({term.id})")
    return Schedule("given" if years else text, start, end, years, tuple(assumed))


def _term_years(term: Claim) -> Fraction:
    years = figures_in(term)[1]
    if not Fraction(1, 12) <= years <= _TERM_YEARS_MAX:
        raise UserError(term.id, term.value, f"give a term from a month to {_TERM_YEARS_MAX} years")
    return years


def _sources(claim: Claim, terms: Terms, said: tuple[Statement, ...]) -> tuple[Source, ...]:
    """The row's sources, those of its terms, and the pages that document a figure of the article, each once."""
    found = {one.title: one for one in claim.sources}
    for (subject, predicate), claims in terms.found.items():
        if subject == claim.id and predicate not in _OURS:
            for term in claims:
                if term.topic != ASSUMPTIONS:
                    found.update({one.title: one for one in term.sources if one.title not in found})
    for statement in said:
        if claim.id in statement.deals and _documented(statement.claim):
            found.update({one.title: one for one in statement.claim.sources if one.address and one.title not in found})
    return tuple(found.values())


def _documented(claim: Claim) -> bool:
    """Whether pages document a figure that the article gives."""
    return claim.status == "documented" and claim.number is not None


def _parties(terms: Terms, deals: list[Deal]) -> tuple[Party, ...]:
    names = sorted({name for deal in deals for name in (deal.giver, deal.getter)})
    roles = {name: terms.one(f"party/{name}", "role") for name in names}
    return tuple(Party(name, "" if (role := roles[name]) is None else role.value) for name in names)
