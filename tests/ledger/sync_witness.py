"""Watches SQLite's own fsyncs: a VFS around the real one that counts them and keeps what each made durable.

Files that are never synced are lost in a power cut, so `durable_copy` holds exactly what would be found afterwards.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import shutil
from pathlib import Path
from typing import Self

_c_int, _c_void_p, _c_char_p = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
_FILE_METHODS = 18  # pointers in sqlite3_io_methods, versions 1 to 3
_X_SYNC = 4  # place of xSync among them: xClose, xRead, xWrite, xTruncate, xSync


def why_unavailable() -> str:
    """Why this Python's SQLite cannot be watched; empty if it can."""
    try:
        return "" if ctypes.CDLL(_sqlite3.__file__).sqlite3_vfs_find else "no such symbol"
    except (AttributeError, OSError) as error:
        return f"SQLite is built into this Python, its symbols cannot be reached: {error}"


class _Methods(ctypes.Structure):
    _fields_ = [("version", _c_int), ("functions", _c_void_p * _FILE_METHODS)]


class _File(ctypes.Structure):
    _fields_ = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", _c_int),
        ("file_size", _c_int),
        ("path_max", _c_int),
        ("next", _c_void_p),
        ("name", _c_char_p),
        ("data", _c_void_p),
        ("open", _c_void_p),
        ("others", _c_void_p * 15),
    ]


# The name goes through as a pointer: SQLite keeps it, and reads parameters that lie behind it.
_OPEN = ctypes.CFUNCTYPE(_c_int, _c_void_p, _c_void_p, _c_void_p, _c_int, _c_void_p)
_SYNC = ctypes.CFUNCTYPE(_c_int, _c_void_p, _c_int)


class SyncWitness:
    """While in force, every database of this process is opened through it."""

    def __init__(self, durable: Path) -> None:
        self.durable = durable
        self.syncs: dict[str, int] = {}
        self._library = ctypes.CDLL(_sqlite3.__file__)
        self._library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._real = self._library.sqlite3_vfs_find(None)
        self._kept: list[object] = []  # what SQLite points at must not be collected
        self._names: dict[int, str] = {}
        self._real_open = _OPEN(self._real.contents.open)
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._vfs.name = b"sync-witness"
        self._opener = _OPEN(self._open)
        self._vfs.open = ctypes.cast(self._opener, _c_void_p)
        self._wrapped: dict[int, _Methods] = {}

    def __enter__(self) -> Self:
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0
        return self

    def __exit__(self, *_error: object) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    @property
    def wal_syncs(self) -> int:
        """How often a write-ahead log was made durable."""
        return sum(count for name, count in self.syncs.items() if name.endswith("-wal"))

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out_flags: int) -> int:
        code = self._real_open(vfs, name, file, flags, out_flags)
        handle = _File.from_address(file)
        if code == 0 and handle.methods and name is not None:
            self._names[file] = ctypes.string_at(name).decode()
            handle.methods = ctypes.pointer(self._watching(handle.methods))
        return code

    def _watching(self, methods: ctypes._Pointer[_Methods]) -> _Methods:
        address = ctypes.addressof(methods.contents)
        if address not in self._wrapped:
            copy = _Methods.from_buffer_copy(methods.contents)
            real_sync = _SYNC(methods.contents.functions[_X_SYNC])

            def sync(file: int, flags: int) -> int:
                name = self._names[file]
                code = real_sync(file, flags)
                self.syncs[name] = self.syncs.get(name, 0) + 1
                if not name.endswith("-journal"):  # lives only until the file is in WAL mode
                    shutil.copyfile(name, self.durable / Path(name).name)
                return code

            callback = _SYNC(sync)
            self._kept.append((callback, real_sync))
            copy.functions[_X_SYNC] = ctypes.cast(callback, _c_void_p).value
            self._wrapped[address] = copy
        return self._wrapped[address]
