"""The decision, composed: frame, optimise, hold the quotas, then say what it costs, why, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from trivium.core import Offer
from trivium.plan.decide._bridges import first_month_bridge, lever_bridge
from trivium.plan.decide._capacity import capacity
from trivium.plan.decide._choose import Chosen, choose
from trivium.plan.decide._contract_notes import contract_assumptions
from trivium.plan.decide._deals import bill, deal_of
from trivium.plan.decide._flips import flips, quota_bindings
from trivium.plan.decide._frame import Framed, Given
from trivium.plan.decide._reasons import bindings
from trivium.plan.decide._risks import losses
from trivium.plan.decide._routes import routes_from
from trivium.plan.decide._scenes import objective, spread
from trivium.plan.decide._stages import stages
from trivium.plan.decide._summary import summarise
from trivium.plan.decide._swings import inputs_swung
from trivium.plan.decide._tell import spend_by_surface, total_cone, workloads
from trivium.plan.decide._voices import Voices
from trivium.plan.decide._ways import Way
from trivium.plan.decide._worth import commitments, rivals, worth_of_knowing, worth_of_waiting
from trivium.plan.decision import Decision, Stage
from trivium.plan.org import Assumption


def decide(given: Given, voices: Voices) -> Decision:
    """The whole decision; UserError names what cannot be used."""
    chosen = choose(given)
    framed, scenes = chosen.framed, chosen.scenes
    about = given.organisation.about
    told = stages(framed.parts, chosen.laid, framed.starts)
    ids = _ids_of_ways(chosen)
    placed = [months[begin] for months, begin in zip(chosen.laid.ways, chosen.served, strict=True)]
    monthly = [sum(way.usd_per_month * share / 100 for way, share in ways) for ways in placed]
    first = [ways[0][0] for ways in placed]
    options = [months[begin] for months, begin in zip(framed.ways.best, chosen.served, strict=True)]
    advices, judged = commitments(chosen)
    units, units_notes = capacity(chosen)
    items = workloads(chosen, told, first, ids, voices)
    bound = bindings(framed.parts, first, framed.terms, given.at, framed.ends[0])
    now = told if about.nothing_runs else [*(one for one in told if one.first_month == given.at), *_staying(chosen)]
    routes = routes_from(now, _fallbacks(framed, first, options), f"{given.at}-{given.book.digest[:12]}")
    decision = Decision(
        organisation=about.name or "the organisation",
        at=given.at,
        as_of=given.snapshot.as_of,
        horizon_months=about.horizon_months,
        risk_weight=framed.risk.weight,
        risk_level=framed.risk.level,
        scenarios=about.scenarios,
        seed=about.seed,
        summary=(),
        workloads=items,
        total=total_cone(chosen),
        forecast=spread(chosen.totals, framed.risk.level),
        baseline=spread(bill(chosen.now.spend(framed), framed.in_force, scenes.month_weight).total, framed.risk.level),
        levers=lever_bridge(framed, chosen.now, scenes.spend(chosen.laid.shares), chosen.deals, chosen.moves_usd, ids),
        first_month=first_month_bridge(framed, chosen.now, ids),
        rivals=rivals(chosen),
        commitments=(*advices, *units),
        bindings=(*bound, *quota_bindings(chosen)),
        flips=flips(chosen, first),
        swings=inputs_swung(chosen),
        losses=losses(
            [part.workload for part in framed.parts],
            placed,
            options,
        ),
        waiting=worth_of_waiting(chosen, judged),
        information=worth_of_knowing(chosen, judged),
        what_if_true=voices.what_if(framed, monthly),
        checkpoints=voices.dates(framed, told, ids),
        assumptions=_assumptions(framed),
        claim_ids=(),
        optimality=_optimality(chosen),
        snapshot_digest=given.snapshot.digest,
        book_digest=given.book.digest,
        routes=routes,
        notes=(*_notes(chosen), *_waits(chosen), *_unused(framed), *units_notes),
        spend=spend_by_surface(chosen),
    )
    return replace(decision, claim_ids=_claims_of(decision, chosen), summary=summarise(decision))


def _fallbacks(
    framed: Framed, first: Sequence[Way], options: Sequence[Mapping[str, Way]]
) -> dict[tuple[str, str], list[tuple[Offer, str]]]:
    """What may stand in, of what is open then."""
    found: dict[tuple[str, str], list[tuple[Offer, str]]] = {}
    late = [waits - framed.moves.idle(number) for number, waits in enumerate(framed.moves.waits)]
    for part, way, there, begin in zip(framed.parts, first, options, late, strict=True):
        if part.waits or begin:
            continue
        others = [other for surface, other in there.items() if surface != way.offer.surface]
        others.sort(key=lambda other: (other.span_picos, str(other.offer)))
        found[part.workload, part.model] = [
            (other.offer, other.cache_life) for other in others if other.offer.tier != "batch"
        ]
    return found


def _assumptions(framed: Framed) -> tuple[Assumption, ...]:
    found = [
        *framed.given.organisation.assumed,
        *contract_assumptions(framed),
        *(
            Assumption("demand", "forecast", text, "give a longer history ([usage] history) or a belief (needs.growth)")
            for text in framed.model.assumptions
        ),
        *(
            Assumption("quotas", "tier", text, "name your usage tier in [organisation] quota_tiers")
            for text in framed.facts.assumptions
        ),
    ]
    for number, end, heir in framed.ways.followed:
        part = framed.parts[number]
        why = f"{part.model} is retired wherever {part.workload} may run by {end}"
        value = heir or "nothing known; its last price is carried on"
        found.append(
            Assumption(f"workloads.{part.workload}.needs.models", value, why, "name the model that should follow it")
        )
    unique = {(item.field, item.value, item.why): item for item in found}
    return tuple(unique.values())


def _optimality(chosen: Chosen) -> str:
    count = len(chosen.outcome.placements)
    text = f"the best of {count} placements, each with every level of every offer, billed in every scenario"
    proof, risk = chosen.proof, chosen.framed.risk
    found = objective(chosen.totals, risk.weight, risk.level)
    if proof.lower_usd is None:
        return f"{text}; without a proven bound: {proof.why}"
    gap = max(found - proof.lower_usd, 0.0) / found if found > 0 else 0.0
    return f"{text}; no plan can be more than {gap:.2%} better (bound {proof.lower_usd:,.0f} USD, before quotas)"


def _notes(chosen: Chosen) -> tuple[str, ...]:
    """Quotas that no placement holds, with the limit to ask for and the month from which it is needed."""
    found: dict[str, None] = {}
    for start, held in zip(chosen.framed.starts, chosen.held, strict=True):
        if held.placement is None:
            continue
        for group in held.placement.solution.overrun(held.placement.problem):
            quota, need = held.placement.quotas[group], held.placement.solution.limits[group]
            text = f"no placement holds {quota.surface} {quota.metric} {quota.limit:,} ({quota.name}): ask for {need:,}"
            if not any(known.startswith(text) for known in found):
                found[f"{text}, from {start} on"] = None
    return tuple(found)


def _staying(chosen: Chosen) -> Iterator[Stage]:
    """For the routes alone: what waits today goes on where it runs, else the gateway would turn it away."""
    framed = chosen.framed
    for number, (part, months) in enumerate(zip(framed.parts, chosen.laid.ways, strict=True)):
        way = months[0][0][0]
        if way.waiting and not framed.moves.idle(number):
            share = float(100 * part.fraction)
            yield Stage(part.workload, part.model, way.offer, way.cache_life, framed.given.at, framed.given.at, share)


def _waits(chosen: Chosen) -> Iterator[str]:
    """What has to wait for a surface to open, and until when."""
    framed = chosen.framed
    for number, part in enumerate(framed.parts):
        months = [month for month, ways in enumerate(chosen.laid.ways[number]) if ways[0][0].waiting]
        if not months:
            continue
        begin = framed.starts[months[-1] + 1] if months[-1] + 1 < len(framed.starts) else framed.ends[-1]
        if framed.moves.idle(number):
            yield f"{part.name} begins on {begin}: nothing that it may run on is open before; no use is counted before"
        else:
            place = chosen.laid.ways[number][months[0]][0][0].offer.surface
            yield (
                f"{part.name} stays on {place} from {framed.starts[months[0]]} until {begin}, which its needs do not "
                "admit: nothing that they do is open before"
            )


def _unused(framed: Framed) -> tuple[str, ...]:
    """Commitments in force on platforms where nothing may run: due all the same, whatever is planned."""
    given, counted = framed.given, {deal.name for deal in framed.in_force}
    return tuple(
        f"contract {name}: nothing may run on {', '.join(contract.surfaces)}; its "
        f"{contract.commitment_usd_per_year} USD a year are due all the same, and are in no amount of this plan"
        for name, contract in given.organisation.contracts.items()
        if contract.status == "signed" and contract.kind == "spend-commitment" and name not in counted
        if deal_of(name, contract, contract.surfaces, given.at) is not None
    )


def _ids_of_ways(chosen: Chosen) -> tuple[str, ...]:
    """The claims behind the price of every way that is used."""
    found = {name for months in chosen.laid.ways for month in months for way, _ in month for name in way.claim_ids}
    return tuple(sorted(found))


def _claims_of(decision: Decision, chosen: Chosen) -> tuple[str, ...]:
    """Every claim that any statement names."""
    ids = set(_ids_of_ways(chosen))
    for item in decision.workloads:
        ids |= {name for out in item.excluded for name in out.claim_ids}
        for answer in item.answers:
            ids |= set(answer.basis.claim_ids) | {name for point in answer.points for name in point.basis.claim_ids}
    for group in (decision.bindings, decision.flips, decision.commitments):
        ids |= {name for item in group for name in item.basis.claim_ids}
    ids |= {name for checkpoint in decision.checkpoints for name in checkpoint.claim_ids}
    ids |= {item.claim_id for item in decision.what_if_true}
    return tuple(sorted(ids))
