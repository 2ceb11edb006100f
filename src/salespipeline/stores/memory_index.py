"""What makes the in-memory store fast: keys in order, and one kind's records with the indexes over them.

An index is built when a query first asks for it, and kept up to date from then on.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from salespipeline.entries import Index, Kind, Scalar, Stored
from salespipeline.stores.kinds import default, paths_of
from salespipeline.stores.memory_sums import MOST_KEPT, Asked, Sums
from salespipeline.stores.memory_texts import Texts
from salespipeline.stores.memory_words import WordIndex
from salespipeline.stores.rows import Rows

__all__ = ["TOP", "Key", "Record", "Records", "SortedKeys"]

Key: TypeAlias = tuple[Any, ...]
_RUN = 512


class _Top:
    """Greater than every scalar, so that ``(*prefix, TOP)`` ends the range of the keys that begin with *prefix*."""

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return other is not self


TOP = _Top()


class SortedKeys:
    """Distinct keys in order, as runs of a few hundred: adding one among a million moves only its own run.

    >>> keys = SortedKeys([("b",), ("a",)])
    >>> keys.add(("c",))
    >>> list(keys.ascending(("b",), ("b", TOP)))
    [('b',)]
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

    def ascending(self, low: Key, high: Key) -> Iterator[Key]:
        """Return the keys from *low* up to, and without, *high*."""
        return chain.from_iterable(self._pieces(low, high))

    def descending(self, low: Key, high: Key) -> Iterator[Key]:
        """Return the same keys from the last to the first."""
        return chain.from_iterable(piece[::-1] for piece in reversed(self._pieces(low, high)))

    def count(self, low: Key, high: Key) -> int:
        """Return how many keys there are from *low* up to, and without, *high*."""
        runs = self._runs
        first, last = bisect_left(self._last, low), bisect_left(self._last, high)
        before = bisect_left(runs[first], low) if first < len(runs) else 0
        within = bisect_left(runs[last], high) if last < len(runs) else 0
        return max(0, sum(map(len, runs[first:last])) - before + within)

    def _pieces(self, low: Key, high: Key) -> list[list[Key]]:
        first, last = bisect_left(self._last, low), bisect_left(self._last, high)
        pieces = self._runs[first : last + 1]
        if last < len(self._runs) and pieces:
            pieces[-1] = pieces[-1][: bisect_left(pieces[-1], high)]
        if pieces:
            pieces[0] = pieces[0][bisect_left(pieces[0], low) :]
        return pieces


class Record(NamedTuple):
    """What is kept of one entry."""

    stored: Stored
    fields: Index


