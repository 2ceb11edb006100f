"""The records of the in-memory store by the words of a text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

__all__ = ["WordIndex"]


class WordIndex:
    """Ids by word, and the words in order, so that those with one beginning stand together.

    >>> index = WordIndex()
    >>> index.change("d1", "", " cold store ")
    >>> index.change("d2", "", " new store ")
    >>> index.change("d2", " new store ", " new shed ")
    >>> sorted(index.holders(["store"], ["co"])), sorted(index.holders([], ["s"])), index.holders(["new"], ["x"])
    (['d1'], ['d1', 'd2'], set())
    """

    __slots__ = ("_holders", "_words")

    def __init__(self) -> None:
        self._holders: dict[str, set[str]] = {}
        self._words: list[str] | None = []  # in order; nothing while there are new ones that nobody has asked for

    def change(self, id: str, before: str, after: str) -> None:
        """Take the words of a record that were *before* and are *after*."""
        if before == after:
            return
        gone, fresh = set(before.split(" ")) - {""}, set(after.split(" ")) - {""}
        for word in gone - fresh:
            self._holders[word].discard(id)  # a word that nobody holds stays: it finds nothing
        for word in fresh - gone:
            holders = self._holders.get(word)
            if holders is None:
                self._holders[word] = {id}
                self._words = None
            else:
                holders.add(id)

    def holders(self, words: Iterable[str], beginnings: Iterable[str]) -> set[str]:
        """Return the ids of the records that hold each of *words*, and a word with each of *beginnings*."""
        found = [self._holders.get(word, set()) for word in words]
        found += [self._beginning(start) for start in beginnings]
        if not found:
            return set()
        first, *others = sorted(found, key=len)
        return first.intersection(*others)

    def _beginning(self, start: str) -> set[str]:
        if self._words is None:
            self._words = sorted(self._holders)
        low = bisect_left(self._words, start)
        high = bisect_left(self._words, start + "\U0010ffff", low)
        return set().union(*[self._holders[word] for word in self._words[low:high]])
