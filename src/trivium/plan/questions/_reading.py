"""The grammar of compliance claims: what a sentence about an attestation or a data term comes to.

The rules are vocabulary and hold no fact: which platform has what stands in the claims. A sentence is read to the
reader's disadvantage: what does not plainly affirm is unknown, and what is unconfirmed affirms nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from trivium.catalog import Claim
from trivium.plan._market import UNCOUNTED


class Says(Enum):
    """What a claim comes to."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "conditional"  # in some places, for some models, or once something is signed, asked for or set
    UNKNOWN = "unknown"
    NOTE = "note"  # says something else: shown, decides nothing by itself


@dataclass(frozen=True, slots=True)
class Reading:
    """A claim read; the conditions are those under which it affirms."""

    says: Says
    levels: frozenset[str] = frozenset()  # high · moderate · low · il2 … il6
    places: frozenset[str] = frozenset()  # only there: us-gov · eu · us …; empty: nothing is said of places
    acts: tuple[str, ...] = ()  # what the organisation must do first
    features: tuple[str, ...] = ()  # what it does not cover
    except_class: str = ""  # a class of models it does not cover
    doubts: tuple[str, ...] = ()  # what it leaves open, so that it affirms nothing until asked
    caveats: tuple[str, ...] = ()  # shown beside it


LADDERS = (("low", "moderate", "high"), ("il2", "il4", "il5", "il6"))

# Predicates that inform and never answer a requirement.
_NOTES = frozenset(
    {
        "accounts_excluded",
        "compliance_reference",
        "data_egress",
        "data_retention",
        "dod_use",
        "hipaa_features_excluded",
        "policy_violation_retention",
        "processor",
        "terms",
    }
)
# Predicates whose words of refusal are the promise: "not used to train" is what one wants to hear.
_PROMISES = {
    "training_use": re.compile(
        r"\bnot (?:used |trained |to )?(?:to )?(?:train|on)\b|\bno training\b|\bas first-party commercial terms\b",
        re.IGNORECASE,
    ),
    "operator_access": re.compile(r"\bno access\b", re.IGNORECASE),
}
_OPEN = re.compile(
    r"^(?:not (?:verified|confirmed|checked|found|stated)|unknown|n/a|none (?:found|stated)|partial)\b"
    r"|\bnot (?:confirmed|verified|in the per-service matrix)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^(?:no|none|never)\b|\bnot (?:yet )?(?:available|offered|listed|supported|in scope|eligible|certified)\b"
    r"|\b(?:expired|revoked|withdrawn)\b|\bmay be processed outside\b|\bdata leaves\b",
    re.IGNORECASE,
)
_AFFIRMS = re.compile(
    r"\b(?:yes|certified|scope|eligible|ready|high|moderate|low|IL\d|type I{1,2}|DPA|default for|on request"
    r"|own arrangement|attestations apply|profiles|endpoints?|data zone|inference_geo)\b",
    re.IGNORECASE,
)
_ACTS = (
    (re.compile(r"\bsigned BAA\b"), "sign the business associate agreement"),
    (re.compile(r"\bHIPAA-enabled organisation\b"), "have the organisation enabled for HIPAA"),
    (re.compile(r"\bunder the (\w+) BAA\b"), "sign the {0} business associate agreement"),
    (re.compile(r"\bon request\b"), "ask for it and have it granted"),
    (re.compile(r"\bthrough (\w+)'s own arrangement\b"), "arrange it with {0}"),
    (re.compile(r"\bmust be set to (\w+)"), "set the account to {0}"),
    (re.compile(r"\bsharing\b.*\brequired\b"), "agree to share prompts and answers with the model's maker"),
)
_PLACES = (
    re.compile(r"\bgeography \(([^)]+)\)"),
    re.compile(r"\bmulti-region ((?:[a-z]{2}\b(?:, )?)+)"),
    re.compile(r"\binference[_ ]geo (?:is )?(?:global or |)(us)\b"),
    re.compile(r"\b(US) Data Zone\b"),
)
_GOVCLOUD = re.compile(r"\bGovCloud\b")
_FEDRAMP = re.compile(r"\b(High|Moderate|Low)\b")
_IMPACT = re.compile(r"\bIL(\d)(?:/(?:IL)?(\d))?")
_EXCEPT = re.compile(r"\bother than (\w+) class\b|\b(\w+) class differs\b")
_FEATURES = re.compile(r"^not: (.+)$")
_DOUBTS = (
    re.compile(r"\bwhich .+ not (?:listed|stated)\b"),
    re.compile(r"\bnot explicit\b"),
    re.compile(r"\bnot in the stored excerpt\b"),
    re.compile(r"\bconflict with\b"),
)


