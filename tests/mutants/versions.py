"""Mutants that lose track of versions, indexes and uniques."""

from __future__ import annotations

import attrs
from tests.mutants.harness import Act, Sabotaged, given, rejected_by, sqlite

from salespipeline.entries import Catalog, Entry
from salespipeline.errors import Conflict, StorageError
from salespipeline.stores.base import BaseTransaction
from salespipeline.stores.kinds import conflict, duplicate


@rejected_by("V-03")
class VersionIgnored(Act):
    """Whoever puts last wins."""

    def put(self, entry: Entry) -> None:
        self.inner.put(attrs.evolve(entry, version=self.kept_version(entry)))


@rejected_by("V-02")
class VersionNotBumped(Act):
    """A change leaves the version as it was."""

    def put(self, entry: Entry) -> None:
        if entry.version:
            self.inner.amend(entry)
        else:
            self.inner.put(entry)


@rejected_by("V-04")
class NewerVersionAccepted(Act):
    """Only an older version is refused."""

    def put(self, entry: Entry) -> None:
        kept = self.kept_version(entry)
        self.inner.put(attrs.evolve(entry, version=kept) if 0 < kept < entry.version else entry)


@rejected_by("V-05")
class CreationOverwrites(Act):
    """An entry that must not exist replaces the one that does."""

    def put(self, entry: Entry) -> None:
        self.inner.put(entry if entry.version else attrs.evolve(entry, version=self.kept_version(entry)))


@rejected_by("V-06")
class ChangeCreates(Act):
    """A change of what is not there makes it."""

    def put(self, entry: Entry) -> None:
        self.inner.put(entry if self.kept_version(entry) else attrs.evolve(entry, version=0))


@rejected_by("V-08")
class DeleteIgnoresVersion(Act):
    """A delete removes whatever is there."""

    def delete(self, kind: str, id: str, version: int) -> None:
        stored = self.inner.get(kind, id)
        self.inner.delete(kind, id, version if stored is None else stored.version)


@rejected_by("V-09")
class DeleteOfNothingPasses(Act):
    """A delete of what is not there does nothing, and says nothing."""

    def delete(self, kind: str, id: str, version: int) -> None:
        if self.inner.get(kind, id) is not None:
            self.inner.delete(kind, id, version)


@rejected_by("V-10")
class DeletedIdIsBurnt(Act):
    """An id that was deleted can never be used again."""

    def put(self, entry: Entry) -> None:
        if (entry.kind, entry.id) in self.shared:
            raise conflict(entry.kind, entry.id, entry.version, None)
        self.inner.put(entry)

    def delete(self, kind: str, id: str, version: int) -> None:
        self.inner.delete(kind, id, version)
        self.shared[kind, id] = True


@rejected_by("V-12")
class OldFieldsKept(Act):
    """A change is merged into the index that was there."""

    def put(self, entry: Entry) -> None:
        old = self.kept_entry(entry.kind, entry.id)
        self.inner.put(entry if old is None else given(entry, **{**old.index, **entry.index}))


@rejected_by("V-13")
class TagsAppended(Act):
    """A change adds its tags to those that were there."""

    def put(self, entry: Entry) -> None:
        old = self.kept_entry(entry.kind, entry.id)
        before = () if old is None else old.index.get("tags", ())
        self.inner.put(given(entry, tags=(*before, *entry.index.get("tags", ()))) if before else entry)


@rejected_by("V-14")
class TagsLeftBehind(Act):
    """A delete leaves the tags, and who is made under the id again has them."""

    def put(self, entry: Entry) -> None:
        left = () if entry.version else self.shared.get(entry.id, ())
        self.inner.put(given(entry, tags=(*left, *entry.index.get("tags", ()))) if left else entry)

    def delete(self, kind: str, id: str, version: int) -> None:
        old = self.kept_entry(kind, id)
        self.inner.delete(kind, id, version)
        self.shared[id] = () if old is None else old.index.get("tags", ())


@rejected_by("V-16", over=sqlite)
class TagsGoBeforeTheVersionIsLookedAt(Act):
    """The tags of an entry are removed before it turns out that the put must be refused."""

    def put(self, entry: Entry) -> None:
        old = self.kept_entry(entry.kind, entry.id)
        if old is not None and old.version != entry.version:
            self.store.own["tags gone"] = old.id
            self.inner.amend(given(old, tags=None))
            self.store.own["error"] = error = conflict(entry.kind, entry.id, entry.version, old.version)
            raise error
        self.inner.put(entry)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool | None:
        if error is not None and error is self.store.own.get("error"):  # each statement commits by itself
            self._transaction.__exit__(None, None, None)
            return None
        return super().__exit__(kind, error, trace)  # type: ignore[arg-type]


