"""The page of the questions says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from trivium.plan.questions._signals import SIGNALS

PAGE = Path(__file__).parent.parent.parent / "docs/questions.md"


def test_the_page_lists_every_signal_with_its_weight() -> None:
    rows = re.findall(r"^\| (?P<name>[^|]+?)(?: \(log\))? \| (?P<weight>\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(signal.name, f"{signal.weight:g}") for signal in SIGNALS]
    logs = re.findall(r"^\| ([^|]+?) \(log\) \|", PAGE.read_text(), re.MULTILINE)
    assert logs == [signal.name for signal in SIGNALS if signal.log]
