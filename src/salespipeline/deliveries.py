"""``sales.deliveries``: what became of each mail, and what a person decides where nobody can know. (SPEC SEND-6)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from salespipeline import batches, text
from salespipeline.claiming import any_of, letter_of
from salespipeline.collection import Collection
from salespipeline.composing import Composer
from salespipeline.deal_filters import as_id
from salespipeline.domain import protocol
from salespipeline.domain.document import Document, Fact
from salespipeline.domain.sending import Batch, Delivery, DeliveryState
from salespipeline.domain.settings import Settings
from salespipeline.domain.templates import PURPOSES, MailTemplate
from salespipeline.errors import Invalid, NotFound, Problem, shown
from salespipeline.filters import choice, identity, instants
from salespipeline.listing import Shape
from salespipeline.query import All, Cmp, OneOf, Predicate, Query
from salespipeline.sending_report import SendReport, SendRow
from salespipeline.settling import free, mark_sent
from salespipeline.work import Work

__all__ = ["Deliveries"]

S = DeliveryState


def _row(delivery: Delivery, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "document": delivery.document_reference,
        "state": delivery.state.value,
        "to": ", ".join(delivery.to),
        "subject": delivery.subject,
        "planned": delivery.planned_at,
        "sent": delivery.sent_at,
        "reason": delivery.reason,
    }


def _state(_settings: Settings, value: object, path: str) -> str:
    for state in DeliveryState:
        if value in (state, state.value, state.name.lower()):
            return state.value
    message = f"{shown(value)} is not one of {', '.join(state.value for state in DeliveryState)}"
    raise Invalid(Problem(path, "choice", message))


class Deliveries(Collection[Delivery]):
    """Every delivery; found by id or Message-ID.

    Here nobody knows whether the server took a mail; a person finds out that it did not, and has it sent again:

    >>> from salespipeline.ports import Unknown
    >>> shop = sp.open(sales.store, actor="jane", mailer=sp.mail.Memory([Unknown(reason="the line dropped")]))
    >>> print(shop.documents.all().plan_send_all().run())
    Sent all: 1 uncertain
      uncertain: 1 × the line dropped
    >>> delivery = shop.deliveries.where(state="uncertain").one()
    >>> shop.deliveries.recover(), len(shop.deliveries.of_batch(delivery.batch_id))
    (0, 1)
    >>> _ = shop.deliveries.resolve(delivery, "resend", why="Zoë Field says that nothing came")
    >>> print(shop.deliveries.resume(delivery.batch_id))
    Sent all: 1 sent

    A batch that is left to the workers can be paused, gone on with, and cancelled, by anybody and at any time:

    >>> batch = shop.documents.all().plan_send_all(again=True).queue()
    >>> shop.deliveries.pause(batch, why="the price list is wrong").state.value
    'paused'
    >>> print(shop.deliveries.cancel(batch, why="the price list is wrong"))
    Sent all: 1 left out
      left out: 1 × the batch was cancelled: the price list is wrong
    >>> [one.state.value for one in shop.deliveries.batches()], shop.deliveries.look_up()
    (['done', 'done'], 0)
    """

    cls = Delivery
    key = "message_id"
    shape = Shape(
        kind="delivery",
        filters={
            "state": identity("state", _state),
            "batch": identity("batch", as_id),
            "document": identity("document", as_id),
            "purpose": choice("purpose", PURPOSES),
            "planned": instants("planned"),
        },
        orders={"planned": "planned", "position": "position"},
        default="-planned",
        row=_row,
        columns=dict.fromkeys(("document", "state", "to", "subject"), str)
        | {"planned": datetime, "sent": datetime, "reason": str},
    )

    def of_batch(self, batch: Batch | str, states: Iterable[DeliveryState] = ()) -> list[Delivery]:
        """Return the deliveries of a batch in their order, those in *states* only if some are given."""
        parts: tuple[Predicate, ...] = (Cmp("batch", "=", _id_of(batch)),)
        if wanted := tuple(state.value for state in states):
            parts += (OneOf("state", wanted),)
        with self._sales.work(write=False) as work:
            return list(work.find(Query(kind="delivery", where=All(parts), order=("position",))))

    def batches(self) -> list[Batch]:
        """Return every batch, the newest first."""
        with self._sales.work(write=False) as work:
            return list(work.find(Query(kind="batch", order=("started",), descending=True)))

    def report(self, batch: Batch | str) -> SendReport:
        """Return where every document of a batch stands, at any time and from any process. (SPEC SEND-3)"""
        return batches.report(self._sales, self._batch(batch))

    def recover(self) -> int:
        """Take up what a crash left: claims go back to the queue, and what was being sent becomes uncertain.

        Only what is past its lease, by the store's clock. Returns how many there were that who acts may read.
        """
        sales = self._sales.unguarded()

        def over(work: Work) -> Query:
            active = OneOf("state", (S.CLAIMED.value, S.PREPARED.value, S.SENDING.value))
            return Query(kind="delivery", where=All((active, Cmp("lease_until", "<", work.now))))

        if not any_of(sales, over):
            return 0
        taken = []
        with sales.work() as work:
            for before in list(work.claim(over(work))):
                after = protocol.expired(before, now=work.now)
                if after is not None:
                    taken.append(work.keep(after, before, action="lease expired"))
        return len(self._sales.seen_of(Delivery, taken))

    def pause(self, batch: Batch | str, *, why: str = "") -> Batch:
        """Stop a batch after the letter that is on its way; nothing is lost. (SPEC SEND-7)"""
        return batches.pause(self._sales, self._batch(batch).id, why=_why(why) or f"by {self._sales.actor}")

    def cancel(self, batch: Batch | str, *, why: str = "") -> SendReport:
        """Leave out everything of a batch that has not left yet. (SPEC SEND-7)"""
        return batches.report(self._sales, batches.cancel(self._sales, self._batch(batch).id, why=_why(why)))

    def resume(
        self,
        batch: Batch | str,
        *,
        progress: Callable[[int, int, SendRow], None] | None = None,
        on_error: str = "continue",
    ) -> SendReport:
        """Go on with a batch that paused, or whose mails wait to be tried again, here and now. (SPEC SEND-7)

        Any process may do so, days later: the words, the recipients and the files are kept with the batch. Where its mails
        were not all made once yet, because the trial was stopped or broke off, they are tried first, as ``run`` does.
        """
        batches.check_on_error(on_error)
        self.recover()
        going = batches.go_on(self._sales, self._batch(batch).id)
        return batches.carried_out(self._sales, going, progress=progress, on_error=on_error)

    def resolve(self, delivery: Delivery | str, how: str, *, why: str) -> Delivery:
        """Decide about an uncertain one: ``sent``, ``not_sent`` or ``resend``; who and why is recorded. (SPEC SEND-6)

        All documents of one mail are decided together. A resend carries the same Message-ID and the same bytes;
        ``resume`` its batch, or leave it to a worker, to let it go.
        """
        reason = text.clean(why, "why", most=2000, lines=True, required=True)
        with self._sales.work() as work:
            record = self._named(work, delivery)
            work.demand("send", work.need(Document, record.document_id), move=f"resolved: {how}")
            with work.unguarded():  # the others in the same mail, too
                return self._decide(work, record, how, Fact(at=work.at, by=work.by, why=reason))

    def words(self, delivery: Delivery | str) -> MailTemplate:
        """Return the words that a delivery is, or was, mailed with, with the name and the version of their template.

        >>> batch = sales.documents.all().plan_send_all().queue()
        >>> sales.deliveries.words(sales.deliveries.of_batch(batch)[0]).name
        'quote (en_GB)'
        """
        record = self.get(delivery) if isinstance(delivery, str) else delivery
        if not record.template:
            raise NotFound(f"delivery {record.id} was left out before it had words", kind="template", key=record.id)
        return Composer(self._sales).template(record.template)

    def look_up(self) -> int:
        """Ask the mailer what became of every uncertain mail, where it can tell; return how many it could.

        A mailer that keeps what it took has a method ``lookup(message_id)`` that returns ``True``, ``False``, or ``None``
        where it does not know. (SPEC SEND-6)
        """
        lookup: Callable[[str], bool | None] | None = getattr(self._sales.mailer, "lookup", None)
        told: list[Delivery] = []
        if lookup is None:
            return 0
        everybodys = Deliveries(self._sales.unguarded())
        for delivery in list(everybodys.where(state="uncertain")):
            known = lookup(delivery.message_id)
            if known is None:
                continue
            with everybodys._sales.work() as work:
                current = work.need(Delivery, delivery.id)
                if current.state is S.UNCERTAIN:
                    fact = Fact(at=work.at, by="mailer", why="the mailer was asked")
                    told.append(self._decide(work, current, "sent" if known else "resend", fact))
        return len(self._sales.seen_of(Delivery, told))

    def _decide(self, work: Work, record: Delivery, how: str, fact: Fact) -> Delivery:
        decided = record
        for one in letter_of(work, record.letter):
            if one.id != record.id and one.state is not S.UNCERTAIN:
                continue
            after = protocol.resolved(one, how, fact=fact, now=work.now)
            document = work.get(Document, one.document_id)
            if how == "sent" and document is not None:
                mark_sent(work, document)
            elif how == "not_sent":
                free(work, one, document)
            kept = work.keep(after, one, action=f"resolved: {how}")
            decided = kept if one.id == record.id else decided
        return decided

    def _batch(self, given: Batch | str) -> Batch:
        with self._sales.work(write=False) as work:
            return work.need(Batch, _id_of(given))


def _id_of(batch: Batch | str) -> str:
    return batch if isinstance(batch, str) else batch.id


def _why(why: str) -> str:
    return text.clean(why, "why", most=400)
