"""Make the database of this version that later versions are tested with: ``python tests/assets/make.py``.

Every release keeps one, ``VERSION.db.gz``, and none is ever made again once its version is released: a file that
users have cannot be changed either. It is small, holds every kind of record and every list of settings, and is written
through the face alone, with a clock and ids that are the same each time.
"""

from __future__ import annotations

import gzip
import itertools
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.catalog import KEPT, SETTING_LISTS
from salespipeline.codec import decode
from salespipeline.entries import Stored
from salespipeline.mail import Memory
from salespipeline.stores.sqlite import SqliteStore

HERE = Path(__file__).parent
BEGAN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def fill(sales: sp.Sales) -> None:
    """Tell a short story in which every kind of record has a part."""
    _settings(sales)
    acme = sales.contacts.add("Acme Ltd", email="office@acme.example", address="4 Mill Lane\nLeeds LS1 4AP")
    acme = sales.contacts.add_person(acme, "Eva Lindqvist", email="eva@acme.example")
    lager = sales.contacts.add("Müßig Lagertechnik GmbH", email="einkauf@lager.example", locale="de_DE")
    lines = [
        {"item": "RACK", "quantity": 40, "discount": "5%"},
        sp.Line("Survey of the floor", quantity="1.5", unit_price="80.00", tax="20"),
    ]
    deal = sales.opportunities.create(
        contact=acme,
        person=acme.persons[0].id,
        subject="New warehouse, phase 1",
        lines=lines,
        probability="Hot 75%",
        tags=["VIP"],
        owner="jane",
        due=date(2027, 1, 15),
        custom={"roof": "flat", "height": "7.25"},
    )
    sales.opportunities.edit(deal.id, note="Called back.")
    lost = sales.opportunities.create(contact=lager, subject="Außenlager", lines=lines, stage="Prospect")
    sales.opportunities.lose(lost.id, "price")
    won = sales.opportunities.create(contact=lager, subject="Cold store extension", lines=lines)
    for type in ("pro_forma", "purchase_order", "delivery_note", "application_for_payment"):
        sales.documents.draft(won, type)
    sales.opportunities.win(won.id)
    sales.jobs.create("Build the cold store", opportunity=won.id)
    plan = b"%PDF-1.7\n" + b"forty bays " * 40
    sales.attachments.add(deal.id, "Plan.pdf", plan, audience="both", comment="as measured on site")
    note = sales.notes.add(deal.id, "Floor load", "@Eva Lindqvist, please send the drawing.", tags=["Technical"])
    sales.notes.reply(note, "It is in the post.")
    sales.notes.log_call(deal.id, "voicemail", to="Eva Lindqvist")
    sales.alerts.add(deal.id, "Call back", at=BEGAN + timedelta(days=9), to=["jane"])
    sales.alerts.follow(deal.id)
    sales.notices.deliver()
    quote = sales.documents.draft(deal.id, "quote", note="Prices include delivery.")
    held = sales.documents.draft(won.id, "quote")
    sales.documents.hold(held, "waiting for the drawing")
    print(sales.documents.where(type="quote").plan_send_all().run())
    sales.documents.accept(quote.id, by="Eva Lindqvist")
    invoice = sales.documents.mark_sent(sales.documents.convert(quote.id, "invoice"))
    sales.documents.pay(invoice, "1000.00 GBP", on=date(2026, 12, 1))
    sales.documents.convert(invoice.id, "credit_note")
    sales.documents.revise(quote.id)
    twin = sales.opportunities.create(contact=acme, subject="Warehouse, Leeds", lines=lines, reference="TWICE")
    sales.opportunities.merge(deal.id, twin)
    hot = sales.opportunities.where(stage="Prospect", custom={"height__ge": "5"}).order("-value")
    sales.settings.filters.add("Hot ones", hot, shared=True)


def _settings(sales: sp.Sales) -> None:
    desk = sales.settings
    desk.edit_organisation(
        name="Northgate Ltd",
        address="Unit 4, Canal Wharf\nLeeds LS11 5PS",
        email="sales@northgate.example",
        accept_url="https://northgate.example/accept/{token}",
        ids={"VAT": "GB 123 4567 89"},
        time_zone="Europe/London",
    )
    desk.pipelines.add("Service")
    desk.departments.add("North", "South")
    desk.stages.add("Prospect", "Quotation sent", "Order signed")
    desk.probabilities.add("Hot 75%", colour="orange")
    desk.tags.add("VIP", colour="red")
    desk.tags.archive(desk.tags.add("Rush"))
    desk.note_tags.add("Technical", category="Site")
    desk.lost_reasons.add("Price")
    desk.tax_rates.add("T1", "20", description="Standard rate")
    desk.users.add("Jane Whitfield", id="jane", department="North", email="jane@northgate.example")
    desk.series.add("Invoices 2026", "invoice", prefix="INV-26-")
    desk.fields.add("opportunity", "roof", "Kind of roof", "choice", choices=["flat", "pitched"])
    desk.fields.add("opportunity", "height", "Height in metres", "decimal")
    words = "Dear {{ buyer.name }},\n\nplease pay {{ document.total }} by {{ document.due }}."
    desk.templates.add("Invoice, short", "invoice", subject="Invoice {{ document.reference }}", text=words)
    desk.stock.add("TRUCK-7", "Pallet truck, used", serial="PT-0007", price="350.00")
    desk.items.add("RACK", "Racking, bay", group="Racking", price="210.00", cost="150.00", tax="T1", unit="pc")


def main() -> None:
    """Make the file, check it, and pack it."""
    target = HERE / f"{sp.__version__}.db.gz"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sales.db")
        moments, ids = itertools.count(), itertools.count(1)
        store = SqliteStore(path, now=lambda: int(BEGAN.timestamp()) * 1_000_000)
        with sp.open(
            store,
            actor="jane",
            mailer=Memory(),
            clock=lambda: BEGAN + timedelta(minutes=next(moments)),
            ids=lambda: f"id{next(ids):05d}",
        ) as sales:
            fill(sales)
            complete(sales)
            assert maintenance.check(sales) == []
            maintenance.vacuum(sales)
        target.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    print(f"{target}: {target.stat().st_size:,} bytes")


def complete(sales: sp.Sales) -> None:
    """Say so where a kind of record, a list of settings or a type of document is missing."""
    kinds: dict[str, set[type]] = {}
    with sales.store.transaction(write=False) as tx:
        for kept in KEPT:
            name = kept.kind.name
            kinds[name] = {type(decode(name, Stored(one.id, one.version, one.body))) for one in tx.scan(name)}
    missing = {name for name, classes in kinds.items() if not classes}
    assert missing <= {"chain"}, missing  # the ends of chains of seals: this version may write none
    assert kinds["setting"] == set(SETTING_LISTS), set(SETTING_LISTS) - kinds["setting"]
    assert len({document.type for document in sales.documents}) == 7


if __name__ == "__main__":
    main()
