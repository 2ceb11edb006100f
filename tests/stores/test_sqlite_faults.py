"""SQLite files that are foreign, newer, cut, spoilt, not to be written, or have no room: the right error, nothing half done."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.blobs.folder import FolderBlobs
from salespipeline.catalog import KEPT
from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import Corrupt, ForeignFile, NewerFormat, ReadOnly, StorageError, StorageFull, Unavailable
from salespipeline.stores.sqlite import SqliteStore
from salespipeline.testing.clauses.together import result_of_process

CATALOG = Catalog((Kind("deal", (Field("name", str, sortable=True), Field("tags", str, many=True))),))


def deal(id: str, text: str = "{}") -> Entry:
    return Entry("deal", id, 0, {"name": id, "tags": ("vip",)}, text)


def opened(path: Path, **options: Any) -> SqliteStore:
    store = SqliteStore(path, **options)
    store.prepare(CATALOG)
    return store


def kept(store: SqliteStore) -> list[str]:
    with store.transaction(write=False) as tx:
        return [entry.id for entry in tx.scan("deal")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with two deals and a drawing, complete in itself."""
    path = tmp_path / "deals.db"
    store = opened(path)
    with store.transaction() as tx:
        tx.put_many([deal("a"), deal("b")])
    store.blobs.keep([b"drawing"])
    store.close()
    assert not path.with_name("deals.db-wal").exists()
    return path


def refused(path: Path, error: type[StorageError]) -> StorageError:
    """Open the file, which is refused with *error* and left as it is."""
    before = path.read_bytes()
    with pytest.raises(error) as caught:
        opened(path)
    assert type(caught.value) is error
    assert path.read_bytes() == before
    return caught.value


# --- not ours ---------------------------------------------------------------------------------------------


def test_what_is_no_database_is_foreign(path: Path) -> None:
    path.write_text("Dear Jane, here are the deals.\n" * 100)
    assert isinstance(refused(path, ForeignFile).__cause__, sqlite3.DatabaseError)


@pytest.mark.parametrize("mark", ["PRAGMA application_id = 7", "PRAGMA user_version = 7", "CREATE TABLE mine (name)"])
def test_a_database_of_another_application_is_foreign(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "mine.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(mark)
        connection.commit()
    assert "another application" in str(refused(path, ForeignFile))


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "layout 99" in str(refused(path, NewerFormat))


# --- damaged ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [16, 50, 99, 100, 511, 512, 4095, 4096, 3 * 4096, -4096, -1])
def test_a_file_that_was_cut_is_damaged(path: Path, size: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:size])
    with pytest.raises(Corrupt) as caught:  # at the latest when that part of it is read  # noqa: PT012
        store = opened(path)
        try:
            kept(store)
            for sentence in store.check():
                raise Corrupt(sentence) from sqlite3.DatabaseError()
        finally:
            store.close()
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)
    assert path.read_bytes() == content[:size]


def test_a_file_whose_tables_are_gone_is_damaged(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for kind in ("index", "table"):
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = ? AND sql <> ''", (kind,)
            ).fetchall()
            for (name,) in names:
                connection.execute(f'DROP {kind} "{name}"')
        connection.commit()
    assert "lost its tables" in str(refused(path, Corrupt))


def everything(sales: sp.Sales) -> list[Entry]:
    with sales.store.transaction(write=False) as tx:
        return [entry for kept in KEPT for entry in tx.scan(kept.kind.name)]


def test_whatever_page_is_spoilt_it_is_found_and_nothing_is_written(tmp_path: Path) -> None:
    source, path = tmp_path / "source.db", tmp_path / "spoilt.db"
    with sp.open(source, actor="jane") as sales:
        sales.settings.stages.add("Prospect")
        sales.settings.tags.add("VIP")
        acme = sales.contacts.add("Acme Ltd")
        line = sp.Line("Racking, bay", quantity=40, unit_price="210.00")
        sales.opportunities.create(contact=acme, subject="New warehouse", lines=[line], tags=["VIP"])
        sales.blobs.keep([b"drawing" * 1000])
    content = source.read_bytes()
    with contextlib.closing(sqlite3.connect(source)) as connection:
        ((size,),) = connection.execute("PRAGMA page_size")
    outcomes = set()
    for start in range(0, len(content), size):
        spoilt = bytearray(content)
        for place in range(start + 100 * (start == 0), start + size, 7):  # the header is the subject of other tests
            spoilt[place] ^= 0xA5
        path.write_bytes(spoilt)
        try:
            with sp.open(path) as sales:
                found = maintenance.check(sales)
                assert found, f"page {start // size + 1}"
                assert all("\n" not in sentence and sentence for sentence in found)
                outcomes.add("found")
        except Corrupt:
            outcomes.add("refused")
        assert path.read_bytes() == spoilt
    assert outcomes == {"found", "refused"}


# --- not to be written ------------------------------------------------------------------------------------


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can enter, for tests that give up the rights of root."""
    folder = Path(tempfile.mkdtemp(prefix="deals-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


def without_rights(task: Callable[[], Any]) -> Any:
    """Run *task* in a process that root's rights do not help past permissions."""
    if not hasattr(os, "fork"):
        pytest.skip("this platform has other permissions")

    def unprivileged() -> Any:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        return task()

    return result_of_process(unprivileged)


