"""The person dealt with, as a filter: by a record, an id, or a name. (SPEC OPP-4, OPP-10)"""

from __future__ import annotations

from salespipeline.domain.likeness import words_of
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.filters import Filter, identity, values_of
from salespipeline.indexes import WORD
from salespipeline.query import All, Has, Not, OneOf, Predicate, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["person_filter"]


def _person() -> Filter:
    """The person dealt with: a person, an id, or a name, by which everybody is found who is called so."""
    by_id = identity("person", lambda _settings, value, path: _ids(value, path)[0])

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if value is None or operator == "in":
            given = [] if value is None else values_of(value, path)
            if None in given or not given:
                return by_id.make(operator, value, settings, path)
            return OneOf("person", tuple(id for one in given for id in _ids(one, path)))
        found = OneOf("person", tuple(_ids(value, path)))
        return Not(found) if operator == "not" else found

    def ask(work: Work, value: object) -> object:
        if isinstance(value, str):
            return _Named((value, *_called(work, value)))
        if isinstance(value, list | tuple) and not isinstance(value, _Named):
            return [ask(work, one) for one in value]
        return value

    return Filter(by_id.operators, make, by_id.plain, ask)


class _Named(tuple[str, ...]):
    """The ids of those who are called so."""

    __slots__ = ()


def _ids(value: object, path: str) -> list[str]:
    if isinstance(value, _Named):
        return list(value)
    name = getattr(value, "id", value)
    if not isinstance(name, str):
        raise Invalid(Problem(path, "type", f"a person, an id or a name is needed, not {shown(value)}"))
    return [name, *getattr(value, "merged", ())]


def _called(work: Work, name: str) -> list[str]:
    """Return the ids of the persons who have the id or the name."""
    folded = fold(name[:1000])
    words = tuple(Has("marks", f"{WORD}{word}") for word in dict.fromkeys(words_of(folded)))[:50]
    found = work.find(Query(kind="contact", where=All(words))) if words else ()
    people = (person for contact in found for person in contact.persons)
    return [id for one in people if fold(one.name) == folded for id in (one.id, *one.merged)]


person_filter = _person()
