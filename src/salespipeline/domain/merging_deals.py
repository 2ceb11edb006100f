"""What an opportunity is once a duplicate has gone into it. (SPEC OPP-8)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from salespipeline.domain.contacts import Contact
from salespipeline.domain.fields import Answer
from salespipeline.domain.given import in_currency
from salespipeline.domain.lines import Line
from salespipeline.domain.merging import Choices, Difference, refuse_itself
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import Settings
from salespipeline.domain.totals import net
from salespipeline.errors import Invalid

__all__ = ["merged_deals"]

MOST = 100_000  # characters of a note


def merged_deals(
    kept: Opportunity,
    other: Opportunity,
    settings: Settings,
    contacts: Mapping[str, Contact],
    *,
    take: Mapping[str, str],
    rate: object = None,
) -> tuple[Opportunity, tuple[Difference, ...]]:
    """Return *kept* with everything that *other* says beside it, and where the two say different things.

    *take* says which side wins: ``{"due": "other"}``. Raises ``Invalid`` with every problem: amounts in another currency
    need a *rate*, 1 of theirs being so many of those that are kept.
    """
    refuse_itself(kept.id, other.id, f"opportunity {kept.reference!r}")
    choose = Choices(take)
    values: dict[str, Any] = {
        "subject": choose.between("subject", kept.subject, other.subject),
        "stage_id": choose.between("stage", kept.stage_id, other.stage_id, say=settings.stages.label),
        "probability_id": choose.between(
            "probability", kept.probability_id, other.probability_id, say=settings.probabilities.label
        ),
        "next_step": choose.between("next_step", kept.next_step, other.next_step),
        "next_step_on": choose.between("next_step_on", kept.next_step_on, other.next_step_on),
        "due": choose.between("due", kept.due, other.due),
        "owner_id": choose.between("owner", kept.owner_id, other.owner_id, say=settings.users.label),
        "department": choose.between("department", kept.department, other.department),
        "note": choose.texts("note", kept.note, other.note, most=MOST),
        "tags": tuple(dict.fromkeys((*kept.tags, *other.tags))),
        "lines": _lines(choose, kept, other, rate),
        "answers": _answers(choose, kept, other),
        "import_key": kept.import_key or other.import_key,
        "merged": (*kept.merged, *other.merged, other.id),
    }
    stage = [one.in_stage_since for one in (kept, other) if one.stage_id == values["stage_id"]]
    values["stage_since"] = min(stage)
    values |= _contact(choose, kept, other, contacts)
    values |= dict(choose.between("status", _ending(kept), _ending(other), say=_status))  # type: ignore[arg-type]
    if other.created_at < kept.created_at:  # the sale began with whichever came first
        values |= {name: getattr(other, name) for name in ("created_at", "created_on", "created_by")}
    choose.done()
    return attrs.evolve(kept, **values), tuple(choose.differences)


def _contact(choose: Choices, kept: Opportunity, other: Opportunity, contacts: Mapping[str, Contact]) -> dict[str, Any]:
    """Return whom it is with; a person belongs to a contact, and comes with it."""

    def name(id: str | None) -> str:
        found = contacts.get(id or "")
        return found.name if found is not None else str(id)

    id = choose.between("contact", kept.contact_id, other.contact_id, say=name)
    if kept.contact_id != other.contact_id:
        choose.knows("person")
        return {"contact_id": id, "person_id": (kept if id == kept.contact_id else other).person_id}

    def person(one: str | None) -> str:
        contact = contacts.get(id)
        found = contact.person(one or "") if contact is not None else None
        return found.name if found is not None else str(one)

    return {"contact_id": id, "person_id": choose.between("person", kept.person_id, other.person_id, say=person)}


def _lines(choose: Choices, kept: Opportunity, other: Opportunity, rate: object) -> tuple[Line, ...]:
    """Return the lines of both. A line that both have is one; with ``all`` it is two."""
    if choose.asked("lines") == "kept":
        choose.knows("lines")
        return kept.lines
    try:
        theirs = in_currency(other.lines, other.currency, kept.currency, rate)
    except Invalid as error:
        choose.checks.problems += error.problems
        return kept.lines
    have = Counter(kept.lines)
    new = []
    for line in theirs:
        if have[line]:
            have[line] -= 1
        else:
            new.append(line)

    def said(lines: tuple[Line, ...]) -> str:
        return f"{len(lines)} of {net(lines, kept.currency)}"

    more = {"both": (*kept.lines, *new), "all": (*kept.lines, *theirs)}
    if not new and choose.asked("lines") is None:  # what the other has is all there
        choose.knows("lines")
        return kept.lines
    return choose.between("lines", kept.lines, theirs, say=said, more=more, usual="both")


def _answers(choose: Choices, kept: Opportunity, other: Opportunity) -> tuple[Answer, ...]:
    values = choose.pairs("custom", kept.custom, other.custom)
    return tuple(Answer(key, value) for key, value in values.items())


_ENDING = ("status", "closed_at", "closed_on", "lost_reason_id", "lost_reason")


def _ending(deal: Opportunity) -> Mapping[str, Any]:
    return {name: getattr(deal, name) for name in _ENDING}


def _status(ending: Mapping[str, Any]) -> str:
    day = ending["closed_on"]
    return str(ending["status"]).replace("_", " ") + (f" on {day}" if day is not None else "")
