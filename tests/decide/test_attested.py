"""What a confirmed attestation would be worth: only where it alone keeps a cheaper platform out."""

import pytest

from decide.orgs import OPUS, given, organisation, snapshot
from trivium.plan._candidates import Excluded
from trivium.plan.decide import speaking
from trivium.plan.decide._attested import attested
from trivium.plan.decide._choose import choose
from trivium.plan.decide._frame import Framed
from trivium.plan.decide._parts import Part
from trivium.plan.org import Needs, Workload


def framed(*attestations: str) -> Framed:
    asked = organisation(workloads={"agents": Workload(needs=Needs(attestations=attestations))})
    return choose(given(asked, fits=speaking(snapshot()).by_claims)).framed


def ten_less(part: Part, _out: Excluded) -> float:
    return 90.0 if part.workload == "agents" else 100.0


def test_an_attestation_that_is_not_shown_is_worth_what_its_platform_would_save() -> None:
    found = framed("hipaa_baa")
    worth = {item.claim_id: item for item in attested(found, [100.0, 100.0], ten_less)}
    item = worth["compliance.vertex.hipaa_baa"]  # partial: not confirmed for Claude models
    months = float(found.scenes.demand.mean(axis=(0, 1)).sum())
    assert item.saving_usd == pytest.approx(10 * months)
    assert item.statement.startswith("vertex showed hipaa_baa")
    assert item.changes.startswith(f"agents/{OPUS} would move there")


def test_what_a_platform_refuses_is_worth_nothing() -> None:
    names = {item.claim_id for item in attested(framed("hipaa_baa"), [100.0, 100.0], ten_less)}
    assert not any("foundry" in name or "claude-aws" in name for name in names)  # they state that it is not available


def test_what_would_not_be_cheaper_is_not_named() -> None:
    assert attested(framed("hipaa_baa"), [80.0, 80.0], ten_less) == ()
