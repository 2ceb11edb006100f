"""Which contacts may be the same, and which opportunities: found by what they share, never by comparing all with all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from salespipeline.catalog import instant
from salespipeline.domain.contacts import Contact
from salespipeline.domain.likeness import Likeness, alike_contacts, alike_deals, marks, words_of
from salespipeline.domain.opportunity import Opportunity
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.query import EVERYTHING, Count, Has, OneOf, Query
from salespipeline.work import Work

__all__ = ["best", "checked_limits", "contacts_like", "deals_like", "every_contact_pair", "every_deal_pair"]

MOST_SHARED = 20  # what more contacts than this have in common tells none of them from the others
MOST_OF_A_CONTACT = 500  # opportunities of the contacts in question that one is compared with, the newest
NEIGHBOURS = 5  # of opportunities of one contact that share a word, each is compared with so many that came before it
RAREST = 3  # by so many of the words of its subject
ALIKE = 60  # from which on two contacts are looked at as one when opportunities are compared
CHUNK = 100
PAGE = 1000


def checked_limits(least: object, limit: object) -> None:
    """Raise ``Invalid`` where a score or a number is none."""
    problems = []
    if type(least) is not int or not 1 <= least <= 100:
        problems.append(Problem("least", "range", f"a score is 1 to 100, not {shown(least)}"))
    if type(limit) is not int or not 1 <= limit <= 10_000:
        problems.append(Problem("limit", "range", f"1 to 10,000 pairs are listed, not {shown(limit)}"))
    if problems:
        raise Invalid(problems, action="duplicates")


def best(found: Iterable[Likeness[Any]], least: int, limit: int) -> list[Likeness[Any]]:
    """Return the best of what was *found*, best first."""
    good = [one for one in found if one.score >= least]
    good.sort(key=lambda one: (-one.score, one.record.id, one.other.id))
    return good[:limit]


# --- contacts ------------------------------------------------------------------------------------------------------


def contacts_like(work: Work, contact: Contact) -> Iterator[Likeness[Contact]]:
    """Yield the contacts that share something with *contact* that few have."""
    telling = []
    for mark in dict.fromkeys(marks(contact)):
        several = list(work.columns(Query(kind="contact", where=Has("marks", mark), limit=MOST_SHARED + 2), ("id",)))
        if len(several) <= MOST_SHARED + 1:  # itself is one of them
            telling += [str(id) for (id,) in several]
    others = work.get_many(Contact, [id for id in dict.fromkeys(telling) if id != contact.id])
    for other in others.values():
        yield alike_contacts(contact, other)


def every_contact_pair(work: Work) -> Iterator[Likeness[Contact]]:
    """Yield each two contacts that share something that few have, the older one first."""
    shared = [
        str(mark)
        for mark, number in work.tally(Query(kind="contact", where=EVERYTHING), ("marks",), (Count(),))
        if mark is not None and 1 < int(number or 0) <= MOST_SHARED and not str(mark).startswith("word:")
    ]
    groups: dict[str, list[Contact]] = {mark: [] for mark in shared}
    for contact in _each(work):  # once, in the order of time: to ask for each mark by itself costs more
        for mark in groups.keys() & set(marks(contact)):
            groups[mark].append(contact)
    seen: set[tuple[str, str]] = set()
    for one, other in _pairs(groups.values()):
        if (one.id, other.id) not in seen:
            seen.add((one.id, other.id))
            yield alike_contacts(one, other)


def _each(work: Work) -> Iterator[Contact]:
    query = Query(kind="contact", order=("created",), limit=PAGE)
    while found := list(work.find(query)):
        yield from found
        query = attrs.evolve(query, after=(instant(found[-1].created_at), found[-1].id))


def _pairs(groups: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
    for group in groups:
        for place, other in enumerate(group):
            yield from ((one, other) for one in group[:place])


# --- opportunities -------------------------------------------------------------------------------------------------


def deals_like(work: Work, deal: Opportunity) -> Iterator[Likeness[Opportunity]]:
    """Yield how alike the others of the same contact, or of one that is alike, are to *deal*."""
    contact = work.get(Contact, deal.contact_id)
    alike = {}
    if contact is not None:
        alike = {one.other.id: one for one in contacts_like(work, contact) if one.score >= ALIKE}
    where = OneOf("contact", (deal.contact_id, *alike))
    query = Query(kind="opportunity", where=where, order=("created",), descending=True, limit=MOST_OF_A_CONTACT)
    for other in work.find(query):
        if other.id != deal.id:
            yield alike_deals(deal, other, contacts=alike.get(other.contact_id))


def every_deal_pair(work: Work) -> Iterator[Likeness[Opportunity]]:
    """Yield each two opportunities of a contact, or of two that are alike, whose subjects share a word."""
    alike = {(one.record.id, one.other.id): one for one in every_contact_pair(work) if one.score >= ALIKE}
    group_of = _grouped(alike)
    several = [
        str(contact)
        for contact, number in work.tally(Query(kind="opportunity", where=EVERYTHING), ("contact",), (Count(),))
        if int(number or 0) > 1 or str(contact) in group_of
    ]
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for start in range(0, len(several), CHUNK):
        where = OneOf("contact", tuple(several[start : start + CHUNK]))
        query = Query(kind="opportunity", where=where, order=("created",))
        for contact, id, subject in work.columns(query, ("contact", "id", "subject")):
            rows[group_of.get(str(contact), str(contact))].append((str(id), str(subject)))
    candidates = list(dict.fromkeys(pair for group in rows.values() for pair in _sharing(group)))
    for start in range(0, len(candidates), CHUNK):
        chunk = candidates[start : start + CHUNK]
        deals = work.get_many(Opportunity, {id for pair in chunk for id in pair})
        for first, second in chunk:
            if first in deals and second in deals:
                one, other = deals[first], deals[second]
                ids = (one.contact_id, other.contact_id)
                yield alike_deals(one, other, contacts=alike.get(ids) or alike.get(ids[::-1]))


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return, for each contact that is like another, the name of the group of those that are like one another."""
    leader: dict[str, str] = {}

    def lead(id: str) -> str:
        while leader.setdefault(id, id) != id:
            leader[id] = leader[leader[id]]
            id = leader[id]
        return id

    for one, other in pairs:
        leader[lead(other)] = lead(one)
    return {id: lead(id) for id in list(leader)}


def _sharing(group: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield pairs of those in *group*, which is in the order of time, that share one of their rarest words."""
    words = [set(words_of(subject)) for _, subject in group]
    number: dict[str, int] = defaultdict(int)
    for several in words:
        for word in several:
            number[word] += 1
    latest: dict[str, list[str]] = defaultdict(list)
    for (id, _), several in zip(group, words, strict=True):
        for word in sorted((one for one in several if number[one] > 1), key=lambda one: (number[one], one))[:RAREST]:
            yield from ((before, id) for before in latest[word][-NEIGHBOURS:])
            latest[word].append(id)
