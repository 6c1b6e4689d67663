"""Compiled loops: kept on disk where there is a place for them, compiled anew where there is none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("numba")


def test_a_loop_whose_code_cannot_be_kept_still_runs() -> None:
    from trivium.pricing._kernels import compiled

    names: dict[str, Any] = {}
    exec("def add(one, other):\n    return one + other\n", names)  # noqa: S102  a function without a file has no cache
    assert compiled(names["add"])(2, 3) == 5


def test_pricing_and_its_command_start_without_the_columnar_extra() -> None:
    """The extra is imported where it is used, so that the core installs and starts without it."""
    code = (
        "import sys, trivium.pricing, trivium.pricing.tables, trivium.cli.price;"
        "print([name for name in ('numba', 'numpy', 'polars', 'llvmlite') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"
