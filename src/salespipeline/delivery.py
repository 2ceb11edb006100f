"""One letter on its way out: claim, prepare, T1, send, T2. (SPEC SEND-5, SEND-6)

T1 is the point of no return: in one transaction the documents are checked again, numbered, frozen and sealed, and
the intent is written. Nobody holds a transaction while a PDF is drawn or a mail server talks. What was drawn before
T1 assumed a number and a day; where T1 finds another, it freezes the documents as they are now, so that what is drawn
next cannot be overtaken again. Deliveries with the same ``letter`` leave in one mail, and go through all of this
together.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from salespipeline.claiming import Taken, claim, letter_of, take
from salespipeline.codec import content_digest
from salespipeline.composing import Composer
from salespipeline.domain import protocol
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Seal
from salespipeline.domain.sending import Batch, Delivery, DeliveryState, Reason
from salespipeline.domain.settings import Settings
from salespipeline.errors import Conflict, MailError, RenderError, StorageError, TemplateError
from salespipeline.files import kept_together
from salespipeline.issuing import as_issued, foreseen, issue
from salespipeline.obstacles import obstacles_of
from salespipeline.patience import Patience
from salespipeline.planning import check_durable
from salespipeline.ports import Mail, NotSent, Outcome
from salespipeline.posting import post
from salespipeline.settling import free, settle
from salespipeline.stock import sell
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Delivered", "Sender"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
S = DeliveryState
_LOST = NotSent(reason="the store failed before the mail left", temporary=True, everything=True)


@attrs.frozen
class Delivered:
    """What became of a letter in one go; *outcome* is what the mailer answered, if it came to that.

    *paused*: nothing was done, for its batch pauses.
    """

    deliveries: tuple[Delivery, ...]
    outcome: Outcome | None = None
    paused: bool = False

    @property
    def failed(self) -> Delivery | None:
        """The first delivery that failed for good, if one did."""
        return next((one for one in self.deliveries if one.state is S.FAILED), None)


@attrs.frozen(kw_only=True)
class _Prepared:
    """The finished mail, with the digest of each document's content and PDF by the id of its delivery."""

    mail: Mail
    subject: str
    mail_digest: str
    contents: dict[str, str]
    pdfs: dict[str, str]


@attrs.frozen(kw_only=True)
class _View:
    """What a letter is made of, as it stood in one transaction.

    *obstacles* say by the id of each delivery why it cannot leave. *issued* are the documents of the others as T1 will issue
    them, in their order; ``None`` where they need numbers, which take a transaction of their own to try.
    """

    batch: Batch
    documents: dict[str, Document]
    contact: Contact | None
    settings: Settings
    at: datetime
    obstacles: dict[str, Reason | None]
    issued: list[Document] | None


