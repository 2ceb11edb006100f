"""Lists sorted by what a record points to: its stage, its owner, the name of its contact. (SPEC OPP-10)"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline.stores.wrap import Wrapped

LINE = {"description": "Bay", "unit_price": "1.00"}
ORDERS = ["stage", "probability", "owner", "department", "contact"]


@pytest.fixture
def named(sales, clock):
    """Return a function that makes an opportunity, a second later than the one before."""
    sales.contacts.add("Émile & fils")
    sales.contacts.add("Zoë Dairy")

    def make(subject, **facts):
        clock.forward(seconds=1)
        return sales.opportunities.create(**{"contact": "Acme Ltd", "lines": [LINE], "subject": subject} | facts)

    return make


def subjects(listing):
    return [deal.subject for deal in listing]


def test_stages_come_in_the_order_of_the_settings(sales, named):
    named("signed", stage="Order signed")
    named("first prospect", stage="Prospect")
    named("second prospect", stage="Prospect")
    listing = sales.opportunities.order("stage")
    assert subjects(listing) == ["first prospect", "second prospect", "signed"]
    assert subjects(sales.opportunities.order("-stage")) == [*reversed(subjects(listing))]
    sales.settings.stages.move("Order signed", before="Prospect")
    assert subjects(listing) == ["signed", "first prospect", "second prospect"]


def test_owners_and_departments_come_by_what_they_are_called(sales, named):
    named("tom", owner="tom")  # Tom Okafor, South
    facts = {"contact": "Acme Ltd", "subject": "stranger", "lines": [LINE]}
    sales.acting("ada").opportunities.create(**facts)  # who acts may own, known to the settings or not: by the id
    named("jane", owner="jane")  # Jane Whitfield, North
    named("jane for the west", owner="jane", department="West")
    named("jane for the south", owner="jane", department="South")
    named("tom again", owner="tom")
    assert subjects(sales.opportunities.order("owner")) == [
        "stranger", "jane", "jane for the west", "jane for the south", "tom", "tom again",
    ]  # fmt: skip
    assert subjects(sales.opportunities.order("department")) == [
        "jane", "tom", "jane for the south", "tom again", "jane for the west", "stranger",
    ]  # fmt: skip


def test_contacts_come_by_name_whatever_its_accents(sales, named):
    named("z", contact="Zoë Dairy")
    named("e", contact="Émile & fils")
    named("a", contact="Acme Ltd")
    listing = sales.opportunities.order("contact")
    assert subjects(listing) == ["a", "e", "z"]
    assert [row["contact"] for row in listing.to_dicts()] == ["Acme Ltd", "Émile & fils", "Zoë Dairy"]
    sales.contacts.edit("Zoë Dairy", name="Dairy, Zoë")
    assert subjects(listing) == ["a", "z", "e"]  # a new name touches no opportunity


def test_probabilities_come_in_the_order_of_the_settings(sales, named):
    named("hot", probability="Hot 75%")
    named("unknown", probability=None)
    named("cold", probability="Cold 10%")
    assert subjects(sales.opportunities.order("-probability")) == ["unknown", "hot", "cold"]


def test_documents_come_by_type_contact_and_owner(sales, named):
    first, second = named("first", owner="tom", contact="Zoë Dairy"), named("second", owner="jane")
    for deal, type in ((first, "invoice"), (second, "invoice"), (second, "quote")):
        sales.documents.draft(deal, type)

    def listed(order):
        return [(str(document.type), document.subject) for document in sales.documents.order(order)]

    assert listed("type") == [("quote", "second"), ("invoice", "first"), ("invoice", "second")]
    assert [subject for _, subject in listed("contact")] == ["second", "second", "first"]
    assert [subject for _, subject in listed("-owner")] == ["first", "second", "second"]


def test_slices_ids_counts_and_filters_keep_the_order(sales, named):
    for number in range(7):
        named(f"{number}", owner=["tom", "jane"][number % 2], stage=["Prospect", "Order signed"][number % 2])
    listing = sales.opportunities.where(subject__in=["0", "1", "2", "3", "5", "6"]).order("owner")
    everything = ["1", "3", "5", "0", "2", "6"]
    assert subjects(listing) == everything
    assert [sales.opportunities.get(id).subject for id in listing.ids()] == everything
    assert [sales.opportunities.get(id).subject for id in listing[1:5].ids()] == everything[1:5]
    assert (subjects(listing[1:5]), listing[4].subject, listing.first().subject) == (everything[1:5], "2", "1")
    assert (listing.count(), len(listing[2:])) == (6, 4)


def test_pages_of_any_size_make_the_whole(sales, named):
    """Every order is the sort of everything by what the rows show, and pages of any size put it together again."""
    for number in range(23):
        named(
            f"{number:02}",
            owner=["tom", "jane"][number % 2],
            stage=["Prospect", "Quotation sent", "Order signed"][number * 7 % 3],
            contact=["Acme Ltd", "Zoë Dairy", "Émile & fils"][number * 5 % 3],
            department=[None, "West"][number % 2],
            probability=[None, "Hot 75%"][number * 3 % 2],
        )

    @settings(max_examples=30)
    @given(st.sampled_from(ORDERS), st.booleans(), st.integers(1, 30))
    def law(order, descending, size):
        listing = sales.opportunities.order(f"-{order}" if descending else order)
        whole = subjects(listing)
        assert sorted(whole) == [f"{number:02}" for number in range(23)]
        pages, cursor = [], None
        while True:
            page = listing.page(size, after=cursor)
            pages += subjects(page)
            cursor = page.next
            if cursor is None:
                break
            assert len(page) == size
        assert pages == whole
        assert [sales.opportunities.get(id).subject for id in listing.ids()] == whole

    law()


def test_a_cursor_of_a_ranked_order_belongs_to_it_alone(sales, named):
    for number in range(4):
        named(f"{number}")
    cursor = sales.opportunities.order("stage").page(2).next
    for other in ("owner", "-stage", "created", "contact"):
        with pytest.raises(sp.Invalid, match="start from the first page"):
            sales.opportunities.order(other).page(2, after=cursor)


def test_a_page_over_many_small_groups_asks_no_more_often_than_one_over_a_few(bare, opened):
    asked = []

    class Counting(Wrapped):
        def before(self, call):
            asked.append(call)

    sales = opened(Counting(bare.store))
    sales.settings.stages.add("Prospect")
    for number in range(12):
        sales.contacts.add(f"Contact {number:02}")
        sales.opportunities.create(contact=f"Contact {number:02}", subject=f"{number}", lines=[LINE])
    for size, most in ((3, 4), (12, 4)):
        asked.clear()
        assert len(sales.opportunities.order("contact").page(size)) == size
        assert sum(call in ("tally", "columns", "find", "get_many") for call in asked) <= most
