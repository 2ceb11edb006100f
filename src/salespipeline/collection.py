"""What every collection of records has in common: find one, list many, change one, tell its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from salespipeline.domain.activity import Activity
from salespipeline.domain.checks import an, aware
from salespipeline.domain.display import Tabular
from salespipeline.errors import Conflict, Invalid, NotFound, Problem, Unavailable, shown
from salespipeline.listing import Listing, Page, Shape
from salespipeline.past import as_of, history_of, versions
from salespipeline.query import Cmp, Query
from salespipeline.survivors import merger_of, survivor_of
from salespipeline.text import fold
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["UNSEEN", "Collection", "contact_of", "retried"]

R = TypeVar("R")
T = TypeVar("T")
TRIES = 5
UNSEEN = "it is in use where you cannot see it"  # as much as is said of what who acts may not read


class Collection(Tabular, Generic[R]):
    """A plural noun of the face: ``sales.opportunities``. May be shared between threads.

    >>> sales.opportunities["OPP/00001"] == sales.opportunities.get(deal.id), "OPP/99999" in sales.opportunities
    (True, False)
    >>> sales.opportunities.count(), sales.opportunities.all()
    (1, <opportunity list: (no filter), by -created>)
    >>> sales.opportunities.where(stage="Prospect").order("-value").first() == sales.opportunities.order("value").one()
    True
    >>> sales.opportunities.page(50).next is None
    True
    """

    cls: type[R]
    shape: Shape
    key: str = "reference"  # the index field by which a record is also found

    def __init__(self, sales: Sales) -> None:
        self._sales = sales

    def where(self, **filters: object) -> Listing[R]:
        """Return the records that fit: see ``Listing.where``."""
        return self.all().where(**filters)

    def all(self) -> Listing[R]:
        """Return all of them, as a listing."""
        return Listing(self._sales, self.shape)

    def order(self, by: str) -> Listing[R]:
        """Return all of them, sorted: ``order("-value")``."""
        return self.all().order(by)

    def page(self, size: int = 50, after: str | None = None) -> Page[R]:
        """Return the first page, or the one behind a cursor."""
        return self.all().page(size, after)

    def count(self) -> int:
        """Return how many there are."""
        return self.all().count()

    def __iter__(self) -> Iterator[R]:
        return iter(self.all())

    def __len__(self) -> int:
        return self.count()

    def to_dicts(self) -> list[dict[str, object]]:
        """Return all of them as plain rows: see ``Listing.to_dicts``."""
        return self.all().to_dicts()

    def _each(self) -> Iterable[Mapping[str, object]]:
        return self.all()._each()

    def _columns(self) -> Mapping[str, type]:
        return self.shape.columns

    def _repr_html_(self) -> str:
        return self.all()._repr_html_()

    def __repr__(self) -> str:
        return repr(self.all())

    def get(self, name: str) -> R:
        """Return the record with this id or reference, or raise ``NotFound``."""
        with self._sales.work(write=False) as work:
            return self._named(work, name)

    def __getitem__(self, name: str) -> R:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        with self._sales.work(write=False) as work:
            return self._find(work, name) is not None

    def history(self, record: R | str) -> list[Activity]:
        """Return everything that happened to a record, oldest first, even if it is deleted. (SPEC OPP-9)

        >>> deal = sales.opportunities.edit(deal, subject="Warehouse, Leeds")
        >>> sales.opportunities.history(deal)[-1].changes
        (Change(field='subject', before='New warehouse', after='Warehouse, Leeds'),)
        """
        self._expect(record)
        with self._sales.work(write=False) as work:
            id = record if isinstance(record, str) else record.id  # type: ignore[attr-defined]
            found, kind = self._standing(work, id), self.shape.kind
            if found is None and (merger := merger_of(work, kind, id)) is not None:
                return history_of(work, kind, merger.id)
            return history_of(work, kind, found.id if found is not None else id)  # type: ignore[attr-defined]

    def versions(self, record: R | str) -> list[R]:
        """Return every past version of a record, oldest first, made by replaying its history. (SPEC OPP-9)

        >>> _ = sales.opportunities.win(deal)
        >>> [str(version.status) for version in sales.opportunities.versions(deal)]
        ['open', 'won']
        """
        return [version for version in versions(self.cls, self.history(record)) if version is not None]

    def as_of(self, moment: datetime) -> list[R]:
        """Return all records as they stood at *moment*, those deleted since too. (SPEC OPP-9)

        >>> before = sales.now()
        >>> sales.opportunities.as_of(before) == [deal]
        True
        """
        with self._sales.work(write=False) as work:
            return as_of(work, self.shape.kind, self.cls, aware(moment, "moment"))

    def version_at(self, record: R | str, moment: datetime) -> R | None:
        """Return a record as it stood at *moment*; ``None`` where there was none, yet or any more.

        >>> sales.opportunities.version_at(deal, sales.now()) == deal
        True
        """
        then = aware(moment, "moment")
        activities = list(takewhile(lambda activity: activity.at <= then, self.history(record)))
        return next(iter(list(versions(self.cls, activities))[-1:]), None)

    def _find(self, work: Work, name: str) -> R | None:
        """Return the record that is called so, or that one which was called so went into."""
        found = self._standing(work, name)
        return found if found is not None else survivor_of(work, self.cls, name)

    def _standing(self, work: Work, name: str) -> R | None:
        found = work.get(self.cls, name)
        if found is None:
            query = Query(kind=self.shape.kind, where=Cmp(self.key, "=", fold(name)), limit=2)
            several = list(work.find(query))
            if len(several) > 1:
                message = (
                    f"more than one {self.shape.kind} is called {shown(name)}: pass an id, such as {several[0].id}"
                )
                raise NotFound(message, kind=self.shape.kind, key=name)
            found = several[0] if several else None
        return found

    def _expect(self, given: R | str) -> None:
        """Raise ``Invalid`` where *given* is neither a record of this kind nor a name."""
        if not isinstance(given, str | self.cls):
            what = "nothing" if given is None else shown(given)
            message = f"{an(self.shape.kind)}, its id or its {self.key} is needed, and {what} was given"
            raise Invalid(Problem(self.shape.kind, "type", message))

    def _named(self, work: Work, given: R | str) -> R:
        self._expect(given)
        if not isinstance(given, str):
            try:
                return work.current(self.cls, given)
            except NotFound:
                self._refuse_merged(work, given)
                raise
        found = self._find(work, given)
        if found is None:
            message = f"no {self.shape.kind.replace('_', ' ')} has the id or {self.key} {shown(given)}"
            raise NotFound(message, kind=self.shape.kind, key=given)
        return found

    def _refuse_merged(self, work: Work, given: Any) -> None:
        """Raise ``Conflict`` where the record that was given went into another one meanwhile."""
        if (survivor := survivor_of(work, self.cls, given.id)) is not None:
            kind = self.shape.kind
            message = f"{kind} {given.id} was merged into {survivor.id} meanwhile: read that one, {str(survivor)[:100]}"
            raise Conflict(message, kind=kind, id=given.id)

    def _change(self, given: R | str, move: Callable[[R, Work], R], action: str, *, again: bool = False) -> R:
        """Apply *move*: to exactly the version that was given, or, for an id, to what is there, trying a few times.

        With *again*, a few times for a version too: others may be in the way who change something else.
        """

        def do(work: Work) -> R:
            before = self._named(work, given)
            return work.keep(move(before, work), before, action=action)

        return self._tried(do, again=again or isinstance(given, str))

    def _tried(self, do: Callable[[Work], T], *, again: bool) -> T:
        """Do it in a transaction, and, with *again*, a few times where somebody else was in the way."""
        return retried(self._sales, do, again=again)


def retried(
    sales: Sales, do: Callable[[Work], T], *, again: bool = True, passing: tuple[type[Exception], ...] = (Conflict,)
) -> T:
    """Do it in a transaction, and, with *again*, a few times where somebody else was in the way: one of *passing*.

    Inside a transaction of the caller it is done once, for only the whole of that can be done anew.
    """
    tries = TRIES if again and not sales.in_transaction else 1
    expected: tuple[type[Exception], ...] = (*passing, Unavailable)
    for left in reversed(range(tries)):
        try:
            with sales.work() as work:
                return do(work)
        except expected as error:
            if not left or (isinstance(error, Unavailable) and not error.retry):
                raise
    raise AssertionError("unreachable")


def contact_of(record: Any) -> str | None:
    """Return the id of the contact whose name a row shows."""
    found: str | None = record.contact_id
    return found
