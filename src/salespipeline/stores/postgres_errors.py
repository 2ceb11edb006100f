"""From PostgreSQL's errors to the library's own."""

from __future__ import annotations

import re

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from salespipeline.errors import (
    Corrupt,
    Overflow,
    ReadOnly,
    StorageError,
    StorageFull,
    StoreClosed,
    Unavailable,
)

__all__ = ["FAILURES", "PASSING", "translated"]

# What the driver raises: its own errors, and those of texts that it cannot encode.
FAILURES = (psycopg.Error, UnicodeError)
# What may not happen again when the whole transaction is tried again: it lost against another one.
PASSING = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
# Who is refused while connecting is told in words alone. In another language it may look worth another try.
_REFUSED = re.compile(r"FATAL: +(password|role|database \"|no pg_hba|peer|permission)|fe_sendauth|no password")

_MADE = "somebody else made the same tables at the same time, and this transaction was rolled back; run it again"


def translated(error: Exception) -> StorageError:
    """Return the error of the library for one of the driver; raise it ``from`` the driver's.

    >>> translated(psycopg.errors.DeadlockDetected("deadlock detected")).retry
    True
    """
    state = getattr(error, "sqlstate", None) or ""
    match state:
        case "40001" | "40P01":
            return Unavailable("this transaction lost against another one and was rolled back; run it again")
        case "42P06" | "42P07":
            return Unavailable(_MADE)
        case "23505" if isinstance(error, psycopg.Error) and (error.diag.constraint_name or "").startswith("pg_"):
            return Unavailable(_MADE)  # an index of PostgreSQL's own: two made it before either could see the other
        case "55P03" | "57014":
            return Unavailable("the database is busy: somebody else holds a lock for too long; try again")
        case "53100":
            return StorageFull("there is no room left in the database; make room and try again, nothing was written")
        case "25006":
            return ReadOnly("the database takes no writes: it is a standby, or set to read only; open the primary")
        case "42501":
            return StorageError(f"the role may not do this: {_text(error)}; grant it the right, or use another role")
        case "42P01" | "42703" | "3F000":
            return StorageError(f"a table is not as it was prepared: {_text(error)}; call prepare() again")
        case "22003":
            return Overflow("a number does not fit a signed 64-bit integer; narrow the query")
        case "54000":
            message = f"a value is too long for an index of PostgreSQL, which ends near 2,700 bytes: {_text(error)}"
            return StorageError(message)
    return _of_class(error, state[:2])


def _of_class(error: Exception, state: str) -> StorageError:
    match state:
        case "28" | "3D":
            return Unavailable(f"the database lets nobody in like this: {_text(error)}; mend the URL", retry=False)
        case "08" | "53" | "57" | "58":
            return Unavailable(f"the database cannot be reached just now: {_text(error)}; try again")
        case "XX":
            return Corrupt(f"the database is damaged: {_text(error)}; restore it from a backup")
    if isinstance(error, PoolClosed):
        return StoreClosed("the store was closed; open a new one")
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Unavailable("every connection is in use: try again, or open the store with a larger pool")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not state:
        if _REFUSED.search(str(error)):
            return Unavailable(f"the database lets nobody in like this: {_text(error)}; mend the URL", retry=False)
        return Unavailable(f"the database cannot be reached: {_text(error)}; try again")
    if isinstance(error, UnicodeError):
        return StorageError("a text holds a lone surrogate, which is not a character and cannot be kept")
    return StorageError(f"PostgreSQL refused: {_text(error)}")


def _text(error: Exception) -> str:
    # Only the first line: the lines behind it show rows, which may be somebody's data.
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
