"""What makes the in-memory store fast: keys in order, and one kind's records with their indexes.

An index is built when a query first asks for it and kept up to date from then on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from salespipeline.entries import Index, Kind, Scalar, Stored
from salespipeline.stores.kinds import default, paths_of

__all__ = ["Key", "Record", "Records", "SortedKeys"]

Key: TypeAlias = tuple[Scalar, ...]
_RUN = 512


class SortedKeys:
    """Distinct keys in order, as runs of a few hundred: adding one among a million moves only its own run.

    >>> keys = SortedKeys([("b",), ("a",)])
    >>> keys.add(("c",))
    >>> list(keys.ascending(("b",)))
    [('b',), ('c',)]
    """

    __slots__ = ("_last", "_runs")

    def __init__(self, keys: list[Key]) -> None:
        keys = sorted(keys)
        self._runs = [keys[start : start + _RUN] for start in range(0, len(keys), _RUN)]
        self._last = [run[-1] for run in self._runs]

    def add(self, key: Key) -> None:
        """Add a key that is not there yet."""
        runs, last = self._runs, self._last
        if not runs:
            runs.append([key])
            last.append(key)
            return
        place = min(bisect_left(last, key), len(runs) - 1)
        run = runs[place]
        insort(run, key)
        last[place] = run[-1]
        if len(run) > 2 * _RUN:
            runs[place : place + 1] = [run[:_RUN], run[_RUN:]]
            last[place : place + 1] = [run[_RUN - 1], run[-1]]

    def remove(self, key: Key) -> None:
        """Remove a key that is there."""
        place = bisect_left(self._last, key)
        run = self._runs[place]
        del run[bisect_left(run, key)]
        if run:
            self._last[place] = run[-1]
        else:
            del self._runs[place], self._last[place]

    def ascending(self, low: tuple[Any, ...] = ()) -> Iterator[Key]:
        """Return the keys from *low* on."""
        place = bisect_left(self._last, low)
        if place == len(self._runs):
            return iter(())
        first = self._runs[place]
        return chain(first[bisect_left(first, low) :], chain.from_iterable(self._runs[place + 1 :]))

    def descending(self, high: tuple[Any, ...] | None = None) -> Iterator[Key]:
        """Return the keys from *high* (not included) down."""
        if high is None:
            return chain.from_iterable(map(reversed, reversed(self._runs)))
        place = bisect_left(self._last, high)
        below: Iterator[Key] = chain.from_iterable(map(reversed, reversed(self._runs[:place])))
        if place == len(self._runs):
            return below
        run = self._runs[place]
        return chain(reversed(run[: bisect_left(run, high)]), below)

    def between(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> int:
        """Return about how many keys there are from *low* to *high*: exact within one run."""
        first, last = bisect_left(self._last, low), bisect_right(self._last, high)
        if first == last:
            run = self._runs[first] if first < len(self._runs) else []
            return bisect_left(run, high) - bisect_left(run, low)
        return (last - first) * _RUN


class Record(NamedTuple):
    """What is kept of one entry."""

    stored: Stored
    index: Index


class Records:
    """The records of one kind, by id, and the indexes over them."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.by_id: dict[str, Record] = {}
        self.uniques: dict[tuple[str, ...], dict[Key, str]] = {names: {} for names in kind.unique}
        self._buckets: dict[str, dict[Scalar, set[str]]] = {}
        self._sorted: dict[tuple[str, ...], SortedKeys] = {}
        self.paths = frozenset((*paths_of(kind), *kind.unique))

    def become(self, kind: Kind) -> tuple[str, ...] | None:
        """Take on a wider *kind*; return the unique that what is there breaks, and then change nothing."""
        uniques: dict[tuple[str, ...], dict[Key, str]] = {}
        for names in kind.unique:
            taken = uniques[names] = {}
            for id, record in self.by_id.items():
                key = _key(names, record.index)
                if key is not None and taken.setdefault(key, id) != id:
                    return names
        old = self.kind.by_name
        fresh = [
            field for field in kind.fields if field.sortable and not (field.name in old and old[field.name].sortable)
        ]
        if fresh:
            filling = {field.name: default(field) for field in fresh}
            self.by_id = {id: Record(one.stored, filling | one.index) for id, one in self.by_id.items()}  # type: ignore[operator]
        self.kind = kind
        self.uniques = uniques
        self.paths = frozenset((*paths_of(kind), *kind.unique))
        self._buckets.clear()
        self._sorted.clear()
        return None

    def taken(self, id: str, index: Index) -> tuple[str, ...] | None:
        """Return the unique that another record has taken, or ``None``."""
        for names, taken in self.uniques.items():
            key = _key(names, index)
            if key is not None and taken.get(key, id) != id:
                return names
        return None

    def replace(self, id: str, record: Record | None) -> Record | None:
        """Put *record* in the place of what is kept under *id*, or remove that; return what was there."""
        old = self.by_id.get(id)
        if record is not None:
            self.by_id[id] = record
        elif old is not None:
            del self.by_id[id]
        before = old.index if old is not None else None
        after = record.index if record is not None else None
        for names, taken in self.uniques.items():
            was, becomes = before and _key(names, before), after and _key(names, after)
            if was != becomes:
                if was:
                    del taken[was]
                if becomes:
                    taken[becomes] = id
        for name, bucket in self._buckets.items():
            was_in, is_in = before and before.get(name), after and after.get(name)
            if was_in != is_in:
                for value in _values(was_in):
                    bucket[value].discard(id)
                for value in _values(is_in):
                    bucket.setdefault(value, set()).add(id)
        for names, keys in self._sorted.items():
            was, becomes = before and _key(names, before), after and _key(names, after)
            if was != becomes:
                if was is not None and before is not None:
                    keys.remove((*was, id))
                if becomes is not None and after is not None:
                    keys.add((*becomes, id))
        return old

    def bucket(self, name: str) -> Mapping[Scalar, set[str]]:
        """Return the ids by the values of a field."""
        found = self._buckets.get(name)
        if found is None:
            found = self._buckets[name] = {}
            for id, record in self.by_id.items():
                for value in _values(record.index.get(name)):
                    found.setdefault(value, set()).add(id)
        return found

    def sorted(self, names: tuple[str, ...]) -> SortedKeys:
        """Return the keys of the records that have all of these fields: their values, then the id."""
        found = self._sorted.get(names)
        if found is None:
            keys = ((_key(names, record.index), id) for id, record in self.by_id.items())
            found = self._sorted[names] = SortedKeys([(*key, id) for key, id in keys if key is not None])
        return found


def _key(names: tuple[str, ...], index: Index) -> Key | None:
    try:
        return tuple([index[name] for name in names])  # type: ignore[misc]
    except KeyError:
        return None


def _values(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)
