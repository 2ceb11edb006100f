"""From words that are sought to the statement that selects the ids of all entries that may hold them, by the index of words.

It may select more than are meant, and never fewer: the condition itself is asked of each. Words in a linked kind are followed
to the entries that it stands to, so that a search in several kinds is answered from their indexes alone.
"""

from __future__ import annotations

from typing import Protocol

from salespipeline.query import All, AnyOf, Linked, Predicate, Query, Words
from salespipeline.stores.dialect import Dialect, Parameter, Statement, quoted

__all__ = ["COMMON", "candidates", "probe"]

COMMON = 2000  # so many entries that hold the words are worth walking over, where a page of them is asked for


class _Compiler(Protocol):
    @property
    def dialect(self) -> Dialect: ...
    @property
    def name(self) -> str: ...
    def linked(self, link: Linked, values: list[Parameter]) -> str: ...


def candidates(compiler: _Compiler, predicate: Predicate) -> Statement | None:
    """Return the statement that selects the ids of what may satisfy *predicate*, or nothing where no index of words says it."""
    match predicate:
        case Words() if predicate.pieces:
            return compiler.dialect.holders(compiler.name, predicate)
        case Linked() if candidates(compiler, predicate.where) is not None:
            values: list[Parameter] = []
            source = compiler.linked(predicate, values)
            return source, values
        case AnyOf(parts) if parts:
            found = [candidates(compiler, part) for part in parts]
            known = [one for one in found if one is not None]
            return _joined(known, " UNION ALL ") if len(known) == len(found) else None
        case All(parts):
            known = [one for part in parts if (one := candidates(compiler, part)) is not None]
            return _joined(known, " INTERSECT ") if known else None
    return None


def _joined(several: list[Statement], word: str) -> Statement:
    if len(several) == 1:
        return several[0]
    text = word.join(f"SELECT {_ID} FROM ({one}) s" for one, _ in several)  # noqa: S608
    return text, [value for _, values in several for value in values]


_ID = quoted("id")


def probe(compiler: _Compiler, query: Query) -> Statement | None:
    """Return the statement that counts, up to ``COMMON``, what the index of words leaves of a page; nothing for other queries."""
    found = None if query.limit is None else candidates(compiler, query.where)
    if found is None:
        return None
    return f"SELECT count(*) FROM (SELECT 1 FROM ({found[0]}) s LIMIT {COMMON}) c", found[1]  # noqa: S608
