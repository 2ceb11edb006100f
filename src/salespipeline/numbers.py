"""The numbers of documents that are no more: the change log keeps them, so that they are never used again. (SPEC DOC-5)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from salespipeline.domain.numbering import counter
from salespipeline.query import All, Cmp, Max, Query
from salespipeline.work import Work

__all__ = ["Spent", "highest", "spent"]


@attrs.frozen(kw_only=True)
class Spent:
    """What the change log knows of a document that was deleted."""

    id: str
    series: str
    run: str
    number: int | None
    reference: str
    at: datetime
    by: str
    position: int
    previous: str
    link: str

    @property
    def said(self) -> str:
        """How a report tells it."""
        return f"{self.reference}, deleted by {self.by} on {self.at:%Y-%m-%d}"


def spent(work: Work) -> Iterator[Spent]:
    """Yield every deleted document that had a number or a seal."""
    where = All((Cmp("record_kind", "=", "document"), Cmp("action", "=", "deleted")))
    for activity in work.find(Query(kind="activity", where=where)):
        was: dict[str, Any] = {change.field: change.before for change in activity.changes}
        seal = was.get("seal") or {}
        if was.get("number") is not None or seal:
            yield Spent(
                id=activity.record_id,
                series=was["series"],
                run=was.get("run") or "",
                number=None if was.get("revision") else was.get("number"),
                reference=was.get("reference") or "",
                at=activity.at,
                by=activity.by,
                position=seal.get("position") or 0,
                previous=seal.get("previous") or "",
                link=seal.get("link") or "",
            )


def highest(work: Work, series: str, run: str) -> int | None:
    """Return the highest number that a run of a series ever gave to a document, deleted ones too."""
    query = Query(kind="document", where=Cmp("series", "=", counter(series, run)))
    with work.unguarded():  # a number that was used is used, whoever may know by what
        ((kept,),) = work.tally(query, (), (Max("number"),))
        gone = [one.number for one in spent(work) if (one.series, one.run) == (series, run) and one.number is not None]
    return max([*([int(kept)] if kept is not None else []), *gone], default=None)
