"""How processes die on a SQLite file: at a statement, or in the middle of writing a page."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.stores.killing import killed_at_size, killed_in_sqlite
from tests.stores.kills import OLD, Deaths, deals, fill, tagged
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance, rewriting
from salespipeline.entries import Entry
from salespipeline.ports import Store
from salespipeline.stores import sqlite_file
from salespipeline.stores.sqlite import SqliteStore

PAGE = 4096


def big(store: Store) -> None:
    """Fill the file with more than fits a few pages, half of which is removed again."""
    fill(store)
    with store.transaction() as tx:
        tx.put_many(Entry("deal", f"big{n}", 0, {"name": f"big{n}"}, "x" * 9000) for n in range(20))
    with store.transaction() as tx:
        for number in range(0, 20, 2):
            tx.delete("deal", f"big{number}", 1)


def until_one_lives(dies: Callable[[], bool], least: int) -> Iterator[bool]:
    """Yield what *dies* says, called again and again until it says no; it says yes *least* times."""
    for number in itertools.count():
        died = dies()
        yield died
        if not died:
            assert number >= least
            return


class SqliteDeaths(Deaths):
    """Deaths on a SQLite file."""

    pages = 1  # how many pages lie between two deaths in the middle of writing

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path: Path) -> None:
        self.paths = (tmp_path / f"deals{number}.db" for number in itertools.count())
        self.path = tmp_path / "none.db"

    def new(self) -> Callable[[], SqliteStore]:
        """Return what opens handles on a file that is not there yet."""
        self.path = next(self.paths)
        return partial(SqliteStore, self.path, synchronous="NORMAL")

    def here(self) -> SqliteStore:
        """Open a handle on the newest file."""
        return SqliteStore(self.path, synchronous="NORMAL")

    def struck(self, task: Callable[[], Any], number: int) -> bool:
        """Kill a process that does *task* before its statement of this *number*."""
        return killed_in_sqlite(task, number)

    @contextlib.contextmanager
    def layouts(self, *names: str) -> Iterator[None]:
        """Be a version whose layout has these steps more."""
        more = [(name, (f"CREATE TABLE {name} (a)", f"CREATE INDEX {name}_a ON {name} (a)")) for name in names]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite_file, "STEPS", (*sqlite_file.STEPS, *more))
            yield

    def sizes(self, task: Callable[[], Any]) -> Iterator[bool]:
        """Do *task* in processes that die at a page that they write, one later than the other."""
        sizes = itertools.count(9, self.pages)  # the smaller file beside the database has eight pages
        return until_one_lives(lambda: killed_at_size(task, next(sizes) * PAGE + PAGE // 2), least=20 // self.pages)

    def test_a_change_that_is_ended_in_the_middle_of_a_page_is_whole_or_not_there(self) -> None:
        outcomes = set()
        more = [Entry("deal", f"more{n}", 0, {"name": f"more{n}", "tags": ("more",)}, "x" * 5000) for n in range(30)]

        def put(store: Store) -> None:
            fill(store)
            with store.transaction() as tx:
                tx.put_many(more)

        self.new()
        for _ in self.sizes(lambda: self.done(self.here, put)()):
            with self.handle(self.here) as store:
                store.prepare(OLD)
                found = deals(store)
                outcomes.add(len(found))
                assert tagged(store, "more") == sorted(one.id for one in found if one.id.startswith("more"))
            self.new()
        assert outcomes == {0, 4, 34}

    def test_a_backup_appears_whole_or_not_at_all(self) -> None:
        opener = self.new()
        self.done(opener, big)()
        with self.handle(opener) as store:
            store.prepare(OLD)
            everything = deals(store)
        kept = self.path.read_bytes()
        copies = (self.path.with_name(f"copy{number}.db") for number in itertools.count())
        target = next(copies)

        def copy() -> None:
            self.done(opener, lambda store: store.backup(target))()  # type: ignore[attr-defined]

        numbers, outcomes = itertools.count(1), set()
        strikes = until_one_lives(lambda: killed_in_sqlite(copy, next(numbers)), least=5)
        for died in itertools.chain(strikes, self.sizes(copy)):
            outcomes.add((died, target.exists()))
            if target.exists():
                with self.handle(partial(SqliteStore, target)) as whole_copy:
                    whole_copy.prepare(OLD)
                    assert deals(whole_copy) == everything
            target = next(copies)
            assert self.path.read_bytes() == kept
        assert outcomes >= {(True, False), (False, True)}
        self.done(opener, lambda store: store.backup(target))()  # type: ignore[attr-defined]

    def test_room_is_given_back_or_still_there(self) -> None:
        source = self.new()
        self.done(source, big)()
        content, before = self.path.read_bytes(), None
        for strike in self.strikes(least=3):
            opener = self.new()
            self.path.write_bytes(content)
            strike(self.done(opener, lambda store: store.vacuum()))  # type: ignore[attr-defined]
            before = self._the_same(opener, before)
        opener = self.new()
        self.path.write_bytes(content)
        for _ in self.sizes(self.done(opener, lambda store: store.vacuum())):  # type: ignore[attr-defined]
            before = self._the_same(opener, before)
            self.path.write_bytes(content)

    def _the_same(self, opener: Callable[[], Store], before: list[Entry] | None) -> list[Entry]:
        with self.handle(opener) as store:
            store.prepare(OLD)
            found = deals(store)
        assert len(found) == 14
        assert before is None or found == before
        return found

    def test_an_upgrade_of_everything_goes_on_when_it_is_asked_for_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = self.new()
        with sp.open(source(), actor="jane") as sales:
            for number in range(5):
                sales.contacts.add(f"Client {number}")
            before = whole(sales)
        content, numbers = self.path.read_bytes(), itertools.count()
        monkeypatch.setattr(rewriting, "INDEX", 2)
        monkeypatch.setattr(rewriting, "CHUNK", 2)
        with self.layouts("_second"):
            for strike in self.strikes(least=40):
                opener = self.new()
                path = self.path
                path.write_bytes(content)

                def upgrade(path: Path = path) -> None:
                    maintenance.upgrade(path, keep=path.with_name(f"{path.name}.{next(numbers)}.backup"))

                strike(upgrade)
                next(numbers)  # the process that died counted for itself alone
                upgrade()
                with sp.open(opener(), actor="jane") as sales:
                    after = whole(sales)
                    assert maintenance.check(sales) == []
                assert {**after, "stamp": []} == {**before, "stamp": []}
