"""Who follows a record is told of its changes, with what changed. (SPEC NOTE-2)

The change feed is read from where it was read last; how far, and the notices, are kept in one transaction. So each
change is told once, whatever crashes, and however many do this at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from salespipeline.catalog import Stamp
from salespipeline.codec import encode
from salespipeline.domain.activity import Activity, Change, Json
from salespipeline.domain.alerts import Follow
from salespipeline.domain.settings import Settings
from salespipeline.errors import Conflict
from salespipeline.feed import STAMP as FEED
from salespipeline.feed import read_feed
from salespipeline.note_people import user_mention
from salespipeline.notices import write_notice
from salespipeline.query import OneOf, Query
from salespipeline.subjects import Subject
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["begin", "tell_all"]

STAMP = "followers"
CHUNK = 500
_SILENT = ("stage_since", "merged")  # what comes of something else that is told
_UNTOLD = ("version", "answers", "lines")


def begin(work: Work) -> None:
    """Note, with the first follower of all, from where on the feed matters."""
    if work.get(Stamp, STAMP) is None:
        feed = work.get(Stamp, FEED)
        work.tx.put(encode(Stamp(id=STAMP, number=0 if feed is None else feed.number)))


def tell_all(sales: Sales) -> int:
    """Write a notice for everybody who follows what has changed since the last time; return how many."""
    sales, written = sales.unguarded(), 0
    while True:
        with sales.work(write=False) as work:
            stamp = work.get(Stamp, STAMP)
        if stamp is None:  # nobody has ever followed anything
            return written
        feed = read_feed(sales, f"feed:{stamp.number}", CHUNK)
        if not feed.activities:
            return written
        try:
            with sales.work() as work:
                work.tx.put(encode(attrs.evolve(stamp, number=stamp.number + len(feed.activities))))
                written += sum(_told(work, feed.activities))
        except Conflict:  # another worker tells them
            continue


def _told(work: Work, activities: Iterable[Activity]) -> Iterator[int]:
    changed = [one for one in activities if one.record_kind not in ("notice", "follow", "delivery")]
    records = tuple({one.record_id for one in changed})
    follows: list[Follow] = list(work.find(Query(kind="follow", where=OneOf("record", records)))) if records else []
    for one in changed:
        for follow in follows:
            if (follow.record_kind, follow.record_id) != (one.record_kind, one.record_id):
                continue
            user = user_mention(work, follow.user_id)
            if user is None or one.by == follow.user_id or one.record_version <= follow.from_version:
                continue
            name = one.title or f"{one.record_kind} {one.record_id}"
            about = Subject(
                kind=one.record_kind, id=one.record_id, title=name, record=None,
                opportunity_id=one.opportunity_id, contact_id=None,
            )  # fmt: skip
            who = work.settings.users.label(one.by)
            lines = [f"{who}: {one.record_kind} {name} {one.action}", *_words(work.settings, one.changes)]
            made = write_notice(
                work, about, user, purpose="change", key=f"change:{one.id}:{user.id}",
                title=f"{name}: {one.action}", text="\n".join(lines),
            )  # fmt: skip
            yield int(made is not None)


def _words(settings: Settings, changes: Iterable[Change]) -> Iterator[str]:
    """Yield what changed, from what to what, with labels in place of ids."""
    for change in changes:
        if change.field in _SILENT:
            continue
        name = change.field.removesuffix("_id").replace("_", " ")
        if change.field in _UNTOLD:
            yield f"- {name} changed"
        else:
            before, after = (_value(settings, change.field, one) for one in (change.before, change.after))
            yield f"- {name}: {before} → {after}"


def _value(settings: Settings, field: str, value: Json) -> str:
    if value is None:
        return "nothing"
    lists = {"stage_id": settings.stages, "probability_id": settings.probabilities, "owner_id": settings.users}
    if field in lists:
        return lists[field].label(str(value))  # type: ignore[attr-defined, no-any-return]
    if field == "tags" and isinstance(value, list):
        return ", ".join(settings.tags.label(str(tag)) for tag in value) or "nothing"
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    said = " ".join(said.split())
    return said if len(said) <= 200 else said[:199] + "…"