class Sender:
    """Carries letters out, one at a time; *worker* names who holds a claim. *sleep* and *chance* are for tests.

    May be shared between threads.
    """

    def __init__(
        self,
        sales: Sales,
        *,
        worker: str = "",
        sleep: Callable[[float], object] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.sales = sales
        self.worker = worker or sales.ids()
        self.composer = Composer(sales)
        self._sleep = sleep
        self._chance = chance
        self._patiently = Patience(sleep, chance)

    def deliver(self, letter: str) -> Delivered:
        """Carry one letter as far as it goes now; where the pace of its batch is limited, wait for its turn first."""
        check_durable(self.sales)
        taken, view = self._claim(letter)
        if taken.wait is not None:  # the turn that begins then is ours; nothing is held meanwhile
            self._sleep(taken.wait)
            taken, view = self._claim(letter, in_turn=True)
        if view is not None:
            return self._carry(taken.held, view)
        return attrs.evolve(self._as_it_stands(letter), paused=taken.paused)

    def _claim(self, letter: str, *, in_turn: bool = False) -> tuple[Taken, _View | None]:
        try:
            with self.sales.work() as work:
                taken = claim(work, letter, worker=self.worker, in_turn=in_turn)
                return taken, self._view(work, taken.held, taken.batch) if taken.held else None
        except Conflict:  # somebody else was faster
            return Taken(), None

    def deliver_next(self, *, passing: Collection[str] = ()) -> Delivered | Taken:
        """Carry the next letter of any batch that runs as far as it goes now; or say why none could be taken."""
        check_durable(self.sales)
        with self.sales.work() as work:
            taken = take(work, worker=self.worker, passing=passing)
            view = self._view(work, taken.held, taken.batch) if taken.held else None
        return self._carry(taken.held, view) if view is not None else taken

    def _as_it_stands(self, letter: str) -> Delivered:
        with self.sales.work(write=False) as work:
            return Delivered(tuple(letter_of(work, letter)))

    def _carry(self, held: Sequence[Delivery], view: _View) -> Delivered:
        """Carry on with what was claimed, and seen, in one transaction."""
        ended: list[Delivery] = []
        try:
            left = self._until_it_leaves(held, view, ended)
        except Conflict:  # somebody changed what leaves, at this very moment: it is looked at again
            self._give_back(held)
            return self._as_it_stands(held[0].letter)
        except StorageError:
            self._give_back(held)
            raise
        if left is None:
            return Delivered(tuple(ended))
        mail, sending = left
        outcome = post(self.sales.mailer, mail)
        return Delivered((*ended, *self._patiently(lambda: self._settle(sending, outcome))), outcome)  # T2

    def _until_it_leaves(
        self, held: Sequence[Delivery], view: _View, ended: list[Delivery]
    ) -> tuple[Mail, Sequence[Delivery]] | None:
        """Return the mail that must leave now, with what it carries; ``None`` where nothing may, or not any more."""
        while True:
            prepared = self._prepare(held, view, ended)
            if prepared is None:
                return None
            sending, held = self._start(held, prepared, ended)  # T1
            if sending:
                return prepared.mail, sending
            if not held:
                return None
            with self.sales.work(write=False) as work:
                view = self._view(work, held)

    def _give_back(self, held: Sequence[Delivery]) -> None:
        """Let go of what the mailer has never had; where the store does not let us, the lease does it in time."""

        def back() -> None:
            with self.sales.work() as work:
                for one in held:
                    before = work.get(Delivery, one.id)
                    if before is None or before.fence != one.fence:
                        continue
                    if before.state is S.CLAIMED:
                        work.keep(protocol.queued_again(before), before, action="given back")
                    elif before.state is S.SENDING:  # T1 was committed, and its answer lost
                        settle(work, before, _LOST, chance=self._chance())

        with suppress(StorageError):
            self._patiently(back)

    # --- prepare ----------------------------------------------------------------------------------------------

    def _prepare(self, held: Sequence[Delivery], view: _View, ended: list[Delivery]) -> _Prepared | None:
        """Draw the PDFs and write the mail, and keep their bytes, outside any transaction.

        Those that cannot go are put to *ended*; ``None`` where none is left.
        """
        if held[0].resolved is not None and held[0].mail is not None:
            return self._as_kept(held, view)
        going = []
        for one in held:
            reason = view.obstacles[one.id]
            if reason is None:
                going.append(one)
            else:
                ended.append(self._end(one, protocol.skipped(one, reason=reason.value), "left out"))
        issued = view.issued
        if issued is None:
            issued = as_issued(self.sales, [view.documents[one.document_id] for one in going])
        pieces: list[tuple[Delivery, Document, bytes]] = []
        for one, document in zip(going, issued, strict=True):
            try:
                assert view.contact is not None  # noqa: S101 - all are left out without one
                pieces.append((one, document, self._drawn(document, view.contact, view.settings)))
            except RenderError as error:
                ended.append(self._end(one, protocol.failed(one, reason=str(error)), "failed"))
        if not pieces or view.contact is None:
            return None
        deliveries, documents, pdfs = zip(*pieces, strict=True)
        try:
            letter = self.composer.letter(view.batch, deliveries, documents, pdfs, view.contact, view.settings, view.at)
        except (TemplateError, MailError) as error:
            ended += [self._end(one, protocol.failed(one, reason=str(error)), "failed") for one in deliveries]
            return None
        mail_digest, *pdf_digests = kept_together(self.sales.blobs, (letter.mail.content, *pdfs))
        return _Prepared(
            mail=letter.mail,
            subject=letter.subject,
            mail_digest=mail_digest,
            contents={one.id: content_digest(document) for one, document, _ in pieces},
            pdfs={one.id: digest for one, digest in zip(deliveries, pdf_digests, strict=True)},
        )

    def _drawn(self, document: Document, contact: Contact, settings: Settings) -> bytes:
        """Return the PDF; whatever a foreign renderer does instead is a ``RenderError``."""
        try:
            pdf = self.composer.pdf(document, contact, settings)
        except (RenderError, StorageError):
            raise
        except Exception as error:
            raise RenderError(f"the renderer failed with {type(error).__name__}", document=document.id) from error
        if not pdf:
            raise RenderError("the renderer returned nothing", document=document.id)
        return pdf

    def _view(self, work: Work, held: Sequence[Delivery], batch: Batch | None = None) -> _View:
        """Return what the mail of *held* is made of, as it stands in *work*: T1 looks at all of it again."""
        documents = work.get_many(Document, [one.document_id for one in held])
        contact = next((work.get(Contact, one.client_id) for one in documents.values()), None)
        obstacles = obstacles_of(held, documents, work)
        if contact is None:
            obstacles = dict.fromkeys(obstacles, Reason.DELETED)
        going = [documents[one.document_id] for one in held if obstacles[one.id] is None]
        return _View(
            batch=batch if batch is not None else work.need(Batch, held[0].batch_id),
            documents=documents,
            contact=contact,
            settings=work.settings,
            at=work.at,
            obstacles=obstacles,
            issued=foreseen(work, going, contact),
        )

    def _as_kept(self, held: Sequence[Delivery], view: _View) -> _Prepared:
        """Return the very bytes of the first try: a resend carries the same Message-ID. (SPEC SEND-6)"""
        from salespipeline.mail import Address

        first, batch = held[0], view.batch
        everybody = {Address.of(one).key: Address.of(one).spec for one in reversed((*first.to, *batch.cc, *batch.bcc))}
        recipients = tuple(reversed(everybody.values()))
        mail = Mail(
            message_id=first.message_id,
            sender=view.settings.organisation.email,
            recipients=recipients,
            content=b"".join(self.sales.blobs.read(str(first.mail))),
        )
        return _Prepared(
            mail=mail,
            subject=first.subject,
            mail_digest=str(first.mail),
            contents={one.id: str(one.content) for one in held},
            pdfs={one.id: str(one.pdf) for one in held},
        )

    # --- T1 ---------------------------------------------------------------------------------------------------

    def _start(
        self, held: Sequence[Delivery], prepared: _Prepared, ended: list[Delivery]
    ) -> tuple[list[Delivery], list[Delivery]]:
        """T1: check again, number, freeze, seal, and write the intent, in one transaction.

        Returns those that are being sent now; or, where the mail must be made anew, those that it is made for.
        """
        with self.sales.work() as work:
            current = [work.need(Delivery, one.id) for one in held if one.id in prepared.contents]
            if any(
                one.fence != before.fence or one.state is not S.CLAIMED
                for one, before in zip(current, [one for one in held if one.id in prepared.contents], strict=True)
            ):
                ended += current  # somebody else holds it now
                return [], []
            documents = work.get_many(Document, [one.document_id for one in current])
            obstacles = obstacles_of(current, documents, work)
            going: list[Delivery] = []
            for one in current:
                document = documents.get(one.document_id)
                reason = obstacles[one.id]
                if self._resent(one, document) or reason is None:
                    going.append(one)
                else:
                    free(work, one, document)
                    ended.append(work.keep(protocol.skipped(one, reason=reason.value), one, action="left out"))
            if len(going) < len(current):  # the mail speaks of one that does not leave
                return [], going
            return self._frozen(work, going, documents, prepared)

    @staticmethod
    def _resent(delivery: Delivery, document: Document | None) -> bool:
        return delivery.resolved is not None and document is not None and document.in_transit == delivery.id

    def _frozen(
        self, work: Work, going: Sequence[Delivery], documents: dict[str, Document], prepared: _Prepared
    ) -> tuple[list[Delivery], list[Delivery]]:
        issued = {one.id: issue(work, documents[one.document_id], work.at) for one in going}
        drawn_right = all(
            self._resent(one, documents[one.document_id]) or content_digest(issued[one.id]) == prepared.contents[one.id]
            for one in going
        )
        sending, again = [], []
        now = work.now
        for one in going:
            document, content = issued[one.id], prepared.contents[one.id]
            frozen = attrs.evolve(document, in_transit=one.id)
            if drawn_right and not self._resent(one, documents[one.document_id]):
                frozen = attrs.evolve(frozen, seal=document.seal or Seal(content=content, pdf=prepared.pdfs[one.id]))
            kept = work.keep(frozen, documents[one.document_id], action="sending" if drawn_right else "issued")
            if not drawn_right:  # another number, or another day: it cannot change any more, so the next try holds
                again.append(work.keep(attrs.evolve(one, document_version=kept.version), one, action="issued"))
                continue
            sell(work, kept)
            intent = protocol.started(
                one,
                now=now,
                document_version=kept.version,
                document_reference=kept.reference or "",
                subject=prepared.subject,
                message_id=prepared.mail.message_id,
                mail=prepared.mail_digest,
                pdf=prepared.pdfs[one.id],
                content=content,
            )
            sending.append(work.keep(intent, one, action="sending"))
        return sending, again

    # --- T2 ---------------------------------------------------------------------------------------------------

    def _settle(self, sending: Sequence[Delivery], outcome: Outcome) -> list[Delivery]:
        """T2: write down what became of it. Where this fails, the delivery stays in SENDING, and becomes uncertain."""
        settled = []
        with self.sales.work() as work:
            for one in sending:
                before = work.need(Delivery, one.id)
                if before.fence == one.fence and before.state is S.SENDING:
                    before = settle(work, before, outcome, chance=self._chance())
                settled.append(before)
        for one in settled:
            log.info("settled delivery=%s batch=%s state=%s", one.id, one.batch_id, one.state.name.lower())
        return settled

    def _end(self, delivery: Delivery, after: Delivery, action: str) -> Delivery:
        """Write down that *delivery* goes no further, unless somebody else holds it now."""
        with self.sales.work() as work:
            before = work.need(Delivery, delivery.id)
            if before.fence != delivery.fence or before.state is not S.CLAIMED:
                return before
            free(work, before, work.get(Document, before.document_id))
            return work.keep(attrs.evolve(after, version=before.version), before, action=action)
