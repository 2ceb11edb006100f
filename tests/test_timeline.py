"""Everything that happened to an opportunity as one list, and its tags with who and when. (SPEC OPP-9, TAG-1)"""

from __future__ import annotations

import pytest

import salespipeline as sp


@pytest.fixture
def story(sales, deal, clock):
    """Something of everything, a minute each; and something of another opportunity, which is not to be shown."""

    def then(made):
        clock.forward(minutes=1)
        return made

    then(deal)
    quote = then(sales.documents.draft(deal, "quote"))
    note = then(sales.acting("tom").notes.add(deal, "Floor load", "Ask."))
    then(sales.notes.add(quote, "Price", "Ask."))
    then(sales.attachments.add(note, "Plan.txt", b"x", audience="both"))
    job = then(sales.jobs.create("Erect", opportunity=deal))
    then(sales.jobs.unlink(job.id))
    then(sales.documents.where(reference="QUO/00001").plan_send_all().run())
    then(sales.notes.mail(deal, "Hello", "How are you?"))
    then(sales.notices.deliver())
    spare = then(sales.documents.draft(deal, "invoice"))
    then(sales.documents.delete(spare))
    other = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=deal.lines)
    sales.notes.add(other, "Not here")
    sales.contacts.edit("Acme Ltd", note="nor this")
    return deal


def test_the_timeline_shows_what_happened_to_everything_around_it_the_deleted_too(sales, story):
    found = [(one.record_kind, one.action) for one in sales.activities.timeline(story).order("at")]
    assert found[:8] == [
        ("opportunity", "created"), ("document", "drafted"), ("note", "created"), ("note", "created"),
        ("attachment", "created"), ("job", "created"), ("job", "unlinked"), ("delivery", "planned"),
    ]  # fmt: skip
    assert (
        ("document", "sent") in found
        or ("document", "mailed") in found
        or any(kind == "document" for kind, _ in found[8:])
    )
    assert [one for one in found if one[0] == "notice"] == [
        ("notice", "written"),
        ("notice", "sending"),
        ("notice", "sent"),
    ]
    assert found[-2:] == [("document", "drafted"), ("document", "deleted")]
    assert not any("Not here" in one.title or one.record_kind == "contact" for one in sales.activities.timeline(story))
    assert {row["by"] for row in sales.activities.timeline(story).to_dicts()} == {"Jane Whitfield", "Tom Okafor"}


def test_it_is_paged_and_what_happens_meanwhile_repeats_and_skips_nothing(sales, story, clock):
    whole = list(sales.activities.timeline(story))
    assert [one.at for one in whole] == sorted((one.at for one in whole), reverse=True)
    seen, cursor = [], None
    while True:
        page = sales.activities.timeline(story.reference).page(3, after=cursor)
        seen += page.items
        clock.forward(minutes=1)
        sales.notes.add(story, "Meanwhile")
        if page.next is None:
            break
        cursor = page.next
    assert seen == whole


def test_a_deleted_opportunity_keeps_its_timeline(sales, deal):
    sales.opportunities.delete(deal)
    assert [one.action for one in sales.activities.timeline(deal.id)] == ["deleted", "created"]
    assert [one.action for one in sales.activities.timeline(deal)] == ["deleted", "created"]


def test_what_happened_is_filtered(sales, story):
    assert sales.activities.where(by="tom").count() == 1
    assert {one.record_kind for one in sales.activities.where(kind="note")} == {"note"}
    assert sales.activities.where(at__lt=sales.now()).count() < len(sales.activities)
    with pytest.raises(sp.Invalid, match="not one of"):
        sales.activities.where(kind="planet").count()


def test_the_tags_tab_says_who_put_which_tag_on_when_and_who_took_it_off(sales, deal, clock):
    clock.forward(hours=1)
    first = clock.now
    sales.opportunities.edit(deal.id, tags=["VIP"])
    clock.forward(hours=1)
    sales.acting("tom").opportunities.edit(deal.id, tags=["VIP", "Rush"])
    clock.forward(hours=1)
    sales.acting("tom").opportunities.edit(deal.id, tags=["Rush"])
    clock.forward(hours=1)
    sales.opportunities.edit(deal.id, tags=["Rush", "VIP"])
    sales.settings.tags.edit("VIP", label="Very important")
    marks = sales.activities.tags("OPP/00001")
    assert [(mark.label, mark.put_by, mark.on, mark.taken_by) for mark in marks] == [
        ("Very important", "jane", False, "tom"), ("Rush", "tom", True, None), ("Very important", "jane", True, None)
    ]  # fmt: skip
    assert (marks[0].put_at, (marks[0].taken_at - first).total_seconds()) == (first, 7200)
    assert str(marks[0]) == "Very important: put on by jane on 2026-11-24, taken off by tom on 2026-11-24"
    assert marks[0].colour == "#e03131"
    assert sales.activities.tags(sales.opportunities.create(contact="Acme Ltd", subject="x", lines=deal.lines)) == []


def test_tags_of_a_new_a_deleted_and_a_restored_one_are_told(sales, deal):
    tagged = sales.opportunities.create(contact="Acme Ltd", subject="x", lines=deal.lines, tags=["VIP"])
    assert [(mark.label, mark.on) for mark in sales.activities.tags(tagged)] == [("VIP", True)]
    sales.opportunities.delete(tagged)
    assert [(mark.label, mark.on) for mark in sales.activities.tags(tagged.id)] == [("VIP", False)]
    sales.opportunities.restore(tagged.id)
    assert [(mark.label, mark.on) for mark in sales.activities.tags(tagged.id)] == [("VIP", False), ("VIP", True)]
