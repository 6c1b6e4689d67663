"""What the article says and what became of it: its claims, its sums, its contradictions."""

from __future__ import annotations

from collections import Counter
from datetime import date

from trivium.catalog._claim import Claim
from trivium.catalog._snapshot import Snapshot
from trivium.catalog.ask._derive import Sum, sums
from trivium.catalog.ask._outcomes import OUTCOMES, Outcome, article_claims, outcome_of
from trivium.catalog.ask._reading import Reading, word_set
from trivium.catalog.ask._values import Draft, said

_STEM_MIN = 3  # letters that a word keeps without its ending
_NO_TOPIC = word_set(
    "what which who when where why how does do did is are was were be the a an of in on for to and or it its that this"
    " say says said about article seed became become claims claim all each every any tell me us with by from has have"
    " there their they 89"
)


def article_day(snapshot: Snapshot) -> date | None:
    """The day of the newest fact in the article, which bears no date of its own."""
    days = [claim.valid_from for claim in article_claims(snapshot) if claim.valid_from is not None]
    return max(days, default=None)


def answer_article(draft: Draft, reading: Reading) -> None:
    """The article's claims, all or those on a topic or with an outcome, and what became of each."""
    snapshot = draft.snapshot
    outcomes = [outcome_of(snapshot, claim, draft.at) for claim in article_claims(snapshot)]
    wanted = {word for word in reading.words if word in OUTCOMES}
    topic = topic_words(reading)
    chosen = [
        one for one in outcomes if (not wanted or one.outcome in wanted) and (not topic or speaks_of(one.claim, topic))
    ]
    if not chosen:
        draft.answered = False
        draft.lines.append(f"None of the {len(outcomes)} claims of the article speaks of {' '.join(topic)}.")
        return
    counts = Counter(one.outcome for one in chosen)
    told = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name])
    about = f" on {' '.join(topic)}" if topic else ""
    draft.say(f"{len(chosen)} of the {len(outcomes)} claims of the article{about}: {told}.")
    _note_checks(draft, chosen)
    for one in chosen:
        draft.rest_on(*one.claims)
    draft.show("The article's claims", ("claim", "it says", "outcome", "what was found", "by"), map(_row, chosen))
    if not topic and not wanted:
        done = sums(snapshot)
        right = sum(1 for one in done if one.agrees)
        found = snapshot.find(predicate="inconsistency")
        draft.lines.append(
            f"{right} of its {len(done)} sums come out the same when done again, and it contradicts itself in "
            f"{len(found)} places: ask for its derivations, or its inconsistencies."
        )


def _row(one: Outcome) -> tuple[str, ...]:
    claim = one.claim
    by = ", ".join(other.id for other in one.claims[1:])
    return (claim.id, f"{claim.subject} · {claim.predicate}: {said(claim)}", one.outcome, one.why, by)


def _note_checks(draft: Draft, chosen: list[Outcome]) -> None:
    """A check made after the day up to which the reader wants to know is said to be one."""
    days = {one.checked.seen_on for one in chosen if one.checked is not None and one.checked.seen_on is not None}
    if days:
        draft.notes.append(f"Outcomes are those of the check of {max(days)}.")
        if max(days) > draft.snapshot.as_of:
            draft.notes.append("That is after the day up to which this answer knows: it could not be told so then.")


def answer_derivations(draft: Draft, reading: Reading) -> None:
    """Every sum of the article, or those that a question gives, done again from the figures of its claims."""
    known, asked = sums(draft.snapshot), reading.named("sum")
    done = [one for one in known if not asked or any(one.holds(name) for name in asked)]
    if not done:
        draft.answered = False
        draft.lines.append(f"None of the {len(known)} sums of the article holds {', '.join(asked)}.")
        return
    right = [one for one in done if one.agrees]
    wrong = [one for one in done if not one.agrees and not one.missing]
    unknown = [one for one in done if one.missing]
    draft.say(f"{len(right)} of {len(done)} sums come out as recorded.")
    for one in right if asked else ():
        draft.say(f"{one.claim.subject}: {one.worked} = {one.result}, as recorded.", one.claim)
    for one in wrong:
        draft.say(f"{one.claim.subject}: {one.worked} = {one.result}, recorded is {one.claim.value}.", one.claim)
    if unknown:
        names = ", ".join(one.claim.id for one in unknown)
        draft.notes.append(f"Not all figures were known by {draft.snapshot.as_of} for {names}.")
    for one in done:
        draft.rest_on(one.claim, *one.operands)
        if one.literals:
            draft.notes.append(f"{one.claim.id}: {one.literals}.")
    if not asked:
        _latest_revenue(draft)
    draft.show(
        "The article's sums, done again (amounts in bn USD)",
        ("claim", "what", "sum", "result", "recorded", "agrees", "the article said", "from"),
        [_sum_row(draft, one) for one in done],
    )


