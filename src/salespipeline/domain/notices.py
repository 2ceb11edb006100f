"""Notices: short mails of the desk itself, on their way out: a mention, a mail from a note, an alert, a change. (SPEC NOTE-1)

QUEUED → SENDING → SENT. At most once: what was being sent when a worker died is *uncertain*, and nothing sends it
again but a person. A notice is written with what it tells of, in one transaction; it leaves in none.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from salespipeline.domain.notes import Mention
from salespipeline.errors import NotAllowed

__all__ = ["LEASE", "MOST_TRIES", "Notice", "NoticeState"]

SECOND = 1_000_000
LEASE = 15 * 60 * SECOND  # as long as a mail server may take after the last byte
BACK_OFF = 60 * SECOND
MOST_TRIES = 8


class NoticeState(StrEnum):
    """Where a notice is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


S = NoticeState


@attrs.frozen(kw_only=True)
class Notice:
    """A mail to one addressee about one record. *key* names it once and for all: a second one is never made.

    *note_id* is the note that a reply is threaded to; *files* are the ids of attachments that go with it.
    """

    id: str
    version: int = 0
    purpose: str  # mention, mail, alert, change
    key: str
    record_kind: str
    record_id: str
    opportunity_id: str | None = None
    note_id: str | None = None
    to: Mention
    subject: str
    text: str
    files: tuple[str, ...] = ()
    state: NoticeState = S.QUEUED
    reason: str = ""
    message_id: str = ""
    tries: int = 0
    retry_at: int | None = None  # by the store's clock, in microseconds
    lease_until: int | None = None
    sent_at: datetime | None = None
    created_at: datetime
    created_by: str

    def _from(self, *states: NoticeState) -> None:
        if self.state not in states:
            message = f"notice {self.id} is {self.state.value}, so this is not for it"
            raise NotAllowed(message, record=f"notice {self.id}", action="move")

    def started(self, *, now: int, message_id: str) -> Notice:
        """Return it with the intent to send it: from here on nobody else may."""
        self._from(S.QUEUED)
        return attrs.evolve(
            self, state=S.SENDING, message_id=message_id, tries=self.tries + 1, retry_at=None, lease_until=now + LEASE
        )

    def sent(self, *, at: datetime) -> Notice:
        """Return it taken by the server."""
        self._from(S.SENDING, S.UNCERTAIN)
        return attrs.evolve(self, state=S.SENT, sent_at=at, lease_until=None, reason="")

    def refused(self, reason: str, *, now: int, again: bool) -> Notice:
        """Return it certainly not sent; *again* says whether it may be tried later."""
        self._from(S.SENDING, S.UNCERTAIN, S.QUEUED)
        reason = "".join(one if one.isprintable() else " " for one in reason)[:500]
        if again and self.tries < MOST_TRIES:
            wait = BACK_OFF << min(self.tries, 7)
            return attrs.evolve(self, state=S.QUEUED, reason=reason, retry_at=now + wait, lease_until=None)
        return attrs.evolve(self, state=S.FAILED, reason=reason, lease_until=None)

    def resent(self) -> Notice:
        """Return it queued again, with the same Message-ID: a person wants it to go, whatever became of it."""
        self._from(S.UNCERTAIN)
        return attrs.evolve(self, state=S.QUEUED, reason="")

    def unsure(self, reason: str) -> Notice:
        """Return it *uncertain*: nobody can know whether it was taken."""
        self._from(S.SENDING)
        return attrs.evolve(self, state=S.UNCERTAIN, reason=reason[:500], lease_until=None)
