"""``sales.contacts``: clients and sites, and the persons dealt with there. (SPEC OPP-4)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

import attrs

from salespipeline import text
from salespipeline.arguments import ContactEdits, ContactFacts, PersonFacts
from salespipeline.collection import UNSEEN, Collection
from salespipeline.domain.checks import counted
from salespipeline.domain.contacts import Contact, Person, contact_changes, person_changes, person_in
from salespipeline.domain.likeness import Likeness
from salespipeline.domain.settings import Settings
from salespipeline.duplicates import best, checked_limits, contacts_like, every_contact_pair
from salespipeline.errors import Invalid, Problem, Refused, shown
from salespipeline.filters import as_written, identity, search, words
from salespipeline.listing import Shape
from salespipeline.query import Cmp
from salespipeline.suggesting import suggested
from salespipeline.survivors import survivor_of
from salespipeline.work import Work

__all__ = ["Contacts"]


def _row(contact: Contact, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "country": contact.country,
        "persons": ", ".join(person.name for person in contact.persons),
    }


class Contacts(Collection[Contact]):
    """Every contact; found by id or by name.

    >>> acme = sales.contacts.add_person("Acme Ltd", "Zoë Field", email="zoe@acme.example", role="buyer")
    >>> acme = sales.contacts.edit(acme, phone="+44 113 496 0001", country="United Kingdom")
    >>> acme.persons[0].name, acme.country
    ('Zoë Field', 'United Kingdom')
    """

    cls = Contact
    key = "name"
    shape = Shape(
        kind="contact",
        filters={
            "name": words("name"),
            "email": words("email"),
            "country": identity("country", as_written),
            "text": search("text"),
        },
        orders={"name": "name", "created": "created"},
        default="name",
        row=_row,
        columns=dict.fromkeys(("name", "email", "phone", "country", "persons"), str),
    )

    def add(self, name: str, **facts: Unpack[ContactFacts]) -> Contact:
        """Add a contact.

        *facts*: email, phone, website, address, postcode, city, country, ids, electronic_address, locale, note.

        >>> import salespipeline as sp
        >>> sp.open("memory:").contacts.add("Acme Ltd", email="buyer@acme.example").name
        'Acme Ltd'
        """
        values = contact_changes({"name": name, **facts})
        with self._sales.work() as work:
            contact = Contact(id=work.new_id(), created_at=work.at, created_by=work.by, **values)
            return work.keep(contact, action="created")

    def edit(self, contact: Contact | str, **facts: Unpack[ContactEdits]) -> Contact:
        """Replace some facts of a contact."""
        values = contact_changes(facts)
        return self._change(contact, lambda before, _work: attrs.evolve(before, **values), "edited")

    def add_person(
        self, contact: Contact | str, name: str, *, email: str = "", phone: str = "", role: str = ""
    ) -> Contact:
        """Add a person to a contact and return the contact."""
        values = person_changes({"name": name, "email": email, "phone": phone, "role": role})

        def move(before: Contact, work: Work) -> Contact:
            person = Person(id=work.new_id(), **values)
            return attrs.evolve(before, persons=(*before.persons, person))

        return self._change(contact, move, "person added")

    def edit_person(self, contact: Contact | str, person: Person | str, **facts: Unpack[PersonFacts]) -> Contact:
        """Replace some facts of a person, named by id or name, and return the contact. *facts*: name, email, phone, role.

        >>> _ = sales.contacts.add_person("Acme Ltd", "Zoe Feild")
        >>> sales.contacts.edit_person("Acme Ltd", "Zoe Feild", name="Zoë Field", role="buyer").persons[0].name
        'Zoë Field'
        """
        values = person_changes(facts)

        def move(before: Contact, _work: Work) -> Contact:
            id = person_in(person, before)
            persons = (attrs.evolve(one, **values) if one.id == id else one for one in before.persons)
            return attrs.evolve(before, persons=tuple(persons))

        return self._change(contact, move, "person edited")

    def suggest(self, typed: str, *, limit: int = 10) -> list[Contact]:
        """Return contacts for what was *typed* so far: names that start so, then those in which a word or a person does.

        Nothing is suggested before the 4th character, or whichever ``edit_organisation(typed_characters=…)`` says; case
        and accents make no difference. An e-mail address is found too. (SPEC OPP-4)

        >>> _ = sales.contacts.add("Café Zürich")
        >>> [contact.name for contact in sales.contacts.suggest("zuri")], sales.contacts.suggest("zur")
        (['Café Zürich'], [])
        """
        if not isinstance(typed, str):
            raise Invalid(Problem("typed", "type", f"what was typed is text, not {shown(typed)}"))
        needle = text.fold(typed[:1000])
        with self._sales.work(write=False) as work:
            few = len(needle) < work.settings.organisation.typed_characters
            return [] if few else suggested(work, needle, limit)

    def duplicates(
        self, contact: Contact | str | None = None, *, least: int = 60, limit: int = 100
    ) -> list[Likeness[Contact]]:
        """Return the pairs of contacts that may be the same, of *contact* or of all, the surest first.

        By the same id, e-mail address, telephone number, domain or postcode, and by names that are the same but for case,
        accents and legal form, or close. *least* is from which score (1 to 100) on a pair is listed.

        >>> _ = sales.contacts.add("ACME Limited", phone="+44 113 496 0001")
        >>> [(one.score, one.reasons) for one in sales.contacts.duplicates()]
        [(65, ('the same name',))]
        """
        checked_limits(least, limit)
        with self._sales.work(write=False) as work:
            found = every_contact_pair(work) if contact is None else contacts_like(work, self._named(work, contact))
            return best(found, least, limit)

    def like(
        self, name: str, *, least: int = 60, limit: int = 10, **facts: Unpack[ContactFacts]
    ) -> list[Likeness[Contact]]:
        """Return the contacts that may be the one that somebody is about to add, the surest first: ask before you add.

        >>> [one.other.name for one in sales.contacts.like("Acme", email="sales@acme.example")]
        ['Acme Ltd']
        """
        checked_limits(least, limit)
        values = contact_changes({"name": name, **facts})
        with self._sales.work(write=False) as work:
            asked = Contact(id="", created_at=work.at, created_by=work.by, **values)
            return best(contacts_like(work, asked), least, limit)

    def delete(self, contact: Contact | str) -> None:
        """Delete a contact that no opportunity and no document names; otherwise ``Refused`` says how many do.

        >>> sales.contacts.delete(sales.contacts.add("Typed by mistake"))
        >>> "Typed by mistake" in sales.contacts
        False
        """
        with self._sales.work() as work:
            record = self._named(work, contact)
            work.demand("delete", record)
            for kind in ("opportunity", "document"):
                named = Cmp("contact", "=", record.id)
                if (number := work.count(kind, named)) or work.hides(kind, named):
                    names = f"{counted(number, kind)} {'names' if number == 1 else 'name'} it" if number else UNSEEN
                    message = f"contact {record.name!r} cannot be deleted: {names}; delete or move them first"
                    raise Refused(message, record=f"contact {record.id}", action="delete")
            work.remove(record)


def resolve_contact(work: Work, contacts: Contacts, given: object) -> Contact | None:
    """Return the contact that was *given* (a record, an id or a name), or ``None`` where it is not known."""
    if isinstance(given, Contact):
        return work.get(Contact, given.id) or survivor_of(work, Contact, given.id)
    return contacts._find(work, given) if isinstance(given, str) else None
