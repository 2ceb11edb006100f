"""Mutants that go wrong where two are at work: handles, threads, processes, forks."""

from __future__ import annotations

import os
from typing import Any

import attrs
from tests.mutants.harness import Act, Sabotaged, rejected_by, sqlite

from salespipeline.entries import Entry, Stored
from salespipeline.errors import TransactionOpen
from salespipeline.stores.kinds import conflict
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.sqlite import SqliteStore


@rejected_by("C-02")
class DirtyRead(Act):
    """A reader sees what another handle has not committed."""

    def __enter__(self):
        super().__enter__()
        if self.writes:
            self.shared["writing"] = self.inner
        else:
            self.inner = self.shared.get("writing", self.inner)
        return self

    def __exit__(self, kind, error, trace):
        if self.writes:
            self.shared.pop("writing", None)
        return super().__exit__(kind, error, trace)


@rejected_by("C-15")
class ThreadsShareATransaction(Act):
    """A handle has one connection, and every thread that reads gets the transaction that is open on it."""

    def __enter__(self):
        if not self.writes and "open" in self.store.own:
            self.joined, self.inner = True, self.store.own["open"]
            return self
        super().__enter__()
        self.store.own["open"] = self.inner
        return self

    def __exit__(self, kind, error, trace):
        if hasattr(self, "joined"):
            return None
        self.store.own.pop("open", None)
        return super().__exit__(kind, error, trace)


@rejected_by("C-01")
@rejected_by("X-02", over=sqlite)
class HandleRemembers(Act):
    """A handle reads a kind once, and then knows it by heart."""

    def remembered(self, kind: str) -> dict[str, Stored]:
        known = self.store.own.get(kind)
        if known is None:
            entries = list(self.inner.scan(kind))
            known = self.store.own[kind] = {one.id: Stored(one.id, one.version, one.body) for one in entries}
        return known

    def get(self, kind: str, id: str) -> Stored | None:
        return self.remembered(kind).get(id)

    def find(self, query):
        return iter(self.remembered(query.kind).values())

    def put(self, entry: Entry) -> None:
        self.inner.put(entry)
        self.store.own.pop(entry.kind, None)


@rejected_by("C-04")
@rejected_by("X-10", over=sqlite)
class ViewMoves(Act):
    """A reading transaction sees, at each call, what is committed by then."""

    def __enter__(self):
        return super().__enter__() if self.writes else self

    def __exit__(self, kind, error, trace):
        return super().__exit__(kind, error, trace) if self.writes else None

    def afresh(self, name: str, *arguments: Any) -> Any:
        if self.writes:
            return getattr(self.inner, name)(*arguments)
        with self.store.inner.transaction(write=False) as tx:
            result = getattr(tx, name)(*arguments)
            return iter(list(result)) if hasattr(result, "__next__") else result

    def get(self, kind, id):
        return self.afresh("get", kind, id)

    def scan(self, kind):
        return self.afresh("scan", kind)

    def find(self, query):
        return self.afresh("find", query)

    def columns(self, query, fields):
        return self.afresh("columns", query, fields)

    def tally(self, query, by, measures):
        return self.afresh("tally", query, by, measures)


@rejected_by("C-06")
@rejected_by("X-15", over=sqlite)
class LostUpdate(Act):
    """A handle compares the version with the one that it saw last, not with the one that is kept."""

    def get(self, kind: str, id: str) -> Stored | None:
        stored = self.inner.get(kind, id)
        self.store.own[kind, id] = 0 if stored is None else stored.version
        return stored

    def put(self, entry: Entry) -> None:
        seen = self.store.own.get((entry.kind, entry.id), self.kept_version(entry))
        if seen != entry.version:
            raise conflict(entry.kind, entry.id, entry.version, seen)
        self.inner.put(attrs.evolve(entry, version=self.kept_version(entry)))
        self.store.own[entry.kind, entry.id] = entry.version + 1


@rejected_by("I-01")
@rejected_by("I-05")
class WrittenAtTheEnd(Act):
    """Versions are compared with a snapshot, and what was put is written at the end, without a second look."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.late: list[Entry] = []

    def put(self, entry: Entry) -> None:
        kept = self.kept_version(entry)
        if kept != entry.version:
            raise conflict(entry.kind, entry.id, entry.version, kept)
        self.late.append(entry)

    def __enter__(self):
        if self.writes:
            self._transaction = self.store.inner.transaction(write=False)
        return super().__enter__()

    def __exit__(self, kind, error, trace):
        result = super().__exit__(kind, error, trace)
        if kind is None and self.late:
            with self.store.inner.transaction() as tx:
                for entry in self.late:
                    kept = tx.get(entry.kind, entry.id)
                    tx.put(attrs.evolve(entry, version=0 if kept is None else kept.version))
        return result


@rejected_by("C-11")
class CloseClosesAll(Sabotaged):
    """Closing a handle closes what all handles stand on."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.shared.setdefault("stores", []).append(self.inner)

    def close(self) -> None:
        for store in self.shared["stores"]:
            try:
                store.close()
            except TransactionOpen:
                store._closed = True
        self.inner._data.format = 0


class Impatient(MemoryStore):
    """A store that waits for nobody for more than half a second."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"timeout": 0.5, **options})


@rejected_by("C-19")
class NobodyWaits(Impatient):
    """A writer who finds another at work gives up at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(timeout=0, **options)


@rejected_by("C-22")
class FailureKeepsTheLock(Impatient):
    """A transaction that fails goes on keeping others out."""

    def _end(self, transaction, *, write: bool, commit: bool) -> None:
        super()._end(transaction, write=write, commit=commit)
        if not commit and write:
            self._data.writer.acquire(timeout=0)


@rejected_by("C-05")
class ReadersExclude(Impatient):
    """Who reads keeps writers out."""

    def _begin(self, transaction, *, write: bool) -> None:
        super()._begin(transaction, write=write)
        if not write and not self._data.writer.acquire(timeout=0):
            transaction.late = True

    def _end(self, transaction, *, write: bool, commit: bool) -> None:
        super()._end(transaction, write=write, commit=commit)
        if not write:
            self._data.writer.release()


@rejected_by("X-07", over=sqlite)
@rejected_by("X-09", over=sqlite)
class EachPutCommits(Act):
    """Each put commits by itself, and only an exception takes the others back."""

    def put(self, entry: Entry) -> None:
        self.inner.put(entry)
        self._transaction.__exit__(None, None, None)
        self._transaction = self.store.inner.transaction()
        self.inner = self._transaction.__enter__()


@rejected_by("X-08", over=sqlite)
class CommittedOnClose(Sabotaged):
    """A handle keeps one transaction open, and commits when it is closed."""

    def around(self, transaction, write: bool) -> Act:
        store = self

        class Joining(self.act):
            def __enter__(self):
                if "open" not in store.own:
                    store.own["transaction"] = store.inner.transaction()
                    store.own["open"] = store.own["transaction"].__enter__()
                self.inner = store.own["open"]
                return self

            def __exit__(self, kind, error, trace):
                return None

        return Joining(self, transaction)

    def close(self) -> None:
        if "open" in self.own:
            del self.own["open"]
            self.own["transaction"].__exit__(None, None, None)
        self.inner.close()


@rejected_by("X-13", over=sqlite)
class InheritedHandleUsed(SqliteStore):
    """A forked child goes on with the connections of its parent."""

    def transaction(self, *, write: bool = True):
        self._file._pid = os.getpid()
        return super().transaction(write=write)
