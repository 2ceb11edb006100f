"""The change feed, and who is told at once: ordered, gapless, at least once, with many writers. (SPEC OPP-9)"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.whole import whole

import salespipeline as sp
from salespipeline import feed as feeds
from salespipeline import maintenance
from salespipeline.domain.activity import Activity, in_order
from salespipeline.sales import utc_now


def all_of(sales, limit=7):
    """Read the whole feed, a few at a time."""
    found, cursor = [], None
    while True:
        feed = sales.activities.since(cursor, limit=limit)
        if not feed.activities:
            return found
        found += feed.activities
        cursor = feed.cursor


def test_everything_comes_once_in_the_order_in_which_it_happened(sales, deal, clock):
    for number in range(20):
        clock.forward(seconds=1)
        sales.opportunities.edit(deal.id, note=str(number))
    found = all_of(sales)
    assert [one.position for one in found] == list(range(1, len(found) + 1))
    assert {one.id for one in found} == {entry.id for entry in whole(sales)["activity"]}
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert [one.record_version for one in found if one.record_id == deal.id] == list(range(1, 22))
    assert all_of(sales, limit=1000) == found
    assert maintenance.check(sales) == []
    assert sales.opportunities.versions(deal.id)[-1].note == "19"  # a place in the feed changes no history


def test_a_cursor_goes_on_where_it_was_and_at_the_end_nothing_comes(sales, deal):
    feed = sales.activities.since(limit=3)
    assert (len(feed.activities), feed.cursor) == (3, "feed:3")
    end = sales.activities.since(feed.cursor, limit=1000)
    assert sales.activities.since(end.cursor) == feeds.Feed((), end.cursor)
    sales.opportunities.win(deal)
    (won,) = sales.activities.since(end.cursor).activities
    assert (won.action, won.title) == ("won", "OPP/00001")
    assert sales.activities.since(feed.cursor, limit=3).activities == end.activities[:3]  # again, after a crash


@pytest.mark.parametrize("cursor", ["", "7", "feed:", "feed:-1", "feed:x", "feed:1e3", "feed:" + "9" * 30, 7, "feed:٣"])
def test_what_is_no_cursor_is_refused(sales, cursor):
    with pytest.raises(sp.Invalid, match="no cursor"):
        sales.activities.since(cursor)
    with pytest.raises(sp.Invalid, match="10,000"):
        sales.activities.since(limit=0)


def test_it_is_not_read_inside_a_transaction(sales):
    with sales.transaction(), pytest.raises(sp.Refused, match="outside of any transaction"):
        sales.activities.since()


def test_a_change_that_is_committed_late_comes_late_and_is_not_lost(sales, deal, url, opened):
    """Somebody draws their ids and their moment first, and commits last: what a sequence would lose."""
    if url == "memory:" or url.startswith("sqlite"):
        pytest.skip("here writers take turns")
    other = opened(url)
    begun, go = threading.Event(), threading.Event()

    def slow():
        with other.transaction():
            other.contacts.add("Late Ltd")
            begun.set()
            go.wait(30)

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(slow)
        assert begun.wait(30)
        sales.opportunities.edit(deal, note="committed first")
        first = sales.activities.since(limit=1000)
        assert "Late Ltd" not in [one.title for one in first.activities]
        go.set()
        late.result()
    (one,) = sales.activities.since(first.cursor).activities
    assert (one.title, one.position) == ("Late Ltd", len(first.activities) + 1)
    assert one.id < first.activities[-1].id  # it had its id before


def test_many_writers_and_readers_leave_no_gap_and_no_reader_skips_anything(sales, deal, url, opened):
    writers = [opened(url) for _ in range(3)] if url != "memory:" else [sales] * 3
    done = threading.Event()

    def write(pair):
        number, mine = pair
        for turn in range(8):
            mine.contacts.add(f"Client {number}.{turn}")

    def read():
        found, cursor, last = [], None, False
        while True:
            feed = sales.activities.since(cursor, limit=3)
            found += feed.activities
            cursor = feed.cursor
            if not feed.activities:
                if last:
                    return found
                last = done.is_set()
                done.wait(0.01)

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        list(pool.map(write, enumerate(writers)))
        done.set()
        first, second = (reader.result() for reader in readers)
    assert first == second
    assert [one.position for one in first] == list(range(1, len(first) + 1))
    assert {one.id for one in first} == {entry.id for entry in whole(sales)["activity"]}


def test_two_readers_who_place_at_the_same_time_give_each_place_once(sales, deal, url, opened, monkeypatch, clock):
    if not url.startswith("postgres"):
        pytest.skip("here writers take turns")
    other, in_order, going, looked = opened(url), feeds.in_order, [], threading.Event()

    def meanwhile(activities):
        """The first reader has looked, and has not written yet: the second one begins, and something new is there."""
        ordered = in_order(activities)
        if not going:
            going.append(None)
            clock.forward(days=-1)  # so that the second one puts it first, and all others elsewhere
            other.contacts.add("Meanwhile Ltd")
            going[0] = pool.submit(other.activities.since, None, limit=1000)
            looked.wait(1)  # in vain: it waits for its turn
        else:
            looked.set()
        return ordered

    sales.activities.since(limit=3)  # the feed has begun
    for number in range(5):
        sales.contacts.add(f"Client {number}")
    monkeypatch.setattr(feeds, "in_order", meanwhile)
    with ThreadPoolExecutor(1) as pool:
        first = sales.activities.since(limit=1000)
        second = going[0].result()
    longer = max(first.activities, second.activities, key=len)
    assert first.activities == longer[: len(first.activities)]
    assert second.activities == longer[: len(second.activities)]
    found = all_of(sales)
    assert [one.position for one in found] == list(range(1, len(found) + 1))
    assert {one.id for one in found} == {entry.id for entry in whole(sales)["activity"]}


def test_what_was_placed_halfway_when_the_reader_was_killed_is_placed_once(sales, deal, monkeypatch):
    calls = []

    def dies(record):
        calls.append(record)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return encode(record)

    encode = feeds.encode
    monkeypatch.setattr(feeds, "encode", dies)
    with pytest.raises(KeyboardInterrupt):
        sales.activities.since()
    monkeypatch.setattr(feeds, "encode", encode)
    found = all_of(sales)
    assert [one.position for one in found] == list(range(1, len(found) + 1))


def test_the_changes_of_a_record_come_in_the_order_of_its_versions_whatever_the_clock_said(
    sales, deal, clock, monkeypatch
):
    monkeypatch.setattr(feeds, "CHUNK", 2)
    for _ in range(6):
        clock.forward(seconds=-100)
        sales.opportunities.edit(deal.id, note=str(clock.now))
    found = all_of(sales)
    assert [one.record_version for one in found if one.record_id == deal.id] == list(range(1, 8))
    assert [one.position for one in found] == list(range(1, len(found) + 1))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=12))
def test_in_order_keeps_all_and_breaks_no_record(pairs):
    from datetime import timedelta

    start = utc_now()
    seen: dict[str, int] = {}
    made = []
    for number, (record, second) in enumerate(pairs):
        seen[record] = seen.get(record, 0) + 1
        made.append(
            Activity(
                id=f"{number:03}", record_kind="x", record_id=record, record_version=seen[record], action="edited",
                at=start + timedelta(seconds=second), by="jane",
            )
        )  # fmt: skip
    found = in_order(reversed(made))
    assert sorted(one.id for one in found) == [one.id for one in made]
    for record in seen:
        assert [one.record_version for one in found if one.record_id == record] == list(range(1, seen[record] + 1))


# --- subscribers ----------------------------------------------------------------------------------------------


def test_a_subscriber_is_called_after_the_commit_with_what_was_committed(sales):
    heard = []

    def listen(activities):
        assert not sales.in_transaction
        heard.append([one.title for one in activities])
        assert all(one.record_id in sales.contacts for one in activities)

    unsubscribe = sales.activities.subscribe(listen)
    sales.acting("tom").contacts.add("One")
    with sales.transaction():
        sales.contacts.add("Two")
        sales.contacts.add("Three")
        assert heard == [["One"]]
    assert heard == [["One"], ["Two", "Three"]]
    unsubscribe()
    unsubscribe()
    sales.contacts.add("Four")
    assert heard == [["One"], ["Two", "Three"]]


def test_what_is_rolled_back_or_refused_is_not_told(sales, deal):
    heard = []
    sales.activities.subscribe(heard.extend)

    def rolled_back():
        with sales.transaction():
            sales.contacts.add("Nobody")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rolled_back()
    with pytest.raises(sp.NotAllowed):
        sales.opportunities.reopen(deal)
    with sales.transaction():
        with pytest.raises(sp.Invalid):
            sales.contacts.add(" ")
        sales.contacts.add("Somebody")
    assert [one.title for one in heard] == ["Somebody"]


def test_new_records_of_a_bulk_are_told_too(sales, deal):
    heard = []
    sales.activities.subscribe(heard.extend)
    row = {"contact": "Acme Ltd", "subject": "x", "lines": deal.lines}
    sales.opportunities.create_many([row, row])
    assert [(one.action, one.title) for one in heard] == [("created", "OPP/00002"), ("created", "OPP/00003")]


def test_one_that_raises_spoils_nothing_for_the_others(sales, caplog):
    heard = []

    def broken(_activities):
        raise RuntimeError("a secret")

    sales.activities.subscribe(broken)
    sales.activities.subscribe(heard.extend)
    assert sales.contacts.add("One").name == "One"
    assert len(heard) == 1
    assert "a secret" not in caplog.text
    assert "a subscriber failed: RuntimeError" in caplog.text


def test_a_subscriber_may_write(sales):
    def answer(activities):
        if activities[0].record_kind == "contact":
            sales.notes.add(activities[0].record_id, "Welcome")

    sales.activities.subscribe(answer)
    one = sales.contacts.add("One")
    assert [note.subject for note in sales.notes.of(one)] == ["Welcome"]
