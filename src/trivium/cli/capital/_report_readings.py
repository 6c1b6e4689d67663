"""What checkpoints and dependence read, as the plain readings that the capital report shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from trivium.cli import _ledger as cli
from trivium.cli.capital import _own_file as own
from trivium.cli.capital import dependence
from trivium.core import Checkpoint

if TYPE_CHECKING:
    from trivium.capital import checkpoints as triggers
    from trivium.capital import dependence as room
    from trivium.capital import report
    from trivium.capital.deals import DealLedger
    from trivium.catalog import Snapshot

_AHEAD_DAYS = 3 * 365


def checkpoints_of(
    snapshot: Snapshot, ledger: DealLedger, party: str, scenario: report.Scenario | None, given: own.OwnFile
) -> tuple[report.Reading, ...]:
    """The exit triggers of a party and of whom it pays, and the days to look again over three years."""
    from trivium.capital.checkpoints import Scenario, Sight, checkpoints, read_triggers, triggers_of

    paid = [deal.getter for deal in ledger.current if deal.giver == party and deal.head == "commit"]
    cone = None if scenario is None else Scenario(scenario.growth.growth, scenario.growth.spread)
    parties = tuple(dict.fromkeys([party, *paid]))
    sight = Sight(snapshot, ledger, snapshot.as_of, parties, (party,), None, given.own, cone)
    readings = read_triggers(sight, triggers_of(given.own))
    points = checkpoints(sight, _AHEAD_DAYS, readings, ())
    return (*_triggers(readings), *_days(points))


def _triggers(readings: Sequence[triggers.Reading]) -> Iterator[report.Reading]:
    """One line for each trigger and standing; what cannot be told says which claim is missing."""
    from trivium.capital.checkpoints import State
    from trivium.capital.report import Reading

    found: dict[tuple[str, str, str], list[triggers.Reading]] = {}
    for one in readings:
        apart = one.subject if one.value and one.state is not State.NOT_FIRED else ""
        found.setdefault((one.trigger.name, one.verdict, apart), []).append(one)
    for (name, verdict, _), some in found.items():
        subjects = ", ".join(one.subject for one in some)
        read = "; ".join(dict.fromkeys(one.value for one in some if one.value))
        missing = "; ".join(dict.fromkeys(text for one in some for text in one.missing))
        told = f"{verdict}: {read}" if read else verdict
        note = f"missing: {missing}" if missing else f"then {some[0].trigger.action}"
        ids = tuple(dict.fromkeys(claim for one in some for claim in one.claim_ids))
        yield Reading(f"{name} ({subjects}): {some[0].trigger.condition}", told, note, None, ids)


def _days(points: Sequence[Checkpoint]) -> Iterator[report.Reading]:
    from trivium.capital.report import Reading

    for one in points:
        yield Reading(one.subject, one.reason, "", one.due, tuple(one.claim_ids))


def dependence_of(
    file: Path, db: Path, overlay: Sequence[Path] | None, snapshot: Snapshot
) -> tuple[report.Reading, ...]:
    """Concentration, what goes on without a party or a surface, and exits; nothing where there is no ledger."""
    if not db.is_file() and db == cli.DEFAULT_DB:
        return ()
    until = (snapshot.as_of + timedelta(days=1)).isoformat()
    found = dependence.gather(file, (None, until), None, overlay, db)
    return (*map(_spread, found.concentrations), *map(_goes, found.continuity), *map(_exit, found.exits))


def _spread(one: room.Concentration) -> report.Reading:
    from trivium.capital.report import Reading

    low, high = round(one.hhi_low), round(one.hhi_high)
    hhi = f"HHI {low:,}" if low == high else f"HHI {low:,} to {high:,}"
    largest = ", ".join(f"{name} {float(share):.0%}" for name, _, share in one.shares[:3])
    unknown = f"; not stated {float(one.not_stated_share):.0%}" if one.not_stated_share else ""
    return Reading(f"spend by {one.role.replace('_', ' ')}", hhi, f"{largest or 'nobody is stated'}{unknown}")


def _goes(one: room.Continuity) -> report.Reading:
    from trivium.capital.report import Reading

    share = "nothing was spent" if one.share is None else f"{float(one.share):.0%} of spend goes on"
    stays = [name for name, goes in one.workloads.items() if not goes]
    note = f"not shown for {', '.join(stays)}" if stays else "all workloads go on, as measured"
    return Reading(f"without the {one.kind} {one.name}", share, note)


def _exit(one: room.Exit) -> report.Reading:
    from trivium.capital.report import Reading

    planned, stressed, left = (_usd(usd) for usd in (one.planned_usd, one.stressed_usd, one.remaining_usd))
    months = "nobody states how long it takes"
    if one.migration_months is not None:
        months = f"{float(one.migration_months):g} months"
    told = f"strands {planned} planned, {stressed} stressed, of {left} committed"
    return Reading(f"leaving {one.surface}", told, "; ".join([months, *one.unknown]))


def _usd(usd: Fraction | None) -> str:
    return "an unknown amount" if usd is None else f"{float(usd):,.0f} USD"
