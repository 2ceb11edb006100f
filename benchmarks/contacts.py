"""Contacts: what is suggested while somebody types, and which may be the same, among very many."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from _common import Row, arguments, limit, seconds, show

import salespipeline as sp
from salespipeline.domain.contacts import Contact, Person
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.sqlite import SqliteStore

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
VOWELS = ("a", "e", "i", "o", "u", "ou", "ai", "ü", "é")
ENDINGS = ("ton", "rer", "ller", "ssen", "mann", "dwick", "vier", "nchez", "wood", "field", "ström", "ault")
NAMES = [head + vowel + end for head in "BCDFGHKLMNPRSTVW" for vowel in VOWELS for end in ENDINGS]
TRADES = (
    "Consulting",
    "Logistics",
    "Foods",
    "Bau",
    "Industrie",
    "Works",
    "Metals",
    "Transports",
    "Énergie",
    "Bäckerei",
)
FORMS = ("Ltd", "GmbH", "SA", "SARL", "PLC", "BV", "")
# What people type: a name's beginning, a word inside it, a person, an address, two words, and what nobody is called.
TYPED = (
    "bato",
    "batonn",
    "consult",
    "consulting",
    "bäck",
    "wood",
    "p77@",
    "bavier foods",
    "bavier x",
    "zzzz",
    "metals gmbh",
)


def contacts(count: int) -> Iterator[Contact]:
    """Yield *count* contacts, a twentieth of them entered twice."""
    draw = random.Random(3)
    before: Contact | None = None
    for number in range(count):
        name = f"{draw.choice(NAMES)} {draw.choice(NAMES)} {draw.choice(TRADES)} {draw.choice(FORMS)}".strip()
        email = f"office@host{number}.example"
        if before is not None and number % 20 == 0:
            name, email = f"{before.name} ", before.email
        person = Person(
            id=f"p{number}", name=f"{draw.choice(NAMES)} {draw.choice(NAMES)}", email=f"p{number}@home{number}.example"
        )
        before = Contact(
            id=f"c{number:08}",
            name=name.strip(),
            email=email,
            phone=f"+44 113 {number:07}",
            persons=(person,),
            created_at=BEGAN + timedelta(seconds=number),
            created_by="jane",
        )
        yield before


def measured(place: str, sales: sp.Sales, count: int, rounds: int) -> Iterator[Row]:
    """Fill a store and ask it."""
    several = list(contacts(count))
    for start in range(0, count, 10_000):
        with sales.work() as work:
            work.keep_new(several[start : start + 10_000], action="created")
    for typed in TYPED:
        ask: Callable[[], object] = partial(sales.contacts.suggest, typed)
        yield limit(f"{place}: typed {typed!r}", seconds(ask, rounds) * 1000, 5, "ms", "5 ms")
    one = sales.contacts[f"c{20 * (count // 40):08}"]
    assert sales.contacts.duplicates(one)[0].score >= 80
    yield limit(
        f"{place}: like one", seconds(partial(sales.contacts.duplicates, one), rounds) * 1000, 20, "ms", "20 ms"
    )
    found = sales.contacts.duplicates(least=80, limit=10_000)
    assert len(found) >= count // 20 - 1
    every = partial(sales.contacts.duplicates, least=80)
    yield limit(f"{place}: every pair, a contact", seconds(every, 1) / count * 1e6, 1000, "µs", "1 ms")


def main() -> None:
    """Fill, type, compare."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--size", type=int, default=100_000, help="how many contacts (default: %(default)s)")
    chosen = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="salespipeline-bench-") as name:
        for place, store in (
            ("SQLite", SqliteStore(Path(name, "contacts.db"), synchronous="NORMAL")),
            ("memory", MemoryStore()),
        ):
            with sp.open(store, actor="jane") as sales:
                rows += measured(f"{place} {chosen.size:,}", sales, chosen.size, chosen.rounds)
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
