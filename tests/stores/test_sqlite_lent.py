"""A SQLite connection that the host lends: a deal and the host's own rows are kept together, or not at all."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.stores.lending import Host

import salespipeline as sp
from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import (
    Corrupt,
    Duplicate,
    NewerFormat,
    ReadOnly,
    StorageError,
    StoreClosed,
    TransactionOpen,
    Unavailable,
    UpgradeNeeded,
)
from salespipeline.mail import Memory
from salespipeline.stores import sqlite_lent
from salespipeline.stores.sqlite import LentSqliteStore, SqliteStore
from salespipeline.testing import StoreTests
from salespipeline.worker import Worker

CATALOG = Catalog(
    (
        Kind("deal", (Field("name", str), Field("tags", str, many=True)), unique=(("name",),)),
        Kind("order", (Field("number", str),)),
    )
)


def deal(id: str, version: int = 0, **index: object) -> Entry:
    return Entry("deal", id, version, index, "{}")


class TestLentSqliteStore(StoreTests):
    examples = 8  # what differs from a connection of the store's own is where transactions begin and end

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Iterator[Callable[[], Host]]:
        path = tmp_path / "host.db"
        opened = [sqlite3.connect(path)]
        opened[0].execute("PRAGMA journal_mode = WAL")

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(path, timeout=30, check_same_thread=False)  # closed by the test's thread
            connection.execute("PRAGMA synchronous = NORMAL")
            opened.append(connection)
            return connection

        yield lambda: Host(connect, SqliteStore.around)
        for connection in opened:
            connection.close()


# --- the host's own transaction ---------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A host's file, with a table of the host's own and the tables of the store."""
    path = tmp_path / "host.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE host_orders (number TEXT)")
        SqliteStore.around(connection).prepare(CATALOG)
        connection.commit()
    return path


