"""What was: the history of records, their past versions, all of them as of a moment, and what was deleted. (SPEC OPP-9)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile
from typing import Any

from salespipeline.catalog import instant
from salespipeline.codec import restore
from salespipeline.domain.activity import Activity, replay
from salespipeline.errors import NotFound, shown
from salespipeline.query import All, Cmp, Query
from salespipeline.work import Work

__all__ = ["DELETED", "MERGED", "as_of", "deleted", "history_of", "last_before_deletion", "versions"]

DELETED = "deleted"
MERGED = "merged into another"  # and so gone, for good: it is part of that one


def history_of(work: Work, kind: str, id: str) -> list[Activity]:
    """Return the activities of one record, in the order of its versions."""
    where = Cmp("record", "=", f"{kind}:{id}")
    return list(work.find(Query(kind="activity", where=where, order=("record_version",))))


def versions(cls: type[Any], activities: Iterable[Activity]) -> Iterator[Any]:
    """Yield what the *activities* of one record made of it, one after the other; ``None`` where it was deleted."""
    for activity, state in replay(activities):
        gone = activity.action in (DELETED, MERGED)
        yield None if gone else restore(cls, activity.record_id, activity.record_version, state)


def as_of(work: Work, kind: str, cls: type[Any], moment: datetime) -> list[Any]:
    """Return the records of a kind as they stood at *moment*, by id."""
    where = All((Cmp("record_kind", "=", kind), Cmp("at", "<=", instant(moment))))
    told: dict[str, list[Activity]] = {}
    for activity in work.find(Query(kind="activity", where=where, order=("at",))):
        told.setdefault(activity.record_id, []).append(activity)
    found = []
    for _, activities in sorted(told.items()):
        activities.sort(key=lambda activity: activity.record_version)
        last = None
        for last in versions(cls, _unbroken(activities)):  # noqa: B007  # the last one is wanted
            pass
        if last is not None:
            found.append(last)
    return found


def _unbroken(activities: list[Activity]) -> Iterator[Activity]:
    """Yield those before the first gap: a clock that was set back may have dated a change before an earlier one."""
    numbered = enumerate(activities, activities[0].record_version)
    return (one for _, one in takewhile(lambda pair: pair[0] == pair[1].record_version, numbered))


def deleted(work: Work, kind: str, cls: type[Any]) -> list[Any]:
    """Return what was deleted and not restored, as it was last, the latest first."""
    where = All((Cmp("record_kind", "=", kind), Cmp("action", "=", DELETED)))
    found: dict[str, Any] = {}
    for activity in work.find(Query(kind="activity", where=where, order=("at",), descending=True)):
        found.setdefault(activity.record_id, _before(cls, activity))
    there = work.get_many(cls, found)
    return [record for id, record in found.items() if id not in there]


def last_before_deletion(work: Work, kind: str, cls: type[Any], name: str) -> Any:
    """Return the deleted record with this id, or the one deleted last with this reference; raises ``NotFound``."""
    for record in deleted(work, kind, cls):
        if name in (record.id, getattr(record, "reference", None)):
            return record
    raise NotFound(f"no deleted {kind} has the id or reference {shown(name)}", kind=kind, key=name)


def _before(cls: type[Any], activity: Activity) -> Any:
    return restore(
        cls, activity.record_id, activity.record_version, {one.field: one.before for one in activity.changes}
    )
