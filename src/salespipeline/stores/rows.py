"""From an entry to the values of a table's columns, for the stores that keep a kind in a table."""

from __future__ import annotations

from types import NoneType
from typing import Any, NamedTuple

from salespipeline.entries import Entry, Field, Kind, Scalar
from salespipeline.query import INT_MAX, INT_MIN
from salespipeline.stores.kinds import encodable, misfit

__all__ = ["Rows"]

_MOST_FITS = 1000


class _Fit(NamedTuple):
    """What is left to be looked at in rows whose values have these types: how many are there, and which are what."""

    present: int
    texts: tuple[int, ...]
    numbers: tuple[int, ...]


class Rows:
    """The shape of a kind's table: a column for each single field, a table beside it for each ``many`` field."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._single = [field for field in kind.fields if not field.many]
        self._sides = [field for field in kind.fields if field.many]
        self._many = [field.name for field in self._sides]
        self.columns = tuple(field.name for field in self._single)
        self._fits: dict[tuple[type, ...], _Fit | None] = {}  # by the types of a row: there are few of them

    def row(self, entry: Entry) -> list[Scalar | None]:
        """Return the values of the columns, or raise ``StorageError`` where the entry does not fit."""
        index, id, body = entry.index, entry.id, entry.body
        row: list[Any] = list(map(index.get, self.columns))
        types = tuple(map(type, row))
        try:
            fit = self._fits[types]
        except KeyError:
            fit = self._fit(types)
        if (
            fit is None
            or len(index) != fit.present + sum([name in index for name in self._many])  # an unknown field, or None
            or type(id) is not str
            or not id
            or type(body) is not str
            or "\0" in body
            or "\0" in "".join([id, *[row[place] for place in fit.texts]])
            or any(not INT_MIN <= row[place] <= INT_MAX for place in fit.numbers)
        ):
            self.refuse(entry)
        return row

    def _fit(self, types: tuple[type, ...]) -> _Fit | None:
        fit: _Fit | None = None
        given = list(zip(self._single, types, strict=True))
        if all(type_ is field.type or (type_ is NoneType and not field.sortable) for field, type_ in given):
            places = {kind: tuple(at for at, type_ in enumerate(types) if type_ is kind) for kind in (str, int)}
            fit = _Fit(len(places[str]) + len(places[int]), places[str], places[int])
        if len(self._fits) < _MOST_FITS:
            self._fits[types] = fit
        return fit

    def many(self, field: Field, entry: Entry) -> list[Scalar]:
        """Return the distinct values of a ``many`` field, or raise ``StorageError`` where one does not fit."""
        values: Any = entry.index.get(field.name, ())
        if not values:
            return []
        if type(values) is not tuple or set(map(type, values)) != {field.type}:
            self.refuse(entry)
        elif field.type is int:
            if not INT_MIN <= min(values) <= max(values) <= INT_MAX:
                self.refuse(entry)
        else:  # looked at before the row is written: what fails after it would leave half an entry
            together = "".join(values)
            if "\0" in together or not encodable(together):
                self.refuse(entry)
        return list(dict.fromkeys(values))

    def check(self, entry: Entry) -> None:
        """Raise ``StorageError`` where the entry does not fit, for a store whose driver does not look at characters."""
        texts = [value for value in self.row(entry) if type(value) is str]
        for field in self._sides:
            self.many(field, entry)
        if type(entry.version) is not int or not encodable("".join([entry.id, entry.body, *texts])):
            self.refuse(entry)

    def refuse(self, entry: Entry) -> None:
        """Raise the error for an entry that does not fit."""
        error = misfit(entry, self.kind)
        if error is not None:
            raise error
