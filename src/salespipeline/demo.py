"""A pipeline filled with a fair example: seeded, believable, untidy where life is.

``python -m salespipeline.demo FOLDER`` does the main job on it, and leaves a database, PDFs, mails and a report.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salespipeline.sales import Sales
    from salespipeline.sending_report import SendRow

__all__ = ["demo", "fill", "main"]

TODAY = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STAGES = ("Enquiry", "Site visit", "Quotation sent", "Negotiation")
PROBABILITIES = (
    ("Cold 10%", 10, "blue"),
    ("Warm 40%", 40, "yellow"),
    ("Hot 75%", 75, "orange"),
    ("Agreed 95%", 95, "green"),
)
TAGS = (("Key account", "violet"), ("Public sector", "indigo"), ("Refurbishment", "teal"), ("Rush", "red"))
LOST_REASONS = ("Price", "No decision", "Went to a competitor")
PEOPLE = (
    ("jane", "Jane Whitfield", "North"),
    ("tom", "Tom Okafor", "North"),
    ("sofia", "Sofía Marín", "South"),
    ("lars", "Lars Nygård", "South"),
    ("amelie", "Amélie Roussel", "Export"),
)
ITEMS = (
    ("RCK-210", "Pallet racking, bay of 2.7 m, 3 levels", "Storage", "210.00", "131.00"),
    ("RCK-340", "Pallet racking, bay of 3.6 m, 4 levels", "Storage", "348.35", "219.50"),
    ("SHL-085", "Longspan shelving, galvanised, per metre", "Storage", "84.90", "47.20"),
    ("MEZ-M2", "Mezzanine floor, per square metre, 500 kg/m²", "Structures", "168.00", "104.00"),
    ("CNV-010", "Roller conveyor, 1 m section", "Handling", "124.75", "80.10"),
    ("DOC-LVL", "Dock leveller, hydraulic, 2.5 × 2 m", "Handling", "3895.00", "2710.00"),
    ("INS-DAY", "Installation, team of two, per day", "Services", "680.00", "420.00"),
    ("SUR-FEE", "Site survey and drawings", "Services", "450.00", "210.00"),
)
FIRST = [
    "Harlow",
    "Brampton",
    "Castell",
    "Denby",
    "Elmfield",
    "Farnholt",
    "Grange",
    "Hadley",
    "Isley",
    "Juniper",
    "Kestrel",
    "Larkin",
    "Marlow",
    "Norbury",
]
SECOND = [
    "Logistics",
    "Foods",
    "Joinery",
    "Textiles",
    "& Sons",
    "Print Works",
    "Pharma",
    "Wholesale",
    "Cold Store",
    "Brewing",
]
NAMES = [
    "Alice Moreau",
    "Ben Carter",
    "Chiara Conti",
    "David Osei",
    "Eva Lindqvist",
    "Farid Haddad",
    "Grace Liu",
    "Hugo Brandt",
]
STREETS = ["Mill Lane", "Station Road", "Quay Street", "Old Park Way", "Foundry Close", "Bridge Street"]
CITIES = ["Leeds LS1 4AP", "Bristol BS1 6QF", "Hull HU1 1UU", "Norwich NR2 1TF", "Derby DE1 2GU", "Cardiff CF10 5AL"]
ABROAD = (
    ("Ateliers Béranger", "fr_FR", "14 rue des Tanneurs\n69005 Lyon", "France"),
    ("Müßig Lagertechnik GmbH", "de_DE", "Industriestraße 7\n73033 Göppingen", "Germany"),
)
SUBJECTS = (
    "New warehouse, phase {n}", "Replace racking in hall {n}", "Mezzanine for packing area", "Dock {n} levellers",
    "Conveyor for returns", "Cold store extension", "Survey after insurance audit", "Shelving for archive room {n}",
)  # fmt: skip


class DemoClock:
    """A clock that is set by the story that it tells."""

    def __init__(self, now: datetime = TODAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the moment that was set."""
        return self.now


def demo(*, opportunities: int = 120, seed: int = 7) -> Sales:
    """Return a pipeline in memory, filled with a fair example; the same *seed* gives the same one.

    >>> sales = demo(opportunities=10)
    >>> len(sales.opportunities)
    10
    """
    from salespipeline.mail import Memory
    from salespipeline.opening import open

    clock = DemoClock()
    sales = open("memory:", actor="jane", mailer=Memory(), clock=clock)
    fill(sales, opportunities=opportunities, seed=seed)
    return sales


