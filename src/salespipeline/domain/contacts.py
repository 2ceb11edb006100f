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
    """The one dealt with at a contact; belongs to it.

    One who is *archived* has left: records that name them keep them, and nobody chooses them any more. *merged* are the ids
    under which the same person was known at contacts that went into this one.
    """

    id: str
    name: str
    email: str = ""
    phone: str = ""
    role: str = ""
    archived: bool = False
    merged: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Contact(Displayed):
    """A client or site. *locale* is the language of the documents that it gets, the organisation's if empty.

    *address* are the lines above the town, where *city* and *country* are given; *electronic_address* is where electronic
    invoices reach it, such as ``"0225:123456789"``: a scheme, and the address in it. *parent_id* is the contact that it
    is a site or a part of. Whoever makes a document for one that is *stopped* is warned. *merged* are the ids of the
    duplicates that went into it.
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
    parent_id: str | None = None
    stopped: bool = False
    stop_reason: str = ""
    merged: tuple[str, ...] = ()
    created_at: datetime
    created_by: str

    def person(self, name: str) -> Person | None:
        """Return the person with this id or name, or ``None``."""
        folded = text.fold(name)
        by_id = (one for one in self.persons if name == one.id or name in one.merged)
        by_name = (
            one
            for there in (False, True)
            for one in self.persons
            if one.archived is there and text.fold(one.name) == folded
        )
        return next(by_id, None) or next(by_name, None)

    @property
    def staff(self) -> tuple[Person, ...]:
        """The persons who are there: those who can be chosen."""
        return tuple(one for one in self.persons if not one.archived)

    def with_person(self, person: Person) -> Contact:
        """Return it with *person* in the place of the one with that id."""
        return attrs.evolve(self, persons=tuple(person if one.id == person.id else one for one in self.persons))

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


def person_in(
    given: object, contact: Contact | None, path: str = "person", *, kept: str | None = None, any_of_them: bool = False
) -> str | None:
    """Return the id of the person *given* (a person, an id or a name), who must belong to *contact*.

    One who has left is not chosen, but *kept* by a record that names them, or found where *any_of_them* will do.
    """
    if given is None:
        return None
    if contact is None:  # which is a problem of its own
        return None
    name = getattr(given, "id", given)
    person = contact.person(name) if isinstance(name, str) and len(name) <= 1000 else None
    if person is None:
        hint = suggestion(str(name)[:200], [one.name for one in contact.staff])
        message = f"nobody called {shown(name)} is known at {contact.name}: {hint}"
        raise Invalid(Problem(path, "unknown", message))
    if person.archived and person.id != kept and not any_of_them:
        message = f"{person.name} has left {contact.name}: choose another, or contacts.restore_person() them"
        raise Invalid(Problem(path, "archived", message))
    return person.id
