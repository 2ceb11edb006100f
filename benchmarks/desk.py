"""The desk beside SQL by hand: search, custom fields, the timeline, and one change of many opportunities. ``--help``.

The twin is a SQLite file with just the columns and indexes that these questions need, an FTS5 table of the same words, the
same bodies, and nothing else: no notes, no contacts, no checks. What it reads is decoded as ours is.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, cycle
from pathlib import Path

import attrs
from _common import Row, Way, arguments, race, row, seconds, show

import salespipeline as sp
from salespipeline.catalog import CATALOG
from salespipeline.codec import decode_all, encode
from salespipeline.domain.activity import Activity
from salespipeline.domain.fields import Answer
from salespipeline.entries import Catalog, Entry, Stored
from salespipeline.stores.sqlite import SqliteStore
from salespipeline.words import sought

FIRST = [
    "ware",
    "cold",
    "rack",
    "steel",
    "roof",
    "dock",
    "fork",
    "bay",
    "pallet",
    "gate",
    "door",
    "lift",
    "floor",
    "wall",
    "cell",
]
SECOND = ["house", "store", "ing", "line", "plan", "side", "man", "ward"]
WORDS = [first + second for first in FIRST for second in SECOND]
CONTACTS = 300
LINE = sp.Line("Racking, bay", quantity=12, unit_price="310.50", tax="20")


class Desk:
    """A pipeline of ours with *size* opportunities, and its twin."""

    def __init__(self, folder: Path, size: int) -> None:
        self.store = SqliteStore(folder / "ours.db", synchronous="NORMAL")
        self.sales = sp.open(self.store, actor="jane")
        self.draw = random.Random(7)
        settings = self.sales.settings
        settings.stages.add("Enquiry", "Quoted", "Ordered")
        for name in ("jane", "tom", "eva"):
            settings.users.add(name.title(), id=name)
        settings.fields.add("opportunity", "heard", "Heard of us", "choice", choices=["Fair", "Web", "Friend"])
        settings.fields.add("opportunity", "staff", "Members of staff", "integer")
        self.contacts = [self.sales.contacts.add(f"{self.name(2)} Ltd {number}") for number in range(CONTACTS)]
        sample = self.sales.opportunities.create(contact=self.contacts[0], subject="Sample", lines=[LINE])
        self.twin = sqlite3.connect(folder / "twin.db", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            "PRAGMA cache_size = -16384",
            (
                "CREATE TABLE deal (place INTEGER PRIMARY KEY, id TEXT UNIQUE, version INTEGER, owner TEXT, created TEXT, "
                "heard TEXT, staff INTEGER, body TEXT)"
            ),
            "CREATE INDEX by_heard ON deal (heard, created, id)",
            "CREATE INDEX by_staff ON deal (staff, created, id)",
            "CREATE INDEX by_owner ON deal (owner, created, id)",
            "CREATE VIRTUAL TABLE words USING fts5(text, content='', detail='none', tokenize='ascii')",
            "CREATE TABLE activity (id TEXT PRIMARY KEY, opportunity TEXT, at TEXT, body TEXT)",
            "CREATE INDEX by_opportunity ON activity (opportunity, at, id)",
        ):
            self.twin.execute(statement)
        for first in range(0, size, 5000):
            self._fill([self._deal(sample, number) for number in range(first, min(first + 5000, size))])

    def name(self, words: int) -> str:
        """Return some words."""
        return " ".join(self.draw.choices(WORDS, k=words))

    def _deal(self, sample: sp.Opportunity, number: int) -> sp.Opportunity:
        rare = " zanzibar" if number % 5000 == 7 else ""
        heard = Answer("heard", self.draw.choice(("Fair", "Web", "Web", "Friend", "Friend", "Friend")))
        return attrs.evolve(
            sample, id=f"d{number:07}", version=0, reference=f"D/{number:07}", contact_id=self.draw.choice(self.contacts).id,
            subject=self.name(3), note=self.name(10) + rare, answers=(heard, Answer("staff", self.draw.randrange(1000))),
            created_at=sample.created_at + timedelta(seconds=number), owner_id=self.draw.choice(("jane", "tom", "eva")),
        )  # fmt: skip

    def _fill(self, deals: list[sp.Opportunity]) -> None:
        entries = [encode(deal) for deal in deals]
        with self.store.transaction() as tx:
            tx.put_many(entries)
        rows = [
            (one.id, 1, deal.owner_id, one.index["created"], deal.custom["heard"], deal.custom["staff"], one.body)
            for one, deal in zip(entries, deals, strict=True)
        ]
        self.twin.execute("BEGIN")
        columns = "id, version, owner, created, heard, staff, body"
        self.twin.executemany(f"INSERT INTO deal ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        texts = [(int(one.id[1:]) + 1, one.index["words"]) for one in entries]
        self.twin.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", texts)
        self.twin.execute("COMMIT")

    def raw(self, kind: str, text: str, *values: object) -> list[object]:
        """Return what the twin reads, decoded."""
        return decode_all(kind, [Stored(*found) for found in self.twin.execute(text, values)])


def searches(desk: Desk, rounds: int) -> Iterator[Row]:
    """Race pages of 50 that hold words: few, many, half typed."""
    page = (
        "SELECT id, version, body FROM deal WHERE place IN (SELECT rowid FROM words WHERE words MATCH ?) "
        "ORDER BY created DESC, id DESC LIMIT 51"
    )
    for what, text in (
        ("rare word", "zanzibar"),
        ("half typed", "zanz"),
        ("two words", "warehouse zanzibar"),
        ("common word", "warehouse"),
    ):
        whole, beginnings = sought(text)
        match = " AND ".join([f'"{one}"' for one in whole] + [f'"{one}"*' for one in beginnings])
        listing = desk.sales.opportunities.where(search=text)
        peers = {"raw FTS5": (lambda match=match: desk.raw("opportunity", page, match), "")}
        yield from race(f"search: {what}", lambda listing=listing: listing.page(50), peers, rounds=rounds)
        pieces = desk.sales.opportunities.where(text=text)
        peers = {"where(text=…), by pieces": (lambda pieces=pieces: pieces.page(50), "")}
        yield from race(f"search: {what}", lambda listing=listing: listing.page(50), peers, rounds=max(2, rounds // 3))


def writes(desk: Desk, folder: Path, rounds: int) -> Iterator[Row]:
    """Race one change of the words of one opportunity and its commit, with an index of words, without, and by hand."""
    bare = SqliteStore(folder / "bare.db", synchronous="NORMAL")
    bare.prepare(Catalog(tuple(attrs.evolve(kind, texts=()) for kind in CATALOG.kinds), CATALOG.format))
    sample = desk.sales.opportunities.get("D/0000000")
    several = [attrs.evolve(sample, id=f"w{number}", reference=f"W/{number}", version=0) for number in range(2000)]
    for store in (desk.store, bare):
        with store.transaction() as tx:
            tx.put_many([encode(one) for one in several])

    def changing(store: SqliteStore) -> Callable[[], None]:
        kept, turn = {one.id: 1 for one in several}, cycle(several)

        def change() -> None:
            deal = next(turn)
            entry: Entry = encode(attrs.evolve(deal, version=kept[deal.id], note=desk.name(10)))
            with store.transaction() as tx:
                tx.put(entry)
            kept[deal.id] += 1

        return change

    place = count(10_000_000)

    def told_at_once() -> None:
        entry = encode(attrs.evolve(sample, version=1, note=desk.name(10)))
        desk.twin.execute("BEGIN IMMEDIATE")
        desk.twin.execute("UPDATE deal SET body = ? WHERE id = 'd0000000'", (entry.body,))
        desk.twin.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (next(place), entry.index["words"]))
        desk.twin.execute("COMMIT")

    peers = {"ours without texts": (changing(bare), ""), "raw, FTS5 told at once": (told_at_once, "")}
    yield from race("words: change one and commit", changing(desk.store), peers, rounds=rounds, calls=600)

    def filling(store: SqliteStore, name: str) -> Way:
        number = count()

        def fill() -> None:
            at = next(number)
            with store.transaction() as tx:
                tx.put_many(
                    [
                        encode(
                            attrs.evolve(
                                one, id=f"{name}{at}-{one.id}", reference=f"{name}{at}-{one.id}", note=desk.name(10)
                            )
                        )
                        for one in several
                    ]
                )

        return Way(fill, once=True)

    peers = {"ours without texts": (filling(bare, "b"), "")}
    yield from race("words: 2,000 new ones", filling(desk.store, "o"), peers, rounds=rounds, per=len(several))
    bare.close()


def answers(desk: Desk, rounds: int) -> Iterator[Row]:
    """Race pages of 50 with an answer to a custom field, and their number."""
    select, rest = "SELECT id, version, body FROM deal WHERE", "ORDER BY created DESC, id DESC LIMIT 51"
    for what, filters, where, values in (
        ("heard = 'Fair', one in six", {"heard": "Fair"}, "heard = ?", ("Fair",)),
        ("staff = 500, one in a thousand", {"staff": 500}, "staff = ?", (500,)),
        ("staff ≥ 998, two in a thousand", {"staff__ge": 998}, "staff >= ?", (998,)),
    ):
        listing = desk.sales.opportunities.where(custom=filters)
        assert [deal.id for deal in listing[:51]] == [
            deal.id for deal in desk.raw("opportunity", f"{select} {where} {rest}", *values)
        ]
        peers = {
            "raw SQL": (
                lambda where=where, values=values: desk.raw("opportunity", f"{select} {where} {rest}", *values),
                "",
            )
        }
        yield from race(f"custom field: {what}", lambda listing=listing: listing.page(50), peers, rounds=rounds)
        counted = f"SELECT count(*) FROM deal WHERE {where}"
        peers = {"raw SQL": (lambda counted=counted, values=values: desk.twin.execute(counted, values).fetchone(), "")}
        yield from race(f"custom field, counted: {what}", listing.count, peers, rounds=rounds)


def timelines(desk: Desk, rounds: int) -> Iterator[Row]:
    """Race the newest 50 events of an opportunity with 500 of them, among those of all others."""
    deal = desk.sales.opportunities.get("D/0000001")
    for number in range(500):
        deal = desk.sales.opportunities.edit(deal, note=f"Called {number} times.")
    with desk.store.transaction(write=False) as tx:
        rows = [(one.id, one.index.get("opportunity"), one.index["at"], one.body) for one in tx.scan("activity")]
    desk.twin.executemany("INSERT INTO activity VALUES (?, ?, ?, ?)", rows)
    text = "SELECT id, 1, body FROM activity WHERE opportunity = ? ORDER BY at DESC, id DESC LIMIT 51"
    timeline = desk.sales.activities.timeline(deal)
    ours = [event.id for event in timeline.page(50)]
    assert ours == [activity.id for activity in desk.raw("activity", text, deal.id)[:50]]  # type: ignore[attr-defined]
    peers = {"raw SQL": (lambda: desk.raw("activity", text, deal.id), "")}
    yield from race("timeline: page of 50", lambda: timeline.page(50), peers, rounds=rounds)


def bulk(desk: Desk, size: int) -> Iterator[Row]:
    """Give many opportunities another owner: by one change, by as many single ones, and by hand."""
    owners = cycle(("jane", "tom", "eva"))
    ids = desk.sales.opportunities.where(reference__startswith="D/").ids()[:size]

    def ours() -> None:
        report = desk.sales.opportunities.each(ids).edit(owner=next(owners), note=f"Given {desk.draw.random()}")
        assert report.count("changed") == len(ids)

    def singly() -> None:
        owner, note = next(owners), f"Given {desk.draw.random()}"
        for id in ids:
            desk.sales.opportunities.edit(id, owner=owner, note=note)

    fresh = count()

    def raw() -> None:
        owner, note, run = next(owners), f"Given {desk.draw.random()}", next(fresh)
        marks = f"({', '.join('?' * len(ids))})"
        desk.twin.execute("BEGIN IMMEDIATE")
        found = desk.raw("opportunity", f"SELECT id, version, body FROM deal WHERE id IN {marks}", *ids)
        changed: list[sp.Opportunity] = [attrs.evolve(one, owner_id=owner, note=note) for one in found]  # type: ignore[misc]
        desk.twin.executemany(
            "UPDATE deal SET version = version + 1, owner = ?, body = ? WHERE id = ? AND version = ?",
            [(owner, encode(one).body, one.id, one.version) for one in changed],
        )
        told = (_activity(f"a{run}-{one.id}", one, desk) for one in changed)
        desk.twin.executemany(
            "INSERT INTO activity VALUES (?, ?, ?, ?)",
            [(one.id, one.index["opportunity"], one.index["at"], one.body) for one in told],
        )
        desk.twin.execute("COMMIT")

    ours()
    raw()
    once, by_hand, one_by_one = seconds(ours, 3), seconds(raw, 3), seconds(singly, 1)
    name = f"bulk: change {len(ids):,}"
    yield row(name, once, one_by_one, peer_name="as many single changes", unit="s", goal="")
    yield row(name, once, by_hand, peer_name="raw SQL", unit="s", goal="")


def _activity(id: str, deal: sp.Opportunity, desk: Desk) -> Entry:
    return encode(
        Activity(
            id=id, record_kind="opportunity", record_id=deal.id, record_version=deal.version + 1, action="edited",
            at=desk.sales.now(), by="jane", title=deal.reference, opportunity_id=deal.id, changes=(),
        )
    )  # fmt: skip


def main() -> None:
    """Fill a pipeline and its twin, and race them."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--size", type=int, default=100_000, help="how many opportunities there are")
    parser.add_argument("--bulk", type=int, default=10_000, help="how many are changed at once")
    parser.add_argument("--only", default="", help="one of searches, writes, answers, timelines, bulk")
    chosen: argparse.Namespace = parser.parse_args()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), chosen.size)
        areas: dict[str, Callable[[], Iterator[Row]]] = {
            "searches": lambda: searches(desk, chosen.rounds),
            "writes": lambda: writes(desk, Path(folder), chosen.rounds),
            "answers": lambda: answers(desk, chosen.rounds),
            "timelines": lambda: timelines(desk, chosen.rounds),
            "bulk": lambda: bulk(desk, chosen.bulk),
        }
        for name, area in areas.items():
            if chosen.only in ("", name):
                for one in area():
                    print(f"{one.name}: {one.ratio:.3g} x {one.peer_name}", file=sys.stderr, flush=True)
                    found.append(one)
        desk.sales.close()
        desk.twin.close()
    show(found, chosen.json)


if __name__ == "__main__":
    main()
