"""Alerts: a moment, a message, and who is told, once or again and again; and who follows which record. (SPEC NOTE-2)"""

from __future__ import annotations

from datetime import datetime

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.display import Displayed
from salespipeline.domain.notes import Mention
from salespipeline.domain.recurring import occurrence_after
from salespipeline.errors import Invalid, NotAllowed, Problem

__all__ = ["Alert", "Follow"]


@attrs.frozen(kw_only=True, order=False)
class Alert(Displayed):
    """A message for a moment. *starts* is the first time on the wall of *zone*, *rule* how it repeats (RRULE), if it does.

    *occurs_at* is the next time by the rule, *snoozed_until* when it rings again because somebody said so, *rang_at* the
    time that was delivered last and that nobody has dismissed yet.

    >>> alert = sales.alerts.add(deal, "Call back", at=sales.now())
    >>> print(alert)
    alert 'Call back' (due ...)
    """

    id: str
    version: int = 0
    record_kind: str
    record_id: str
    opportunity_id: str | None = None
    message: str
    recipients: tuple[Mention, ...]
    starts: str
    zone: str
    rule: str = ""
    occurs_at: datetime | None
    snoozed_until: datetime | None = None
    rang_at: datetime | None = None
    rings: int = 0
    created_at: datetime
    created_by: str

    def checked(self) -> Alert:
        """Return the alert with a clean message, or raise ``Invalid``."""
        return cleaned(self, message=lambda value: text.clean(value, "message", most=2000, lines=True, required=True))

    @property
    def next_at(self) -> datetime | None:
        """When it rings next."""
        return min((one for one in (self.occurs_at, self.snoozed_until) if one is not None), default=None)

    def is_due(self, now: datetime) -> bool:
        """Say whether it shall ring.

        >>> sales.alerts.add(deal, "Call back", at=sales.now()).is_due(sales.now())
        True
        """
        return self.next_at is not None and self.next_at <= now

    def _following(self, occurrence: datetime) -> datetime | None:
        return occurrence_after(datetime.fromisoformat(self.starts), self.zone, self.rule, occurrence)

    def rung(self) -> Alert:
        """Return it with its next time delivered, looking forward to the one behind it."""
        at = self.next_at
        assert at is not None  # noqa: S101 - only what is due rings
        if at == self.snoozed_until:
            return attrs.evolve(self, snoozed_until=None, rang_at=at, rings=self.rings + 1)
        return attrs.evolve(self, occurs_at=self._following(at), rang_at=at, rings=self.rings + 1)

    def snoozed(self, until: datetime, *, now: datetime) -> Alert:
        """Return it silent until a moment, when it rings again."""
        if until <= now:
            raise Invalid(Problem("until", "range", f"{until.isoformat()} is not ahead: an alert sleeps until later"))
        return attrs.evolve(self._silent(now, "snooze"), snoozed_until=until)

    def dismissed(self, *, now: datetime) -> Alert:
        """Return it done, this time: one that repeats rings again at its next time."""
        return self._silent(now, "dismiss")

    def _silent(self, now: datetime, verb: str) -> Alert:
        if self.rang_at is None and self.snoozed_until is None and not self.is_due(now):
            when = f"it rings next at {self.next_at.isoformat()}" if self.next_at is not None else "it rings no more"
            message = f"alert {self.message!r} cannot {verb}: it has not rung; {when}, and stop() ends it"
            raise NotAllowed(message, record=f"alert {self.id}", action=verb)
        ahead = self.occurs_at
        if ahead is not None and ahead <= now:
            ahead = self._following(ahead)
        return attrs.evolve(self, occurs_at=ahead, snoozed_until=None, rang_at=None)

    def stopped(self) -> Alert:
        """Return it ended: it never rings again."""
        return attrs.evolve(self, occurs_at=None, snoozed_until=None, rang_at=None)

    def __str__(self) -> str:
        due = "done" if self.next_at is None else f"due {self.next_at:%Y-%m-%d %H:%M} UTC"
        return f"alert {self.message.splitlines()[0]!r} ({due})"


@attrs.frozen(kw_only=True)
class Follow:
    """Somebody who is told of changes of a record, from behind *from_version* on."""

    id: str
    version: int = 0
    record_kind: str
    record_id: str
    opportunity_id: str | None = None
    user_id: str
    from_version: int
    created_at: datetime
    created_by: str
