"""From SQLite's errors to the library's own."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from salespipeline.errors import (
    Corrupt,
    ForeignFile,
    Overflow,
    ReadOnly,
    StorageError,
    StorageFull,
    StoreClosed,
    Unavailable,
)

__all__ = ["FAILURES", "translated"]

# What the driver raises: its own errors, and those of values that it cannot bind.
FAILURES = (sqlite3.Error, OverflowError, UnicodeError)
_BEGINNING = b"SQLite format 3\0"
_LITTLE = 1 << 20  # with less room than this, a failed write is taken for a full disk


def translated(error: Exception, path: Path) -> StorageError:
    """Return the error of the library for one of the driver; raise it ``from`` the driver's.

    >>> translated(sqlite3.OperationalError("integer overflow"), Path("deals.db"))
    Overflow('the sum does not fit a signed 64-bit integer; narrow the query')
    """
    code = getattr(error, "sqlite_errorcode", 0)
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return Unavailable(f"{path} is busy: somebody else is writing; try again")
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return ReadOnly(f"{path} cannot be written ({error}); check the permissions of the file and its folder")
        case sqlite3.SQLITE_NOTADB:
            return _no_database(path)
        case sqlite3.SQLITE_CORRUPT:
            return Corrupt(f"{path} is damaged ({error}); restore it from a backup")
        case sqlite3.SQLITE_CANTOPEN:
            return _closed(path)
        case sqlite3.SQLITE_IOERR:
            if code == sqlite3.SQLITE_IOERR_WRITE and shutil.disk_usage(path.parent).free < _LITTLE:
                return _full(path)
            return Unavailable(f"{path} cannot be read or written: {error}", retry=False)
    text = str(error)
    if text == "integer overflow":
        return Overflow("the sum does not fit a signed 64-bit integer; narrow the query")
    if text.startswith("Could not decode"):
        return Corrupt(f"{path} holds text that is not UTF-8; restore it from a backup")
    if "closed database" in text:
        return StoreClosed("the store was closed; open a new one")
    if isinstance(error, UnicodeError):
        return StorageError("a text holds a lone surrogate, which is not a character and cannot be kept")
    if isinstance(error, OverflowError):
        return StorageError("an integer does not fit 64 bits and cannot be kept")
    return StorageError(f"SQLite refused: {error}")


def _full(path: Path) -> StorageFull:
    return StorageFull(f"there is no room left for {path}; make room and try again, nothing was written")


def _no_database(path: Path) -> StorageError:
    try:
        with path.open("rb") as file:
            begins = file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        begins = False
    if begins:
        return Corrupt(f"{path} is damaged: it is a database only at its beginning; restore it from a backup")
    return ForeignFile(f"{path} is not a SQLite database; choose another file")


def _closed(path: Path) -> StorageError:
    if path.is_dir():
        return Unavailable(f"{path} cannot be opened: it is a folder; name a file in it", retry=False)
    if not path.parent.is_dir():
        return Unavailable(f"{path} cannot be opened: its folder does not exist", retry=False)
    if not os.access(path.parent, os.W_OK):  # even to read, SQLite makes files of its own beside the database
        return ReadOnly(f"{path} cannot be opened: its folder may not be written; check the folder's permissions")
    return Unavailable(f"{path} cannot be opened: check its permissions", retry=False)
