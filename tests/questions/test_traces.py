"""The recorded traces have the types that people who know them would give."""

from __future__ import annotations

from pathlib import Path

import pytest

from questions.support import AT, snapshot
from trivium.ledger.importers import ImportOptions, reader
from trivium.plan import demand_from_events
from trivium.plan.org import Needs
from trivium.plan.questions import workload_type

TRACES = Path(__file__).parent.parent.parent.parent / "shared/traces"


@pytest.mark.trace
def test_the_azure_code_trace_is_inference() -> None:
    path = TRACES / "azure_2023/AzureLLMInferenceTrace_code.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    events = reader("azure_2023")(path, ImportOptions(workload="azure", model="claude-opus-5"))
    answer = workload_type(demand_from_events(events), Needs(), snapshot(), AT)
    assert answer.verdict == "high-volume inference"
    assert "requests a day were below" in answer.margin


@pytest.mark.trace
def test_the_claude_code_sessions_are_a_workflow() -> None:
    path = TRACES / "claude_code"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    events = reader("claude_code_trace")(path, ImportOptions(workload="claude-code"))
    answer = workload_type(demand_from_events(events), Needs(), snapshot(), AT)
    assert answer.verdict == "integrated workflow"
    assert answer.margin.startswith("46 points of 100 before high-volume inference")
