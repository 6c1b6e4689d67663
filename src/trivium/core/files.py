"""Files that are replaced whole: a reader, a kill or a full disk finds the old content or the new, never a part."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` once the block has ended well and its bytes are on the disk.

    After any error `path` is as it was. Links are followed; owner and permissions stay, unless `mode` names others.
    What is no regular file, such as /dev/stdout, is written as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    with ExitStack() as undo:
        with fresh.open("xb") as file:
            undo.callback(fresh.unlink, missing_ok=True)
            _like(target, file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        undo.pop_all()
    with _folder(target.parent) as folder:
        os.fsync(folder)


def write_whole(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace the content of a file in one step; OSError leaves it as it was."""
    with replacing(path, mode=mode) as file:
        file.write(content)


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Among processes that read a file of a folder to write it changed: one at a time, so that no change is lost."""
    with _folder(folder) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # ends with the handle, a kill included
        yield


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def _like(target: Path, handle: int, mode: int | None) -> None:
    if target.exists():
        old = target.stat()
        with suppress(PermissionError):  # who may write here may not give files away
            os.fchown(handle, old.st_uid, old.st_gid)
        os.fchmod(handle, old.st_mode & 0o777)
    if mode is not None:
        os.fchmod(handle, mode)
