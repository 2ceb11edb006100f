"""Everything out of a store and into another, lists as CSV, and many files as one ZIP.

``python benchmarks/exchange.py [--count 100000] [--json FILE]``. Each opportunity has the activity that tells of its
creation, and every fifth one was edited, so that it has a version of 2 and another activity. The peers do the least that
the work takes: bodies written as lines; entries that are at hand put into a bare store; files packed by ``zipfile``.
"""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import attrs
from _common import Row, Way, arguments, limit, race, show
from _sample import STAGES, model

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.catalog import CATALOG
from salespipeline.entries import Entry
from salespipeline.ports import Portable
from salespipeline.stores.sqlite import SqliteStore

MODELS = 100
FILES = ((40, 2_500_000), (400, 50_000))


def filled(path: Path, count: int) -> sp.Sales:
    """Return a pipeline with so many opportunities."""
    sales = sp.open(SqliteStore(path, synchronous="NORMAL"), actor="jane")
    draw = random.Random(7)
    models = [model(draw, number) for number in range(MODELS)]
    ids = itertools.count(1)
    for start in range(0, count, 2000):
        with sales.work() as work:
            deals = [
                attrs.evolve(models[number % MODELS], id=f"d{next(ids):08}", reference=f"R/{number:07}")
                for number in range(start, min(start + 2000, count))
            ]
            work.keep_new(deals, action="created")
            for deal in deals[::5]:
                before = attrs.evolve(deal, version=1)
                work.keep(attrs.evolve(before, note="Called back.", stage_id=STAGES[3]), before, action="edited")
    return sales


def everything(folder: Path, count: int, rounds: int) -> Iterator[Row]:
    """Export and import all of it."""
    sales = filled(folder / "from.db", count)
    names = (folder / f"export-{number}" for number in itertools.count())
    path = folder / "export"
    maintenance.export(sales, path)
    tables = [kind.name for kind in CATALOG.kinds]

    def export() -> None:
        made = next(names)
        maintenance.export(sales, made)
        shutil.rmtree(made)

    def plain_export() -> None:
        with sales.store.transaction(write=False) as tx, (folder / "plain.jsonl").open("w", encoding="utf-8") as file:
            for kind in tables:
                for entry in tx.scan(kind):
                    file.write(f'{{"id":"{entry.id}","version":{entry.version},"body":{entry.body}}}\n')

    targets: list[SqliteStore] = []

    def fresh() -> None:
        for used in targets:
            used.close()
            (folder / "to.db").unlink()
        targets[:] = [SqliteStore(folder / "to.db", synchronous="NORMAL")]
        targets[0].prepare(CATALOG)

    def load() -> None:
        maintenance.import_(targets[0], path)

    with sales.store.transaction(write=False) as tx:
        at_hand: list[Entry] = [entry for kind in tables for entry in tx.scan(kind) if kind != "stamp"]

    def bare_load() -> None:
        with targets[0].transaction() as tx:
            assert isinstance(tx, Portable)
            tx.load(at_hand)

    peers = {"bodies as lines, nothing else": (Way(plain_export, once=True), "")}
    (out,) = race("export", Way(export, once=True), peers, rounds=rounds, per=count)
    peers = {"bare store: entries at hand": (Way(bare_load, fresh, once=True), "")}
    (back,) = race("import", Way(load, fresh, once=True), peers, rounds=rounds, per=count)
    for name, row in (("export", out), ("import", back)):
        yield row
        micros = row.ours * {"s": 1e6, "ms": 1e3, "µs": 1}[row.unit]
        yield limit(f"{name}: one opportunity", micros, 200.0, "µs", "200: 5,000 a second")
    fresh()
    targets[0].close()
    sales.close()


def zips(folder: Path, rounds: int) -> Iterator[Row]:
    """Download all, from a folder and from a database, beside ``zipfile`` on plain files."""
    draw = random.Random(3)
    for where, (number, size) in itertools.product(("folder", "database"), FILES):
        place = folder / f"{where}-{size}"
        (place / "plain").mkdir(parents=True)
        blobs = sp.blobs.Folder(place / "files") if where == "folder" else None
        with sp.open(f"sqlite:///{place / 'files.db'}", blobs=blobs) as sales:
            acme = sales.contacts.add("Acme Ltd")
            paths = [place / "plain" / f"{one}.bin" for one in range(number)]
            for path in paths:
                path.write_bytes(draw.randbytes(size))
                sales.attachments.add(acme, path.name, path, audience="both")

            def ours(sales: sp.Sales = sales, acme: object = acme) -> None:
                for _ in sales.attachments.download_all(acme, audience="web"):
                    pass

            def plain(paths: list[Path] = paths) -> None:
                with zipfile.ZipFile(_Sink(), "w") as archive:  # type: ignore[call-overload]
                    for path in paths:
                        archive.write(path, path.name)

            name = f"download all: {where}, {number} files of {size // 1000:,} kB"
            goal = "<= 1.25" if size > 1_000_000 else ""
            yield from race(name, ours, {"zipfile": (plain, goal)}, rounds=rounds)


class _Sink:
    """What forgets what is written to it."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        """Do nothing."""


def main() -> None:
    """Measure, and show the table."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--count", type=int, default=100_000, help="how many opportunities (default: %(default)s)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [*zips(Path(folder), chosen.rounds), *everything(Path(folder), chosen.count, min(chosen.rounds, 2))]
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
