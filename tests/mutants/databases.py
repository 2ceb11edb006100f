"""Mutants of PostgreSQL: what is easily got wrong in SQL between two sessions."""

from __future__ import annotations

import attrs
from tests.mutants.harness import Act, Sabotaged, postgres, rejected_by

from salespipeline.entries import Catalog, Entry
from salespipeline.errors import Conflict
from salespipeline.stores.kinds import duplicate


@rejected_by("N-03", over=postgres)
class NumbersFromASequence(Sabotaged):
    """Numbers come from a sequence of the database."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        self.inner.prepare(catalog, upgrade=upgrade)
        with self.inner._source.transaction(write=True) as session:
            session.run(f"CREATE SEQUENCE IF NOT EXISTS {self.inner._source.place.table('_sequence')}")

    def around(self, transaction, write: bool) -> Act:
        sequence = self.inner._source.place.table("_sequence")

        class Counting(self.act):
            def next_number(self, series: str) -> int:
                return int(self.inner._run(f"SELECT nextval('{sequence}')").fetchone()[0])

        return Counting(self, transaction)


@rejected_by("I-05", over=postgres)
class LosesTheRace(Act):
    """The version is compared when it is read; a change that came in between is overwritten."""

    def put(self, entry: Entry) -> None:
        seen = self.kept_version(entry)
        try:
            self.inner.put(entry)
        except Conflict:
            if seen != entry.version:
                raise
            self.inner.put(attrs.evolve(entry, version=self.kept_version(entry)))


@rejected_by("C-04", over=postgres)
class ReadsWhatIsCommittedByThen(Act):
    """A reading transaction is READ COMMITTED: each statement sees another state."""

    def __enter__(self):
        super().__enter__()
        if not self.writes:
            self.inner._run("COMMIT")
            self.inner._run("BEGIN ISOLATION LEVEL READ COMMITTED")
        return self


@rejected_by("I-08", over=postgres)
class UniqueLookedUp(Sabotaged):
    """There is no unique index: an entry is put where a look finds nobody who has the value."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        self.inner.prepare(catalog, upgrade=upgrade)
        schema = self.inner._source.place.schema
        with self.inner._source.transaction(write=True) as session:
            for name in self.inner._tables["deal"].uniques:
                session.run(f'DROP INDEX IF EXISTS "{schema}"."{name}"')

    def around(self, transaction, write: bool) -> Act:
        class Looking(self.act):
            def put(self, entry: Entry) -> None:
                taken = [one.index.get("reference") for one in self.inner.scan(entry.kind) if one.id != entry.id]
                if entry.index.get("reference") in [value for value in taken if value is not None]:
                    raise duplicate(entry.kind, entry.id, ("reference",))
                self.inner.put(entry)

        return Looking(self, transaction)
