"""The stores beside hand-written twins and object-relational mappers: reads, writes, reports, searches, numbers, memory.

Each way answers the same questions about the same opportunities and is checked to give the same answers. Ours and the
twins are timed with the codec; the mappers make their own objects, with lines, tags and answers.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from _common import Row, arguments, limit, race, seconds, show
from _facade import facade
from _memory import peak
from _numbers import numbering, rates
from _ours import Ours
from _postgres import emptied, server
from _questions import POSTGRES, SQLITE, reading, writing
from _sample import SKIPPED, Deal, deals
from _tables import columns_of, rows, statements
from _twins import PostgresTwin, SqliteTwin

from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.postgres import PostgresStore
from salespipeline.stores.sqlite import SqliteStore

STORES = ("sqlite", "memory", "postgres")
MAPPED = 100_000  # larger than that only ours and the twins are filled
SMALLEST = 10_000
WHOLE = 10_000  # larger than that the mappers do not load everything
CHUNK = 50_000  # filled in one transaction
KNOWN = 10_000  # remembered of what was filled


def main() -> None:
    """Fill, ask, compare."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sizes", default="10000,100000", help="how many opportunities (default: %(default)s)")
    parser.add_argument("--stores", default=",".join(STORES), help="which of ours (default: %(default)s)")
    parser.add_argument("--no-mappers", action="store_true", help="only the twins as peers")
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    if min(sizes) < SMALLEST:
        parser.error(f"sizes are {SMALLEST:,} or more: the eighth page must be there")
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="salespipeline-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        parts = {
            "sqlite": lambda: _sqlite(folder, sizes, chosen),
            "memory": lambda: _memory(folder, [size for size in sizes if size <= MAPPED], chosen),
            "postgres": lambda: _postgres(stack.enter_context(server()), sizes, chosen),
        }
        for store in chosen.stores.split(","):
            for one in parts[store]():
                print(f"{one.name}: {one.ratio:.3g} x {one.peer_name}", file=sys.stderr, flush=True)
                found.append(one)
    show(found, chosen.json)


def _sqlite(folder: Path, sizes: Sequence[int], chosen: argparse.Namespace) -> Iterator[Row]:
    smaller: tuple[Ours, int] | None = None
    for size in sizes:
        place = f"sqlite {size:,}"
        ours = Ours(SqliteStore(folder / f"ours-{size}.db", synchronous="NORMAL"), "our SQLite")
        twin = SqliteTwin(folder / f"twin-{size}.db")
        known = _filled(size, ours, twin)
        mapped = size <= MAPPED and not chosen.no_mappers
        peers: list[Any] = [twin, *(_sqlite_mappers(folder / f"mapped-{size}.db", size) if mapped else ())]
        yield from reading(place, ours, peers, SQLITE, known, chosen.rounds, whole=size <= WHOLE)
        yield from _pages(place, ours, size, smaller, chosen.rounds)
        yield peak(folder / f"ours-{size}.db", size)
        yield from writing(place, ours, peers, SQLITE, known, chosen.rounds, many=max(1000, size // 20))
        for peer in peers:
            peer.close()
        if smaller:
            smaller[0].close()
        smaller = (ours, size)
    if smaller:
        smaller[0].close()
    yield from facade(folder, chosen.rounds)
    yield from rates(folder, chosen.rounds)


def _memory(folder: Path, sizes: Sequence[int], chosen: argparse.Namespace) -> Iterator[Row]:
    for size in sizes:
        memory = Ours(MemoryStore(), "our memory")
        beside = Ours(SqliteStore(folder / f"beside-{size}.db", synchronous="NORMAL"), "our SQLite")
        known = _filled(size, memory, beside)
        goals = {operation: {beside.name: "<= 1"} for operation in SQLITE}
        yield from reading(f"memory {size:,}", memory, [beside], goals, known, chosen.rounds, whole=True)
        many = max(1000, size // 20)
        yield from writing(f"memory {size:,}", memory, [beside], goals, known, chosen.rounds, many=many)
        beside.close()


def _postgres(url: str, sizes: Sequence[int], chosen: argparse.Namespace) -> Iterator[Row]:
    for size in sizes:
        place = f"postgres {size:,}"
        emptied(url)
        ours, twin = Ours(PostgresStore(url), "our PostgreSQL"), PostgresTwin(url)
        known = _filled(size, ours, twin)
        mapped = size <= MAPPED and not chosen.no_mappers
        peers: list[Any] = [twin, *(_postgres_mappers(url, size) if mapped else ())]
        twin.run("VACUUM ANALYZE")
        yield from reading(place, ours, peers, POSTGRES, known, chosen.rounds, whole=size <= WHOLE)
        yield from _pages(place, ours, size, None, chosen.rounds)
        yield from writing(place, ours, peers, POSTGRES, known, chosen.rounds, many=max(1000, size // 20))
        for one in (ours, *peers):
            one.close()
    emptied(url)
    yield numbering(Ours(PostgresStore(url), "our PostgreSQL"), "postgres", 300)


def _filled(size: int, *each: Any) -> list[Deal]:
    """Fill these with the same opportunities, and return some that are spread over all of them."""
    for one in each:
        for first in range(0, size, CHUNK):
            one.fill([deal.entry for deal in deals(min(CHUNK, size - first), first=first)])
    step = max(1, size // KNOWN)
    return [
        deal
        for first in range(0, size, CHUNK)
        for deal in islice(deals(min(CHUNK, size - first), first=first), 0, None, step)
    ]


def _pages(place: str, ours: Ours, size: int, smaller: tuple[Ours, int] | None, rounds: int) -> Iterator[Row]:
    peers = {"page 1": (ours.page, "<= 1.3")}
    yield from race(f"{place}: page 8 as page 1", lambda: ours.page(SKIPPED), peers, rounds=rounds)
    if smaller is not None:
        peers = {f"ours in {smaller[1]:,}": (smaller[0].page, "<= 1.3")}
        yield from race(f"{place}: page 1 as in fewer", ours.page, peers, rounds=rounds)
    if size >= 1_000_000:
        yield from (
            limit(f"{place}: {name}", seconds(work), 0.5, "s", "0.5 s")
            for name, work in (("funnel", ours.funnel), ("conversion", ours.conversion), ("per owner", ours.owners))
        )


def _sqlite_mappers(path: Path, size: int) -> list[Any]:
    from _django import Django
    from _peewee import Peewee
    from _sqlalchemy import SqlalchemyCore, SqlalchemyOrm

    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in statements(postgres=False):
        connection.execute(statement)
    for first in range(0, size, CHUNK):
        for table, several in rows(deals(min(CHUNK, size - first), first=first)).items():
            names = columns_of(table)
            marks = ", ".join("?" * len(names))
            connection.executemany(f"INSERT INTO orm_{table} ({', '.join(names)}) VALUES ({marks})", several)
    connection.commit()
    connection.close()
    url = f"sqlite:///{path}"
    return [SqlalchemyOrm(url), SqlalchemyCore(url), Django(NAME=path), Peewee(path)]


def _postgres_mappers(url: str, size: int) -> list[Any]:
    from _sqlalchemy import SqlalchemyCore, SqlalchemyOrm

    with psycopg.connect(url) as connection:
        for statement in statements(postgres=True):
            connection.execute(statement)
        for table, several in rows(deals(size)).items():
            with connection.cursor().copy(f"COPY orm_{table} ({', '.join(columns_of(table))}) FROM STDIN") as copy:
                for one in several:
                    copy.write_row(one)
    url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    return [SqlalchemyOrm(url), SqlalchemyCore(url)]


if __name__ == "__main__":
    main()
