"""The recipe for object stores in the guide to attachments keeps the contract of blobs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from salespipeline.blobs.folder import FolderBlobs
from salespipeline.testing import BlobsTests

stores = pytest.importorskip("obstore.store")
PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "attachments.md"


def recipe():
    (code,) = [
        one
        for one in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        if "class ObjectBlobs" in one
    ]
    names = {}
    exec(code, names)
    return names["ObjectBlobs"]


class TestInMemory(BlobsTests):
    lacks = {"second-process": "an object store in memory lives in one process"}

    @pytest.fixture
    def opener(self):
        store, cls = stores.MemoryStore(), recipe()
        return lambda: cls(store)


class TestInAFolder(BlobsTests):
    @pytest.fixture
    def opener(self, tmp_path):
        cls = recipe()
        return lambda: cls(stores.LocalStore(str(tmp_path / "objects"), mkdir=True))

    def test_b17_another_process_reads_the_bytes(self):
        pytest.skip("the threads of obstore do not outlive a fork, and the suite forks")


@pytest.mark.parametrize("make", [stores.MemoryStore, None])
def test_it_is_swept_as_a_folder_is(make, tmp_path):
    store = make() if make else stores.LocalStore(str(tmp_path / "objects"), mkdir=True)
    for blobs in (recipe()(store), FolderBlobs(tmp_path / "files")):
        digest = blobs.keep([b"orphan"])
        assert (list(blobs.stale(3600)), blobs.discard(digest, 3600)) == ([], False)
        assert list(blobs.stale(-60)) == [digest]
        assert (blobs.discard(digest, -60), blobs.discard(digest, -60), list(blobs.stale(-60))) == (True, False, [])
