"""How alike two records are, and why: what suggests that they are the same contact, or the same sale.

Each thing that they share is evidence of its own. Two pieces together are worth more than each, and never more than
all there is: what is left to doubt is multiplied. Nothing here reads a store; what shall be compared at all is found by
``marks``, under which alike contacts are kept together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Generic, TypeVar

import attrs

from salespipeline.domain.contacts import Contact
from salespipeline.domain.opportunity import Opportunity
from salespipeline.text import fold

__all__ = ["Likeness", "alike_contacts", "alike_deals", "close", "core", "marks", "words_of"]

R = TypeVar("R")
_WORD = re.compile(r"[^\W_]+")
# What names say beside the name: of the law, or of no help in telling one firm from another.
_LEGAL = frozenset([
    "ab", "ag", "as", "asbl", "bv", "co", "company", "corp", "corporation", "eurl", "gbr", "gmbh", "inc", "incorporated", "kft", "kg",
    "limited", "llc", "llp", "ltd", "nv", "oy", "oyj", "plc", "sa", "sarl", "sas", "sasu", "sca", "scop", "se", "sl", "snc", "spa",
    "spol", "sprl", "srl", "srls", "sro", "the", "und", "and", "et",
])  # fmt: skip
# Who gives everybody an address: that two have one there says nothing.
_PUBLIC = frozenset([
    "163.com", "aol.com", "bbox.fr", "bluewin.ch", "btinternet.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.de",
    "gmx.net", "googlemail.com", "hotmail.co.uk", "hotmail.com", "hotmail.fr", "icloud.com", "laposte.net", "libero.it", "live.com",
    "mac.com", "me.com", "msn.com", "orange.fr", "outlook.com", "outlook.fr", "proton.me", "protonmail.com", "qq.com", "sfr.fr",
    "t-online.de", "wanadoo.fr", "web.de", "yahoo.co.uk", "yahoo.com", "yahoo.fr", "ymail.com",
])  # fmt: skip
CLOSE = 0.82  # from which on two names count as one that was written in two ways


@attrs.frozen
class Likeness(Generic[R]):
    """Two records that may be the same, how sure that is (0 to 100), and what speaks for it.

    >>> twin = sales.contacts.add("ACME Limited", email="buyer@acme.example")
    >>> (found,) = sales.contacts.duplicates(twin)
    >>> print(found)
    95: 'ACME Limited' and 'Acme Ltd': the same name, the same e-mail address buyer@acme.example, the same domain acme.example
    """

    record: R
    other: R
    score: int
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        names = (str(getattr(one, "reference", None) or getattr(one, "name", one)) for one in (self.record, self.other))
        return f"{self.score}: {' and '.join(map(repr, names))}: {', '.join(self.reasons)}"


class _Evidence:
    """What speaks for it so far."""

    def __init__(self) -> None:
        self.doubt = 1.0
        self.reasons: list[str] = []

    def add(self, weight: float, reason: str) -> None:
        self.doubt *= 1 - weight
        self.reasons.append(reason)

    def of(self, record: R, other: R) -> Likeness[R]:
        return Likeness(record, other, round(100 * (1 - self.doubt)), tuple(self.reasons))


def words_of(text: str) -> list[str]:
    """Return the words of *text*, folded."""
    return _WORD.findall(fold(text))


@lru_cache(maxsize=4096)
def core(name: str) -> str:
    """Return what is left of a firm's name without its legal form: what it is known by.

    >>> core("The Acme Co., Ltd"), core("ACME"), core("Müßig Lagertechnik GmbH & Co. KG")
    ('acme', 'acme', 'mussig lagertechnik')
    """
    words = words_of(re.sub(r"\b(?:\w\.){2,}", lambda found: found[0].replace(".", ""), name))  # S.A.R.L.
    return " ".join([word for word in words if word not in _LEGAL] or words)


def marks(contact: Contact) -> Iterator[str]:
    """Yield what *contact* shares with those that may be the same: to be kept, and to be looked up by."""
    name = core(contact.name)
    if name:
        joined = name.replace(" ", "")
        yield f"name:{joined[:100]}"
        if len(joined) >= 8:  # a slip of the pen is in the one half or in the other
            yield f"head:{joined[:6]}"
            yield f"tail:{joined[-6:]}"
    for _, value in contact.ids:
        if number := plain_id(value):
            yield f"id:{number}"
    for address in emails(contact):
        yield f"mail:{address}"
    for host in hosts(contact):
        yield f"host:{host}"
    for number in phones(contact):
        yield f"tel:{number}"


def plain_id(value: str) -> str:
    """Return an id without what is only for the eye; empty where there is too little of it to tell anything.

    >>> plain_id("GB 123 4567 89"), plain_id("n/a")
    ('gb123456789', '')
    """
    plain = "".join(words_of(value))
    return plain[:60] if sum(one.isdigit() for one in plain) >= 5 else ""


def emails(contact: Contact) -> list[str]:
    """Return the e-mail addresses of a contact and of the persons there."""
    several = (contact.email, *(one.email for one in contact.persons))
    return list(dict.fromkeys(one.casefold() for one in several if one))


def hosts(contact: Contact) -> list[str]:
    """Return the domains that are the contact's own."""
    found = [address.rpartition("@")[2] for address in emails(contact)]
    if contact.website:
        found.append(re.sub(r"^https?://(?:www\.)?|[/?#:].*$", "", contact.website.casefold()))
    return [host for host in dict.fromkeys(found) if host and host not in _PUBLIC]


