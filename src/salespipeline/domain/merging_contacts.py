"""What a contact is once a duplicate has gone into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from salespipeline.domain.contacts import Contact, Person
from salespipeline.domain.merging import Choices, Difference, refuse_itself
from salespipeline.text import fold

__all__ = ["merged_contacts"]

MOST = 100_000  # characters of a note
_SINGLE = ("name", "email", "phone", "website", "electronic_address", "locale")
_PLACE = ("address", "postcode", "city", "country")


def merged_contacts(
    kept: Contact, other: Contact, *, take: Mapping[str, str]
) -> tuple[Contact, tuple[Difference, ...]]:
    """Return *kept* with everything that *other* says beside it, and where the two say different things.

    Persons of one name are one, unless their addresses differ. Where either is on stop, what comes of them is. Raises
    ``Invalid`` with every problem.
    """
    refuse_itself(kept.id, other.id, f"contact {kept.name!r}")
    choose = Choices(take)
    values: dict[str, Any] = {name: choose.between(name, getattr(kept, name), getattr(other, name)) for name in _SINGLE}
    if place := choose.between("address", _place(kept), _place(other), say=_said):
        values |= dict(zip(_PLACE, place, strict=True))
    values["ids"] = tuple(choose.pairs("ids", dict(kept.ids), dict(other.ids)).items())
    values["note"] = choose.texts("note", kept.note, other.note, most=MOST)
    values["persons"] = _persons(kept.persons, other.persons)
    values["stopped"] = kept.stopped or other.stopped
    values["stop_reason"] = "; ".join(dict.fromkeys(one for one in (kept.stop_reason, other.stop_reason) if one))
    parents = [one.parent_id for one in (kept, other) if one.parent_id not in (None, kept.id, other.id)]
    values["parent_id"] = parents[0] if parents else None
    values["merged"] = (*kept.merged, *other.merged, other.id)
    if other.created_at < kept.created_at:
        values |= {"created_at": other.created_at, "created_by": other.created_by}
    choose.done()
    return attrs.evolve(kept, **values), tuple(choose.differences)


def _place(contact: Contact) -> tuple[object, ...]:
    found = tuple(getattr(contact, name) for name in _PLACE)
    return found if any(found) else ()


def _said(place: Iterable[object]) -> str:
    lines = (line for part in place for line in (part if isinstance(part, tuple) else (part,)))
    return ", ".join(str(line) for line in lines if line)


def _persons(kept: tuple[Person, ...], other: tuple[Person, ...]) -> tuple[Person, ...]:
    found = list(kept)
    for person in other:
        same = next((at for at, one in enumerate(found) if _is_same(one, person)), None)
        if same is None:
            found.append(person)
            continue
        one = found[same]
        filled = {name: getattr(one, name) or getattr(person, name) for name in ("email", "phone", "role")}
        both = one.archived and person.archived
        found[same] = attrs.evolve(one, **filled, archived=both, merged=(*one.merged, *person.merged, person.id))
    return tuple(found)


def _is_same(one: Person, other: Person) -> bool:
    emails = {one.email.casefold(), other.email.casefold()} - {""}
    return fold(one.name) == fold(other.name) and len(emails) < 2
