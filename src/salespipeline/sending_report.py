"""What people see of *send all*: the plan before, the report after. (SPEC SEND-3)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from salespipeline.domain.display import Tabular
from salespipeline.domain.sending import Delivery, DeliveryState, Reason
from salespipeline.money import Money

if TYPE_CHECKING:
    from salespipeline.composing import Letter
    from salespipeline.domain.templates import MailTemplate
    from salespipeline.sales import Sales
    from salespipeline.send_options import SendOptions

__all__ = ["Plan", "PlanRow", "PlannedFile", "SendReport", "SendRow"]

SHOWN = 20
PLAN_COLUMNS = {
    "reference": str, "type": str, "contact": str, "to": str, "subject": str, "total": Decimal, "currency": str,
    "attachments": str, "left_out": str,
}  # fmt: skip
SENT_COLUMNS = dict.fromkeys(("reference", "state", "to", "subject", "reason"), str)


@attrs.frozen
class PlannedFile:
    """A file of a mail that is planned: its name, and how many bytes it has, where that is known before it is drawn."""

    name: str
    size: int | None = None

    def __str__(self) -> str:
        return self.name if self.size is None else f"{self.name} ({_size(self.size)})"


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB" if number >= 1_000_000 else f"{max(1, round(number / 1000))} kB"


@attrs.frozen(kw_only=True)
class PlanRow:
    """One document of a plan: who gets it with which subject and which files, or every reason why it is left out.

    *expected* is the number that a document without one would get now. Rows with the same *letter* leave in one mail, which
    is the *key* of the first of them. A row without a document that is not left out *drafts* one from its opportunity, as it
    stood in *opportunity_version*, when the plan is run. *size* is that of the finished mail, once it was made.
    """

    key: str
    document_id: str
    document_version: int
    opportunity_id: str = ""
    opportunity_version: int = 0
    turn: int = 0
    reference: str
    type: str
    contact: str
    to: tuple[str, ...]
    subject: str
    total: Money
    reasons: tuple[Reason, ...] = ()
    detail: str = ""
    revision: int = 0
    expected: str = ""
    letter: str = ""
    template: MailTemplate | None = None
    files: tuple[PlannedFile, ...] = ()
    size: int | None = None

    @property
    def drafts(self) -> bool:
        """Whether its document is drafted when the plan is run."""
        return not self.document_id and not self.reasons

    @property
    def why(self) -> str:
        """Why it is left out, in words."""
        return "; ".join(reason.value for reason in self.reasons) + (f" ({self.detail})" if self.detail else "")


@attrs.frozen(kw_only=True)
class SendRow:
    """What became of one document."""

    document_id: str
    reference: str
    state: DeliveryState
    to: tuple[str, ...] = ()
    subject: str = ""
    reason: str = ""
    delivery_id: str | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> SendRow:
        """Return how a report shows a delivery."""
        return cls(
            document_id=delivery.document_id,
            reference=delivery.document_reference,
            state=delivery.state,
            to=delivery.to,
            subject=delivery.subject,
            reason=delivery.reason,
            delivery_id=delivery.id,
        )


class Plan(Tabular):
    """What *send all* would do. Look at it, then ``run()`` it; until then nothing has left and nothing is written.

    >>> plan = sales.documents.where(type="quote", sent=False).plan_send_all()
    >>> plan, plan.to_dicts()[0]["to"]
    (<Send all: 1 to mail, 0 left out>, 'buyer@acme.example')
    >>> plan.to_pandas()["total"].sum() == plan.to_polars()["total"].sum()
    True
    >>> "QUO/00001" in plan.to_html(), plan.to_csv().count("QUO/00001")
    (True, 2)
    >>> plan.preview("QUO/00001").bodies.text.splitlines()[0]
    'Dear Sir or Madam,'
    >>> print(plan.run(key="quotes of 24 November"))
    Sent all: 1 sent
    """

    def __init__(self, rows: tuple[PlanRow, ...], *, options: SendOptions, sales: Sales) -> None:
        self.rows = rows
        self.options = options
        self._sales = sales

    @property
    def included(self) -> tuple[PlanRow, ...]:
        """The documents that would be mailed."""
        return tuple(row for row in self.rows if not row.reasons)

    @property
    def left_out(self) -> tuple[PlanRow, ...]:
        """The documents that would not, with the reasons."""
        return tuple(row for row in self.rows if row.reasons)

    def preview(self, document: str | None = None) -> Letter:
        """Return the mail that a document would leave in, by its id or reference; of the first one by default.

        Raises ``NotFound`` where the plan does not mail it, ``TemplateError``, ``RenderError`` or ``MailError`` where the
        mail cannot be made.
        """
        from salespipeline.rehearsing import preview

        return preview(self._sales, self, document)

    def rehearse(self) -> Plan:
        """Make every mail once, and return the plan with what was learnt: the sizes, and what cannot be made. Nothing leaves.

        >>> plan = sales.documents.all().plan_send_all().rehearse()
        >>> [str(file) for file in plan.rows[0].files], plan.rows[0].size > 20_000
        (['QUO-00001.pdf (... kB)'], True)
        """
        from salespipeline.rehearsing import rehearsed

        return rehearsed(self._sales, self)

    def run(
        self,
        *,
        progress: Callable[[int, int, SendRow], None] | None = None,
        on_error: str = "continue",
        per_second: float | None = None,
        key: str | None = None,
    ) -> SendReport:
        """Send them, and report on every document.

        *progress* is called with (done, total, row). *on_error* is ``continue``, or ``abort`` to pause at the first mail
        that cannot be made or is refused. *per_second* limits the pace of all workers together. *key* is an idempotency
        key: a second run with the same one goes on with the first, and starts nothing new.
        """
        from salespipeline.batches import run

        return run(self._sales, self, progress=progress, on_error=on_error, per_second=per_second, key=key)

    def queue(self, *, per_second: float | None = None, key: str | None = None) -> str:
        """Leave it to the workers: write the batch, and return its id; ``deliveries.report`` tells how it goes.

        >>> batch = sales.documents.all().plan_send_all().queue()
        >>> print(sales.deliveries.report(batch))
        Sent all: 1 queued
        """
        from salespipeline.starting import start

        return start(self._sales, self, per_second=per_second, key=key).id

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows."""
        return [
            {
                "reference": row.reference or row.expected,
                "type": row.type,
                "contact": row.contact,
                "to": ", ".join(row.to),
                "subject": row.subject,
                "total": row.total.amount,
                "currency": str(row.total.currency),
                "attachments": ", ".join(map(str, row.files)),
                "left_out": row.why,
            }
            for row in self.rows
        ]

    def to_html(self) -> str:
        """Return a table of every document, to show in a page or to keep; a notebook shows the first ones only."""
        from salespipeline.notebook import plan_html

        return plan_html(self, most=None)

    def _columns(self) -> Mapping[str, type]:
        return PLAN_COLUMNS

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[PlanRow]:
        return iter(self.rows)

    def _repr_html_(self) -> str:
        from salespipeline.notebook import plan_html

        return plan_html(self)

    @property
    def headline(self) -> str:
        """How many would be mailed, and how many not."""
        return f"Send all: {len(self.included)} to mail, {len(self.left_out)} left out"

    def __str__(self) -> str:
        lines = [self.headline]
        lines += [
            f"  {row.reference or row.expected:<14} {row.total!s:>18}  → {', '.join(row.to)}: {row.subject}"
            for row in self.included[:SHOWN]
        ]
        if len(self.included) > SHOWN:
            lines.append(f"  … and {len(self.included) - SHOWN} more")
        counts = Counter("; ".join(reason.value for reason in row.reasons) for row in self.left_out)
        lines += [f"  left out: {number} × {why}" for why, number in sorted(counts.items())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self.headline}>"


