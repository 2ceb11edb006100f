"""Contacts (a client or site) and the persons dealt with there. (SPEC OPP-4)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.cleaning import as_electronic_address, as_locale, as_pairs, as_texts
from salespipeline.domain.display import Displayed
from salespipeline.errors import Invalid, Problem, shown

__all__ = ["GIVEN", "Contact", "Person", "contact_changes", "person_changes", "person_in"]

GIVEN = (
    "name", "email", "phone", "website", "address", "postcode", "city", "country", "ids", "electronic_address", "locale",
    "note",
)  # fmt: skip
_MOST = {"postcode": 20, "city": 100, "country": 60}


@attrs.frozen(kw_only=True)
class Person:
    """The one dealt with at a contact; belongs to it."""

    id: str
    name: str
    email: str = ""
    phone: str = ""
    role: str = ""


@attrs.frozen(kw_only=True)
class Contact(Displayed):
    """A client or site. *locale* is the language of the documents that it gets, the organisation's if empty.

    *address* are the lines above the town, where *city* and *country* are given; *electronic_address* is where electronic
    invoices reach it, such as ``"0225:123456789"``: a scheme, and the address in it.
    """

    id: str
    version: int = 0
    name: str
    email: str = ""
    phone: str = ""
    website: str = ""
    address: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    country: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    electronic_address: str = ""
    locale: str = ""
    note: str = ""
    persons: tuple[Person, ...] = ()
    created_at: datetime
    created_by: str

    def person(self, name: str) -> Person | None:
        """Return the person with this id or name, or ``None``."""
        folded = text.fold(name)
        return next((one for one in self.persons if name == one.id or text.fold(one.name) == folded), None)

    def __str__(self) -> str:
        return self.name


def contact_changes(given: Mapping[str, object]) -> dict[str, Any]:
    """Return the *given* values of a contact, clean, or raise ``Invalid`` with every problem."""
    checks = Checks()
    clean: dict[str, Any] = {}
    for name, value in given.items():
        if name == "name":
            clean[name] = checks.take(text.clean, value, "name", required=True)  # type: ignore[arg-type]
        elif name == "email":
            clean[name] = checks.take(text.email, value, "email") if value else ""  # type: ignore[arg-type]
        elif name == "phone":
            clean[name] = checks.take(text.phone, value, "phone") if value else ""  # type: ignore[arg-type]
        elif name == "website":
            clean[name] = checks.take(text.url, value, "website") if value else ""  # type: ignore[arg-type]
        elif name == "address":
            clean[name] = checks.take(as_texts, value, "address")
        elif name == "ids":
            clean[name] = checks.take(as_pairs, value, "ids")
        elif name in _MOST:
            clean[name] = checks.take(text.clean, value, name, most=_MOST[name])  # type: ignore[arg-type]
        elif name == "electronic_address":
            clean[name] = checks.take(as_electronic_address, value) if value else ""  # type: ignore[arg-type]
        elif name == "locale":
            clean[name] = checks.take(as_locale, value) if value else ""  # type: ignore[arg-type]
        elif name == "note":
            clean[name] = checks.take(text.clean, value, name, most=100_000, lines=True)  # type: ignore[arg-type]
        elif name in ("person", "persons"):
            checks.add(name, "unknown", "persons are added one by one, with contacts.add_person()")
        else:
            checks.add(name, "unknown", f"a contact has no {shown(name)} to set: {suggestion(name, GIVEN)}")
    checks.done()
    return clean


def person_changes(given: Mapping[str, object]) -> dict[str, Any]:
    """Return the *given* values of a person, clean, or raise ``Invalid`` with every problem."""
    checks = Checks()
    shared = {name: value for name, value in given.items() if name in ("name", "email", "phone")}
    clean: dict[str, Any] = checks.take(contact_changes, shared) or {}
    if "role" in given:
        clean["role"] = checks.take(text.clean, given["role"], "role")  # type: ignore[arg-type]
    for name in given.keys() - {"name", "email", "phone", "role"}:
        known = ("name", "email", "phone", "role")
        checks.add(name, "unknown", f"a person has no {shown(name)} to set: {suggestion(name, known)}")
    checks.done()
    return clean


def person_in(given: object, contact: Contact | None, path: str = "person") -> str | None:
    """Return the id of the person *given* (a person, an id or a name), who must belong to *contact*."""
    if given is None:
        return None
    if contact is None:  # which is a problem of its own
        return None
    name = getattr(given, "id", given)
    person = contact.person(name) if isinstance(name, str) and len(name) <= 1000 else None
    if person is None:
        hint = suggestion(str(name)[:200], [one.name for one in contact.persons])
        message = f"nobody called {shown(name)} is known at {contact.name}: {hint}"
        raise Invalid(Problem(path, "unknown", message))
    return person.id