def _sum_row(draft: Draft, one: Sum) -> tuple[str, ...]:
    agrees = "unknown" if one.missing else "yes" if one.agrees else "no"
    article = next((claim for claim in article_claims(draft.snapshot) if claim.id == one.speaks_of), None)
    told = ""
    if article is not None:
        told = f"{said(article)} ({article.id}, {outcome_of(draft.snapshot, article, draft.at).outcome})"
    operands = ", ".join(claim.id for claim in one.operands)
    return (one.claim.id, one.claim.subject, one.worked, one.result, one.claim.value, agrees, told, operands)


def _latest_revenue(draft: Draft) -> None:
    """The article's years of revenue, by the newest run rate that is known and better than unconfirmed."""
    series = [
        claim
        for claim in draft.snapshot.find(subject="Anthropic", predicate="run_rate_usd")
        if claim.status not in {"unconfirmed", "forward-looking"}
        and claim.valid_from is not None
        and claim.valid_from <= draft.at
    ]
    commitment = next((claim for claim in article_claims(draft.snapshot) if claim.id == "article.S003"), None)
    if not series or commitment is None or commitment.number is None:
        return
    latest = max(series, key=lambda claim: claim.valid_from or date.min)
    if latest.number is not None:
        rate = latest.number / 1_000_000_000
        draft.say(
            f"By the newest run rate ({latest.valid_from}, {rate:f} bn a year) the Azure commitment is "
            f"{commitment.number:f} / {rate:f} = {commitment.number / rate:.2f} years of revenue.",
            commitment,
            latest,
        )


def answer_inconsistencies(draft: Draft, _reading: Reading) -> None:
    """Where the article contradicts itself, with the claims each place concerns."""
    found = sorted(draft.snapshot.find(predicate="inconsistency"), key=lambda claim: claim.id)
    draft.say(f"The article contradicts itself in {len(found)} places.")
    by_id = {claim.id: claim for claim in article_claims(draft.snapshot)}
    rows = []
    for claim in found:
        names = _concerned(claim)
        draft.rest_on(claim, *(by_id.get(name) for name in names))
        rows.append((claim.id, claim.value, ", ".join(names) or "the article as a whole"))
    draft.show("Inconsistencies", ("claim", "what", "claims concerned"), rows)


def _concerned(claim: Claim) -> tuple[str, ...]:
    told = claim.note.partition("claims: ")[2].partition(";")[0]
    return tuple(f"article.{name.strip()}" for name in told.split(",") if name.strip().startswith("S"))


def topic_words(reading: Reading) -> tuple[str, ...]:
    """What a question is about: its words without those that only ask."""
    return tuple(word for word in reading.words if word not in _NO_TOPIC and word not in OUTCOMES)


def speaks_of(claim: Claim, topic: tuple[str, ...]) -> bool:
    """Whether every word of a topic, or its stem, stands in a claim."""
    text = f"{claim.id} {claim.subject} {claim.predicate} {claim.value} {claim.note}".casefold().replace("_", " ")
    text = text.replace("-", " ")
    return all(stem(word) in text for word in topic)


def stem(word: str) -> str:
    """A word without the ending that another form of it may lack."""
    plain = word.replace("-", " ")
    for ending in ("ing", "s"):
        if plain.endswith(ending) and len(plain) >= len(ending) + _STEM_MIN:
            return plain.removesuffix(ending)
    return plain