class SendReport(Tabular):
    """What *send all* did: every planned document once. *paused* says why it stopped early, if it did.

    >>> report = sales.documents.all().plan_send_all().run()
    >>> report.count(DeliveryState.SENT), report.to_dicts()[0]["state"]
    (1, 'sent')
    >>> report.to_csv().splitlines()[0], report.to_html().count("<tr>")
    ('"reference","state","to","subject","reason"', 2)
    >>> list(report.to_pandas()["to"]) == list(report.to_polars()["to"])
    True
    """

    def __init__(self, rows: tuple[SendRow, ...], *, batch_id: str, paused: str = "") -> None:
        self.rows = rows
        self.batch_id = batch_id
        self.paused = paused

    def count(self, state: DeliveryState) -> int:
        """Return how many documents are in this state."""
        return sum(row.state is state for row in self.rows)

    @property
    def sent(self) -> tuple[SendRow, ...]:
        """Those that the server took."""
        return tuple(row for row in self.rows if row.state in (DeliveryState.SENT, DeliveryState.SENT_PARTIAL))

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows."""
        return [
            {
                "reference": row.reference,
                "state": row.state.value,
                "to": ", ".join(row.to),
                "subject": row.subject,
                "reason": row.reason,
            }
            for row in self.rows
        ]

    def to_html(self) -> str:
        """Return a table of every document, to show in a page or to keep; a notebook shows the first ones only."""
        from salespipeline.notebook import sent_html

        return sent_html(self, most=None)

    def _columns(self) -> Mapping[str, type]:
        return SENT_COLUMNS

    def __iter__(self) -> Iterator[SendRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def headline(self) -> str:
        """How many came to which end."""
        counts = Counter(row.state.value for row in self.rows)
        order = sorted(counts, key=lambda state: (state != "sent", state == "left out", state))
        said = ", ".join(f"{counts[state]:,} {state}" for state in order) or "nothing to do"
        return f"Sent all: {said}" + (f" (paused: {self.paused})" if self.paused else "")

    def _repr_html_(self) -> str:
        from salespipeline.notebook import sent_html

        return sent_html(self)

    def __str__(self) -> str:
        lines = [self.headline]
        counts = Counter((row.state.value, row.reason) for row in self.rows if row.reason)
        lines += [f"  {state}: {number} × {why}" for (state, why), number in sorted(counts.items())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self.headline}>"
