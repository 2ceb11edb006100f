"""Seals and chains: what is done to a sent document behind the library's back is found. (SPEC DOC-7)"""

from __future__ import annotations

import attrs
import pytest

import salespipeline as sp
from salespipeline.codec import _CONTENT, encode
from salespipeline.domain.document import Document
from salespipeline.errors import Corrupt

LINE = sp.Line("Racking", unit_price="100", tax="20")


@pytest.fixture
def acme(sales):
    return sales.contacts.where(text="acme").one()


@pytest.fixture
def three(sales, acme):
    desk = sales.documents
    return [desk.mark_sent(desk.draft(acme, "invoice", lines=[LINE])) for _ in range(3)]


def problems(sales):
    return [problem for row in sales.documents.verify_seals() for problem in row.problems]


def forge(sales, before, **facts):
    """Put *before* with other facts into the store, as somebody would who knows how."""
    with sales.work() as work:
        work.tx.put(encode(attrs.evolve(work.need(Document, before.id), **facts)))


def test_sent_documents_are_a_chain_whether_mailed_or_not(sales, three, acme):
    mailed = sales.documents.draft(acme, "invoice", lines=[LINE])
    sales.documents.where(sent=False).plan_send_all().run()
    (row,) = sales.documents.verify_seals()
    kept = [sales.documents[one.id] for one in (*three, mailed)]
    assert [one.seal.position for one in kept] == [1, 2, 3, 4]
    assert [one.seal.previous for one in kept] == ["", *(one.seal.link for one in kept[:-1])]
    assert (row.ok, row.documents, row.link) == (True, 4, kept[-1].seal.link)
    assert kept[-1].seal.pdf is not None
    assert all(sales.documents.verify(one) for one in kept)


def test_what_may_happen_after_sending_breaks_nothing(sales, three):
    desk = sales.documents
    desk.pay(three[0].id, "20.00")
    desk.accept(three[1].id, by="Zoë Field")
    desk.mark_sent(desk.convert(three[1].id, "credit note"))
    desk.hold(three[2].id)
    desk.assign(three[2].id, new="Erect")
    assert problems(sales) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"lines": (sp.Line("Racking", unit_price="1", tax="20"),)},
        {"note": "Paid in cash"},
        {"payments": ()},
        {"discount": sp.Discount.of("5%")},
        {"contact_id": "somebody else"},
        {"sent_by": "tom"},
        {"held": None, "owner_id": "tom"},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_a_forged_fact_is_found_even_where_its_index_fits(sales, three, facts):
    paid = sales.documents.pay(three[1].id, "20.00")
    forge(sales, paid, **facts)
    assert not sales.documents.verify(paid.id)
    assert any("INV/00002" in problem for problem in problems(sales))


def test_a_pdf_that_is_gone_is_found(sales, acme):
    draft = sales.documents.draft(acme, "invoice", lines=[LINE])
    sales.documents.where(sent=False).plan_send_all().run()
    sales.blobs.forget(sales.documents[draft.id].seal.pdf)
    assert "its PDF cannot be read as it left" in sales.documents.verify(draft.id).reason


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_document_that_was_taken_away_is_found(sales, three, place):
    kept = sales.documents[three[place].id]
    with sales.work() as work:
        work.tx.delete("document", kept.id, kept.version)
    assert f"link {place + 1}: no document, where there was one" in problems(sales)
    (row,) = sales.documents.verify_numbers()
    assert row.problems == (f"{place + 1} is missing, and nothing tells why",)


def test_a_body_that_cannot_be_read_is_listed_and_the_others_are_looked_at_all_the_same(sales, three):
    broken = sales.documents[three[1].id]
    with sales.work() as work:
        work.tx.put(attrs.evolve(encode(broken), body='{"format":1'))
    with pytest.raises(Corrupt):
        sales.documents[three[1].id]
    forge(sales, three[2], note="Paid in cash")
    found = problems(sales)
    assert [one for one in found if "document INV/00002: document" in one and "cannot be read" in one]
    assert "link 2: no document, where there was one" in found
    assert "invoice 'INV/00003': its content is not what was sealed" in found
    assert not [one for one in found if "INV/00001" in one]


def test_a_history_that_cannot_be_read_is_listed(sales, three):
    last = sales.documents.history(three[0])[-1]
    with sales.work() as work:
        work.tx.put(attrs.evolve(encode(last), body='{"format":1'))
    assert [one for one in problems(sales) if "its history cannot be read" in one]


def test_one_that_was_deleted_by_force_is_explained(sales, three):
    sales.documents.delete(three[1], force=True)
    sales.documents.delete(three[2], force=True)
    assert problems(sales) == []
    (row,) = sales.documents.verify_numbers()
    assert (row.ok, len(row.explained)) == (True, 2)


def test_a_draft_has_no_seal_to_verify(sales, acme):
    with pytest.raises(sp.Invalid, match="nothing is sealed yet"):
        sales.documents.verify(sales.documents.draft(acme, "quote", lines=[LINE]))


# What may still change once a document is sent, or was settled before: a field that is in neither list was forgotten.
FACTS = {
    *(
        "id",
        "version",
        "created_at",
        "created_by",
        "source_id",
        "consolidates",
        "superseded_by",
        "sent_at",
        "sent_by",
        "seal",
    ),
    *(
        "job_id",
        "filed_contact_id",  # where the survivor of a merge finds it; the seal says whose it was
        "filed_opportunity_id",
        "owner_id",
        "held",
        "approval",
        "approval_fact",
        "answer",
        "cancelled",
        "payments",
        "taken",
        "in_transit",
    ),
    *("transmissions",),
}


def test_every_field_of_a_document_is_sealed_content_or_a_fact_beside_it():
    fields = {field.name for field in attrs.fields(Document)}
    assert fields == set(_CONTENT) | FACTS
    assert not set(_CONTENT) & FACTS
