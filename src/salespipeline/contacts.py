"""``sales.contacts``: clients and sites, and the persons dealt with there. (SPEC OPP-4)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import attrs

from salespipeline import text
from salespipeline.arguments import ContactEdits, ContactFacts, PersonFacts
from salespipeline.collection import UNSEEN
from salespipeline.deal_filters import as_id
from salespipeline.domain.checks import Checks, counted
from salespipeline.domain.contacts import Contact, Person, contact_changes, person_changes, person_in
from salespipeline.domain.ids import check_ids, wrong_ids
from salespipeline.domain.likeness import Likeness
from salespipeline.domain.merging import Difference
from salespipeline.domain.merging_contacts import merged_contacts
from salespipeline.domain.settings import Settings
from salespipeline.duplicates import best, checked_limits, contacts_like, every_contact_pair
from salespipeline.errors import Invalid, Problem, Refused, shown
from salespipeline.filters import as_written, flag, identity, search, words
from salespipeline.listing import Shape
from salespipeline.merging import Mergeable
from salespipeline.query import Cmp, OneOf
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
        "persons": ", ".join(person.name for person in contact.staff),
        "on_stop": (contact.stop_reason or "yes") if contact.stopped else "",
    }


class Contacts(Mergeable[Contact]):
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
            "parent": identity("parent", as_id),
            "on_stop": flag("stopped"),
        },
        orders={"name": "name", "created": "created"},
        default="name",
        row=_row,
        columns=dict.fromkeys(("name", "email", "phone", "country", "persons", "on_stop"), str),
    )

    def add(self, name: str, **facts: Unpack[ContactFacts]) -> Contact:
        """Add a contact.

        *facts*: email, phone, website, address, postcode, city, country, ids, electronic_address, locale, note, and
        *parent*, the contact that it is a site or a part of.

        >>> import salespipeline as sp
        >>> sp.open("memory:").contacts.add("Acme Ltd", email="buyer@acme.example").name
        'Acme Ltd'
        """
        with self._sales.work() as work:
            values = self._values(work, {"name": name, **facts})
            contact = Contact(id=work.new_id(), created_at=work.at, created_by=work.by, **values)
            return work.keep(contact, action="created")

    def edit(self, contact: Contact | str, **facts: Unpack[ContactEdits]) -> Contact:
        """Replace some facts of a contact.

        >>> site = sales.contacts.add("Acme, Leeds site", parent="Acme Ltd")
        >>> [one.name for one in sales.contacts.where(parent=acme)], sales.contacts.edit(site, parent=None).parent_id
        (['Acme, Leeds site'], None)
        """

        def move(before: Contact, work: Work) -> Contact:
            return attrs.evolve(before, **self._values(work, facts, before))

        return self._change(contact, move, "edited")

    def _values(self, work: Work, facts: Mapping[str, object], before: Contact | None = None) -> dict[str, Any]:
        """Return what is kept of *facts*, or raise ``Invalid`` with every problem."""
        checks = Checks()
        given = dict(facts)
        parent = given.pop("parent", None)
        ids = {"ids": given.pop("ids")} if "ids" in given else {}
        values: dict[str, Any] = checks.take(contact_changes, given) or {}
        kept: dict[str, Any] | None = checks.take(contact_changes, ids)
        values |= kept or {}
        if values.get("ids") and work.settings.organisation.ids_checked:
            checks.take(check_ids, values["ids"])
        if "parent" in facts:
            values["parent_id"] = None if parent is None else checks.take(self._parent, work, parent, before)
        checks.done(record=None if before is None else f"contact {before.name!r}")
        return values

    def _parent(self, work: Work, given: object, before: Contact | None) -> str:
        """Return the id of the parent, or raise ``Invalid`` where there is none, or where it would be its own."""
        found = resolve_contact(work, self, given)
        if found is None:
            name = shown(getattr(given, "id", given))
            raise Invalid(
                Problem("parent", "unknown", f"no contact is called {name}: add it first, with contacts.add('…')")
            )
        if before is not None:
            seen: set[str] = set()
            above: Contact | None = found
            while above is not None and above.id not in seen:
                if above.id == before.id:
                    what = "itself" if found.id == before.id else f"{found.name!r}, which is a part of it"
                    raise Invalid(
                        Problem("parent", "cycle", f"{before.name!r} cannot be a part of {what}: name another")
                    )
                seen.add(above.id)
                above = work.get(Contact, above.parent_id) if above.parent_id is not None else None
        return found.id

    def check_ids(self, contact: Contact | str) -> tuple[Problem, ...]:
        """Return what is wrong with the ids of a contact, by their check digits; nothing is looked up on the network.

        VAT numbers, SIREN, SIRET, LEI, IBAN and other ids by which python-stdnum knows them. Raises ``Refused`` where that is not
        installed (``pip install 'salespipeline[ids]'``). ``edit_organisation(ids_checked=True)`` has wrong ones refused.

        >>> shop = sales.contacts.add("Harlow Foods", ids={"SIREN": "303265046"})
        >>> print(*sales.contacts.check_ids(shop))
        ids.SIREN: '303265046' is not a SIREN: its check digits do not fit; look at it again
        """
        self._expect(contact)
        return wrong_ids((self.get(contact) if isinstance(contact, str) else contact).ids)

    def stop(self, contact: Contact | str, reason: str = "") -> Contact:
        """Put it on stop: whoever makes a document for it is warned with ``sp.OnStop``, which says why.

        >>> sales.contacts.stop("Acme Ltd", "two invoices are overdue").stopped
        True
        >>> sales.contacts.where(on_stop=True).count(), sales.contacts.release("Acme Ltd").stopped
        (1, False)
        """
        why = text.clean(reason, "reason", most=500)
        return self._change(contact, lambda one, _work: attrs.evolve(one, stopped=True, stop_reason=why), "put on stop")

    def release(self, contact: Contact | str) -> Contact:
        """Take it off stop."""
        return self._change(contact, lambda one, _work: attrs.evolve(one, stopped=False, stop_reason=""), "released")

    def _together(
        self, work: Work, kept: Contact, other: Contact, take: Mapping[str, str], rate: object
    ) -> tuple[Contact, tuple[Difference, ...]]:
        if rate is not None:
            raise Invalid(Problem("rate", "unknown", "a contact has no amounts: leave the rate out"), action="merge")
        result, differences = merged_contacts(kept, other, take=take)
        if result.parent_id is not None and result.parent_id != kept.parent_id:  # what was below may now be above
            try:
                self._parent(work, result.parent_id, kept)
            except Invalid:
                result = attrs.evolve(result, parent_id=None)
        return result, differences

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
            return before.with_person(attrs.evolve(_person(before, person), **values))

        return self._change(contact, move, "person edited")

    def remove_person(self, contact: Contact | str, person: Person | str) -> Contact:
        """Take a person away; one whom an opportunity or a document names is archived, and theirs still. Returns the contact.

        >>> _ = sales.contacts.add_person("Acme Ltd", "Zoë Field")
        >>> _ = sales.opportunities.edit(deal, person="Zoë Field")
        >>> left = sales.contacts.remove_person("Acme Ltd", "Zoë Field")
        >>> left.persons[0].archived, left.staff
        (True, ())
        >>> len(sales.contacts.restore_person(left, "Zoë Field").staff)
        1
        """

        def move(before: Contact, work: Work) -> Contact:
            gone = _person(before, person)
            with work.unguarded():  # who is named where nobody may look is named
                used = any(
                    work.count(kind, OneOf("person", (gone.id, *gone.merged))) for kind in ("opportunity", "document")
                )
            if used:
                return before.with_person(attrs.evolve(gone, archived=True))
            return attrs.evolve(before, persons=tuple(one for one in before.persons if one.id != gone.id))

        return self._change(contact, move, "person removed")

    def restore_person(self, contact: Contact | str, person: Person | str) -> Contact:
        """Let an archived person be chosen again; returns the contact."""

        def move(before: Contact, _work: Work) -> Contact:
            return before.with_person(attrs.evolve(_person(before, person), archived=False))

        return self._change(contact, move, "person restored")

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
        with self._sales.work(write=False) as work:
            values = self._values(work, {"name": name, **facts})
            asked = Contact(id="", created_at=work.at, created_by=work.by, **values)
            return best(contacts_like(work, asked), least, limit)

    def delete(self, contact: Contact | str) -> None:
        """Delete a contact that no opportunity, document, job or site names; otherwise ``Refused`` says how many do.

        >>> sales.contacts.delete(sales.contacts.add("Typed by mistake"))
        >>> "Typed by mistake" in sales.contacts
        False
        """
        with self._sales.work() as work:
            record = self._named(work, contact)
            work.demand("delete", record)
            for kind, field in (
                ("opportunity", "contact"),
                ("document", "contact"),
                ("job", "contact"),
                ("contact", "parent"),
            ):
                named = Cmp(field, "=", record.id)
                if (number := work.count(kind, named)) or work.hides(kind, named):
                    names = f"{counted(number, kind)} {'names' if number == 1 else 'name'} it" if number else UNSEEN
                    message = f"contact {record.name!r} cannot be deleted: {names}; delete or move them first"
                    raise Refused(message, record=f"contact {record.id}", action="delete")
            work.remove(record)


def _person(contact: Contact, given: object) -> Person:
    """Return the person *given*, whether still there or not, or raise ``Invalid``."""
    id = person_in(given, contact, any_of_them=True)
    found = contact.person(id) if id is not None else None
    if found is None:
        raise Invalid(Problem("person", "missing", f"a person is needed, or the id or name of one at {contact.name}"))
    return found


def resolve_contact(work: Work, contacts: Contacts, given: object) -> Contact | None:
    """Return the contact that was *given* (a record, an id or a name), or ``None`` where it is not known."""
    if isinstance(given, Contact):
        return work.get(Contact, given.id) or survivor_of(work, Contact, given.id)
    return contacts._find(work, given) if isinstance(given, str) else None
