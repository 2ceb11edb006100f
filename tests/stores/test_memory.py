"""The in-memory store and blobs keep the storage contract."""

from __future__ import annotations

import pytest

from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.stores.memory import MemoryStore
from salespipeline.testing import BlobsTests, StoreTests


class TestMemoryStore(StoreTests):
    lacks = MemoryStore.lacks
    examples = 15  # tests/faults/stores/test_lockstep.py tries hundreds

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
