"""The SQLite store, and blobs in a SQLite file or a folder, keep the storage contract."""

from __future__ import annotations

import contextlib

import pytest
from tests.stores.hammering import hammered

from salespipeline.blobs.folder import FolderBlobs
from salespipeline.blobs.sqlite import SqliteBlobs
from salespipeline.stores.sqlite import SqliteStore
from salespipeline.testing import BlobsTests, StoreTests


class TestSqliteStore(StoreTests):
    examples = 15  # tests/faults/stores/test_lockstep.py tries hundreds

    @pytest.fixture
    def opener(self, tmp_path):
        return lambda: SqliteStore(tmp_path / "deals.db", synchronous="NORMAL")


class TestSqliteBlobs(BlobsTests):
    @pytest.fixture
    def opener(self, tmp_path):
        return lambda: SqliteBlobs(tmp_path / "files.db")


class TestBlobsOfASqliteStore(BlobsTests):
    @pytest.fixture
    def opener(self, tmp_path):
        with contextlib.ExitStack() as stores:  # closing the blobs of a store does not close the store

            def open():
                store = SqliteStore(tmp_path / "deals.db", synchronous="NORMAL")
                return stores.enter_context(contextlib.closing(store)).blobs

            yield open


class TestFolderBlobs(BlobsTests):
    @pytest.fixture
    def opener(self, tmp_path):
        return lambda: FolderBlobs(tmp_path / "files")


def test_threads_of_processes_that_hammer_one_file_lose_nothing_and_are_never_refused(tmp_path):
    hammered(f"sqlite:///{tmp_path / 'deals.db'}?synchronous=NORMAL", processes=2, threads=4, each=20)
