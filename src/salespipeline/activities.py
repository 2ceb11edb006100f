"""``sales.activities``: everything that happened: the timeline, the change feed, and who is told at once. (SPEC OPP-9)"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import attrs

from salespipeline.codec import decode
from salespipeline.deal_filters import as_id, deal_filter
from salespipeline.domain.activity import Activity
from salespipeline.domain.display import Tabular
from salespipeline.domain.settings import Settings
from salespipeline.domain.tagging import TagMark, tag_marks, with_former
from salespipeline.entries import Entry, Stored
from salespipeline.errors import Refused
from salespipeline.feed import Feed, read_feed
from salespipeline.filters import choice, identity, moment
from salespipeline.listing import Listing, Shape
from salespipeline.past import history_of

if TYPE_CHECKING:
    from salespipeline.domain.opportunity import Opportunity
    from salespipeline.sales import Sales

__all__ = ["Activities", "Subscriber", "tell"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
Subscriber: TypeAlias = Callable[[Sequence[Activity]], object]
KINDS = (
    "opportunity", "document", "job", "contact", "note", "attachment", "alert", "follow", "delivery", "notice", "batch", "item",
    "setting",
)  # fmt: skip


def _row(one: Activity, settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "at": one.at,
        "by": settings.users.label(one.by),
        "kind": one.record_kind,
        "what": one.title,
        "action": one.action,
        "changed": ", ".join(change.field for change in one.changes),
    }


class Activities(Tabular):
    """Everything that happened, to any record.

    >>> quote = sales.documents.hold(quote, "waiting for the drawing")
    >>> for row in sales.activities.timeline(deal).to_dicts():
    ...     print(row["by"], row["action"], row["kind"], row["what"])
    Jane Whitfield put on hold document QUO/00001
    Jane Whitfield drafted document QUO/00001
    Jane Whitfield created opportunity OPP/00001
    """

    shape = Shape(
        kind="activity",
        filters={
            "opportunity": deal_filter,
            "kind": choice("record_kind", KINDS),
            "action": identity("action", as_id),
            "by": identity("by", as_id),
            "at": moment("at", "at"),
        },
        orders={"at": "at"},
        default="-at",
        row=_row,
        columns={"at": datetime} | dict.fromkeys(("by", "kind", "what", "action", "changed"), str),
    )

    def __init__(self, sales: Sales) -> None:
        self._sales = sales

    def all(self) -> Listing[Activity]:
        """Return all of them, as a listing, the latest first.

        >>> sales.activities.all().first().title
        'QUO/00001'
        """
        return Listing(self._sales, self.shape)

    def where(self, **filters: object) -> Listing[Activity]:
        """Return those that fit: opportunity, kind (of the record), action, by, at.

        >>> sales.activities.where(kind="document", action="drafted", by="jane").count()
        1
        """
        return self.all().where(**filters)

    def __iter__(self) -> Iterator[Activity]:
        return iter(self.all())

    def __len__(self) -> int:
        return self.all().count()

    def to_dicts(self) -> list[dict[str, object]]:
        """Return all of them as plain rows."""
        return self.all().to_dicts()

    def _each(self) -> Iterable[Mapping[str, object]]:
        return self.all()._each()

    def _columns(self) -> Mapping[str, type]:
        return self.shape.columns

    def timeline(self, opportunity: Opportunity | str) -> Listing[Activity]:
        """Return everything that happened to an opportunity, the latest first, as a listing to page through.

        With what happened to its documents, notes, jobs, files, alerts and mails, deleted ones too, and to what was merged
        into it. What happens between two pages makes neither skip or repeat anything.
        """
        with self._sales.work(write=False) as work:
            found = self._sales.opportunities._find(work, opportunity) if isinstance(opportunity, str) else opportunity
        if found is None:
            return self.where(opportunity=opportunity)  # a deleted one by its id
        return self.where(opportunity=found)

    def tags(self, opportunity: Opportunity | str) -> list[TagMark]:
        """Return every tag that was put on an opportunity, with who and when, those taken off since too. (SPEC TAG-1)

        >>> deal = sales.opportunities.edit(deal, tags=["VIP"])
        >>> [(mark.label, mark.put_by, mark.on) for mark in sales.activities.tags(deal)]
        [('VIP', 'jane', True)]
        """
        with self._sales.work(write=False) as work:
            found = self._sales.opportunities._find(work, opportunity) if isinstance(opportunity, str) else opportunity
            id = str(opportunity) if found is None else found.id
            known = work.settings.tags
            marks = tag_marks(history_of(work, "opportunity", id))
            for former in () if found is None else found.merged:
                marks = with_former(marks, tag_marks(history_of(work, "opportunity", former)))
            colours = {tag.id: tag.colour for tag in known.all}
            return [
                attrs.evolve(mark, label=known.label(mark.tag_id), colour=colours.get(mark.tag_id, ""))
                for mark in marks
            ]

    def since(self, cursor: str | None = None, *, limit: int = 500) -> Feed:
        """Return what was committed behind *cursor*, in one order for all readers, and the cursor to go on with.

        ``None`` begins at the very beginning. Nothing is skipped, however many write meanwhile; keep the cursor once you
        have worked off what came with it, and what a crash cuts short comes again. Raises ``Refused`` in a transaction.
        Its places have no gaps and are the same for all, so that it is read by whoever may oversee the store: ``Denied``.

        >>> feed = sales.activities.since(limit=2)
        >>> [activity.position for activity in feed.activities], feed.cursor
        ([1, 2], 'feed:2')
        >>> feed = sales.activities.since(feed.cursor)
        >>> _ = sales.contacts.add("Harlow Foods")
        >>> [activity.title for activity in sales.activities.since(feed.cursor).activities]
        ['Harlow Foods']
        """
        return read_feed(self._sales.overseeing("read the feed"), cursor, limit)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call *subscriber* with the activities of each transaction of this pipeline, after it was committed.

        In this process and thread, in the order of the commits of each thread. One that raises is logged, and changes
        nothing. It may miss what a crash cuts off: ``since`` misses nothing. Returns what ends the subscription. Raises
        ``Refused`` on a lent connection, whose commits are the host's. Where a policy is asked, *subscriber* hears what
        this actor may read, whoever did it.

        >>> heard = []
        >>> unsubscribe = sales.activities.subscribe(heard.extend)
        >>> _ = sales.contacts.add("Harlow Foods")
        >>> unsubscribe()
        >>> [(activity.record_kind, activity.action) for activity in heard]
        [('contact', 'created')]
        """
        if getattr(self._sales.store, "lent", False):
            message = "the host commits what is written on a lent connection: subscribe where the host does so, or read since()"
            raise Refused(message, action="subscribe")
        subscribers = self._sales.subscribers
        told = subscriber if not self._sales.asks else _as_seen(self._sales, subscriber)
        subscribers.append(told)

        def unsubscribe() -> None:
            if told in subscribers:
                subscribers.remove(told)

        return unsubscribe

    def __repr__(self) -> str:
        return repr(self.all())


def _as_seen(sales: Sales, subscriber: Subscriber) -> Subscriber:
    """Return what tells *subscriber* of what the actor of *sales* may read, and of nothing else."""

    def told(activities: Sequence[Activity]) -> None:
        with sales.work(write=False) as work:
            seen = activities if work.guard is None else work.guard.seen("activity", list(activities))
        if seen:
            subscriber(seen)

    return told


def tell(subscribers: Sequence[Subscriber], entries: Sequence[Entry]) -> None:
    """Call each of *subscribers* with the activities that *entries* hold."""
    told = tuple(decode("activity", Stored(entry.id, entry.version + 1, entry.body)) for entry in entries)
    for subscriber in list(subscribers):
        try:
            subscriber(told)
        except Exception as error:  # noqa: BLE001 - what was committed stays, and the others are told
            log.warning("a subscriber failed: %s", type(error).__name__)
