"""The five questions of the article's FAQ, answered from claims: what is known by a day, and what changed since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._platform import answer as yes_or_no
from trivium.catalog.ask._advantages import CUSTOMISATION, advantages, known_claim
from trivium.catalog.ask._article import article_day
from trivium.catalog.ask._derive import sums
from trivium.catalog.ask._outcomes import outcome_of
from trivium.catalog.ask._reading import Reading, parties_of
from trivium.catalog.ask._values import Draft, said
from trivium.core import ROUTABLE_SURFACES

_BILLION = Decimal(1_000_000_000)
_AWS = ("bedrock", "bedrock-mantle", "claude-aws")
_UNSURE = frozenset({FORWARD_LOOKING, "unconfirmed"})


def answer_leaving_aws(draft: Draft, _reading: Reading) -> None:
    """Whether Anthropic leaves AWS: its commitments to each cloud, who is called primary, and since when."""
    commitments = [claim for claim in _deals(draft, giver="Anthropic", verb="commit:cloud") if not _gone(draft, claim)]
    to_amazon = [claim for claim in commitments if parties_of(claim)[1] == "Amazon"]
    word = "No, as far as claims say: none of them says that Anthropic leaves AWS."
    if to_amazon:
        word += " It has since committed itself to Amazon anew."
    draft.say(word, *to_amazon)
    for claim in commitments:
        to = parties_of(claim)[1]
        sure = "" if claim.status == "contracted" else f" ({claim.status})"
        draft.say(f"Anthropic's commitment to {to}: {_bn(claim)}{sure}, announced on {claim.announced_on}.", claim)
    roles = [*_named(draft, "article.S033"), *draft.snapshot.find(predicate="primary_training_partner")]
    for claim in roles:
        draft.say(f"Called {claim.predicate.replace('_', ' ')} as of {claim.valid_from}: {claim.value}.", claim)
    draft.notes.append(
        "“Primary” is a word of its day; with commitments to several clouds it has to be asked for again."
    )
    _article(draft, ("article.S085", "article.S033"))
    _since_article(draft, commitments)


def answer_performance(draft: Draft, reading: Reading) -> None:
    """Whether a platform is documented to run Claude better: measurements, hosting, and what is only announced."""
    measured = [
        claim
        for claim in draft.snapshot.current
        if claim.predicate.startswith(("performance", "platform_performance"))
        and claim.status in {"measured", "documented"}
    ]
    told = [claim for claim in measured if claim.topic != "article"]
    if told:
        draft.say("Claims speak of differences in performance between platforms:", *told)
    else:
        draft.say(
            "Not as far as claims say: none documents that Claude performs better on one platform than on another."
        )
    draft.say("Absence of a claim is not parity: measure your own traffic before relying on either.")
    hosting = [
        claim
        for claim in draft.snapshot.find(at=draft.at)
        if claim.predicate in {"serves_claude", "hosted_on_azure", "preview_running_on_anthropic_infrastructure"}
        and (not reading.named("place") or _in_place(claim, reading.named("place")))
    ]
    draft.rest_on(*hosting)
    draft.show(
        "What runs Claude where, as far as claims say (chips are no performance of a service)",
        ("subject", "what", "says", "grade", "since", "claim"),
        [(c.subject, c.predicate, said(c), c.status, str(c.valid_from or "…"), c.id) for c in hosting],
    )
    for claim in draft.snapshot.find(predicate="co_design"):
        draft.say(f"Co-design, {claim.status}: {claim.subject}: {claim.value}.", claim)
    _article(draft, ("article.S086", "article.S043", "article.S077", "article.S068", "article.S083", "article.S084"))
    _since_article(draft, hosting)


def _in_place(claim: Claim, places: Sequence[str]) -> bool:
    cloud = {"aws": _AWS, "gcp": ("vertex", "claude-gcp"), "azure": ("foundry",)}
    head = claim.subject.partition("/")[0].partition(":")[0]
    return claim.surface in places or bool(set(cloud.get(head, ())) & set(places))


def answer_circular(draft: Draft, _reading: Reading) -> None:
    """Whether circular money is a reason to avoid anyone: the facts, since the conclusion is a judgement."""
    draft.say(
        "That is a judgement, and no claim makes it for you. These are the facts it turns on; amounts announced in "
        "stages are ceilings and are not counted as paid."
    )
    rows = []
    commitments = _deals(draft, giver="Anthropic", verb="commit")
    for partner in ("Microsoft", "NVIDIA", "Amazon", "Google"):
        paid = [
            claim
            for claim in _deals(draft, giver=partner, getter="Anthropic", verb="invest")
            if not _gone(draft, claim)
        ]
        owed = [claim for claim in commitments if parties_of(claim)[1] == partner and not _gone(draft, claim)]
        draft.rest_on(*paid, *owed)
        rows.append((partner, _amounts(paid), _amounts(owed), ", ".join(claim.id for claim in (*paid, *owed))))
    draft.show(
        "Money between Anthropic and its vendors (bn USD)",
        ("vendor", "invests in Anthropic", "is promised by Anthropic", "claims"),
        rows,
    )
    for one in sums(draft.snapshot):
        if one.claim.id == "article.D20" and not one.missing:
            draft.say(
                f"In the deal of the article at most {one.result.partition(' ')[0]} of the commitment could come "
                f"from its vendors ({one.worked.partition(' ; ')[0]}); both are ceilings.",
                one.claim,
                *one.operands,
            )
    _revenue(draft)
    _article(draft, ("article.S044", "article.S047", "article.S065", "article.S088", "article.S066"))
    _since_article(draft, commitments)


def _revenue(draft: Draft) -> None:
    """The newest run rate, and what disputes it."""
    series = [claim for claim in draft.snapshot.find(subject="Anthropic", predicate="run_rate_usd") if claim.valid_from]
    sure = [claim for claim in series if claim.status not in _UNSURE]
    if sure:
        latest = max(sure, key=lambda claim: claim.valid_from or date.min)
        draft.say(f"Anthropic's newest run rate: {_bn(latest)} a year on {latest.valid_from}, {latest.status}.", latest)
    for claim in series:
        if claim.status == "unconfirmed":
            draft.say(f"Unconfirmed beside it: {_bn(claim)} a year on {claim.valid_from}; {claim.note}.", claim)


def answer_aws_benefits(draft: Draft, _reading: Reading) -> None:
    """Whether AWS has for Claude what no other has: the promised window, then what only it is documented to offer."""
    tuning = advantages(draft.snapshot, draft.at, CUSTOMISATION)
    in_force = [one for one in tuning if one.counts]
    claims = [known_claim(draft.snapshot, name) for one in tuning for name in one.claim_ids]
    word = (
        "Fine-tuning is in force on " + ", ".join(one.surface for one in in_force)
        if in_force
        else ("Not the one the article names: no claim says that any Claude can be tuned anywhere on that day")
    )
    draft.say(f"{word}.", *claims)
    for one in tuning:
        draft.say(f"{one.statement}: {one.grade}, {one.standing}; {one.caveat}")
    only = _only_on(draft, _AWS)
    for claim in only:
        draft.say(
            f"Documented on AWS alone: {claim.predicate.replace('_', ' ')} ({claim.subject}: {said(claim)}).", claim
        )
    if not only:
        draft.say("No capability is documented on AWS alone.")
    draft.notes.append("“AWS alone” means: claims say so there, and where they speak of another platform they do not.")
    for name in ("fedramp", "dod_il"):
        for claim in draft.snapshot.find(predicate=name, at=draft.at):
            if claim.surface == "bedrock" and not claim.models and claim.status not in _UNSURE:
                draft.say(f"{name} on bedrock: {claim.value}; compare the other surfaces.", claim)
    _article(draft, ("article.S039", "article.S069", "article.S070", "article.S080", "article.S089"))
    _since_article(draft, [claim for claim in (*claims, *only) if claim is not None])


def _only_on(draft: Draft, surfaces: Sequence[str]) -> list[Claim]:
    """Capabilities that some of these surfaces are documented to have and no other is, for all their models."""
    found: list[Claim] = []
    names = sorted({claim.predicate for claim in draft.snapshot.find(topic="capabilities", at=draft.at)})
    for name in names:
        having = [
            claim
            for claim in draft.snapshot.find(predicate=name, at=draft.at)
            if claim.surface in ROUTABLE_SURFACES
            and claim.status not in _UNSURE
            and claim.number is None
            and yes_or_no(claim.value)
        ]
        asked = {claim.surface for claim in draft.snapshot.find(predicate=name, at=draft.at)}
        if having and asked - set(surfaces) and all(claim.surface in surfaces for claim in having):
            found += having
    return found


def answer_openai(draft: Draft, _reading: Reading) -> None:
    """What stands between Microsoft and OpenAI, and how the sizes compare, by today's claims."""
    between = [
        claim
        for claim in draft.snapshot.claims
        if claim.topic == "deals" and set(parties_of(claim)) == {"Microsoft", "OpenAI"}
    ]
    tied = "Microsoft is tied to OpenAI by these deals" if between else "No deal between the two had been announced"
    draft.say(f"{tied}; that the deal with Anthropic is a hedge is an opinion.")
    for claim in between:
        gone = draft.snapshot.superseded_by.get(claim.id)
        after = f", amended by {gone.id}" if gone else ""
        giver, getter = parties_of(claim)
        amount = _bn(claim) if claim.number is not None else f"{claim.value} amount"
        draft.say(
            f"{giver} to {getter}, {claim.predicate}: {amount}, {claim.status}{after}; {claim.announced_on}.", claim
        )
    for one in sums(draft.snapshot):
        if one.claim.id == "article.D03" and not one.missing:
            draft.say(
                f"{one.worked} = {one.result}: the first is on top of earlier commitments, the second may grow.",
                one.claim,
                *one.operands,
            )
    others = [
        claim
        for claim in _deals(draft, giver="OpenAI", verb="commit:cloud")
        if parties_of(claim)[1] != "Microsoft" and not _gone(draft, claim)
    ]
    for claim in others:
        draft.say(
            f"OpenAI's commitment to {parties_of(claim)[1]}: {_bn(claim)}, {claim.status}, {claim.announced_on}.", claim
        )
    _article(draft, ("article.S019", "article.S020", "article.S021", "article.S022", "article.S024", "article.S087"))
    _since_article(draft, [*between, *others])


