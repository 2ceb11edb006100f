"""The in-memory store and blobs keep the storage contract."""

from __future__ import annotations

import pytest

from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.stores.memory import MemoryStore
from salespipeline.testing import BlobsTests, StoreTests


class TestMemoryStore(StoreTests):
    lacks = {
        "second-process": "what is in the memory of one process cannot be opened by another",
        "fork": "a forked child has a copy of its own, which it may use",
        "open-after-fork": "what is in the memory of one process cannot be opened by another",
    }

    @pytest.fixture
    def opener(self):
        first = MemoryStore()
        return lambda: MemoryStore(beside=first)


class TestMemoryBlobs(BlobsTests):
    lacks = {"second-process": "what is in the memory of one process cannot be opened by another"}

    @pytest.fixture
    def opener(self):
        blobs = MemoryBlobs()
        return lambda: blobs