def fill(sales: Sales, *, opportunities: int = 120, seed: int = 7) -> None:
    """Fill an empty pipeline: settings, contacts, opportunities of a year, some of them closed."""
    dice = random.Random(seed)  # noqa: S311 - an example, not a secret
    _organisation(sales)  # before the transaction: files are kept in transactions of their own
    with sales.transaction():
        _settings(sales)
        contacts = _contacts(sales, dice)
    rows = [_opportunity(dice, contacts) for _ in range(opportunities)]
    rows.sort(key=lambda row: row["at"])
    sales.opportunities.create_many(rows)


def _organisation(sales: Sales) -> None:
    sales.settings.edit_organisation(
        name="Northgate Storage Systems Ltd",
        address="Unit 4, Canal Wharf\nLeeds LS11 5PS\nUnited Kingdom",
        email="sales@northgate.example",
        phone="+44 113 496 0000",
        website="https://northgate.example",
        ids={"Company no.": "01234567", "VAT": "GB 123 4567 89"},
        payment={"bank": "Example Bank", "iban": "GB33 BUKB 2020 1555 5555 55", "bic": "BUKBGB22"},
        terms={"quote": "Prices are valid until the date above. Delivery four to six weeks from order."},
        time_zone="Europe/London",
        logo=_logo(),
    )


def _settings(sales: Sales) -> None:
    desk = sales.settings
    desk.stages.add(*STAGES)
    for label, percent, colour in PROBABILITIES:
        desk.probabilities.add(label, percent=percent, colour=colour)
    for label, colour in TAGS:
        desk.tags.add(label, colour=colour)
    desk.lost_reasons.add(*LOST_REASONS)
    desk.tax_rates.add("T1", "20", description="Standard rate")
    desk.tax_rates.add("T0", "0", description="Zero rate")
    for id, name, department in PEOPLE:
        desk.users.add(name, id=id, department=department, email=f"{id}@northgate.example")
    for reference, description, group, price, cost in ITEMS:
        desk.items.add(reference, description, group=group, price=price, cost=cost, tax="T1", unit="pc")


def _logo() -> bytes:
    """Draw a small mark: three bars, as a PNG that needs no imaging library."""
    import struct
    import zlib

    width, height = 96, 96
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            bar = x // 32
            lit = y >= (56, 32, 8)[bar] and 4 <= x % 32 < 28
            rows += bytes((12, 74, 110) if lit and bar != 2 else (217, 72, 15)) if lit else b"\xff\xff\xff"

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _contacts(sales: Sales, dice: random.Random) -> list[Any]:
    made = []
    for at in range(26):
        name = f"{FIRST[at % len(FIRST)]} {dice.choice(SECOND)}"
        domain = "".join(one for one in name.lower() if one.isalnum()) + ".example"
        email = "" if at % 9 == 4 else f"office@{domain}"  # some never gave an address
        address = f"{dice.randint(1, 90)} {dice.choice(STREETS)}\n{dice.choice(CITIES)}"
        contact = sales.contacts.add(name, email=email, address=address, country="United Kingdom")
        if email and dice.random() < 0.7:
            person = dice.choice(NAMES)
            contact = sales.contacts.add_person(contact, person, email=f"{person.split()[0].lower()}@{domain}")
        made.append(contact)
    for name, locale, address, country in ABROAD:
        made.append(
            sales.contacts.add(name, email="einkauf@lager.example" if locale == "de_DE" else "achats@beranger.example",
                               address=address, country=country, locale=locale)
        )  # fmt: skip
    return made


def _opportunity(dice: random.Random, contacts: list[Any]) -> dict[str, Any]:
    began = TODAY - timedelta(days=dice.randint(3, 380), minutes=dice.randint(0, 500))
    lines: list[Any] = []
    for reference, _, _, _, _ in dice.sample(ITEMS, dice.randint(1, 4)):
        line: dict[str, Any] = {"item": reference, "quantity": dice.choice((1, 2, 4, 6, 10, 16, 24, 40))}
        if dice.random() < 0.25:
            line["discount"] = dice.choice(("4%", "5%", "7.5%", "10%"))
        lines.append(line)
    contact = dice.choice(contacts)
    row: dict[str, Any] = {
        "contact": contact,
        "subject": dice.choice(SUBJECTS).format(n=dice.randint(1, 6)),
        "lines": lines,
        "stage": dice.choice(STAGES),
        "probability": dice.choice(PROBABILITIES)[0] if dice.random() < 0.9 else None,
        "tags": [tag for tag, _ in TAGS if dice.random() < 0.18],
        "due": (TODAY + timedelta(days=dice.randint(-20, 150))).date() if dice.random() < 0.85 else None,
        "owner": dice.choice(PEOPLE)[0],
        "at": began,
    }
    if contact.persons:
        row["person"] = contact.persons[0].id
    if (TODAY - began).days > 25 and (fate := dice.random()) < 0.62:
        row["status"] = "won" if fate < 0.36 else "lost"
        row["closed_at"] = began + timedelta(days=dice.randint(4, min(90, (TODAY - began).days)))
        row["lost_reason"] = dice.choice((*LOST_REASONS, "")) if fate >= 0.36 else ""
    return row


