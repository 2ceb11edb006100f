"""How the in-memory store answers a query: by a unique, by the narrowest range of an index, or by walking in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from salespipeline.entries import Scalar
from salespipeline.query import All, Cmp, Has, OneOf, Predicate, Query, matches
from salespipeline.stores.memory_index import TOP, Key, Record, Records, SortedKeys

__all__ = ["chosen", "page", "selected"]

_EVERYTHING: tuple[Key, Key] = ((), (TOP,))


class _Facts(NamedTuple):
    """What the conditions that must all hold say of single fields."""

    equal: dict[str, Scalar]
    low: dict[str, Key]
    high: dict[str, Key]
    several: dict[str, Collection[Scalar]]
    has: list[Has]

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
    facts = _Facts({}, {}, {}, {}, [])
    for part in _conjuncts(predicate):
        match part:
            case Cmp(field, "=", value):
                facts.equal[field] = value
            case Cmp(field, ">" | ">=" as op, value):
                edge: Key = (value, TOP) if op == ">" else (value,)
                facts.low[field] = max(facts.low.get(field, edge), edge)
            case Cmp(field, op, value):
                edge = (value, TOP) if op == "<=" else (value,)
                facts.high[field] = min(facts.high.get(field, edge), edge)
            case OneOf(field, values):
                facts.several[field] = values
            case Has():
                facts.has.append(part)
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
    walked = (records.by_id[key[-1]] for key in found)
    return list(
        islice((record for record in walked if matches(query.where, record.fields, record.stored.id)), query.limit)
    )


def selected(records: Records, predicate: Predicate) -> Iterator[Record]:
    """Yield the records that satisfy *predicate*, in no order."""
    candidates = _candidates(records, _narrowest(records, _facts(predicate)))
    return (record for record in candidates if matches(predicate, record.fields, record.stored.id))


def page(candidates: Iterable[Record], query: Query) -> list[Record]:
    """Return the page of *query* out of *candidates*, by looking at each of them."""
    order, after, where = query.order, query.after, query.where
    found: list[tuple[Key, Record]] = []
    for record in candidates:
        if matches(where, record.fields, record.stored.id):
            key: Any = (*[record.fields[name] for name in order], record.stored.id)
            if after is None or (key < after if query.descending else key > after):
                found.append((key, record))
    found.sort(key=itemgetter(0), reverse=query.descending)
    return [record for _, record in found[: query.limit]]


def _narrowest(records: Records, facts: _Facts) -> tuple[int, Iterable[str]] | None:
    """Return how many records the best index leaves, and their ids."""
    best: tuple[int, Iterable[str]] | None = None
    for names, taken in records.uniques.items():
        if all(name in facts.equal for name in names):
            id = taken.get(tuple(facts.equal[name] for name in names))
            return (0, ()) if id is None else (1, (id,))
    if "id" in facts.several:
        known = [id for id in dict.fromkeys(facts.several["id"]) if id in records.by_id]
        best = len(known), known
    for has in facts.has:
        ids = records.holders(has.field).get(has.value, ())
        if best is None or len(ids) < best[0]:
            best = len(ids), ids
    seen = set()
    for path in records.paths:
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
