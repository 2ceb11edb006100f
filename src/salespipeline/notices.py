"""``sales.notices``: the mails of the desk itself, and how they leave: at most once each. (SPEC NOTE-1, NOTE-2)

They are written with what they tell of. ``deliver`` carries them out, from as many workers as you like: the intent to
send is kept before a mail leaves, and what came of it after; nobody holds a transaction while a mail server talks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Literal

from salespipeline.claiming import any_of
from salespipeline.collection import Collection
from salespipeline.deal_filters import as_id, deal_filter
from salespipeline.domain.attachments import Attachment
from salespipeline.domain.notes import Mention
from salespipeline.domain.notices import Notice, NoticeState
from salespipeline.domain.settings import Settings
from salespipeline.errors import Conflict, Invalid, MailError, Problem, Refused, StorageError, Unavailable, shown
from salespipeline.filters import choice, identity, moment
from salespipeline.listing import Shape
from salespipeline.patience import Patience
from salespipeline.planning import check_durable, check_sender
from salespipeline.ports import Accepted, Mail, NotSent, Outcome, Unknown
from salespipeline.posting import post
from salespipeline.query import All, Cmp, Query
from salespipeline.subjects import Subject
from salespipeline.work import Work

__all__ = ["Notices", "write_notice"]

S = NoticeState


def _row(one: Notice, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "purpose": one.purpose,
        "to": one.to.name,
        "email": one.to.email,
        "subject": one.subject,
        "state": one.state.value,
        "reason": one.reason,
        "created": one.created_at,
        "sent": one.sent_at,
    }


class Notices(Collection[Notice]):
    """Every notice: who was told what, and what came of it.

    >>> note = sales.acting("tom").notes.add(deal, "Floor load", "@jane, please ask.")
    >>> [one.reason for one in sales.notices.deliver()]  # she has no address yet
    ['Jane Whitfield has no e-mail address']
    """

    cls = Notice
    key = "message_id"
    shape = Shape(
        kind="notice",
        filters={
            "opportunity": deal_filter,
            "record": identity("record", as_id),
            "purpose": choice("purpose", ("mention", "reply", "mail", "alert", "change")),
            "state": choice("state", NoticeState),
            "to": identity("to", as_id),
            "created": moment("created", "created"),
        },
        orders={"created": "created"},
        default="-created",
        row=_row,
        columns=dict.fromkeys(("purpose", "to", "email", "subject", "state", "reason"), str)
        | {"created": datetime, "sent": datetime},
    )

    def deliver(self, *, most: int | None = None) -> list[Notice]:
        """Send what waits, *most* of it at once if given; return what was sent, or failed. Run it as often as you like.

        What a worker that died was sending becomes *uncertain*: ``resolve`` says what became of it. Raises
        ``Refused`` inside a transaction, ``OpenError`` without a mailer. Everything that waits is sent, whoever does this;
        it returns what this actor may read.

        >>> _ = sales.settings.users.edit("jane", email="jane@northgate.example")
        >>> _ = sales.acting("tom").notes.add(deal, "Floor load", "@jane, please ask.")
        >>> [(one.to.email, str(one.state)) for one in sales.notices.deliver()]
        [('jane@northgate.example', 'sent')]
        """
        return list(islice(self.delivering(), most))

    def delivering(self) -> Iterator[Notice]:
        """Send what waits, one by one: yield each when it was sent, or failed, and take the next when that is asked for.

        >>> _ = sales.settings.users.edit("jane", email="jane@northgate.example")
        >>> _ = sales.acting("tom").notes.add(deal, "Floor load", "@jane, please ask.")
        >>> for notice in sales.notices.delivering():
        ...     print(notice.to.email, notice.state)
        jane@northgate.example sent
        """
        for one in Notices(self._sales.unguarded())._delivering():
            yield from self._sales.seen_of(Notice, [one])

    def _delivering(self) -> Iterator[Notice]:
        check_durable(self._sales)
        check_sender(self._sales)
        mailer = self._sales.mailer  # says at once where there is none
        self.recover()
        while any_of(self._sales, _due) and (one := self._take()) is not None:
            try:
                mail = self._mail(one)
            except (MailError, StorageError, LookupError) as error:
                outcome: Outcome = NotSent(reason=str(error), temporary=isinstance(error, Unavailable))
            else:
                outcome = post(mailer, mail)
            yield Patience()(partial(self._settle, one, outcome))
            if isinstance(outcome, NotSent) and outcome.everything:
                break  # nothing is wrong with this one, and the next would fare no better

    def recover(self) -> list[Notice]:
        """Make *uncertain* what nobody has been sending for longer than a mail server may take.

        >>> sales.notices.recover()
        []
        """
        return self._sales.seen_of(Notice, Notices(self._sales.unguarded())._recover())

    def _recover(self) -> list[Notice]:
        if not any_of(self._sales, _late):
            return []
        with self._sales.work() as work:
            found = list(work.claim(_late(work)))
            return [work.keep(one.unsure("whoever sent it has not come back"), one, action="lost") for one in found]

    def resolve(self, notice: Notice | str, outcome: Literal["sent", "not_sent", "resend"]) -> Notice:
        """Say what became of an *uncertain* one: it was sent, it was not, or it shall go again.

        >>> from salespipeline.mail import Memory
        >>> from salespipeline.ports import Unknown
        >>> desk = sp.open("memory:", mailer=Memory([Unknown(reason="the line dropped")]))
        >>> _ = desk.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        >>> _ = desk.settings.users.add("Tom", id="tom", email="tom@northgate.example")
        >>> _ = desk.notes.add(desk.contacts.add("Acme Ltd"), "Call back", "@tom")
        >>> (lost,) = desk.notices.deliver()
        >>> str(lost.state), str(desk.notices.resolve(lost, "resend").state), [str(one.state) for one in desk.notices.deliver()]
        ('uncertain', 'queued', ['sent'])
        """

        def move(before: Notice, work: Work) -> Notice:
            if before.state is not S.UNCERTAIN:
                message = f"notice {before.id} is {before.state.value}: only an uncertain one is resolved"
                raise Refused(message, record=f"notice {before.id}", action="resolve")
            if outcome == "sent":
                return before.sent(at=work.at)
            if outcome not in ("not_sent", "resend"):
                raise Invalid(Problem("outcome", "choice", f"say sent, not_sent or resend, not {shown(outcome)}"))
            return before.resent() if outcome == "resend" else before.refused("a person said so", now=0, again=False)

        return self._change(notice, move, f"resolved as {outcome}")

    # --- one mail ---------------------------------------------------------------------------------------------

    def _take(self) -> Notice | None:
        """Return the next one that is due, with the intent to send it kept."""
        from salespipeline.mail import message_id_for

        while True:
            try:
                with self._sales.work() as work:
                    now, sender = work.tx.now(), work.settings.organisation.email
                    found = list(work.claim(_due(work)))
                    if not found:
                        return None
                    (one,) = found
                    started = one.started(now=now, message_id=one.message_id or message_id_for(one.id, sender))
                    kept: Notice = work.keep(started, one, action="sending")
                    return kept
            except Conflict:  # another worker was faster
                continue

    def _mail(self, one: Notice) -> Mail:
        from salespipeline import mail
        from salespipeline.mail.received import MARK

        if not one.to.email:
            raise MailError(f"{one.to.name} has no e-mail address")
        with self._sales.work(write=False) as work:
            seller = work.settings.organisation
            kept = work.get_many(Attachment, one.files)
        files = [kept[id] for id in one.files if id in kept]
        for file in files:
            file.refuse_reading()
        inbox = self._sales.inbox if one.note_id is not None else None
        automatic = {} if one.purpose == "mail" else {"Auto-Submitted": "auto-generated"}
        return mail.build_mail(
            message_id=one.message_id,
            date=one.created_at,
            sender=mail.Address(seller.email, seller.name),
            to=mail.Address(one.to.email, one.to.name),
            reply_to=None if inbox is None else inbox.reply_to(one.message_id, one.to.email),
            subject=one.subject,
            text=one.text if inbox is None else f"{MARK}\n\n{one.text}",
            attachments=[
                mail.Attachment(file.name, b"".join(self._sales.blobs.read(file.digest)), file.media_type)
                for file in files
            ],
            headers=automatic,
        )

    def _settle(self, one: Notice, outcome: Outcome) -> Notice:
        """Write down what became of it, unless its lease was over and somebody else has decided meanwhile."""
        with self._sales.work() as work:
            before = work.need(Notice, one.id)
            if before.state is not S.SENDING or before.tries != one.tries:
                return before
            match outcome:
                case Accepted(refused=refused) if not refused:
                    after, action = before.sent(at=work.at), "sent"
                case Accepted(refused=refused):
                    reason = "; ".join(refused.values())
                    after, action = before.refused(reason, now=work.tx.now(), again=False), "failed"
                case NotSent(reason=reason, temporary=temporary, everything=everything):
                    after = before.refused(reason, now=work.tx.now(), again=temporary or everything)
                    action = "put off" if after.state is S.QUEUED else "failed"
                case Unknown(reason=reason):
                    after, action = before.unsure(reason), "uncertain"
            return work.keep(after, before, action=action)


def _due(work: Work) -> Query:
    due = All((Cmp("state", "=", S.QUEUED.value), Cmp("retry_at", "<=", work.tx.now())))
    return Query(kind="notice", where=due, order=("created",), limit=1)


def _late(work: Work) -> Query:
    lost = All((Cmp("state", "=", S.SENDING.value), Cmp("lease_until", "<=", work.tx.now())))
    return Query(kind="notice", where=lost)


def write_notice(
    work: Work,
    subject: Subject,
    to: Mention,
    *,
    purpose: str,
    key: str,
    title: str,
    text: str,
    note_id: str | None = None,
    files: tuple[str, ...] = (),
) -> Notice | None:
    """Write a notice in the transaction that is open.

    ``None`` where one of this *key* was written before, or where *to* is a user who may not read what it tells of.
    """
    with work.unguarded():
        known = list(work.columns(Query(kind="notice", where=Cmp("key", "=", key), limit=1), ("id",)))
    if known:
        return None
    told = [(subject.kind, subject.id), *([("note", note_id)] if note_id is not None and purpose != "mail" else [])]
    if to.kind == "user" and not all(work.read_by(to.id, kind, id) for kind, id in told):
        return None
    notice = Notice(
        id=work.new_id(),
        purpose=purpose,
        key=key,
        record_kind=subject.kind,
        record_id=subject.id,
        opportunity_id=subject.opportunity_id,
        note_id=note_id,
        to=to,
        subject=title[:200],
        text=text,
        files=files,
        created_at=work.at,
        created_by=work.by,
    )
    return work.keep(notice, action="written")
