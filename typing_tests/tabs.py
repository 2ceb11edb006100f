"""The very types that the tabs of an opportunity give: checked by mypy and pyright, never executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import assert_type

import salespipeline as sp
from salespipeline.attachments import Attachments
from salespipeline.domain.activity import Activity
from salespipeline.domain.alerts import Alert
from salespipeline.domain.attachments import Attachment
from salespipeline.domain.notes import Note
from salespipeline.domain.notices import Notice
from salespipeline.domain.settings import NoteTag, User
from salespipeline.domain.tagging import TagMark
from salespipeline.feed import Feed
from salespipeline.listing import Listing
from salespipeline.mail import Inbox
from salespipeline.sweeping import Swept


def scanner(name: str, chunks: Iterator[bytes]) -> str | None:
    """Fit what ``open`` takes."""
    return None if name else str(sum(map(len, chunks)))


def files(deal: sp.Opportunity, path: Path) -> None:
    """Files at any record."""
    sales = sp.open("memory:", scanner=scanner, inbox=Inbox("replies@acme.example", secret=b"0123456789abcdef"))
    assert_type(sales.attachments, Attachments)
    assert_type(sales.attachments.add(deal, "a.txt", b"x", audience="both"), Attachment)
    assert_type(sales.attachments.add("OPP/00001", "a.txt", path, audience="web", comment="…"), Attachment)
    with path.open("rb") as file:
        assert_type(sales.attachments.add(deal, "a.txt", file, audience="web"), Attachment)
    assert_type(sales.attachments.of(deal, audience="web"), Listing[Attachment])
    assert_type(sales.attachments.read("id"), Iterator[bytes])
    assert_type(sales.attachments.content("id"), bytes)
    assert_type(sales.attachments.download_all(deal, audience="web"), Iterator[bytes])
    assert_type(sales.attachments.scan(), list[Attachment])
    assert_type(sales.attachments.sweep(), Swept)
    sales.attachments.add(deal, "a.txt", b"x")  # type: ignore[call-arg]


def notes(sales: sp.Sales, deal: sp.Opportunity) -> None:
    """Notes, and the mails of the desk."""
    note = sales.notes.add(deal, "Floor load", "@jane", tags=["Technical"], flags=["important"])
    assert_type(note, Note)
    assert_type(sales.notes.reply(note, "yes"), Note)
    assert_type(sales.notes.thread(note), Listing[Note])
    assert_type(sales.notes.log_call(deal, "reached", minutes=3), Note)
    assert_type(sales.notes.mail(deal, "x", "y", files=["id"]), Note)
    assert_type(sales.notes.receive(b"", audience="both"), Note)
    assert_type(sales.notices.deliver(most=3), list[Notice])
    assert_type(sales.notices.resolve("id", "sent"), Notice)
    assert_type(sales.settings.note_tags.add("Technical", category="Site"), NoteTag)
    assert_type(sales.settings.note_tags.by_category(), dict[str, tuple[NoteTag, ...]])


def alerts(sales: sp.Sales, deal: sp.Opportunity, at: datetime) -> None:
    """What is due, and who follows."""
    alert = sales.alerts.add(deal, "Call back", at=at, to=["jane"], rule="FREQ=DAILY")
    assert_type(alert, Alert)
    assert_type(alert.next_at, datetime | None)
    assert_type(sales.alerts.due(at), list[Alert])
    assert_type(sales.alerts.deliver(), list[Alert])
    assert_type(sales.alerts.snooze(alert, at), Alert)
    assert_type(sales.alerts.followers(deal), list[User])
    assert_type(sales.alerts.tell_followers(), list[Notice])


def happened(sales: sp.Sales, deal: sp.Opportunity) -> None:
    """The timeline, the tags tab and the feed."""
    assert_type(sales.activities.timeline(deal), Listing[Activity])
    assert_type(sales.activities.tags("OPP/00001"), list[TagMark])
    feed = sales.activities.since(None, limit=10)
    assert_type(feed, Feed)
    assert_type(feed.activities, tuple[Activity, ...])
    heard: list[Activity] = []
    assert_type(sales.activities.subscribe(heard.extend), Callable[[], None])
