"""Everything that the public face can do, one cell each: an operation without a cell makes the matrix fail."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
from tests.permissions.worlds import NOW

import salespipeline as sp
from salespipeline.importing import import_opportunities
from salespipeline.transmitters import Memory as Platform

LATER = NOW + timedelta(days=1)
MAIL = "zephyr@zephyr.example"
LINE = {"description": "Racking", "unit_price": "10"}
Run = Callable[[sp.Sales, Any], Any]


@attrs.frozen
class Cell:
    """One operation: on what, how, and whether it writes, or cannot be a part of a transaction (*alone*)."""

    on: str | None
    run: Run
    writes: bool = False
    alone: bool = False


def _pages(listing: Any) -> Any:
    """Return a listing in all the ways in which one looks at it: from page to page, counted, sorted, first and last."""
    found, after = [], None
    while True:
        page = listing.page(7, after)
        found.append([one.id for one in page])
        after = page.next
        if after is None:
            break
    return (
        found,
        listing.count(),
        len(listing),
        [one.id for one in listing],
        listing.ids(),
        bool(listing),
        listing.first(),
    )


COLLECTIONS = {
    "opportunities": "opportunity",
    "documents": "document",
    "contacts": "contact",
    "jobs": "job",
    "notes": "note",
    "attachments": "attachment",
    "alerts": "alert",
    "deliveries": "delivery",
    "notices": "notice",
    "settings.items": "item",
    "settings.stock": "stock",
}


def at(sales: sp.Sales, path: str) -> Any:
    """Return the collection at *path*."""
    found: Any = sales
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _common(path: str, kind: str) -> dict[str, Cell]:
    """Return the cells of what every collection can do."""

    def of(sales: sp.Sales) -> Any:
        return at(sales, path)

    reads: dict[str, tuple[str | None, Run]] = {
        "get": (kind, lambda s, one: (of(s).get(one), of(s)[one], one in of(s)) if isinstance(one, str) else None),
        "history": (kind, lambda s, one: [(did.action, did.record_id, did.title) for did in of(s).history(one)]),
        "versions": (kind, lambda s, one: of(s).versions(one)),
        "version_at": (kind, lambda s, one: of(s).version_at(one, NOW)),
        "as_of": (None, lambda s, _: of(s).as_of(NOW)),
        "all": (None, lambda s, _: _pages(of(s).all())),
        "where": (None, lambda s, _: _pages(of(s).where())),
        "order": (None, lambda s, _: [(by, _pages(of(s).order(by))) for by in of(s).shape.orders]),
        "page": (None, lambda s, _: of(s).page(2)),
        "count": (None, lambda s, _: (of(s).count(), len(of(s)))),
        "to_dicts": (None, lambda s, _: of(s).to_dicts()),
        "to_csv": (None, lambda s, _: of(s).to_csv()),
        "write_csv": (None, lambda s, _: _written(of(s))),
    }
    return {f"{path}.{name}": Cell(on, run) for name, (on, run) in reads.items()}


def _written(listing: Any) -> Any:
    file = Path(tempfile.mkdtemp(), "rows.csv")
    return listing.write_csv(file), file.read_text("utf-8")


def _items() -> Path:
    file = Path(tempfile.mkdtemp(), "items.csv")
    file.write_text("reference,description,price\nNEW,New,10\n", encoding="utf-8")
    return file


def _deal(change: Run) -> Cell:
    return Cell("opportunity", change, writes=True)


def _each(change: Callable[[Any], Any]) -> Cell:
    def run(sales: sp.Sales, deal: Any) -> Any:
        report = change(sales.opportunities.each([deal]))
        if not report.ok:
            raise sp.Refused(str(report))
        return str(report)

    return Cell("opportunity", run, writes=True)


def _import(sales: sp.Sales, key: str) -> Any:
    file = Path(tempfile.mkdtemp(), "deals.csv")
    file.write_text(f"no,ref,client\n1,{key},Acme Ltd\n", encoding="utf-8")
    mapping = {"contact": "client", "subject": "no", "reference": "ref", "lines": lambda _row: [LINE]}
    return str(import_opportunities(sales, file, mapping, key="no", on_error="skip"))


def _heard(sales: sp.Sales, _given: Any) -> Any:
    heard: list[Any] = []
    unsubscribe = sales.activities.subscribe(heard.extend)
    # Whoever does it, in this very store: what is heard is what the listener may read.
    sales.acting("jane").unguarded().contacts.add("Zephyr heard", country="DE")
    sales.acting("jane").unguarded().contacts.add("Heard Ltd", country="GB")
    unsubscribe()
    return [(one.action, one.title) for one in heard]


def _plan(change: Callable[[Any], Any], *, alone: bool = True) -> Cell:
    return Cell(
        "document",
        lambda s, one: change(s.documents.where(reference=_called(one)).plan_send_all(again=True)),
        alone=alone,
    )


def _called(one: Any) -> str:
    return one if isinstance(one, str) else str(one.reference)


def _report(report: Any) -> Any:
    return [(row.document_id, str(row.state), row.reason) for row in report.rows]


def _lists(path: str, name: str, add: Run) -> dict[str, Cell]:
    """Return the cells of what every list of the settings can do; its entries are no secret, their uses are."""

    def of(sales: sp.Sales) -> Any:
        return at(sales, path)

    def first(sales: sp.Sales) -> Any:
        return next(iter(of(sales)), name)

    def more(sales: sp.Sales) -> Any:
        return add(sales.unguarded(), None) and next(one for one in reversed(list(of(sales.unguarded()))))

    return {
        f"{path}.add": Cell(None, add, writes=True),
        f"{path}.edit": Cell(None, lambda s, _: of(s).edit(name, label="Changed"), writes=True),
        f"{path}.rename": Cell(None, lambda s, _: of(s).rename(name, "Renamed"), writes=True),
        f"{path}.move": Cell(None, lambda s, _: of(s).move(name, before=more(s)), writes=True),
        f"{path}.archive": Cell(None, lambda s, _: of(s).archive(name), writes=True),
        f"{path}.restore": Cell(None, lambda s, _: of(s).restore(name), writes=True),
        f"{path}.delete": Cell(None, lambda s, _: of(s).delete(name), writes=True),
        f"{path}.history": Cell(None, lambda s, _: of(s).history(first(s))),
        f"{path}.versions": Cell(None, lambda s, _: of(s).versions(first(s))),
        f"{path}.usage": Cell(None, lambda s, _: [of(s).usage(one) for one in of(s)]),
        f"{path}.usages": Cell(None, lambda s, _: of(s).usages()),
        f"{path}.to_dicts": Cell(None, lambda s, _: of(s).to_dicts()),
        f"{path}.to_csv": Cell(None, lambda s, _: of(s).to_csv()),
        f"{path}.write_csv": Cell(None, lambda s, _: _written(of(s))),
    }


CELLS: dict[str, Cell] = {
    name: cell for path, kind in COLLECTIONS.items() for name, cell in _common(path, kind).items()
}
CELLS |= {
    # --- opportunities ---
    "opportunities.create": Cell(
        None, lambda s, _: s.opportunities.create(contact="Acme Ltd", subject="New", lines=[LINE])
    ),
    "opportunities.create at": Cell(
        "contact", lambda s, one: s.opportunities.create(contact=one, subject="N", lines=[LINE])
    ),
    "opportunities.create_many": Cell(
        None, lambda s, _: s.opportunities.create_many([{"contact": "Acme Ltd", "subject": "Many", "lines": [LINE]}])
    ),
    "opportunities.edit": _deal(lambda s, one: s.opportunities.edit(one, subject="Changed")),
    "opportunities.hold": _deal(lambda s, one: s.opportunities.hold(one)),
    "opportunities.resume": _deal(lambda s, one: s.opportunities.resume(one)),
    "opportunities.win": _deal(lambda s, one: s.opportunities.win(one)),
    "opportunities.lose": _deal(lambda s, one: s.opportunities.lose(one, "Price")),
    "opportunities.reopen": _deal(lambda s, one: s.opportunities.reopen(one)),
    "opportunities.tag": _deal(lambda s, one: s.opportunities.tag(one, "VIP")),
    "opportunities.untag": _deal(lambda s, one: s.opportunities.untag(one, "VIP")),
    "opportunities.delete": _deal(lambda s, one: s.opportunities.delete(one)),
    "opportunities.restore": _deal(lambda s, one: s.opportunities.restore(one)),
    "opportunities.can": Cell(
        "opportunity", lambda s, one: s.opportunities.can(one, "win") if isinstance(one, str) else None
    ),
    "opportunities.deleted": Cell(None, lambda s, _: s.opportunities.deleted()),
    "opportunities.merge": _deal(lambda s, one: s.opportunities.merge("other/1", one)),
    "opportunities.merge into": _deal(lambda s, one: s.opportunities.merge(one, "other/1")),
    "opportunities.plan_merge": Cell("opportunity", lambda s, one: str(s.opportunities.plan_merge("other/1", one))),
    "opportunities.each": _each(lambda each: each.edit(subject="Changed")),
    "each.edit": _each(lambda each: each.edit(due="2027-01-31")),
    "each.tag": _each(lambda each: each.tag("VIP")),
    "each.untag": _each(lambda each: each.untag("VIP")),
    "each.hold": _each(lambda each: each.hold()),
    "each.resume": _each(lambda each: each.resume()),
    "each.win": _each(lambda each: each.win()),
    "each.lose": _each(lambda each: each.lose("Price")),
    "each.reopen": _each(lambda each: each.reopen()),
    "each.delete": _each(lambda each: each.delete()),
    "merge plan.run": _deal(lambda s, one: s.opportunities.plan_merge("other/1", one).run()),
    "merge plan.choose": Cell(
        "opportunity", lambda s, one: s.opportunities.plan_merge("other/1", one).choose(subject="other")
    ),
    "merge plan.to_csv": Cell("opportunity", lambda s, one: s.opportunities.plan_merge("other/1", one).to_csv()),
    "merge plan.write_csv": Cell("opportunity", lambda s, one: _written(s.opportunities.plan_merge("other/1", one))),
    "merge plan.to_dicts": Cell("opportunity", lambda s, one: s.opportunities.plan_merge("other/1", one).to_dicts()),
    # --- lists, and what they ask ---
    "listing.where": Cell(
        None,
        lambda s, _: [
            _pages(s.opportunities.where(**asked))
            for asked in (
                {"text": "zephyr"},
                {"contact": "Zephyr GmbH"},
                {"documents": "invoice"},
                {"documents__none": ["invoice"]},
                {"documents": None},
                {"owner": "jane"},
                {"owner__not": "jane"},
                {"reference__startswith": "zephyr"},
                {"tags": "VIP"},
                {"value__ge": "1 GBP"},
            )
        ],
    ),
    "listing.order": Cell(
        None,
        lambda s, _: [
            s.opportunities.order(by).ids() for name in s.opportunities.shape.orders for by in (name, f"-{name}")
        ],
    ),
    "listing.page": Cell(None, lambda s, _: [_pages(s.documents.order(by)) for by in s.documents.all()._shape.orders]),
    "listing.count": Cell(
        None,
        lambda s, _: [
            s.documents.where(contact="Zephyr GmbH").count(),
            s.notes.where(text="zephyr").count(),
            s.attachments.where(text="zephyr").count(),
            s.alerts.where(text="zephyr").count(),
            s.documents.where(text="zephyr").count(),
            s.jobs.where(text="zephyr").count(),
        ],
    ),
    "listing.ids": Cell(None, lambda s, _: [s.notes.all().ids(), s.attachments.all().ids(), s.deliveries.all().ids()]),
    "listing.first": Cell(
        None, lambda s, _: [s.opportunities.where(text="zephyr").first(), s.documents.order("-total").first()]
    ),
    "listing.one": Cell("opportunity", lambda s, one: s.opportunities.where(reference=_called(one)).one()),
    "listing.to_dicts": Cell(
        None, lambda s, _: [s.opportunities.to_dicts(), s.documents.to_dicts(), s.jobs.to_dicts()]
    ),
    "listing.to_csv": Cell(
        None, lambda s, _: (s.opportunities.order("-contact").to_csv(), s.documents.order("-total").to_csv())
    ),
    "listing.write_csv": Cell(None, lambda s, _: _written(s.notes.order("subject"))),
    "listing.page of lines": Cell(
        None,
        lambda s, _: (
            s.opportunities.all().lines.to_dicts(),
            s.documents.all().lines.to_csv(),
            s.jobs.all().lines.to_dicts(),
        ),
    ),
    "listing.criteria": Cell(None, lambda s, _: s.opportunities.where(owner="jane").criteria().to_json()),
    "listing.fitting": Cell(
        None, lambda s, _: _pages(s.opportunities.all().fitting(s.opportunities.where(text="zephyr").criteria()))
    ),
    "listing.query": Cell(None, lambda s, _: s.opportunities.all().query(s.settings.snapshot)),
    "listing.predicate": Cell(None, lambda s, _: s.opportunities.all().predicate(s.settings.snapshot)),
    "listing.each": Cell(None, lambda s, _: str(s.opportunities.where(text="zephyr").each().hold())),
    "listing.plan_send_all": Cell(
        None,
        lambda s, _: (str(s.documents.all().plan_send_all()), str(s.opportunities.all().plan_send_all("quote"))),
        alone=True,
    ),
    # --- documents ---
    "documents.draft": Cell("opportunity", lambda s, one: s.documents.draft(one, "invoice")),
    "documents.edit": Cell("document", lambda s, one: s.documents.edit(one, subject="Changed"), writes=True),
    "documents.duplicate": Cell("document", lambda s, one: s.documents.duplicate(one)),
    "documents.convert": Cell("document", lambda s, one: s.documents.convert(one, "invoice")),
    "documents.deposit": Cell("document", lambda s, one: s.documents.deposit(one, "30%")),
    "documents.consolidate": Cell("document", lambda s, one: s.documents.consolidate([one, one]), writes=True),
    "documents.revise": Cell("sent", lambda s, one: s.documents.revise(one), writes=True),
    "documents.hold": Cell("document", lambda s, one: s.documents.hold(one, "why"), writes=True),
    "documents.release": Cell("document", lambda s, one: s.documents.release(one), writes=True),
    "documents.request_approval": Cell("document", lambda s, one: s.documents.request_approval(one), writes=True),
    "documents.approve": Cell("document", lambda s, one: s.documents.approve(one), writes=True),
    "documents.refuse": Cell("document", lambda s, one: s.documents.refuse(one), writes=True),
    "documents.mark_sent": Cell("document", lambda s, one: s.documents.mark_sent(one), writes=True),
    "documents.accept": Cell("sent", lambda s, one: s.documents.accept(one), writes=True),
    "documents.reject": Cell("sent", lambda s, one: s.documents.reject(one), writes=True),
    "documents.pay": Cell("sent", lambda s, one: s.documents.pay(one, "1 GBP"), writes=True),
    "documents.cancel": Cell("sent", lambda s, one: s.documents.cancel(one), writes=True),
    "documents.assign": Cell("document", lambda s, one: s.documents.assign(one, new="Work"), writes=True),
    "documents.assign to": Cell(
        "job", lambda s, one: s.documents.assign(s.documents.where(owner="bob", sent=False).first(), one)
    ),
    "documents.unassign": Cell("document", lambda s, one: s.documents.unassign(one)),
    "documents.delete": Cell("document", lambda s, one: s.documents.delete(one), writes=True),
    "documents.can": Cell("document", lambda s, one: s.documents.can(one, "edit")),
    "documents.pdf": Cell("sent", lambda s, one: s.documents.pdf(one), alone=True),
    "documents.html": Cell("document", lambda s, one: len(s.documents.html(one)) > 0),
    "documents.render": Cell(None, lambda _s, _: None),  # draws what it is given, and reads nothing
    "documents.einvoice": Cell("sent", lambda s, one: s.documents.einvoice(one)),
    "documents.einvoice_problems": Cell("sent", lambda s, one: s.documents.einvoice_problems(one)),
    "documents.transmit": Cell("sent", lambda s, one: s.documents.transmit(one, Platform()), writes=True, alone=True),
    "documents.verify": Cell("sent", lambda s, one: s.documents.verify(one)),
    "documents.verify_seals": Cell(None, lambda s, _: s.documents.verify_seals()),
    "documents.verify_numbers": Cell(None, lambda s, _: s.documents.verify_numbers(), alone=True),
    "documents.accept_link": Cell("sent", lambda s, one: len(s.documents.accept_link(one))),
    "documents.offered": Cell("token", lambda s, one: s.documents.offered(one)),
    "documents.accept_by_token": Cell(
        "token", lambda s, one: s.documents.accept_by_token(one, name="Zoë"), writes=True
    ),
    "documents.reject_by_token": Cell(
        "token", lambda s, one: s.documents.reject_by_token(one, name="Zoë"), writes=True
    ),
    "documents.mail_receipt": Cell("sent", lambda s, one: _report(s.documents.mail_receipt(one)), alone=True),
    "plan.preview": _plan(lambda plan: plan.preview().subject if plan.included else None),
    "plan.rehearse": _plan(str),
    "plan.to_dicts": _plan(lambda plan: plan.to_dicts()),
    "plan.to_csv": _plan(lambda plan: plan.to_csv()),
    "plan.write_csv": _plan(_written),
    "plan.to_html": _plan(lambda plan: plan.to_html()),
    "plan.queue": Cell(
        None,
        lambda s, _: _report(s.deliveries.report(s.documents.all().plan_send_all(again=True).queue())),
    ),
    "plan.run": _plan(lambda plan: _report(plan.run())),
    # --- what looks for itself ---
    "contacts.duplicates": Cell(None, lambda s, _: s.contacts.duplicates()),
    "contacts.duplicates of": Cell("contact", lambda s, one: s.contacts.duplicates(one)),
    "contacts.like": Cell("contact", lambda s, one: s.contacts.like(getattr(one, "name", one), email=MAIL)),
    "opportunities.duplicates": Cell(None, lambda s, _: s.opportunities.duplicates()),
    "opportunities.duplicates of": Cell("opportunity", lambda s, one: s.opportunities.duplicates(one)),
    "opportunities.search": Cell(
        None, lambda s, _: [[deal.id for deal in s.opportunities.search(one)] for one in ("zephyr", "shed", "noted")]
    ),
    "listing.search": Cell(
        None, lambda s, _: [deal.id for deal in s.opportunities.where(owner="bob").search("zephyr")]
    ),
    # --- contacts, jobs ---
    "contacts.add": Cell(None, lambda s, _: s.contacts.add("Zephyr GmbH", country="GB")),
    "contacts.edit": Cell("contact", lambda s, one: s.contacts.edit(one, phone="+44 20 7946 0000"), writes=True),
    "contacts.add_person": Cell("contact", lambda s, one: s.contacts.add_person(one, "Zoë"), writes=True),
    "contacts.edit_person": Cell(
        "contact", lambda s, one: s.contacts.edit_person(one, "Zephyrine", role="x"), writes=True
    ),
    "contacts.remove_person": Cell("contact", lambda s, one: s.contacts.remove_person(one, "Zephyrine"), writes=True),
    "contacts.restore_person": Cell("contact", lambda s, one: s.contacts.restore_person(one, "Zephyrine"), writes=True),
    "contacts.stop": Cell("contact", lambda s, one: s.contacts.stop(one, "Late"), writes=True),
    "contacts.release": Cell("contact", lambda s, one: s.contacts.release(one), writes=True),
    "contacts.check_ids": Cell("contact", lambda s, one: s.contacts.check_ids(one) if isinstance(one, str) else None),
    "contacts.merge": Cell("contact", lambda s, one: s.contacts.merge("Sites Ltd", one), writes=True),
    "contacts.merge into": Cell("contact", lambda s, one: s.contacts.merge(one, "Sites Ltd"), writes=True),
    "contacts.plan_merge": Cell("contact", lambda s, one: str(s.contacts.plan_merge("Sites Ltd", one))),
    "contacts.edit parent": Cell("contact", lambda s, one: s.contacts.edit("Sites Ltd", parent=one)),
    "contacts.suggest": Cell(None, lambda s, _: [s.contacts.suggest("zephyr"), s.contacts.suggest("acme")]),
    "contacts.delete": Cell("contact", lambda s, one: s.contacts.delete(one), writes=True),
    "jobs.create": Cell("opportunity", lambda s, one: s.jobs.create("Work", opportunity=one)),
    "jobs.edit": Cell("job", lambda s, one: s.jobs.edit(one, subject="Changed"), writes=True),
    "jobs.link": Cell("job", lambda s, one: s.jobs.link(one, "own/1"), writes=True),
    "jobs.link to": Cell("opportunity", lambda s, one: s.jobs.link(s.jobs.where(text="bob").first(), one)),
    "jobs.unlink": Cell("job", lambda s, one: s.jobs.unlink(one), writes=True),
    "jobs.delete": Cell("job", lambda s, one: s.jobs.delete(one), writes=True),
    # --- notes, files, alerts ---
    "notes.add": Cell("opportunity", lambda s, one: s.notes.add(one, "Written", "@jane")),
    "notes.add on a document": Cell("document", lambda s, one: s.notes.add(one, "Written")),
    "notes.reply": Cell("note", lambda s, one: s.notes.reply(one, "Yes.")),
    "notes.thread": Cell("note", lambda s, one: [note.id for note in s.notes.thread(one)]),
    "notes.of": Cell("contact", lambda s, one: [note.id for note in s.notes.of(one)]),
    "notes.of a deal": Cell("opportunity", lambda s, one: [note.id for note in s.notes.of(one)]),
    "notes.edit": Cell("note", lambda s, one: s.notes.edit(one, text="Changed"), writes=True),
    "notes.complete": Cell("note", lambda s, one: s.notes.complete(one), writes=True),
    "notes.cancel": Cell("note", lambda s, one: s.notes.cancel(one), writes=True),
    "notes.reopen": Cell("note", lambda s, one: s.notes.reopen(one), writes=True),
    "notes.delete": Cell("note", lambda s, one: s.notes.delete(one), writes=True),
    "notes.log_call": Cell("opportunity", lambda s, one: s.notes.log_call(one, "reached")),
    "notes.mail": Cell("opportunity", lambda s, one: s.notes.mail(one, "Hello", "There")),
    "notes.mail with": Cell("attachment", lambda s, one: s.notes.mail("own/1", "Hello", "There", files=[one])),
    "notes.receive": Cell(None, lambda s, _: s.notes.receive(b"From: z@zephyr.example", audience="both"), writes=True),
    "attachments.add": Cell("opportunity", lambda s, one: s.attachments.add(one, "a.txt", b"Zephyr", audience="web")),
    "attachments.of": Cell("opportunity", lambda s, one: [file.id for file in s.attachments.of(one)]),
    "attachments.read": Cell("attachment", lambda s, one: b"".join(s.attachments.read(one))),
    "attachments.content": Cell("attachment", lambda s, one: s.attachments.content(one)),
    "attachments.edit": Cell("attachment", lambda s, one: s.attachments.edit(one, comment="Changed"), writes=True),
    "attachments.delete": Cell("attachment", lambda s, one: s.attachments.delete(one), writes=True),
    "attachments.scan": Cell("attachment", lambda s, one: s.attachments.scan(one)),
    "attachments.release": Cell("attachment", lambda s, one: s.attachments.release(one), writes=True),
    "attachments.download_all": Cell(
        "opportunity", lambda s, one: b"".join(s.attachments.download_all(one, audience="everyone"))
    ),
    "attachments.sweep": Cell(None, lambda s, _: s.attachments.sweep()),
    "alerts.add": Cell("opportunity", lambda s, one: s.alerts.add(one, "Ring", at=LATER, to=["bob"])),
    "alerts.due": Cell(None, lambda s, _: [alert.id for alert in s.alerts.due(NOW)]),
    "alerts.snooze": Cell("alert", lambda s, one: s.alerts.snooze(one, LATER, now=NOW), writes=True),
    "alerts.dismiss": Cell("alert", lambda s, one: s.alerts.dismiss(one, now=NOW), writes=True),
    "alerts.stop": Cell("alert", lambda s, one: s.alerts.stop(one), writes=True),
    "alerts.follow": Cell("opportunity", lambda s, one: s.alerts.follow(one, "sue")),
    "alerts.unfollow": Cell("opportunity", lambda s, one: s.alerts.unfollow(one, "jane")),
    "alerts.followers": Cell("opportunity", lambda s, one: s.alerts.followers(one)),
    "alerts.deliver": Cell(None, lambda s, _: [alert.id for alert in s.alerts.deliver(NOW)], alone=True),
    "alerts.tell_followers": Cell(
        None, lambda s, _: [(one.to.id, one.record_id) for one in s.alerts.tell_followers()], alone=True
    ),
    "notices.deliver": Cell(None, lambda s, _: [one.record_id for one in s.notices.deliver()], alone=True),
    "notices.delivering": Cell(None, lambda s, _: [one.record_id for one in s.notices.delivering()], alone=True),
    "notices.recover": Cell(None, lambda s, _: s.notices.recover()),
    "notices.resolve": Cell("notice", lambda s, one: s.notices.resolve(one, "sent"), writes=True),
    # --- deliveries ---
    "deliveries.of_batch": Cell("batch", lambda s, one: s.deliveries.of_batch(one)),
    "deliveries.batches": Cell(None, lambda s, _: s.deliveries.batches()),
    "deliveries.report": Cell("batch", lambda s, one: _report(s.deliveries.report(one))),
    "deliveries.recover": Cell(None, lambda s, _: s.deliveries.recover()),
    "deliveries.pause": Cell("batch", lambda s, one: s.deliveries.pause(one), writes=True),
    "deliveries.cancel": Cell("batch", lambda s, one: _report(s.deliveries.cancel(one)), writes=True, alone=True),
    "deliveries.resume": Cell("batch", lambda s, one: _report(s.deliveries.resume(one)), writes=True, alone=True),
    "deliveries.resolve": Cell("delivery", lambda s, one: s.deliveries.resolve(one, "sent", why="x"), writes=True),
    "deliveries.words": Cell("delivery", lambda s, one: s.deliveries.words(one).name),
    "deliveries.look_up": Cell(None, lambda s, _: s.deliveries.look_up()),
    # --- what happened ---
    "activities.all": Cell(None, lambda s, _: _pages(s.activities.all())),
    "activities.where": Cell(
        None, lambda s, _: [_pages(s.activities.where(kind=kind)) for kind in ("note", "document", "contact")]
    ),
    "activities.timeline": Cell("opportunity", lambda s, one: [did.id for did in s.activities.timeline(one)]),
    "activities.tags": Cell("opportunity", lambda s, one: s.activities.tags(one)),
    "activities.to_dicts": Cell(None, lambda s, _: s.activities.to_dicts()),
    "activities.to_csv": Cell(None, lambda s, _: s.activities.to_csv()),
    "activities.write_csv": Cell(None, lambda s, _: _written(s.activities)),
    "activities.since": Cell(None, lambda s, _: s.activities.since(), alone=True),
    "activities.subscribe": Cell(None, _heard, alone=True),
    # --- reports ---
    **{
        f"reports.{name}": Cell(
            None,
            lambda s, _, name=name, by=by: [
                at(s, f"reports.{name}")(**({"by": one} if one else {})).to_dicts() for one in by
            ],
        )
        for name, by in {
            "conversion": (None, "owner", "stage", "tag", "department"),
            "performance": ("owner", "department"),
            "coming": (None, "owner"),
            "pipeline": (None,),
        }.items()
    },
    # --- items, settings ---
    "settings.items.add": Cell(
        None, lambda s, _: s.settings.items.add("NEW", "New", price="1", group="open"), writes=True
    ),
    "settings.items.add in use": Cell(
        None, lambda s, _: s.settings.items.add("SET", "New", group="open", parts=[("ZEPHYR", 1)]), writes=True
    ),
    "settings.items.import_csv": Cell(None, lambda s, _: str(s.settings.items.import_csv(_items())), writes=True),
    "settings.items.edit": Cell("item", lambda s, one: s.settings.items.edit(one, price="2"), writes=True),
    "settings.items.delete": Cell("item", lambda s, one: s.settings.items.delete(one), writes=True),
    "settings.items.rename": Cell("item", lambda s, one: s.settings.items.rename(one, "OTHER"), writes=True),
    "settings.items.archive": Cell("item", lambda s, one: s.settings.items.archive(one), writes=True),
    "settings.items.restore": Cell("item", lambda s, one: s.settings.items.restore(one)),
    "settings.items.usage": Cell("item", lambda s, one: s.settings.items.usage(one)),
    "settings.items.usages": Cell(None, lambda s, _: s.settings.items.usages()),
    "settings.stock.add": Cell(None, lambda s, _: s.settings.stock.add("OPEN", "Lift", serial="SN-2"), writes=True),
    "settings.stock.edit": Cell("stock", lambda s, one: s.settings.stock.edit(one, price="2"), writes=True),
    "settings.stock.rename": Cell("stock", lambda s, one: s.settings.stock.rename(one, "OPENED"), writes=True),
    "settings.stock.archive": Cell("stock", lambda s, one: s.settings.stock.archive(one), writes=True),
    "settings.stock.restore": Cell("stock", lambda s, one: s.settings.stock.restore(one)),
    "settings.stock.give_back": Cell("stock", lambda s, one: s.settings.stock.give_back(one), writes=True),
    "settings.stock.usage": Cell("stock", lambda s, one: s.settings.stock.usage(one)),
    "settings.stock.usages": Cell(None, lambda s, _: s.settings.stock.usages()),
    "settings.stock.delete": Cell("stock", lambda s, one: s.settings.stock.delete(one), writes=True),
    "opportunities.edit with stock": Cell(
        "stock", lambda s, one: s.opportunities.edit("own/1", lines=[{"stock": getattr(one, "serial", one)}])
    ),
    "settings.export": Cell(None, lambda s, _: s.settings.export()),
    "settings.import_": Cell(None, lambda s, _: str(s.settings.import_(s.settings.export(), existing="keep"))),
    "settings.edit_organisation": Cell(None, lambda s, _: s.settings.edit_organisation(payment_days=3), writes=True),
    "settings.renew_link_key": Cell(None, lambda s, _: s.settings.renew_link_key(), writes=True),
    "settings.history": Cell(None, lambda s, _: [(did.action, did.title) for did in s.settings.history()]),
    "settings.fields.add_many": Cell(
        None,
        lambda s, _: s.settings.fields.add_many("quote", [{"key": "a", "label": "A", "type": "text"}]),
        writes=True,
    ),
    "settings.stages.of": Cell(None, lambda s, _: s.settings.stages.of("Sales")),
    "settings.note_tags.by_category": Cell(None, lambda s, _: s.settings.note_tags.by_category()),
    "settings.series.set_next": Cell(None, lambda s, _: s.settings.series.set_next("Quotes", 500), writes=True),
    "settings.templates.check": Cell(None, lambda s, _: s.settings.templates.check("Words")),
    "settings.templates.preview": Cell(
        "document", lambda s, one: s.settings.templates.preview("Words", one).subject, alone=True
    ),
    "settings.templates.default": Cell(None, lambda s, _: s.settings.templates.default("quote").name),
    # --- the pipeline itself ---
    "acting": Cell(None, lambda s, _: s.acting("bob").opportunities.count()),
    "doing": Cell(None, lambda s, _: _pages(s.doing("export").opportunities.all())),
    "overseeing": Cell(None, lambda s, _: s.overseeing("look").opportunities.count()),
    "seen_of": Cell(None, lambda s, _: s.seen_of(sp.Opportunity, s.unguarded().opportunities.all())),
    "transaction": Cell(None, lambda s, _: s.in_transaction),
    "work": Cell("opportunity", lambda s, one: _worked(s, one)),
    "unguarded": Cell(None, lambda _s, _: None),  # for the host: it says so
    "exchange_rate": Cell(None, lambda s, _: s.exchange_rate("GBP", "EUR")),
    "now": Cell(None, lambda s, _: s.now()),
    "need_inbox": Cell(None, lambda s, _: s.need_inbox()),
    "close": Cell(None, lambda _s, _: None),
    # --- beside the face ---
    "import_opportunities": Cell(None, lambda s, _: _import(s, "NEW/1"), alone=True),
    "references that are taken": Cell(
        None, lambda s, _: s.opportunities.create(contact="Acme Ltd", subject="N", lines=[LINE], reference="sues/1")
    ),
}
CELLS |= _lists("settings.pipelines", "Sales", lambda s, _: s.settings.pipelines.add("More"))
CELLS |= _lists("settings.stages", "Prospect", lambda s, _: s.settings.stages.add("More"))
CELLS |= _lists("settings.probabilities", "Hot 75%", lambda s, _: s.settings.probabilities.add("More 5%"))
CELLS |= _lists("settings.tags", "VIP", lambda s, _: s.settings.tags.add("More"))
CELLS |= _lists("settings.note_tags", "Site", lambda s, _: s.settings.note_tags.add("More"))
CELLS |= _lists("settings.tax_rates", "Standard", lambda s, _: s.settings.tax_rates.add("More", percent="5"))
CELLS |= _lists("settings.users", "jane", lambda s, _: s.settings.users.add("More", id="more"))
CELLS |= _lists("settings.departments", "South", lambda s, _: s.settings.departments.add("More"))
CELLS |= _lists("settings.lost_reasons", "Price", lambda s, _: s.settings.lost_reasons.add("More"))
CELLS |= _lists("settings.series", "Quotes", lambda s, _: s.settings.series.add("More", "quote", prefix="M/"))
CELLS |= _lists("settings.fields", "Staff", lambda s, _: s.settings.fields.add("opportunity", "k", "K", "text"))
CELLS |= _lists(
    "settings.templates",
    "Words",
    lambda s, _: s.settings.templates.add("More", "invoice", subject="Yours", text="Hello"),
)
CELLS |= _lists(
    "settings.filters", "Hot", lambda s, _: s.settings.filters.add("More", s.opportunities.where(owner="jane"))
)


def _worked(sales: sp.Sales, one: Any) -> Any:
    """Return what is read past all collections: by an extension that knows nothing of policies."""
    with sales.work(write=False) as work:
        found = work.get(sp.Opportunity, getattr(one, "id", one))
        return found, [entry.id for entry in work.tx.scan("opportunity")], sorted(work.tx.get_many("contact", _ids()))


def _ids() -> list[str]:
    return [f"{prefix}{number:07d}" for prefix in "sh" for number in range(1, 400)]
