"""Who sells: what documents print of it, and the defaults that it decides."""

from __future__ import annotations

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import (
    as_days,
    as_electronic_address,
    as_flag,
    as_locale,
    as_pairs,
    as_texts,
    as_time_zone,
    cleaned,
)
from salespipeline.domain.ids import need_stdnum
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Currency

__all__ = ["EINVOICES", "Organisation"]

EINVOICES = ("", "factur-x")  # what leaves with the mail of an invoice: a plain PDF, or Factur-X


@attrs.frozen(kw_only=True)
class Organisation:
    """Who sells: as printed on documents, with the defaults and the time zone that decides where days begin.

    *logo* is the SHA-256 of a PNG or JPEG among the blobs. *payment* are pairs such as ``("iban", "…")``. *address* are the
    lines above the town, where *city* and *country* are given; *electronic_address* is where invoices reach it, such as
    ``"0088:4000001123452"`` (a scheme, and the address in it). *legal_notes* are sentences that the law wants on invoices
    and credit notes, by their subject code of UNTDID 4451; *einvoice* says what leaves with the mail of those two:
    ``""`` for a plain PDF, ``"factur-x"`` for one that holds the electronic invoice. *typed_characters* is from which
    character on contacts are suggested to somebody who types (SPEC OPP-4), *lost_reason_needed* whether no opportunity is
    lost without a reason (SPEC OPP-6), *ids_checked* whether an id of a contact is refused whose check
    digits do not fit. *accept_url* is the page where clients accept quotes, with a place for the token:
    ``"https://example.org/accept/{token}"``.
    """

    id: str = "organisation"
    version: int = 0
    name: str = ""
    address: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    country: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    electronic_address: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    logo: str | None = None
    payment: tuple[tuple[str, str], ...] = ()
    terms: tuple[tuple[str, str], ...] = ()  # by document type
    legal_notes: tuple[tuple[str, str], ...] = ()
    einvoice: str = ""
    currency: Currency = Currency("GBP")
    locale: str = "en_GB"
    time_zone: str = "UTC"
    quote_days: int = 30
    payment_days: int = 30
    typed_characters: int = 4
    accept_url: str = ""
    lost_reason_needed: bool = False
    ids_checked: bool = False

    def checked(self) -> Organisation:
        """Return the organisation with clean values, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            name=lambda value: text.clean(value, "name"),
            address=lambda value: as_texts(value, "address"),
            postcode=lambda value: text.clean(value, "postcode", most=20),
            city=lambda value: text.clean(value, "city", most=100),
            country=lambda value: text.clean(value, "country", most=60),
            electronic_address=as_electronic_address,
            ids=lambda value: as_pairs(value, "ids"),
            payment=lambda value: as_pairs(value, "payment"),
            terms=lambda value: as_pairs(value, "terms", lines=True),
            legal_notes=lambda value: as_pairs(value, "legal_notes", lines=True),
            einvoice=_as_einvoice,
            email=lambda value: text.email(value, "email") if value else "",
            phone=lambda value: text.phone(value, "phone") if value else "",
            website=lambda value: text.url(value, "website") if value else "",
            currency=Currency,
            locale=as_locale,
            time_zone=as_time_zone,
            quote_days=lambda value: as_days(value, "quote_days"),
            payment_days=lambda value: as_days(value, "payment_days"),
            typed_characters=_as_characters,
            accept_url=_accept_url,
            lost_reason_needed=lambda value: as_flag(value, "lost_reason_needed"),
            ids_checked=_as_checked,
        )


def _as_checked(value: object) -> bool:
    found = as_flag(value, "ids_checked")
    if found:
        need_stdnum()
    return found


def _as_characters(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 20:
        message = f"a number of characters from 1 to 20 is needed, not {shown(value)}"
        raise Invalid(Problem("typed_characters", "range", message))
    return value


def _as_einvoice(value: object) -> str:
    if value not in EINVOICES:
        message = f"{shown(value)} is no kind of electronic invoice: '' for a plain PDF, or 'factur-x'"
        raise Invalid(Problem("einvoice", "choice", message))
    return str(value)


def _accept_url(value: str) -> str:
    """Return the address of a page with one place for a token."""
    if not value:
        return ""
    if not isinstance(value, str) or value.count("{token}") != 1:
        message = f"an address with {{token}} once in it is needed, such as 'https://example.org/accept/{{token}}', not {shown(value)}"
        raise Invalid(Problem("accept_url", "url", message))
    text.url(value.replace("{token}", "token"), "accept_url")
    return value.strip()