def test_a_file_that_may_not_be_written_is_read_and_not_written(shared: Path, path: Path) -> None:
    target = shared / "deals.db"
    shutil.copy(path, target)
    target.chmod(0o444)

    def use() -> list[str]:
        store = opened(target)
        with pytest.raises(ReadOnly, match="permissions") as caught, store.transaction() as tx:
            tx.put(deal("c"))
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        with pytest.raises(ReadOnly):
            store.blobs.keep([b"new"])
        found = kept(store)
        store.close()
        return found

    assert without_rights(use) == ["a", "b"]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_may_not_be_written_is_named(shared: Path, path: Path, there: bool) -> None:
    target = shared / "deals.db"
    if there:
        shutil.copy(path, target)
        target.chmod(0o666)
    shared.chmod(0o555)

    def use() -> None:
        with pytest.raises(ReadOnly, match=str(shared)) as caught:  # noqa: PT012
            store = opened(target)
            with store.transaction() as tx:
                tx.put(deal("c"))
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)

    without_rights(use)
    assert target.exists() == there


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="it is a folder; name a file in it") as caught:
        opened(tmp_path)
    assert not caught.value.retry


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="its folder does not exist") as caught:
        opened(tmp_path / "nowhere" / "deals.db")
    assert caught.value.retry is False
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_a_folder_of_files_that_may_not_be_written_is_read_and_not_written(shared: Path) -> None:
    folder = shared / "files"
    digest = FolderBlobs(folder).keep([b"drawing"])
    for made in (folder, folder / digest[:2]):
        made.chmod(0o555)
    (folder / digest[:2] / digest).chmod(0o444)

    def use() -> bytes:
        blobs = FolderBlobs(folder)
        with pytest.raises(ReadOnly) as caught:
            blobs.keep([b"new"])
        assert isinstance(caught.value.__cause__, OSError)
        return b"".join(blobs.read(digest))

    assert without_rights(use) == b"drawing"


# --- no room ----------------------------------------------------------------------------------------------


@pytest.fixture
def little(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with a megabyte of room."""
    folder = tmp_path / "little"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("only root on Linux can make a small file system to fill")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def test_a_full_disk_keeps_what_was_kept_and_takes_more_when_there_is_room(little: Path, tmp_path: Path) -> None:
    store = opened(little / "deals.db")
    with store.transaction() as tx:
        tx.put_many([deal("a"), deal("b")])
    with pytest.raises(StorageFull) as caught, store.transaction() as tx:
        tx.put_many([deal(f"big{number}", "x" * 10_000) for number in range(200)])
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert "nothing was written" in str(caught.value)
    assert kept(store) == ["a", "b"]
    with pytest.raises(StorageFull):
        store.blobs.keep([b"x" * 1_500_000])
    filler = little / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    with pytest.raises(StorageFull), store.transaction() as tx:  # noqa: PT012
        for number in range(10_000):
            tx.put(deal(f"small{number}", "x" * 100))
    filler.unlink()
    with store.transaction() as tx:
        tx.put(deal("c"))
    assert kept(store) == ["a", "b", "c"]
    assert list(store.check()) == []
    store.close()


def test_a_full_disk_takes_no_backup_and_an_upgrade_begins_with_one(little: Path, tmp_path: Path) -> None:
    path = tmp_path / "deals.db"
    store = opened(path)
    with store.transaction() as tx:
        tx.put_many([deal(f"big{number}", "x" * 10_000) for number in range(200)])
    with pytest.raises(StorageFull):
        store.backup(little / "copy.db")
    with pytest.raises(StorageFull):
        maintenance.upgrade(store, keep=little / "copy.db")
    assert list(little.iterdir()) == []
    store.close()


def test_a_full_folder_of_files_keeps_nothing_of_the_one_that_did_not_fit(little: Path) -> None:
    blobs = FolderBlobs(little / "files")
    digest = blobs.keep([b"drawing"])
    with pytest.raises(StorageFull) as caught:
        blobs.keep([b"x" * 100_000] * 20)
    assert isinstance(caught.value.__cause__, OSError)
    assert [path.name for path in (little / "files").rglob("*") if path.is_file()] == [digest]


def test_a_file_that_may_not_grow_keeps_what_was_kept(path: Path) -> None:
    # A limit of SQLite's own, for machines on which no small file system can be made.
    store = opened(path)
    with store.transaction(write=False) as tx:
        pages = tx._run("PRAGMA page_count").fetchone()[0]
        tx._run(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StorageFull) as caught, store.transaction() as tx:  # noqa: PT012
        tx.put(deal("c"))
        tx.put(deal("big", "x" * 100_000))
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    with pytest.raises(StorageFull):
        store.blobs.keep([b"x" * 100_000])
    assert kept(store) == ["a", "b"]
    with store.transaction() as tx:
        tx.put(deal("c"))
    store.close()
