"""The database of each release can be opened, read, checked, upgraded and gone on with. ``tests/assets/make.py`` made them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.mail import Memory

ASSETS = Path(__file__).parent / "assets"
KINDS_OF_0_1_0 = {
    "stamp", "setting", "item", "contact", "opportunity", "document", "job", "activity", "delivery", "batch"
}  # fmt: skip


@pytest.fixture(params=sorted(path.name for path in ASSETS.glob("*.db.gz")))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a release has written."""
    path = tmp_path / request.param.removesuffix(".gz")
    path.write_bytes(gzip.decompress((ASSETS / request.param).read_bytes()))
    return path


def test_it_is_upgraded_on_request_after_a_backup_and_everything_is_read(kept: Path, tmp_path: Path) -> None:
    before = kept.read_bytes()
    saved = maintenance.upgrade(kept, keep=tmp_path / "before.db")
    assert saved == tmp_path / "before.db"
    assert maintenance.check(kept) == []
    with sp.open(kept) as sales:
        everything = whole(sales)
        assert {kind for kind, entries in everything.items() if entries} >= KINDS_OF_0_1_0
    assert before[:16] == saved.read_bytes()[:16] == b"SQLite format 3\0"


def test_what_0_1_0_has_written_says_the_same_today(kept: Path) -> None:
    maintenance.upgrade(kept)
    with sp.open(kept) as sales:
        assert sorted((document.type.value, document.reference, str(document.total)) for document in sales.documents
                      if document.reference) == [
            ("application_for_payment", "APP/00001", "9,720.00 GBP"),
            ("delivery_note", "DN/00001", "9,720.00 GBP"),
            ("invoice", "INV-26-1", "9,720.00 GBP"),
            ("pro_forma", "PRO/00001", "9,720.00 GBP"),
            ("purchase_order", "PO/00001", "9,720.00 GBP"),
            ("quote", "QUO/00001", "9,720.00 GBP"),
            ("quote", "QUO/00001-R1", "9,720.00 GBP"),
            ("quote", "QUO/00002", "9,720.00 GBP"),
        ]  # fmt: skip
        (credit,) = sales.documents.where(type="credit_note")
        assert (credit.reference, str(credit.total)) == (None, "-9,720.00 GBP")
        assert [(deal.reference, deal.subject, deal.status.value) for deal in sales.opportunities.order("created")] == [
            ("OPP/00001", "New warehouse, phase 1", "open"),
            ("OPP/00002", "Außenlager", "lost"),
            ("OPP/00003", "Cold store extension", "won"),
        ]
        deal = sales.opportunities["OPP/00001"]
        assert (deal.note, str(deal.value), str(deal.custom["height"])) == ("Called back.", "8,100.00 GBP", "7.25")
        assert [contact.name for contact in sales.contacts] == ["Acme Ltd", "Müßig Lagertechnik GmbH"]
        assert [tag.label for tag in sales.settings.tags.archived] == ["Rush"]
        assert [activity.action for activity in sales.opportunities.history(deal)][:2] == ["created", "edited"]


def test_what_was_sent_is_still_what_was_sealed_and_numbers_go_on(kept: Path) -> None:
    maintenance.upgrade(kept)
    with sp.open(kept, mailer=Memory()) as sales:
        sent = sales.documents["QUO/00001"]
        assert sales.documents.verify(sent)
        assert sales.documents.pdf(sent).startswith(b"%PDF-")
        invoice = sales.documents["INV-26-1"]
        assert sales.documents.verify(invoice)
        assert str(invoice.payments[0].amount) == "1,000.00 GBP"
        fresh = sales.documents.mark_sent(sales.documents.draft("OPP/00001", "invoice"))
        assert fresh.reference == "INV-26-2"
        line = sp.Line("Shelf", unit_price="1.00")
        deal = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[line])
        assert deal.reference == "OPP/00004"
        assert maintenance.check(sales) == []


def test_an_upgrade_that_finds_nothing_to_do_changes_no_record(kept: Path) -> None:
    maintenance.upgrade(kept)
    with sp.open(kept) as sales:
        before = whole(sales)
    maintenance.upgrade(kept)
    with sp.open(kept) as sales:
        after = whole(sales)
    assert len(list(kept.parent.glob("*.backup"))) == 2  # two in one second have two names
    before.pop("stamp"), after.pop("stamp")
    assert after == before
