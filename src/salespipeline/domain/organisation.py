"""Who sells: what documents print of it, and the defaults that it decides."""

from __future__ import annotations

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import as_days, as_locale, as_pairs, as_texts, as_time_zone, cleaned
from salespipeline.money import Currency

__all__ = ["Organisation"]


@attrs.frozen(kw_only=True)
class Organisation:
    """Who sells: as printed on documents, with the defaults and the time zone that decides where days begin.

    *logo* is the SHA-256 of a PNG or JPEG among the blobs. *payment* are pairs such as ``("iban", "…")``.
    """

    id: str = "organisation"
    version: int = 0
    name: str = ""
    address: tuple[str, ...] = ()
    ids: tuple[tuple[str, str], ...] = ()
    email: str = ""
    phone: str = ""
    website: str = ""
    logo: str | None = None
    payment: tuple[tuple[str, str], ...] = ()
    terms: tuple[tuple[str, str], ...] = ()  # by document type
    currency: Currency = Currency("GBP")
    locale: str = "en_GB"
    time_zone: str = "UTC"
    quote_days: int = 30
    payment_days: int = 30

    def checked(self) -> Organisation:
        """Return the organisation with clean values, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            name=lambda value: text.clean(value, "name"),
            address=lambda value: as_texts(value, "address"),
            ids=lambda value: as_pairs(value, "ids"),
            payment=lambda value: as_pairs(value, "payment"),
            terms=lambda value: as_pairs(value, "terms", lines=True),
            email=lambda value: text.email(value, "email") if value else "",
            phone=lambda value: text.phone(value, "phone") if value else "",
            website=lambda value: text.url(value, "website") if value else "",
            currency=Currency,
            locale=as_locale,
            time_zone=as_time_zone,
            quote_days=lambda value: as_days(value, "quote_days"),
            payment_days=lambda value: as_days(value, "payment_days"),
        )
