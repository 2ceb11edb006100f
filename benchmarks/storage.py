"""The SQLite store beside its raw twin: hand-written ``sqlite3`` on the same columns and indexes, with the same codec.

An opportunity has 3 lines, 0 to 3 tags and 2 custom answers. ``--size`` sets how many there are, ``--big`` how many in the second file
that shows what growth costs (0 leaves it out).
"""

from __future__ import annotations

import gc
import itertools
import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter

from _common import Row, arguments, compare, row, show

from salespipeline.catalog import CATALOG, index_of, instant
from salespipeline.codec import decode, encode
from salespipeline.domain.fields import Answer
from salespipeline.domain.lines import Line
from salespipeline.domain.opportunity import Opportunity, Status
from salespipeline.entries import Entry, Stored
from salespipeline.money import Currency
from salespipeline.query import All, Cmp, Count, Query, Sum
from salespipeline.stores.sqlite import SqliteStore

START = datetime(2024, 1, 1, tzinfo=UTC)
STAGES = [f"stage-{number}" for number in range(7)]
OWNERS = [f"user-{number:02}" for number in range(40)]
TAGS = [f"tag-{number:02}" for number in range(25)]
STATUSES = [Status.OPEN] * 5 + [Status.WON] * 2 + [Status.LOST] * 3
KIND = next(kind for kind in CATALOG.kinds if kind.name == "opportunity")
SINGLE = [field.name for field in KIND.fields if not field.many]


def deals(count: int, seed: int = 7) -> Iterator[Entry]:
    """Yield the entries of *count* opportunities, in the order of their ids."""
    draw = random.Random(seed)
    models = [model(draw, number) for number in range(50)]
    bodies = [encode(model).body for model in models]
    for number in range(count):
        place = draw.randrange(len(models))
        model = models[place]
        created = START + timedelta(seconds=41 * number + draw.randrange(40))
        status = draw.choice(STATUSES)
        index = dict(index_of(model))
        index |= {
            "reference": f"opp/{number:07}",
            "text": f"opp/{number:07} {model.subject.casefold()}",
            "subject": f"{model.subject.casefold()} {number}",
            "owner": draw.choice(OWNERS),
            "stage": draw.choice(STAGES),
            "status": status.value,
            "value": draw.randrange(1_000, 9_000_000),
            "created": instant(created),
            "created_on": created.date().isoformat(),
            "tags": tuple(sorted(draw.sample(TAGS, draw.randrange(4)))),
        }
        if status in (Status.WON, Status.LOST):
            index |= {"closed_sort": instant(created), "closed_on": created.date().isoformat(), "cycle": 86_400}
        yield Entry("opportunity", f"{number:08}-0000-7000-8000-{place:012}", 0, index, bodies[place])


def model(draw: random.Random, number: int) -> Opportunity:
    """Return one opportunity as the measurements have it."""
    lines = tuple(
        Line(
            f"Racking, bay {draw.randrange(99)}",
            quantity=draw.randrange(1, 50),
            unit_price=f"{draw.randrange(1, 900)}.50",
            tax="20",
        )
        for _ in range(3)
    )
    return Opportunity(
        id=f"model-{number}",
        reference=f"OPP/{number:05}",
        subject=draw.choice(["New warehouse", "Cold store", "Mezzanine", "Loading bay", "Conveyor"]),
        contact_id=f"contact-{draw.randrange(900):04}",
        owner_id="user-00",
        currency=Currency("GBP"),
        lines=lines,
        stage_id="stage-0",
        probability_id=f"probability-{draw.randrange(4)}",
        due=date(2026, 1, 1) + timedelta(days=draw.randrange(360)),
        note="Wants it before the summer.",
        answers=(Answer(key="site", value="Leeds"), Answer(key="bays", value=draw.randrange(99))),
        created_at=START,
        created_on=START.date(),
        created_by="user-00",
    )


