"""The texts of one field as one long text, in which the in-memory store looks for a piece of any of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

__all__ = ["Texts"]

_MOST_CHANGED = 500  # so many are looked at one by one before all are joined again


class Texts:
    """Texts by the ids of their records.

    >>> texts = Texts([("d1", "new warehouse"), ("d2", "cold store")])
    >>> texts.set("d2", "house boat")
    >>> sorted(texts.holding("house", 2))
    ['d1', 'd2']
    """

    __slots__ = ("_by_id", "_changed", "_ids", "_joined", "_starts")

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._by_id = dict(texts)
        self._join()

    def _join(self) -> None:
        # No kept text holds a NUL, so that nothing is found across the border of two.
        self._ids = list(self._by_id)
        self._joined = "\0".join(self._by_id.values())
        self._starts = list(accumulate([len(text) + 1 for text in self._by_id.values()], initial=0))
        self._changed: set[str] = set()

    def set(self, id: str, text: str | None) -> None:
        """Take the text of a record, ``None`` where it has none any more."""
        if text is None:
            self._by_id.pop(id, None)
        else:
            self._by_id[id] = text
        self._changed.add(id)

    def holding(self, needle: str, most: int) -> list[str] | None:
        """Return the ids of the records whose text holds *needle*, or ``None`` where they are more than *most*."""
        if not needle:
            return None
        if "\0" in needle:
            return []
        if len(self._changed) > _MOST_CHANGED:
            self._join()
        by_id, ids, changed, starts = self._by_id, self._ids, self._changed, self._starts
        found = [id for id in sorted(changed) if needle in by_id.get(id, "")]
        find = self._joined.find
        place = find(needle)
        while place >= 0:
            number = bisect_right(starts, place)
            if ids[number - 1] not in changed:
                found.append(ids[number - 1])
                if len(found) > most:
                    return None
            place = find(needle, starts[number])
        return found
