"""Pages neither skip nor repeat a row while others insert, change and delete. (SPEC OPP-10)"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "1.00"}
ORDERS = ["created", "closed", "due", "value", "reference", "subject", "status", "currency"]
RANKED = ["stage", "owner", "contact", "department"]
between = st.lists(st.tuples(st.sampled_from(["insert", "delete", "win", "edit"]), st.integers(0, 30)), max_size=3)


def test_whatever_happens_between_pages_what_stays_is_seen_once(sales, clock):
    do = sales.opportunities
    counter = iter(range(10**6))
    for number in range(4):
        sales.contacts.add(f"Contact {number}")

    def insert(number):
        clock.forward(seconds=1)
        subject = f"n{next(counter):06}"
        due = f"2027-01-{number % 28 + 1:02}" if number % 3 else None
        currency = ["GBP", "EUR"][number % 2]
        lines = [LINE | {"quantity": number % 5 + 1}]
        ranks = {
            "stage": ["Quotation sent", "Prospect", "Order signed"][number % 3],
            "owner": ["tom", "jane"][number % 2],
        }
        name = f"Contact {number % 4}"
        return do.create(contact=name, subject=subject, lines=lines, due=due, currency=currency, **ranks)

    @settings(max_examples=25)
    @given(
        st.sampled_from(ORDERS + RANKED), st.booleans(), st.integers(1, 4), st.lists(between, min_size=1, max_size=4)
    )
    def law(order, descending, size, meanwhile):
        for id in do.all().ids():
            do.delete(id)
        there = {insert(number * 7).id for number in range(7)}
        touched, seen, cursor, turn = set(), [], None, 0
        listing = do.order(f"-{order}" if descending else order)
        while True:
            page = listing.page(size, after=cursor)
            seen += [deal.id for deal in page]
            cursor = page.next
            if cursor is None:
                break
            # Others stop at some time: who inserts faster than somebody reads is never read to the end.
            for step, number in meanwhile[turn % len(meanwhile)] if turn < 8 else ():
                some = sorted(there - touched)
                if step == "insert" or not some:
                    insert(number)
                    continue
                chosen = some[number % len(some)]
                touched.add(chosen)
                match step:
                    case "delete":
                        do.delete(chosen)
                    case "win":
                        do.win(chosen)
                    case "edit":
                        do.edit(chosen, lines=[LINE | {"quantity": number}] if number else [LINE])
            turn += 1
        assert len([id for id in seen if id in there - touched]) == len(there - touched)  # each once, none missing
        assert len([id for id in seen if id not in touched]) == len({id for id in seen if id not in touched})

    law()


def test_a_cursor_belongs_to_its_query_alone(sales):
    for number in range(4):
        sales.opportunities.create(contact="Acme Ltd", subject=f"{number}", lines=[LINE])
    cursor = sales.opportunities.order("value").page(2).next
    assert cursor is not None
    for listing in (
        sales.opportunities.order("-value"),
        sales.opportunities.order("created"),
        sales.opportunities.where(status="open").order("value"),
        sales.contacts.order("name"),
    ):
        with pytest.raises(sp.Invalid, match="start from the first page"):
            listing.page(2, after=cursor)
    for wrong in ("", "x", cursor[:-3], "é", cursor + "A" * 10_000):
        with pytest.raises(sp.Invalid, match="start from the first page"):
            sales.opportunities.order("value").page(2, after=wrong)
    for size in (0, -1, 10_001, 2.0, "2"):
        with pytest.raises(sp.Invalid, match="1 to 10,000"):
            sales.opportunities.page(size)


def test_a_page_of_links_goes_on_when_the_linked_ones_change(sales):
    deals = [sales.opportunities.create(contact="Acme Ltd", subject=f"{number}", lines=[LINE]) for number in range(5)]
    listing = sales.opportunities.where(documents__none=["quote"]).order("subject")
    first = listing.page(2)
    sales.documents.draft(deals[3], "quote")
    assert [deal.subject for deal in (*first, *listing.page(9, after=first.next))] == ["0", "1", "2", "4"]
