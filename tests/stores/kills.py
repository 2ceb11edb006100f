"""What a store looks like after a process died at any statement of what it was doing: whole, and ready to go on.

``stride`` says how many statements lie between two deaths: one in the long run, more in the short one.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance, rewriting
from salespipeline.catalog import CATALOG
from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import NewerFormat, NotFound, UpgradeNeeded
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Group, Has, Query

# Every kind of change that ``prepare`` can make: a kind, fields, an order, a unique, a path, values beside the table.
OLD = Catalog(
    (
        Kind(
            "deal",
            (Field("name", str, sortable=True), Field("value", int), Field("tags", str, many=True)),
            unique=(("name",),),
        ),
    )
)
NEW = Catalog(
    (
        Kind(
            "deal",
            (
                Field("name", str, sortable=True),
                Field("value", int, sortable=True),
                Field("tags", str, many=True),
                Field("owner", str),
                Field("years", int, many=True),
            ),
            unique=(("name",), ("owner", "value")),
            paths=(("value",), ("owner", "name")),
        ),
        Kind("note", (Field("deal", str), Field("at", str, sortable=True)), paths=(("deal", "at"),)),
    ),
    format=2,
)
BEFORE = [
    Entry("deal", f"d{number}", 1, {"name": f"n{number}", "tags": ("a", f"t{number}")}, f'{{"n": {number}}}')
    for number in range(4)
]
MANY = [Entry("deal", f"m{number:02}", 1, {"name": f"m{number}", "tags": ("m",)}, "{}") for number in range(60)]
FILES = (b"first", bytes(range(256)) * 2500)  # the second in more than one chunk


def fill(store: Store) -> None:
    """Put four deals, as an older program would."""
    store.prepare(OLD)
    with store.transaction() as tx:
        tx.put_many([Entry(one.kind, one.id, 0, one.index, one.body) for one in BEFORE])
        assert tx.next_number("INV") == 1


def widen(store: Store) -> None:
    """Prepare for the newer catalog."""
    store.prepare(NEW, upgrade=True)


def change(store: Store) -> None:
    """Make, change and remove many entries, and take a number, in one transaction."""
    store.prepare(OLD)
    with store.transaction() as tx:
        assert tx.next_number("INV") == 2
        tx.put_many([Entry(one.kind, one.id, 0, one.index, one.body) for one in MANY])
        tx.put_many([Entry("deal", one.id, 1, {"name": one.id, "tags": ("new",)}, "[]") for one in BEFORE[:3]])
        tx.delete("deal", "d3", 1)


AFTER = [*[Entry("deal", one.id, 2, {"name": one.id, "tags": ("new",)}, "[]") for one in BEFORE[:3]], *MANY]


def deals(store: Store) -> list[Entry]:
    """Return every deal."""
    with store.transaction(write=False) as tx:
        return list(tx.scan("deal"))


def tagged(store: Store, tag: str) -> list[str]:
    """Return the ids of those with this tag, which are looked up beside the table."""
    with store.transaction(write=False) as tx:
        return [one.id for one in tx.find(Query(kind="deal", where=Has("tags", tag), order=("name",)))]


def changed(store: Store) -> bool:
    """Check that the change was made as a whole, or not at all; say which."""
    store.prepare(OLD)
    found = deals(store)
    done = found != BEFORE
    assert found == (AFTER if done else BEFORE)
    assert tagged(store, "a") == ([] if done else ["d0", "d1", "d2", "d3"])
    assert len(tagged(store, "m")) == (60 if done else 0)
    with store.transaction() as tx:
        assert tx.next_number("INV") == (3 if done else 2)
    return done


def widened(store: Store) -> None:
    """Go on after a death while the store was widened, and check that it is wide, and keeps what it kept."""
    try:
        store.prepare(OLD)
        assert deals(store) == BEFORE
    except NewerFormat:  # it was done already
        pass
    widen(store)
    zero = [Entry(one.kind, one.id, 1, {**one.index, "value": 0}, one.body) for one in BEFORE]
    assert deals(store) == zero
    by: list[Group] = ["years", "owner"]
    with store.transaction() as tx:
        tx.put(Entry("note", "x", 0, {"deal": "d0", "at": "2026"}, "{}"))
        tx.put(Entry("deal", "d0", 1, {"name": "n0", "value": 7, "owner": "jane", "years": (2025, 2026)}, "{}"))
        assert [one.id for one in tx.find(Query(kind="note", where=Cmp("deal", "=", "d0"), order=("at",)))] == ["x"]
        page = Query(kind="deal", order=("value", "name"), after=(0, "n1", "d1"))
        assert [one.id for one in tx.find(page)] == ["d2", "d3", "d0"]
        counts = list(tx.tally(Query(kind="deal"), by, [Count()]))
    assert counts == [(None, None, 3), (2025, "jane", 1), (2026, "jane", 1)]


def exchange(store: Any) -> None:
    """Keep a file, and another one in its place."""
    store.blobs.forget(store.blobs.keep([FILES[0]]))
    store.blobs.keep([FILES[1]])


def kept(store: Any, content: bytes) -> bool:
    """Say whether these bytes are kept; they are read whole, or not at all."""
    try:
        found = b"".join(store.blobs.read(hashlib.sha256(content).hexdigest()))
    except NotFound:
        return False
    assert found == content
    return True


def reindex(store: Store) -> None:
    """Write every record anew."""
    store.prepare(CATALOG)
    maintenance.reindex(store)


class Deaths:
    """The tests that a store of several processes shares; a subclass says where it is, and how it is killed in it."""

    stride = 1

    def new(self) -> Callable[[], Store]:
        """Return what opens handles on a new, empty place."""
        raise NotImplementedError

    def struck(self, task: Callable[[], Any], number: int) -> bool:
        """Run *task*, which is ended before its statement of this *number*; say whether it came so far."""
        raise NotImplementedError

    @contextmanager
    def layouts(self, *names: str) -> Iterator[None]:
        """Be a newer version of the store in the block, whose layout has these steps more."""
        raise NotImplementedError

    def strikes(self, least: int, first: int = 1) -> Iterator[Callable[[Callable[[], Any]], None]]:
        """Yield what runs a task that is ended a little later each time, until one is not; at least so often."""
        for number in itertools.count(first, self.stride):
            came: list[bool] = []

            def strike(task: Callable[[], Any], number: int = number, came: list[bool] = came) -> None:
                came.append(self.struck(task, number))

            yield strike
            if came == [False]:
                assert number > least, f"only {number - 1} statements"
                return

    @contextmanager
    def handle(self, opener: Callable[[], Store]) -> Iterator[Store]:
        """Open a handle for the block, and find nothing wrong with what it is on."""
        store = opener()
        try:
            yield store
            assert list(getattr(store, "check", list)()) == []
        finally:
            store.close()

    def done(self, opener: Callable[[], Store], task: Callable[[Store], object]) -> Callable[[], None]:
        """Return what opens a handle, does *task* with it, and closes it."""

        def do() -> None:
            store = opener()
            try:
                task(store)
            finally:
                store.close()

        return do

    def test_a_new_store_is_made_by_whoever_comes_next(self) -> None:
        for strike in self.strikes(least=20):
            opener = self.new()
            strike(self.done(opener, lambda store: store.prepare(OLD)))
            with self.handle(opener) as store:
                fill(store)
            with self.handle(opener) as store:
                assert not changed(store)

    def test_a_change_is_there_whole_or_not_at_all(self) -> None:
        outcomes = set()
        for strike in self.strikes(least=10):
            opener = self.new()
            self.done(opener, fill)()
            strike(self.done(opener, change))
            with self.handle(opener) as store:
                outcomes.add(changed(store))
        assert outcomes == {True, False}

    def test_a_wider_catalog_is_prepared_by_whoever_comes_next(self) -> None:
        for strike in self.strikes(least=15):
            opener = self.new()
            self.done(opener, fill)()
            strike(self.done(opener, widen))
            with self.handle(opener) as store:
                widened(store)

    def test_an_upgrade_of_the_layout_goes_on_at_the_step_where_it_was_ended(self) -> None:
        for strike in self.strikes(least=10):
            opener = self.new()
            self.done(opener, fill)()
            with self.layouts("_second", "_third"):
                strike(self.done(opener, lambda store: store.prepare(OLD, upgrade=True)))
                with self.handle(opener) as store:
                    try:
                        store.prepare(OLD)
                    except UpgradeNeeded:
                        store.prepare(OLD, upgrade=True)
                    assert not changed(store)
                with self.handle(opener) as store:  # a step that had been taken twice would have failed
                    store.prepare(OLD)

    def test_a_file_is_there_whole_or_not_at_all(self) -> None:
        for strike in self.strikes(least=8):
            opener = self.new()
            self.done(opener, fill)()
            strike(self.done(opener, exchange))
            with self.handle(opener) as store:
                assert [kept(store, content) for content in FILES] in ([False, False], [True, False], [False, True])
                exchange(store)
                assert [kept(store, content) for content in FILES] == [False, True]

    def test_indexing_anew_goes_on_at_the_chunk_where_it_was_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for strike in self.strikes(least=30):
            opener = self.new()
            with sp.open(opener(), actor="jane") as sales:
                for number in range(5):
                    sales.contacts.add(f"Client {number}")
                before = whole(sales)
            with monkeypatch.context() as patch:
                patch.setattr(rewriting, "INDEX", 2)
                patch.setattr(rewriting, "CHUNK", 2)
                strike(self.done(opener, reindex))
                with self.handle(opener) as store:
                    reindex(store)
                with sp.open(opener(), actor="jane") as sales:  # it asks for no upgrade
                    after = whole(sales)
                    assert maintenance.check(sales) == []
            assert before.pop("stamp") != after.pop("stamp")
            assert after == before
