"""``sales.deliveries``: what became of each mail, and what a person decides where nobody can know. (SPEC SEND-6)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from salespipeline import text
from salespipeline.collection import Collection
from salespipeline.deal_filters import as_id
from salespipeline.delivery import Sender
from salespipeline.domain.document import Fact
from salespipeline.domain.sending import Batch, Delivery, DeliveryState, moved
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, NotAllowed, Problem, shown
from salespipeline.filters import identity
from salespipeline.listing import Shape
from salespipeline.ports import Accepted, NotSent
from salespipeline.query import All, Cmp, OneOf, Predicate, Query
from salespipeline.sending_report import SendReport
from salespipeline.settling import settle
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
        "reason": delivery.reason.removeprefix("!"),
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
    """

    cls = Delivery
    key = "message_id"
    shape = Shape(
        kind="delivery",
        filters={
            "state": identity("state", _state),
            "batch": identity("batch", as_id),
            "document": identity("document", as_id),
        },
        orders={"planned": "planned", "position": "position"},
        default="-planned",
        row=_row,
        columns=dict.fromkeys(("document", "state", "to", "subject"), str)
        | {"planned": datetime, "sent": datetime, "reason": str},
    )

    def of_batch(self, batch: Batch | str, states: Iterable[DeliveryState] = ()) -> list[Delivery]:
        """Return the deliveries of a batch in their order, those in *states* only if some are given."""
        parts: tuple[Predicate, ...] = (Cmp("batch", "=", batch if isinstance(batch, str) else batch.id),)
        if wanted := tuple(state.value for state in states):
            parts += (OneOf("state", wanted),)
        with self._sales.work(write=False) as work:
            return list(work.find(Query(kind="delivery", where=All(parts), order=("position",))))

    def recover(self) -> int:
        """Take up what a crash left: claims go back to the queue, and what was being sent becomes uncertain.

        Only what is past its lease, by the store's clock. Returns how many there were.
        """
        number = 0
        with self._sales.work() as work:
            active = OneOf("state", (S.CLAIMED.value, S.PREPARED.value, S.SENDING.value))
            expired = Query(kind="delivery", where=All((active, Cmp("lease_until", "<", work.tx.now()))))
            for before in list(work.find(expired)):
                if before.state is S.SENDING:
                    why = "the sender stopped while it was sending; nobody knows whether the server took it"
                    after = moved(before, S.UNCERTAIN, lease_until=None, reason=why)
                else:
                    after = moved(before, S.QUEUED, lease_until=None)
                work.keep(after, before, action="lease expired")
                number += 1
        return number

    def resume(self, batch: Batch | str, *, template: Any = None, progress: Any = None) -> SendReport:
        """Go on with a batch that paused, or whose mails wait to be tried again. (SPEC SEND-7)"""
        self.recover()
        with self._sales.work(write=False) as work:
            found = work.need(Batch, batch if isinstance(batch, str) else batch.id)
        sender = Sender(self._sales, template if template is not None else found.template or None)
        return sender.carry_out(found, [], progress=progress)

    def resolve(self, delivery: Delivery | str, how: str, *, why: str) -> Delivery:
        """Decide about an uncertain one: ``sent``, ``not_sent`` or ``resend``; who and why is recorded. (SPEC SEND-6)

        A resend carries the same Message-ID and the same bytes; ``resume`` its batch to let it go.
        """
        if how not in ("sent", "not_sent", "resend"):
            raise Invalid(Problem("how", "choice", f"say 'sent', 'not_sent' or 'resend', not {shown(how)}"))
        reason = text.clean(why, "why", most=2000, lines=True, required=True)

        def move(before: Delivery, work: Work) -> Delivery:
            if before.state is not S.UNCERTAIN:
                message = f"delivery {before.id} is {before.state.value}, not uncertain: there is nothing to decide"
                raise NotAllowed(message, record=f"delivery {before.id}", action="resolve")
            decided = attrs.evolve(before, resolved=Fact(at=work.at, by=work.by, why=reason))
            if how == "resend":
                return moved(decided, S.RETRY_WAIT, retry_at=work.tx.now())
            return decided

        decided = self._change(delivery, move, f"resolved: {how}")
        if how == "resend":
            return decided
        with self._sales.work() as work:
            outcome = (
                Accepted() if how == "sent" else NotSent(reason=f"a person decided that it was not sent: {reason}")
            )
            return settle(work, work.need(Delivery, decided.id), outcome)
