"""The words that the clauses are written in: a small catalog, eight deals, and a few verbs."""

from __future__ import annotations

from collections.abc import Sequence

from salespipeline.entries import Catalog, Entry, Field, Kind, Scalar, Stored
from salespipeline.ports import Store, Transaction
from salespipeline.query import EVERYTHING, Count, Group, Measure, Predicate, Query

__all__ = [
    "CATALOG",
    "DEAL",
    "DEALS",
    "NOTE",
    "all_of",
    "body",
    "counted",
    "deal",
    "delete",
    "found",
    "ids",
    "kept",
    "note",
    "numbered",
    "put",
    "same",
]

DEAL = Kind(
    "deal",
    (
        Field("name", str, sortable=True),
        Field("value", int, sortable=True),
        Field("stage", str),
        Field("owner", str),
        Field("percent", int),
        Field("closes", str),
        Field("tags", str, many=True),
        Field("scores", int, many=True),
        Field("reference", str),
        Field("area", str),
        Field("number", int),
        Field("words", str),
    ),
    unique=(("reference",), ("area", "number")),
    paths=(("name",), ("value",), ("stage", "value"), ("owner", "closes")),
    texts=("words",),
)
NOTE = Kind(
    "note", (Field("text", str), Field("slug", str), Field("words", str)), unique=(("slug",),), texts=("words",)
)
CATALOG = Catalog((DEAL, NOTE))


def body(id: str) -> str:
    """Return a body that is not easily mistaken for another one's."""
    return f'{{"id":"{id}"}}'


def deal(id: str, version: int = 0, *, text: str | None = None, **index: Scalar | tuple[Scalar, ...]) -> Entry:
    """Return a deal with these index fields; *text* is its body."""
    filled: dict[str, Scalar | tuple[Scalar, ...]] = {"name": "", "value": 0, **index}
    return Entry("deal", id, version, filled, body(id) if text is None else text)


def note(id: str, version: int = 0, **index: Scalar | tuple[Scalar, ...]) -> Entry:
    """Return a note with these index fields."""
    return Entry("note", id, version, index, body(id))


# By name: g, a, h, c, b, d, f, e. By value: e, g, d, a, h, b, c, f.
DEALS = (
    deal(
        "a",
        name="Ash",
        value=100,
        stage="lead",
        owner="jane",
        percent=10,
        closes="2026-01-15",
        tags=("vip", "new"),
        scores=(1, 2),
    ),
    deal("b", name="birch", value=250, stage="lead", owner="tom", percent=50, closes="2026-01-31", tags=("vip",)),
    deal("c", name="Cedar", value=250, stage="quote", percent=75, closes="2026-02-01"),
    deal("d", name="douglas fir", value=9, stage="quote", owner="jane", tags=("new",), scores=(2,)),
    deal("e", name="Élan", value=-40, owner="tom", percent=0, closes="2025-12-31"),
    deal("f", name="fir", value=1000, stage="won", owner="jane", percent=100, closes="2026-02-28", tags=("rush",)),
    deal("g"),
    deal("h", name="Ash", value=100, stage="lead", owner="", tags=("vip",)),
)


def put(store: Store, *entries: Entry) -> None:
    """Put *entries* in one transaction."""
    with store.transaction() as tx:
        for entry in entries:
            tx.put(entry)


def delete(store: Store, id: str, version: int) -> None:
    """Delete a deal in a transaction of its own."""
    with store.transaction() as tx:
        tx.delete("deal", id, version)


def kept(store: Store, id: str, kind: str = "deal") -> Stored | None:
    """Return what is kept, read in a transaction of its own."""
    with store.transaction(write=False) as tx:
        return tx.get(kind, id)


def all_of(store: Store, kind: str = "deal") -> list[Entry]:
    """Return everything that is kept of a kind."""
    with store.transaction(write=False) as tx:
        return list(tx.scan(kind))


def ids(tx: Transaction, where: Predicate = EVERYTHING) -> str:
    """Return the ids of the deals that satisfy *where*, by id, in one word."""
    return "".join(stored.id for stored in tx.find(Query(kind="deal", where=where)))


def found(
    store: Store,
    where: Predicate = EVERYTHING,
    *,
    order: tuple[str, ...] = (),
    descending: bool = False,
    after: tuple[Scalar, ...] | None = None,
    limit: int | None = None,
) -> str:
    """Return the ids of the deals that are found, in order, in one word."""
    query = Query(kind="deal", where=where, order=order, descending=descending, after=after, limit=limit)
    with store.transaction(write=False) as tx:
        return "".join(stored.id for stored in tx.find(query))


def counted(
    store: Store,
    *by: Group,
    where: Predicate = EVERYTHING,
    measures: Sequence[Measure] = (Count(),),
) -> list[tuple[Scalar | None, ...]]:
    """Return the tally of the deals that satisfy *where*."""
    with store.transaction(write=False) as tx:
        return list(tx.tally(Query(kind="deal", where=where), by, measures))


def same(found: str | bytes, expected: str | bytes) -> bool:
    """Say whether two long contents are the same. A test runner that explains a difference would take minutes."""
    return found == expected


def numbered(store: Store, series: str = "invoice") -> int:
    """Take one number in a transaction of its own."""
    with store.transaction() as tx:
        return tx.next_number(series)
