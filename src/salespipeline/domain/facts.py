"""What is said of a financial document beside its content: approvals, answers, payments, parties, seals. (SPEC DOC-2)"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum

import attrs

from salespipeline.domain.contacts import Contact
from salespipeline.domain.organisation import Organisation
from salespipeline.money import Money

__all__ = ["Approval", "Chain", "ClientAnswer", "Fact", "Party", "Payment", "Seal", "Share", "Transmission"]


class Approval(StrEnum):
    """Whether somebody must agree before it leaves. (SPEC DOC-8)"""

    NOT_NEEDED = "not_needed"
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class Fact:
    """Something that was done: when, by whom, and why."""

    at: dt.datetime
    by: str
    why: str = ""


@attrs.frozen(kw_only=True)
class ClientAnswer:
    """What the client said: yes or no, when and by whom. A yes is bound to the seal. (SPEC DOC-7)

    *signature* is what they typed, *image* the SHA-256 of what they drew. *by_link* says that they did it themselves.
    """

    accepted: bool
    at: dt.datetime
    by: str
    note: str = ""
    content: str = ""
    signature: str = ""
    image: str | None = None
    by_link: bool = False


@attrs.frozen(kw_only=True)
class Payment:
    """Money that came in for a document."""

    amount: Money
    on: dt.date
    by: str
    note: str = ""


@attrs.frozen(kw_only=True)
class Transmission:
    """An electronic invoice that was handed to a platform: when, by whom, as what, and what became of it.

    *outcome* is ``accepted``, ``refused``, or ``unknown``: nobody can know, or it is under way. *reply* is what was answered.
    """

    at: dt.datetime
    by: str
    format: str
    outcome: str = "unknown"
    reply: str = ""


@attrs.frozen(kw_only=True)
class Party:
    """A seller or buyer as it stood when the document was issued.

    *address* are the lines above the town; in one that was issued before there was a *country*, all of them.
    """

    name: str
    address: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    country: str = ""
    person: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    electronic_address: str = ""

    @classmethod
    def selling(cls, organisation: Organisation) -> Party:
        """Return the organisation as a party."""
        return cls(
            name=organisation.name,
            address=organisation.address,
            postcode=organisation.postcode,
            city=organisation.city,
            country=organisation.country,
            email=organisation.email,
            phone=organisation.phone,
            website=organisation.website,
            ids=organisation.ids,
            electronic_address=organisation.electronic_address,
        )

    @classmethod
    def buying(cls, contact: Contact, person_id: str | None) -> Party:
        """Return the contact, and the person dealt with there, as a party."""
        person = contact.person(person_id) if person_id is not None else None
        return cls(
            name=contact.name,
            address=contact.address,
            postcode=contact.postcode,
            city=contact.city,
            country=contact.country,
            person=person.name if person is not None else "",
            email=(person.email if person is not None else "") or contact.email,
            phone=(person.phone if person is not None else "") or contact.phone,
            website=contact.website,
            ids=contact.ids,
            electronic_address=contact.electronic_address,
        )


@attrs.frozen(kw_only=True)
class Seal:
    """SHA-256 of the content, and of the PDF that left, where one did. (SPEC DOC-7)

    Once it is sent, it is a link of the chain of its series: *position* counts from 1, *previous* is the link before it,
    and *link* the SHA-256 of this one. See ``salespipeline.sealing``.
    """

    content: str
    pdf: str | None = None
    position: int | None = None
    previous: str = ""
    link: str = ""


@attrs.frozen(kw_only=True)
class Chain:
    """The end of the chain of seals of one series: how many there are, and the last link. Its id is the series."""

    id: str
    version: int = 0
    position: int = 0
    link: str = ""


@attrs.frozen(kw_only=True)
class Share:
    """What another document takes from this one. See ``salespipeline.domain.taking``.

    *kind* is ``credit``, ``delivery``, ``deposit`` or ``deduction``; *rates* are percent, category, net and tax; *quantities*
    say how many of which line.
    """

    document_id: str
    kind: str
    sent: bool = False
    total: Money
    rates: tuple[tuple[Decimal, str, Money, Money], ...] = ()
    quantities: tuple[tuple[int, Decimal], ...] = ()
