"""Whether the entries of a store are indexed as this version of the library does, and writing them anew in chunks.

A stamp says with which ``INDEX`` the entries were written, and, while they are written anew, how far that came.
"""

from __future__ import annotations

from salespipeline.catalog import INDEX, KEPT, Stamp
from salespipeline.codec import decode, encode
from salespipeline.errors import Conflict, NewerFormat, Unfinished, UpgradeNeeded
from salespipeline.ports import Store, Transaction
from salespipeline.query import EVERYTHING, Query

__all__ = ["CHUNK", "IMPORT", "OF_THE_STORE", "check_index", "rewrite"]

CHUNK = 500
ATTEMPTS = 10
ID = "index"
IMPORT = "import"  # the stamp that is there while an import is not finished
OF_THE_STORE = frozenset({ID, IMPORT})  # what stamps say of this store alone, and of no other that holds the same
KINDS = tuple(kept.kind.name for kept in KEPT if kept.classes != (Stamp,))


def check_index(store: Store) -> None:
    """Stamp a store that is new; raise ``UpgradeNeeded`` or ``NewerFormat`` where the index is not this version's.

    ``Unfinished`` is raised where an import has begun, and not ended.
    """
    with store.transaction(write=False) as tx:
        if tx.get("stamp", IMPORT) is not None:
            raise Unfinished(
                "an import into this store was interrupted: call salespipeline.maintenance.import_() with the same "
                "export again, which goes on where it stopped"
            )
        number = _stamp(tx).number if tx.get("stamp", ID) is not None else None
        new = number is None and not any(_some(tx, kind) for kind in KINDS)
    if new:
        try:
            with store.transaction() as tx:
                tx.put(encode(Stamp(id=ID, number=INDEX)))
        except Conflict:
            check_index(store)  # somebody else was faster: look at what that one wrote
    elif number != INDEX:
        made = f"the entries were indexed by version {number or 0} of the index, and this program's is {INDEX}"
        if number is not None and number > INDEX:
            raise NewerFormat(f"{made}: upgrade salespipeline")
        raise UpgradeNeeded(f"{made}: call salespipeline.maintenance.upgrade(), which makes a backup first")


def rewrite(store: Store) -> tuple[str, int] | None:
    """Write the next chunk of entries anew and return its kind and size; ``None`` when everything is done."""
    for _ in range(ATTEMPTS - 1):
        try:
            with store.transaction() as tx:
                return _chunk(tx)
        except Conflict:  # somebody wrote one of them meanwhile
            continue
    with store.transaction() as tx:
        return _chunk(tx)


def _chunk(tx: Transaction) -> tuple[str, int] | None:
    stamp = _stamp(tx)
    start, last = stamp.done or (KINDS[0], "")
    for kind in KINDS[KINDS.index(start) :]:
        after = (last,) if last and kind == start else None
        found = list(tx.find(Query(kind=kind, where=EVERYTHING, after=after, limit=CHUNK)))
        if found:
            for stored in found:
                tx.amend(encode(decode(kind, stored)))
            done = (kind, found[-1].id)
            tx.put(encode(Stamp(id=ID, version=stamp.version, number=stamp.number, done=done)))
            return kind, len(found)
    tx.put(encode(Stamp(id=ID, version=stamp.version, number=INDEX)))
    return None


def _stamp(tx: Transaction) -> Stamp:
    stored = tx.get("stamp", ID)
    stamp: Stamp = Stamp(id=ID) if stored is None else decode("stamp", stored)
    return stamp


def _some(tx: Transaction, kind: str) -> bool:
    return next(tx.find(Query(kind=kind, where=EVERYTHING, limit=1)), None) is not None
