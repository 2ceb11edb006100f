"""What can be done with an opportunity, one move each: the same for one of them and for many. (SPEC section 2)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from salespipeline.contacts import Contacts, resolve_contact
from salespipeline.domain.checks import Checks, aware
from salespipeline.domain.contacts import Contact
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import LostReason, Tag
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.expanding import expanded
from salespipeline.survivors import refuse_taken
from salespipeline.work import Work

__all__ = ["Move", "delete", "edit", "given_contact", "hold", "lose", "reopen", "resume", "tag", "untag", "win"]

Known: TypeAlias = Mapping[str, Contact]  # contacts that were read already, by id


@attrs.frozen
class Move:
    """A move: the *action* that the history tells, and what makes the new opportunity of the one before.

    Nothing is made where it is to be deleted. *make* only reads, and raises where the rules say no.
    """

    action: str
    make: Callable[[Opportunity, Work, Known], Opportunity | None]


def given_contact(work: Work, contacts: Contacts, given: object, known: Known | None = None) -> Contact:
    """Return the contact that was *given*, or raise ``Invalid``."""
    found: Contact | None = known.get(given) if known and isinstance(given, str) else None
    if found is None and given is not None:
        found = resolve_contact(work, contacts, given)
    if found is None:
        what = "a contact is needed" if given is None else f"no contact is called {shown(getattr(given, 'id', given))}"
        raise Invalid(
            Problem("contact", "missing" if given is None else "unknown", f"{what}: make one with contacts.add('…')")
        )
    return found


def edit(contacts: Contacts, given: Mapping[str, object]) -> Move:
    """Replace some values."""

    def make(before: Opportunity, work: Work, known: Known) -> Opportunity:
        checks, values = Checks(), dict(given)
        chosen = values.get("contact", before.contact_id)
        contact = checks.take(given_contact, work, contacts, chosen, known)
        expanded(work, values, checks, before.currency)
        if isinstance(reference := values.get("reference"), str):
            refuse_taken(work, "opportunity", reference, before.id)
        return before.edited(values, work.settings, contact=contact, by=work.by, at=work.at, checks=checks)

    return Move("edited", make)


def tag(tags: tuple[Tag | str, ...]) -> Move:
    """Put tags on."""
    return Move("tagged", lambda before, work, _known: before.tagged(tags, work.settings))


def untag(tags: tuple[Tag | str, ...]) -> Move:
    """Take tags off."""
    return Move("untagged", lambda before, work, _known: before.untagged(tags, work.settings))


def hold() -> Move:
    """Put it on hold."""
    return Move("put on hold", lambda before, _work, _known: before.held())


def resume() -> Move:
    """Open it again after a hold."""
    return Move("resumed", lambda before, _work, _known: before.resumed())


def win(at: datetime | None) -> Move:
    """Mark it won."""

    def make(before: Opportunity, work: Work, _known: Known) -> Opportunity:
        return before.won(**_when(work, at))

    return Move("won", make)


def lose(reason: LostReason | str, note: str, at: datetime | None) -> Move:
    """Mark it lost."""

    def make(before: Opportunity, work: Work, _known: Known) -> Opportunity:
        return before.lost(reason=reason, note=note, settings=work.settings, **_when(work, at))

    return Move("lost", make)


def reopen() -> Move:
    """Open a won or lost one again."""
    return Move("reopened", lambda before, work, _known: before.reopened(at=work.at))


def delete() -> Move:
    """Delete it."""
    return Move("deleted", lambda before, _work, _known: before.refuse("delete"))


def _when(work: Work, at: datetime | None) -> dict[str, Any]:
    when = work.at if at is None else aware(at)
    return {"at": when, "on": work.settings.day_of(when)}
