"""From a record that went into another to the one that stayed: by its id, or by what it was called. (SPEC OPP-8)"""

from __future__ import annotations

from typing import Any

import attrs

from salespipeline.catalog import KIND_OF
from salespipeline.domain.merging import Merger
from salespipeline.errors import Duplicate, NotFound, shown
from salespipeline.query import All, Cmp, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["keep_merger", "merger_of", "refuse_taken", "survivor_of"]


def merger_of(work: Work, kind: str, name: str) -> Merger | None:
    """Return how the record with this id, reference or name went into another; ``None`` where it did not."""
    found = work.get(Merger, name)
    if found is not None and found.record_kind == kind:
        return found
    where = All((Cmp("kind", "=", kind), Cmp("name", "=", fold(name[:1000]))))
    several: list[Merger] = list(work.find(Query(kind="merger", where=where, limit=20)))
    if len({one.into_id for one in several}) > 1:
        message = f"more than one {kind} was called {shown(name)}, and went into others: pass an id, such as {several[0].into_id}"
        raise NotFound(message, kind=kind, key=name)
    return several[0] if several else None


def survivor_of(work: Work, cls: type[Any], name: str) -> Any:
    """Return the record that the one with this id, reference or name went into, or ``None``."""
    merger = merger_of(work, KIND_OF[cls].kind.name, name)
    return None if merger is None else work.get(cls, merger.into_id)


def keep_merger(work: Work, merger: Merger) -> None:
    """Keep where a record went; those that went into it before go with it. The histories of both tell of it."""
    for one in list(work.find(Query(kind="merger", where=Cmp("into", "=", merger.id)))):
        work.keep_secret(attrs.evolve(one, into_id=merger.into_id))
    work.keep_secret(merger)


def refuse_taken(work: Work, kind: str, reference: str, id: str) -> None:
    """Raise ``Duplicate`` where *reference* leads from a record that was merged to another one than *id*."""
    merger = merger_of(work, kind, reference) if len(reference) <= 1000 else None
    if merger is not None and merger.into_id != id and fold(merger.name) == fold(reference):
        message = f"{kind} {merger.name!r} was merged into another, and its reference leads there: choose another"
        raise Duplicate(message, kind=kind, id=id, fields=("reference",))