class Raw:
    """The twin: what somebody who knows SQLite well writes by hand for just these questions."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        run = self.connection.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        integers = {field.name for field in KIND.fields if field.type is int}
        columns = ", ".join(f'"{name}" {"INTEGER" if name in integers else "TEXT"}' for name in SINGLE)
        run(
            f"CREATE TABLE opportunity (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL, {columns})"
        )
        for many in ("tags", "sources"):
            run(f"CREATE TABLE {many} (id TEXT, value TEXT, PRIMARY KEY (id, value)) WITHOUT ROWID")
            run(f"CREATE INDEX {many}_by_value ON {many} (value, id)")
        for number, (names,) in enumerate(KIND.unique):
            run(f"CREATE UNIQUE INDEX unique_{number} ON opportunity ({names}) WHERE {names} IS NOT NULL")
        for number, names in enumerate(KIND.paths):
            run(f"CREATE INDEX path_{number} ON opportunity ({', '.join((*names, 'id'))})")
        marks = ", ".join("?" * (3 + len(SINGLE)))
        self.insert = f"INSERT INTO opportunity VALUES ({marks})"

    def bulk(self, entries: Sequence[Entry]) -> None:
        """Insert all in one transaction."""
        run = self.connection
        run.execute("BEGIN IMMEDIATE")
        run.executemany(
            self.insert, ((one.id, 1, one.body, *[one.index.get(name) for name in SINGLE]) for one in entries)
        )
        for many in ("tags", "sources"):
            pairs = ((one.id, value) for one in entries for value in one.index.get(many, ()))  # type: ignore[union-attr]
            run.executemany(f"INSERT INTO {many} VALUES (?, ?)", pairs)
        run.execute("COMMIT")


def fill(store: SqliteStore, entries: Sequence[Entry]) -> None:
    """Put all in one transaction."""
    with store.transaction() as tx:
        tx.put_many(entries)


def bulk(folder: Path, entries: Sequence[Entry], rounds: int) -> Row:
    """Time filling an empty file, alternately."""
    best = {"ours": float("inf"), "raw": float("inf")}
    numbers = itertools.count()
    for _ in range(rounds):
        store = SqliteStore(folder / f"bulk-{next(numbers)}.db", synchronous="NORMAL")
        store.prepare(CATALOG)
        raw = Raw(folder / f"bulk-{next(numbers)}.db")
        gc.collect()
        start = perf_counter()
        fill(store, entries)
        middle = perf_counter()
        raw.bulk(entries)
        best = {"ours": min(best["ours"], middle - start), "raw": min(best["raw"], perf_counter() - middle)}
        store.close()
        raw.connection.close()
        for path in folder.glob("bulk-*"):
            path.unlink()
    scale = 1e6 / len(entries)
    return row(
        f"bulk of {len(entries):,}",
        best["ours"] * scale,
        best["raw"] * scale,
        peer_name="raw sqlite3",
        unit="µs",
        goal="<= 1.43",
    )


PAGE = Query(
    kind="opportunity",
    where=All((Cmp("stage", "=", STAGES[2]), Cmp("status", "=", "open"), Cmp("value", ">=", 1_000_000))),
    order=("created",),
    descending=True,
    limit=50,
)
RAW_PAGE = "SELECT id, version, body FROM opportunity WHERE stage = ? AND status = ? AND value >= ? ORDER BY created DESC, id DESC LIMIT 50"
FUNNEL = "SELECT stage, currency, count(*), sum(value) FROM opportunity WHERE status = 'open' GROUP BY stage, currency"


def page_of(store: SqliteStore) -> list[object]:
    """Read one filtered page as records."""
    with store.transaction(write=False) as tx:
        return [decode("opportunity", stored) for stored in tx.find(PAGE)]


def questions(store: SqliteStore, raw: Raw, ids: list[str], rounds: int) -> Iterator[Row]:
    """Compare a keyed get, a filtered page, and a grouped report."""
    run = raw.connection.execute
    chosen = itertools.cycle(random.Random(1).sample(ids, min(len(ids), 1000)))
    size = f"{len(ids):,}"

    def get() -> object:
        with store.transaction(write=False) as tx:
            return decode("opportunity", tx.get("opportunity", next(chosen)))  # type: ignore[arg-type]

    def raw_get() -> object:
        found = run("SELECT id, version, body FROM opportunity WHERE id = ?", (next(chosen),)).fetchone()
        return decode("opportunity", Stored(*found))

    yield compare("get by id", get, raw_get, peer_name="raw sqlite3", goal="<= 1.6", rounds=rounds, calls=500)

    def raw_page() -> object:
        return [
            decode("opportunity", Stored(*found)) for found in run(RAW_PAGE, (STAGES[2], "open", 1_000_000)).fetchall()
        ]

    yield compare(
        f"page of 50 in {size}",
        lambda: page_of(store),
        raw_page,
        peer_name="raw sqlite3",
        goal="<= 1.5",
        rounds=rounds,
        calls=10,
    )

    funnel = Query(kind="opportunity", where=Cmp("status", "=", "open"))

    def ours() -> object:
        with store.transaction(write=False) as tx:
            return list(tx.tally(funnel, ("stage", "currency"), (Count(), Sum("value"))))

    assert ours() == run(FUNNEL).fetchall()
    yield compare(
        f"funnel over {size}",
        ours,
        lambda: run(FUNNEL).fetchall(),
        peer_name="raw sqlite3",
        goal="<= 1.5",
        rounds=rounds,
    )


def main() -> None:
    """Fill, ask, compare."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--size", type=int, default=100_000, help="opportunities (default: 100000)")
    parser.add_argument(
        "--big", type=int, default=1_000_000, help="opportunities in the big file (default: 1000000; 0: none)"
    )
    chosen = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="salespipeline-bench-") as name:
        folder = Path(name)
        entries = list(deals(chosen.size))
        rows.append(bulk(folder, entries[:20_000], min(chosen.rounds, 5)))
        store, raw = SqliteStore(folder / "ours.db", synchronous="NORMAL"), Raw(folder / "raw.db")
        store.prepare(CATALOG)
        fill(store, entries)
        raw.bulk(entries)
        rows.extend(questions(store, raw, [one.id for one in entries], chosen.rounds))
        raw.connection.close()
        if chosen.big:
            rows.append(growth(store, folder, chosen.big, chosen.size, chosen.rounds))
        store.close()
    show(rows, chosen.json)


def growth(small: SqliteStore, folder: Path, size: int, before: int, rounds: int) -> Row:
    """Compare the first page of a big file with that of the small one."""
    store = SqliteStore(folder / "big.db", synchronous="NORMAL")
    store.prepare(CATALOG)
    source = deals(size)
    while chunk := list(itertools.islice(source, 50_000)):
        fill(store, chunk)
    found = compare(
        f"page of 50 in {size:,}",
        lambda: page_of(store),
        lambda: page_of(small),
        peer_name=f"ours in {before:,}",
        goal="<= 1.5",
        rounds=rounds,
        calls=10,
    )
    store.close()
    return found


if __name__ == "__main__":
    main()
