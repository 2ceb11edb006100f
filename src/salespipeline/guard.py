"""What one actor may see and do in one transaction: the answers of the policy, asked as rarely as that can be.

A kind is seen through a ``Sight``: a predicate that the store answers, and whether that is all there is to it. Where the
policy gives filters it is; where it is only a function, or where what belongs to other records is seen with them alone, the
records that the predicate finds are judged one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from salespipeline.catalog import KEPT, KIND_OF, SETTING_LISTS, index_of
from salespipeline.codec import decode, decode_all, restore
from salespipeline.domain.activity import Activity
from salespipeline.domain.merging import Merger
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import Settings
from salespipeline.entries import Stored
from salespipeline.errors import Denied, NotFound, shown
from salespipeline.past import DELETED, MERGED
from salespipeline.permissions import Action, Policy, Verb, Verdict
from salespipeline.ports import Transaction
from salespipeline.query import EVERYTHING, All, Cmp, Linked, OneOf, Query, nodes
from salespipeline.sights import OPEN, TELLING, Sight, Sights
from salespipeline.work import opportunity_of

__all__ = ["Guard"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())

# What comes of something that was asked: nobody is asked again.
CONSEQUENCES = frozenset({"activity", "notice", "stamp", "chain", "merger"})
CHUNK = 500
CACHED = 20_000


class Guard:
    """Asks the *policy* on behalf of *actor* about what is in *tx*; *verb* is what it is read for, beside to be read.

    For one transaction, and so for one thread.
    """

    def __init__(
        self,
        policy: Policy,
        actor: str,
        tx: Transaction,
        settings: Callable[[], Settings],
        verb: Verb | None = None,
    ) -> None:
        self.told: set[tuple[str, str]] = set()  # what may be written, as it was asked already
        self._policy = policy
        self._actor = actor
        self._tx = tx
        self._sights = Sights(policy, actor, tx, settings)
        self._verbs: tuple[Verb, ...] = ("read",) if verb is None else ("read", verb)
        self._lifted = 0
        self._asking = False
        self._failed = False
        self._records: dict[tuple[str, str], Any] = {}
        self._seen: dict[tuple[object, ...], bool] = {}

    @property
    def asking(self) -> bool:
        """Whether the policy is being asked at this moment: it may itself look at everything."""
        return self._asking or self._sights.asking

    @property
    def off(self) -> bool:
        """Whether everything may be seen and done at this moment."""
        return self._lifted > 0 or self.asking

    @contextmanager
    def lift(self) -> Iterator[None]:
        """See and do everything for a moment: see ``Work.unguarded``."""
        self._lifted += 1
        try:
            yield
        finally:
            self._lifted -= 1

    @contextmanager
    def doing(self, verb: Verb | None) -> Iterator[None]:
        """Read for a purpose, for which the policy is asked as well."""
        before = self._verbs
        if verb is not None and verb not in before:
            self._verbs = (*before, verb)
        try:
            yield
        finally:
            self._verbs = before

    def forget(self) -> None:
        """Ask again: something was written."""
        self._records.clear()
        self._seen.clear()

    # --- writing ----------------------------------------------------------------------------------------------

    def write(self, verb: Verb, after: Any, before: Any = None, *, move: str = "") -> None:
        """Raise ``Denied`` unless *before* may become *after*, or ``NotFound`` for what would belong to what is hidden."""
        if self.off:
            return
        record = after if before is None else before
        kind = KIND_OF[type(record)].kind.name
        if kind not in CONSEQUENCES and (kind, verb) != ("batch", "create"):  # of which each document is asked
            for parent, id in _parents(record) if verb == "create" else ():
                if not self._parent_seen(kind, parent, id):
                    raise NotFound(f"no {parent} has the id {shown(id)}", kind=parent, key=id)
            if kind == "delivery":
                self.demand("send", self._fetched("document", record.document_id), move=move)
            else:
                self.demand(verb, record, after, move=move)
        self.told.add((kind, record.id))

    def demand(self, verb: Verb, record: Any, after: Any = None, *, move: str = "") -> None:
        """Raise ``Denied`` unless the policy allows it."""
        action = Action(verb, move=move, after=after)
        verdict = Verdict(True) if self.off else self.ask(action, record)
        if not verdict:
            name, reason = _name(record), verdict.reason or "the policy of this application says no"
            message = f"{self._actor} may not {action} {name}: {reason}"
            raise Denied(message, actor=self._actor, reason=verdict.reason, record=name, action=str(action))

    def ask(self, action: Action, record: Any) -> Verdict:
        """Return what the policy says; whatever is no answer denies."""
        before, self._asking = self._asking, True
        try:
            found = self._policy(self._actor, action, record)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it did not allow
            if not self._failed:  # once: a list asks for each of its records
                self._failed = True
                log.error("the policy failed with %s when asked to %s: denied", type(error).__name__, str(action))  # noqa: TRY400 - a message may hold what nobody may see
            return Verdict(False, "the policy failed")
        finally:
            self._asking = before
        if found is True or (isinstance(found, Verdict) and found.allowed is True):
            return Verdict(True)
        return Verdict(False, found.reason if isinstance(found, Verdict) else "")

    # --- reading ----------------------------------------------------------------------------------------------

    def sight(self, kind: str) -> Sight:
        """Return what of a kind is seen, as far as the store can answer it."""
        return self._sights.of(kind, self._verbs)

    def seen(self, kind: str, records: list[Any]) -> list[Any]:
        """Return those of *records* that are seen."""
        if self.sight(kind).everything:
            return records
        self._fetch_parents(records)
        return [record for record in records if self.sees(kind, record)]

    def sees(self, kind: str, record: Any) -> bool:
        """Say whether a record is seen, and what it belongs to."""
        if kind in OPEN:
            return True
        key = (self._verbs, kind, record.id, record.version)
        found = self._seen.get(key)
        if found is None:
            found = self._may_see(kind, record)
            if len(self._seen) > CACHED:
                self._seen.clear()
            self._seen[key] = found
        return found

    def knows(self, kind: str, id: str) -> bool:
        """Say whether a record is seen, or, where it is gone, could be."""
        return self._parent_seen("activity", kind, id)

    def narrowed(self, query: Query) -> tuple[Query, bool]:
        """Return the query for what is seen, and whether its answer needs no judging."""
        sight, where = self.sight(query.kind), query.where
        if any(isinstance(node, Linked) for node in nodes(where)):
            where = self._sights.links(
                where, query.kind, self._verbs, lambda other: (one for _, one in self.judged(other))
            )
        if sight.where != EVERYTHING:
            where = All((where, sight.where))
        return (query if where is query.where else attrs.evolve(query, where=where)), sight.exact

    def judged(self, query: Query) -> Iterator[tuple[Stored, Any]]:
        """Yield what of *query* is seen, as it is kept and as a record, however much is hidden in between."""
        narrowed, exact = self.narrowed(query)
        left, after = query.limit, query.after
        while left is None or left > 0:
            size = CHUNK if left is None else min(CHUNK, 2 * left + 20)
            kept = list(self._tx.find(attrs.evolve(narrowed, after=after, limit=size)))
            records = decode_all(query.kind, kept)
            if full := len(kept) == size:
                index: Any = index_of(records[-1])
                after = (*(index[name] for name in query.order), records[-1].id)
            seen = {record.id for record in (records if exact else self.seen(query.kind, records))}
            for one, record in zip(kept, records, strict=True):
                if one.id in seen:
                    yield one, record
                    left = None if left is None else left - 1
                    if left == 0:
                        return
            if not full:
                return

    # --- how it is found out ----------------------------------------------------------------------------------

    def _may_see(self, kind: str, record: Any) -> bool:
        if kind not in TELLING and not (kind == "batch" and record.started_by == self._actor):
            for verb in self._verbs:
                own = self._sights.own(kind, verb)
                if not (self._sights.fits(own, record) if own is not None else self.ask(Action(verb), record)):
                    return False
        return all(self._parent_seen(kind, parent, id) for parent, id in _parents(record))

    def _parent_seen(self, kind: str, parent: str, id: str) -> bool:
        if parent in OPEN:
            return parent == "setting"  # the others count what is hidden, too
        found = self._fetched(parent, id)
        if found is not None:
            return self.sees(parent, found)
        merger: Merger | None = self._fetched("merger", id)
        if merger is not None and merger.record_kind == parent:  # it is a part of another now
            return self._parent_seen(kind, parent, merger.into_id)
        # It is gone. What happened to it is told to whoever could see it last. Of what else belonged to it the store could
        # not answer whether it is seen, so that it is hidden wherever the store is to answer that.
        filters = (self._sights.own(parent, verb) for verb in self._verbs)
        if kind != "activity" and any(one is not None and one != EVERYTHING for one in filters):
            return False
        last = self._last(parent, id)
        return last is not None and self.sees(parent, last)

    def _last(self, kind: str, id: str) -> Any:
        """Return a deleted record as it was last, or ``None``."""
        where = All((Cmp("record", "=", f"{kind}:{id}"), OneOf("action", (DELETED, MERGED))))
        kept = self._tx.find(Query(kind="activity", where=where))
        last: Activity | None = max(decode_all("activity", kept), key=lambda one: one.record_version, default=None)
        if last is None:
            return None
        (cls,) = next(kept.classes for kept in KEPT if kept.kind.name == kind)
        return restore(cls, id, last.record_version, {change.field: change.before for change in last.changes})

    def _fetched(self, kind: str, id: str) -> Any:
        if (kind, id) not in self._records:
            stored = self._tx.get(kind, id)
            self._remember(kind, id, None if stored is None else decode(kind, stored))
        return self._records[kind, id]

    def _fetch_parents(self, records: Iterable[Any]) -> None:
        """Read at once whatever *records* belong to."""
        wanted: dict[str, set[str]] = {}
        for record in records:
            for kind, id in _parents(record):
                if kind not in OPEN and (kind, id) not in self._records:
                    wanted.setdefault(kind, set()).add(id)
        for kind, ids in wanted.items():
            found = {id: decode(kind, stored) for id, stored in self._tx.get_many(kind, ids).items()}
            for id in ids:
                self._remember(kind, id, found.get(id))
            self._fetch_parents(found.values())

    def _remember(self, kind: str, id: str, record: Any) -> None:
        if len(self._records) > CACHED:
            self._records.clear()
        self._records[kind, id] = record


def _parents(record: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind and id of what a record belongs to, and is only seen with."""
    place = getattr(record, "record_id", None) or getattr(record, "into_id", None)
    found = [(getattr(record, "record_kind", None), place), ("document", getattr(record, "document_id", None))]
    if not isinstance(record, Opportunity):
        found.append(("opportunity", opportunity_of(record)))
    for kind, id in dict.fromkeys(found):
        if kind is not None and id is not None:
            yield kind, id


def _name(record: Any) -> str:
    if record is None:
        return "the whole store"
    kind = SETTING_LISTS.get(type(record), KIND_OF[type(record)].kind.name).replace("_", " ")
    names = (getattr(record, name, None) for name in ("reference", "name", "label", "subject", "message"))
    called = next((name for name in names if isinstance(name, str) and name), record.id)
    return f"{kind} {shown(called)}"
