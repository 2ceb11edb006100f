"""What a policy lets be read, as predicates that a store can answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from salespipeline.catalog import KEPT, index_of
from salespipeline.domain.settings import Settings
from salespipeline.entries import Index
from salespipeline.filters import Filter, predicates
from salespipeline.permissions import Action, Policy, Verb
from salespipeline.ports import Transaction
from salespipeline.query import (
    EVERYTHING,
    All,
    AnyOf,
    Has,
    HasBetween,
    Linked,
    Missing,
    Not,
    OneOf,
    Predicate,
    Query,
    matches,
    nodes,
)

__all__ = ["ASKED", "OPEN", "SUBJECTS", "TELLING", "Sight", "Sights"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())

NOTHING = AnyOf(())
# What everything else is read with, and is not hidden from anybody: labels, rates, counters.
OPEN = frozenset({"stamp", "chain", "setting"})
# What only tells of records, and is seen by whoever sees those: nobody is asked about it.
TELLING = frozenset({"activity", "delivery", "notice", "follow", "merger"})
ASKED = tuple(kept.kind.name for kept in KEPT if kept.kind.name not in OPEN | TELLING)
SUBJECTS = ("opportunity", "document", "job", "contact", "note")  # what other records are put to
_FIELDS = {kept.kind.name: {field.name for cls in kept.classes for field in attrs.fields(cls)} for kept in KEPT}
_PUT = frozenset({"record_id", "document_id", "into_id"})  # what a kind has that belongs to records of several kinds
_INDEXED = {kept.kind.name: frozenset(kept.kind.by_name) for kept in KEPT}


@attrs.frozen
class Sight:
    """What of a kind is seen: nothing but what *where* is true of, and, if *exact*, all of that."""

    where: Predicate
    exact: bool

    @property
    def everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.exact and self.where == EVERYTHING

    @property
    def linkable(self) -> bool:
        """Whether other kinds can be asked for it in their queries."""
        return self.exact and not any(isinstance(node, Has | HasBetween | Linked) for node in nodes(self.where))


class Sights:
    """What of each kind *actor* sees, as far as the filters of *policy* say it. For one transaction.

    *verbs* are what it is read for: what is seen passes the filters of each.
    """

    def __init__(self, policy: Policy, actor: str, tx: Transaction, settings: Callable[[], Settings]) -> None:
        self.asking = False
        self._filters = getattr(policy, "filters", None)
        self._actor = actor
        self._tx = tx
        self._settings = settings
        self._own: dict[tuple[str, str], Predicate | None] = {}
        self._found: dict[tuple[object, ...], Sight] = {}

    def of(self, kind: str, verbs: tuple[Verb, ...]) -> Sight:
        """Return what of a kind is seen, as far as the store can answer it."""
        key = (verbs, kind)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._looked(kind, verbs)
        return found

    def own(self, kind: str, verb: Verb) -> Predicate | None:
        """Return what may be read of a kind for itself, or ``None`` where the policy is asked for each."""
        key = (verb, kind)
        if key not in self._own:
            self._own[key] = self._given(kind, verb)
        return self._own[key]

    def fits(self, predicate: Predicate, record: Any) -> bool:
        """Say whether *predicate* is true of a record, whether it is kept or was."""
        if predicate == EVERYTHING:
            return True
        index = index_of(record)
        return matches(self._answered(predicate, index, record.id), index, record.id)

    def links(
        self, predicate: Predicate, kind: str, verbs: tuple[Verb, ...], judged: Callable[[Query], Iterable[Any]]
    ) -> Predicate:
        """Return *predicate* with each link to another kind narrowed to what is seen of that.

        *judged* finds the records that are seen, where the store alone cannot.
        """
        match predicate:
            case All(parts):
                return All(tuple(self.links(part, kind, verbs, judged) for part in parts))
            case AnyOf(parts):
                return AnyOf(tuple(self.links(part, kind, verbs, judged) for part in parts))
            case Not(part):
                return Not(self.links(part, kind, verbs, judged))
            case Linked(field, other, to, where):
                sight = self.of(other, verbs)
                if field == "id" and to == kind == "opportunity" and _PUT.isdisjoint(_FIELDS[other]):
                    sight = self._alone(
                        other, verbs
                    )  # it belongs to the very record that is looked at, and to no other
                if sight.everything:
                    return predicate
                if sight.linkable:
                    return Linked(field, other, to, All((where, sight.where)))
                found = judged(Query(kind=other, where=where))
                values: set[Any] = {record.id if to == "id" else index_of(record).get(to) for record in found}
                return OneOf(field, frozenset(value for value in values if value is not None))
        return predicate

    # --- how it is found out ----------------------------------------------------------------------------------

    def _alone(self, kind: str, verbs: tuple[Verb, ...]) -> Sight:
        """Return what of a kind is seen for itself, whatever it belongs to."""
        own = [self.own(kind, verb) for verb in verbs] if kind not in OPEN | TELLING else []
        parts = tuple(one for one in own if one is not None and one != EVERYTHING)
        return Sight(All(parts) if parts else EVERYTHING, None not in own)

    def _looked(self, kind: str, verbs: tuple[Verb, ...]) -> Sight:
        alone = self._alone(kind, verbs)
        if kind in OPEN or (kind == "batch" and not alone.everything):  # whoever started a batch sees it, too
            return Sight(EVERYTHING, kind in OPEN)
        fields, where, exact = _FIELDS[kind], alone.where, alone.exact
        if not _PUT.isdisjoint(fields):
            kinds = ASKED if kind == "activity" else SUBJECTS
            exact = exact and all(self._alone(one, verbs).everything for one in kinds)
        if "opportunity_id" in fields and kind != "activity":
            deals = self.of("opportunity", verbs)
            if deals.linkable and not deals.everything and "opportunity" in _INDEXED[kind]:
                linked = Linked("opportunity", "opportunity", "id", deals.where)
                where = All((where, AnyOf((Missing("opportunity"), linked))))
            elif not deals.everything:
                exact = False
        return Sight(where, exact)

    def _given(self, kind: str, verb: Verb) -> Predicate | None:
        if self._filters is None:
            return None
        with self._asked():
            try:
                given = self._filters(self._actor, Action(verb), kind)
                if given is None:
                    return None
                several = [given] if isinstance(given, Mapping) else list(given)
                parts = tuple(self._predicate(kind, one) for one in several)
            except Exception as error:  # noqa: BLE001 - whatever it raises, it did not allow
                log.error("the filters of the policy failed with %s for %s: it is hidden", type(error).__name__, kind)  # noqa: TRY400 - a message may hold what nobody may see
                return NOTHING
        if EVERYTHING in parts:
            return EVERYTHING
        return parts[0] if len(parts) == 1 else AnyOf(parts)

    def _predicate(self, kind: str, given: Mapping[str, object]) -> Predicate:
        made = predicates(given.items(), _filters_of(kind), self._settings(), kind) if len(given) else ()
        return All(made) if made else EVERYTHING

    @contextmanager
    def _asked(self) -> Iterator[None]:
        before, self.asking = self.asking, True
        try:
            yield
        finally:
            self.asking = before

    def _answered(self, predicate: Predicate, index: Index, id: str) -> Predicate:
        """Return *predicate* with what it asks of other kinds answered for one record."""
        match predicate:
            case All(parts):
                return All(tuple(self._answered(part, index, id) for part in parts))
            case AnyOf(parts):
                return AnyOf(tuple(self._answered(part, index, id) for part in parts))
            case Not(part):
                return Not(self._answered(part, index, id))
            case Linked(field, kind, to, where):
                value: Any = id if field == "id" else index.get(field)
                if value is None:
                    return NOTHING
                query = Query(kind=kind, where=All((where, OneOf(to, (value,)))), limit=1)
                return EVERYTHING if any(True for _ in self._tx.columns(query, ("id",))) else NOTHING
        return predicate


def _filters_of(kind: str) -> Mapping[str, Filter]:
    """Return the filters that lists of a kind have; there are none of a kind that is not listed here."""
    from salespipeline.alerts import Alerts
    from salespipeline.attachments import Attachments
    from salespipeline.contacts import Contacts
    from salespipeline.documents.listing import SHAPE
    from salespipeline.jobs import Jobs
    from salespipeline.notes import Notes
    from salespipeline.opportunities import Opportunities
    from salespipeline.settings.items import Items
    from salespipeline.settings.stock import Stock

    collections = (Alerts, Attachments, Contacts, Jobs, Notes, Opportunities, Items, Stock)
    shapes = [SHAPE, *(one.shape for one in collections)]
    return next(shape.filters for shape in shapes if shape.kind == kind)
