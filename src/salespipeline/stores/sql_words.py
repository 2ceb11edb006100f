"""From words that are sought to the statement that selects the ids of all entries that may hold them, by the index of words.

It may select more than are meant, and never fewer: the condition itself is asked of each. Words in a linked kind are followed
to the entries that it stands to, so that a search in several kinds is answered from their indexes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from salespipeline.query import All, AnyOf, Linked, Predicate, Query, Words
from salespipeline.stores.dialect import Dialect, Parameter, Statement, quoted

__all__ = ["COMMON", "candidates", "conjuncts", "planned"]

COMMON = 2000  # so many entries that hold the words are worth walking over, where a page of them is asked for


Read: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]


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


def conjuncts(predicate: Predicate) -> Iterator[Predicate]:
    """Yield what must all be true for *predicate* to be."""
    if isinstance(predicate, All):
        for part in predicate.parts:
            yield from conjuncts(part)
    else:
        yield predicate


def planned(read: Read, compiler: _Compiler, query: Query) -> Statement | bool:
    """Return what selects the few entries that are worth looking at for *query*; or whether to follow all words, or none.

    One word that few hold is enough: the others are looked for in their texts. Where all are common, their holders
    are intersected; and where even then many are left, and a page is asked for, it is found sooner by walking in its order.
    """
    parts = [one for part in conjuncts(query.where) if (one := candidates(compiler, part)) is not None]
    if not parts:
        return False
    counts = ", ".join(f"(SELECT count(*) FROM (SELECT 1 FROM ({one}) s LIMIT {COMMON}) c)" for one, _ in parts)  # noqa: S608
    (found,) = read(f"SELECT {counts}", [value for _, values in parts for value in values])
    few = min(found)
    if few < COMMON:
        return parts[found.index(few)]
    if query.limit is None or len(parts) == 1:
        return query.limit is None
    together, values = _joined(parts, " INTERSECT ")
    ((number,),) = read(f"SELECT count(*) FROM (SELECT 1 FROM ({together}) s LIMIT {COMMON}) c", values)  # noqa: S608
    return bool(number < COMMON)
