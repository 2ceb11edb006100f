"""Writing an export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import attrs

from salespipeline.catalog import CATALOG
from salespipeline.entries import Stored
from salespipeline.errors import Corrupt, NotFound, OpenError
from salespipeline.exports.lines import Written
from salespipeline.exports.manifest import FILES, MANIFEST, NUMBERS, Listed, Manifest, name_of, place_of
from salespipeline.exports.places import Writing, writing
from salespipeline.ports import Blobs, Portable, Store, Transaction
from salespipeline.query import EVERYTHING, Query
from salespipeline.rewriting import OF_THE_STORE

__all__ = ["Exported", "Progress", "export_to"]

Progress: TypeAlias = Callable[[str, int], object]
CHUNK = 1000
# Under these names stand hashes that name no file: of contents, of links of a chain, and a key.
NO_FILES = frozenset({"content", "link", "previous", "secret"})
_DIGEST = re.compile(r'"[0-9a-f]{64}"')
_KEY = re.compile(r'"(\w+)":$')


@attrs.frozen(kw_only=True)
class Exported:
    """What an export holds: how many *records*, how many *files*, and which files are *missing* though records name them."""

    path: Path
    records: int
    files: int
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.records:,} records and {self.files:,} files in {self.path}"]
        return "\n".join(lines + [f"  missing: the file {digest}, which a record names" for digest in self.missing])


def export_to(
    path: Path, store: Store, blobs: Blobs | None, *, compress: bool = False, progress: Progress | None = None
) -> Exported:
    """Write everything that *store* holds at one moment, and the files that it names."""
    told = progress or (lambda _name, _done: None)
    with writing(path, compress=compress) as place:
        named = _Named()
        with store.transaction(write=False) as tx:
            if not isinstance(tx, Portable):
                raise OpenError(
                    f"{store!r} cannot list its numbers: see load(), numbers() and set_number() of ports.Portable"
                )
            listed = [_records(place, tx, kind.name, named, told) for kind in CATALOG.kinds]
            rests = [
                json.dumps({"series": series, "last": last}, ensure_ascii=False)[1:] for series, last in tx.numbers()
            ]
            listed.append(_lines(place, NUMBERS, rests))
        kept, missing = _files(place, blobs, named, told)
        listed.append(_lines(place, FILES, kept))
        with place.add(MANIFEST) as file:
            file.write(Manifest(files=tuple(listed), missing=missing).to_json().encode())
    records = sum(one.lines for one in listed if one.kind is not None)
    return Exported(path=path, records=records, files=len(kept), missing=missing)


def _records(place: Writing, tx: Transaction, kind: str, named: _Named, told: Progress) -> Listed:
    with place.add(name_of(kind)) as file:
        written, done = Written(name_of(kind), file), 0
        for several in _chunks(tx, kind):
            named.look(kind, several)
            done += len(several)
            written.records((one.id, one.version, one.body) for one in several)
            told(kind, done)
    return written.listed


def _chunks(tx: Transaction, kind: str) -> Iterator[list[Stored]]:
    after: tuple[str, ...] | None = None
    while several := list(tx.find(Query(kind=kind, where=EVERYTHING, after=after, limit=CHUNK))):
        after = (several[-1].id,)
        kept = several if kind != "stamp" else [one for one in several if one.id not in OF_THE_STORE]
        for one in kept:
            if "\n" in one.body:
                raise Corrupt(f"{kind} {one.id!r} is not as it was written: its body has several lines")
        yield kept


def _lines(place: Writing, name: str, rests: list[str]) -> Listed:
    with place.add(name) as file:
        written = Written(name, file)
        written.lines(rests)
    return written.listed


class _Named:
    """The digests that records name: what must be there, and what the history alone tells of."""

    def __init__(self) -> None:
        self.now: set[str] = set()
        self.once: set[str] = set()

    def look(self, kind: str, several: Iterable[Stored]) -> None:
        """Look into some bodies."""
        found = self.once if kind == "activity" else self.now
        for one in several:
            for match in _DIGEST.finditer(one.body):
                key = _KEY.search(one.body, max(match.start() - 40, 0), match.start())
                if key is None or key[1] not in NO_FILES:
                    found.add(match[0][1:-1])


def _files(place: Writing, blobs: Blobs | None, named: _Named, told: Progress) -> tuple[list[str], tuple[str, ...]]:
    """Write the files that are named, and return what the list says of each, and which of them are not there."""
    kept: list[str] = []
    missing: list[str] = []
    for digest in sorted(named.now | named.once):
        try:
            chunks = iter(()) if blobs is None else blobs.read(digest)
        except NotFound:
            chunks = None
        if blobs is None or chunks is None:
            missing += [digest] if digest in named.now else []  # what only was named may be gone: it is swept
            continue
        size = 0
        with place.add(place_of(digest), text=False) as file:
            for chunk in chunks:
                size += len(chunk)
                file.write(chunk)
        kept.append(f'"digest":"{digest}","size":{size}}}')
        told("files", len(kept))
    return kept, tuple(missing)
