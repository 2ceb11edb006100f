"""What is said of a document beside its content: held, approved, sent, answered, paid, cancelled, deleted. (SPEC DOC-2)"""

from __future__ import annotations

from datetime import date, datetime

import attrs

from salespipeline.codec import content_digest
from salespipeline.collection import Collection
from salespipeline.domain import moves
from salespipeline.domain.approving import refuse_approver
from salespipeline.domain.checks import as_date, aware
from salespipeline.domain.document import Document, Seal
from salespipeline.domain.jobs import Job
from salespipeline.domain.rules import Move, refuse
from salespipeline.einvoicing import check_einvoice, invoice_of, wanted
from salespipeline.errors import Invalid, Problem
from salespipeline.issuing import follow, issue
from salespipeline.money import Money
from salespipeline.sealing import linked
from salespipeline.stock import refuse_unsellable, sell
from salespipeline.work import Work

__all__ = ["Facts"]


class Facts(Collection[Document]):
    """The moves that keep the content as it is; the examples are those of ``Documents``."""

    def hold(self, document: Document | str, why: str = "") -> Document:
        """Put it on hold: *send all* leaves it out until it is released. (SPEC SEND-2)"""
        return self._change(document, lambda one, work: moves.held(one, at=work.at, by=work.by, why=why), "put on hold")

    def release(self, document: Document | str) -> Document:
        """Take the hold away."""
        return self._change(document, lambda one, _work: moves.released(one), "released")

    def request_approval(self, document: Document | str) -> Document:
        """Ask somebody to agree before it leaves, who may ``approve`` or ``refuse``. (SPEC DOC-8)"""
        return self._change(
            document, lambda one, work: moves.approval_requested(one, at=work.at, by=work.by), "approval requested"
        )

    def approve(self, document: Document | str, why: str = "") -> Document:
        """Agree that it leaves; a purchase order needs somebody whose limit is at least as high. (SPEC DOC-8)"""

        def move(before: Document, work: Work) -> Document:
            after = moves.approved(before, at=work.at, by=work.by, why=why)
            refuse_approver(before, work.settings, work.by)
            return after

        return self._change(document, move, "approved")

    def refuse(self, document: Document | str, why: str = "") -> Document:
        """Refuse that it leaves."""
        return self._change(
            document, lambda one, work: moves.approval_refused(one, at=work.at, by=work.by, why=why), "approval refused"
        )

    def mark_sent(self, document: Document | str, *, at: datetime | None = None) -> Document:
        """Mark it sent by hand: it is numbered, dated and sealed, and its content is locked for ever. (SPEC DOC-3)"""

        def move(before: Document, work: Work) -> Document:
            refuse(before, Move.SEND)
            refuse_unsellable(work, before)
            when = work.at if at is None else aware(at)
            issued = issue(work, before, when)
            if wanted(work.settings, issued):  # before the number is used: what raises gives it back
                check_einvoice(invoice_of(work, issued))
            sent = moves.marked_sent(issued, at=when, by=work.by, seal=Seal(content=content_digest(issued)))
            follow(work, sent)
            sell(work, sent)
            return linked(work, sent)

        return self._change(document, move, "marked sent", again=True)

    def accept(
        self, document: Document | str, *, by: str | None = None, note: str = "", at: datetime | None = None
    ) -> Document:
        """Record that the client said yes; it is bound to the sealed content. (SPEC DOC-7)"""
        return self._answer(document, True, by, note, at)

    def reject(
        self, document: Document | str, *, by: str | None = None, note: str = "", at: datetime | None = None
    ) -> Document:
        """Record that the client said no."""
        return self._answer(document, False, by, note, at)

    def _answer(
        self, document: Document | str, accepted: bool, by: str | None, note: str, at: datetime | None
    ) -> Document:
        def move(before: Document, work: Work) -> Document:
            when = work.at if at is None else aware(at)
            return moves.answered(before, accepted=accepted, at=when, by=by or work.by, note=note)

        return self._change(document, move, "accepted" if accepted else "rejected")

    def pay(self, document: Document | str, amount: Money | str, *, on: date | None = None, note: str = "") -> Document:
        """Book a payment, never more than the balance. (SPEC DOC-2)"""

        def move(before: Document, work: Work) -> Document:
            day = work.settings.day_of(work.at) if on is None else as_date(on, "on")
            return moves.paid(before, Money.of(amount, before.currency), on=day, by=work.by, note=note)

        return self._change(document, move, "paid")

    def cancel(self, document: Document | str, why: str = "") -> Document:
        """Cancel it; the document is kept, and what it took from others is theirs again. (SPEC DOC-5)"""

        def move(before: Document, work: Work) -> Document:
            after = moves.cancelled(before, at=work.at, by=work.by, why=why)
            follow(work, after, gone=True)
            return after

        return self._change(document, move, "cancelled")

    def assign(
        self, document: Document | str, job: Job | str | None = None, *, new: str | None = None, project: str = ""
    ) -> Document:
        """Assign it to a job, or its reference; or to a *new* one, in a *project*, with that subject. (SPEC DOC-11)

        >>> sales.documents.assign(quote, new="Erect the racking", project="Leeds 2027").job_id == sales.jobs["JOB/00001"].id
        True
        >>> sales.documents.unassign(sales.documents.assign(quote.id, "JOB/00001")).job_id is None
        True
        """
        if (job is None) == (new is None):
            raise Invalid(Problem("job", "choice", "name a job, or the subject of a new one with new=: one of them"))

        def move(before: Document, work: Work) -> Document:
            refuse(before, Move.ASSIGN)
            if new is not None:
                found = self._sales.jobs.create(
                    new, project=project, opportunity=before.deal_id, contact=before.client_id
                )
            else:
                found = self._sales.jobs._named(work, job)  # type: ignore[arg-type]
            return moves.assigned(before, found.id)

        return self._change(document, move, "assigned")

    def unassign(self, document: Document | str) -> Document:
        """Take it from its job; both keep everything. (SPEC DOC-11)"""
        return self._change(document, lambda one, _work: moves.assigned(one, None), "unassigned")

    def delete(self, document: Document | str, *, force: bool = False) -> None:
        """Delete a draft; a sent one only with *force*. Its number is never used again. (SPEC DOC-5)

        What it took the place of, as a revision or as several put together, is current again.
        """
        with self._sales.work() as work:
            record = self._named(work, document)
            moves.deletable(record, force=force)
            follow(work, record, gone=True)
            work.remove(record)
            formers = [*record.consolidates, *([record.source_id] if record.revision and record.source_id else [])]
            with work.unguarded():
                for former in work.get_many(Document, formers).values():
                    if former.superseded_by == record.id:
                        work.keep(attrs.evolve(former, superseded_by=None), former, action="current again")
