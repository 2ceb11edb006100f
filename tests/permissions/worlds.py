"""Two stores that are the same to bob: in one of them there is what he may not see, in the other it never was."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

import salespipeline as sp
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.items import Item
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.sending import Batch
from salespipeline.domain.stock import StockItem
from salespipeline.mail import Memory
from salespipeline.permissions import Action
from salespipeline.query import Query

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SOUTH = ("bob", "sue")
READING = ("read", "report", "export", "download")


class ByFunction:
    """bob sees what is of the south, and changes what is his; ann sees everything; root does; with mallory it fails."""

    def __call__(self, actor: str, action: Action, record: Any) -> Any:
        if actor == "root":
            return True
        if actor == "mallory":
            raise RuntimeError(f"zephyr {record!r}")
        if actor == "ann":
            return True if action in READING else sp.deny("auditors only look")
        if not self.in_the_south(record):
            return sp.deny("zephyr is none of your business")
        if action in READING or (action == "create" and not isinstance(record, Item)):
            return True
        if isinstance(record, Opportunity | Document):
            return record.owner_id == actor or sp.deny(f"it is {record.owner_id}'s")
        return (getattr(record, "created_by", None) or getattr(record, "started_by", None)) == actor

    @staticmethod
    def in_the_south(record: Any) -> bool:
        match record:
            case Opportunity() | Document():
                return record.owner_id in SOUTH
            case Contact():
                return record.country == "GB"
            case Item():
                return record.group == "open"
            case StockItem():
                return record.reference.startswith("OPEN")
            case Batch():
                return record.started_by in SOUTH
            case None:
                return False
        return True


class ByFilters(ByFunction):
    """The same, with filters for the kinds that have any."""

    def filters(self, actor: str, _action: str, kind: str) -> Any:
        if actor in ("root", "ann"):
            return {}
        if actor == "mallory":
            raise RuntimeError("zephyr")
        south: dict[str, Any] = {"opportunity": {"owner__in": SOUTH}, "document": [{"owner": "bob"}, {"owner": "sue"}]}
        south |= {"contact": {"country": "GB"}, "item": {"group": "open"}, "stock_item": {"reference": "open"}}
        return None if kind == "batch" else south.get(kind, {})


@attrs.define
class World:
    """A store, and what there is of each kind: ``own`` of bob, ``sues`` for him to read, ``hidden`` from him."""

    root: sp.Sales
    hides: bool
    records: dict[tuple[str, str], Any]
    prefix: str = "s"
    ids: dict[str, Iterator[int]] = attrs.field(factory=lambda: {prefix: itertools.count(1) for prefix in "sho"})

    def begin(self, number: int) -> None:
        """Give the ids of try *number*, the same ones in every world."""
        self.prefix, self.ids["o"] = "o", itertools.count(number * 1000)

    def acting(self, actor: str) -> sp.Sales:
        """Return the pipeline for somebody."""
        return self.root.acting(actor)

    @contextmanager
    def undone(self, sales: sp.Sales) -> Iterator[None]:
        """Take back whatever is done in the block."""
        try:
            with sales.transaction():
                yield
                raise _Undone
        except _Undone:
            pass


class _Undone(Exception):
    pass


def made(url: str, policy: Any, *, hides: bool) -> World:
    """Return a store as bob sees it; with *hides* there is more."""
    world = World(root=None, hides=hides, records={})  # type: ignore[arg-type]

    def new_id() -> str:
        return f"{world.prefix}{next(world.ids[world.prefix]):07d}"

    root = sp.open(url, actor="root", policy=policy, mailer=Memory(), clock=lambda: NOW, ids=new_id)
    world.root = root
    _settings(root)
    line = sp.Line("Racking", quantity=4, unit_price="100", tax="20")
    bob, sue = root.acting("bob"), root.acting("sue").unguarded()
    root.settings.items.add("OPEN", "Bay", price="10", group="open")
    world.records["stock", "own"] = root.settings.stock.add("OPEN", "Lift", serial="SN-1", price="90")
    acme = root.contacts.add("Acme Ltd", email="buyer@acme.example", country="GB")
    bob.unguarded().contacts.add("Sites Ltd", email="site@sites.example", country="GB")
    zephyr = root.contacts.add("Zephyr GmbH", email="zephyr@zephyr.example", country="DE")
    root.contacts.add_person(zephyr, "Zephyrine", email="zephyrine@zephyr.example")
    bob.unguarded().settings.filters.add("Hot", root.opportunities.where(owner="jane"))
    _filled(world, bob, "own", acme, line)
    _filled(world, sue, "sues", acme, line)
    bob.unguarded().opportunities.create(contact=zephyr, subject="With somebody unknown", lines=[line])
    bob.opportunities.create(contact=acme, subject="Other", reference="other/1", lines=[line])
    gone = bob.opportunities.create(contact=acme, subject="Deleted", lines=[line])
    root.opportunities.delete(gone)
    world.prefix = "h"
    if not hides:  # as if there had never been any: only the id of a contact is left, in a deal
        with root.unguarded().work() as work:
            for one in list(work.find(Query(kind="activity"))):
                if one.record_id == zephyr.id:
                    work.tx.delete("activity", one.id, one.version)
            work.tx.delete("contact", zephyr.id, 2)
        return world
    jane = root.acting("jane").unguarded()
    jane.settings.items.add("ZEPHYR", "Zephyr", price="99", group="zephyr")
    _filled(world, jane, "hidden", zephyr, line)
    world.records["contact", "hidden"] = jane.contacts["Zephyr GmbH"]
    world.records["stock", "hidden"] = jane.settings.stock.add("ZEPHYR", "Zephyr", serial="SN-9", price="9")
    world.records["item", "hidden"] = jane.settings.items["ZEPHYR"]
    # In a deal of bob there is a document that is not for him, and what belongs to it.
    secret = jane.documents.draft(world.records["opportunity", "own"], "invoice", owner="jane", subject="Zephyr inside")
    jane.notes.add(secret, "Zephyr inside", "Zephyr.")
    jane.attachments.add(secret, "zephyr inside.txt", b"zephyr", audience="both")
    jane.alerts.follow(secret)
    lost = jane.opportunities.create(contact=zephyr, subject="Zephyr gone", reference="ZEPHYR/9", lines=[line])
    jane.notes.add(lost, "Zephyr gone", "Zephyr.")
    jane.opportunities.delete(lost)
    twin = jane.opportunities.create(contact=zephyr, subject="Zephyr twin", reference="ZEPHYR/8", lines=[line])
    jane.opportunities.merge(world.records["opportunity", "hidden"], twin)
    world.records["opportunity", "hidden"] = jane.opportunities["ZEPHYR/1"]
    return world


def _settings(root: sp.Sales) -> None:
    desk = root.settings
    desk.edit_organisation(
        name="Northgate Ltd", email="sales@northgate.example", accept_url="https://x.example/{token}"
    )
    desk.stages.add("Prospect", "Quoted")
    desk.probabilities.add("Hot 75%")
    desk.tags.add("VIP")
    desk.note_tags.add("Site")
    desk.lost_reasons.add("Price")
    desk.tax_rates.add("Standard", percent="20")
    desk.series.add("Quotes", "job", prefix="JB-")
    desk.fields.add("opportunity", "staff", "Staff", "integer")
    desk.templates.add("Words", for_type="quote", subject="Yours", text="{{ document.accept_link }}")
    desk.departments.add("South")
    for name in ("jane", "bob", "sue", "ann", "root"):
        desk.users.add(name.title(), id=name, email=f"{name}@northgate.example")


def _filled(world: World, sales: sp.Sales, whose: str, contact: Contact, line: sp.Line) -> None:
    """Put one of everything into *world*."""
    what = "Zephyr" if whose == "hidden" else f"Shed of {sales.actor}"
    name = "ZEPHYR/1" if whose == "hidden" else f"{whose}/1"
    deal = sales.opportunities.create(contact=contact, subject=what, reference=name, lines=[line], tags=["VIP"])
    quote = sales.documents.draft(deal, "quote", owner=sales.actor)
    sent = sales.documents.mark_sent(sales.documents.draft(deal, "quote", owner=sales.actor, subject=f"{what} sent"))
    note = sales.notes.add(deal, what, f"{what}.", tags=["Site"])
    sales.notes.add(quote, f"{what} quoted", f"{what}.")
    sales.notes.add(contact, f"{what} noted", f"{what}.")
    file = sales.attachments.add(deal, f"{what}.txt", what.encode(), audience="both")
    sales.attachments.add(note, f"{what} noted.txt", what.encode() * 2, audience="both")
    alert = sales.alerts.add(deal, what, at=NOW - timedelta(hours=1), to=[sales.actor])
    sales.alerts.follow(deal)
    batch = sales.documents.where(reference=str(quote.reference), owner=sales.actor).plan_send_all().queue()
    delivery = sales.deliveries.of_batch(batch)
    world.records |= {
        ("opportunity", whose): sales.opportunities[deal.id],
        ("document", whose): sales.documents[quote.id],
        ("sent", whose): sales.documents[sent.id],
        ("contact", whose): sales.contacts[contact.id],
        ("job", whose): sales.jobs.create(what, opportunity=deal),
        ("note", whose): note,
        ("attachment", whose): file,
        ("alert", whose): alert,
        ("batch", whose): sales.deliveries._batch(batch),
        ("delivery", whose): delivery[0] if delivery else None,
        ("item", whose): sales.settings.items["OPEN"],
        ("token", whose): sales.documents.accept_link(sent).rpartition("/")[2],
    }


# --- what somebody gets to see ------------------------------------------------------------------------------------


def seen(given: Any) -> Any:
    """Return what an answer tells, without what only numbers and clocks make different."""
    if isinstance(given, Exception):
        return (type(given).__name__, plain(str(given)))
    if isinstance(given, bytes):
        return ("bytes", len(given)) if given.startswith(b"%PDF") else given
    if isinstance(given, dict):
        return {plain(str(key)): seen(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [seen(one) for one in given]
    if attrs.has(type(given)) and hasattr(given, "id"):
        return (type(given).__name__, given.id, given.version, plain(str(getattr(given, "subject", ""))))
    return plain(repr(given))


_NUMBER = re.compile(r"\b([A-Z]{2,4})[/-](\d{5})\b")
_MICROSECONDS = re.compile(r"\b\d{16}\b")


def plain(text: str) -> str:
    """Return *text* with the numbers that are drawn for all taken out: they are known to count what is hidden."""
    return _MICROSECONDS.sub("…", _NUMBER.sub(r"\1/…", text))
