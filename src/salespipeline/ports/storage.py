"""What a store is: the contract of storage backends, all of it. A store knows nothing of sales. (SPEC EXT-1)"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import attrs

from salespipeline.entries import Catalog, Entry, Scalar, Stored
from salespipeline.query import Group, Measure, Query

__all__ = ["CONTRACT", "Blobs", "Explained", "Explanation", "Portable", "Store", "Transaction", "Upkeep"]


CONTRACT = 1  # docs/storage-contract.md says what changes it


class Transaction(Protocol):
    """One unit of work on a store, all of it kept or none.

    Five methods are primitives: ``get``, ``put``, ``delete``, ``scan`` and ``next_number``. ``stores.base`` makes the
    others of them, so that a store overrides only what its database does better.

    Inside, you read your own writes; outside, nobody sees half of them. What is refused changes nothing, and the
    transaction goes on. What a method yields is fixed when it is called, whatever is written before it is read. The
    catalog says which kinds there are; any other raises ``StorageError``.
    """

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        ...

    def put(self, entry: Entry) -> None:
        """Keep *entry* as version ``entry.version + 1``: its body, and its index in place of the whole one before.

        ``entry.version`` is the version that was read, 0 for an entry that must not exist. Raises ``Conflict`` where
        another one is kept, and ``Duplicate`` where another entry has the values of a unique; one that lacks a field of
        the unique is exempt. If both are broken, ``Conflict`` wins. What does not fit the catalog raises
        ``StorageError``: a field that is not declared, another type, an integer of more than 64 bits, a NUL.
        """
        ...

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""
        ...

    def amend(self, entry: Entry) -> None:
        """Replace index and body of what is kept as ``entry.version``, which stays its version.

        For upkeep alone: what the entry says is the same, written anew. Raises as ``put`` does.
        """
        ...

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, in the order of ids. ``Entry.version`` is the kept version.

        The values of a ``many`` field come in order, each once; a field without any is missing.
        """
        ...

    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*: taken back by a rollback, never given twice, no gap. (SPEC DOC-6)

        Whoever else wants a number of that series waits until this transaction ends, or raises ``Unavailable`` when it
        has waited too long. A series that nobody has used begins with 1.
        """
        ...

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for, in its order.

        ``query.matches`` says what a predicate means, in Python: a comparison with a missing field is false, text is
        compared by code point. ``id`` breaks ties, so that every order is one; ``after`` begins behind a place in it
        that need not exist any more.
        """
        ...

    def claim(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for, as ``find`` does, to be put by this transaction and nobody else.

        Whoever claims at the same time gets others, or waits until this transaction ends; with it the claim ends. For
        workers that share a queue, in a transaction that writes.
        """
        ...

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield these index fields (or ``"id"``) of what the query asks for; ``None`` where one is missing."""
        ...

    def tally(
        self, query: Query, by: Sequence[Group], measures: Sequence[Measure]
    ) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield one tuple a group, the keys and then the measures, in the order of the keys.

        A missing value is a group of its own (``None``), first. Under a ``many`` field an entry counts once
        for each of its values. No group is yielded for nothing, except that an empty *by* always yields
        exactly one tuple. Order, cursor and limit of the query are ignored.
        """
        ...

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those of *ids* that exist, by id."""
        ...

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Put every entry in turn, as ``put`` does one. What the iterable raises propagates."""
        ...

    def now(self) -> int:
        """Return the store's clock, in microseconds since 1970 UTC: the one that leases are measured with."""
        ...


class Store(Protocol):
    """A storage backend: a place for entries that knows nothing of sales.

    It gives bodies back as they came, and answers queries from the index alone. It raises nothing but ``StorageError``
    and its subclasses, with the driver's error as ``__cause__``. Threads may share a handle; a forked child opens its
    own, and gets ``StoreClosed`` from the one that it inherited.
    """

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*, which this handle then knows. It only ever adds.

        Kinds, fields, uniques and paths that are new get their room, and entries that are there are put under them; what
        the catalog no longer names is kept. A field that changes its type raises ``StorageError``. Several may prepare at
        once.

        What an older version of the store or of the catalog's format has written is refused with
        ``UpgradeNeeded``, unless *upgrade* allows to change it for good; what a newer one has written is always
        refused, with ``NewerFormat``.
        """
        ...

    def transaction(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """Return a transaction, which begins where its ``with`` block does.

        A clean exit commits; any exception rolls everything back and propagates unchanged. With ``write=False`` it is
        one consistent view, and writing raises ``ReadOnly``. Transactions do not nest: a second one in the same thread
        raises ``TransactionOpen``. One that cannot get its turn, or that lost against another, raises ``Unavailable``,
        whose ``retry`` says that running it again can help.
        """
        ...

    def close(self) -> None:
        """Release everything. Using the store afterwards raises ``StoreClosed``; closing twice is fine.

        In a transaction of this thread it raises ``TransactionOpen``. It does not wait for those of other threads, and
        does not break them: each is kept whole or not at all.
        """
        ...


@attrs.frozen
class Explanation:
    """How a database answers a query: in its own *words*, and whether it searches an index instead of reading all."""

    words: str
    indexed: bool


@runtime_checkable
class Explained(Protocol):
    """What a transaction may offer beyond the contract, where statements are run for it: to look at them."""

    def explain(self, query: Query) -> Explanation:
        """Return how ``find`` would answer *query*."""
        ...

    def traced(self) -> AbstractContextManager[list[str]]:
        """Return a block in which every statement of this transaction is written down as it is run."""
        ...


@runtime_checkable
class Portable(Protocol):
    """What a transaction may offer beyond the contract: that everything can be carried out of the store, and into it."""

    def load(self, entries: Iterable[Entry]) -> None:
        """Put entries that are new here, each as the version that it carries, the first being 1; raises as ``put`` does."""
        ...

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Yield each series with the last number that it gave, in the order of their names."""
        ...

    def set_number(self, series: str, last: int) -> None:
        """Let *series* go on behind *last*."""
        ...


@runtime_checkable
class Upkeep(Protocol):
    """What a store may offer beyond the contract; the servers of databases have tools of their own for it."""

    def check(self) -> Iterator[str]:
        """Yield a sentence for everything that is wrong with how the entries are kept."""
        ...

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy everything, as it is at one moment, to a new file, while others go on writing."""
        ...

    def vacuum(self) -> None:
        """Give back the room of what was deleted, and renew what queries are planned by."""
        ...


@runtime_checkable
class Blobs(Protocol):
    """Immutable byte strings under the SHA-256 of their content. Any ``Blobs`` goes with any ``Store``.

    Bytes are kept before the entry that names them is put, and in no transaction with it: one that is lost leaves bytes
    that nobody names, never a name without its bytes. So keeping is durable when it returns, and the same bytes are kept
    once, whoever keeps them.
    """

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes durably and return their SHA-256 as 64 hex digits. Keeping them again is fine."""
        ...

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks. Raises ``NotFound`` at once, ``Corrupt`` where they were changed."""
        ...

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        ...
