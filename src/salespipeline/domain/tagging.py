"""The Tags tab: every tag that was ever put on an opportunity, with who and when, read from its history. (SPEC TAG-1)"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from salespipeline.domain.activity import Activity, replay

__all__ = ["TagMark", "tag_marks", "with_former"]


@attrs.frozen(kw_only=True)
class TagMark:
    """A tag that was put on a record, and, where it is there no more, who took it off."""

    tag_id: str
    label: str = ""
    colour: str = ""
    put_at: datetime
    put_by: str
    taken_at: datetime | None = None
    taken_by: str | None = None

    @property
    def on(self) -> bool:
        """Whether the tag is still on."""
        return self.taken_at is None

    def __str__(self) -> str:
        taken = "" if self.on else f", taken off by {self.taken_by} on {self.taken_at:%Y-%m-%d}"
        return f"{self.label or self.tag_id}: put on by {self.put_by} on {self.put_at:%Y-%m-%d}{taken}"


def with_former(marks: list[TagMark], former: Iterable[TagMark]) -> list[TagMark]:
    """Return *marks* and those of a record that was merged into theirs: what came with it was put on where it was put on."""
    found = list(marks)
    for mark in former:
        came = next(
            (at for at, one in enumerate(marks) if one.tag_id == mark.tag_id and one.put_at == mark.taken_at), None
        )
        if came is not None:
            found[came] = attrs.evolve(found[came], put_at=mark.put_at, put_by=mark.put_by)
        elif mark.on or mark.taken_at not in [one.put_at for one in marks]:
            found.append(mark)
    return sorted(found, key=lambda one: one.put_at)


def tag_marks(activities: Iterable[Activity]) -> list[TagMark]:
    """Return every putting on of a tag, in the order of time; *activities* are those of one record."""
    marks: list[TagMark] = []
    on: dict[str, int] = {}  # the tag: where its mark stands
    for activity, state in replay(activities):
        kept = state.get("tags")
        now = [str(tag) for tag in kept] if isinstance(kept, list) else []
        for tag in [tag for tag in on if tag not in now]:
            place = on.pop(tag)
            marks[place] = attrs.evolve(marks[place], taken_at=activity.at, taken_by=activity.by)
        for tag in now:
            if tag not in on:
                on[tag] = len(marks)
                marks.append(TagMark(tag_id=tag, put_at=activity.at, put_by=activity.by))
    return marks
