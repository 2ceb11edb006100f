"""Documents to draw: what a company that sells warehouses would send, with every sum by SPEC MON-3."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

from salespipeline.money import Money
from salespipeline.ports import DocumentView, LineView, PartyView, TaxView

SELLER = PartyView(
    name="Northgate Storage Ltd",
    address=("Unit 4, Kirkstall Road", "Leeds LS4 2AZ", "United Kingdom"),
    email="sales@northgate.example",
    phone="+44 113 496 0000",
    website="https://northgate.example",
    ids=(("vat", "GB 123 4567 89"), ("company_number", "07654321")),
)
BUYER = PartyView(
    name="Müßig & Søn GmbH",
    person="Eva Lindqvist",
    address=("Hafenstraße 12", "20457 Hamburg", "Deutschland"),
    email="einkauf@muessig.example",
    ids=(("vat", "DE 123456789"),),
)
PAYMENT = (
    ("account_holder", "Northgate Storage Ltd"),
    ("bank", "Example Bank, Leeds"),
    ("iban", "DE89370400440532013000"),
    ("bic", "COBADEFFXXX"),
)
TERMS = (
    "The goods stay ours until they are paid. Claims are to be made within eight days of delivery. "
    "Our general terms of delivery hold; a copy is sent on request."
)
BASE = (
    ("Pallet racking, bay of 3.6 m, 4 levels\nwith safety pins and column guards", "PR-36-4", "16", "pc", "348.35", "4"),
    ("Installation, including travel and the removal of packaging", "", "2.5", "d", "680.00", None),
    ("Forklift, electric, 1.6 t, duplex mast; delivered with charger and one year of service", "FL-16E", "1", "pc", "21499", None),
)  # fmt: skip


def view(
    type: str = "quote",
    locale: str = "en_GB",
    *,
    lines: int = 3,
    currency: str = "EUR",
    rates: int = 2,
    **changes: object,
) -> DocumentView:
    """Return a document of so many lines at 20 %, and, with two *rates*, every second one at 5.5 %."""
    made, sums = [], {}
    for at in range(lines):
        description, reference, quantity, unit, price, off = BASE[at % 3]
        percent = (Decimal(20), Decimal("5.5"))[at % rates]
        number, of = Decimal(quantity), Decimal(price)
        net = Money.rounded(number * of * (100 - Decimal(off or 0)) / 100, currency)
        sums[percent] = sums.get(percent, Money.zero(currency)) + net
        made.append(
            LineView(
                description=description,
                reference=reference,
                quantity=number,
                unit=unit,
                unit_price=of,
                net=net,
                discount_percent=Decimal(off) if off else None,
                tax_percent=percent,
            )
        )
    taxes = tuple(
        TaxView(percent=percent, net=net, tax=Money.rounded(net.amount * percent / 100, currency))
        for percent, net in sorted(sums.items(), reverse=True)
    )
    net = Money.total([one.net for one in taxes], currency)
    tax = Money.total([one.tax for one in taxes], currency)
    facts: dict[str, object] = {
        "type": type,
        "reference": "QUO/000017" if type == "quote" else "2026-00017",
        "locale": locale,
        "seller": SELLER,
        "buyer": BUYER,
        "lines": tuple(made),
        "taxes": taxes,
        "net": net,
        "tax": tax,
        "total": net + tax,
        "subject": "New warehouse in Altona",
        "date": date(2026, 11, 24),
        "due": date(2026, 12, 24),
        "related": (("customer_reference", "PO 4711"), ("opportunity", "OPP-00093")),
        "note": "Thank you for the friendly visit.\nDelivery is four weeks after your order.",
        "terms": TERMS,
        "payment": PAYMENT,
        "created_at": datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    }
    return DocumentView(**(facts | changes))


def picture(format: str = "PNG", size: tuple[int, int] = (480, 120), mode: str = "RGB") -> bytes:
    """Return an image such as a company's logo."""
    from PIL import Image, ImageDraw

    background: object = {"L": 255, "1": 1, "CMYK": (0, 0, 0, 0), "RGBA": (0, 0, 0, 0)}.get(mode, "white")
    image = Image.new(mode, size, background)
    if mode in ("RGB", "RGBA"):
        pen, unit = ImageDraw.Draw(image), size[1] // 6
        for place, colour in enumerate(("#0c4a6e", "#0284c7", "#7dd3fc")):
            pen.rectangle(
                [unit, unit * (1 + 1.5 * place), size[1] * (2 - place * 0.4), unit * (2 + 1.5 * place)], fill=colour
            )
    out = io.BytesIO()
    image.save(out, format)
    return out.getvalue()