@rejected_by("V-15")
class ManyAreOld(Act):
    """What is read by the dozen comes from a cache that a change does not reach."""

    def get_many(self, kind, ids):
        found = self.inner.get_many(kind, ids)
        return {id: self.shared.setdefault((kind, id), stored) for id, stored in found.items()}

    def put(self, entry: Entry) -> None:
        self.inner.put(entry)
        self.get_many(entry.kind, [entry.id])


@rejected_by("V-17")
class AmendmentBumps(Act):
    """An amendment counts as a change."""

    def amend(self, entry: Entry) -> None:
        self.inner.put(entry)


@rejected_by("V-18")
class AmendmentOfAnyVersion(Act):
    """An amendment does not look at the version."""

    def amend(self, entry: Entry) -> None:
        self.inner.amend(attrs.evolve(entry, version=self.kept_version(entry)))


@rejected_by("V-19")
class AmendmentHalfDone(Act):
    """An amendment deletes the old before it knows whether the new is welcome."""

    def amend(self, entry: Entry) -> None:
        self.inner.delete(entry.kind, entry.id, entry.version)
        BaseTransaction._put_up_to(self, entry)  # type: ignore[arg-type]


@rejected_by("U-01")
class UniqueNotEnforced(Sabotaged):
    """Uniques are not declared to the database."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        kinds = tuple(attrs.evolve(kind, unique=()) for kind in catalog.kinds)
        self.inner.prepare(attrs.evolve(catalog, kinds=kinds), upgrade=upgrade)


@rejected_by("U-02")
class MissingCollides(Act):
    """Two entries that lack a unique field have the same value."""

    def put(self, entry: Entry) -> None:
        others = [one for one in self.inner.scan(entry.kind) if one.id != entry.id]
        if "reference" not in entry.index and any("reference" not in one.index for one in others):
            raise duplicate(entry.kind, entry.id, ("reference",))
        self.inner.put(entry)


@rejected_by("U-03")
class CompoundTakenApart(Act):
    """Each field of a compound unique is unique by itself."""

    def put(self, entry: Entry) -> None:
        others = [one.index.get("number") for one in self.inner.scan(entry.kind) if one.id != entry.id]
        if entry.index.get("number") in [number for number in others if number is not None]:
            raise duplicate(entry.kind, entry.id, ("area", "number"))
        self.inner.put(entry)


@rejected_by("U-06")
class UniqueOutlivesItsEntry(Act):
    """A delete leaves the value of a unique taken."""

    def put(self, entry: Entry) -> None:
        if entry.index.get("reference") in self.shared:
            raise duplicate(entry.kind, entry.id, ("reference",))
        self.inner.put(entry)

    def delete(self, kind: str, id: str, version: int) -> None:
        old = self.kept_entry(kind, id)
        self.inner.delete(kind, id, version)
        if old is not None and "reference" in old.index:
            self.shared[str(old.index["reference"])] = True


@rejected_by("U-08")
class UniqueCheckedAtTheEnd(Act):
    """An entry that collides is put when the transaction ends."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.late: list[Entry] = []

    def put(self, entry: Entry) -> None:
        try:
            self.inner.put(entry)
        except Conflict:
            raise
        except StorageError:
            self.late.append(entry)

    def __exit__(self, kind, error, trace):
        if kind is None:
            for entry in self.late:
                self.inner.put(entry)
        return super().__exit__(kind, error, trace)


@rejected_by("U-09")
class UniqueFoldsCase(Act):
    """R and r are the same value of a unique."""

    def put(self, entry: Entry) -> None:
        mine = str(entry.index.get("reference")).casefold()
        others = [one for one in self.inner.scan(entry.kind) if one.id != entry.id and "reference" in one.index]
        if any(str(other.index["reference"]).casefold() == mine for other in others):
            raise duplicate(entry.kind, entry.id, ("reference",))
        self.inner.put(entry)


@rejected_by("U-14")
class DuplicateWins(Act):
    """Uniques are looked at before the version."""

    def put(self, entry: Entry) -> None:
        reference = entry.index.get("reference")
        others = [one.index.get("reference") for one in self.inner.scan(entry.kind) if one.id != entry.id]
        if reference is not None and reference in others:
            raise duplicate(entry.kind, entry.id, ("reference",))
        self.inner.put(entry)


@rejected_by("U-15")
class BatchSkipsWhatCollides(Act):
    """put_many leaves out what cannot be put."""

    def put_many(self, entries) -> None:
        for entry in entries:
            try:
                self.inner.put(entry)
            except Conflict:
                raise
            except StorageError:
                continue


@rejected_by("T-12")
class BatchIgnoresVersions(Act):
    """put_many does not look at versions."""

    def put_many(self, entries) -> None:
        for entry in entries:
            self.inner.put(attrs.evolve(entry, version=self.kept_version(entry)))
