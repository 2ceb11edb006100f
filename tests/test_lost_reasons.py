"""Why opportunities are lost: a list, words, and both. (SPEC OPP-6)"""

from __future__ import annotations

import pytest
from tests.whole import whole

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "100.00"}


@pytest.fixture
def listed(sales):
    sales.settings.lost_reasons.add("Price", "No budget", "Compétiteur")
    return sales


def test_without_a_list_the_reason_is_words(sales, deal):
    lost = sales.opportunities.lose(deal, "too dear", note="by a tenth")
    assert (lost.lost_reason_id, lost.lost_reason) == (None, "too dear\nby a tenth")
    assert sales.opportunities.lose(sales.opportunities.reopen(lost)).lost_reason == ""


def test_with_a_list_the_reason_is_one_of_it_and_a_note_says_more(listed, deal):
    price = listed.settings.lost_reasons["price"]
    lost = listed.opportunities.lose(deal, price, note="by a tenth")
    assert (lost.lost_reason_id, lost.lost_reason) == (price.id, "by a tenth")
    assert listed.opportunities.all().to_dicts()[0]["lost_reason"] == "Price"
    again = listed.opportunities.reopen(lost)
    assert (again.lost_reason_id, again.lost_reason) == (None, "")
    other = listed.opportunities.lose(again, "COMPETITEUR")
    assert other.lost_reason_id == listed.settings.lost_reasons["Compétiteur"].id
    before = whole(listed)
    reopened = lambda: listed.opportunities.reopen(other)  # noqa: E731
    for reason, why in (("Prise", "did you mean 'Price'"), ("x" * 10_000_000, "no lost reason"), (7, "no lost reason")):
        with pytest.raises(sp.Invalid, match=why), listed.transaction():
            listed.opportunities.lose(reopened(), reason)
    with pytest.raises(sp.Invalid) as caught, listed.transaction():
        listed.opportunities.lose(reopened(), "Prise", note="a\0")
    assert [one.path for one in caught.value.problems] == ["note", "reason"]
    assert whole(listed) == before


def test_a_reason_is_needed_where_the_organisation_says_so(sales, deal):
    sales.settings.edit_organisation(lost_reason_needed=True)
    before = whole(sales)
    with pytest.raises(sp.Invalid, match="a reason is needed to lose an opportunity: say it in words"):
        sales.opportunities.lose(deal)
    assert sales.opportunities.can(deal, "lose")  # it is a fact that lacks, and not the move
    assert whole(sales) == before
    assert sales.opportunities.lose(deal, note="no answer").lost_reason == "no answer"
    sales.settings.lost_reasons.add("Price", "No budget")
    deal = sales.opportunities.reopen(deal.id)
    with pytest.raises(sp.Invalid, match="is needed to lose an opportunity: there are 'Price', 'No budget'"):
        sales.opportunities.lose(deal, note="words are not enough where there is a list")
    assert sales.opportunities.lose(deal, "no budget").status == "lost"


def test_reasons_are_counted_filtered_renamed_archived_and_replaced(listed):
    reasons = listed.settings.lost_reasons
    for number, reason in enumerate(("Price", "Price", "No budget")):
        line = LINE | {"quantity": number + 1}
        deal = listed.opportunities.create(contact="Acme Ltd", subject=f"{number}", lines=[line])
        listed.opportunities.lose(deal, reason)
    reasons.edit("Price", label="Too dear")
    assert [(row.name, row.lost, str(row.lost_value)) for row in listed.reports.conversion("lost_reason")] == [
        ("No budget", 1, "300.00 GBP"),
        ("Too dear", 2, "300.00 GBP"),
    ]
    assert listed.opportunities.where(lost_reason="too dear").count() == reasons.usage("Too dear") == 2
    assert listed.opportunities.where(lost_reason__in=["Too dear", "No budget"]).count() == 3
    reasons.archive("Too dear")
    deal = listed.opportunities.create(contact="Acme Ltd", subject="x", lines=[LINE])
    with pytest.raises(sp.Invalid, match="'Too dear' is archived"):
        listed.opportunities.lose(deal, "Too dear")
    with pytest.raises(sp.Refused, match="is used by 2 opportunities"):
        reasons.delete("Too dear")
    assert reasons.delete("Too dear", replacement="No budget") == 2
    assert listed.opportunities.where(lost_reason="No budget").count() == 3


def test_a_row_says_why_it_was_lost_as_the_move_does(listed):
    row = {"contact": "Acme Ltd", "subject": "x", "lines": [LINE]}
    lost = row | {"status": "lost", "lost_reason": "price", "lost_note": "by a tenth"}
    (made,) = listed.opportunities.create_many([lost])
    assert (made.lost_reason_id, made.lost_reason) == (listed.settings.lost_reasons["Price"].id, "by a tenth")
    before = whole(listed)
    with pytest.raises(sp.Invalid) as caught:
        listed.opportunities.create_many(
            [
                lost | {"lost_reason": "Prise"},
                row | {"status": "won", "lost_reason": "Price"},
                row | {"closed_at": made.created_at},
                lost | {"closed_at": made.created_at.replace(year=2020)},
            ]
        )
    assert [one.path for one in caught.value.problems] == [
        "[0].lost_reason", "[1].lost_reason", "[2].closed_at", "[3].closed_at",
    ]  # fmt: skip
    assert whole(listed) == before
