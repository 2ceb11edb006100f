"""Files that nobody refers to, and how they go: what a crash or a deletion has left behind. (SPEC ATT-1)

Bytes are kept before the record that names them, so a lost transaction leaves an orphan at most. Here orphans are
found and removed, and nothing else: what stands in any record is referred to, and what somebody kept within the last
day may be about to be. Keeping bytes again makes them young again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from salespipeline.catalog import KEPT
from salespipeline.errors import Invalid, OpenError, Problem, shown
from salespipeline.files import Sweepable

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["GRACE", "Swept", "sweep"]

GRACE = 24 * 3600  # seconds: longer than anything takes from keeping bytes to the record that names them
SHORTEST = 3600
_DIGEST = re.compile(r'"([0-9a-f]{64})"')


@attrs.frozen
class Swept:
    """What a sweep did: the digests of what was *removed*, and how many orphans are *young*, and stay for now."""

    removed: tuple[str, ...]
    young: int = 0


def sweep(sales: Sales, *, older_than: float = GRACE) -> Swept:
    """Remove the bytes that no record names and that nobody has kept for *older_than* seconds, an hour at least."""
    if not isinstance(older_than, int | float) or not older_than >= SHORTEST:
        message = f"whoever keeps a file needs time to name it: at least {SHORTEST} seconds, not {shown(older_than)}"
        raise Invalid(Problem("older_than", "range", message))
    blobs = sales.overseeing("sweep").blobs
    if not isinstance(blobs, Sweepable):
        raise OpenError(f"{blobs!r} cannot list what it keeps: give it stale() and discard(), see files.Sweepable")
    # First the candidates, then the references: what is named in between was kept in between, and is not stale.
    orphans = set(blobs.stale(older_than))
    if orphans:
        orphans -= _named(sales, orphans)
    removed = [digest for digest in sorted(orphans) if blobs.discard(digest, older_than)]
    return Swept(tuple(removed), len(orphans) - len(removed))


def _named(sales: Sales, candidates: set[str]) -> set[str]:
    """Return those of *candidates* that stand in a record, whatever its kind: a new field needs no word here.

    What stands in the history alone is not named: it tells what was.
    """
    found: set[str] = set()
    with sales.unguarded().work(write=False) as work:
        for kept in KEPT:
            if kept.kind.name != "activity":
                for entry in work.tx.scan(kept.kind.name):
                    found.update(candidates.intersection(_DIGEST.findall(entry.body)))
    return found
