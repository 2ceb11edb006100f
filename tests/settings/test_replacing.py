"""An entry of a list that is deleted: what has the other one then, in bulk, with history, and what keeps what it says."""

from __future__ import annotations

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline.settings import uses
from salespipeline.work import Work

LINE = {"description": "Bay", "unit_price": "100.00"}


@pytest.fixture
def acme(sales):
    return sales.contacts.where(text="acme").one()


@pytest.fixture
def many(sales, acme):
    """Make opportunities with a tag, more than are rewritten at a time."""
    rows = [{"contact": acme, "subject": f"S{at}", "lines": [LINE], "tags": ["Rush", "VIP"]} for at in range(7)]
    sales.opportunities.create_many(rows)


def test_many_are_rewritten_chunk_by_chunk_each_with_its_activity(sales, many, monkeypatch, clock):
    monkeypatch.setattr(uses, "CHUNK", 3)
    clock.forward(hours=1)
    rush, vip = sales.settings.tags["Rush"], sales.settings.tags["VIP"]
    big = sales.settings.tags.add("Big")
    assert sales.acting("tom").settings.tags.delete("Rush", replacement=big) == 7
    for deal in sales.opportunities:
        assert (deal.version, deal.tags) == (2, (big.id, vip.id))
        last = sales.opportunities.history(deal)[-1]
        assert (last.action, last.by, last.at) == ("tag replaced", "tom", clock.now)
        (change,) = last.changes
        assert (change.field, list(change.before), list(change.after)) == ("tags", [rush.id, vip.id], [big.id, vip.id])
    assert sales.settings.tags.delete("VIP", replacement="big") == 7
    assert {deal.tags for deal in sales.opportunities} == {(big.id,)}
    assert sales.settings.tags.usages() == {big.id: 7}


def test_a_replacement_that_fails_halfway_leaves_nothing_behind(sales, many, monkeypatch):
    monkeypatch.setattr(uses, "CHUNK", 3)
    before, kept = whole(sales), []

    def failing(self, pairs, *, action):
        kept.append(action)
        if len(kept) == 2:
            raise RuntimeError("power is gone")
        return original(self, pairs, action=action)

    original = Work.keep_many
    monkeypatch.setattr(Work, "keep_many", failing)
    with pytest.raises(RuntimeError):
        sales.settings.tags.delete("Rush", replacement="VIP")
    assert whole(sales) == before
    assert "Rush" in sales.settings.tags


def test_what_was_sent_keeps_its_owner_and_stays_sealed(sales, deal, acme):
    desk = sales.documents
    sent = desk.mark_sent(desk.draft(deal, "invoice"))
    draft = desk.draft(deal, "quote")
    note = sales.notes.add(deal, "Called", owner="jane")
    assert sales.settings.users.usage("jane") == 4
    assert sales.settings.users.usages() == {"jane": 4, "tom": 0}
    with pytest.raises(sp.Refused, match="user 'Jane Whitfield' is used by 1 opportunity, 2 documents and 1 note: ar"):
        sales.settings.users.delete("jane")
    assert sales.settings.users.delete("jane", replacement="tom") == 3
    assert (sales.opportunities[deal.id].owner_id, desk[draft.id].owner_id) == ("tom", "tom")
    assert sales.notes[note.id].owner_id == "tom"
    assert desk[sent.id] == sent
    assert desk.verify(sent.id)
    assert all(row.ok for row in desk.verify_seals())


def test_a_series_that_numbered_something_is_archived_and_never_deleted(sales, deal):
    series = sales.settings.series.add("Invoices", "invoice", prefix="{year}-", pattern="0000")
    other = sales.settings.series.add("Others", "invoice", prefix="X-")
    assert sales.documents.mark_sent(sales.documents.draft(deal, "invoice")).reference == "2026-0001"
    assert sales.settings.series.usages() == {series.id: 1, other.id: 0}
    with pytest.raises(sp.Refused, match=r"series 'Invoices' is used by 1 document: archive\(\) it$"):
        sales.settings.series.delete(series)
    with pytest.raises(sp.Invalid, match="numbers were given in it"):
        sales.settings.series.delete(series, replacement=other)
    assert sales.settings.series.delete(other) == 0


def test_answers_are_counted_field_by_field_and_erased_where_they_may_be(sales, deal, acme):
    fields = sales.settings.fields
    here = fields.add("opportunity", "size", "Size", "integer")
    there = fields.add("quote", "size", "Size", "integer")
    never = fields.add("quote", "never", "Never asked", "text")
    sales.opportunities.edit(deal, custom={"size": 3})
    sent = sales.documents.mark_sent(sales.documents.draft(acme, "quote", lines=[LINE], custom={"size": 1}))
    draft = sales.documents.draft(acme, "quote", lines=[LINE], custom={"size": 2})
    assert fields.usages() == {here.id: 1, there.id: 2, never.id: 0}
    assert [fields.usage(one) for one in (here, there, never)] == [1, 2, 0]
    with pytest.raises(sp.Invalid, match="erased, never moved"):
        fields.delete(there, replacement=never)
    assert fields.delete(there) == 1
    assert (sales.documents[draft.id].custom, sales.documents[sent.id].custom) == ({}, {"size": 1})
    assert sales.documents.verify(sent.id)
    assert sales.opportunities[deal.id].custom == {"size": 3}


def test_what_whoever_acts_does_not_see_is_rewritten_too_and_not_counted(sales, deal):
    sales.opportunities.create(contact="Acme Ltd", subject="Hidden", lines=[LINE], tags=["Rush"])
    sales.opportunities.edit(deal, tags=["Rush", "VIP"])

    def policy(actor, action, record):
        return getattr(record, "subject", "") != "Hidden"

    guarded = sp.open(sales.store, actor="tom", policy=policy)
    assert guarded.settings.tags.usage("Rush") == 1
    assert sorted(guarded.settings.tags.usages().values()) == [1, 1]
    assert guarded.settings.tags.delete("Rush", replacement="VIP") == 1
    assert {deal.tags for deal in sales.opportunities} == {(sales.settings.tags["VIP"].id,)}
    guarded.settings.tags.add("Big")
    sales.opportunities.edit(deal.id, tags=["Big"])
    sales.opportunities.delete(deal.id)
    sales.opportunities.edit(sales.opportunities.where(subject="Hidden").one(), tags=["Big"])
    with pytest.raises(sp.Refused, match="is used by records that you do not see: archive"):
        guarded.settings.tags.delete("Big")
