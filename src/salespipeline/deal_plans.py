"""*Send all* from a list of opportunities: the newest unsent document of each, or one that is drafted on the way. (SPEC SEND-1)"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.sending import Reason
from salespipeline.errors import Refused
from salespipeline.issuing import tried
from salespipeline.money import Money
from salespipeline.planning import check_sender, numbered, rows_of
from salespipeline.query import All, Cmp, OneOf, Query
from salespipeline.sending_report import Plan, PlanRow
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales
    from salespipeline.send_options import SendOptions

__all__ = ["drafted", "plan_deals"]

CHUNK = 500


def plan_deals(
    sales: Sales, deals: Iterable[Opportunity], type: DocumentType, options: SendOptions, *, draft: bool
) -> Plan:
    """Return what *send all* would do with a document of this *type* of each opportunity. Nothing is written.

    With *draft*, those without any get one when the plan is run; how it would be is tried, and taken back. One that was
    sent already is left out, so that a plan that is made again and again never makes a second one.
    """
    check_sender(sales)
    listed = list(deals)
    refused: dict[str, str] = {}
    with tried(sales) if draft else sales.work(write=False) as work:
        found = _newest(work, listed, type)
        new: dict[str, int] = {}
        for deal in listed if draft else ():
            if deal.id not in found:
                try:
                    found[deal.id] = sales.documents.draft(deal.id, type)
                    new[deal.id] = _turn(work, deal.id, type)
                except Refused as error:
                    refused[deal.id] = str(error)
        documents = [found[deal.id] for deal in listed if deal.id in found]
        made = iter(rows_of(sales, work, documents, options))
        rows = [next(made) if deal.id in found else _without(deal, type, refused.get(deal.id)) for deal in listed]
    at = [place for place, deal in enumerate(listed) if deal.id in found]
    for place, row in zip(at, numbered(sales, [rows[place] for place in at], documents), strict=True):
        deal = listed[place]
        rows[place] = _to_draft(row, deal, new[deal.id]) if deal.id in new else row
    return Plan(tuple(rows), options=options, sales=sales)


def _newest(work: Work, deals: Sequence[Opportunity], type: DocumentType) -> dict[str, Document]:
    """Return the newest document of each that was not sent yet, or else the newest that was; those that stand."""
    found: dict[str, Document] = {}
    ids = [deal.id for deal in deals]
    for start in range(0, len(ids), CHUNK):
        stands = (Cmp("type", "=", type.value), Cmp("cancelled", "=", 0), Cmp("superseded", "=", 0))
        where = All((OneOf("opportunity", tuple(ids[start : start + CHUNK])), *stands))
        for one in work.find(Query(kind="document", where=where, order=("created",))):
            before = found.get(one.deal_id)
            if before is None or before.sent or not one.sent:
                found[one.deal_id] = one
    return found


def _turn(work: Work, deal_id: str, type: str) -> int:
    """Take the next turn to draft for an opportunity: of two plans that are run at once, one finds that it was taken."""
    return work.next_number(f"drafted:{deal_id}:{type}")


def _without(deal: Opportunity, type: DocumentType, refused: str | None) -> PlanRow:
    detail = f"opportunity {deal.reference}" if refused is None else f"opportunity {deal.reference}: {refused}"
    return PlanRow(
        key=deal.id,
        document_id="",
        document_version=0,
        opportunity_id=deal.id,
        opportunity_version=deal.version,
        reference="",
        type=type.value,
        contact="",
        to=(),
        subject="",
        total=Money.zero(deal.currency),
        reasons=(Reason.NO_DOCUMENT if refused is None else Reason.NOT_DRAFTED,),
        detail=detail,
    )


def _to_draft(row: PlanRow, deal: Opportunity, turn: int) -> PlanRow:
    """Return a row whose document is not there yet: it was only tried."""
    return attrs.evolve(
        row,
        document_id="",
        document_version=0,
        opportunity_version=deal.version,
        turn=turn,
        reference="",
        expected=row.reference or row.expected,
    )


def drafted(sales: Sales, work: Work, rows: Sequence[PlanRow]) -> list[PlanRow]:
    """Return *rows* with the documents that they draft, which are written now.

    An opportunity that changed, or that somebody drafted one for meanwhile, gets none.
    """
    deals = work.get_many(Opportunity, [row.opportunity_id for row in rows if row.drafts])
    type = next((DocumentType(row.type) for row in rows if row.drafts), DocumentType.QUOTE)
    others = _newest(work, list(deals.values()), type) if deals else {}
    there: list[PlanRow] = []
    for row in rows:
        if not row.drafts:
            there.append(row)
            continue
        deal = deals.get(row.opportunity_id)
        if deal is None or deal.version != row.opportunity_version:
            reason = Reason.DELETED if deal is None else Reason.CHANGED
            there.append(attrs.evolve(row, reasons=(reason,), detail="the opportunity"))
            continue
        if deal.id in others or _turn(work, deal.id, row.type) != row.turn:
            name = others[deal.id].name if deal.id in others else "another document"
            there.append(
                attrs.evolve(row, reasons=(Reason.CHANGED,), detail=f"opportunity {deal.reference} has {name} now")
            )
            continue
        document = sales.documents.draft(deal.id, row.type)
        there.append(
            attrs.evolve(
                row,
                document_id=document.id,
                document_version=document.version,
                reference=document.reference or "",
                expected="" if document.reference else row.expected,
            )
        )
    return there
