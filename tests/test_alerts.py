"""Alerts ring when they are due, once each, whatever happens; followers are told what changed. (SPEC NOTE-2)"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.domain.recurring import as_rule, occurrence_after

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def desk(sales):
    sales.settings.edit_organisation(time_zone="Europe/London")
    sales.settings.users.edit("jane", email="jane@northgate.example")
    sales.settings.users.edit("tom", email="tom@northgate.example")
    return sales


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def to(sales):
    return sorted(recipient for mail in sales.mailer.sent for recipient in mail.recipients)


def test_one_rings_once_when_it_is_due_and_is_mailed_to_its_recipients(desk, deal, clock):
    alert = desk.alerts.add(deal, "Call back on the 3rd", at=at("2026-12-03T09:00"), to=["jane", "Tom Okafor"])
    assert (desk.alerts.due(), desk.alerts.deliver()) == ([], [])
    clock.now = at("2026-12-03T09:00")
    assert desk.alerts.due() == [alert]
    (rang,) = desk.alerts.deliver()
    assert (rang.rang_at, rang.rings, rang.next_at) == (clock.now, 1, None)
    assert to(desk) == ["jane@northgate.example", "tom@northgate.example"]
    assert b"Subject: Call back on the 3rd" in desk.mailer.sent[0].content
    assert b"OPP/00001" in desk.mailer.sent[0].content
    assert (desk.alerts.deliver(), desk.alerts.due()) == ([], [])
    assert len(desk.mailer.sent) == 2
    assert [one.message for one in desk.alerts.where(ringing=True, recipients="tom")] == ["Call back on the 3rd"]
    assert maintenance.check(desk) == []


def test_the_host_gives_the_clock(desk, deal):
    desk.alerts.add(deal, "Call back", at=at("2030-01-01T09:00"))
    assert [one.message for one in desk.alerts.due(at("2030-01-01T10:00", LONDON))] == ["Call back"]
    assert desk.alerts.due(at("2030-01-01T08:59")) == []
    with pytest.raises(sp.Invalid, match="naive"):
        desk.alerts.due(datetime(2030, 1, 1))


def test_everything_wrong_is_said_at_once(desk, deal):
    with pytest.raises(sp.Invalid) as refused:
        desk.alerts.add(deal, "x", at=datetime(2030, 1, 1), to=["nobody"], zone="Mars/Olympus")
    assert {problem.path for problem in refused.value.problems} == {"at", "to[0]", "time_zone"}
    for wrong in ({"message": " "}, {"message": "x", "to": []}, {"message": "x", "rule": "FREQ=HOURLY"}):
        with pytest.raises(sp.Invalid):
            desk.alerts.add(deal, at=at("2030-01-01T09:00"), **wrong)
    with pytest.raises(sp.Invalid, match="no user"):
        desk.acting("stranger").alerts.add(deal, "x", at=at("2030-01-01T09:00"))
    assert len(desk.alerts) == 0


def test_one_that_repeats_rings_at_each_time_also_at_those_that_were_missed(desk, deal, clock):
    desk.alerts.add(deal, "Figures", at=at("2026-11-30T08:00"), rule="FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3")
    clock.now = at("2027-01-30T12:00")
    assert [one.rang_at for one in desk.alerts.deliver()] == [at("2026-11-30T08:00"), at("2026-12-31T08:00")]
    assert desk.alerts.deliver() == []
    clock.now = at("2027-06-01T12:00")
    assert [(one.rang_at, one.next_at) for one in desk.alerts.deliver()] == [(at("2027-01-31T08:00"), None)]
    assert len(desk.mailer.sent) == 3


def test_what_was_due_is_not_lost_over_a_restart(url, opened, clock):
    if url == "memory:":
        pytest.skip("what is in memory does not outlive it")
    first = opened(url)
    first.settings.users.add("Jane", id="jane")
    first.alerts.add(first.contacts.add("Acme Ltd"), "Call back", at=at("2026-12-03T09:00"))
    first.close()
    clock.now = at("2027-12-03T09:00")
    again = opened(url, mailer=None)
    assert [one.message for one in again.alerts.deliver()] == ["Call back"]
    assert [(str(one.state), one.to.id) for one in again.notices] == [("queued", "jane")]  # waits for a mailer


def test_several_workers_deliver_each_time_once(desk, deal, url, opened, clock):
    for number in range(6):
        desk.alerts.add(deal, f"Alert {number}", at=at("2026-12-01T09:00"), rule="FREQ=DAILY;COUNT=3")
    clock.now = at("2026-12-02T12:00")
    workers = [desk.acting("a"), desk.acting("b"), desk.acting("c")]
    with ThreadPoolExecutor(3) as pool:
        rang = [one for found in pool.map(lambda sales: sales.alerts.deliver(), workers) for one in found]
    assert sorted((one.message, one.rings) for one in rang) == [(f"Alert {n}", k) for n in range(6) for k in (1, 2)]
    assert len(desk.mailer.sent) == 12
    assert {one.next_at for one in desk.alerts} == {at("2026-12-03T09:00")}


def test_where_a_ring_is_rolled_back_it_rings_again(desk, deal, clock):
    desk.alerts.add(deal, "Call back", at=clock.now)

    def rolled_back():
        with desk.transaction():
            assert len(desk.alerts.deliver()) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rolled_back()
    assert (len(desk.notices), desk.mailer.sent) == (0, [])
    assert len(desk.alerts.deliver()) == 1
    assert len(desk.mailer.sent) == 1


def test_it_is_snoozed_and_rings_again_and_keeps_its_own_times(desk, deal, clock):
    alert = desk.alerts.add(deal, "Stand-up", at=at("2026-12-01T09:00"), rule="FREQ=DAILY")
    with pytest.raises(sp.NotAllowed, match="it has not rung"):
        desk.alerts.snooze(alert, at("2026-12-05T09:00"))
    clock.now = at("2026-12-01T09:00")
    desk.alerts.deliver()
    with pytest.raises(sp.Invalid, match="not ahead"):
        desk.alerts.snooze(alert.id, clock.now)
    snoozed = desk.alerts.snooze(alert.id, at("2026-12-01T09:10"))
    assert (snoozed.rang_at, snoozed.next_at) == (None, at("2026-12-01T09:10"))
    clock.now = at("2026-12-02T09:00")
    assert [one.rang_at for one in desk.alerts.deliver()] == [at("2026-12-01T09:10"), at("2026-12-02T09:00")]
    assert len(desk.mailer.sent) == 3


def test_one_that_is_due_is_snoozed_or_dismissed_before_it_is_delivered(desk, deal, clock):
    once = desk.alerts.add(deal, "Once", at=clock.now)
    daily = desk.alerts.add(deal, "Daily", at=clock.now, rule="FREQ=DAILY")
    assert desk.alerts.dismiss(once).next_at is None
    assert desk.alerts.dismiss(daily).next_at == clock.now + timedelta(days=1)
    assert (desk.alerts.deliver(), desk.mailer.sent) == ([], [])
    with pytest.raises(sp.NotAllowed, match="rings no more"):
        desk.alerts.dismiss(once.id)
    stopped = desk.alerts.stop(daily.id)
    assert stopped.next_at is None


def test_dismissing_ends_the_ringing(desk, deal, clock):
    alert = desk.alerts.add(deal, "Call back", at=clock.now)
    desk.alerts.deliver()
    assert desk.alerts.where(ringing=True).count() == 1
    desk.alerts.dismiss(alert.id)
    assert desk.alerts.where(ringing=True).count() == 0
    assert [one.action for one in desk.alerts.history(alert)] == ["created", "rang", "dismissed"]


def test_an_alert_outlives_its_record(desk, deal, clock):
    quote = desk.documents.draft(deal, "quote")
    desk.alerts.add(quote, "Ask for the answer", at=clock.now)
    desk.documents.delete(quote)
    assert len(desk.alerts.deliver()) == 1
    assert len(desk.mailer.sent) == 1


# --- rules ----------------------------------------------------------------------------------------------------


def times(starts, rule, zone="Europe/London", most=4):
    found, after = [], None
    start = datetime.fromisoformat(starts)
    kept = as_rule(rule, start, zone)
    while len(found) < most and (after := occurrence_after(start, zone, kept, after)) is not None:
        found.append(after.isoformat()[:16])
    return found


@pytest.mark.parametrize(
    ("starts", "rule", "zone", "expected"),
    [
        # What rings at 9 rings at 9: in summer an hour earlier in UTC.
        ("2027-03-27T09:00", "FREQ=DAILY;COUNT=3", "Europe/London", ["2027-03-27T09:00", "2027-03-28T08:00", "2027-03-29T08:00"]),
        ("2026-10-24T09:00", "FREQ=DAILY;COUNT=3", "Europe/London", ["2026-10-24T08:00", "2026-10-25T09:00", "2026-10-26T09:00"]),
        # 01:30 on 28 March 2027 does not exist in London; on 31 October 2027 it comes twice.
        ("2027-03-27T01:30", "FREQ=DAILY;COUNT=3", "Europe/London", ["2027-03-27T01:30", "2027-03-28T01:30", "2027-03-29T00:30"]),
        ("2027-10-30T01:30", "FREQ=DAILY;COUNT=3", "Europe/London", ["2027-10-30T00:30", "2027-10-31T00:30", "2027-11-01T01:30"]),
        ("2026-11-30T08:00", "RRULE:FREQ=MONTHLY;BYMONTHDAY=31", "UTC",
         ["2026-12-31T08:00", "2027-01-31T08:00", "2027-03-31T08:00", "2027-05-31T08:00"]),
        ("2026-11-24T08:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR;UNTIL=20261211", "UTC",
         ["2026-11-24T08:00", "2026-11-27T08:00", "2026-12-08T08:00", "2026-12-11T08:00"]),
        ("2026-11-24T08:00", "FREQ=DAILY;UNTIL=20261125T080000Z", "UTC", ["2026-11-24T08:00", "2026-11-25T08:00"]),
        ("2028-02-29T08:00", "FREQ=YEARLY", "UTC", ["2028-02-29T08:00", "2032-02-29T08:00", "2036-02-29T08:00", "2040-02-29T08:00"]),
        ("2026-11-24T08:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "Asia/Tokyo",
         ["2026-11-29T23:00", "2026-12-30T23:00"]),
    ],
)  # fmt: skip
def test_the_times_of_a_rule(starts, rule, zone, expected):
    assert times(starts, rule, zone) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY", "FREQ=SECONDLY", "DAILY", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;BYSECOND=1", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=99999999", "FREQ=DAILY;COUNT=2;UNTIL=20270101", "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;UNTIL=tomorrow", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        "FREQ=DAILY;UNTIL=20000101", "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;BYHOUR=25", "FREQ=DAILY\nDTSTART:20260101", "X" * 300, 7, None,
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(sp.Invalid, match="iCalendar"):
        as_rule(rule, datetime(2026, 11, 24, 9), "Europe/London")


@given(
    st.sampled_from(
        ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=DAILY;INTERVAL=3;COUNT=9"]
    ),
    st.sampled_from(["Europe/London", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Pacific/Apia"]),
    st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)),
)
def test_times_only_go_forward_and_none_is_passed_over(rule, zone, starts):
    first = occurrence_after(starts, zone, rule)
    found = [first]
    while len(found) < 6:
        found.append(occurrence_after(starts, zone, rule, found[-1]))
    assert found == sorted(set(found))
    for one, following in pairwise(found):
        assert occurrence_after(starts, zone, rule, following - timedelta(microseconds=1)) == following
        assert occurrence_after(starts, zone, rule, one + timedelta(microseconds=1)) == following


def test_without_dateutil_one_that_repeats_says_what_to_install(desk, deal, monkeypatch):
    monkeypatch.setitem(sys.modules, "dateutil", None)
    assert desk.alerts.add(deal, "Once", at=at("2026-12-03T09:00")).next_at == at("2026-12-03T09:00")
    with pytest.raises(ImportError, match=r"salespipeline\[alerts\]"):
        desk.alerts.add(deal, "Daily", at=at("2026-12-03T09:00"), rule="FREQ=DAILY")


# --- followers ------------------------------------------------------------------------------------------------


def test_who_follows_is_told_what_others_changed_once(desk, deal):
    desk.opportunities.edit(deal.id, note="before")
    desk.acting("tom").alerts.follow(deal)
    desk.alerts.follow("OPP/00001")
    desk.alerts.follow(deal.id)
    assert [user.id for user in desk.alerts.followers(deal)] == ["tom", "jane"]
    desk.opportunities.edit(deal.id, stage="Quotation sent", tags=["VIP"], note="x" * 500)
    told = desk.alerts.tell_followers()
    assert [(one.to.id, str(one.state), one.subject) for one in told] == [("tom", "sent", "OPP/00001: edited")]
    assert told[0].text.splitlines() == [
        "Jane Whitfield: opportunity OPP/00001 edited",
        "- note: before → " + "x" * 199 + "…",
        "- stage: Prospect → Quotation sent",
        "- tags: nothing → VIP",
    ]
    assert desk.alerts.tell_followers() == []
    desk.acting("tom").opportunities.win(deal.id)
    assert [(one.to.id, one.subject) for one in desk.alerts.tell_followers()] == [("jane", "OPP/00001: won")]
    desk.acting("tom").alerts.unfollow(deal.id)
    desk.opportunities.reopen(deal.id)
    assert desk.alerts.tell_followers() == []


def test_any_record_is_followed_also_when_it_is_deleted(desk, deal):
    quote = desk.documents.draft(deal, "quote")
    desk.acting("tom").alerts.follow(quote)
    desk.documents.delete(quote)
    assert [one.subject for one in desk.alerts.tell_followers()] == ["QUO/00001: deleted"]


def test_several_workers_tell_each_change_once(desk, deal):
    desk.acting("tom").alerts.follow(deal)
    for number in range(10):
        desk.opportunities.edit(deal.id, note=str(number))
    with ThreadPoolExecutor(3) as pool:
        told = [one for found in pool.map(lambda _: desk.alerts.tell_followers(), range(3)) for one in found]
    assert len(told) == len(desk.mailer.sent) == 10


def test_only_a_user_follows(desk, deal):
    with pytest.raises(sp.Invalid, match="no user is called 'nobody'"):
        desk.alerts.follow(deal, "nobody")
    desk.alerts.unfollow(deal)
    assert desk.alerts.tell_followers() == []
