"""Reading an export into a store that is empty: all of it, or nothing.

First everything is compared with the manifest, and nothing is written where something is wrong. Then the files, and then
the records in chunks, each a transaction that also notes how far it came: what was killed goes on from there. Until it is
finished, nobody can open the store. A record that cannot be read makes an end of it: all of them are told, and what was
written is taken back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import attrs

from salespipeline.catalog import CATALOG, FORMAT, Stamp, index_of
from salespipeline.codec import body_of, decode, encode, uncollected
from salespipeline.entries import Entry, Stored
from salespipeline.errors import Conflict, Invalid, OpenError, Problem, Refused, StorageError
from salespipeline.exports.lines import facts_of, problems_of, read
from salespipeline.exports.manifest import FILES, MANIFEST, NUMBERS, Listed, Manifest, place_of
from salespipeline.exports.places import CHUNK, Reading, reading
from salespipeline.exports.writing import Progress
from salespipeline.ports import Blobs, Portable, Store, Transaction
from salespipeline.query import EVERYTHING, Query
from salespipeline.rewriting import IMPORT, OF_THE_STORE

__all__ = ["Imported", "import_from"]

AT_ONCE = 4000  # records in a transaction
MOST_PROBLEMS = 1000
ENOUGH = 64 * 1024 * 1024  # bytes of files after which it is worth to note how far it came
_AS_NOW = tuple(f'{{"format":{FORMAT}{end}' for end in ",}")
LOADING, EMPTYING = 0, 1


@attrs.frozen(kw_only=True)
class Imported:
    """What was imported: how many *records* and *files*; *resumed* says that an earlier run had begun it."""

    records: int
    files: int
    resumed: bool = False

    def __str__(self) -> str:
        return f"{self.records:,} records and {self.files:,} files imported"


def import_from(path: Path, store: Store, blobs: Blobs | None, *, progress: Progress | None = None) -> Imported:
    """Put everything that the export at *path* holds into *store*."""
    told = progress or (lambda _name, _done: None)
    with reading(path) as place:
        with place.open(MANIFEST) as file:
            manifest = Manifest.of(file.read(16 * 1024 * 1024).decode(errors="replace"))
        _verify(place, manifest)
        return _Loading(place, manifest, store, blobs, told).run()


def _verify(place: Reading, manifest: Manifest) -> None:
    """Raise ``Invalid``, with every problem, where something is not as the manifest says."""
    problems: list[Problem] = []
    for listed in manifest.files:
        try:
            with place.open(listed.name) as file:
                problems += islice(problems_of(listed, file), MOST_PROBLEMS)
        except Invalid as error:
            problems += error.problems
    if not problems:
        for number, digest, size in _kept_files(place):
            there = place.size(place_of(digest))
            if there != size:
                said = "is not there" if there is None else f"has {there:,} bytes instead of {size:,}"
                problems.append(Problem(f"{FILES}:{number}", "file", f"{place_of(digest)} {said}"))
    if problems:
        raise Invalid(problems[:MOST_PROBLEMS], record="export", action="import")


def _kept_files(place: Reading) -> Iterator[tuple[int, str, int]]:
    with place.open(FILES) as file:
        for number, rest in read(file):
            facts = json.loads(f"{{{rest}")
            yield number, facts["digest"], facts["size"]


class _Loading:
    """An import on its way. ``_stamp`` notes how far it came: a file of lines, and the last line that is done."""

    def __init__(self, place: Reading, manifest: Manifest, store: Store, blobs: Blobs | None, told: Progress) -> None:
        self._place, self._manifest, self._store, self._blobs, self._told = place, manifest, store, blobs, told
        self._name, self._line = FILES, 0
        self._version = 0
        self._problems: list[Problem] = []

    def run(self) -> Imported:
        resumed = self._begin()
        by_name = {one.name: one for one in self._manifest.files}
        if self._name == FILES:
            self._keep_files()
        records = [one for one in self._manifest.files if one.kind is not None]
        names = [one.name for one in records]
        first = names.index(self._name) if self._name in names else 0
        for listed in records[first:]:
            self._load(listed)
        if self._problems:
            self._empty()
            raise Invalid(self._problems[:MOST_PROBLEMS], record="export", action="import")
        self._finish()
        return Imported(records=sum(one.lines for one in records), files=by_name[FILES].lines, resumed=resumed)

    def _begin(self) -> bool:
        """Note that an import has begun, or find out how far one came; say whether it goes on."""
        with self._store.transaction() as tx:
            _portable(self._store, tx)
            stored = tx.get("stamp", IMPORT)
            stamp: Stamp | None = None if stored is None else decode("stamp", stored)
            if stamp is None:
                _refuse_full(tx)
                self._note(tx, LOADING)
                return False
        sha256, position = stamp.done or ("", "")
        self._version = stamp.version
        if stamp.number == EMPTYING:
            self._empty()
            return self._begin()
        if sha256 != self._manifest.sha256:
            message = (
                "the import of another export has begun here and is not finished: call it again with that one, "
                "or begin with a new store"
            )
            raise Refused(message, action="import")
        self._name, _, line = position.rpartition(":")
        self._line = int(line)
        return True

    def _note(self, tx: Transaction, number: int) -> None:
        done = (self._manifest.sha256, f"{self._name}:{self._line}")
        tx.put(encode(Stamp(id=IMPORT, version=self._version, number=number, done=done)))
        self._version += 1

    def _keep_files(self) -> None:
        waiting = 0
        for number, digest, size in _kept_files(self._place):
            if number <= self._line:
                continue
            if self._blobs is None:
                raise OpenError("the export holds files, and this store has no place for them: open it with blobs=…")
            with self._place.open(place_of(digest)) as file:
                found = self._blobs.keep(iter(lambda file=file: file.read(CHUNK), b""))  # type: ignore[misc]
            if found != digest:
                why = f"{place_of(digest)} is not what was written: its SHA-256 is {found}"
                self._problems.append(Problem(f"{FILES}:{number}", "file", why))
            self._line, waiting = number, waiting + size
            self._told("files", number)
            if waiting >= ENOUGH and not self._problems:
                with self._store.transaction() as tx:
                    self._note(tx, LOADING)
                waiting = 0

    def _load(self, listed: Listed) -> None:
        if self._name != listed.name:
            self._name, self._line = listed.name, 0
        with self._place.open(listed.name) as file:
            lines = read(file, self._line)
            while chunk := list(islice(lines, AT_ONCE)):
                with uncollected():
                    entries = self._entries(listed, chunk)
                    self._line = chunk[-1][0]
                    self._put(listed, entries)
                self._told(listed.kind or "", self._line)

    def _entries(self, listed: Listed, chunk: list[tuple[int, str]]) -> dict[int, Entry]:
        kind, found = listed.kind or "", {}
        for number, rest in chunk:
            try:
                found[number] = _entry(kind, rest)
            except (StorageError, ValueError) as error:
                self._problems.append(Problem(f"{listed.name}:{number}", "row", str(error)))
        return found

    def _put(self, listed: Listed, entries: dict[int, Entry]) -> None:
        """Put what can be put, and tell what cannot."""
        while not self._put_all(listed, entries):
            pass

    def _put_all(self, listed: Listed, entries: dict[int, Entry]) -> bool:
        """Put all of them, or tell of one that cannot be put, and leave it out."""
        try:
            with self._store.transaction() as tx:
                _portable(self._store, tx).load(entries.values())
                self._note(tx, LOADING)
        except StorageError as error:
            bad = [number for number, one in entries.items() if one.id == getattr(error, "id", None)]
            if not bad or getattr(error, "kind", None) != listed.kind:
                raise
            self._version = _version(self._store)
            self._problems.append(Problem(f"{listed.name}:{bad[-1]}", "row", str(error)))
            del entries[bad[-1]]
            return False
        return True

    def _finish(self) -> None:
        """Set the numbers, and open the store to all."""
        with self._place.open(NUMBERS) as file, self._store.transaction() as tx:
            portable = _portable(self._store, tx)
            for _, rest in read(file):
                facts = json.loads(f"{{{rest}")
                portable.set_number(facts["series"], facts["last"])
            tx.delete("stamp", IMPORT, self._version)

    def _empty(self) -> None:
        """Take back what was put; the store was empty before."""
        with self._store.transaction() as tx:
            self._note(tx, EMPTYING)
        for kind in CATALOG.kinds:
            while True:
                with self._store.transaction() as tx:
                    query = Query(kind=kind.name, where=EVERYTHING, limit=AT_ONCE + len(OF_THE_STORE))
                    several = list(tx.find(query))
                    several = [one for one in several if kind.name != "stamp" or one.id not in OF_THE_STORE]
                    for one in several:
                        tx.delete(kind.name, one.id, one.version)
                if not several:
                    break
        with self._store.transaction() as tx:
            tx.delete("stamp", IMPORT, self._version)
        self._name, self._line, self._version = FILES, 0, 0


def _entry(kind: str, rest: str) -> Entry:
    """Return the entry that a line tells, in today's format."""
    id, version, body = facts_of(rest)
    record = decode(kind, Stored(id, version, body))
    return Entry(kind, id, version, index_of(record), body if body.startswith(_AS_NOW) else body_of(record))


def _version(store: Store) -> int:
    with store.transaction(write=False) as tx:
        stored = tx.get("stamp", IMPORT)
        if stored is None:
            raise Conflict("another import has finished or given up here meanwhile", kind="stamp", id=IMPORT)
        return stored.version


def _portable(store: Store, tx: Transaction) -> Portable:
    if not isinstance(tx, Portable):
        raise OpenError(f"{store!r} cannot take an import: see load(), numbers() and set_number() of ports.Portable")
    return tx


def _refuse_full(tx: Transaction) -> None:
    for kind in CATALOG.kinds:
        for one in tx.find(Query(kind=kind.name, where=EVERYTHING, limit=len(OF_THE_STORE) + 1)):
            if kind.name != "stamp" or one.id not in OF_THE_STORE:
                message = (
                    f"an export goes into an empty store, and this one has {kind.name} {one.id!r}: open a new one; "
                    "numbers, seals and histories of two stores cannot become one"
                )
                raise Refused(message, action="import")
