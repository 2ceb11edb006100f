"""From records to what may be shown of them: the plain data that renderers and templates get."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Party
from salespipeline.domain.lines import line_net
from salespipeline.domain.settings import Settings
from salespipeline.domain.totals import Totals, totals
from salespipeline.money import Currency, Money
from salespipeline.ports import DocumentView, LineView, PartyView, SumView, TaxView

__all__ = ["UNTAXED", "view_of"]

LEGAL = ("invoice", "credit_note")
ROUTING = ("BAR",)  # notes that tell French platforms what to do with an invoice, such as B2B: nothing for people
UNTAXED = ("AE", "K", "G", "O")  # the categories whose name is the reason why there is no tax
TOWN_FIRST = ("GB", "IE", "US", "CA", "AU", "NZ", "IN")  # where the postcode stands behind the town


def view_of(
    document: Document,
    contact: Contact | None,
    settings: Settings,
    *,
    today: date,
    logo: bytes | None = None,
    sums: bool = True,
) -> DocumentView:
    """Return everything that may be shown of *document*. A draft gets today's date, parties and terms.

    Without *sums* there are no lines and no amounts: they are most of the work, where only a subject is wanted.
    """
    organisation = settings.organisation
    issued = document.seller is not None
    seller = document.seller if issued else Party.selling(organisation)
    buyer = document.buyer
    if buyer is None:
        buyer = Party.buying(contact, document.person_id) if contact is not None else Party(name="")
    day = document.date if document.date is not None else today
    lines = document.lines if sums else ()
    found = document.totals if sums else _nothing(document.currency)
    locale = document.locale or organisation.locale
    noted = document.legal_notes if issued else organisation.legal_notes
    legal = [words for code, words in noted if code not in ROUTING] if document.type.value in LEGAL else []
    return DocumentView(
        type=document.type.value,
        reference=document.reference or "",
        locale=locale,
        seller=_party(seller, locale),
        buyer=_party(buyer, locale),
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
            for line in lines
        ),
        taxes=tuple(
            TaxView(
                percent=tax.percent,
                net=tax.net,
                tax=tax.tax,
                code=tax.code,
                category=tax.category,
                reason=tax.reason or _untaxed(tax.category, locale),
            )
            for tax in found.taxes
        ),
        net=found.net,
        tax=found.tax,
        total=found.total,
        steps=_steps(document, found) if sums else (),
        exchange=str(document.exchange) if document.exchange is not None else "",
        subject=document.subject,
        date=day,
        due=document.due if document.due is not None else document.default_due(settings, day),
        related=_related(document, locale),
        note=document.note,
        terms="\n".join(one for one in (document.terms, *legal) if one),
        payment=document.payment_details if issued else organisation.payment,
        draft=not issued,
        logo=logo,
        created_at=document.created_at,
    )


@lru_cache(maxsize=200)
def _nothing(currency: Currency) -> Totals:
    return totals((), currency)


def _steps(document: Document, found: Totals) -> tuple[SumView, ...]:
    """Return how the net comes from the lines, where a discount or a charge stands between them."""
    if document.discount is None and not document.charges:
        return ()
    steps = [SumView(label="lines_net", amount=found.lines)]
    if document.discount is not None:
        steps.append(SumView(label="discount", amount=-found.discount, percent=document.discount.percent))
    steps += [
        SumView(label=charge.description, amount=charge.net(found.lines), percent=charge.percent)
        for charge in document.charges
    ]
    return tuple(steps)


def _related(document: Document, locale: str) -> tuple[tuple[str, str], ...]:
    from salespipeline.render.formats import day

    delivered = day(document.delivered, locale) if document.delivered is not None else ""
    pairs = [("delivered", delivered), ("customer_reference", document.customer_reference)]
    return tuple((key, value) for key, value in pairs if value)


@lru_cache(maxsize=256)  # the seller is the same in all
def _party(party: Party | None, locale: str) -> PartyView:
    if party is None:
        return PartyView(name="")
    return PartyView(
        name=party.name,
        address=(*party.address, *_town(party, locale)),
        person=party.person,
        email=party.email,
        phone=party.phone,
        website=party.website,
        ids=party.ids,
    )


def _untaxed(category: str, locale: str) -> str:
    """Return what is said where nobody gave a reason, and the law wants one: reverse charge, export and the like."""
    from salespipeline.render.labels import label

    return label(f"untaxed_{category.lower()}", locale) if category in UNTAXED else ""


def _town(party: Party, locale: str) -> list[str]:
    """Return the line with postcode and town, and that with the country, as far as they are known."""
    from salespipeline.render.formats import territory

    place = [party.postcode, party.city] if party.country not in TOWN_FIRST else [party.city, party.postcode]
    lines = [" ".join(part for part in place if part), territory(party.country, locale)]
    return [line for line in lines if line]
