"""From an entry to the values of a table's columns, for the stores that keep a kind in a table."""

from __future__ import annotations

from salespipeline.entries import Entry, Field, Kind, Scalar
from salespipeline.query import INT_MAX, INT_MIN
from salespipeline.stores.kinds import encodable, misfit

__all__ = ["Rows"]


class Rows:
    """The shape of a kind's table: a column for each single field, a table beside it for each ``many`` field."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        single = [field for field in kind.fields if not field.many]
        self.columns = tuple(field.name for field in single)
        self._types = tuple((field.name, field.type, field.sortable) for field in single)
        self._declared = frozenset(kind.by_name)

    def row(self, entry: Entry) -> list[Scalar | None]:
        """Return the values of the columns, or raise ``StorageError`` where the entry does not fit."""
        index = entry.index
        get = index.get
        row: list[Scalar | None] = []
        fits = type(entry.id) is str and entry.id and type(entry.body) is str and index.keys() <= self._declared
        fits = fits and "\0" not in entry.id and "\0" not in entry.body
        for name, type_, sortable in self._types:
            value = get(name)
            if type(value) is not type_:
                fits = fits and value is None and not sortable and name not in index
            elif "\0" in value if type_ is str else not INT_MIN <= value <= INT_MAX:  # type: ignore[operator]
                fits = False
            row.append(value)  # type: ignore[arg-type]
        if not fits:
            self.refuse(entry)
        return row

    def many(self, field: Field, entry: Entry) -> list[Scalar]:
        """Return the distinct values of a ``many`` field, or raise ``StorageError`` where one does not fit."""
        values = entry.index.get(field.name, ())
        if not values:
            return []
        if type(values) is not tuple or any(_unfit(one, field.type) for one in values):
            self.refuse(entry)
        return list(dict.fromkeys(values))  # type: ignore[arg-type]

    def refuse(self, entry: Entry) -> None:
        """Raise the error for an entry that does not fit."""
        error = misfit(entry, self.kind)
        if error is not None:
            raise error


def _unfit(value: object, type_: type[int | str]) -> bool:
    if type(value) is not type_:
        return True
    if isinstance(value, str):  # looked at before the row is written: what fails after it would leave half an entry
        return "\0" in value or not encodable(value)
    return not INT_MIN <= value <= INT_MAX
