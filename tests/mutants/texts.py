"""Mutants that change what they are given to keep, or keep what they should refuse."""

from __future__ import annotations

import json
import unicodedata

import attrs
from tests.mutants.harness import Act, given, rejected_by, sqlite

from salespipeline.entries import Entry, Stored
from salespipeline.errors import Conflict, StorageError
from salespipeline.stores.kinds import conflict


class Bodies(Act):
    """Every body passes through one method on its way in."""

    def changed(self, body: str) -> str:
        return body

    def put(self, entry: Entry) -> None:
        self.inner.put(attrs.evolve(entry, body=self.changed(entry.body)))


@rejected_by("H-16")
class BodyTruncated(Bodies):
    """A body ends after 65,535 bytes, silently."""

    def changed(self, body: str) -> str:
        return body.encode()[:65_535].decode(errors="ignore")


@rejected_by("H-17")
class LargeBodyTruncated(Bodies):
    """A body ends after eight million characters, silently."""

    def changed(self, body: str) -> str:
        return body[:8_000_000]


@rejected_by("H-01")
class BodyComposed(Bodies):
    """Text is normalised to NFC."""

    def changed(self, body: str) -> str:
        return unicodedata.normalize("NFC", body) if body.isprintable() else body


@rejected_by("H-01")
class LineEndsChanged(Bodies):
    """Line ends are those of the machine."""

    def changed(self, body: str) -> str:
        return body.replace("\r\n", "\n")


@rejected_by("H-02")
class BodyLaidOutAnew(Bodies):
    """A body is kept as JSON, and comes back as JSON is written."""

    def changed(self, body: str) -> str:
        try:
            return json.dumps(json.loads(body), ensure_ascii=False)
        except ValueError:
            return body


@rejected_by("H-03")
class IdsAreTrimmed(Act):
    """Spaces around an id do not count."""

    def put(self, entry: Entry) -> None:
        self.inner.put(attrs.evolve(entry, id=entry.id.strip() or entry.id))


@rejected_by("H-04")
class IndexComposed(Act):
    """Text in an index is normalised to NFC."""

    def put(self, entry: Entry) -> None:
        texts = {name: unicodedata.normalize("NFC", v) for name, v in entry.index.items() if isinstance(v, str)}
        self.inner.put(given(entry, **texts))


@rejected_by("H-05")
class EmptyTagDropped(Act):
    """The empty text is no tag."""

    def put(self, entry: Entry) -> None:
        tags = tuple(tag for tag in entry.index.get("tags", ()) if tag)
        self.inner.put(given(entry, tags=tags or None))


@rejected_by("H-06")
class TagsCountTwice(Act):
    """A tag that is given twice is counted twice."""

    def put(self, entry: Entry) -> None:
        self.inner.put(entry)
        tags = entry.index.get("tags", ())
        self.shared["twice"] = len(tags) - len(set(tags))

    def tally(self, query, by, measures):
        extra = self.shared.get("twice", 0)
        return iter([(*row[:-1], row[-1] + extra) for row in self.inner.tally(query, by, measures)])


@rejected_by("H-08")
class NulEndsTheText(Act):
    """Text ends where a NUL stands, as in C."""

    def put(self, entry: Entry) -> None:
        def cut(value):
            if isinstance(value, tuple):
                return tuple(map(cut, value))
            return value.split("\0")[0] if isinstance(value, str) else value

        index = {name: cut(value) for name, value in entry.index.items()}
        self.inner.put(attrs.evolve(entry, id=cut(entry.id), body=cut(entry.body), index=index))


@rejected_by("H-09")
class SurrogatesReplaced(Bodies):
    """What cannot be encoded becomes a question mark."""

    def changed(self, body: str) -> str:
        return body.encode(errors="replace").decode()


@rejected_by("H-10")
class NumbersClipped(Act):
    """A number that is too large becomes the largest."""

    def put(self, entry: Entry) -> None:
        numbers = {n: max(-(2**63), min(v, 2**63 - 1)) for n, v in entry.index.items() if isinstance(v, int)}
        self.inner.put(given(entry, **numbers))


@rejected_by("H-12")
class UndeclaredFieldsDropped(Act):
    """A field that nobody declared is left out."""

    def put(self, entry: Entry) -> None:
        try:
            self.inner.put(entry)
        except StorageError:
            if any(name not in ("name", "value", "stage", "tags") for name in entry.index):
                known = {n: v for n, v in entry.index.items() if n in ("name", "value", "stage", "tags")}
                self.inner.put(attrs.evolve(entry, index=known))
            else:
                raise


@rejected_by("H-13")
class SortableFilledUp(Act):
    """A sortable field that is not there becomes 0."""

    def put(self, entry: Entry) -> None:
        filled = {"name": "", "value": 0, **entry.index} if entry.kind == "deal" else entry.index
        self.inner.put(attrs.evolve(entry, index=filled))


@rejected_by("H-18", over=sqlite)
class LongValuesCut(Act):
    """A value of an index ends after 255 characters."""

    def put(self, entry: Entry) -> None:
        self.inner.put(given(entry, **{n: v[:255] for n, v in entry.index.items() if isinstance(v, str)}))


@rejected_by("H-21")
class RefusedReplacesAll(Act):
    """What is refused has already removed what was there."""

    def put(self, entry: Entry) -> None:
        try:
            self.inner.put(entry)
        except Conflict:
            raise
        except StorageError:
            old = self.inner.get(entry.kind, entry.id)
            if old is not None:
                self.inner.delete(entry.kind, old.id, old.version)
            raise


@rejected_by("H-22")
class IndexIsShared(Act):
    """The index is kept as it was given, and changes with it."""

    def put(self, entry: Entry) -> None:
        self.inner.put(entry)
        self.shared[entry.id] = entry

    def scan(self, kind):
        return iter([attrs.evolve(entry, index=self.shared[entry.id].index) for entry in self.inner.scan(kind)])


@rejected_by("H-15")
class LookingForTheImpossibleFails(Act):
    """Looking for an id that cannot be kept is an error of the driver."""

    def get(self, kind: str, id: str) -> Stored | None:
        id.encode()
        return self.inner.get(kind, id)


@rejected_by("E-05")
class MessageShowsTheBody(Act):
    """The message of a refusal shows the entry."""

    def put(self, entry: Entry) -> None:
        try:
            self.inner.put(entry)
        except Conflict as error:
            raise Conflict(f"{error}: {entry}", kind=error.kind, id=error.id) from error


@rejected_by("E-01")
class ConflictNamesNothing(Act):
    """A conflict does not say what it is about."""

    def put(self, entry: Entry) -> None:
        try:
            self.inner.put(entry)
        except Conflict as error:
            raise conflict("entry", "?", 0, None) from error
