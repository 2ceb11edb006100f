"""How an opportunity ended that is taken over from elsewhere: what a row says beside the arguments of ``create``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salespipeline.domain.checks import Checks, aware
from salespipeline.domain.opportunity import Opportunity
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.work import Work

__all__ = ["ENDING", "closed"]

# What a row may say of its end, and what the move calls it.
ENDING = {"status": "status", "closed_at": "at", "lost_reason": "reason", "lost_note": "note"}
_SAID_OF = {"open": ("status",), "won": ("status", "closed_at"), "lost": tuple(ENDING)}


def closed(deal: Opportunity, ending: Mapping[str, Any], work: Work) -> Opportunity:
    """Return *deal* as its row says that it ended, or raise ``Invalid`` in the words of the row."""
    status = ending.get("status", "open")
    if status not in _SAID_OF:
        raise Invalid(Problem("status", "choice", f"a new opportunity is open, won or lost, not {shown(status)}"))
    checks = Checks()
    for name in ending:
        if ending[name] and name not in _SAID_OF[status]:
            checks.add(name, "choice", f"nothing is said of it where status is {status!r}: leave it out")
    checks.done()
    if status == "open":
        return deal
    closed_at = ending.get("closed_at")
    at = work.at if closed_at is None else aware(closed_at, "closed_at")
    on = work.settings.day_of(at)
    if status == "won":
        return deal.won(at=at, on=on)
    try:
        why = {"reason": ending.get("lost_reason", ""), "note": ending.get("lost_note", "")}
        return deal.lost(at=at, on=on, settings=work.settings, **why)
    except Invalid as error:
        names = {theirs: own for own, theirs in ENDING.items()}
        raise Invalid(Problem(names.get(one.path, one.path), one.code, one.message) for one in error.problems) from None
