"""A file that is replaced is the old one or the new one, whatever ends the writer."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from trivium.core.files import replacing, turn, write_whole


def _fill(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError("disk full")


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"), replacing(path) as file:
        _fill(file)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.toml"]


def test_permissions_stay_and_links_are_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "real", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_whole(path, b"newer", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_pipe_is_written_and_not_replaced() -> None:
    code = (
        "from pathlib import Path; from trivium.core.files import write_whole; write_whole(Path('/dev/stdout'), b'x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"x"


WRITER = """
import sys
from pathlib import Path
from trivium.core.files import write_whole
for number in range(100_000):
    write_whole(Path(sys.argv[1]), b"%d " % number * 200_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "big"
    for pause_s in (0.4, 0.45, 0.5):
        path.write_bytes(b"0 " * 200_000)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
        time.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        words = path.read_bytes().split()
        assert len(words) == 200_000
        assert len(set(words)) == 1


ADDER = """
import sys
from pathlib import Path
from trivium.core.files import turn, write_whole
path = Path(sys.argv[1])
for _ in range(50):
    with turn(path.parent):
        write_whole(path, b"%d" % (int(path.read_bytes()) + 1))
"""


def test_changes_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_bytes(b"0")
    with turn(tmp_path):  # nobody begins before all are there
        processes = [subprocess.Popen([sys.executable, "-c", ADDER, str(path)]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert path.read_bytes() == b"200"
