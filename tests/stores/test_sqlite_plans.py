"""How SQLite comes by an answer: what is pushed down, what is grouped twice, what is taken back. The rules are in docs/performance.md."""

from __future__ import annotations

import pytest

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import Conflict, Duplicate
from salespipeline.query import (
    EVERYTHING,
    All,
    Cmp,
    Contains,
    Count,
    Has,
    Max,
    Min,
    Missing,
    Not,
    OneOf,
    Prefix,
    Query,
    Sum,
)
from salespipeline.stores import sqlite_transaction
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.sqlite import SqliteStore

DEAL = Kind(
    "deal",
    (
        Field("name", str, sortable=True),
        Field("stage", str),
        Field("owner", str),
        Field("status", str),
        Field("value", int),
        Field("percent", int),
        Field("note", str),
        Field("tags", str, many=True),
    ),
    unique=(("name",),),
    paths=(("owner",), ("status", "stage", "owner", "value", "percent")),
)
NOTE = Kind("note", (Field("author", str),), unique=(("author",),))
CATALOG = Catalog((DEAL, NOTE))


def deal(number: int, **fields: object) -> Entry:
    index = {"name": f"n{number:03}", **{name: value for name, value in fields.items() if value is not None}}
    return Entry("deal", f"d{number:03}", 0, index, "{}")  # type: ignore[arg-type]


def filled() -> list[Entry]:
    return [
        deal(
            number,
            stage=(None, "a", "b")[number % 3],
            owner=(None, "jo", "al", "bo")[number * 7 % 4],
            status=("open", "won", None)[number * 5 % 3 if number % 2 else 0],
            value=None if number % 11 == 0 else number * 10 - 300,
            percent=None if number % 5 == 0 else number % 101,
            note="x" * (number % 3) or None,
            tags=("vip",) if number % 4 == 0 else None,
        )
        for number in range(120)
    ]


@pytest.fixture
def sqlite(tmp_path):
    store = SqliteStore(tmp_path / "deals.db", synchronous="NORMAL")
    store.prepare(CATALOG)
    yield store
    store.close()


@pytest.fixture
def large(monkeypatch):
    """Any table counts as a large one."""
    monkeypatch.setattr(sqlite_transaction, "_MANY", -1)


@pytest.fixture
def memory():
    store = MemoryStore()
    store.prepare(CATALOG)
    return store


MEASURES = (Count(), Sum("value"), Sum("value", times="percent"), Min("value"), Max("percent"), Min("owner"))
WHERES = [
    EVERYTHING,
    Cmp("status", "=", "open"),
    OneOf("status", ("won", "open")),
    All((Cmp("status", "=", "open"), Cmp("value", ">", 0), Not(Missing("stage")))),
    Not(Cmp("value", "<", 100)),
    All((Has("tags", "vip"), Not(Has("tags", "no")))),
    Cmp("owner", "=", "jo"),
    Contains("note", "xx"),
    OneOf("id", ("d003", "d004", "d100")),
    Cmp("status", "=", "nobody's"),
]
BYS = [(), ("owner",), ("owner", "status"), ("stage",), ("status", "stage"), ("value", "owner"), ("tags", "owner")]


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("by", [*BYS, (Prefix("owner", 1), "status")], ids=str)
@pytest.mark.parametrize("where", WHERES, ids=str)
def test_groups_of_groups_are_the_groups_that_one_grouping_gives(sqlite, memory, where, by):
    answers = []
    for store in (sqlite, memory):
        with store.transaction() as tx:
            tx.put_many(filled())
        with store.transaction(write=False) as tx:
            answers.append(list(tx.tally(Query(kind="deal", where=where), by, MEASURES)))
    assert answers[0] == answers[1]


def statement(store, where, by, measures):
    with store.transaction(write=False) as tx, tx.traced() as statements:
        list(tx.tally(Query(kind="deal", where=where), by, measures))
    *_, text = statements
    connection = store._file.session().connection
    return text, [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}")]