@pytest.fixture
def host(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection


@pytest.fixture
def store(host: sqlite3.Connection) -> LentSqliteStore:
    return lent(host)


def lent(connection: sqlite3.Connection) -> LentSqliteStore:
    store = SqliteStore.around(connection)
    store.prepare(CATALOG)
    return store


def seen(path: Path) -> tuple[list[str], int]:
    """What others see: the deals, and how many orders the host has."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        ((orders,),) = other.execute("SELECT count(*) FROM host_orders")
        with lent(other).transaction(write=False) as tx:
            return [entry.id for entry in tx.scan("deal")], orders


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("host_first", [True, False])
def test_a_deal_and_the_hosts_row_are_kept_together_or_not_at_all(host, store, path, commits, host_first):
    if host_first:
        host.execute("INSERT INTO host_orders VALUES ('7')")
    with store.transaction() as tx:
        tx.put_many([deal("a", name="x", tags=("vip",)), deal("b")])
        assert tx.next_number("INV") == 1
    if not host_first:
        host.execute("INSERT INTO host_orders VALUES ('7')")
    assert seen(path) == ([], 0)
    if commits:
        host.commit()
        assert seen(path) == (["a", "b"], 1)
    else:
        host.rollback()
        assert seen(path) == ([], 0)
        with store.transaction() as tx:
            assert tx.next_number("INV") == 1


def test_what_fails_inside_takes_nothing_of_the_hosts_with_it(host, store, path):
    host.execute("INSERT INTO host_orders VALUES ('7')")
    with pytest.raises(Duplicate), store.transaction() as tx:  # noqa: PT012
        tx.put(deal("a", name="x"))
        tx.put(deal("b", name="x"))
    with store.transaction() as tx:
        tx.put(deal("c"))
    host.commit()
    assert seen(path) == (["c"], 1)


def test_what_fails_where_the_host_had_begun_nothing_leaves_nothing_open(host, store, path):
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:  # noqa: PT012
        tx.put(deal("a"))
        1 / 0  # noqa: B018
    assert not host.in_transaction
    assert seen(path) == ([], 0)


def test_a_host_that_only_reads_is_left_as_it_was(host, store):
    with store.transaction(write=False) as tx:
        assert tx.get("deal", "a") is None
    assert not host.in_transaction
    host.execute("INSERT INTO host_orders VALUES ('7')")
    with store.transaction(write=False) as tx:
        assert tx.get("deal", "a") is None
    assert host.in_transaction


def test_rules_of_transactions_hold_on_a_lent_connection(host, store):
    with store.transaction(write=False) as tx:
        with pytest.raises(ReadOnly):
            tx.put(deal("a"))
        with pytest.raises(TransactionOpen), store.transaction():
            pass
        with pytest.raises(TransactionOpen):
            store.close()
    store.close()
    with pytest.raises(StoreClosed), store.transaction():
        pass
    host.execute("SELECT 1")


def test_rows_are_read_as_tuples_whatever_the_host_has_chosen(host, store):
    host.row_factory = sqlite3.Row
    with store.transaction() as tx:
        tx.put(deal("a", tags=("vip",)))
        (entry,) = tx.scan("deal")
        assert (entry.id, entry.index, tx.get("deal", "a").version) == ("a", {"tags": ("vip",)}, 1)
    host.commit()
    host.row_factory = lambda cursor, row: {"lost": True}
    with lent(host).transaction(write=False) as tx:
        assert tx.get("deal", "a").id == "a"
    assert host.execute("SELECT 1").fetchone() == {"lost": True}


def test_a_host_that_reads_text_in_another_way_is_told_to_lend_another_connection(host):
    host.text_factory = bytes
    with pytest.raises(StorageError, match="text_factory"):
        SqliteStore.around(host)


def test_a_host_that_follows_no_foreign_keys_is_left_no_tags_behind(host, store):
    assert host.execute("PRAGMA foreign_keys").fetchone() == (0,)
    with store.transaction() as tx:
        tx.put(deal("a", tags=("old", "vip")))
        tx.delete("deal", "a", 1)
        tx.put(deal("a", tags=("new",)))
        (entry,) = tx.scan("deal")
    assert entry.index == {"tags": ("new",)}


def test_kinds_may_be_called_like_the_hosts_tables(host, path):
    host.execute('CREATE TABLE "order" (price TEXT)')
    host.execute("INSERT INTO \"order\" VALUES ('210.00')")
    with lent(host).transaction() as tx:
        tx.put(Entry("order", "o", 0, {"number": "7"}, "{}"))
    host.commit()
    assert host.execute('SELECT price FROM "order"').fetchall() == [("210.00",)]
    names = [name for (name,) in host.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")]
    assert [name for name in names if not name.startswith("salespipeline_")] == ["host_orders", "order"]


# --- when the host begins and ends transactions -----------------------------------------------------------


def test_a_connection_that_commits_by_itself_is_read_and_not_written(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as host:
        store = lent(host)
        with store.transaction(write=False) as tx:
            assert tx.get("deal", "a") is None
        assert not host.in_transaction
        with pytest.raises(StorageError, match="begin one"), store.transaction():
            pass
        host.execute("BEGIN IMMEDIATE")
        with store.transaction() as tx:
            tx.put(deal("a"))
        host.execute("COMMIT")
    assert seen(path) == (["a"], 0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3.connect(autocommit=…) came with Python 3.12")
def test_the_second_way_of_committing_by_itself_is_known_too(path):
    with contextlib.closing(sqlite3.connect(path, autocommit=True)) as host:
        store = lent(host)
        with store.transaction(write=False) as tx:
            assert tx.get("deal", "a") is None
        with pytest.raises(StorageError, match="begin one"), store.transaction():
            pass
        host.execute("BEGIN")
        with store.transaction() as tx:
            tx.put(deal("a"))
        host.execute("COMMIT")
    with contextlib.closing(sqlite3.connect(path, autocommit=False)) as host:
        store = lent(host)
        for commits in (False, True):
            host.execute("INSERT INTO host_orders VALUES ('7')")
            with store.transaction() as tx:
                assert tx.get("deal", "b") is None
                tx.put(deal("b"))
            (host.commit if commits else host.rollback)()
            assert seen(path) == (["a", *"b" * commits], int(commits))


def test_nested_savepoints_of_the_host_take_back_what_was_kept_inside(host, store, path):
    host.execute("INSERT INTO host_orders VALUES ('7')")
    host.execute("SAVEPOINT salespipeline")  # the very name that the store uses
    with store.transaction() as tx:
        tx.put(deal("a"))
    host.execute("SAVEPOINT inner")
    with store.transaction() as tx:
        tx.put(deal("b"))
    host.execute("ROLLBACK TO inner")
    with store.transaction() as tx:
        assert tx.get("deal", "b") is None
        tx.put(deal("c"))
    host.execute("RELEASE salespipeline")
    host.commit()
    assert seen(path) == (["a", "c"], 1)


@pytest.mark.parametrize("write", [True, False])
def test_an_open_cursor_of_the_host_reads_on(host, store, write):
    host.executemany("INSERT INTO host_orders VALUES (?)", [(str(number),) for number in range(5)])
    host.commit()
    cursor = host.execute("SELECT number FROM host_orders ORDER BY rowid")
    assert cursor.fetchone() == ("0",)
    with store.transaction(write=write) as tx:
        if write:
            tx.put(deal("a"))
    assert cursor.fetchone() == ("1",)
    with pytest.raises(ZeroDivisionError), store.transaction(write=write) as tx:
        1 / 0  # noqa: B018
    assert cursor.fetchall() == [("2",), ("3",), ("4",)]


@pytest.mark.parametrize("ended", ["COMMIT", "ROLLBACK"])
def test_a_host_that_ends_its_transaction_inside_ours_is_told_so(host, store, ended):
    with pytest.raises(StorageError, match=r"ended its transaction inside"), store.transaction() as tx:  # noqa: PT012
        tx.put(deal("a"))
        host.execute(ended)
    with store.transaction() as tx:
        tx.put(deal("b"))


def test_a_file_that_another_process_writes_is_busy_and_may_be_tried_again(host, path):
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as waits:
        store = lent(waits)
        host.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as caught, store.transaction():
            pass
        assert caught.value.retry
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        host.rollback()
        with store.transaction() as tx:
            tx.put(deal("a"))


# --- the layout, and what pipelines remember --------------------------------------------------------------

LATER = ("later", ("CREATE TABLE salespipeline__later (name TEXT)",))


def test_an_older_layout_is_upgraded_only_when_asked_and_with_the_hosts_transaction(host, path, monkeypatch):
    monkeypatch.setattr(sqlite_lent, "STEPS", (*sqlite_lent.STEPS, LATER))
    store = SqliteStore.around(host)
    with pytest.raises(UpgradeNeeded, match="backup"):
        store.prepare(CATALOG)
    store.prepare(CATALOG, upgrade=True)
    host.rollback()
    with pytest.raises(UpgradeNeeded):
        lent(host)
    store = SqliteStore.around(host)
    store.prepare(CATALOG, upgrade=True)
    host.commit()
    assert host.execute("SELECT count(*) FROM salespipeline__later").fetchone() == (0,)
    monkeypatch.undo()
    with pytest.raises(NewerFormat, match="newer version"):
        lent(host)


def test_tables_without_their_record_are_refused(host):
    host.execute("DELETE FROM salespipeline__steps")
    with pytest.raises(Corrupt, match="lost their record"):
        lent(host)


def test_tables_that_the_host_rolled_back_are_made_again(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "new.db")) as host:
        SqliteStore.around(host).prepare(CATALOG)
        host.rollback()
        assert host.execute("SELECT name FROM sqlite_master").fetchall() == []
        with lent(host).transaction() as tx:
            tx.put(deal("a"))
        host.commit()
        assert host.execute("SELECT id FROM salespipeline_deal").fetchall() == [("a",)]


def test_a_pipeline_forgets_settings_that_the_host_rolled_back(host):
    sales = sp.open(SqliteStore.around(host), blobs=MemoryBlobs())
    host.commit()
    sales.settings.stages.add("Prospect")
    assert [stage.label for stage in sales.settings.stages] == ["Prospect"]
    host.rollback()
    assert list(sales.settings.stages) == []
    sales.settings.stages.add("Enquiry")
    host.execute("SAVEPOINT inner")
    sales.settings.stages.add("Won")
    host.execute("ROLLBACK TO inner")
    assert [stage.label for stage in sales.settings.stages] == ["Enquiry"]
    host.commit()
    assert [stage.label for stage in sales.settings.stages] == ["Enquiry"]


def test_closing_a_pipeline_leaves_the_hosts_connection_open(host):
    sp.open(SqliteStore.around(host), blobs=MemoryBlobs()).close()
    gc.collect()
    host.execute("INSERT INTO host_orders VALUES ('7')")
    host.commit()


def test_mails_are_queued_with_the_hosts_transaction_and_never_sent_inside_it(host, path):
    mailer, files = Memory(), MemoryBlobs()
    sales = sp.open(SqliteStore.around(host), blobs=files, mailer=mailer)
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    sales.settings.stages.add("Prospect")
    acme = sales.contacts.add("Acme Ltd", email="office@acme.example")
    deal = sales.opportunities.create(contact=acme, subject="Shed", lines=[sp.Line("Shelf", unit_price="1.00")])
    sales.documents.draft(deal, "quote")
    host.commit()
    plan = sales.documents.all().plan_send_all()
    with pytest.raises(sp.Refused, match="queue"):
        plan.run()
    plan.queue()
    with pytest.raises(sp.Refused, match="rolled back"):
        Worker(sales).work_off()
    host.rollback()
    assert list(sales.deliveries) == []
    assert mailer.sent == []


def test_mails_are_not_sent_inside_a_transaction_of_the_pipeline():
    sales = sp.demo(opportunities=3)
    sales.documents.draft(next(iter(sales.opportunities)), "quote")
    plan = sales.documents.all().plan_send_all()
    with pytest.raises(sp.Refused, match="rolled back"), sales.transaction():
        plan.run()
    assert sales.mailer.sent == []
