"""One unit of work: a transaction, who acts, when, and the settings as they stand in it.

Everything that the façades write goes through ``keep`` and ``remove``, which add the activity entry to the same
transaction (SPEC OPP-9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from salespipeline.catalog import KIND_OF, Stamp
from salespipeline.codec import at_version, decode, decode_all, encode, plain
from salespipeline.domain.activity import Activity, diff
from salespipeline.domain.document import Document
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import Settings
from salespipeline.entries import Entry, Scalar
from salespipeline.errors import Conflict, Duplicate, NotFound, shown
from salespipeline.ports import Ids, Transaction
from salespipeline.query import EVERYTHING, Count, Group, Measure, Predicate, Query, check, check_tally

if TYPE_CHECKING:
    from salespipeline.guard import Guard
    from salespipeline.permissions import Policy, Record, Verb

__all__ = ["SettingsCache", "Work", "opportunity_of"]

R = TypeVar("R")
SETTINGS = "settings"


class SettingsCache:
    """The settings as last read, good as long as their stamp has not moved. May be shared between threads."""

    def __init__(self) -> None:
        self._latest: Settings | None = None

    def read(self, tx: Transaction) -> Settings:
        """Return the settings as *tx* sees them."""
        stamp = tx.get("stamp", SETTINGS)
        version = stamp.version if stamp is not None else 0
        latest = self._latest
        if latest is None or latest.version != version:
            records = [decode("setting", stored) for stored in tx.find(Query(kind="setting", where=EVERYTHING))]
            latest = Settings.of(records, version)
            self._latest = latest
        return latest

    def forget(self) -> None:
        """Read again next time: a transaction that had changed the settings was rolled back."""
        self._latest = None


class Work:
    """What a façade does inside one transaction."""

    def __init__(self, tx: Transaction, *, cache: SettingsCache, at: datetime, by: str, ids: Ids) -> None:
        self.tx = tx
        self.at = at
        self.by = by
        self.new_id = ids
        self.settings_changed = False
        self.writes = 0  # how many there were, so that a step that fails can tell whether it left something behind
        self.broken: BaseException | None = None
        self.told: list[Entry] = []  # the activities that were put
        self.guard: Guard | None = None  # of who acts, where a policy is asked
        self.guard_of: Callable[[str], Guard] | None = None  # of anybody, where there is a policy
        self._cache = cache
        self._settings: Settings | None = None

    def asking(self, policy: Policy, verb: Verb | None, *, asked: bool, write: bool) -> None:
        """Let whatever is read or written from here on be *asked* of *policy*, and what is read for *verb* too."""
        from salespipeline.guard import Guard
        from salespipeline.guarding import GuardedTransaction

        store = self.tx
        self.guard_of = lambda actor: Guard(policy, actor, store, lambda: self.settings)
        if asked:
            self.guard = Guard(policy, self.by, store, lambda: self.settings, verb)
            self.tx = GuardedTransaction(store, self.guard, write=write)

    def read_by(self, actor: str, kind: str, id: str) -> bool:
        """Say whether *actor*, who need not be who acts, may read a record, or could when it was there."""
        return self.guard_of is None or self.guard_of(actor).knows(kind, id)

    def unguarded(self) -> AbstractContextManager[None]:
        """Return a block in which nobody is asked, and nothing hidden.

        For what the rules must know to be kept, and for what comes of something that was asked. What was read in it must not
        be told to whoever acts.
        """
        return nullcontext() if self.guard is None else self.guard.lift()

    def demand(self, verb: Verb, record: Record | None, *, move: str = "") -> None:
        """Raise ``Denied`` unless who acts may do this with *record*: for what is written elsewhere, or unguarded."""
        if self.guard is not None:
            self.guard.demand(verb, record, move=move)

    def knows(self, kind: str, id: str) -> bool:
        """Say whether who acts may read a record, or could when it was there; whatever is unguarded at this moment."""
        return self.guard is None or self.guard.knows(kind, id)

    def hides(self, kind: str, where: Predicate) -> bool:
        """Say whether *where* is true of something that who acts cannot see: the rules hold for that, too."""
        if self.guard is None:
            return False
        seen = self.count(kind, where)
        with self.unguarded():
            return self.count(kind, where) > seen

    @cached_property
    def now(self) -> int:
        """The store's clock, in microseconds, as it was when it was first asked for in this transaction."""
        return self.tx.now()

    @property
    def settings(self) -> Settings:
        """The settings as they stand in this transaction."""
        if self._settings is None:
            self._settings = self._cache.read(self.tx)
        return self._settings

    def touch_settings(self) -> None:
        """Bump the stamp, so that everybody reads the settings again."""
        self._settings = None
        self.settings_changed = True
        stored = self.tx.get("stamp", SETTINGS)
        self.writes += 1
        self.tx.put(encode(Stamp(id=SETTINGS, version=stored.version if stored is not None else 0)))

    def get(self, cls: type[R], id: str) -> R | None:
        """Return the record with this id, or ``None``."""
        kind = KIND_OF[cls].kind.name
        stored = self.tx.get(kind, id)
        return None if stored is None else decode(kind, stored)

    def need(self, cls: type[R], id: str) -> R:
        """Return the record with this id, or raise ``NotFound``."""
        record = self.get(cls, id)
        if record is None:
            kind = KIND_OF[cls].kind.name
            raise NotFound(f"no {kind} has the id {shown(id)}", kind=kind, key=id)
        return record

    def current(self, cls: type[R], given: Any) -> R:
        """Return *given* as it is kept, or raise ``Conflict`` where somebody changed it meanwhile."""
        return self.same(given, self.need(cls, given.id))

    def same(self, given: Any, record: R) -> R:
        """Return *record*, which is kept, or raise ``Conflict`` where it is not the version that was *given*."""
        version = record.version  # type: ignore[attr-defined]
        if version != given.version:
            kind = KIND_OF[type(record)].kind.name
            message = (
                f"{kind} {given.id} was changed meanwhile: you have version {given.version}, version "
                f"{version} is kept; read it again, or pass its id to apply the change to what is there"
            )
            raise Conflict(message, kind=kind, id=given.id)
        return record

    def get_many(self, cls: type[R], ids: Iterable[str]) -> dict[str, R]:
        """Return those of *ids* that exist, in one read."""
        kind = KIND_OF[cls].kind.name
        return {id: decode(kind, stored) for id, stored in self.tx.get_many(kind, ids).items()}

    def find(self, query: Query) -> Iterator[Any]:
        """Yield the records that *query* asks for."""
        check(query, KIND_BY_NAME[query.kind], kinds=KIND_BY_NAME)
        return iter(decode_all(query.kind, self.tx.find(query)))

    def claim(self, query: Query) -> Iterator[Any]:
        """Yield the records that *query* asks for, to be kept by this transaction and nobody else."""
        check(query, KIND_BY_NAME[query.kind], kinds=KIND_BY_NAME)
        return iter(decode_all(query.kind, self.tx.claim(query)))

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield these index fields of what *query* asks for."""
        check(query, KIND_BY_NAME[query.kind], fields, kinds=KIND_BY_NAME)
        return self.tx.columns(query, fields)

    def tally(
        self, query: Query, by: Sequence[Group], measures: Sequence[Measure]
    ) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield one tuple a group: the keys, then the measures."""
        check(query, KIND_BY_NAME[query.kind], kinds=KIND_BY_NAME)
        check_tally(KIND_BY_NAME[query.kind], by, measures)
        return self.tx.tally(query, by, measures)

    def count(self, kind: str, where: Predicate = EVERYTHING) -> int:
        """Return how many entries of a kind there are that satisfy *where*."""
        ((number,),) = self.tally(Query(kind=kind, where=where), (), (Count(),))
        return int(number or 0)

    def next_number(self, series: str) -> int:
        """Return the next number of *series*: taken back where the transaction is. (SPEC DOC-6)"""
        self.writes += 1
        return self.tx.next_number(series)

    def keep_new(self, records: Iterable[Any], *, action: str) -> None:
        """Keep new records in one go, each with its activity."""
        self.writes += 1
        self.tx.put_many(self._told(entry for record in records for entry in self.entries(record, action=action)))

    def keep_entries(self, changes: Iterable[tuple[Entry, ...]]) -> int:
        """Put what ``entries`` gave for each of several changes, in one go: the records, and then the activities."""
        kept = [entries for entries in changes if entries]
        self.writes += len(kept)
        self.tx.put_many([record for record, *_ in kept])
        self.tx.put_many(self._told(activity for _, *activities in kept for activity in activities))
        return len(kept)

    def keep(self, after: R, before: R | None = None, *, action: str) -> R:
        """Keep *after* and the activity that tells how it came from *before*; nothing where nothing changed."""
        entries = self.entries(after, before, action=action)
        if not entries:
            return after
        for entry in entries:
            self._put(entry)
        return at_version(after, after.version + 1)  # type: ignore[attr-defined]

    def keep_many(self, pairs: Iterable[tuple[Any, Any]], *, action: str) -> int:
        """Keep each first of *pairs*, the second being what it was, in one go; return how many changed."""
        return self.keep_entries([self.entries(after, before, action=action) for after, before in pairs])

    def keep_secret(self, record: Any) -> None:
        """Keep *record*, of which the change log, which many may read, tells nothing."""
        if self.guard is not None:
            self.guard.write("change", record, record)
        self._put(encode(record))

    def entries(self, after: Any, before: Any = None, *, action: str) -> tuple[Entry, ...]:
        """Return the entries that ``keep`` puts: the record and its activity, or nothing where nothing changed."""
        if self.guard is not None:
            self.guard.write("create" if before is None else "change", after, before, move=action)
        values = plain(after)
        changes = diff(None if before is None else plain(before), values)
        if before is not None and not changes:
            return ()
        opportunity = opportunity_of(after) or opportunity_of(before)
        return encode(after, values), encode(self._activity(after, after.version + 1, action, changes, opportunity))

    def remove(self, record: Any, *, action: str = "deleted") -> None:
        """Delete *record*; the activity keeps who did it, when, and everything that it was. (SPEC DOC-5)"""
        if self.guard is not None:
            self.guard.write("delete", None, record, move=action)
        self.tx.delete(KIND_OF[type(record)].kind.name, record.id, record.version)
        self.writes += 1
        self._put(
            encode(
                self._activity(record, record.version + 1, action, diff(plain(record), None), opportunity_of(record))
            )
        )

    def revive(self, record: R, *, action: str = "restored") -> R:
        """Keep a deleted *record* again, at the version behind the one that deleted it, so that its history goes on."""
        entry, activity = self.entries(record, action=action)
        for version in range(record.version):  # type: ignore[attr-defined]  # a store counts from nothing, one by one
            self._put(attrs.evolve(entry, version=version))
        self._put(entry)
        self._put(activity)
        return attrs.evolve(record, version=record.version + 1)  # type: ignore[misc, attr-defined]

    def _activity(self, record: Any, version: int, action: str, changes: Any, opportunity_id: str | None) -> Activity:
        return Activity(
            id=self.new_id(),
            record_kind=KIND_OF[type(record)].kind.name,
            record_id=record.id,
            record_version=version,
            action=action,
            at=self.at,
            by=self.by,
            title=_title(record),
            opportunity_id=opportunity_id,
            changes=changes,
        )

    def _told(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            yield entry
            if entry.kind == "activity":
                self.told.append(entry)

    def _put(self, entry: Entry) -> None:
        try:
            self.tx.put(entry)
            self.writes += 1
            if entry.kind == "activity":
                self.told.append(entry)
        except Duplicate as error:
            values = ", ".join(f"{name} {shown(entry.index[name])}" for name in error.fields if name in entry.index)
            message = f"another {entry.kind} has the {values} already: choose another, or use the one that is there"
            raise Duplicate(message, kind=entry.kind, id=entry.id, fields=error.fields) from error


KIND_BY_NAME = {kept.kind.name: kept.kind for kept in KIND_OF.values()}


def opportunity_of(record: object) -> str | None:
    """Return the id of the opportunity that *record* is, or belongs to."""
    if isinstance(record, Document):
        return record.deal_id
    found: str | None = record.id if isinstance(record, Opportunity) else getattr(record, "opportunity_id", None)
    return found


def _title(record: object) -> str:
    """Return what people call *record*."""
    names = (
        getattr(record, name, None)
        for name in ("reference", "name", "subject", "label", "message", "document_reference")
    )
    return next((name[:100] for name in names if isinstance(name, str) and name), "")
