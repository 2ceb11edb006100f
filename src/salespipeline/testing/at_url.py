"""The suites as ``python -m salespipeline.testing URL`` runs them: whoever runs this module gives the fixture *place*."""

from __future__ import annotations

from typing import cast

import pytest

from salespipeline.ports import Blobs
from salespipeline.testing.clauses.base import Handle
from salespipeline.testing.clauses.blobs import BlobsHandle
from salespipeline.testing.suite import BlobsTests, StoreTests

__all__ = ["TestBlobs", "TestStore"]


class TestStore(StoreTests):
    """The store at the URL."""

    @pytest.fixture
    def opener(self, place: Handle) -> Handle:
        """Return what opens a new handle on the clause's own data."""
        return place


class TestBlobs(BlobsTests):
    """The place for files that the store brings."""

    @pytest.fixture
    def opener(self, place: Handle) -> BlobsHandle:
        """Return what opens a new handle on the clause's own files."""
        return lambda: cast("Blobs", place().blobs)  # type: ignore[attr-defined]
