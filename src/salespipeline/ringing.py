"""Alerts ring: each time of each one once, with the notices that tell of it in the same transaction. (SPEC NOTE-2)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from salespipeline.claiming import any_of
from salespipeline.domain.alerts import Alert
from salespipeline.domain.notes import Mention
from salespipeline.domain.sortable import instant
from salespipeline.errors import Conflict, Invalid, NotFound
from salespipeline.note_people import user_mention
from salespipeline.notices import write_notice
from salespipeline.query import Cmp, Query
from salespipeline.subjects import Subject, subject_of
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["due_at", "ring_all"]


def due_at(now: datetime) -> Query:
    """Return what asks for the alerts that shall ring at *now*, the earliest first."""
    return Query(kind="alert", where=Cmp("next", "<=", instant(now)), order=("next",))


def ring_all(sales: Sales, now: datetime) -> Iterator[Alert]:
    """Let everything ring that is due at *now*; yield what rang, once for each time of it, however many do this."""
    due = attrs.evolve(due_at(now), limit=1)
    while any_of(sales, lambda _work: due):
        try:
            with sales.work() as work:
                found: list[Alert] = list(work.claim(due))
                if not found:  # another worker lets it ring
                    return
                (before,) = found
                after = before.rung()
                for who in before.recipients:
                    _notice(work, after, who)
                rang = work.keep(after, before, action="rang")
        except Conflict:  # another worker was faster
            if sales.in_transaction:
                raise
            continue
        yield rang


def _notice(work: Work, alert: Alert, who: Mention) -> None:
    now = user_mention(work, who.id) if who.kind == "user" else None
    try:
        about = subject_of(work, alert.record_id)
    except (NotFound, Invalid):  # its record was deleted: what was to be told is told all the same
        about = Subject(
            kind=alert.record_kind, id=alert.record_id, title=f"{alert.record_kind} {alert.record_id}", record=None,
            opportunity_id=alert.opportunity_id, contact_id=None,
        )  # fmt: skip
    assert alert.rang_at is not None  # noqa: S101 - it has just rung
    first, _, _ = alert.message.partition("\n")
    write_notice(
        work, about, now or who, purpose="alert", key=f"alert:{alert.id}:{alert.rings}:{who.kind}:{who.id}",
        title=first, text=f"{alert.message}\n\n{about.title}",
    )  # fmt: skip
