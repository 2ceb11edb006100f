"""The operations that are compared, and what is to be reached beside whom."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, cycle
from typing import Any

import attrs
from _common import Row, Way, race
from _sample import OWNERS, SKIPPED, Deal, deals

from salespipeline.entries import Entry

RAW, ORMS = "raw", ("Django", "SQLAlchemy ORM", "SQLAlchemy core", "peewee")
Goals = dict[str, dict[str, str]]

# By operation and peer; "raw" is the twin, "ORM" each mapper that has no goal of its own.
SQLITE: Goals = {
    "get by id": {RAW: "<= 1.4", "Django": ">= 45x", "SQLAlchemy ORM": ">= 45x"},
    "page 1": {RAW: "<= 1.3", "Django": ">= 9x", "SQLAlchemy ORM": ">= 5x"},
    "page 8": {RAW: "<= 1.3"},
    "funnel": {RAW: "<= 1.3", "Django": ">= 6x"},
    "conversion": {RAW: "<= 1.3", "Django": ">= 6x"},
    "per owner": {RAW: "<= 1.3", "Django": ">= 6x"},
    "columns": {},
    "prefix": {"Django": ">= 40x", "SQLAlchemy ORM": ">= 40x", "peewee": ">= 40x"},
    "substring": {"LIKE": ">= 10x"},
    "insert": {RAW: "<= 1.3", "Django": ">= 6x"},
    "update": {RAW: "<= 1.3", "Django": ">= 15x"},
    "load all": {RAW: "<= 1.3", "Django": ">= 10x", "SQLAlchemy ORM": ">= 10x", "peewee": ">= 10x"},
    "bulk": {RAW: "<= 1.18"},  # at least 0.85 times as fast
    "bulk of records": {"Django": ">= 6x", "SQLAlchemy core": ">= 3x"},
}
POSTGRES: Goals = {
    "get by id": {RAW: "<= 1.3", "SQLAlchemy ORM": ">= 8x"},
    "page 1": {RAW: "<= 1.3"},
    "load all": {RAW: "<= 1.3"},
    "bulk": {RAW: "<= 1.25"},  # at least 0.8 times as fast as COPY
}


def goal(goals: Goals, operation: str, peer: Any) -> str:
    """Return what is to be reached in *operation* beside *peer*."""
    wanted = goals.get(operation, {})
    return wanted.get(RAW if peer.name.startswith("raw") else peer.name, "")


def reading(
    place: str, ours: Any, peers: Sequence[Any], goals: Goals, known: Sequence[Deal], rounds: int, *, whole: bool
) -> Iterator[Row]:
    """Compare what reads, having seen that all give the same answers. Where *whole*, mappers load everything too."""
    ids = [deal.entry.id for deal in random.Random(1).sample(known, min(len(known), 1000))]
    turns = {one.name: cycle(ids) for one in (ours, *peers)}

    def asked(operation: str, method: str, *values: object) -> Iterator[Row]:
        chosen = [peer for peer in peers if getattr(peer, method, None)]
        if method == "load" and not whole:
            chosen = [peer for peer in chosen if peer.name not in ORMS]
        answers = {one.name: _comparable(getattr(one, method)(*values)) for one in (ours, *chosen)}
        for name, answer in answers.items():
            assert answer == answers[ours.name], f"{name} has another answer to {operation}"
        ways = {peer.name: (partial(getattr(peer, method), *values), goal(goals, operation, peer)) for peer in chosen}
        if ways:
            mine, slow = partial(getattr(ours, method), *values), method == "load"
            few: dict[str, Any] = {"rounds": min(rounds, 3), "calls": 1} if slow else {"rounds": rounds}
            yield from race(f"{place}: {operation}", mine, ways, **few)

    gets = {one.name: partial(_next, one, turns[one.name]) for one in (ours, *peers) if one.get}
    ways = {peer.name: (gets[peer.name], goal(goals, "get by id", peer)) for peer in peers if peer.get}
    yield from race(f"{place}: get by id", gets[ours.name], ways, rounds=rounds)
    yield from asked("page 1", "page")
    yield from asked("page 8", "page", SKIPPED)
    yield from asked("funnel", "funnel")
    yield from asked("conversion", "conversion")
    yield from asked("per owner", "owners")
    yield from asked("columns", "columns")
    yield from asked("prefix", "prefix", "opp/000012")
    yield from asked("substring", "substring", "7771")
    for peer in peers:
        if hasattr(peer, "like"):
            like = {"LIKE": (partial(peer.like, "7771"), goals.get("substring", {}).get("LIKE", ""))}
            yield from race(f"{place}: substring", partial(ours.substring, "7771"), like, rounds=rounds)
    yield from asked("load all", "load")


def _next(one: Any, ids: Iterator[str]) -> object:
    return one.get(next(ids))


def _comparable(answer: Any) -> object:
    """Return *answer* so that it equals the same answer of another peer: rows that come in no order are sorted."""
    return (
        sorted(tuple(one) if isinstance(one, Sequence) and not isinstance(one, str) else one for one in answer)
        if isinstance(answer, list)
        else answer
    )


def writing(
    place: str, ours: Any, peers: Sequence[Any], goals: Goals, known: Sequence[Deal], rounds: int, *, many: int
) -> Iterator[Row]:
    """Compare what writes, each way in its own table: one, one again, and *many* at once."""
    ways = {one.name: Way(_inserting(one)) for one in (ours, *peers) if one.insert}
    yield from _raced(f"{place}: insert", ours, ways, goals, "insert", peers, rounds)
    ways = {one.name: Way(_updating(one, known[:1000])) for one in (ours, *peers) if getattr(one, "update", True)}
    yield from _raced(f"{place}: update", ours, ways, goals, "update", peers, rounds)
    ways = {one.name: _bulk(one, many) for one in (ours, *peers) if one.name not in ORMS}
    yield from _raced(f"{place}: bulk", ours, ways, goals, "bulk", peers, max(3, rounds // 2), many)
    ways = {one.name: _records(one, many) if hasattr(one, "records") else _bulk(one, many) for one in (ours, *peers)}
    yield from _raced(f"{place}: bulk of records", ours, ways, goals, "bulk of records", peers, 3, many)


def _raced(
    name: str,
    ours: Any,
    ways: dict[str, Way],
    goals: Goals,
    operation: str,
    peers: Sequence[Any],
    rounds: int,
    per: int = 1,
) -> list[Row]:
    chosen = {peer.name: (ways[peer.name], goal(goals, operation, peer)) for peer in peers if peer.name in ways}
    return race(name, ways[ours.name], chosen, rounds=rounds, per=per) if chosen else []


FRESH = count(10_000_000, 1_000_000)  # where each way's new numbers begin


def _inserting(one: Any) -> Callable[[], object]:
    fresh = deals(900_000, first=next(FRESH))
    waiting = [next(fresh) for _ in range(200)]

    def run() -> None:
        if not waiting:
            waiting.extend(next(fresh) for _ in range(200))
        one.insert(waiting.pop())

    return run


def _updating(one: Any, known: Sequence[Deal]) -> Callable[[], object]:
    places, values = cycle(range(len(known))), count(1)
    versions = [1] * len(known)

    def run() -> None:
        place, value = next(places), next(values)
        deal = known[place]
        if hasattr(one, "change"):
            entry = deal.entry
            changed = {**entry.index, "value": value, "subject": f"changed {value}"}
            one.change(Entry(entry.kind, entry.id, versions[place], changed, entry.body))
            versions[place] += 1
        else:
            one.update(deal, value)

    return run


def _bulk(one: Any, many: int) -> Way:
    fresh = deals(900_000, first=next(FRESH))
    waiting: list[Deal] = []

    def before() -> None:
        waiting[:] = [next(fresh) for _ in range(many)]

    return Way(lambda: one.bulk(waiting), before, once=True)


def _records(one: Any, many: int) -> Way:
    fresh = deals(900_000, first=next(FRESH))
    waiting: list[Any] = []

    def before() -> None:
        waiting.clear()
        for deal in (next(fresh) for _ in range(many)):
            entry = deal.entry
            same = {"id": entry.id, "reference": str(entry.index["reference"]), "owner_id": OWNERS[0]}
            waiting.append(attrs.evolve(deal.model, **same))

    return Way(lambda: one.records(waiting), before, once=True)
