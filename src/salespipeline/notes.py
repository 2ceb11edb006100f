"""``sales.notes``: what was said and done, on any record: notes, threads, calls, and mails to and from the client. (SPEC NOTE-1)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from salespipeline.collection import UNSEEN, Collection
from salespipeline.deal_filters import as_id, deal_filter, in_list, owner_filter
from salespipeline.domain.attachments import Attachment, Audience
from salespipeline.domain.checks import Checks
from salespipeline.domain.contacts import Contact, Person
from salespipeline.domain.notes import Call, Mention, Note, NoteKind, NoteStatus, as_call, mentioned
from salespipeline.domain.settings import NoteTag, Settings, User
from salespipeline.errors import Refused
from salespipeline.filters import choice, identity, moment, search, several, values_of, words
from salespipeline.listing import Listing, Shape
from salespipeline.note_people import addressee, attached, people, user_mention
from salespipeline.notices import write_notice
from salespipeline.query import Cmp
from salespipeline.subjects import Subject, subject_of
from salespipeline.work import Work

__all__ = ["Notes", "kept_note", "new_note"]


def _row(note: Note, settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "kind": note.kind.value,
        "subject": note.subject,
        "text": note.text,
        "author": settings.users.label(note.author),
        "owner": settings.users.label(note.owner_id),
        "status": note.status.value,
        "tags": ", ".join(settings.note_tags.label(tag) for tag in note.tags),
        "flags": ", ".join(note.flags),
        "call": None if note.call is None else note.call.value,
        "created": note.created_at,
    }


class Notes(Collection[Note]):
    """Every note; found by id or by its subject.

    >>> tag = sales.settings.note_tags.add("Technical", category="Site")
    >>> note = sales.notes.add(deal, "Floor load", "Ask for the drawing.", tags=["Technical"], flags=["important"])
    >>> reply = sales.notes.reply(note, "It is in the post.")
    >>> [one.text for one in sales.notes.thread(reply)]
    ['Ask for the drawing.', 'It is in the post.']
    >>> call = sales.notes.log_call(deal, "reached", "They will decide on Friday.", minutes=12)
    >>> call.subject, call.called.name
    ('Call: reached', 'Acme Ltd')
    >>> str(sales.notes.complete(note).status), sales.notes.where(status="open", kind="note").count()
    ('completed', 1)
    >>> sales.notes.edit(reply, owner="jane", text="It came.").text
    'It came.'
    >>> str(sales.notes.reopen(note.id).status), str(sales.notes.cancel(note.id).status)
    ('open', 'cancelled')
    """

    cls = Note
    key = "subject"
    shape = Shape(
        kind="note",
        filters={
            "opportunity": deal_filter,
            "record": identity("record", as_id),
            "thread": identity("thread", as_id),
            "kind": choice("kind", NoteKind),
            "status": choice("status", NoteStatus),
            "author": identity("author", as_id),
            "owner": owner_filter,
            "tags": several("tags", in_list(lambda settings: settings.note_tags)),
            "flags": several("flags", as_id),
            "mentions": several("mentions", as_id),
            "call": choice("call", Call),
            "subject": words("subject"),
            "text": search("text"),
            "created": moment("created", "created"),
        },
        orders={"created": "created", "subject": "subject"},
        default="-created",
        row=_row,
        columns=dict.fromkeys(("kind", "subject", "text", "author", "owner", "status", "tags", "flags", "call"), str)
        | {"created": datetime},
    )

    def add(
        self,
        record: object,
        subject: str,
        text: str = "",
        *,
        owner: User | str | None = None,
        tags: Iterable[NoteTag | str] = (),
        flags: Iterable[str] = (),
    ) -> Note:
        """Write a note on an opportunity, a document, a job or a contact. (SPEC NOTE-1)

        ``@name`` in *text* mentions a user, or a person at the contact: the note is mailed to them by the next
        ``notices.deliver``. *flags*: important, pinned, follow_up. *owner* is who writes, unless another user is named.
        """
        with self._sales.work() as work:
            note = new_note(
                work, subject_of(work, record), subject=subject, text=text, owner=owner, tags=tags, flags=flags
            )
            return kept_note(work, note)

    def reply(self, note: Note | str, text: str, *, tags: Iterable[NoteTag | str] = ()) -> Note:
        """Answer a note, in its thread; the subject is that of the note."""
        with self._sales.work() as work:
            parent = self._named(work, note)
            made = new_note(
                work, subject_of_note(work, parent), subject=parent.subject, text=text, tags=tags, parent=parent
            )
            return kept_note(work, made)

    def thread(self, note: Note | str) -> Listing[Note]:
        """Return the whole thread of a note, oldest first."""
        record = self.get(note) if isinstance(note, str) else note
        return self.where(thread=record.thread_id).order("created")

    def of(self, record: object) -> Listing[Note]:
        """Return the notes of a record, the latest first; of an opportunity also those on its documents and jobs.

        >>> _ = sales.notes.add(quote, "Price", "Ask for 5 % more.")
        >>> [note.subject for note in sales.notes.of(deal)]
        ['Price']
        """
        with self._sales.work(write=False) as work:
            subject = subject_of(work, record)
        return self.where(**{"opportunity" if subject.kind == "opportunity" else "record": subject.record})

    def edit(
        self,
        note: Note | str,
        *,
        subject: str | None = None,
        text: str | None = None,
        owner: User | str | None = None,
        tags: Iterable[NoteTag | str] | None = None,
        flags: Iterable[str] | None = None,
    ) -> Note:
        """Replace some values. Who is mentioned anew is told; who was told before is not told again."""

        def move(before: Note, work: Work) -> Note:
            checks = Checks()
            values: dict[str, Any] = {
                name: value for name, value in (("subject", subject), ("text", text), ("flags", flags)) if value is not None
            }  # fmt: skip
            if owner is not None:
                values["owner_id"] = checks.take(work.settings.users.chosen, owner, "owner")
            if tags is not None:
                values["tags"] = checks.take(_tags, work.settings, tags, before.tags)
            if isinstance(text, str):
                subject_now = subject_of_note(work, before)
                values["mentions"] = checks.take(mentioned, text, people(work, subject_now.contact_id))
            checks.done(record=f"note {before.id}", action="edit")
            after: Note = attrs.evolve(before, **values).checked()
            _tell(work, after)
            return after

        return self._change(note, move, "edited")

    def complete(self, note: Note | str) -> Note:
        """Mark it done."""
        return self._change(note, lambda one, _work: one.completed(), "completed")

    def cancel(self, note: Note | str) -> Note:
        """Give it up, and keep it."""
        return self._change(note, lambda one, _work: one.cancelled(), "cancelled")

    def reopen(self, note: Note | str) -> Note:
        """Open it again."""
        return self._change(note, lambda one, _work: one.reopened(), "reopened")

    def delete(self, note: Note | str) -> None:
        """Delete a note that nobody has answered and that has no files; the history keeps it.

        >>> sales.notes.delete(sales.notes.add(deal, "Typed by mistake"))
        >>> sales.notes.of(deal).count()
        0
        """
        with self._sales.work() as work:
            record = self._named(work, note)
            work.demand("delete", record)
            for kind, field, what in (("note", "reply_to", "answers"), ("attachment", "record", "files")):
                held = Cmp(field, "=", record.id)
                if (number := work.count(kind, held)) or work.hides(kind, held):
                    why = f"it has {number} {what}" if number else UNSEEN
                    message = f"note {record.subject!r} cannot be deleted: {why}; cancel() it, or delete them first"
                    raise Refused(message, record=f"note {record.id}", action="delete")
            work.remove(record)

    def log_call(
        self,
        record: object,
        outcome: Call | str,
        text: str = "",
        *,
        to: Contact | Person | str | None = None,
        minutes: int | None = None,
        subject: str | None = None,
    ) -> Note:
        """Log a call with its *outcome*: reached, no_answer, voicemail, busy, call_back, wrong_number. (SPEC NOTE-1)

        *to* is the contact or a person there, by name if wanted; by default the person of the record.
        """
        with self._sales.work() as work:
            about = subject_of(work, record)
            title = subject if subject is not None else f"Call: {str(outcome)[:50].replace('_', ' ')}"
            note = new_note(work, about, subject=title, text=text)
            called, ended = addressee(work, about, to), as_call(outcome)
            return kept_note(
                work, attrs.evolve(note, kind=NoteKind.CALL, call=ended, called=called, minutes=minutes).checked()
            )

    def mail(
        self,
        record: object,
        subject: str,
        text: str,
        *,
        to: Contact | Person | str | None = None,
        files: Iterable[Attachment | str] = (),
    ) -> Note:
        """Mail the client, and keep the mail as a note; it leaves with the next ``notices.deliver``. (SPEC NOTE-1)

        *to* is the contact or a person there, by default the person of the record. *files* are attachments that users of
        the web may see. With an inbox, an answer comes back into the thread: see ``receive``.

        >>> note = sales.notes.mail(deal, "The drawing", "Could you send it?")
        >>> str(note.kind), [notice.to.email for notice in sales.notices.deliver()]
        ('mail_out', ['buyer@acme.example'])
        """
        with self._sales.work() as work:
            about = subject_of(work, record)
            receiver = addressee(work, about, to, mail=True)
            enclosed = attached(work, about, files)
            note = new_note(work, about, subject=subject, text=text)
            note = attrs.evolve(note, kind=NoteKind.MAIL_OUT, called=receiver)
            write_notice(
                work, about, receiver, purpose="mail", key=f"mail:{note.id}", title=note.subject, text=note.text,
                note_id=note.id, files=tuple(one.id for one in enclosed),
            )  # fmt: skip
            return kept_note(work, note)

    def receive(self, message: bytes, *, audience: str | Audience) -> Note:
        """Thread a reply that came by mail, and return its note; the same message twice is one note. (SPEC NOTE-1)

        The mail must name one that left here (``In-Reply-To`` or ``References``), be addressed to the signed address of
        that mail, and come from whom the mail was for. *audience* says who may see its files. Raises ``Invalid`` with a
        code (huge, parts, bomb, forged, unknown, automatic, unreadable) for everything else: see the guide to notes.

        >>> from salespipeline.mail import Inbox
        >>> desk = sp.open("memory:", inbox=Inbox("replies@northgate.example", secret="sixteen bytes, or more"))
        >>> try:
        ...     desk.notes.receive(b"From: zoe@acme.example", audience="both")
        ... except sp.Invalid as error:
        ...     print(error.problems[0].code)
        unknown
        """
        from salespipeline.receiving import receive

        return receive(self._sales, message, audience=audience)


def new_note(
    work: Work,
    about: Subject,
    *,
    subject: str,
    text: str,
    owner: User | str | None = None,
    tags: Iterable[NoteTag | str] = (),
    flags: Iterable[str] = (),
    parent: Note | None = None,
    author: str | None = None,
) -> Note:
    """Return a note as it was given, checked, with those whom it mentions; or raise ``Invalid`` with every problem."""
    checks = Checks()
    id = work.new_id()
    owner_id = author or work.by if parent is None else parent.owner_id
    if owner is not None and getattr(owner, "id", owner) != work.by:
        owner_id = checks.take(work.settings.users.chosen, owner, "owner")
    chosen = checks.take(_tags, work.settings, tags, ())
    found = checks.take(mentioned, text, people(work, about.contact_id)) if isinstance(text, str) else ()
    note = Note(
        id=id,
        record_kind=about.kind,
        record_id=about.id,
        opportunity_id=about.opportunity_id,
        thread_id=id if parent is None else parent.thread_id,
        reply_to=None if parent is None else parent.id,
        subject=subject,
        text=text,
        author=author or work.by,
        owner_id=owner_id,
        tags=chosen or (),
        flags=flags,  # type: ignore[arg-type]  # checked below
        mentions=found or (),
        created_at=work.at,
        created_by=work.by,
    )
    checked = checks.take(note.checked)
    checks.done(action="add")
    return checked


def kept_note(work: Work, note: Note) -> Note:
    """Keep a new note, and tell those whom it mentions, and the owner of what it answers."""
    kept = work.keep(note, action="created")
    _tell(work, kept)
    parent = work.get(Note, kept.reply_to) if kept.reply_to is not None else None
    owner = None if parent is None else user_mention(work, parent.owner_id)
    told = {one.id for one in kept.mentions}
    if owner is not None and owner.email and owner.id not in told and owner.id != kept.author:
        _notice(work, kept, owner, "reply")
    return kept


def subject_of_note(work: Work, note: Note) -> Subject:
    """Return the record that a note is on; where that is gone, what the note says of it."""
    kinds = {"opportunity": "Opportunity", "document": "Document", "job": "Job", "contact": "Contact"}
    try:
        return subject_of(work, note.record_id)
    except LookupError:
        return Subject(
            kind=note.record_kind,
            id=note.record_id,
            title=f"{kinds.get(note.record_kind, note.record_kind)} {note.record_id}",
            record=None,
            opportunity_id=note.opportunity_id,
            contact_id=None,
        )


def _tell(work: Work, note: Note) -> None:
    for one in note.mentions:
        if not (one.kind == "user" and one.id == note.author):  # nobody is told what they said themselves
            _notice(work, note, one, "mention")


def _notice(work: Work, note: Note, to: Mention, purpose: str) -> None:
    about = subject_of_note(work, note)
    author = work.settings.users.label(note.author)
    text = f"{author} wrote on {about.title}:\n\n{note.text}"
    key = f"{purpose}:{note.id}:{to.kind}:{to.id}"
    write_notice(work, about, to, purpose=purpose, key=key, title=note.subject, text=text, note_id=note.id)


def _tags(settings: Settings, tags: Iterable[NoteTag | str], kept: tuple[str, ...]) -> tuple[str, ...]:
    checks = Checks()
    chosen = [
        checks.take(settings.note_tags.chosen, tag, f"tags[{place}]", kept=next((one for one in kept if one == tag), None))
        for place, tag in enumerate(values_of(tags, "tags"))
    ]  # fmt: skip
    checks.done()
    return tuple(dict.fromkeys(chosen))
