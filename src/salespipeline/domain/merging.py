"""Two records that are one: where they say different things, and which of the two is taken. (SPEC OPP-8)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import attrs

from salespipeline.domain.checks import Checks, suggestion
from salespipeline.errors import Invalid, Problem, shown

__all__ = ["Choices", "Difference", "Merger", "refuse_itself"]

T = TypeVar("T")
KEPT, OTHER, BOTH = "kept", "other", "both"
EMPTY: tuple[object, ...] = (None, "", (), frozenset())


@attrs.frozen(kw_only=True)
class Merger:
    """That a record went into another: by its id, and by what it was called, people are led to the one that stayed.

    *id* is that of the record that went; *import_key* the one by which an import would find it.
    """

    id: str
    version: int = 0
    record_kind: str
    name: str
    import_key: str | None = None
    into_id: str
    created_at: datetime
    created_by: str


@attrs.frozen
class Difference:
    """What the two records say of one *field*, and which is taken: ``kept``, ``other``, or ``both`` where that can be.

    >>> other = sales.opportunities.create(contact=acme, subject="Warehouse", lines=deal.lines)
    >>> sales.opportunities.plan_merge(deal, other).differences
    (Difference(field='subject', kept='New warehouse', other='Warehouse', take='kept', choices=('kept', 'other')),)
    """

    field: str
    kept: str
    other: str
    take: str
    choices: tuple[str, ...] = (KEPT, OTHER)


class Choices:
    """Which side is taken, field by field: as somebody said, or else the one that stays, unless it says nothing.

    >>> choices = Choices({"due": "other"})
    >>> choices.between("due", "Monday", "Friday"), choices.between("note", "", "Call"), choices.between("name", "A", "B")
    ('Friday', 'Call', 'A')
    >>> [one.field for one in choices.differences]
    ['due', 'name']
    """

    def __init__(self, take: Mapping[str, str]) -> None:
        checks = Checks()
        if not isinstance(take, Mapping):
            checks.add("take", "type", f"a mapping such as {{'due': 'other'}} is needed, not {shown(take)}")
        checks.done(action="merge")
        self.differences: list[Difference] = []
        self.checks = checks
        self._take = dict(take)
        self._fields: list[str] = []

    def asked(self, field: str) -> str | None:
        """Return what somebody said of *field*."""
        return self._take.get(field)

    def knows(self, field: str) -> None:
        """Note that there is *field* to choose, although both say the same of it."""
        self._fields.append(field)

    def between(
        self,
        field: str,
        kept: T,
        other: T,
        *,
        say: Callable[[T], str] = str,
        more: Mapping[str, T] | None = None,
        usual: str | None = None,
    ) -> T:
        """Return the value that is taken. *more* are choices beside the two; *usual* is taken where nobody says otherwise."""
        self.knows(field)
        if kept == other:
            return kept
        options = {KEPT: kept, OTHER: other, **(more or {})}
        said = self._take.get(field)
        silent = KEPT if other in EMPTY else OTHER if kept in EMPTY else None
        take = said if said is not None else silent or usual or KEPT
        if take not in options:
            there = ", ".join(options)
            self.checks.add(f"take.{field}", "choice", f"of {field} one of {there} is taken, not {shown(said)}")
            return kept
        if silent is None:
            self.differences.append(Difference(field, say(kept), say(other), take, tuple(options)))
        return options[take]

    def texts(self, field: str, kept: str, other: str, *, most: int) -> str:
        """Return a text: what one of them says, or both, one below the other, where they say different things."""
        if other in kept:
            other = kept if other else other
        joined = f"{kept}\n\n{other}"
        if len(joined) > most and self.asked(field) in (None, BOTH):
            message = f"both together are {len(joined):,} characters, and {most:,} fit: take one, kept or other"
            self.checks.add(f"take.{field}", "long", message)
            return kept
        return self.between(field, kept, other, say=_beginning, more={BOTH: joined}, usual=BOTH)

    def pairs(self, field: str, kept: Mapping[str, T], other: Mapping[str, T]) -> dict[str, T]:
        """Return what both say under keys, each of which is a field of its own."""
        found: dict[str, Any] = {}
        for key in dict.fromkeys([*kept, *other]):
            taken = self.between(f"{field}.{key}", kept.get(key), other.get(key))
            if taken is not None:
                found[key] = taken
        return found

    def done(self) -> None:
        """Raise ``Invalid`` where something else was asked for than there is to choose."""
        for field in self._take:
            if field not in self._fields:
                hint = suggestion(str(field)[:200], self._fields)
                self.checks.add("take", "unknown", f"there is no {shown(field)} to choose: {hint}")
        self.checks.done(action="merge")


def _beginning(value: str) -> str:
    line = value.partition("\n")[0]
    return line if len(line) <= 60 else line[:59] + "…"


def refuse_itself(kept: str, other: str, what: str) -> None:
    """Raise ``Invalid`` where the two are one record."""
    if kept == other:
        raise Invalid(Problem("other", "same", f"{what} cannot be merged with itself: name another"), action="merge")
