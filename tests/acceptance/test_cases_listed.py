"""The page of cases is true: every case has a row, and every test that a row names exists and is run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = [f"D{number}" for number in range(1, 24)]
ROW = re.compile(r"^\| (D\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
NAME = re.compile(r"`(test_\w+)`")


def rows() -> dict[str, tuple[str, list[str], str]]:
    """What was suffered, the tests, and the status, by case."""
    found = ROW.findall((ROOT / "docs/cases.md").read_text())
    return {case: (suffered, NAME.findall(tests), status) for case, suffered, tests, status in found}


def defined() -> dict[str, bool]:
    """Every test of the acceptance folder, and whether it is excused from passing."""
    found = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.unparse(one) for one in node.decorator_list)
                found[node.name] = any(word in marks for word in ("skip", "xfail", "notimpl", "notyet", "never"))
    return found


def test_every_case_has_a_row_with_tests_that_exist_and_must_pass() -> None:
    listed, known = rows(), defined()
    assert list(listed) == CASES
    for case, (suffered, names, status) in listed.items():
        assert suffered
        assert names, f"{case} names no test"
        for name in names:
            assert name in known, f"{case}: {name} is not in tests/acceptance"
            assert not known[name], f"{case}: {name} is excused"
        assert status.startswith("passes"), case


def test_every_test_that_is_named_after_a_case_is_in_its_row() -> None:
    listed = rows()
    for name in defined():
        if (found := re.match(r"test_(d\d+)_", name)) is not None:
            case = found[1].upper()
            assert name in listed[case][1], f"docs/cases.md, {case}: add {name}"
