"""Seals and chains: what is done to a sent document behind the library's back is found. (SPEC DOC-7)"""

from __future__ import annotations

import json
import sqlite3

import attrs
import pytest

import salespipeline as sp
from salespipeline.catalog import CATALOG
from salespipeline.codec import encode
from salespipeline.domain.document import Document

LINE = sp.Line("Racking", unit_price="100", tax="20")
COLUMNS = ["id", "version", "body", *(field.name for field in CATALOG.kind("document").fields if not field.many)]


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


def test_one_that_was_deleted_by_force_is_explained(sales, three):
    sales.documents.delete(three[1], force=True)
    sales.documents.delete(three[2], force=True)
    assert problems(sales) == []
    (row,) = sales.documents.verify_numbers()
    assert (row.ok, len(row.explained)) == (True, 2)


def test_a_draft_has_no_seal_to_verify(sales, acme):
    with pytest.raises(sp.Invalid, match="nothing is sealed yet"):
        sales.documents.verify(sales.documents.draft(acme, "quote", lines=[LINE]))


# --- raw SQL -----------------------------------------------------------------------------------------------


def other(column, value):
    """Return another value for *column*: of its type, and believable."""
    if column == "body":
        body = json.loads(value)
        body["note"] = body.get("note", "") + "!"
        return json.dumps(body)
    return value + 1 if isinstance(value, int) else f"{value or ''}x" if value is not None else None


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_a_sent_document_that_raw_sql_changes_is_found(tmp_path, opened, column):
    path = tmp_path / "sales.db"
    with opened(f"sqlite:///{path}") as sales:
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        desk = sales.documents
        sent = desk.mark_sent(desk.draft(acme, "quote", lines=[LINE]))
        assert problems(sales) == []
    with sqlite3.connect(path) as raw:
        table = "e_document"
        known = {row[1] for row in raw.execute(f"PRAGMA table_info({table})")}
        if not known:
            (table,) = next(
                row for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                if {"id", "version", "body"} <= {one[1] for one in raw.execute(f"PRAGMA table_info({row[0]})")} and "document" in row[0]
            )  # fmt: skip
            known = {row[1] for row in raw.execute(f"PRAGMA table_info({table})")}
        name = (
            column
            if column in known
            else next(one for one in known if one.endswith(f"_{column}") or one == f"f_{column}")
        )
        (value,) = raw.execute(f'SELECT "{name}" FROM {table} WHERE id = ?', [sent.id]).fetchone()
        forged = other(column, value)
        if forged is None:
            forged = 1 if next(f.type for f in CATALOG.kind("document").fields if f.name == column) is int else "x"
        raw.execute(f'UPDATE {table} SET "{name}" = ? WHERE id = ?', [forged, sent.id])
    raw.close()
    with opened(f"sqlite:///{path}") as sales:
        assert problems(sales) != []
