"""What a renderer is given: a document as it is printed, and nothing that acts. (SPEC EXT-1)"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Protocol

import attrs

from salespipeline.money import Money

__all__ = ["DocumentView", "LineView", "PartyView", "Rendered", "Renderer", "SumView", "TaxView"]


@attrs.frozen(kw_only=True)
class PartyView:
    """A seller or buyer as printed: a name, lines of an address, and ids such as ``("VAT", "GB123")``."""

    name: str
    address: tuple[str, ...] = ()
    person: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    ids: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class LineView:
    """A line as printed. *discount* is text such as ``4%`` or a ``Money``; *net* is the rounded line total."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Money
    reference: str = ""
    unit: str = ""
    discount_percent: Decimal | None = None
    discount_amount: Money | None = None
    tax_percent: Decimal = Decimal(0)


@attrs.frozen(kw_only=True)
class TaxView:
    """One row of the tax table: *tax* is rounded once on *net*. (SPEC MON-3)"""

    percent: Decimal
    net: Money
    tax: Money
    code: str = ""
    category: str = ""  # of UNTDID 5305
    reason: str = ""  # why there is none: exempt, reverse charge


@attrs.frozen(kw_only=True)
class SumView:
    """A step from the sum of the lines to the net: a discount or a charge of the whole document.

    *label* is a key of the catalogue (``lines_net``, ``discount``) or the words of a charge; a discount is negative.
    """

    label: str
    amount: Money
    percent: Decimal | None = None


@attrs.frozen(kw_only=True)
class DocumentView:
    """Everything a renderer or template may show of a financial document: plain data, nothing that acts.

    *type* is one of ``quote pro_forma invoice purchase_order credit_note delivery_note
    application_for_payment``. *locale* is a language tag such as ``en_GB``, ``fr_FR`` or ``de_DE``.
    *draft* asks for a visible mark (SPEC DOC-10). *logo* are the bytes of a PNG or JPEG. *due* is the date
    to pay an invoice by, or the last day a quote is valid.
    """

    type: str
    reference: str
    locale: str
    seller: PartyView
    buyer: PartyView
    lines: tuple[LineView, ...]
    taxes: tuple[TaxView, ...]
    net: Money
    tax: Money
    total: Money
    steps: tuple[SumView, ...] = ()  # from the lines to the net; nothing where they are the same
    exchange: str = ""  # the rate that its prices were converted by
    subject: str = ""
    date: dt.date | None = None
    due: dt.date | None = None
    related: tuple[tuple[str, str], ...] = ()  # such as (("opportunity", "OPP-7"), ("customer_reference", "PO 5"))
    note: str = ""
    terms: str = ""
    payment: tuple[tuple[str, str], ...] = ()  # such as (("bank", "…"), ("iban", "…"), ("bic", "…"))
    draft: bool = False
    logo: bytes | None = None
    created_at: dt.datetime | None = None  # stamped into the file, so that the same input gives the same bytes


@attrs.frozen(kw_only=True)
class Rendered:
    """A drawn document. *missing_glyphs* are characters that no font of the renderer could show."""

    content: bytes
    media_type: str
    missing_glyphs: tuple[str, ...] = ()
    pages: int = 1


class Renderer(Protocol):
    """Something that draws a document. Same view, same bytes. Raises ``RenderError`` only."""

    def render(self, view: DocumentView) -> Rendered:
        """Draw *view*."""
        ...
