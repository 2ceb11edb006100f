"""Series by type, year and currency, and what verify_numbers finds, on every store. (SPEC SET-8, DOC-5, DOC-6)"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import salespipeline as sp

LINE = sp.Line("Racking", unit_price="100", tax="20")


@pytest.fixture
def acme(sales):
    return sales.contacts.where(text="acme").one()


@pytest.fixture
def invoiced(sales, acme):
    def invoice(**given):
        return sales.documents.mark_sent(sales.documents.draft(acme, "invoice", lines=[LINE], **given))

    return invoice


def test_a_series_by_year_begins_anew_at_the_local_new_year(sales, invoiced, clock):
    sales.settings.edit_organisation(time_zone="Pacific/Auckland")
    sales.settings.series.add("Invoices", "invoice", prefix="INV-{year}-", pattern="0000")
    clock.now = datetime(2026, 12, 31, 10, 59, tzinfo=UTC)  # 23:59 in Auckland
    assert [invoiced().reference for _ in range(2)] == ["INV-2026-0001", "INV-2026-0002"]
    clock.now = datetime(2026, 12, 31, 11, 0, tzinfo=UTC)
    assert invoiced().reference == "INV-2027-0001"
    rows = sales.documents.verify_numbers()
    assert [(row.run, row.first, row.last, row.ok) for row in rows] == [
        ("INV-2026-", 1, 2, True),
        ("INV-2027-", 1, 1, True),
    ]


def test_a_series_by_a_rule_of_ones_own(sales, invoiced):
    sales.settings.series.add("Invoices", "invoice", prefix="{currency}{yy}{month}/", pattern="000")
    given = {"currency": "EUR"}
    assert [invoiced(**one).reference for one in ({}, given, {}, given)] == [
        "GBP2611/001", "EUR2611/001", "GBP2611/002", "EUR2611/002",
    ]  # fmt: skip


@pytest.mark.parametrize("prefix", ["{day}-", "{year", "year}", "{}"])
def test_a_prefix_with_a_place_that_nobody_knows_is_refused(sales, prefix):
    with pytest.raises(sp.Invalid, match="a prefix holds no"):
        sales.settings.series.add("Invoices", "invoice", prefix=prefix)


def test_opportunities_take_no_places(sales):
    with pytest.raises(sp.Invalid, match="other types none"):
        sales.settings.series.add("Deals", "opportunity", prefix="{year}-")


def test_a_next_number_is_set_per_run_and_never_back(sales, invoiced):
    series = sales.settings.series.add("Invoices", "invoice", prefix="{year}/", pattern="000")
    with pytest.raises(sp.Invalid, match="takes run="):
        sales.settings.series.set_next(series, 5)
    sales.settings.series.set_next(series, 118, run="2026/")
    first = invoiced()
    assert first.reference == "2026/118"
    sales.documents.delete(first, force=True)
    with pytest.raises(sp.Invalid, match="numbers up to 118 were used"):
        sales.settings.series.set_next(series.id, 118, run="2026/")
    sales.settings.series.set_next(series.id, 121, run="2026/")
    assert invoiced().reference == "2026/121"
    (row,) = sales.documents.verify_numbers()
    assert (row.ok, row.first, row.last) == (True, 118, 121)
    assert row.explained == (
        "118 was 2026/118, deleted by jane on 2026-11-24",
        "119 was passed over when the next number was set to 121",
        "120 was passed over when the next number was set to 121",
    )


def test_a_changed_format_affects_only_what_follows(sales, invoiced):
    series = sales.settings.series.add("Invoices", "invoice", prefix="A-", pattern="000")
    first = invoiced()
    sales.settings.series.edit(series, prefix="B-", pattern="0-0")
    assert (sales.documents[first.id].reference, invoiced().reference) == ("A-001", "B-0-2")
    assert [row.ok for row in sales.documents.verify_numbers()] == [True]


def test_typed_references_are_unique_and_explained(sales, acme):
    desk = sales.documents
    typed = desk.draft(acme, "quote", lines=[LINE], reference="QUO/00002")
    with pytest.raises(sp.Duplicate):
        desk.draft(acme, "purchase order", lines=[LINE], reference="quo/00002")
    with pytest.raises(sp.Duplicate):
        desk.edit(desk.draft(acme, "quote", lines=[LINE]), reference="QUO/00002")
    assert desk.draft(acme, "quote", lines=[LINE]).reference == "QUO/00003"
    (row,) = [row for row in desk.verify_numbers() if row.series == "Quote"]
    assert (row.ok, row.explained) == (True, ("2 was passed over: somebody typed QUO/00002",))
    assert typed.number is None
    with pytest.raises(sp.Invalid, match="assigned when it is issued"):
        desk.draft(acme, "invoice", lines=[LINE], reference="INV/9")


def test_a_deleted_draft_leaves_a_hole_that_is_explained(sales, acme):
    desk = sales.documents
    quotes = [desk.draft(acme, "quote", lines=[LINE]) for _ in range(3)]
    desk.delete(quotes[1])
    desk.delete(quotes[2])
    (row,) = desk.verify_numbers()
    assert (row.ok, row.documents, row.last) == (True, 1, 3)
    assert row.explained == tuple(f"{n} was QUO/0000{n}, deleted by jane on 2026-11-24" for n in (2, 3))


def test_looking_takes_no_number(sales, invoiced):
    invoiced()
    for _ in range(3):
        sales.documents.verify_numbers()
    assert invoiced().reference == "INV/00002"


def test_a_date_that_goes_back_is_listed(sales, acme, invoiced):
    invoiced()
    early = sales.documents.draft(acme, "invoice", lines=[LINE])
    sales.documents.mark_sent(early, at=datetime(2026, 11, 20, 12, tzinfo=UTC))
    (row,) = sales.documents.verify_numbers()
    assert row.problems == ("invoice 'INV/00002' of 2026-11-20 comes after invoice 'INV/00001' of 2026-11-24",)
