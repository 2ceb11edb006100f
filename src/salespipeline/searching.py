"""Search with the best first: the same order on every store, because it is decided here. (SPEC OPP-10)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from salespipeline.domain.opportunity import Opportunity
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.text import fold
from salespipeline.words import sought, words

if TYPE_CHECKING:
    from salespipeline.deal_listing import OpportunityListing
    from salespipeline.work import Work

__all__ = ["POOL", "ranked"]

POOL = 1000  # of more that are found, the newest are ranked


def ranked(work: Work, listing: OpportunityListing, text: str, most: int) -> list[Opportunity]:
    """Return the *most* opportunities of *listing* that fit *text* best.

    First the one whose reference it is, then those whose reference begins with it, then those with more of its words in
    their subject; among equals the newest, and among those of one moment the one with the later id.
    """
    if type(most) is not int or not 0 <= most <= POOL:
        raise Invalid(Problem("most", "range", f"at most 0 to {POOL:,} are found, not {shown(most)}"))
    narrowed = listing.where(search=text).order("-created")
    folded = fold(text[:1000])
    if not folded:
        return []
    whole, beginnings = sought(text)

    def rank(reference: str, subject: str) -> tuple[bool, bool, int]:
        held = set(words(subject))
        hits = len(held.intersection(whole)) + sum(any(word.startswith(one) for word in held) for one in beginnings)
        return reference == folded, reference.startswith(folded), hits

    query = attrs.evolve(narrowed.query(work.settings), limit=POOL)
    rows = [
        (str(row[0]), rank(str(row[1]), str(row[2]))) for row in work.columns(query, ("id", "reference", "subject"))
    ]
    rows.sort(key=lambda row: row[1], reverse=True)  # stable: equals stay in the order in which they came
    ids = [id for id, _ in rows[:most]]
    found = work.get_many(Opportunity, ids)
    return [found[id] for id in ids if id in found]
