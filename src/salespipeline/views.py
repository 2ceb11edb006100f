"""From records to what may be shown of them: the plain data that renderers and templates get."""

from __future__ import annotations

from datetime import date

from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Party
from salespipeline.domain.lines import line_net
from salespipeline.domain.settings import Settings
from salespipeline.domain.totals import Totals
from salespipeline.money import Money
from salespipeline.ports import DocumentView, LineView, PartyView, SumView, TaxView

__all__ = ["view_of"]


def view_of(
    document: Document, contact: Contact | None, settings: Settings, *, today: date, logo: bytes | None = None
) -> DocumentView:
    """Return everything that may be shown of *document*. A draft gets today's date, parties and terms."""
    organisation = settings.organisation
    issued = document.seller is not None
    seller = document.seller if issued else Party.selling(organisation)
    buyer = document.buyer
    if buyer is None:
        buyer = Party.buying(contact, document.person_id) if contact is not None else Party(name="")
    day = document.date if document.date is not None else today
    totals = document.totals
    return DocumentView(
        type=document.type.value,
        reference=document.reference or "",
        locale=document.locale or organisation.locale,
        seller=_party(seller),
        buyer=_party(buyer),
        lines=tuple(
            LineView(
                description=line.description,
                quantity=line.quantity,
                unit_price=line.unit_price,
                net=line_net(line, document.currency),
                reference=line.reference,
                unit=line.unit,
                discount_percent=line.discount.percent if line.discount is not None else None,
                discount_amount=Money.rounded(line.discount.amount, document.currency)
                if line.discount is not None and line.discount.amount is not None
                else None,
                tax_percent=line.tax.percent,
            )
            for line in document.lines
        ),
        taxes=tuple(
            TaxView(
                percent=tax.percent,
                net=tax.net,
                tax=tax.tax,
                code=tax.code,
                category=tax.category,
                reason=tax.reason,
            )
            for tax in totals.taxes
        ),
        net=totals.net,
        tax=totals.tax,
        total=totals.total,
        steps=_steps(document, totals),
        exchange=str(document.exchange) if document.exchange is not None else "",
        subject=document.subject,
        date=day,
        due=document.due if document.due is not None else document.default_due(settings, day),
        note=document.note,
        terms=document.terms,
        payment=document.payment_details if issued else organisation.payment,
        draft=not issued,
        logo=logo,
        created_at=document.created_at,
    )


def _steps(document: Document, totals: Totals) -> tuple[SumView, ...]:
    """Return how the net comes from the lines, where a discount or a charge stands between them."""
    if document.discount is None and not document.charges:
        return ()
    steps = [SumView(label="lines_net", amount=totals.lines)]
    if document.discount is not None:
        steps.append(SumView(label="discount", amount=-totals.discount, percent=document.discount.percent))
    steps += [
        SumView(label=charge.description, amount=charge.net(totals.lines), percent=charge.percent)
        for charge in document.charges
    ]
    return tuple(steps)


def _party(party: Party | None) -> PartyView:
    if party is None:
        return PartyView(name="")
    return PartyView(
        name=party.name,
        address=party.address,
        person=party.person,
        email=party.email,
        phone=party.phone,
        website=party.website,
        ids=party.ids,
    )
