"""Random organisations and their demand, drawn from a seed and from what the catalogue really sells.

Most needs can be met somewhere and some cannot: a plan must place the first and name the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251  always seeded; NumPy draws single values far more slowly

from trivium.catalog import Snapshot
from trivium.core import ROUTABLE_SURFACES, Offer
from trivium.plan import BandUsage, Demand, Minute, band_starts
from trivium.plan.org import About, Contract, Growth, Microsoft, Needs, Onboarding, Organisation, Usage, Workload
from trivium.pricing import PriceBook

_ATTESTATIONS = ("hipaa_baa", "soc2", "iso27001", "fedramp_high", "dod_il4", "gdpr")
_TERMS = ("zdr", "training_use", "eu_data_boundary")
_ABILITIES = ("structured_outputs", "web_search", "message_batches_api", "files_api", "citations")
_PLACES = ("", "", "us", "eu", "jp")
_CLASS_OF_ONE = ("us-gov", "global", "global-standard", "us", "us-data-zone-standard")
_START = datetime(2026, 11, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Pool:
    """What is drawn from: offers sold on a day, by name, and the prompt lengths at which a price changes."""

    at: date
    offers: tuple[Offer, ...]
    models: tuple[str, ...]
    bands: tuple[int, ...]


def pool(snapshot: Snapshot, at: date) -> Pool:
    """Standard offers of the day in scopes that name one place or all."""
    sold = {
        Offer(cell.surface, cell.scope, cell.model)
        for cell in snapshot.cells
        if cell.tier == "standard" and cell.holds_on(at) and cell.surface in ROUTABLE_SURFACES
    }
    named = sorted(offer for offer in sold if offer.scope in _CLASS_OF_ONE)
    return Pool(at, tuple(named), snapshot.models(at), band_starts(PriceBook.from_snapshot(snapshot)))


def random_organisation(source: Pool, seed: int) -> tuple[Organisation, tuple[Demand, ...]]:
    """An organisation of one to five workloads and what was measured of each: the same for the same seed."""
    draw = Random(seed)  # noqa: S311  a seeded world, no secret
    names = [f"w{number}" for number in range(draw.randint(1, 5))]
    demands, workloads = [], {}
    for name in names:
        homes = draw.sample(source.offers, draw.randint(1, 2))
        if homes[0].model == homes[-1].model:
            homes = homes[:1]
        demands += [_demand(draw, source, name, home) for home in homes]
        workloads[name] = _workload(draw, source, homes)
    surfaces = tuple(draw.sample(ROUTABLE_SURFACES, draw.randint(3, 6))) if draw.random() < 0.15 else ()
    if surfaces:  # a workload may not name only surfaces that the organisation rules out
        workloads = {
            name: Workload(needs=one.needs, surfaces=tuple(s for s in one.surfaces if s in surfaces))
            for name, one in workloads.items()
        }
    about = About(
        name=f"seed {seed}",
        horizon_months=draw.choice((3, 12, 36)),
        risk_weight=Decimal(draw.choice(("0", "0.5", "1"))),
        surfaces_min=draw.choice((1, 1, 1, 2)),
        min_stay_months=draw.choice((1, 1, 3, 6)),
        surfaces=surfaces,
        scenarios=20,
        seed=seed,
        growth=draw.choice((None, Growth(Decimal("-0.02"), Decimal("0.03"), Decimal("0.1")))),
        nothing_runs=draw.random() < 0.15,
    )
    contracts = {f"c{number}": _contract(draw) for number in range(draw.choice((0, 0, 1, 2)))}
    opening = {name: _opening(draw) for name in ROUTABLE_SURFACES if draw.random() < 0.6}
    return Organisation(about, workloads, contracts, Microsoft(), opening, Usage(), ()), tuple(demands)


def _opening(draw: Random) -> Onboarding:
    """Open already, at once, within the first month, months from now, or after most horizons."""
    weeks = Decimal(draw.choice(("0", "1", "4.35", "6", "13", "26", "60")))
    return Onboarding(weeks=weeks, done=draw.random() < 0.3)


def _some(draw: Random, names: Sequence[str], chance: float, most: int = 2) -> tuple[str, ...]:
    return tuple(draw.sample(names, draw.randint(1, most))) if draw.random() < chance else ()


def _workload(draw: Random, source: Pool, homes: Sequence[Offer]) -> Workload:
    geography = draw.choice(_PLACES) if draw.random() < 0.5 else ""
    needs = Needs(
        models=_some(draw, source.models, 0.4, 3),
        scopes=() if geography else _some(draw, ("global", "us", "eu", homes[0].scope), 0.3),
        geography=geography,
        capabilities=_some(draw, _ABILITIES, 0.2),
        attestations=_some(draw, _ATTESTATIONS, 0.3),
        data_terms=_some(draw, _TERMS, 0.25),
        batchable_percent=Decimal(draw.choice((0, 0, 0, 20, 50, 100))),
        continuity_percent=draw.choice((None, None, Decimal(50))),
    )
    surfaces = tuple(draw.sample(ROUTABLE_SURFACES, 4)) if draw.random() < 0.2 else ()
    return Workload(owner="", needs=needs, surfaces=surfaces)


def _demand(draw: Random, source: Pool, workload: str, home: Offer) -> Demand:
    """A few busy minutes, from a handful of tokens to more than any quota; the sums are those of the minutes."""
    scale = 10 ** draw.uniform(2, 7.2)
    minutes = []
    first = int(_START.timestamp()) // 60
    for offset in sorted(draw.sample(range(20_000), draw.randint(3, 9))):
        tokens = int(scale * draw.random()) + 1
        cached = int(tokens * draw.random() * 3) if draw.random() < 0.6 else 0
        requests = 1 + tokens // draw.choice((500, 2_000, 20_000))
        joined_1h = int(cached * draw.random())
        minutes.append(
            Minute(first + offset, requests, tokens, tokens // 8, cached, int(joined_1h * draw.random()), joined_1h)
        )
    rows = (_row(home, 0, minutes[:-1]), _row(home, draw.randrange(len(source.bands)), minutes[-1:]))
    merged = rows if rows[0].band != rows[1].band else (_row(home, 0, minutes),)
    last = datetime.fromtimestamp(minutes[-1].minute * 60, UTC)
    return Demand(
        workload,
        home.model,
        merged,
        band_starts=source.bands,
        minutes=tuple(minutes),
        sessions=len(minutes),
        conversations=len(minutes),
        streamed=draw.choice((0, sum(minute.requests for minute in minutes))),
        prompt_tokens_max=draw.choice((2_000, 150_000, 190_000)),
        first_at=_START,
        last_at=max(last, _START + timedelta(days=draw.choice((7, 14)))),
    )


def _row(home: Offer, band: int, minutes: Sequence[Minute]) -> BandUsage:
    def total(name: str) -> int:
        return sum(getattr(minute, name) for minute in minutes)

    cached, read_5m, read_1h = total("cached"), total("joined_5m"), total("joined_1h")
    return BandUsage(
        offer=home,
        band=band,
        requests=total("requests"),
        input=total("input"),
        output=total("output"),
        cached=cached,
        read=read_5m,
        write_5m=cached - read_5m,
        here_5m=read_5m,
        here_1h=read_1h,
        joined_5m=read_5m,
        joined_1h=read_1h,
    )


def _contract(draw: Random) -> Contract:
    surface = draw.choice(("anthropic", "bedrock", "vertex", "foundry"))
    kind = draw.choice(("discount", "spend-commitment"))
    status = draw.choice(("signed", "offered"))
    if kind == "discount":
        return Contract(kind="discount", surfaces=(surface,), status=status, discount_percent=Decimal(5))
    return Contract(
        kind="spend-commitment",
        surfaces=(surface,),
        status=status,
        discount_percent=Decimal(draw.choice((7, 12))),
        commitment_usd_per_year=str(draw.choice((1_000, 50_000))),
        commitment_usd_per_year_max="" if status == "signed" else str(draw.choice((60_000, 400_000))),
    )
