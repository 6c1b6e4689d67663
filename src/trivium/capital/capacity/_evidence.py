"""What the catalogue's claims say about power, chips, cost and throughput, each figure with the claim it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from trivium.capital.capacity._range import Range
from trivium.catalog import Claim, Snapshot
from trivium.core import FactError

GIGAWATT_COST = "1 GW of AI capacity"
_PROXY = "azure/gb300 nvl72"  # the silicon whose throughput is published, on open-weight models
_KW = 1000.0
_TWO = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """One figure: what it is, its range, the claims behind it, and a word on how it was had."""

    name: str
    value: Range
    claim_ids: tuple[str, ...]
    how: str = ""


@dataclass(frozen=True, slots=True)
class Silicon:
    """One kind of chip. `facility` says whether its watts count the building too (cooling, conversion)."""

    name: str
    watts_per_chip: Evidence
    facility: bool
    tokens_per_s_per_chip: Evidence


def gigawatt_costs(snapshot: Snapshot) -> tuple[Evidence, ...]:
    """Every claim on what a gigawatt costs in USD, cheapest first; the claims conflict, and none is left out."""
    found = [
        _evidence(f"{claim.subject}: {_said(claim)}", claim)
        for subject in (GIGAWATT_COST, f"{GIGAWATT_COST} on ASICs")
        for claim in snapshot.find(subject=subject, predicate="cost_usd_per_gw")
    ]
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.value.point))


def proxy_costs(snapshot: Snapshot) -> tuple[Evidence, ...]:
    """Published costs in USD per million tokens of open-weight models: what our own figures are held against."""
    claims = snapshot.find(predicate="proxy_cost_usd_per_mtok")
    found = [_evidence(f"{claim.subject}: {claim.note}", claim) for claim in claims]
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.value.point))


def silicon(snapshot: Snapshot) -> tuple[Silicon, ...]:
    """The chips whose power is claimed. FactError when the proxy of throughput is not known by that day."""
    tokens = _proxy_tokens(snapshot)
    found: list[Silicon] = []
    for subject, predicate, facility in (
        ("aws/trainium2", "watts_per_chip_all_in", True),
        ("gcp/ironwood (tpu v7)", "watts_per_chip_pod_level", False),
        ("anthropic/nvidia gpu (colossus 1)", "watts_per_gpu_all_in", True),
        ("azure/gb200 nvl72", "power_kw_per_rack", False),
        ("azure/gb300 nvl72", "power_kw_per_rack", False),
        ("azure/vera rubin nvl72", "power_kw_per_rack", False),
    ):
        watts = _watts(snapshot, subject, predicate)
        if watts is not None:
            found.append(Silicon(subject, watts, facility, _scaled(snapshot, subject, tokens)))
    if not found:
        raise FactError(f"no claim on the power of a chip was announced by {snapshot.as_of}")
    return tuple(found)


def _watts(snapshot: Snapshot, subject: str, predicate: str) -> Evidence | None:
    claim = next(iter(snapshot.find(subject=subject, predicate=predicate)), None)
    found = None if claim is None else _evidence(subject, claim)
    if found is None or predicate != "power_kw_per_rack":
        return found
    per_rack = next(iter(snapshot.find(subject=subject, predicate="accelerators_per_rack")), None)
    chips = None if per_rack is None else Range.read(per_rack.value)
    if per_rack is None or chips is None:
        return None
    return Evidence(subject, found.value * _KW / chips, (*found.claim_ids, per_rack.id), "rack power / chips of a rack")


def _proxy_tokens(snapshot: Snapshot) -> Evidence:
    """Tokens a second of one proxy chip: its own claim, and the one by the megawatt times the chip's watts."""
    claims = snapshot.find(subject=_PROXY, predicate="tokens_per_s_per_chip")
    found = [item for claim in claims if (item := _evidence(_PROXY, claim)) is not None]
    watts = _watts(snapshot, _PROXY, "power_kw_per_rack")
    for claim in snapshot.find(subject=_PROXY, predicate="tokens_per_s_per_mw"):
        by_power = _evidence(_PROXY, claim)
        if watts is not None and by_power is not None and claim.topic == "capacity":
            value = by_power.value * watts.value / (_KW * _KW)
            found.append(Evidence(_PROXY, value, (claim.id, *watts.claim_ids), "tokens/s/MW x watts of a chip"))
    found += _without_prediction(snapshot, tuple(found))
    if not found:
        raise FactError(f"no claim on tokens a second of {_PROXY} was announced by {snapshot.as_of}")
    ids = tuple(dict.fromkeys(claim_id for item in found for claim_id in item.claim_ids))
    return Evidence(
        _PROXY, Range.over(tuple(item.value for item in found)), ids, "open-weight models; no Claude figure"
    )


