"""Whom a note can mention, and who is called or mailed from it. (SPEC NOTE-1)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from salespipeline.domain.attachments import Attachment
from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.contacts import Contact, Person
from salespipeline.domain.notes import Mention
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.filters import values_of
from salespipeline.subjects import Subject
from salespipeline.work import Work

__all__ = ["addressee", "attached", "people", "user_mention"]


def people(work: Work, contact_id: str | None) -> list[Mention]:
    """Return whom a note can mention: the users, and the persons at the contact."""
    found = [Mention(kind="user", id=one.id, name=one.name, email=one.email) for one in work.settings.users]
    contact = work.get(Contact, contact_id) if contact_id is not None else None
    return found + [_person(one) for one in (contact.staff if contact is not None else ())]


def user_mention(work: Work, id: str) -> Mention | None:
    """Return a user as somebody who can be told, or ``None`` where no user has this id."""
    user = work.settings.users.get(id)
    return None if user is None else Mention(kind="user", id=user.id, name=user.name, email=user.email)


def _person(person: Person) -> Mention:
    return Mention(kind="person", id=person.id, name=person.name, email=person.email)


def addressee(work: Work, about: Subject, given: object, *, mail: bool = False) -> Mention:
    """Return who is called or mailed: who was *given*, or the person of the record, or its contact.

    Raises ``Invalid`` where nobody of that name is known there, or, for a *mail*, where no address is.
    """
    contact = work.get(Contact, about.contact_id) if about.contact_id is not None else None
    if contact is None:
        raise Invalid(Problem("to", "missing", f"{about.title} has no contact who could be reached"))
    itself = Mention(kind="contact", id=contact.id, name=contact.name, email=contact.email)
    if given is None:
        person = contact.person(getattr(about.record, "person_id", None) or "")
        found = itself if person is None or (mail and not person.email) else _person(person)
    else:
        found = _given(given, contact, itself)
    if mail and not found.email:
        message = f"{found.name} has no e-mail address: add one with contacts.edit(), or say to= whom"
        raise Invalid(Problem("to", "address", message))
    return found


def _given(given: Any, contact: Contact, itself: Mention) -> Mention:
    name = given if isinstance(given, str) else getattr(given, "id", None)
    if name in (contact.id, contact.name):
        return itself
    person = contact.person(name) if isinstance(name, str) and len(name) < 1000 else None
    if person is None:
        hint = suggestion(str(name)[:200], [contact.name, *(one.name for one in contact.persons)])
        raise Invalid(Problem("to", "unknown", f"nobody called {shown(name)} is known at {contact.name}: {hint}"))
    return _person(person)


def attached(work: Work, about: Subject, files: Iterable[Attachment | str]) -> list[Attachment]:
    """Return the attachments that go with a mail, or raise ``Invalid``: the client sees what users of the web see."""
    checks, found = Checks(), []
    for place, given in enumerate(values_of(files, "files")):
        path = f"files[{place}]"
        one = work.get(Attachment, getattr(given, "id", str(given)[:200]))
        if one is None:
            checks.add(path, "unknown", f"no attachment has the id {shown(given)}")
        elif about.id not in (one.record_id, one.opportunity_id) and (one.opportunity_id or "") != about.opportunity_id:
            checks.add(path, "choice", f"{one.name!r} belongs to another record: put it to this one first")
        elif not one.seen_by("web"):
            checks.add(
                path, "audience", f"{one.name!r} is for {one.audience.value} only, and a client is not one of them"
            )
        elif one.quarantined:
            checks.add(path, "quarantine", f"{one.name!r} is in quarantine")
        else:
            found.append(one)
    checks.done(action="mail")
    return found
