"""How fast a store is, beside SQLite on the same machine in the same minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from salespipeline.entries import Entry
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Query, Sum
from salespipeline.testing.clauses.vocabulary import CATALOG, deal, numbered, put
from salespipeline.testing.fresh import fresh

__all__ = ["Speed", "speeds"]

_ENTRIES = 5000
_STAGES = tuple(f"stage {number}" for number in range(8))


@attrs.frozen
class Speed:
    """How often in a second the *store* does something, and how often *sqlite* does."""

    what: str
    store: float
    sqlite: float


def speeds(url: str) -> tuple[Speed, ...]:
    """Measure the store at *url*, in a place of its own, and SQLite in a temporary file."""
    with fresh(url) as opener, TemporaryDirectory() as folder, fresh(f"sqlite:///{Path(folder, 'deals.db')}") as beside:
        ours, theirs = dict(_measured(opener())), dict(_measured(beside()))
    return tuple(Speed(what, round(rate, 1), round(theirs[what], 1)) for what, rate in ours.items())


def _measured(store: Store) -> Iterator[tuple[str, float]]:
    store.prepare(CATALOG)
    yield "entries put in one batch", _rate(_ENTRIES, lambda: _batch(store))
    yield "transactions that put one entry", _rate(100, lambda: _each(100, lambda n: put(store, deal(f"one {n}"))))
    yield "numbers taken, each in a transaction", _rate(100, lambda: _each(100, lambda _: numbered(store)))
    with store.transaction(write=False) as tx:
        yield "entries read by id", _rate(2000, lambda: _each(2000, lambda n: tx.get("deal", f"{n:05}")))
        query = Query(kind="deal", where=Cmp("stage", "=", _STAGES[3]), order=("value",), limit=50)
        yield "pages of 50 in order", _rate(100, lambda: _each(100, lambda _: list(tx.find(query))))
        every, measures = Query(kind="deal"), (Count(), Sum("value"))
        yield (
            f"tallies of {_ENTRIES:,} by stage",
            _rate(10, lambda: _each(10, lambda _: list(tx.tally(every, ["stage"], measures)))),
        )


def _batch(store: Store) -> None:
    with store.transaction() as tx:
        tx.put_many(_deal(number) for number in range(_ENTRIES))


def _deal(number: int) -> Entry:
    stage = _STAGES[number % len(_STAGES)]
    return deal(f"{number:05}", name=f"deal {number}", value=number * 37 % 1000, stage=stage, tags=("vip",))


def _each(times: int, task: Callable[[int], object]) -> None:
    for number in range(times):
        task(number)


def _rate(times: int, task: Callable[[], None]) -> float:
    begin = time.perf_counter()
    task()
    return times / (time.perf_counter() - begin)
