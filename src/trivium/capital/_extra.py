"""What the capital room needs beyond the core, imported where it is used; a missing package is named."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from trivium.core import UserError


def needed(module: str, what: str, find: Callable[[str], Any] = importlib.import_module) -> Any:
    """A module of the extra `capital`; UserError names it and the extra if it is not there."""
    try:
        return find(module)
    except ImportError as error:
        raise UserError(what, error.name or module, "install trivium[capital]") from error
