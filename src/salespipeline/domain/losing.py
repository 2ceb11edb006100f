"""Why an opportunity was lost: one of the reasons that an administrator lists, and words. (SPEC OPP-6)"""

from __future__ import annotations

from typing import Any

from salespipeline import text
from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.settings import Settings

__all__ = ["why_lost"]


def why_lost(reason: object, note: str, settings: Settings) -> dict[str, Any]:
    r"""Return what is kept of a *reason* and a *note*, or raise ``Invalid`` with every problem.

    Where the settings list reasons, *reason* is one of them and *note* says more; where they list none, both are words.

    >>> sales.opportunities.lose(deal, "too dear", note="By a tenth.").lost_reason
    'too dear\nBy a tenth.'
    """
    checks = Checks()
    words = checks.take(text.clean, note, "note", most=2000, lines=True)
    chosen = None
    listed = settings.lost_reasons
    if reason is None or reason == "":
        if settings.organisation.lost_reason_needed and (len(listed) or not words):
            there = suggestion("", [one.label for one in listed]) if len(listed) else "say it in words"
            checks.add("reason", "missing", f"a reason is needed to lose an opportunity: {there}")
    elif len(listed):
        chosen = checks.take(listed.chosen, reason, "reason")
    else:
        said = checks.take(text.clean, reason, "reason", most=2000, lines=True)  # type: ignore[arg-type]
        words = "\n".join(one for one in (said, words) if one)
    checks.done(action="lose")
    return {"lost_reason_id": chosen, "lost_reason": words}
