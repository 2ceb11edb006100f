"""The conformance suite is all that a store's author has to write; the rest is a look through the front door."""

from collections.abc import Callable
from pathlib import Path

import pytest
from salespipeline_lmdb import LmdbStore

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.testing import StoreTests


class TestLmdb(StoreTests):
    lacks = {}

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Callable[[], LmdbStore]:
        return lambda: LmdbStore(tmp_path / "data")


def test_a_pipeline_opens_by_its_scheme_and_lives_on(tmp_path: Path) -> None:
    url = f"lmdb:///{tmp_path / 'deals'}"
    with sp.open(url, blobs=sp.blobs.Folder(tmp_path / "files")) as sales:
        sales.settings.stages.add("Prospect")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        line = sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")
        deal = sales.opportunities.create(contact=acme, subject="New warehouse", lines=[line])
        sales.documents.mark_sent(sales.documents.draft(deal, "quote"))
    with sp.open(url) as sales:
        (row,) = sales.reports.pipeline()
        assert (row.stage, row.count, str(row.value)) == ("Prospect", 1, "8,400.00 GBP")
        assert [document.reference for document in sales.documents.where(sent=True)] == ["QUO/00001"]
        assert maintenance.check(sales) == []
