"""The handle: one LMDB environment a folder and process, shared by all who open it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import lmdb

from salespipeline.entries import Catalog, Kind
from salespipeline.errors import NewerFormat, OpenError, StoreClosed
from salespipeline.stores.base import system_clock
from salespipeline.stores.kinds import check_catalog, dumped, loaded, merged, not_unique, older_format, transaction_open
from salespipeline_lmdb.transaction import LmdbTransaction, translated

__all__ = ["LmdbStore", "open_lmdb"]

GIB = 1 << 30


def open_lmdb(url: str) -> LmdbStore:
    """Open ``lmdb:///relative/folder`` or ``lmdb:////absolute/folder``: what the entry point names."""
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or parts.query or not path:
        raise OpenError(f"{url!r} is not an LMDB URL: write lmdb:///folder or lmdb:////srv/folder")
    return LmdbStore(path)


class Environment:
    """A folder that is open in this process. LMDB allows it to be opened only once.

    Its users are handles and running transactions; the last to leave closes it, so that a handle may be closed while
    another thread is in the middle of something.
    """

    _open: ClassVar[dict[Path, Environment]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.users: set[LmdbStore | LmdbTransaction] = set()
        self.writer = threading.Lock()  # LMDB's own cannot be waited for with a time-out
        self.lmdb = lmdb.open(str(path), map_size=size, max_dbs=4, max_readers=1024)
        self.entries = self.lmdb.open_db(b"entries")
        self.index = self.lmdb.open_db(b"index", dupsort=True)
        self.numbers = self.lmdb.open_db(b"numbers")
        self.facts = self.lmdb.open_db(b"facts")

    @classmethod
    def used_by(cls, user: LmdbStore, path: Path, size: int) -> Environment:
        """Return the environment of *path*, opened if it is not, with one more user."""
        with cls._guard:
            found = cls._open.get(path)
            if found is None:
                found = cls._open[path] = cls(path, size)
            found.users.add(user)
            return found

    def enter(self, user: LmdbTransaction) -> None:
        """Keep it open for *user* as well."""
        with self._guard:
            if not self.users:
                raise StoreClosed(f"the store {self.path} was closed; open a new one")
            self.users.add(user)

    def leave(self, user: LmdbStore | LmdbTransaction) -> None:
        """Close it with its last user."""
        with self._guard:
            self.users.discard(user)
            if not self.users:
                del self._open[self.path]
                self.lmdb.close()

    @classmethod
    def abandon_all(cls) -> None:
        """In a forked child: let go of what was inherited, so that the child may open its own.

        Nothing is closed or rolled back by name: that would clear the parent's marks in the table of readers. The
        binding frees what nobody refers to any more, and then leaves alone what is the parent's.
        """
        inherited = list(cls._open.values())
        cls._open.clear()
        cls._guard = threading.Lock()  # whoever held it is not here
        for environment in inherited:
            for user in environment.users:
                user.abandon()
            del environment.lmdb, environment.entries, environment.index, environment.numbers, environment.facts


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Environment.abandon_all)


class LmdbStore:
    """Entries in a folder, which is made if it is not there.

    May be shared between threads; not with a forked child, where it raises ``StoreClosed`` and the child opens its own.
    *size* is how many bytes the folder may grow to, *timeout* how many seconds to wait for another thread that writes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        size: int = 64 * GIB,
        timeout: float = 30.0,
        now: Callable[[], int] = system_clock,
    ) -> None:
        folder = Path(path).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.environment = Environment.used_by(self, folder.resolve(), size)
        except OSError as error:
            raise OpenError(f"the folder {folder} cannot be used: {error.strerror or error}") from error
        except lmdb.Error as error:
            raise translated(error, folder) from error
        self.timeout = timeout
        self.now = now
        self.kinds: dict[str, Kind] = {}
        self.local = threading.local()
        self._closed = self._abandoned = False

    def __repr__(self) -> str:
        return f"<LmdbStore {str(self.environment.path)!r}>"

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*: what is there is put under its new indexes."""
        check_catalog(catalog)
        with self.transaction(write=False) as tx:
            kinds = self._merged(tx, catalog, upgrade=upgrade)
            same = tx.fact("format") == str(catalog.format)
            if same and all(tx.fact(f"kind:{kind.name}") == dumped(kind) for kind in kinds):
                self.kinds |= {kind.name: kind for kind in kinds}
                return
        with self.transaction() as tx:
            kinds = self._merged(tx, catalog, upgrade=upgrade)
            for kind in kinds:
                before = tx.fact(f"kind:{kind.name}")
                if before is not None and before != dumped(kind):
                    broken = tx.become(loaded(kind.name, before), kind)
                    if broken is not None:
                        raise not_unique(kind.name, broken)
                tx.state(f"kind:{kind.name}", dumped(kind))
            tx.state("format", str(catalog.format))
        self.kinds |= {kind.name: kind for kind in kinds}

    def _merged(self, tx: LmdbTransaction, catalog: Catalog, *, upgrade: bool) -> list[Kind]:
        format = int(json.loads(tx.fact("format") or "0"))
        if format > catalog.format:
            message = f"the entries are in format {format} and this program knows {catalog.format}; upgrade it"
            raise NewerFormat(message)
        if 0 < format < catalog.format and not upgrade:
            raise older_format(format, catalog.format)
        kept = {kind.name: tx.fact(f"kind:{kind.name}") for kind in catalog.kinds}
        return [
            merged(None if (definition := kept[kind.name]) is None else loaded(kind.name, definition), kind)
            for kind in catalog.kinds
        ]

    def transaction(self, *, write: bool = True) -> LmdbTransaction:
        """Return a transaction; it begins where its ``with`` block does."""
        return LmdbTransaction(self, write=write)

    def close(self) -> None:
        """Leave the environment. Closing twice is fine."""
        if getattr(self.local, "open", False):
            raise transaction_open()
        if not self._closed:
            self._closed = True
            self.environment.leave(self)

    def abandon(self) -> None:
        """Be of no use any more: this is a forked child."""
        self._closed = self._abandoned = True

    def usable(self) -> None:
        """Raise ``StoreClosed`` or ``TransactionOpen`` where no transaction can begin."""
        if self._abandoned:
            raise StoreClosed("this handle belongs to the parent process; open a new one after a fork")
        if self._closed:
            raise StoreClosed(f"the store {self.environment.path} was closed; open a new one")
        if getattr(self.local, "open", False):
            raise transaction_open()

    def __enter__(self) -> LmdbStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
