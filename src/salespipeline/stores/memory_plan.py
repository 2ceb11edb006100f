"""How the in-memory store answers a query: by a unique, by the narrowest range of an index, or by walking in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from salespipeline.entries import Scalar
from salespipeline.query import (
    EVERYTHING,
    All,
    AnyOf,
    Cmp,
    Contains,
    Group,
    Has,
    Measure,
    OneOf,
    Predicate,
    Query,
    Words,
)
from salespipeline.stores.base import Row, grouped
from salespipeline.stores.compiled import condition_of
from salespipeline.stores.memory_index import TOP, Key, Record, Records, SortedKeys
from salespipeline.stores.memory_sums import asked

__all__ = ["chosen", "page", "tallied"]

_FEW = 100  # records are looked at one by one rather than looking for a text among all
_FEW_OF = 8  # a text that more than one in so many records holds is not worth looking for
_Narrow: TypeAlias = tuple[int, Iterable[str]]  # how many records are left, and their ids
_EVERYTHING: tuple[Key, Key] = ((), (TOP,))


class _Facts(NamedTuple):
    """What the conditions that must all hold say of single fields."""

    equal: dict[str, Scalar]
    low: dict[str, Key]
    high: dict[str, Key]
    several: dict[str, Collection[Scalar]]
    has: list[Has]
    contains: list[Contains]
    words: list[Words]
    either: list[AnyOf]

    def ranges(self, names: tuple[str, ...]) -> list[tuple[Key, Key]]:
        """Return the ranges of an index on *names* that hold every match; none where they say nothing of it."""
        *first, last = names
        prefix = tuple(self.equal[name] for name in first)
        if last in self.equal:
            return [_within((*prefix, self.equal[last]))]
        if last in self.several:
            return [_within((*prefix, value)) for value in dict.fromkeys(self.several[last])]
        if last in self.low or last in self.high:
            low, high = self.low.get(last, ()), self.high.get(last, (TOP,))
            return [((*prefix, *low), (*prefix, *high))]
        return []


def _within(prefix: Key) -> tuple[Key, Key]:
    return prefix, (*prefix, TOP)


def _facts(predicate: Predicate) -> _Facts:
    facts = _Facts({}, {}, {}, {}, [], [], [], [])
    for part in _conjuncts(predicate):
        if isinstance(part, Cmp):
            field, op, value = part.field, part.op, part.value
            if op == "=":
                facts.equal[field] = value
            elif op[0] == ">":
                edge: Key = (value, TOP) if op == ">" else (value,)
                facts.low[field] = max(facts.low.get(field, edge), edge)
            else:
                edge = (value, TOP) if op == "<=" else (value,)
                facts.high[field] = min(facts.high.get(field, edge), edge)
        elif isinstance(part, OneOf):
            facts.several[part.field] = part.values
        elif isinstance(part, Has):
            facts.has.append(part)
        elif isinstance(part, Contains):
            facts.contains.append(part)
        elif isinstance(part, Words) and part.pieces:
            facts.words.append(part)
        elif isinstance(part, AnyOf):
            facts.either.append(part)
    return facts


def _conjuncts(predicate: Predicate) -> Iterator[Predicate]:
    if isinstance(predicate, All):
        for part in predicate.parts:
            yield from _conjuncts(part)
    else:
        yield predicate


def chosen(records: Records, query: Query) -> list[Record]:
    """Return the records of the page that *query* asks for, in its order."""
    facts = _facts(query.where)
    narrow = _narrowest(records, facts)
    count = len(records.by_id) if narrow is None else narrow[0]
    names = _walk(records, facts, query.order)
    low, high = _span(query, facts, names)
    keys = records.sorted(names)
    span = keys.count(low, high)
    wanted = span if query.limit is None else query.limit
    if wanted * span > count * max(1, min(count, span)):
        return page(_candidates(records, narrow), query)
    found = keys.descending(low, high) if query.descending else keys.ascending(low, high)
    test, by_id = condition_of(query.where), records.by_id
    walked = ((key[-1], by_id[key[-1]]) for key in found)
    return list(islice((record for id, record in walked if test(record.fields, id)), query.limit))


def tallied(records: Records, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> list[Row]:
    """Return the rows of a tally: of the groups that are kept, or of the few records that an index leaves."""
    narrow = _narrowest(records, _facts(query.where))
    wanted = asked(records.kind, query, by, measures)
    sums = None if wanted is None else records.sums(wanted)
    if sums is not None and (narrow is None or narrow[0] > len(sums)):
        return sums.answer(query.where, by, measures)
    test = condition_of(query.where)
    candidates = _candidates(records, narrow)
    return grouped([fields for stored, fields in candidates if test(fields, stored.id)], by, measures)


def page(candidates: Iterable[Record], query: Query) -> list[Record]:
    """Return the page of *query* out of *candidates*, by looking at each of them."""
    order, after, where = query.order, query.after, query.where
    if where != EVERYTHING:
        test = condition_of(where)
        candidates = [record for record in candidates if test(record.fields, record.stored.id)]
    keys: Any = [record.stored.id for record in candidates]
    if order:
        values = [list(map(itemgetter(name), [record.fields for record in candidates])) for name in order]
        keys = list(zip(*values, keys, strict=True))
    elif after is not None:
        after = after[0]  # type: ignore[assignment]
    found = list(zip(keys, candidates, strict=True))
    if after is not None:
        found = [pair for pair in found if (pair[0] < after if query.descending else pair[0] > after)]
    found.sort(key=itemgetter(0), reverse=query.descending)
    return [record for _, record in found[: query.limit]]


def _narrowest(records: Records, facts: _Facts) -> _Narrow | None:
    """Return how many records the best index leaves, and their ids."""
    best: _Narrow | None = None
    if any(not values for values in facts.several.values()):
        return 0, ()
    for names, taken in records.uniques.items():
        if all(name in facts.equal for name in names):
            id = taken.get(tuple(facts.equal[name] for name in names))
            return (0, ()) if id is None else (1, (id,))
    if "id" in facts.several:
        there = [id for id in dict.fromkeys(facts.several["id"]) if id in records.by_id]
        best = len(there), there
    for has in facts.has:
        ids = records.holders(has.field).get(has.value, ())
        if best is None or len(ids) < best[0]:
            best = len(ids), ids
    seen, known = set(), {*facts.equal, *facts.low, *facts.high, *facts.several}
    for path in records.paths:
        if path[0] not in known:
            continue
        fixed = next((place for place, name in enumerate(path) if name not in facts.equal), len(path))
        for names in (path[: fixed + 1], path[:fixed]):
            ranges = facts.ranges(names) if names else []
            if ranges and names not in seen:
                seen.add(names)
                keys = records.sorted(names)
                count = sum(keys.count(low, high) for low, high in ranges)
                if best is None or count < best[0]:
                    best = count, _ids(keys, ranges)
                break
    return _by_texts(records, facts, best)


def _by_texts(records: Records, facts: _Facts, best: _Narrow | None) -> _Narrow | None:
    """Return what is narrower than the *best*: what holds words or a piece of a text, or fits one of several conditions."""
    for sought in facts.words:
        held = records.words(sought.field).holders(sought.words, sought.beginnings)
        if best is None or len(held) < best[0]:
            best = len(held), held
    for either in facts.either:
        if best is None or best[0] > _FEW:
            several = [_narrowest(records, _facts(one)) for one in either.parts]
            joined = {id for one in several if one is not None for id in one[1]}
            if None not in several and (best is None or len(joined) < best[0]):
                best = len(joined), joined
    for part in facts.contains:
        if best is None or best[0] > _FEW:
            holding = records.texts(part.field).holding(part.needle, len(records.by_id) // _FEW_OF)
            if holding is not None and (best is None or len(holding) < best[0]):
                best = len(holding), holding
    return best


def _ids(keys: SortedKeys, ranges: list[tuple[Key, Key]]) -> Iterator[str]:
    return (key[-1] for low, high in ranges for key in keys.ascending(low, high))


def _candidates(records: Records, narrow: tuple[int, Iterable[str]] | None) -> Iterable[Record]:
    if narrow is None:
        return records.by_id.values()
    by_id = records.by_id
    return [by_id[id] for id in narrow[1]]


def _walk(records: Records, facts: _Facts, order: tuple[str, ...]) -> tuple[str, ...]:
    """Return the longest index that is in this order once the fields before it are fixed."""
    best = order
    for path in records.paths:
        if path[0] not in facts.equal and path[:1] != order[:1]:
            continue
        for end in range(len(best) + 1, len(path) + 1):
            start = end - len(order)
            if path[start:end] == order and all(name in facts.equal for name in path[:start]):
                best = path[:end]
    return best


def _span(query: Query, facts: _Facts, names: tuple[str, ...]) -> tuple[Key, Key]:
    """Return the range of the index on *names* in which the page lies."""
    prefix = tuple(facts.equal[name] for name in names[: len(names) - len(query.order)])
    low, high = _within(prefix) if prefix else _EVERYTHING
    if query.order:
        lead = query.order[0]
        low = (*prefix, *facts.low.get(lead, ()))
        high = (*prefix, *facts.high.get(lead, (TOP,)))
    if query.after is not None and query.descending:
        high = min(high, (*prefix, *query.after))
    elif query.after is not None:
        low = max(low, (*prefix, *query.after, TOP))
    return low, high