def _quotes(sales: Sales) -> None:
    """Quote what is open and past the enquiry; put some on hold, and cancel one, as happens."""
    for number, deal in enumerate(sales.opportunities.where(status="open", stage__not="Enquiry").order("created")):
        quote = sales.documents.draft(deal, "quote", note="Thank you for the visit. Prices include delivery to site.")
        if number % 11 == 5:
            sales.documents.hold(quote, "waiting for the structural drawing")
        elif number % 17 == 3:
            sales.documents.cancel(quote, "drawn up twice")


def main(arguments: list[str] | None = None) -> int:
    """Do the main job in a folder, from settings to reports, and say where everything is."""
    from salespipeline.mail import Folder
    from salespipeline.opening import open

    given = sys.argv[1:] if arguments is None else arguments
    folder = Path(given[0] if given else "demo-output")
    started = time.perf_counter()
    for part in ("pipeline.db", "pipeline.db-wal", "pipeline.db-shm", "report.html"):
        (folder / part).unlink(missing_ok=True)
    for part in ("mails", "pdfs"):  # what an earlier run of this program left
        shutil.rmtree(folder / part, ignore_errors=True)
    (folder / "pdfs").mkdir(parents=True)
    clock = DemoClock()
    with open(folder / "pipeline.db", actor="jane", mailer=Folder(folder / "mails"), clock=clock) as sales:
        say("1  settings, contacts and opportunities …")
        fill(sales)
        say(f"   {len(sales.opportunities)} opportunities at {len(sales.contacts)} contacts")
        say("2  quotes from the open ones …")
        _quotes(sales)
        plan = sales.documents.where(type="quote", sent=False).order("created").plan_send_all()
        say(f"3  the plan: nothing has left yet\n{_indented(str(plan))}")
        say("4  send all, into a folder of mails …")
        report = plan.run(progress=_progress)
        say(_indented(str(report)))
        for row in report.sent:
            name = row.reference.replace("/", "-") + ".pdf"
            (folder / "pdfs" / name).write_bytes(sales.documents.pdf(row.document_id))
        say("5  reports")
        reports = (
            sales.reports.conversion(),
            sales.reports.performance("owner"),
            sales.reports.performance("department"),
            sales.reports.coming(),
            sales.reports.pipeline(),
        )
        for one in reports:
            say(_indented(str(one)) + "\n")
        (folder / "report.html").write_text(_page(sales, plan, report, reports), encoding="utf-8")
    say(f"Done in {time.perf_counter() - started:.1f} s. Look at:")
    for part, what in (
        ("pipeline.db", "the database"),
        ("pdfs", "the quotes"),
        ("mails", "the mails"),
        ("report.html", "the report"),
    ):
        say(f"   {(folder / part).resolve()}  ({what})")
    return 0


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _indented(text: str) -> str:
    return "\n".join("   " + line for line in text.splitlines())


def _progress(done: int, total: int, row: SendRow) -> None:
    if done % 10 == 0 or done == total:
        say(f"   {done}/{total}  {row.reference} {row.state.value}")


def _page(sales: Sales, plan: Any, report: Any, reports: Any) -> str:
    title = escape(sales.settings.organisation.name)
    parts = [one._repr_html_() for one in (*reports, plan, report)]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}: pipeline</title>'
        "<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;"
        "padding:0 1rem}h1{font-size:1.4rem}body>div{margin:1.6rem 0;overflow-x:auto}</style>"
        f"<h1>{title}: the pipeline on {TODAY:%Y-%m-%d}</h1>"
        f'<p>{len(report.sent)} quotes were sent: the <a href="pdfs/">PDFs</a> and the <a href="mails/">mails</a>.</p>'
        f"{''.join(parts)}</html>"
    )


class _Callable(ModuleType):
    """``salespipeline.demo`` is this module as well as the function: importing the one must not break the other."""

    def __call__(self, *, opportunities: int = 120, seed: int = 7) -> Sales:
        """Do what ``demo`` does."""
        return demo(opportunities=opportunities, seed=seed)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    raise SystemExit(main())