def phones(contact: Contact) -> list[str]:
    """Return the telephone numbers of a contact and of the persons there: the last nine digits, whatever stands before."""
    several = (contact.phone, *(one.phone for one in contact.persons))
    digits = ("".join(one for one in re.sub(r"(?i)x.*$|ext.*$", "", number) if one.isdigit()) for number in several)
    return list(dict.fromkeys(number[-9:] for number in digits if len(number) >= 7))


@lru_cache(maxsize=4096)  # when many are compared, each comes again and again
def _words(text: str) -> frozenset[str]:
    return frozenset(words_of(text))


def close(one: str, other: str) -> float:
    """Return how close two texts are, 0 to 1: by their words, and by their letters.

    >>> close("new warehouse", "warehouse, new"), round(close("new warehouse", "new warehose"), 2), close("shed", "roof")
    (1.0, 0.96, 0.0)
    """
    first, second = _words(one), _words(other)
    if not first or not second:
        return 0.0
    if first == second:
        return 1.0
    shared = len(first & second) / len(first | second)
    if not shared and max(len(first), len(second)) > 1:
        return 0.0  # a slip of the pen leaves the other words as they are
    matcher = SequenceMatcher(None, fold(one)[:200], fold(other)[:200], autojunk=False)
    # A phase, a year, a floor: what differs in its numbers is not a slip of the pen.
    numbers = {word for word in first if word.isdigit()} ^ {word for word in second if word.isdigit()}
    if numbers or matcher.quick_ratio() < CLOSE:
        return shared
    ratio = matcher.ratio()
    return max(shared, ratio) if ratio >= CLOSE else shared


def alike_contacts(one: Contact, other: Contact) -> Likeness[Contact]:
    """Return how alike two contacts are.

    >>> alike_contacts(acme, attrs.evolve(acme, id="2", name="Acme Limited")).score
    95
    """
    found = _Evidence()
    numbers = {plain_id(value): f"{key} {value!r}" for key, value in one.ids}
    for _, value in other.ids:
        if (number := plain_id(value)) and number in numbers:
            found.add(0.9, f"the same {numbers[number]}")
    first, second = core(one.name), core(other.name)
    likeness = 1.0 if first.replace(" ", "") == second.replace(" ", "") else close(first, second)
    if likeness == 1.0:
        found.add(0.65, "the same name")
    elif likeness >= CLOSE:
        found.add(0.45, f"names that are close, {one.name!r} and {other.name!r}")
    found = _shared(found, 0.7, "the same e-mail address", emails(one), emails(other))
    found = _shared(found, 0.6, "the same telephone number", phones(one), phones(other), said=one.phone)
    found = _shared(found, 0.5, "the same domain", hosts(one), hosts(other))
    if one.postcode and fold(one.postcode).replace(" ", "") == fold(other.postcode).replace(" ", ""):
        found.add(0.25, f"the same postcode {one.postcode}")
    keys = {fold(key): plain_id(value) for key, value in one.ids}
    if any(keys.get(fold(key)) not in (None, "", plain_id(value)) for key, value in other.ids if plain_id(value)):
        found.doubt = 1 - (1 - found.doubt) / 2  # two sites, or two firms of a group
        found.reasons.append("but ids that differ")
    return found.of(one, other)


def _shared(
    found: _Evidence, weight: float, words: str, one: Iterable[str], other: Iterable[str], *, said: str = ""
) -> _Evidence:
    there = set(other)
    shared = next((value for value in one if value in there), None)
    if shared is not None:
        found.add(weight, f"{words} {said or shared}")
    return found


def alike_deals(
    one: Opportunity, other: Opportunity, *, contacts: Likeness[Contact] | None = None
) -> Likeness[Opportunity]:
    """Return how alike two opportunities are; *contacts* says how alike theirs are, where they are not the same.

    Without a subject or lines that are alike they are two sales, whoever they are with.

    >>> alike_deals(deal, attrs.evolve(deal, id="2", subject="New warehouses")).reasons
    ('the same contact', "subjects that are close, 'New warehouse' and 'New warehouses'", 'the same lines')
    """
    found = _Evidence()
    if one.contact_id == other.contact_id:
        found.add(0.4, "the same contact")
    elif contacts is not None:
        found.add(
            0.4 * contacts.score / 100, f"contacts that are alike ({contacts.score}: {', '.join(contacts.reasons)})"
        )
    subjects = close(one.subject, other.subject)
    if subjects == 1.0:
        found.add(0.5, f"the same subject {one.subject!r}")
    elif subjects >= 0.5:
        found.add(0.4 * subjects, f"subjects that are close, {one.subject!r} and {other.subject!r}")
    same_lines = one.lines == other.lines and one.currency == other.currency
    if same_lines:
        found.add(0.4, "the same lines")
    elif one.value == other.value and one.value:
        found.add(0.2, f"the same value of {one.value}")
    if subjects < 0.5 and not same_lines:
        return Likeness(one, other, 0, ())
    if one.person_id is not None and one.person_id == other.person_id:
        found.add(0.1, "the same person")
    if one.due is not None and one.due == other.due:
        found.add(0.1, f"the same due date {one.due}")
    days = abs((one.created_on - other.created_on).days)
    if days <= 14 and found.reasons[1:]:
        found.doubt *= 0.9
    return found.of(one, other)
