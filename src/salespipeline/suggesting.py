"""Contacts for what somebody has typed so far, at every key. (SPEC OPP-4)

A word is looked up by its beginning among the words of all contacts, which the store keeps in order; nothing is read
through. So nobody is found by what stands in the middle of a word: ``where(text=…)`` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from salespipeline.domain.contacts import Contact
from salespipeline.domain.likeness import words_of
from salespipeline.indexes import WORD
from salespipeline.query import LAST_CHARACTER, All, AnyOf, Contains, Has, HasBetween, Predicate, Query, starts_with
from salespipeline.work import Work

__all__ = ["inside", "suggested"]

MOST = 30  # contacts that are looked through at most for what stands inside a word


def suggested(work: Work, needle: str, limit: int) -> list[Contact]:
    """Return up to *limit* contacts for *needle*, which is folded: names that start so come first, each in order."""
    found: dict[str, Contact] = {}
    for where in (starts_with("name", needle), *inside(work, needle, found)):
        if len(found) < limit:
            query = Query(kind="contact", where=where, order=("name",), limit=limit + len(found))
            found |= {contact.id: contact for contact in work.find(query) if contact.id not in found}
    return list(found.values())[:limit]


def inside(work: Work, needle: str, found: Mapping[str, Contact]) -> Iterator[Predicate]:
    """Yield where else *needle* may begin: at a word, at an e-mail address, or, where nothing is *found*, inside a word."""
    words = words_of(needle)
    if not words:
        return
    said = Contains("text", needle)  # first: where all is looked through, it is asked sooner
    *whole, last = [f"{WORD}{word}" for word in words]
    held = tuple(Has("marks", one) for one in whole)
    if not held:
        yield All((said, AnyOf((_begins(last), _begins(f"mail:{needle}")))))
        return
    yield All((said, *held, _begins(last)))
    yield All((said, _begins(f"mail:{needle}")))
    inside = All((*held[1:], _begins(last)))
    if not found and len(list(work.columns(Query(kind="contact", where=inside, limit=MOST), ("id",)))) < MOST:
        yield All((said, inside))


def _begins(mark: str) -> HasBetween:
    return HasBetween("marks", mark, mark + LAST_CHARACTER)