def _deals(draft: Draft, *, verb: str, giver: str, getter: str = "") -> list[Claim]:
    return [
        claim
        for claim in draft.snapshot.claims
        if claim.topic == "deals"
        and claim.predicate.startswith(verb)
        and parties_of(claim)[0] == giver
        and (not getter or parties_of(claim)[1] == getter)
    ]


def _gone(draft: Draft, claim: Claim) -> bool:
    return claim.id in draft.snapshot.superseded_by


def _bn(claim: Claim) -> str:
    if claim.number is None:
        return "an amount that is not known"
    return f"{(claim.number / _BILLION).normalize():f} bn USD"


def _amounts(claims: Iterable[Claim]) -> str:
    told = [
        f"{_bn(claim).removesuffix(' bn USD')} ({claim.status}{', ceiling' if 'staged' in claim.predicate else ''})"
        for claim in claims
    ]
    return "; ".join(told) or "none known"


def _named(draft: Draft, *names: str) -> list[Claim]:
    return [claim for name in names if (claim := known_claim(draft.snapshot, name)) is not None]


def _article(draft: Draft, names: Sequence[str]) -> None:
    """What the article answers, and what became of it."""
    rows = []
    for claim in _named(draft, *names):
        one = outcome_of(draft.snapshot, claim, draft.at)
        draft.rest_on(*one.claims)
        rows.append((claim.id, f"{claim.subject} · {claim.predicate}: {said(claim)}", one.outcome, one.why))
    draft.show("What the article says on it, and what became of that", ("claim", "it says", "outcome", "why"), rows)


def _since_article(draft: Draft, claims: Iterable[Claim]) -> None:
    """Which of the claims were announced, or ended, after the article's newest fact."""
    day = article_day(draft.snapshot)
    if day is None:
        return
    asked = list({claim.id: claim for claim in claims}.values())
    new = [claim.id for claim in asked if (claim.announced_on or claim.valid_from or day) > day]
    ended = [claim.id for claim in asked if claim.valid_until is not None and day < claim.valid_until <= draft.at]
    told = [f"{word}: {', '.join(ids)}" for word, ids in (("new", new), ("ended", ended)) if ids]
    draft.say(f"Since the article's newest fact ({day}): {'; '.join(told) or 'nothing new on it'}.")