def _without_prediction(snapshot: Snapshot, found: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """What one setting of the same chip costs: its dearest published token over its cheapest, as throughput."""
    claims = [claim for claim in snapshot.find(predicate="proxy_cost_usd_per_mtok") if claim.subject == _PROXY]
    costs = [(value.point, claim.id) for claim in claims if (value := Range.read(claim.value)) is not None]
    if not found or len(costs) < _TWO:
        return ()
    (low, cheap), (high, dear) = min(costs), max(costs)
    slowest = min((item for item in found), key=lambda item: item.value.low)
    ids = (*slowest.claim_ids, cheap, dear)
    return (Evidence(_PROXY, slowest.value * (low / high), ids, "by its costs with and without token prediction"),)


def _scaled(snapshot: Snapshot, subject: str, proxy: Evidence) -> Evidence:
    """The proxy's throughput by the ratio of memory bandwidth, which bounds decoding.

    Where a chip's bandwidth is not claimed, the proxy's own figure down to a tenth of it: one generation back.
    """
    if subject == _PROXY:
        return proxy
    mine = next(iter(snapshot.find(subject=subject, predicate="hbm_bandwidth_tbps_per_chip")), None)
    theirs = next(iter(snapshot.find(subject=_PROXY, predicate="hbm_bandwidth_tbps_per_chip")), None)
    own = None if mine is None else Range.read(mine.value)
    base = None if theirs is None else Range.read(theirs.value)
    if mine is None or theirs is None or own is None or base is None:
        value = Range(proxy.value.low / 10, proxy.value.point / 3, proxy.value.high)
        return Evidence(subject, value, proxy.claim_ids, "mixed generations: a tenth of the proxy up to all of it")
    how = "the proxy's figure x memory bandwidth / the proxy's"
    return Evidence(subject, proxy.value * (own / base), (*proxy.claim_ids, mine.id, theirs.id), how)


@dataclass(frozen=True, slots=True)
class Lag:
    """From signing to energised capacity that serves, to the supplier's revenue: dates of claims.

    `forward` when the second one was still ahead as it was said. `paid_from` is when the buyer's payments begin, which
    are the supplier's revenue; None where nobody says.
    """

    subject: str
    signed_on: date
    serving_from: date
    forward: bool
    claim_id: str
    paid_from: date | None = None
    paid_claim_id: str = ""

    @property
    def days(self) -> int:
        """How long it took, or is said to take."""
        return (self.serving_from - self.signed_on).days

    @property
    def days_to_revenue(self) -> int | None:
        """From signing until payments begin; None where no claim says when."""
        return None if self.paid_from is None else (self.paid_from - self.signed_on).days


def lags(snapshot: Snapshot) -> tuple[Lag, ...]:
    """Every claimed pair of signing and serving, quickest first, with when it is paid for where a claim says so."""
    paid = {claim.subject: claim for claim in snapshot.find(predicate="capacity_paid_from")}
    found = [
        Lag(
            claim.subject,
            claim.valid_from,
            date.fromisoformat(claim.value),
            _forward(claim),
            claim.id,
            *_paid(paid, claim),
        )
        for claim in snapshot.find(predicate="capacity_serving_from")
        if claim.valid_from is not None
    ]
    return tuple(sorted(found, key=lambda lag: lag.days))


def _paid(paid: Mapping[str, Claim], claim: Claim) -> tuple[date | None, str]:
    found = paid.get(claim.subject)
    return (None, "") if found is None else (date.fromisoformat(found.value), found.id)


def _forward(claim: Claim) -> bool:
    return claim.status == "forward-looking"


def _said(claim: Claim) -> str:
    return claim.note.partition(";")[0]


def _evidence(name: str, claim: Claim) -> Evidence | None:
    value = Range.read(claim.value)
    return None if value is None else Evidence(name, value, (claim.id,))