@pytest.mark.usefixtures("large")
def test_a_report_reads_its_index_in_order_and_sorts_groups_not_entries(sqlite):
    text, steps = statement(sqlite, EVERYTHING, ("owner", "status"), (Count(), Sum("value")))
    assert steps == [
        "CO-ROUTINE e",
        "SCAN e USING COVERING INDEX deal__by__status__stage__owner__value__percent",
        "SCAN e",
        "USE TEMP B-TREE FOR GROUP BY",
    ]
    assert 'GROUP BY e."status", e."stage", e."owner")' in text


def test_a_small_table_is_grouped_once(sqlite):
    assert statement(sqlite, EVERYTHING, ("owner", "status"), (Count(),))[0].count("SELECT") == 1


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("where", "by", "measures"),
    [
        (EVERYTHING, ("note",), (Count(),)),  # no index holds it
        (Contains("note", "x"), ("owner", "status"), (Count(),)),
        (EVERYTHING, ("owner",), (Min("note"),)),
        (EVERYTHING, ("tags", "owner"), (Count(),)),  # many values stand in a table of their own
        (EVERYTHING, (Prefix("owner", 1),), (Count(),)),  # which comes in another order
        (Cmp("owner", "=", "jo"), ("owner", "status"), (Count(),)),  # few entries, by another index
        (EVERYTHING, (), (Count(),)),
    ],
    ids=str,
)
def test_what_no_index_gives_in_order_is_grouped_once(sqlite, where, by, measures):
    assert statement(sqlite, where, by, measures)[0].count("SELECT") == 1


@pytest.mark.usefixtures("large")
def test_sums_that_leave_64_bits_on_the_way_are_still_exact(sqlite):
    most = 2**63 - 1
    values = [("a", most), ("a", most), ("b", -most), ("b", -most), ("c", 5)]
    with sqlite.transaction() as tx:
        tx.put_many(
            deal(number, stage=stage, owner="jo", status="open", value=value)
            for number, (stage, value) in enumerate(values)
        )
        found = list(tx.tally(Query(kind="deal"), ("owner", "status"), (Sum("value"),)))
    assert found == [("jo", "open", 5)]


def test_entries_before_the_one_that_is_refused_are_put_and_those_after_it_are_not(sqlite):
    note = [Entry("note", f"n{number}", 0, {"author": f"a{number}"}, "{}") for number in range(4)]
    deals = [deal(number, tags=("vip", "new")) for number in range(4)]
    taken = Entry("deal", "other", 0, {"name": "n001", "tags": ("vip",)}, "{}")
    with sqlite.transaction() as tx:
        with pytest.raises(Duplicate, match="'other'"):
            tx.put_many([note[0], deals[0], deals[1], note[1], taken, note[2], deals[2]])
        assert [entry.id for entry in tx.scan("deal")] == ["d000", "d001"]
        assert [entry.id for entry in tx.scan("note")] == ["n0", "n1"]
        assert [entry.index["tags"] for entry in tx.scan("deal")] == [("new", "vip"), ("new", "vip")]
        tx.put_many([deals[2], note[2], note[3], deals[3]])  # nothing of what was taken back is in the way
    assert list(sqlite.check()) == []
    with sqlite.transaction(write=False) as tx:
        assert list(tx.columns(Query(kind="deal", where=Has("tags", "vip")), ("id",))) == [
            ("d000",),
            ("d001",),
            ("d002",),
            ("d003",),
        ]
        assert list(tx.tally(Query(kind="note"), (), (Count(),))) == [(4,)]


def test_an_entry_that_is_there_already_is_not_taken_back_with_those_before_it(sqlite):
    with sqlite.transaction() as tx:
        tx.put(deal(2, tags=("vip",)))
    with sqlite.transaction() as tx:
        with pytest.raises(Conflict, match="'d002'"):
            tx.put_many(deal(number, tags=("new",)) for number in range(4))
        kept = [(entry.id, entry.version, entry.index["tags"]) for entry in tx.scan("deal")]
    assert kept == [("d000", 1, ("new",)), ("d001", 1, ("new",)), ("d002", 1, ("vip",))]


def test_what_is_ordered_by_a_unique_is_not_sorted_again_by_the_id(sqlite):
    named = Query(kind="deal", where=Cmp("name", ">", "n"), order=("name",))
    with sqlite.transaction(write=False) as tx:
        assert tx.explain(named).words == "SEARCH e USING INDEX deal__unique__name (name>?)"
