"""The next step of an opportunity, and those that have been in their stage for too long."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.whole import whole

import salespipeline as sp

LINE = sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")


def test_the_next_step_is_kept_listed_sorted_and_found(sales, deal):
    make = sales.opportunities.create
    first = make(contact="Acme Ltd", subject="1", lines=[LINE], next_step="Send the drawing", next_step_on="2026-12-03")
    second = sales.opportunities.edit(deal, next_step="Call Zoë", next_step_on=date(2026, 12, 1))
    third = make(contact="Acme Ltd", subject="3", lines=[LINE], next_step="Some day")
    assert sales.opportunities.order("next_step").ids() == [second.id, first.id, third.id]
    assert sales.opportunities.where(next_step__le="2026-12-01").ids() == [second.id]
    assert sales.opportunities.where(next_step=None).ids() == [third.id]
    row = sales.opportunities.where(next_step__between=("2026-12-02", "2026-12-31")).to_dicts()[0]
    assert (row["next_step"], row["next_step_on"]) == ("Send the drawing", date(2026, 12, 3))
    done = sales.opportunities.edit(second, next_step="", next_step_on=None)
    assert (done.next_step, done.next_step_on) == ("", None)
    before = whole(sales)
    with pytest.raises(sp.Invalid) as caught:
        sales.opportunities.edit(done, next_step="a\nb", next_step_on="tomorrow")
    assert [one.path for one in caught.value.problems] == ["next_step", "next_step_on"]
    assert whole(sales) == before


def rotting(sales):
    found = {one.subject for one in sales.opportunities.where(rotting=True)}
    others = {one.subject for one in sales.opportunities.where(rotting=False)}
    assert not found & others
    assert len(found) + len(others) == sales.opportunities.count()
    return found


def test_what_stays_in_a_stage_for_too_long_is_rotting(sales, deal, clock):
    desk, stages = sales.opportunities, sales.settings.stages
    assert rotting(sales) == set()
    stages.edit("Prospect", days=14)
    stages.edit("Quotation sent", days=5)
    clock.forward(days=14, seconds=-1)
    young = desk.create(contact="Acme Ltd", subject="Young", lines=[LINE])
    assert rotting(sales) == set()
    clock.forward(seconds=1)
    assert rotting(sales) == {"New warehouse"}
    assert desk.where(rotting=True, stage="Prospect").count() == 1
    (row,) = desk.where(rotting=True).to_dicts()
    assert row["rots"] == date(2026, 12, 8)
    moved = desk.edit(deal, stage="Quotation sent", note="in another stage the days begin anew")
    assert rotting(sales) == set()
    clock.forward(days=5)
    desk.edit(moved, note="what else is edited makes it no fresher")
    assert rotting(sales) == {"New warehouse"}
    desk.hold(deal.id)
    assert rotting(sales) == set()  # only what is open rots
    desk.lose(desk.resume(deal.id), "price")
    clock.forward(days=30)
    assert rotting(sales) == {"Young"}
    desk.reopen(deal.id)
    assert rotting(sales) == {"Young"}
    clock.forward(days=5)
    assert rotting(sales) == {"Young", "New warehouse"}
    stages.edit("Prospect", days=None)
    assert rotting(sales) == {"New warehouse"}
    assert desk.edit(young, stage="Order signed").rots_at(sales.settings.snapshot) is None


def test_limits_and_questions_are_checked(sales, deal):
    for wrong in (0, -1, 3651, "14", True):
        with pytest.raises(sp.Invalid, match="a number of days from 1 to 3650, or None, is needed"):
            sales.settings.stages.edit("Prospect", days=wrong)
    with pytest.raises(sp.Invalid, match="True or False is needed, not 'yes'"):
        sales.opportunities.where(rotting="yes").count()


def test_of_two_in_one_stage_the_longer_time_counts_when_they_are_merged(sales, deal, clock):
    clock.forward(days=3)
    late = sales.opportunities.create(
        contact="Acme Ltd", subject="New warehouse", lines=[LINE], next_step="Call", next_step_on="2026-12-01"
    )
    kept = sales.opportunities.merge(late, deal)
    assert kept.in_stage_since == deal.created_at
    assert (kept.next_step, kept.next_step_on) == ("Call", date(2026, 12, 1))
    clock.forward(days=1)
    moved = sales.opportunities.edit(kept.id, stage="Quotation sent")
    assert moved.in_stage_since == clock.now
    assert moved.in_stage_since - deal.created_at == timedelta(days=4)
