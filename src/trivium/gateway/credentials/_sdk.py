"""Imports a cloud's SDK when it is first needed, and says which extra brings it when it is not there."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from trivium.core import UserError


def sdk(module: str, extra: str) -> Any:
    """The module, imported now; raises UserError that names the extra."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(error.name or module, extra) from error


def require(module: str, extra: str) -> None:
    """Raise UserError when a module is not installed, without importing it: so a gateway refuses at its start."""
    try:
        found = importlib.util.find_spec(module)
    except ImportError:  # its parent package is missing
        found = None
    if found is None:
        raise _missing(module, extra)


def _missing(module: str, extra: str) -> UserError:
    return UserError("credential", module, f"this kind of credential needs the package: install trivium[{extra}]")
