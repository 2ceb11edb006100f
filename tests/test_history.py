"""Every change is kept; replaying the changes gives every past version; and everything as of a moment. (SPEC OPP-9)"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "100.00"}
CHANGES = {
    "note": lambda number: {"note": f"note {number}"},
    "due": lambda number: {"due": f"2027-01-{number % 28 + 1:02}"},
    "not due": lambda number: {"due": None},
    "lines": lambda number: {"lines": [LINE | {"quantity": number + 1}]},
    "tags": lambda number: {"tags": ["VIP", "Rush"][: number % 3]},
    "stage": lambda number: {"stage": ["Prospect", "Order signed"][number % 2]},
    "estimate": lambda number: {"probability": ["Cold 10%", "Hot 75%", None][number % 3]},
    "owner": lambda number: {"owner": ["jane", "tom"][number % 2], "department": ["East", None][number % 2]},
    "answer": lambda number: {"custom": {"staff": number % 4 or None}},
    "currency": lambda number: {"currency": ["GBP", "EUR", "JPY"][number % 3], "lines": [LINE]},
}
steps = st.lists(st.sampled_from([*CHANGES, "hold", "resume", "win", "lose", "reopen"]), max_size=15)


def walk(sales, deal, steps, clock):
    """Take the steps that are possible, a minute each; return every version with the moment it was made."""
    told = [(clock.now, deal)]
    for number, step in enumerate(steps):
        clock.forward(minutes=1)
        if step in CHANGES:
            after = sales.opportunities.edit(deal, **CHANGES[step](number))
        elif sales.opportunities.can(deal, step):
            after = getattr(sales.opportunities, step)(deal)
        else:
            continue
        if after.version != deal.version:
            told.append((clock.now, after))
        deal = after
    return told


def test_replaying_the_history_gives_every_past_version_exactly(sales, clock):
    sales.settings.fields.add("opportunity", "staff", "Staff", "integer")

    @settings(max_examples=20)
    @given(steps)
    def law(steps):
        clock.forward(minutes=1)
        deal = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE])
        told = walk(sales, deal, steps, clock)
        assert sales.opportunities.versions(deal.id) == [version for _, version in told]
        for at, version in told:
            assert sales.opportunities.version_at(deal.id, at) == version
        assert sales.opportunities.version_at(deal.id, told[0][0] - timedelta(seconds=1)) is None

    law()


def test_who_when_which_field_from_what_to_what(sales, deal, clock):
    clock.forward(hours=1)
    sales.acting("tom").opportunities.edit(deal.reference, subject="Barn", due="2027-01-31")
    made, edited = sales.opportunities.history(deal)
    assert (made.action, made.by, made.record_version) == ("created", "jane", 1)
    assert (edited.action, edited.by, edited.at, edited.record_version) == ("edited", "tom", clock.now, 2)
    assert [(one.field, one.before, one.after) for one in edited.changes] == [
        ("due", None, "2027-01-31"),
        ("subject", "New warehouse", "Barn"),
    ]


def test_the_whole_pipeline_as_of_a_moment(sales, clock):
    first = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE])
    at = [clock.now]

    def later(call):
        clock.forward(days=1)
        result = call()
        at.append(clock.now)
        return result

    second = later(lambda: sales.opportunities.create(contact="Acme Ltd", subject="Barn", lines=[LINE]))
    won = later(lambda: sales.opportunities.win(first))
    later(lambda: sales.opportunities.delete(second))
    seen = [[(one.subject, one.status.value) for one in sales.opportunities.as_of(moment)] for moment in at]
    assert seen == [
        [("Shed", "open")],
        [("Shed", "open"), ("Barn", "open")],
        [("Shed", "won"), ("Barn", "open")],
        [("Shed", "won")],
    ]
    assert sales.opportunities.as_of(at[0] - timedelta(seconds=1)) == []
    assert sales.opportunities.as_of(at[2]) == [won, second]
    assert sales.opportunities.version_at(second.id, at[3]) is None
    with pytest.raises(sp.Invalid, match="naive"):
        sales.opportunities.as_of(datetime(2026, 1, 1))


def test_a_clock_that_was_set_back_tears_no_hole_in_a_version(sales, deal, clock):
    clock.forward(hours=2)
    sales.opportunities.edit(deal.id, note="later")
    clock.forward(hours=-1)
    last = sales.opportunities.edit(deal.id, due="2027-01-31")
    assert sales.opportunities.as_of(clock.now) == [deal]
    clock.forward(hours=1)
    assert sales.opportunities.as_of(clock.now) == [last]


def test_what_changes_nothing_is_no_change(sales, deal):
    same = sales.opportunities.edit(deal, subject=deal.subject, tags=[], due=None)
    assert same == deal
    assert len(sales.opportunities.history(deal)) == 1


def test_contacts_keep_their_history_too(sales):
    acme = sales.contacts.edit("Acme Ltd", phone="+44 113 496 0001")
    assert sales.contacts.versions(acme)[-1] == acme
    assert [one.action for one in sales.contacts.history("acme ltd")] == ["created", "edited"]


SETTINGS = {
    "stages": lambda desk, number: desk.stages.edit("Prospect", pipeline=f"P{number}"),
    "probabilities": lambda desk, number: desk.probabilities.edit("Cold 10%", percent=number, colour="teal"),
    "tags": lambda desk, number: desk.tags.archive("Rush") if number % 2 else desk.tags.restore("Rush"),
    "tax_rates": lambda desk, number: desk.tax_rates.edit("T1", percent=number, description=f"{number}"),
    "users": lambda desk, number: desk.users.edit("tom", department=["South", "East"][number % 2]),
    "lost_reasons": lambda desk, number: desk.lost_reasons.edit("Price", position=number),
    "series": lambda desk, number: desk.series.edit("Quotes", prefix=f"Q{number}-", pattern=["000", ""][number % 2]),
    "fields": lambda desk, number: desk.fields.edit(desk.fields["Staff"].id, help=f"{number}", default=number or None),
    "templates": lambda desk, number: desk.templates.edit("Short", subject=f"Invoice {number}"),
    "items": lambda desk, number: desk.items.edit("BAY", price=f"{number}.50"),
}
edits = st.lists(st.tuples(st.sampled_from(sorted(SETTINGS)), st.integers(0, 20)), max_size=12)


def test_replaying_the_history_of_settings_gives_every_past_version_exactly(sales, clock):
    desk = sales.settings
    first = {
        "stages": desk.stages["Prospect"],
        "probabilities": desk.probabilities["Cold 10%"],
        "tags": desk.tags["Rush"],
        "tax_rates": desk.tax_rates.add("T1", "20"),
        "users": desk.users["tom"],
        "lost_reasons": desk.lost_reasons.add("Price")[0],
        "series": desk.series.add("Quotes", "quote", prefix="Q-"),
        "fields": desk.fields.add("opportunity", "staff", "Staff", "integer"),
        "templates": desk.templates.add("Short", "invoice", subject="Invoice", text="Please pay."),
        "items": desk.items.add("BAY", "Bay", price=1),
    }
    told = {name: [record] for name, record in first.items()}

    def replayed(edits):
        for name, number in edits:
            clock.forward(minutes=1)
            after = SETTINGS[name](desk, number)
            if after.version != told[name][-1].version:
                told[name].append(after)
        for name, versions in told.items():
            assert getattr(desk, name).versions(versions[0].id) == versions, name

    replayed([(name, number) for number in (3, 4) for name in SETTINGS])
    assert min(len(versions) for versions in told.values()) > 1  # or this would show nothing
    settings(max_examples=20)(given(edits)(replayed))()


def test_every_change_of_the_settings_is_told_with_who_and_what_the_organisation_too(sales, clock):
    known = len(sales.settings.history())
    clock.forward(hours=1)
    toms = sales.acting("tom").settings
    rate = toms.tax_rates.add("T1", "20")
    clock.forward(hours=1)
    toms.edit_organisation(payment_days=14)
    sales.settings.tax_rates.edit(rate, percent="22")
    sales.settings.tax_rates.delete("T1")
    added, organisation, edited, deleted = sales.settings.history()[known:]
    assert [(one.action, one.by) for one in (added, edited, deleted)] == [
        ("added", "tom"), ("edited", "jane"), ("deleted", "jane"),
    ]  # fmt: skip
    assert (organisation.record_id, organisation.at) == ("organisation", clock.now)
    assert [(one.field, one.before, one.after) for one in edited.changes] == [("percent", "20", "22")]
    assert [one.action for one in sales.settings.tax_rates.history(rate.id)] == ["added", "edited", "deleted"]


DOCUMENT_STEPS = {
    "note": lambda desk, one, number: desk.edit(one, note=f"note {number}"),
    "lines": lambda desk, one, number: desk.edit(one, lines=[LINE | {"quantity": number + 1}], discount=f"{number}%"),
    "hold": lambda desk, one, number: desk.hold(one, f"why {number}"),
    "release": lambda desk, one, number: desk.release(one),
    "request_approval": lambda desk, one, number: desk.request_approval(one),
    "approve": lambda desk, one, number: desk.approve(one),
    "refuse": lambda desk, one, number: desk.refuse(one, "too cheap"),
    "send": lambda desk, one, number: desk.mark_sent(one),
    "accept": lambda desk, one, number: desk.accept(one, by="Zoë"),
    "reject": lambda desk, one, number: desk.reject(one),
    "pay": lambda desk, one, number: desk.pay(one, "1.00 GBP"),
    "cancel": lambda desk, one, number: desk.cancel(one),
    "assign": lambda desk, one, number: desk.assign(one, new=f"job {number}"),
}
paths = st.tuples(
    st.sampled_from(["quote", "invoice"]),
    st.lists(st.sampled_from([*DOCUMENT_STEPS]), min_size=3, max_size=15),
)


def test_replaying_the_history_of_documents_gives_every_past_version_exactly(sales, deal, clock):
    desk = sales.documents

    @settings(max_examples=25)
    @given(paths)
    def law(path):
        type, steps = path
        clock.forward(minutes=1)
        one = desk.draft(deal, type)
        told = [(clock.now, one)]
        for number, step in enumerate(steps):
            clock.forward(minutes=1)
            if not desk.can(one, "edit" if step in ("note", "lines") else step):
                continue
            after = DOCUMENT_STEPS[step](desk, one, number)
            if after.version != one.version:
                told.append((clock.now, after))
            one = after
        assert desk.versions(one.id) == [version for _, version in told]
        for at, version in told:
            assert desk.version_at(one.id, at) == version

    law()


def test_moments_of_every_precision_stand_in_order(sales, clock):
    deal = sales.opportunities.create(contact="Acme Ltd", subject="0", lines=[LINE])
    clock.now = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    for number in itertools.islice(itertools.count(1), 3):
        deal = sales.opportunities.edit(deal, subject=str(number))
        clock.forward(microseconds=1)
    subjects = [one.subject for one in sales.opportunities.versions(deal)]
    assert subjects == ["0", "1", "2", "3"]
    assert sales.opportunities.as_of(datetime(2027, 1, 1, tzinfo=UTC))[0].subject == "2"


def test_what_was_deleted_is_restored_with_everything_and_its_history_goes_on(sales, deal, clock):
    edited = sales.opportunities.edit(deal, tags=["VIP"], note="n")
    gone_at = clock.now
    clock.forward(hours=1)
    sales.opportunities.delete(edited)
    assert [one.id for one in sales.opportunities.deleted()] == [deal.id]
    clock.forward(hours=1)
    back = sales.opportunities.restore(deal.reference)
    assert (back.version, back.tags, back.note, back.created_at) == (4, edited.tags, "n", deal.created_at)
    assert sales.opportunities[deal.reference] == back
    assert sales.opportunities.where(tags="VIP").ids() == [deal.id]
    assert [one.action for one in sales.opportunities.history(back)] == ["created", "edited", "deleted", "restored"]
    assert sales.opportunities.versions(back) == [deal, edited, back]
    assert sales.opportunities.version_at(back, gone_at) == edited
    assert sales.opportunities.deleted() == []
    with pytest.raises(sp.NotFound, match="no deleted opportunity"):
        sales.opportunities.restore(deal.reference)
    assert sales.opportunities.edit(back, note="on").version == 5


def test_what_cannot_come_back_as_it_was_says_why(sales, deal):
    sales.opportunities.delete(deal)
    taken = sales.opportunities.create(contact="Acme Ltd", subject="x", lines=[LINE], reference=deal.reference)
    with pytest.raises(sp.Duplicate, match="opp/00001"):
        sales.opportunities.restore(deal.id)
    sales.opportunities.delete(taken)
    sales.contacts.delete("Acme Ltd")
    with pytest.raises(sp.Invalid, match="contact"):
        sales.opportunities.restore(deal.id)
    harlow = sales.contacts.add("Harlow Foods")
    assert sales.opportunities.restore(deal.id, contact=harlow).contact_id == harlow.id
