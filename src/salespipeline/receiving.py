"""A reply that came by mail becomes a note in its thread, if it is what it says. (SPEC NOTE-1)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from salespipeline.attachments import attachment_on, kept_file
from salespipeline.domain.attachments import Audience, as_audience
from salespipeline.domain.notes import Note, NoteKind
from salespipeline.domain.notices import Notice
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.notes import kept_note, new_note, subject_of_note
from salespipeline.query import Cmp, OneOf, Query
from salespipeline.subjects import subject_of
from salespipeline.text import fold
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.mail import Inbox
    from salespipeline.mail.received import Received
    from salespipeline.sales import Sales

__all__ = ["receive"]


def receive(sales: Sales, message: bytes, *, audience: str | Audience) -> Note:
    """Thread a reply: see ``Notes.receive``."""
    from salespipeline.mail.received import read_mail

    seen_by, inbox = as_audience(audience), sales.need_inbox()
    mail = read_mail(message)
    with sales.work(write=False) as work:
        notice = _answered(work, inbox, mail)
        known = _known(work, mail)
    if known is not None:
        return known
    attachments = sales.attachments
    files = [(name, kept_file(attachments, name, content, len(content))) for name, content in mail.files]
    with sales.work() as work:
        if (known := _known(work, mail)) is not None:
            return known
        parent = work.need(Note, str(notice.note_id))
        about = subject_of_note(work, parent)
        author = notice.to.id if notice.to.kind == "user" else notice.to.name
        text = mail.text or ("(see the files)" if files else "(an empty mail)")
        note = _threaded(work, parent, text, author)
        note = attrs.evolve(note, kind=NoteKind.MAIL_IN, called=notice.to, message_id=mail.message_id)
        kept = kept_note(work, note)
        on_note = attrs.evolve(subject_of(work, kept), contact_id=about.contact_id)
        for name, file in files:
            facts = {"name": _clean(name), "audience": seen_by, "comment": "", **file}
            work.keep(attachment_on(work, on_note, facts), action="created")
        return kept


def _answered(work: Work, inbox: Inbox, mail: Received) -> Notice:
    """Return the notice that *mail* answers, or raise ``Invalid``: whoever has not got it cannot answer it."""
    ids = tuple(fold(one) for one in mail.references)
    found: list[Notice] = list(work.find(Query(kind="notice", where=OneOf("message_id", ids)))) if ids else []
    found = [one for one in found if one.note_id is not None]
    if not found:
        message = "the mail is refused: it answers no mail that left here; only a reply can be threaded"
        raise Invalid(Problem("message", "unknown", message), action="receive")
    for one in found:
        if any(inbox.signed(address, one.message_id, mail.sender.spec) for address in mail.recipients):
            return one
    message = f"the mail is refused: {shown(mail.sender.spec)} is not whom the mail that it answers was for"
    raise Invalid(Problem("message", "forged", message), action="receive")


def _known(work: Work, mail: Received) -> Note | None:
    query = Query(kind="note", where=Cmp("message_id", "=", fold(mail.message_id)), limit=1)
    return next(iter(work.find(query)), None)


def _threaded(work: Work, parent: Note, text: str, author: str) -> Note:
    about = subject_of_note(work, parent)
    try:
        return new_note(work, about, subject=parent.subject, text=text, parent=parent, author=author)
    except Invalid:  # an @ that can be several people: what came by mail cannot be corrected
        spaced = text.replace("@", "@ ")
        return new_note(work, about, subject=parent.subject, text=spaced, parent=parent, author=author)


def _clean(name: str) -> str:
    from salespipeline.mail.filenames import safe_filename

    return safe_filename(name)