class Records:
    """The records of one kind, by id, and the indexes over them."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.rows = Rows(kind)
        self.by_id: dict[str, Record] = {}
        self.uniques: dict[tuple[str, ...], dict[Key, str]] = {names: {} for names in kind.unique}
        self._holders: dict[str, dict[Scalar, set[str]]] = {}
        self._sorted: dict[tuple[str, ...], SortedKeys] = {}
        self._texts: dict[str, Texts] = {}
        self._words: dict[str, WordIndex] = {}
        self._sums: dict[Asked, Sums] = {}  # the one that was asked for last comes last
        self._wide: set[Asked] = set()

    @cached_property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The tuples of fields that are worth an index."""
        return (*self.kind.unique, *paths_of(self.kind))

    def become(self, kind: Kind) -> tuple[str, ...] | None:
        """Take on a wider *kind*; return the unique that what is there breaks, and then change nothing."""
        wider = Records(kind)
        old = self.kind.by_name
        fresh = [
            field for field in kind.fields if field.sortable and not (field.name in old and old[field.name].sortable)
        ]
        filling = {field.name: default(field) for field in fresh}
        for id, record in self.by_id.items():
            filled = Record(record.stored, {**filling, **record.fields}) if filling else record
            names = wider.taken(id, filled.fields)
            if names is not None:
                return names
            wider.replace(id, filled)
        self.__dict__ = wider.__dict__  # with no index yet: what asks for one builds it
        return None

    def taken(self, id: str, index: Index) -> tuple[str, ...] | None:
        """Return the unique that another record has taken, or ``None``."""
        for names, taken in self.uniques.items():
            key = _key(names, index)
            if key is not None and taken.get(key, id) != id:
                return names
        return None

    def replace(self, id: str, record: Record | None) -> None:
        """Put *record* in the place of what is kept under *id*; ``None`` removes that."""
        old = self.by_id.get(id)
        if record is not None:
            self.by_id[id] = record
        elif old is not None:
            del self.by_id[id]
        before = None if old is None else old.fields
        after = None if record is None else record.fields
        for names, taken in self.uniques.items():
            was, becomes = _key(names, before), _key(names, after)
            if was != becomes:
                if was is not None:
                    del taken[was]
                if becomes is not None:
                    taken[becomes] = id
        self._keep_up(id, before, after)

    def _keep_up(self, id: str, before: Index | None, after: Index | None) -> None:
        """Bring what was built for queries up to date."""
        for name, holders in self._holders.items():
            for value in _values(name, before):
                holders[value].discard(id)
            for value in _values(name, after):
                holders.setdefault(value, set()).add(id)
        for names, keys in self._sorted.items():
            was, becomes = _key(names, before), _key(names, after)
            if was != becomes:
                if was is not None:
                    keys.remove((*was, id))
                if becomes is not None:
                    keys.add((*becomes, id))
        for name, texts in self._texts.items():
            texts.set(id, None if after is None else after.get(name))  # type: ignore[arg-type]
        for name, words in self._words.items():
            words.change(id, _text(name, before), _text(name, after))
        for sums in self._sums.values():
            if before is not None:
                sums.add(before, -1)
            if after is not None:
                sums.add(after)

    def holders(self, name: str) -> Mapping[Scalar, set[str]]:
        """Return the ids by the values of a ``many`` field."""
        found = self._holders.get(name)
        if found is None:
            found = self._holders[name] = {}
            for id, record in self.by_id.items():
                for value in _values(name, record.fields):
                    found.setdefault(value, set()).add(id)
        return found

    def texts(self, name: str) -> Texts:
        """Return the texts of a field, in which a piece of them can be looked for."""
        found = self._texts.get(name)
        if found is None:
            pairs: Any = ((id, record.fields.get(name)) for id, record in self.by_id.items())
            found = self._texts[name] = Texts([pair for pair in pairs if pair[1] is not None])
        return found

    def words(self, name: str) -> WordIndex:
        """Return the records by the words of a text field."""
        found = self._words.get(name)
        if found is None:
            found = self._words[name] = WordIndex()
            for id, record in self.by_id.items():
                found.change(id, "", _text(name, record.fields))
        return found

    def sums(self, asked: Asked) -> Sums | None:
        """Return the groups of a tally, counted and added up; ``None`` where there are too many of them."""
        if asked in self._wide:
            return None
        found = self._sums.pop(asked, None)
        if found is None:
            found = Sums(asked)
            found.fill([record.fields for record in self.by_id.values()])
        if found.too_many(len(self.by_id)):
            self._wide.add(asked)
            return None
        self._sums[asked] = found
        if len(self._sums) > MOST_KEPT:
            del self._sums[next(iter(self._sums))]
        return found

    def sorted(self, names: tuple[str, ...]) -> SortedKeys:
        """Return the keys of the records that have all of these fields: their values, then the id."""
        found = self._sorted.get(names)
        if found is None:
            keys = ((_key(names, record.fields), id) for id, record in self.by_id.items())
            found = self._sorted[names] = SortedKeys([(*key, id) for key, id in keys if key is not None])
        return found


def _key(names: tuple[str, ...], index: Index | None) -> Key | None:
    if index is None:
        return None
    try:
        return tuple([index[name] for name in names])
    except KeyError:
        return None


def _values(name: str, index: Index | None) -> tuple[Scalar, ...]:
    return () if index is None else index.get(name, ())  # type: ignore[return-value]


def _text(name: str, index: Index | None) -> str:
    return "" if index is None else index.get(name, "")  # type: ignore[return-value]
