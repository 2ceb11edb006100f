"""Two opportunities of the same sale become one, and nothing is lost. (SPEC OPP-8)"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.importing import import_opportunities
from salespipeline.ports import Accepted

LINE = sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")
SURVEY = sp.Line("Survey", unit_price="450.00", tax="20")


@pytest.fixture
def other(sales: sp.Sales, deal: sp.Opportunity) -> sp.Opportunity:
    """A second opportunity of the same sale, entered by somebody else."""
    return sales.acting("tom").opportunities.create(
        contact="Acme Ltd",
        subject="Warehouse, Leeds",
        lines=[LINE, SURVEY],
        stage="Quotation sent",
        tags=["VIP"],
        due="2027-01-31",
        note="Wants it before Easter.",
    )


def test_everything_that_is_at_the_one_is_at_the_other_afterwards(sales, deal, other, clock):
    draft = sales.documents.draft(other, "invoice")
    sent = sales.documents.mark_sent(sales.documents.draft(other, "quote"))
    job = sales.jobs.create("Erect the racking", opportunity=other)
    note = sales.notes.add(other, "Floor load", "Ask for the drawing.")
    answer = sales.notes.reply(note, "It is in the post.")
    on_quote = sales.notes.add(sent, "Price", "By telephone.")
    file = sales.attachments.add(other, "Plan.txt", b"forty bays", audience="both")
    filed = sales.attachments.add(sent, "Terms.txt", b"thirty days", audience="web")
    alert = sales.alerts.add(other, "Call back", at=clock.now + timedelta(days=3), to=["jane"])
    sales.alerts.follow(other)
    sales.acting("tom").alerts.follow(other)
    sales.alerts.follow(deal)
    happened = sales.activities.timeline(other).count() + sales.activities.timeline(deal).count()

    plan = sales.opportunities.plan_merge(deal, other)
    assert plan.moves == {"note": 3, "attachment": 2, "alert": 1, "follow": 2, "job": 1, "document": 2}
    kept = plan.run()

    assert kept.id == deal.id
    assert {one.id for one in sales.documents.where(opportunity=kept.id)} == {draft.id, sent.id}
    assert {one.id for one in sales.jobs.where(opportunity=kept.id)} == {job.id}
    assert {one.id for one in sales.notes.of(kept.id)} == {note.id, answer.id, on_quote.id}
    assert {one.id for one in sales.attachments.of(kept.id)} == {file.id, filed.id}
    assert {one.id for one in sales.alerts.where(opportunity=kept.id)} == {alert.id}
    assert sorted(one.id for one in sales.alerts.followers(kept.id)) == ["jane", "tom"]
    assert sales.opportunities.where(documents__all=["quote", "invoice"]).one().id == kept.id
    assert [one.text for one in sales.notes.thread(note.id)] == ["Ask for the drawing.", "It is in the post."]
    # Whose mark it is that a record went, and that the others were moved, comes on top of what had happened.
    assert sales.activities.timeline(kept).count() >= happened + 2
    assert maintenance.check(sales) == []


def test_a_sent_document_stays_as_it_was_sealed(sales, deal, other):
    sent = sales.documents.mark_sent(sales.documents.draft(other, "quote"))
    said = sales.documents.pdf(sent)
    sales.opportunities.merge(deal, other)
    found = sales.documents.where(opportunity=deal.id).one()
    assert (found.opportunity_id, found.deal_id, found.seal) == (other.id, deal.id, sent.seal)
    assert sales.documents.verify(found)
    assert sales.documents.pdf(found) == said
    invoice = sales.documents.convert(sales.documents.accept(found), "invoice")
    assert invoice.opportunity_id == deal.id
    revised = sales.documents.revise(sales.documents.mark_sent(sales.documents.draft(deal.id, "pro forma")))
    assert revised.opportunity_id == deal.id


def test_the_one_that_went_leads_to_the_one_that_stays_and_its_history_can_be_read(sales, deal, other):
    before = sales.opportunities.as_of(sales.now())
    kept = sales.opportunities.merge(deal, other)
    for name in (other.id, other.reference, other.reference.lower()):
        assert sales.opportunities[name] == kept
        assert name in sales.opportunities
        assert [one.action for one in sales.opportunities.history(name)] == ["created", "merged into another"]
        assert sales.opportunities.versions(name) == [other]
    assert sales.notes.add(other, "Late", "still at hand").record_id == kept.id
    assert sales.notes.add(other.reference, "Late", "by its reference").record_id == kept.id
    assert sales.opportunities.history(kept)[-1].action == "merged"
    assert sales.opportunities.versions(kept) == [deal, kept]
    assert (sales.opportunities.count(), sales.opportunities.deleted()) == (1, [])
    assert {one.id for one in before} == {deal.id, other.id}
    with pytest.raises(sp.Conflict, match=f"was merged into {deal.id}"):
        sales.opportunities.edit(other, subject="x")
    with pytest.raises(sp.NotFound):
        sales.opportunities.restore(other.id)


def test_its_reference_is_not_given_again_but_to_the_one_that_stays(sales, deal, other):
    sales.opportunities.merge(deal, other)
    before = whole(sales)
    with pytest.raises(sp.Duplicate, match="'OPP/00002' was merged into another, and its reference leads there"):
        sales.opportunities.create(contact="Acme Ltd", subject="x", lines=[LINE], reference="opp/00002")
    with pytest.raises(sp.Invalid, match="has the reference 'opp/00002' already"):
        sales.opportunities.create_many(
            [{"contact": "Acme Ltd", "subject": "x", "lines": [LINE], "reference": "OPP/00002"}]
        )
    assert whole(sales) == before
    assert sales.opportunities.edit(deal.id, reference="OPP/00002").id == deal.id
    third = sales.opportunities.create(contact="Acme Ltd", subject="x", lines=[LINE])
    assert third.reference == "OPP/00003"


def test_one_that_others_went_into_goes_into_a_third(sales, deal, other):
    third = sales.opportunities.create(contact="Acme Ltd", subject="Warehouse again", lines=[LINE])
    sales.opportunities.merge(other, deal)
    last = sales.opportunities.merge(third, other.id)
    assert last.merged == (deal.id, other.id)
    for name in (deal.id, deal.reference, other.id, other.reference):
        assert sales.opportunities[name].id == third.id
    created = [one.record_id for one in sales.activities.timeline(last) if one.action == "created"]
    assert sorted(created) == sorted([deal.id, other.id, third.id])


def test_what_differs_is_shown_and_chosen_field_by_field(sales, deal, other):
    plan = sales.opportunities.plan_merge(deal, other)
    assert plan.to_dicts() == [
        {"field": "subject", "kept": "New warehouse", "other": "Warehouse, Leeds", "take": "kept"},
        {"field": "stage", "kept": "Prospect", "other": "Quotation sent", "take": "kept"},
        {"field": "owner", "kept": "Jane Whitfield", "other": "Tom Okafor", "take": "kept"},
        {"field": "lines", "kept": "1 of 8,400.00 GBP", "other": "2 of 8,850.00 GBP", "take": "both"},
    ]
    assert str(plan.result.value) == "8,850.00 GBP"  # a line that both have is one
    # What only one of them says is taken, whichever it is.
    assert (plan.result.due, plan.result.note) == (date(2027, 1, 31), "Wants it before Easter.")
    assert plan.result.probability_id == deal.probability_id
    assert plan.result.tags == other.tags
    before = whole(sales)
    chosen = plan.choose(stage="other", lines="all").choose({"owner": "other"})
    assert (chosen.result.owner_id, str(chosen.result.value)) == ("tom", "17,250.00 GBP")
    assert whole(sales) == before
    kept = chosen.run()
    assert (sales.settings.stages[kept.stage_id].label, kept.subject) == ("Quotation sent", "New warehouse")
    assert kept.lines == (LINE, LINE, SURVEY)


@pytest.mark.parametrize(
    ("take", "number", "value"),
    [(None, 2, "8,850.00 GBP"), ("both", 2, "8,850.00 GBP"), ("all", 3, "17,250.00 GBP"), ("kept", 1, "8,400.00 GBP"),
     ("other", 2, "8,850.00 GBP")],
)  # fmt: skip
def test_lines_of_both_or_of_one(sales, deal, other, take, number, value):
    kept = sales.opportunities.merge(deal.id, other.id, take={} if take is None else {"lines": take})
    assert (len(kept.lines), str(kept.value)) == (number, value)


def test_two_notes_are_both_kept_unless_one_is_chosen(sales, deal, other):
    deal = sales.opportunities.edit(deal, note="Called twice.")
    plan = sales.opportunities.plan_merge(deal, other)
    assert plan.result.note == "Called twice.\n\nWants it before Easter."
    assert plan.choose(note="other").result.note == "Wants it before Easter."
    long = sales.opportunities.edit(deal, note="x" * 99_990)
    with pytest.raises(sp.Invalid, match="both together are 100,015 characters, and 100,000 fit"):
        sales.opportunities.plan_merge(long, other)
    assert sales.opportunities.plan_merge(long, other, take={"note": "kept"}).result.note == long.note


def test_answers_are_put_together_key_by_key(sales, deal, other):
    sales.settings.fields.add("opportunity", "roof", "Roof", "text")
    sales.settings.fields.add("opportunity", "bays", "Bays", "integer")
    deal = sales.opportunities.edit(deal, custom={"roof": "flat"})
    other = sales.acting("tom").opportunities.edit(other, custom={"roof": "pitched", "bays": 40})
    plan = sales.opportunities.plan_merge(deal, other)
    assert plan.result.custom == {"roof": "flat", "bays": 40}
    assert plan.choose({"custom.roof": "other"}).result.custom == {"roof": "pitched", "bays": 40}


def test_another_currency_needs_a_rate(sales, deal):
    euros = sales.opportunities.create(
        contact="Acme Ltd", subject="In euros", currency="EUR", lines=[sp.Line("Bay", quantity=3, unit_price="10.00")]
    )
    before = whole(sales)
    with pytest.raises(sp.Invalid, match="to go from EUR to GBP, give rate="):
        sales.opportunities.merge(deal, euros)
    with pytest.raises(sp.Invalid, match="the rate is of GBP to EUR"):
        sales.opportunities.merge(
            deal, euros, rate=sp.ExchangeRate.of("GBP", "EUR", "1.17", on=date(2026, 11, 24), source="ECB")
        )
    assert whole(sales) == before
    assert str(sales.opportunities.plan_merge(deal, euros, take={"lines": "kept"}).result.value) == "8,400.00 GBP"
    kept = sales.opportunities.merge(deal, euros, rate="0.855")
    assert str(kept.value) == "8,425.65 GBP"  # 3 × 8.55, each price rounded once
    assert kept.lines[1].unit_price == sp.Money("8.55", "GBP").amount


def test_whom_it_is_with_comes_with_the_person_there(sales, deal):
    harlow = sales.contacts.add_person(sales.contacts.add("Harlow Foods"), "Zoë Field")
    other = sales.opportunities.create(contact=harlow, person="Zoë Field", subject="New warehouse", lines=[LINE])
    plan = sales.opportunities.plan_merge(deal, other)
    assert plan.result.contact_id == deal.contact_id
    assert plan.result.person_id is None
    assert [(one.field, one.kept, one.other) for one in plan.differences] == [("contact", "Acme Ltd", "Harlow Foods")]
    kept = plan.choose(contact="other").run()
    assert (kept.contact_id, kept.person_id) == (harlow.id, harlow.persons[0].id)


def test_how_it_ended_goes_together_and_the_sale_began_with_the_first(sales, deal, other, clock):
    clock.forward(days=2)
    later = sales.opportunities.create(contact="Acme Ltd", subject="Later", lines=[LINE])
    won = sales.opportunities.win(deal)
    plan = sales.opportunities.plan_merge(later, won)
    assert [one.kept for one in plan.differences if one.field == "status"] == ["open"]
    assert (plan.result.status, plan.result.closed_at) == ("open", None)
    kept = plan.choose(status="other").run()
    assert (kept.status, kept.closed_at, kept.created_at) == ("won", won.closed_at, deal.created_at)


def test_what_cannot_be_merged_is_refused_with_every_problem(sales, deal, other):
    before = whole(sales)
    with pytest.raises(sp.Invalid, match="cannot be merged with itself"):
        sales.opportunities.plan_merge(deal, deal.reference)
    with pytest.raises(sp.Invalid) as caught:
        sales.opportunities.merge(deal, other, take={"stage": "mine", "subjekt": "other", "due": "both"})
    assert [one.path for one in caught.value.problems] == ["take.stage", "take.due", "take"]
    assert "did you mean 'subject'?" in str(caught.value)
    with pytest.raises(sp.Invalid, match="a mapping such as"):
        sales.opportunities.merge(deal, other, take=["due"])
    with pytest.raises(sp.NotFound):
        sales.opportunities.merge(deal, "OPP/99999")
    assert whole(sales) == before


def test_a_plan_is_of_what_was_seen(sales, deal, other):
    plan = sales.opportunities.plan_merge(deal, other)
    sales.opportunities.edit(other.id, subject="Changed meanwhile")
    before = whole(sales)
    with pytest.raises(sp.Conflict, match="was changed meanwhile"):
        plan.run()
    assert whole(sales) == before


def test_a_row_of_an_import_that_went_into_another_is_there_already(sales, deal, tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("no,client,what,price\n7,Acme Ltd,Shed,950.00\n8,Acme Ltd,Shed,950.00\n")
    mapping = {"contact": "client", "subject": "what",
               "lines": lambda row: [{"description": row["what"], "unit_price": row["price"]}]}  # fmt: skip
    assert import_opportunities(sales, file, mapping, key="no").created == 2
    first, second = sales.opportunities.where(subject="Shed").order("reference")
    assert sales.opportunities.merge(first, second).import_key == "7"
    sales.opportunities.merge(deal, first.id)
    report = import_opportunities(sales, file, mapping, key="no")
    assert (report.created, report.known, sales.opportunities.count()) == (0, 2, 1)


def test_who_put_a_tag_on_is_told_as_before(sales, deal, other, clock):
    clock.forward(days=1)
    other = sales.acting("tom").opportunities.edit(other, tags=["VIP", "Rush"])
    sales.acting("tom").opportunities.edit(other, tags=["VIP"])
    clock.forward(days=1)
    sales.opportunities.merge(deal, other.id)
    marks = sales.activities.tags(deal.id)
    assert [(one.label, one.put_by, one.put_at, one.on) for one in marks] == [
        ("VIP", "tom", other.created_at, True),
        ("Rush", "tom", other.created_at + timedelta(days=1), False),
    ]


def test_a_notice_that_is_on_its_way_is_left_alone(sales, deal, other):
    sales.settings.users.edit("tom", email="tom@northgate.example")
    sales.notes.add(other, "Floor load", "@tom, please ask.")
    taken = sales.notices._take()
    sales.opportunities.merge(deal, other)
    assert sales.notices._settle(taken, Accepted()).state == "sent"
    assert sales.notices.where(opportunity=sales.opportunities[deal.id]).count() == 1
