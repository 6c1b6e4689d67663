"""A routing decision in words, and the attempts of one request beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trivium.core import Considered, Decision, Money, UserError

if TYPE_CHECKING:
    from trivium.core import Opened
    from trivium.ledger import Explanation

_WORDS: Mapping[str, str] = {
    "cache": "chosen: the cache lives here",
    "weight": "chosen: drawn by weight",
    "only": "chosen: the only one that may serve",
    "order": "chosen: next in the order of the route",
    "last": "chosen: nothing better may be asked now",
    "hedge": "chosen: asked beside the first, which was silent",
    "again": "chosen: asked again",
    "route": "passed over: not in the route any more",
    "key": "passed over: the key or its workload forbids the surface",
    "residency": "passed over: outside the scopes of the workload",
    "configured": "passed over: not configured",
    "draining": "passed over: draining",
    "resting": "passed over: it asked for no request",
    "breaker": "passed over: its breaker is open",
    "cannot": "passed over: it cannot carry the request",
    "file": "passed over: a file that the request names lies elsewhere",
    "failed": "failed",
    "signer": "put last: it refuses the signatures of this conversation's thinking",
    "waited": "waited for it",
}


def decision_lines(text: str) -> list[str]:
    """What was considered, in order, for reading; nothing where no decision was kept."""
    try:
        found = Decision.decode(text)
    except UserError as error:  # of a newer program, or of another: the amount is explained all the same
        return [f"  routing   {error}"]
    if found is None:
        return []
    lines = [f"  routing   {_affinity(found)}" + (f"; route table {found.table}" if found.table else "")]
    if found.affinity == "moved":
        tokens = "an unknown number of tokens" if found.lost_tokens is None else f"{found.lost_tokens:,} tokens"
        price = "at a price that is not known" if found.lost is None else f"for {found.lost} USD"
        lines.append(f"  lost      {tokens} must be cached anew, {price}")
    lines += [f"    {_candidate(one)}" for one in found.considered]
    if found.left_out:
        lines.append(f"    and {found.left_out} more, for which there was no room")
    return lines


def _affinity(found: Decision) -> str:
    if found.affinity == "none":
        return "no cache was known for this request"
    if found.affinity == "new":
        return "a new session or prefix: weights decide"
    by = f" (found by its {found.found_by})" if found.found_by else ""
    waited = f", after waiting {found.waited_s:g} s for it" if found.waited_s else ""
    if found.affinity == "kept":
        return f"stays where its cache lives{by}{waited}"
    return f"moved away from {found.home}{by}{waited}"


def _candidate(one: Considered) -> str:
    told = _WORDS.get(one.code, one.code)
    return f"{one.offer}  {told}" + (f" ({one.detail})" if one.detail else "")


def decision_values(text: str) -> dict[str, object] | None:
    """The decision as plain values; None where none was kept."""
    try:
        found = Decision.decode(text)
    except UserError as error:
        return {"unreadable": str(error)}
    if found is None:
        return None
    return {
        "affinity": found.affinity,
        "found_by": found.found_by,
        "home": found.home,
        "lost_tokens": found.lost_tokens,
        "lost_usd": found.lost,
        "waited_s": found.waited_s,
        "route_table": found.table,
        "considered": [
            {"offer": one.offer, "chosen": one.chosen, "code": one.code, "detail": one.detail}
            for one in found.considered
        ],
        "left_out": found.left_out,
    }


def request_head(request_id: str, attempts: Sequence[Opened], ended: Sequence[Explanation]) -> str:
    """One line about all attempts of a request."""
    total, unpriced = total_of(ended)
    parts = [f"{len(attempts)} attempt{'s' if len(attempts) != 1 else ''}", f"{total} USD"]
    parts += [f"{unpriced} unpriced"] if unpriced else []
    parts += [f"{len(attempts) - len(ended)} not ended"] if len(attempts) > len(ended) else []
    return f"{request_id}: {', '.join(parts)}"


def total_of(ended: Sequence[Explanation]) -> tuple[Money, int]:
    """The sum of what has a price, and how many attempts have none."""
    amounts = [found.rating.amount for found in ended]
    priced = [amount for amount in amounts if amount is not None]
    return sum(priced, Money(0)), len(amounts) - len(priced)
