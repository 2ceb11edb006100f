"""Upkeep of a pipeline: check it, back it up, upgrade what an older version has written, index it anew.

Opening never upgrades: it raises ``UpgradeNeeded``, which says to call ``upgrade``. Everything here may be killed at
any moment and called again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from salespipeline.catalog import CATALOG, KEPT, index_of
from salespipeline.codec import decode
from salespipeline.entries import Scalar, Stored
from salespipeline.errors import StorageError
from salespipeline.opening import open_store
from salespipeline.ports import Store, Transaction, Upkeep
from salespipeline.rewriting import rewrite
from salespipeline.sales import Sales

__all__ = ["backup", "check", "reindex", "upgrade", "vacuum"]

Target = Sales | Store | str | os.PathLike[str]
Progress = Callable[[str, int], object]


def check(sales: Sales) -> list[str]:
    """Return a sentence for everything that is wrong: none for a sound pipeline.

    The store looks at how things are kept; then every record is read, and its index compared with what the record
    says.

    >>> import salespipeline as sp
    >>> check(sp.demo())
    []
    """
    found = list(sales.store.check()) if isinstance(sales.store, Upkeep) else []
    with sales.store.transaction(write=False) as tx:
        for kept in KEPT:
            found.extend(_faults(tx, kept.kind.name))
    return found


def _faults(tx: Transaction, kind: str) -> Iterator[str]:
    for entry in tx.scan(kind):
        try:
            record = decode(kind, Stored(entry.id, entry.version, entry.body))
        except StorageError as error:
            yield str(error)
            continue
        wanted = {name: _set(value) for name, value in index_of(record).items() if value != ()}
        wrong = sorted(
            name for name in wanted.keys() | entry.index.keys() if wanted.get(name) != _set(entry.index.get(name))
        )
        if wrong:
            yield f"{kind} {entry.id!r} is found by a wrong {' and '.join(wrong)}: call maintenance.reindex()"


def _set(value: Scalar | tuple[Scalar, ...] | None) -> Scalar | frozenset[Scalar] | None:
    return frozenset(value) if isinstance(value, tuple) else value


def backup(target: Target, path: str | os.PathLike[str]) -> Path:
    """Copy the whole store, as it is at one moment, to a new file; others may go on writing. Returns its path.

    Raises ``StorageError`` where the file is there already, or where the store leaves backups to its server's tools.
    """
    with _Opened(target) as store:
        _upkeep(store).backup(path)
    return Path(path)


def vacuum(target: Target) -> None:
    """Give back the room of what was deleted, and renew what queries are planned by."""
    with _Opened(target) as store:
        _upkeep(store).vacuum()


def upgrade(
    target: Store | str | os.PathLike[str],
    *,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Path | None:
    """Bring what an older version has written up to this one, after a backup to *keep*; returns the backup's path.

    *keep* defaults to the file's own name with the moment added; a store that has no backup of its own is upgraded
    without one, so make it with the server's tools first. What is up to date already is left alone.
    """
    with _Opened(target) as store:
        saved = None
        if isinstance(store, Upkeep):
            saved = Path(keep) if keep is not None else _beside(target)
            store.backup(saved)
        store.prepare(CATALOG, upgrade=True)
        reindex(store, progress=progress)
    return saved


def _beside(target: object) -> Path:
    name = str(target).rpartition(":///")[2].partition("?")[0] if isinstance(target, str | os.PathLike) else "store"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = Path(f"{name}.{moment}.backup")
    numbered = (path.with_suffix(f".{number}.backup") for number in count(2))
    return next(one for one in (path, *([] if not path.exists() else numbered)) if not one.exists())


def reindex(target: Sales | Store, *, progress: Progress | None = None) -> int:
    """Write every record anew, in this version's format and with this version's index; returns how many.

    In chunks of 500, each a transaction of its own that also notes how far it came: where it was stopped, the next
    call goes on. Versions stay as they are. *progress* is told the kind and the number done.
    """
    store = target.store if isinstance(target, Sales) else target
    done = 0
    while (chunk := rewrite(store)) is not None:
        kind, written = chunk
        done += written
        if progress is not None:
            progress(kind, done)
    return done


class _Opened:
    """The store of a target; one that was opened from a URL for this is closed again."""

    def __init__(self, target: Target) -> None:
        self._own = isinstance(target, str | os.PathLike)
        self._store = open_store(target) if isinstance(target, str | os.PathLike) else target

    def __enter__(self) -> Store:
        return self._store.store if isinstance(self._store, Sales) else self._store

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._store.close()


def _upkeep(store: Store) -> Upkeep:
    if not isinstance(store, Upkeep):
        raise StorageError(f"{store!r} leaves this to the tools of its server")
    return store
