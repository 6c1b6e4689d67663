"""The replay over cached surfaces lies beside the product, in `bench`, which is no installed package."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
