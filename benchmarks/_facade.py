"""The façade beside the bare store: what checking, the settings and the activity entry cost on top."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import attrs
from _common import Row, race
from _ours import Ours
from _sample import LEAST

import salespipeline as sp
from salespipeline.codec import decode, encode
from salespipeline.query import All, Cmp, Count, OneOf, Query, Sum
from salespipeline.stores.sqlite import SqliteStore

COUNT = 2_000


def facade(folder: Path, rounds: int) -> Iterator[Row]:
    """Make opportunities through the façade, and ask it and the store the same."""
    store = SqliteStore(folder / "facade.db", synchronous="NORMAL")
    sales = sp.open(store, actor="jane")
    sales.settings.stages.add("Enquiry", "Quoted", "Ordered")
    sales.settings.users.add("Jane Whitfield", id="jane")
    contact = sales.contacts.add("Acme Ltd")
    lines = [sp.Line(f"Bay {number}", quantity=number, unit_price="310.50", tax="20") for number in (3, 7, 12)]
    draw = random.Random(3)

    def create() -> sp.Opportunity:
        return sales.opportunities.create(
            contact=contact, subject="New warehouse", stage=draw.choice(("Enquiry", "Quoted")), lines=lines
        )

    deals = [create() for _ in range(COUNT)]
    bare = Ours(store, "bare store")
    peer = bare.name
    ids = cycle([deal.id for deal in deals])
    get = {peer: (lambda: bare.get(next(ids)), "")}
    yield from race("façade: get by id", lambda: sales.opportunities.get(next(ids)), get, rounds=rounds)

    stage = next(one.id for one in sales.settings.stages if one.label == "Quoted")
    where = All(
        (Cmp("stage", "=", stage), Cmp("status", "=", "open"), Cmp("currency", "=", "GBP"), Cmp("value", ">=", LEAST))
    )
    paged = Query(kind="opportunity", where=where, order=("created",), descending=True, limit=50)

    def page() -> list[object]:
        with store.transaction(write=False) as tx:
            return [decode("opportunity", stored) for stored in tx.find(paged)]

    listed = sales.opportunities.where(stage="Quoted", status="open", value__ge=sp.Money.from_minor(LEAST, "GBP"))
    assert list(listed.order("-created").page(50)) == page()
    yield from race("façade: page 1", lambda: listed.order("-created").page(50), {peer: (page, "")}, rounds=rounds)

    closed = Query(kind="opportunity", where=OneOf("status", ("won", "lost")))

    def tally() -> list[object]:
        with store.transaction(write=False) as tx:
            return list(tx.tally(closed, ("owner", "status", "currency"), (Count(), Sum("value"))))

    yield from race("façade: conversion", lambda: sales.reports.conversion("owner"), {peer: (tally, "")}, rounds=rounds)
    sample = deals[0]

    def put() -> None:
        number = draw.getrandbits(60)
        entry = encode(attrs.evolve(sample, id=f"x{number}", reference=f"X{number}", version=0))
        with store.transaction() as tx:
            tx.put(entry)

    yield from race("façade: create", create, {f"{peer}: encode and put": (put, "")}, rounds=rounds)
    turn = cycle(deals[1:])
    versions = {deal.id: deal for deal in deals}

    def edit() -> None:
        deal = versions[next(turn).id]
        versions[deal.id] = sales.opportunities.edit(deal, note=f"Called at {draw.random()}.")

    again = [sample]

    def change() -> None:
        entry = encode(attrs.evolve(again[0], note=f"Called at {draw.random()}."))
        with store.transaction() as tx:
            tx.put(entry)
        again[0] = attrs.evolve(again[0], version=again[0].version + 1)

    yield from race("façade: edit", edit, {f"{peer}: encode and put": (change, "")}, rounds=rounds)
    sales.close()
