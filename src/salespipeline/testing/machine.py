"""A state machine that runs a store and the in-memory store in lock-step, and compares results and errors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from salespipeline.entries import Entry, Index
from salespipeline.errors import StorageError
from salespipeline.ports import Store, Transaction
from salespipeline.query import Count, Group, Max, Min, Prefix, Query, Sum
from salespipeline.stores.memory import MemoryStore
from salespipeline.testing.clauses.vocabulary import CATALOG
from salespipeline.testing.strategies import indexing, queries

__all__ = ["StoreMachine"]

Step: TypeAlias = tuple[Any, ...]

_EXAMPLES = itertools.count(1)

ids = st.sampled_from("abcdef")
# Which version a write names, beside the kept one: mostly that one itself.
drift = st.sampled_from((0, 0, 0, 0, 0, 0, 1, -1))
fields: tuple[Group, ...] = ("name", "value", "stage", "percent", Prefix("closes", 2), Prefix("name", 1))
measures = st.sampled_from(
    (Count(), Sum("value"), Sum("percent"), Sum("value", times="percent"), Min("value"), Max("name"), Min("closes"))
)


@st.composite
def _index(draw: st.DrawFn) -> Index:
    index = dict(draw(indexing()))
    if draw(st.booleans()):
        index["reference"] = draw(st.sampled_from(("R1", "R2", "")))
    if draw(st.booleans()):
        index |= {"area": draw(st.sampled_from(("n", "s"))), "number": draw(st.integers(0, 1))}
    return index


def _groups() -> st.SearchStrategy[tuple[Group, ...]]:
    single = st.lists(st.sampled_from(fields), max_size=2, unique=True)
    many = st.sampled_from([(), (), ("tags",), ("scores",)])
    return st.tuples(single, many).map(lambda pair: (*pair[0], *pair[1]))


def _reads() -> st.SearchStrategy[Step]:
    columns = st.lists(st.sampled_from(("id", "name", "value", "stage", "percent", "closes")), max_size=3)
    return st.one_of(
        st.tuples(st.just("get"), ids),
        st.tuples(st.just("get_many"), st.lists(ids)),
        st.tuples(st.just("scan")),
        st.tuples(st.just("find"), queries(ids)),
        st.tuples(st.just("columns"), queries(ids), columns),
        st.tuples(st.just("tally"), queries(ids), _groups(), st.lists(measures, max_size=3)),
    )


def _writes() -> st.SearchStrategy[Step]:
    one = st.tuples(ids, drift, _index(), st.text("ab\n\u00e9𝄞", max_size=4))
    return st.one_of(
        one.map(lambda entry: ("put", *entry)),
        one.map(lambda entry: ("put", *entry)),
        one.map(lambda entry: ("amend", *entry)),
        st.lists(one, max_size=3).map(lambda entries: ("put_many", entries)),
        st.tuples(st.just("delete"), ids, drift),
        st.tuples(st.just("next_number"), st.sampled_from("xy")),
    )


class _Rollback(Exception):
    """Ends a transaction that is to be taken back."""


class StoreMachine(RuleBasedStateMachine):
    """Two handles on a store, and the in-memory store: each step is done on both sides, and must give the same."""

    def __init__(self, opener: Callable[[], Store]) -> None:
        super().__init__()
        self.opener = opener
        self.series = f"{next(_EXAMPLES)}/"  # numbers cannot be reset, so each example has series of its own
        self.oracle: Store = MemoryStore()
        self.oracle.prepare(CATALOG)
        self.handles = [self.opened(), self.opened()]
        with self.handles[0].transaction() as tx:
            for stored in list(tx.find(Query(kind="deal"))):
                tx.delete("deal", stored.id, stored.version)

    def opened(self) -> Store:
        """Open a prepared handle."""
        store = self.opener()
        store.prepare(CATALOG)
        return store

    def teardown(self) -> None:
        """Compare everything through a handle that has done nothing yet, and close all."""
        fresh = self.opened()
        with self.oracle.transaction(write=False) as expected, fresh.transaction(write=False) as tx:
            assert _scanned(tx) == _scanned(expected)
        for store in (*self.handles, fresh):
            store.close()

    @rule(
        place=st.integers(0, 1), steps=st.lists(_reads() | _writes(), max_size=6), fails=st.sampled_from((0, 0, 0, 1))
    )
    def write(self, place: int, steps: list[Step], fails: int) -> None:
        """Do these steps in a writing transaction, and commit it or take it back."""
        try:
            with self.oracle.transaction() as expected, self.handles[place].transaction() as tx:
                for step in steps:
                    self.compare(step, expected, tx)
                if fails:
                    raise _Rollback
        except _Rollback:
            pass

    @rule(place=st.integers(0, 1), steps=st.lists(_reads() | _writes(), max_size=4))
    def read(self, place: int, steps: list[Step]) -> None:
        """Do these steps in a reading transaction."""
        with self.oracle.transaction(write=False) as expected, self.handles[place].transaction(write=False) as tx:
            for step in steps:
                self.compare(step, expected, tx)

    @rule(place=st.integers(0, 1))
    def reopen(self, place: int) -> None:
        """Close a handle and open another one in its place."""
        self.handles[place].close()
        self.handles[place] = self.opened()

    def compare(self, step: Step, expected: Transaction, tx: Transaction) -> None:
        """Do one step on both sides."""
        name, *given = step
        if name in ("put", "amend", "put_many"):
            entries = [self.entry(expected, *one) for one in (given[0] if name == "put_many" else [given])]
            given = [entries] if name == "put_many" else entries
        elif name == "delete":
            given = ["deal", given[0], _version(expected, given[0], given[1])]
        elif name == "next_number":
            given = [self.series + given[0]]
        elif name in ("get", "get_many"):
            given = ["deal", given[0]]
        elif name == "scan":
            given = ["deal"]
        assert _outcome(tx, name, given) == _outcome(expected, name, given), step

    @staticmethod
    def entry(expected: Transaction, id: str, change: int, index: Index, body: str) -> Entry:
        """Return the entry that a write names."""
        return Entry("deal", id, _version(expected, id, change), index, body)


def _version(expected: Transaction, id: str, change: int) -> int:
    stored = expected.get("deal", id)
    return max(0, (0 if stored is None else stored.version) + change)


def _outcome(tx: Transaction, name: str, given: Sequence[Any]) -> object:
    try:
        result = getattr(tx, name)(*given)
    except StorageError as error:
        return type(error)
    if name == "scan":
        return _scanned(tx)
    return list(result) if name in ("find", "columns", "tally") else result


def _scanned(tx: Transaction) -> list[tuple[object, ...]]:
    return [(entry.id, entry.version, dict(entry.index), entry.body) for entry in tx.scan("deal")]
