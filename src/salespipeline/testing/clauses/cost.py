"""K: cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from salespipeline.entries import Entry
from salespipeline.ports import Explained, Store, Transaction
from salespipeline.query import All, Cmp, Count, Predicate, Query
from salespipeline.testing.clauses.base import StoreClauses, needs
from salespipeline.testing.clauses.vocabulary import DEAL, DEALS, deal, found, put

__all__ = ["Cost"]

MANY = 400


class Cost(StoreClauses):
    """Cost: a question is answered where the data is, in as many statements for many entries as for few."""

    @pytest.fixture
    def unscanned(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
        """Return a store with eight deals whose transactions may not read entry by entry."""
        put(store, *DEALS)

        def refuse(*_: object, **__: object) -> Iterator[Entry]:
            pytest.fail("every entry was read to answer one question")

        with store.transaction(write=False) as tx:
            kind = type(tx)
        monkeypatch.setattr(kind, "scan", refuse)
        return store

    @pytest.fixture
    def many(self, store: Store) -> Store:
        """Return a store with some hundred deals that shows its statements; skip where it shows none."""
        with store.transaction() as tx:
            if not isinstance(tx, Explained):
                pytest.skip("the store does not show the statements that it runs")
            tx.put_many(
                deal(f"{place:03}", name=f"n{place}", value=place, owner=f"o{place % 7}", tags=("x", f"t{place}"))
                for place in range(MANY)
            )
        return store

    @needs("push-down")
    def test_k01_find_does_not_scan(self, unscanned: Store) -> None:
        """Find is answered without scan, whatever the predicate, the order and the limit."""
        assert found(unscanned, Cmp("stage", "=", "lead"), order=("value",), limit=2) == "ah"
        assert found(unscanned, order=("name",), descending=True) == "efdbchag"

    @needs("push-down")
    def test_k02_columns_does_not_scan(self, unscanned: Store) -> None:
        """Columns is answered without scan."""
        with unscanned.transaction(write=False) as tx:
            assert list(tx.columns(Query(kind="deal", order=("value",), limit=1), ["id"])) == [("e",)]

    @needs("push-down")
    def test_k03_tally_does_not_scan(self, unscanned: Store) -> None:
        """Tally is answered without scan."""
        with unscanned.transaction(write=False) as tx:
            assert list(tx.tally(Query(kind="deal"), [], [Count()])) == [(8,)]

    @needs("push-down")
    def test_k04_get_many_does_not_scan(self, unscanned: Store) -> None:
        """get_many is answered without scan."""
        with unscanned.transaction(write=False) as tx:
            assert sorted(tx.get_many("deal", "abz")) == ["a", "b"]

    @needs("push-down")
    def test_k05_a_page_takes_as_many_statements_as_its_first_entry(self, many: Store) -> None:
        """Find and columns run as many statements for a page of hundreds as for a page of one."""
        few, all_ = (Query(kind="deal", order=("value",), limit=size) for size in (1, MANY))
        assert statements(many, lambda tx: tx.find(all_)) == statements(many, lambda tx: tx.find(few)) == 1
        names = ["id", "name", "stage"]
        assert statements(many, lambda tx: tx.columns(all_, names)) == 1
        assert statements(many, lambda tx: tx.columns(few, names)) == 1

    @needs("push-down")
    def test_k06_a_tally_takes_as_many_statements_as_its_first_group(self, many: Store) -> None:
        """Tally runs as many statements for hundreds of groups as for one."""
        query, measures = Query(kind="deal"), [Count()]
        assert statements(many, lambda tx: tx.tally(query, [], measures)) == 1
        assert statements(many, lambda tx: tx.tally(query, ["name"], measures)) == 1
        assert statements(many, lambda tx: tx.tally(query, ["tags", "owner"], measures)) == 1

    @needs("push-down")
    def test_k07_reading_many_ids_is_not_many_reads(self, many: Store) -> None:
        """get_many runs as many statements for hundreds of ids as for one."""
        all_ids = [f"{place:03}" for place in range(MANY)]
        assert statements(many, lambda tx: tx.get_many("deal", all_ids[:1])) == 1
        assert statements(many, lambda tx: tx.get_many("deal", all_ids)) == 1

    @needs("push-down")
    def test_k08_scan_reads_in_pieces(self, many: Store) -> None:
        """Scan runs far fewer statements than there are entries, many fields included."""
        assert statements(many, lambda tx: tx.scan("deal")) < MANY / 10

    @needs("push-down")
    def test_k09_each_path_and_unique_is_searched(self, many: Store) -> None:
        """A query that fixes the fields of a declared path or unique searches an index of them."""
        for names in (*DEAL.paths, *DEAL.unique):
            fixed: tuple[Predicate, ...] = tuple(
                Cmp(name, "=", 7 if DEAL.field(name).type is int else "x") for name in names
            )
            told = explained(many, Query(kind="deal", where=All(fixed)))
            assert told[0], f"{names} is answered by\n{told[1]}"

    @needs("push-down")
    def test_k10_a_page_further_on_is_searched(self, many: Store) -> None:
        """A page that begins behind a cursor is searched in the index of its order, and not counted off."""
        for order, after in ((("value",), (300, "x")), (("name",), ("n5", "x"))):
            told = explained(many, Query(kind="deal", order=order, after=after, limit=5))
            assert told[0], f"the page after {after} is answered by\n{told[1]}"


def statements(store: Store, read: Callable[[Transaction], object]) -> int:
    """Return how many statements *read* runs, its result read to the end."""
    with store.transaction(write=False) as tx:
        assert isinstance(tx, Explained)
        with tx.traced() as run:
            result = read(tx)
            if isinstance(result, Iterator):
                assert list(result)
            else:
                assert result
    return len(run)


def explained(store: Store, query: Query) -> tuple[bool, str]:
    """Return whether an index is searched for *query*, and how the store says so."""
    with store.transaction(write=False) as tx:
        assert isinstance(tx, Explained)
        told = tx.explain(query)
    return told.indexed, told.words
