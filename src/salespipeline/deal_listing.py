"""A list of opportunities: what a row of it shows, and what can be done with all of it at once. (SPEC section 2)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from salespipeline.arguments import SendFacts
from salespipeline.domain.document import DocumentType, as_type
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import Settings
from salespipeline.each import Each, OnError, Progress
from salespipeline.listing import Listing
from salespipeline.searching import ranked

if TYPE_CHECKING:
    from salespipeline.sending_report import Plan

__all__ = ["OpportunityListing", "row_of"]


def row_of(deal: Opportunity, settings: Settings, names: Mapping[str, str]) -> dict[str, object]:
    """Return how a list shows an opportunity."""
    return {
        "reference": deal.reference,
        "subject": deal.subject,
        "contact": names.get(deal.contact_id, deal.contact_id),
        "stage": settings.stages.label(deal.stage_id),
        "probability": settings.probabilities.label(deal.probability_id),
        "tags": ", ".join(settings.tags.label(tag) for tag in deal.tags),
        "status": deal.status.value,
        "value": deal.value.amount,
        "currency": str(deal.currency),
        "due": deal.due,
        "next_step": deal.next_step,
        "next_step_on": deal.next_step_on,
        "owner": settings.users.label(deal.owner_id),
        "department": settings.department_of(deal.owner_id, deal.department),
        "created": deal.created_on,
        "closed": deal.closed_on,
        "rots": None if (rots := deal.rots_at(settings)) is None else settings.day_of(rots),
        "lost_reason": settings.lost_reasons.label(deal.lost_reason_id) or deal.lost_reason,
    }


class OpportunityListing(Listing[Opportunity]):
    """A list of opportunities, whose documents can be sent in one go.

    >>> print(sales.opportunities.where(stage="Prospect").plan_send_all("quote"))
    Send all: 1 to mail, 0 left out
      QUO/00001           10,080.00 GBP  → buyer@acme.example: Quotation QUO/00001: New warehouse
    """

    def plan_send_all(self, type: DocumentType | str, *, draft: bool = False, **options: Unpack[SendFacts]) -> Plan:
        """Return who would get a document of this type, and who is left out and why; nothing leaves. (SPEC SEND-1)

        It is the newest of each opportunity that was not sent yet. With *draft*, those that have none at all get one, filled
        with their lines, when the plan is run. *options* are those of the documents' own ``plan_send_all``.

        >>> print(sales.opportunities.all().plan_send_all("invoice", draft=True))
        Send all: 1 to mail, 0 left out
          INV/00001           10,080.00 GBP  → buyer@acme.example: Invoice: New warehouse
        >>> sales.documents.where(type="invoice").count()
        0
        """
        from salespipeline.deal_plans import plan_deals
        from salespipeline.send_options import SendOptions

        return plan_deals(self._sales, self._to_send(), as_type(type), SendOptions.of(options), draft=draft)

    def search(self, text: str, *, most: int = 20) -> list[Opportunity]:
        """Return those of the list that hold the words of *text*, the best first. The last word may be half typed.

        Words are looked for in reference, subject, note and custom answers, in the contact and the persons there, and in the
        notes on the opportunity, without case and accents. ``where(search=…)`` finds the same as a list.

        >>> [found.subject for found in sales.opportunities.where(status="open").search("acme WAREH")]
        ['New warehouse']
        """
        with self._sales.work(write=False) as work:
            return ranked(work, self, text, most)

    def each(self, *, on_error: OnError = "continue", progress: Progress | None = None) -> Each:
        """Return the moves of an opportunity, which then change each of the list: ``.each().edit(stage="Quoted")``.

        Which they are is read when the move is made; each is changed by the rules of a single one, with its entry in the
        history. Every one has its row in the report: changed, unchanged, or refused and why. *on_error*: a refusal leaves
        the others alone (``"continue"``), stops what comes behind it (``"abort"``), or takes everything back (``"undo"``).
        *progress* is called with (done, in all, row) once it is kept.

        >>> done = []
        >>> each = sales.opportunities.where(owner="jane").each(progress=lambda *now: done.append(now[:2]))
        >>> report = each.edit(stage="Quotation sent")
        >>> print(report, done)
        Edited: 1 changed [(1, 1)]
        """
        return Each(self._sales, self.ids, on_error=on_error, progress=progress)