def predicates(claim: Claim) -> tuple[str, ...]:
    """The questions a claim answers: `soc2;iso27001` are two."""
    return tuple(claim.predicate.split(";"))


def features_of(text: str) -> tuple[str, ...]:
    """The features of a list: `batch, code execution, files`."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read(claim: Claim) -> Reading:
    """What a claim comes to."""
    name = predicates(claim)[0]
    caveats = tuple(part.strip() for part in claim.note.split(";") if part.strip())
    if claim.status in UNCOUNTED:
        return Reading(Says.UNKNOWN, caveats=(f"{claim.status}: shown, never counted", *caveats))
    if name in _NOTES:
        return Reading(Says.NOTE, caveats=caveats)
    answer = _answer(name, claim.value)
    if answer is not Says.YES:
        return Reading(answer, caveats=caveats)
    doubtful = tuple(_doubts(claim))
    open_levels = frozenset(level for doubt in doubtful for level in levels_of(doubt))
    general = tuple(doubt for doubt in doubtful if not levels_of(doubt))
    found = Reading(
        says=answer,
        levels=levels_of(claim.value) - open_levels,
        places=frozenset(_places(claim.value)),
        acts=tuple(_acts(claim.value)),
        features=tuple(name for part in caveats if (match := _FEATURES.match(part)) for name in features_of(match[1])),
        except_class=_class(claim),
        doubts=general,
        caveats=tuple(part for part in caveats if part not in general and not _FEATURES.match(part)),
    )
    return _qualified(found, name)


def _answer(name: str, value: str) -> Says:
    promise = _PROMISES.get(name)
    if promise is not None:
        return Says.YES if promise.search(value) else Says.UNKNOWN
    if _OPEN.search(value):
        return Says.UNKNOWN
    if _NO.search(value):
        return Says.NO
    if _AFFIRMS.search(value) or any(_places(value)):
        return Says.YES
    return Says.UNKNOWN


def _qualified(found: Reading, name: str) -> Reading:
    """Conditions make a yes conditional; a doubt about all of it makes it unknown; other places than the EU deny it."""
    says = found.says
    if found.doubts:
        says = Says.UNKNOWN
    elif name == "eu_data_boundary" and found.places and "eu" not in found.places:
        says = Says.NO
    elif found.acts or found.places or found.features or found.except_class:
        says = Says.CONDITIONAL
    return Reading(
        says,
        found.levels,
        found.places,
        found.acts,
        found.features,
        found.except_class,
        found.doubts,
        found.caveats,
    )


def levels_of(text: str) -> frozenset[str]:
    """The levels a text names: `Moderate and High; DoD IL2 and IL4/5` names five."""
    named = {match[1].lower() for match in _FEDRAMP.finditer(text)}
    impact = {f"il{digit}" for match in _IMPACT.finditer(text) for digit in match.groups() if digit}
    return frozenset(named | impact)


def _places(text: str) -> Iterator[str]:
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            yield from (word.lower() for word in re.findall(r"[A-Za-z]{2,}", match[1]))
    if _GOVCLOUD.search(text):
        yield "us-gov"


def _acts(text: str) -> Iterator[str]:
    for pattern, act in _ACTS:
        if match := pattern.search(text):
            yield act.format(*match.groups())


def _class(claim: Claim) -> str:
    match = _EXCEPT.search(f"{claim.value}; {claim.note}")
    return (match[1] or match[2]).lower() if match else ""


def _doubts(claim: Claim) -> Iterator[str]:
    for part in claim.note.split(";"):
        if any(pattern.search(part) for pattern in _DOUBTS):
            yield part.strip()
