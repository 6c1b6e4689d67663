"""The tree stays tidy: files and functions keep to their sizes, and every excuse carries its reason."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

# path or path::function -> why it may be longer. Must match exactly: a needless excuse fails too.
EXCUSES: dict[str, str] = {}


def _python_files() -> list[Path]:
    return sorted(path for folder in ("src", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))


def _too_long() -> set[str]:
    found = set()
    for path in _python_files():
        text = path.read_text()
        name = path.relative_to(ROOT).as_posix()
        if text.count("\n") > FILE_LINES_MAX:
            found.add(name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    found.add(f"{name}::{node.name}")
    return found


def test_files_and_functions_keep_to_their_sizes() -> None:
    assert _too_long() == set(EXCUSES)


def test_every_module_opens_with_a_sentence() -> None:
    silent = [
        str(path) for path in _python_files() if path.read_text() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_augmented_assignment_awaits() -> None:
    """`x += await f()` reads x before it waits, so concurrent updates are lost."""
    found = []
    for path in _python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AugAssign) and any(isinstance(part, ast.Await) for part in ast.walk(node.value)):
                found.append(f"{path}:{node.lineno}")  # noqa: PERF401  a nested comprehension reads worse
    assert found == []


def test_public_names_are_a_decision() -> None:
    """A room exports names in its `__init__`; each is listed in `__all__` and exists."""
    import importlib

    for path in sorted((ROOT / "src/trivium").glob("*/__init__.py")):
        module = importlib.import_module(f"trivium.{path.parent.name}")
        names = getattr(module, "__all__", [])
        missing = [name for name in names if not hasattr(module, name)]
        assert missing == [], path
