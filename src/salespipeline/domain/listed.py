"""``Listed``: an ordered list of settings as a value, looked up by id or by label; and entries that are a label alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, Self, TypeVar

import attrs

from salespipeline import text
from salespipeline.domain.checks import counted, suggestion
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.display import Labelled
from salespipeline.errors import Invalid, NotFound, Problem, shown

__all__ = ["Listed", "Named"]


@attrs.frozen(kw_only=True)
class Named(Labelled):
    """An entry that is a label, and nothing else."""

    id: str
    version: int = 0
    label: str
    position: int = 0
    archived: bool = False

    def checked(self) -> Self:
        """Return it with clean texts, or raise ``Invalid``."""
        return cleaned(self, label=lambda value: text.clean(value, "label", required=True))


class _Labelled(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def archived(self) -> bool: ...


L = TypeVar("L", bound=_Labelled)


class Listed(Generic[L]):
    """An immutable, ordered list of settings, looked up by id or by label (in any case).

    Iterating gives those in use; archived ones are still found, so that old records can be shown.
    """

    def __init__(self, what: str, records: Iterable[L] = (), *, order: Callable[[L], int] = lambda _record: 0) -> None:
        """Put *records* in order: by *order* first, then by their positions."""
        self.what = what
        self.all: tuple[L, ...] = tuple(sorted(records, key=lambda one: (order(one), one.position, one.id)))
        self._by_id = {record.id: record for record in self.all}
        self._by_label = {text.fold(record.label): record for record in reversed(self.all)}
        self._by_label |= {text.fold(record.label): record for record in reversed(self.all) if not record.archived}

    def __iter__(self) -> Iterator[L]:
        return (record for record in self.all if not record.archived)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __getitem__(self, name: str) -> L:
        record = self.get(name)
        if record is None:
            hint = suggestion(str(name), [record.label for record in self])
            raise NotFound(f"no {self.what} is called {shown(name)}: {hint}", kind=self.what, key=str(name))
        return record

    def get(self, name: str) -> L | None:
        """Return the record with this id or label, or ``None``."""
        return self._by_id.get(name) or self._by_label.get(text.fold(name))

    def label(self, id: str | None) -> str:
        """Return the label of *id*; the id itself where nothing is known of it, and ``""`` for ``None``."""
        record = self._by_id.get(id) if id is not None else None
        return record.label if record is not None else id or ""

    def chosen(self, given: object, path: str, *, kept: str | None = None) -> str:
        """Return the id of what was *given* (a record, an id or a label), or raise ``Invalid`` naming *path*.

        An archived one is refused, except the one that the record has already (*kept*).
        """
        name = getattr(given, "id", given)
        record = self.get(name) if isinstance(name, str) and len(name) < 1000 else None
        if record is None:
            hint = suggestion(str(name)[:200], [record.label for record in self])
            message = f"no {self.what} is called {shown(name)}: {hint}"
            raise Invalid(Problem(path, "unknown", message))
        if record.archived and record.id != kept:
            message = f"the {self.what} {record.label!r} is archived: restore it, or choose another"
            raise Invalid(Problem(path, "archived", message))
        return record.id

    def __repr__(self) -> str:
        return f"<{counted(len(self), self.what)}: {', '.join(record.label for record in self) or 'none yet'}>"
