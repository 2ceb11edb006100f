"""What happened: one append-only entry for every change of a record. (SPEC OPP-9)

A record's activities are complete: replaying them gives every past version exactly. The values in them are
those of the stored form (plain JSON), so that an old activity can be read whatever has become of the classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import attrs

__all__ = ["Activity", "Change", "Json", "diff", "in_order", "replay"]

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"


@attrs.frozen
class Change:
    """One field went *before* → *after*; ``None`` where there was, or is, nothing."""

    field: str
    before: Json
    after: Json


@attrs.frozen(kw_only=True)
class Activity:
    """Who did what to which record, when, and what changed. *record_version* is the version that it made.

    *title* is what the record was called, *opportunity_id* the opportunity that it was, or belonged to. *position* is its
    place in the change feed, once it has one.
    """

    id: str
    version: int = 0
    record_kind: str
    record_id: str
    record_version: int
    action: str
    at: datetime
    by: str
    title: str = ""
    opportunity_id: str | None = None
    position: int | None = None
    changes: tuple[Change, ...] = ()


def diff(before: Mapping[str, Json] | None, after: Mapping[str, Json] | None) -> tuple[Change, ...]:
    """Return the changes that lead from one stored form to the other; ``None`` stands for "no record".

    >>> diff({"subject": "Shed"}, {"subject": "Barn", "due": "2027-01-31"})
    (Change(field='due', before=None, after='2027-01-31'), Change(field='subject', before='Shed', after='Barn'))
    """
    old, new = before or {}, after or {}
    return tuple(
        Change(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def replay(activities: Iterable[Activity]) -> Iterable[tuple[Activity, dict[str, Json]]]:
    """Yield each activity with the stored form of the record as it stood after it.

    *activities* are those of one record, in the order of ``record_version``.
    """
    state: dict[str, Json] = {}
    for activity in activities:
        state = dict(state)
        for change in activity.changes:
            if change.after is None:
                state.pop(change.field, None)
            else:
                state[change.field] = change.after
        yield activity, state


def in_order(activities: Iterable[Activity]) -> list[Activity]:
    """Return them in the order of time, those of one record always in the order of its versions.

    A clock that was set back dates a later change before an earlier one; it then counts as made just behind it.
    """
    latest: dict[tuple[str, str], datetime] = {}
    first: dict[tuple[str, str, datetime], str] = {}  # by which those of one record and moment stay together
    keyed = []
    for one in sorted(activities, key=lambda one: (one.record_kind, one.record_id, one.record_version)):
        record = (one.record_kind, one.record_id)
        at = latest[record] = max(one.at, latest.get(record, one.at))
        keyed.append((at, first.setdefault((*record, at), one.id), one.record_version, one.id, one))
    keyed.sort(key=lambda key: key[:4])
    return [one for *_, one in keyed]
