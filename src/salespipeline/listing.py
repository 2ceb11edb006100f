"""A list of records as a value: filters, an order, a limit. It touches nothing until it is iterated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import attrs

from salespipeline.catalog import index_of
from salespipeline.criteria import Criteria
from salespipeline.cursor import decode_cursor, encode_cursor
from salespipeline.domain.checks import Checks, an, suggestion
from salespipeline.domain.display import Tabular
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, NotFound, Problem, shown
from salespipeline.filters import Filter, predicates
from salespipeline.line_rows import LineRows
from salespipeline.query import All, Predicate, Query, check
from salespipeline.ranking import Ranked, ranked_ids, read_ranked
from salespipeline.work import KIND_BY_NAME, Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Listing", "Page", "Shape"]

R = TypeVar("R")
CHUNK = 500


@attrs.frozen(kw_only=True)
class Shape:
    """What can be asked of one kind of record: its filters, its orders, and how a row is shown."""

    kind: str
    filters: Mapping[str, Filter]
    orders: Mapping[str, str | Ranked]  # the name that people use: the index field, or what ranks it
    default: str
    row: Callable[[Any, Settings, Mapping[str, str]], dict[str, object]]
    columns: Mapping[str, type]  # what a row has, and what each column holds: frames need it where there is no row
    titles: Callable[[Any], str | None] = lambda _record: None  # the contact whose name a row shows


@attrs.frozen
class Page(Generic[R]):
    """Some records, and the cursor to go on with; *next* is ``None`` on the last page.

    >>> first = sales.contacts.page(1)
    >>> [contact.name for contact in first], len(first), first.next
    (['Acme Ltd'], 1, None)
    """

    items: tuple[R, ...]
    next: str | None

    def __iter__(self) -> Iterator[R]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Listing(Tabular, Generic[R]):
    """Records of one kind, as a query that runs when it is iterated, counted or shown. (SPEC OPP-10)

    ``where`` narrows, ``order`` sorts, a slice limits; each returns a new listing. Iterating reads page by page
    in the order of the sort values, so that nothing is skipped or repeated while others insert.

    >>> big = sales.opportunities.where(stage="Prospect", value__ge="1000 GBP").order("-value")
    >>> big
    <opportunity list: stage='Prospect', value__ge='1000 GBP', by -value>
    >>> big.count(), big.first() == big.one() == big[0], big[:20].ids() == [deal.id]
    (1, True, True)
    >>> [(row["subject"], row["value"]) for row in big.to_dicts()]
    [('New warehouse', Decimal('8400.00'))]
    >>> list(big.where(owner="tom"))
    []
    """

    def __init__(
        self,
        sales: Sales,
        shape: Shape,
        *,
        given: tuple[tuple[str, object], ...] = (),
        order: str | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> None:
        self._sales = sales
        self._shape = shape
        self._given = given
        self._asked = order
        self._order = order or shape.default
        self._start = start
        self._stop = stop

    def _with(self, **changes: Any) -> Self:
        facts: dict[str, Any] = {"given": self._given, "order": self._asked, "start": self._start, "stop": self._stop}
        return type(self)(self._sales, self._shape, **(facts | changes))

    def where(self, **filters: object) -> Self:
        """Return the records that also fit these filters; unknown ones raise ``Invalid`` when it is run.

        Write ``stage="Quoted"``, ``value__ge="10000 GBP"``, ``due__lt=date(…)``, ``tags__any=["VIP"]``,
        ``reference__startswith="OPP/"``, ``owner__in=["jane", "tom"]``, ``stage__not="Lead"``, ``person=None``, and
        ``saved="Hot ones"`` for what was saved in ``settings.filters``, whose order it has too unless another is asked for.
        """
        return self._with(given=self._given + tuple(filters.items()))

    def fitting(self, criteria: Criteria | str) -> Self:
        """Return the records that also fit *criteria*, or their JSON; sorted as they say, unless an order was asked for.

        >>> asked = sales.opportunities.where(stage="Prospect").order("-value").criteria().to_json()
        >>> sales.opportunities.all().fitting(asked)
        <opportunity list: stage='...', by -value>
        """
        found = Criteria.read(criteria) if isinstance(criteria, str) else criteria
        if found.of != self._shape.kind:
            message = f"these criteria are of {an(found.of)}, and {an(self._shape.kind)} is listed"
            raise Invalid(Problem("of", "choice", message))
        return self._with(given=self._given + found.where, order=self._asked or found.order)

    def criteria(self) -> Criteria:
        """Return the filters and the order as plain values, to keep and to ask again; ``Invalid`` says all that is wrong.

        >>> sales.opportunities.where(stage__in=["Prospect"]).criteria().where == (("stage__in", [deal.stage_id]),)
        True
        """
        if self._start or self._stop is not None:
            raise Invalid(
                Problem("criteria", "slice", "how many are looked at is not saved: take the list, not a slice of it")
            )
        with self._sales.work(write=False) as work:
            settings, listing, checks = work.settings, self._with_saved(work.settings), Checks()
            if listing._asked is not None:
                checks.take(self.order, listing._asked)
            checks.take(listing.predicate, settings)
            checks.done(action="where")
            pairs = []
            for path, value in listing._given:
                name, _, operator = path.partition("__")
                pairs.append((path, self._shape.filters[name].plain(operator, value, settings, path)))
        return Criteria(of=self._shape.kind, where=tuple(pairs), order=listing._asked)

    def _with_saved(self, settings: Settings) -> Self:
        """Return this list with what a saved filter asks in the place of its name."""
        if all(name != "saved" for name, _ in self._given):
            return self
        given: list[tuple[str, object]] = []
        order = self._asked
        for name, value in self._given:
            if name != "saved":
                given.append((name, value))
                continue
            listed = settings.filters_for(self._sales.actor, self._shape.kind)
            known = listed.get(value[:1000]) if isinstance(value, str) else value
            found = Criteria.read(listed[listed.chosen(value, "saved", kept=getattr(known, "id", None))].criteria)
            checks = Checks()
            try:
                self._with(given=found.where).predicate(settings)
            except Invalid as error:  # what it names is gone from the settings
                checks.within("saved", error)
            checks.done(action="where")
            given += found.where
            order = order or found.order
        return self._with(given=tuple(given), order=order)

    def order(self, by: str) -> Self:
        """Return them sorted by a field, ``"-value"`` for descending order."""
        name = by.removeprefix("-") if isinstance(by, str) else by
        if name not in self._shape.orders:
            hint = suggestion(str(name), self._shape.orders)
            raise Invalid(Problem("order", "unknown", f"nothing is sorted by {shown(name)}: {hint}"))
        return self._with(order=by)

    def predicate(self, settings: Settings) -> Predicate:
        """Return the filters as a predicate of the query language.

        >>> sales.documents.where(sent=False).predicate(sales.settings.snapshot)
        All(parts=(Cmp(field='sent', op='=', value=0),))
        """
        listing = self._with_saved(settings)
        given, filters, kind = listing._given, self._shape.filters, self._shape.kind
        if all(filters[name].ask is None for path, _ in given if (name := path.partition("__")[0]) in filters):
            return All(predicates(given, filters, settings, kind))
        with self._sales.work(write=False) as work:
            return All(predicates(given, filters, settings, kind, work))

    def query(self, settings: Settings) -> Query:
        """Return the query that this listing runs, without its limits.

        >>> sales.contacts.order("-name").query(sales.settings.snapshot).order
        ('name',)
        """
        listing = self._with_saved(settings)
        sorted_by = listing._sorted_by
        query = Query(
            kind=self._shape.kind,
            where=listing.predicate(settings),
            order=("created",) if isinstance(sorted_by, Ranked) else (sorted_by,),
            descending=listing._order.startswith("-"),
        )
        check(query, KIND_BY_NAME[query.kind], kinds=KIND_BY_NAME)
        return query

    def page(self, size: int = 50, after: str | None = None) -> Page[R]:
        """Return *size* records from the start, or from behind the cursor of the page before.

        >>> for name in ("Harlow Foods", "Isley Brewing"):
        ...     _ = sales.contacts.add(name)
        >>> page = sales.contacts.order("name").page(2)
        >>> [contact.name for contact in sales.contacts.order("name").page(2, after=page.next)]
        ['Isley Brewing']
        """
        if type(size) is not int or not 1 <= size <= 10_000:
            raise Invalid(Problem("size", "range", f"a page has 1 to 10,000 records, not {shown(size)}"))
        with self._sales.work(write=False) as work:
            listing = self._with_saved(work.settings)
            query, ranked = listing.query(work.settings), listing._sorted_by
            shown_by = attrs.evolve(query, order=ranked.order) if isinstance(ranked, Ranked) else query
            start = decode_cursor(shown_by, after) if after is not None else None
            found, place_of = listing._read(work, query, start, size + 1)
        more = len(found) > size
        return Page(tuple(found[:size]), encode_cursor(shown_by, place_of(size - 1)) if more else None)

    @property
    def _sorted_by(self) -> str | Ranked:
        return self._shape.orders[self.order(self._order)._order.removeprefix("-")]

    def _read(
        self, work: Work, query: Query, after: tuple[Any, ...] | None, limit: int
    ) -> tuple[list[Any], Callable[[int], tuple[Any, ...]]]:
        """Return up to *limit* records behind *after*, and what tells where one of them stands in the order."""
        ranked = self._sorted_by
        if isinstance(ranked, Ranked):
            pairs = list(read_ranked(work, ranked, query, after, limit))
            return [record for record, _ in pairs], lambda at: pairs[at][1]
        (field,) = query.order
        found = list(work.find(attrs.evolve(query, after=after, limit=limit)))
        # To compute an index is work: it is done for the one that is asked for.
        return found, lambda at: (index_of(found[at])[field], found[at].id)

    def __iter__(self) -> Iterator[R]:
        after: tuple[Any, ...] | None = None
        skipped, wanted = self._start, None if self._stop is None else max(self._stop - self._start, 0)
        while wanted is None or wanted > 0:
            limit = CHUNK if wanted is None else min(CHUNK, wanted + skipped)
            with self._sales.work(write=False) as work:
                listing = self._with_saved(work.settings)
                found, place_of = listing._read(work, listing.query(work.settings), after, limit)
            if len(found) == limit:
                after = place_of(-1)
            for record in found[skipped:]:
                yield record
                if wanted is not None:
                    wanted -= 1
            skipped = max(skipped - len(found), 0)
            if len(found) < limit:
                return

    def _to_send(self) -> list[R]:
        """Return them as asked, or else the oldest first: people look at the newest, numbers go in the order of time."""
        listed = list(self)
        with self._sales.work(write=False) as work:
            asked = self._with_saved(work.settings)
        return listed[::-1] if asked._asked is None and asked._order.startswith("-") else listed

    def count(self) -> int:
        """Return how many there are, limits aside, without reading them."""
        with self._sales.work(write=False) as work:
            return work.count(self._shape.kind, self.predicate(work.settings))

    def __len__(self) -> int:
        stop = self.count() if self._stop is None else min(self._stop, self.count())
        return max(stop - self._start, 0)

    def __bool__(self) -> bool:
        return self.first() is not None

    def first(self) -> R | None:
        """Return the first one, or ``None``."""
        return next(iter(self[:1]), None)

    def one(self) -> R:
        """Return the only one; raises ``NotFound`` where there is none, ``Invalid`` where there are several."""
        found = list(self[:2])
        if not found:
            raise NotFound(f"no {self._shape.kind} fits {self._filters()}", kind=self._shape.kind)
        if len(found) > 1:
            message = f"more than one {self._shape.kind} fits {self._filters()}; narrow it, or use first()"
            raise Invalid(Problem("where", "several", message))
        return found[0]

    def ids(self) -> list[str]:
        """Return the ids, in order, without reading the records."""
        with self._sales.work(write=False) as work:
            listing = self._with_saved(work.settings)
            query, ranked = listing.query(work.settings), listing._sorted_by
            if isinstance(ranked, Ranked):
                return ranked_ids(work, ranked, query)[self._start : self._stop]
            query = attrs.evolve(query, limit=self._stop)
            return [str(row[0]) for row in work.columns(query, ("id",))][self._start :]

    @overload
    def __getitem__(self, key: int) -> R: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> R | Self:
        if not isinstance(key, int | slice):
            raise TypeError(
                f"a listing is counted or sliced, [0] or [:20]; to find a record by name, ask its collection for {shown(key)}"
            )
        if isinstance(key, int):
            if key < 0:
                raise IndexError("a listing is counted from its start; order it the other way round")
            found = list(self[key : key + 1])
            if not found:
                raise IndexError(f"there is no record number {key}")
            return found[0]
        start, stop = key.start or 0, key.stop
        if key.step not in (None, 1) or start < 0 or (stop is not None and stop < 0):
            raise IndexError("a listing is sliced from its start, without steps: [:20] or [20:40]")
        ends = [self._start + stop] if stop is not None else []
        ends += [self._stop] if self._stop is not None else []
        return self._with(start=self._start + start, stop=min(ends) if ends else None)

    def _filters(self) -> str:
        return ", ".join(f"{name}={shown(value, 40)}" for name, value in self._given) or "(no filter)"

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows with labels in place of ids: for frames, CSV and JSON."""
        return self._shown(list(self))

    def _each(self) -> Iterator[dict[str, object]]:
        listing = self._with()
        listing._sales = self._sales.doing("export")
        records = iter(listing)
        while several := list(islice(records, CHUNK)):
            yield from listing._shown(several)

    @property
    def lines(self) -> LineRows:
        """The lines of these records, a row each: for CSV and data frames; of opportunities, documents.

        >>> [(row["record"], row["description"], row["net"]) for row in sales.opportunities.all().lines.to_dicts()]
        [('OPP/00001', 'Racking, bay', Decimal('8400.00'))]
        """
        listing = self._with()
        listing._sales = self._sales.doing("export")
        return LineRows(listing, self._shape.kind)

    def _shown(self, records: list[R]) -> list[dict[str, object]]:
        with self._sales.work(write=False) as work:
            contacts = {title for record in records if (title := self._shape.titles(record))}
            names = {id: contact.name for id, contact in _contacts(work, contacts)}
            return [self._shape.row(record, work.settings, names) for record in records]

    def _columns(self) -> Mapping[str, type]:
        return self._shape.columns

    def _repr_html_(self) -> str:
        from salespipeline.notebook import listing_html

        return listing_html(self)

    def __repr__(self) -> str:
        return f"<{self._shape.kind} list: {self._filters()}, by {self._order}>"


def _contacts(work: Any, ids: set[str]) -> Iterator[tuple[str, Any]]:
    from salespipeline.domain.contacts import Contact

    yield from work.get_many(Contact, sorted(ids)).items()
