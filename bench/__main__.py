"""Run every benchmark, one after the other, each in a process of its own: `python -m bench [name …]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_NO_BENCHMARK = {"soak"}  # `make soak`: it measures nothing and takes ten minutes


def main(names: list[str]) -> int:
    found = {path.stem: path for path in sorted(Path(__file__).parent.glob("[!_]*.py"))}
    found = {name: path for name, path in found.items() if name not in _NO_BENCHMARK}
    unknown = sorted(set(names) - set(found))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(found)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or found:
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run([sys.executable, str(found[name])], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
