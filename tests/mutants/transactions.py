"""Mutants that begin, end or prepare wrongly."""

from __future__ import annotations

import contextlib
import os
import weakref

import attrs
from tests.mutants.harness import Act, Sabotaged, rejected_by, sqlite

from salespipeline.entries import Catalog, Entry
from salespipeline.errors import StorageError, TransactionOpen


@rejected_by("T-02")
@rejected_by("M-02")
class CommitOnError(Act):
    """An exception commits what was done so far."""

    def __exit__(self, kind, error, trace):
        return self._transaction.__exit__(None, None, None)


@rejected_by("T-01")
class NothingCommitted(Act):
    """A clean exit rolls back."""

    def __exit__(self, kind, error, trace):
        return self._transaction.__exit__(KeyError, KeyError(), None)


@rejected_by("T-13")
class InterruptCommits(Act):
    """Only an Exception rolls back; an interrupt commits."""

    def __exit__(self, kind, error, trace):
        if kind is not None and not issubclass(kind, Exception):
            return self._transaction.__exit__(None, None, None)
        return super().__exit__(kind, error, trace)


@rejected_by("T-03")
class ErrorsWrapped(Act):
    """What ends a transaction comes out as an error of the store."""

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        if error is not None:
            raise StorageError("the transaction failed") from error


@rejected_by("S-05")
class ErrorsSwallowed(Act):
    """What ends a transaction is never heard of again."""

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        return True


@rejected_by("T-04")
class DeletesStay(Act):
    """A rollback does not bring back what was deleted."""

    gone: tuple = ()

    def delete(self, kind: str, id: str, version: int) -> None:
        self.inner.delete(kind, id, version)
        self.gone = (kind, id, version)

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        if kind is not None and self.gone:
            with self.store.inner.transaction() as tx:
                tx.delete(*self.gone)


@rejected_by("T-06")
class OwnWritesUnseen(Act):
    """A transaction finds what was there when it began, and not what it has put."""

    def __enter__(self):
        super().__enter__()
        self.before = {entry.id for entry in self.inner.scan("deal")} if "deal" in self.shared else set()
        self.shared["deal"] = True
        return self

    def find(self, query):
        return iter([stored for stored in self.inner.find(query) if stored.id in self.before])


@rejected_by("T-08")
class TransactionsNest(Sabotaged):
    """A second transaction in the same thread joins the first."""

    def around(self, transaction, write: bool) -> Act:
        store = self

        class Joining(self.act):
            def __enter__(self):
                try:
                    super().__enter__()
                    store.own["open"] = self
                except TransactionOpen:
                    self.inner = store.own["open"].inner
                    self.joined = True
                return self

            def __exit__(self, kind, error, trace):
                return None if hasattr(self, "joined") else super().__exit__(kind, error, trace)

        return Joining(self, transaction)


@rejected_by("T-09")
class ReadersWrite(Sabotaged):
    """A reading transaction is a writing one."""

    def transaction(self, *, write: bool = True) -> Act:
        return self.around(self.inner.transaction(), write)


@rejected_by("T-10")
class NeverOver(Act):
    """A transaction that ended goes on, each call in one of its own."""

    over = False

    def __exit__(self, kind, error, trace):
        result = super().__exit__(kind, error, trace)
        self.over = True
        return result

    def put(self, entry: Entry) -> None:
        if self.over:
            with self.store.inner.transaction() as tx:
                tx.put(entry)
        else:
            self.inner.put(entry)


@rejected_by("T-11")
class RefusalEndsAll(Act):
    """After a refused put the transaction rolls back, as PostgreSQL's does."""

    refused = False

    def put(self, entry: Entry) -> None:
        try:
            self.inner.put(entry)
        except StorageError:
            self.refused = True
            raise

    def __exit__(self, kind, error, trace):
        if self.refused and kind is None:
            kind, error = KeyError, KeyError()
        return super().__exit__(kind, error, trace)


@rejected_by("T-14")
class BegunTooEarly(Sabotaged):
    """A transaction begins when it is made."""

    def around(self, transaction, write: bool) -> Act:
        inner = self.own["begun"] = transaction.__enter__()
        return super().around(contextlib.nullcontext(inner), write)

    def close(self) -> None:
        self.own["begun"].__exit__(None, None, None)
        super().close()


@rejected_by("T-17")
class RollbackBreaksTheHandle(Act):
    """A handle is of no use after a rollback."""

    def __exit__(self, kind, error, trace):
        result = super().__exit__(kind, error, trace)
        if kind is not None:
            self.store.close()
        return result


@rejected_by("E-06")
class SourceErrorsWrapped(Act):
    """An error of the iterable that is put comes out as an error of the store."""

    def put_many(self, entries) -> None:
        try:
            super().put_many(entries)
        except LookupError as error:
            raise StorageError("the batch failed") from error


@rejected_by("R-01")
class PrepareDropsData(Sabotaged):
    """Preparing again makes the tables anew."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        self.inner.prepare(catalog, upgrade=upgrade)
        with self.inner.transaction() as tx:
            for kind in catalog.kinds:
                for entry in tx.scan(kind.name):
                    tx.delete(kind.name, entry.id, entry.version)


@rejected_by("R-01")
class PrepareOnlyOnce(Sabotaged):
    """Preparing again fails, for the tables are there."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        if self.shared.setdefault("prepared", catalog) is not catalog or "again" in self.own:
            raise StorageError("the table exists already")
        self.own["again"] = True
        self.inner.prepare(catalog, upgrade=upgrade)


@rejected_by("R-05")
class NewFieldsIgnored(Sabotaged):
    """A field that is added later is not there."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        first = self.shared.setdefault("kinds", {kind.name: kind for kind in catalog.kinds})
        kinds = tuple(first.get(kind.name, kind) for kind in catalog.kinds)
        self.inner.prepare(attrs.evolve(catalog, kinds=kinds), upgrade=upgrade)


@rejected_by("R-07")
class NewUniquesIgnored(Sabotaged):
    """A unique that is added later is not enforced."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        first = self.shared.setdefault("kinds", {kind.name: kind for kind in catalog.kinds})
        kinds = tuple(attrs.evolve(kind, unique=first.get(kind.name, kind).unique) for kind in catalog.kinds)
        self.inner.prepare(attrs.evolve(catalog, kinds=kinds), upgrade=upgrade)


@rejected_by("R-12")
class NewerFormatRead(Sabotaged):
    """Entries in a newer format are read as if they were known."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        self.inner.prepare(attrs.evolve(catalog, format=1), upgrade=upgrade)


@rejected_by("R-20")
class UpgradedUnasked(Sabotaged):
    """Entries in an older format are upgraded by whoever opens them."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        self.inner.prepare(catalog, upgrade=True)


@rejected_by("R-19")
class PreparedHalf(Sabotaged):
    """A preparation that is refused has added the kinds before the fault."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        for kind in catalog.kinds:
            self.inner.prepare(attrs.evolve(catalog, kinds=(kind,)), upgrade=upgrade)


@rejected_by("R-17")
class ClosingTwiceFails(Sabotaged):
    """Closing again is an error."""

    def close(self) -> None:
        self.own["closed"] = times = self.own.get("closed", 0) + 1
        if times == 2:
            raise StorageError("closed already")
        self.inner.close()


@rejected_by("R-18")
class CloseDoesNothing(Sabotaged):
    """A closed handle goes on."""

    def close(self) -> None:
        pass


@rejected_by("R-21", over=sqlite)
class CloseLeaks(Sabotaged):
    """A closed handle keeps its file open."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.shared[self] = os.open(self.inner._file.path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.shared[self])
