"""The very types that the public API gives: checked by mypy and pyright, never executed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import assert_type

import salespipeline as sp
from salespipeline import maintenance, transmitters
from salespipeline.change_report import ChangeReport, ChangeRow
from salespipeline.domain.activity import Activity, Json
from salespipeline.domain.checks import Verdict
from salespipeline.domain.contacts import Contact
from salespipeline.domain.fields import AnswerValue, FieldSchema
from salespipeline.domain.items import Item
from salespipeline.domain.numbering import Series
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.settings import LostReason, Probability, Stage, Tag, TaxRate, User
from salespipeline.entries import Catalog, Entry, Scalar, Stored
from salespipeline.importing import BadRow, ImportReport, Row, import_opportunities
from salespipeline.listing import Page
from salespipeline.opportunities import OpportunityListing
from salespipeline.ports import Store
from salespipeline.query import Count, Query
from salespipeline.render.pdf import PdfRenderer
from salespipeline.reports.rows import ComingRow, ConversionRow, PerformanceRow, Report, StageRow
from salespipeline.sending_report import Plan, PlanRow, SendReport, SendRow
from salespipeline.transmission import EInvoice, HybridRenderer, Transmitter


def front_door(sales: sp.Sales) -> None:
    """What opens a pipeline, and what it holds."""
    assert_type(sp.open("memory:"), sp.Sales)
    with sp.open("memory:") as opened:
        assert_type(opened, sp.Sales)
    assert_type(sales.acting("tom"), sp.Sales)
    with sales.transaction() as nothing:
        assert_type(nothing, None)
    assert_type(sales.in_transaction, bool)


def electronic(sales: sp.Sales, document: sp.Document) -> None:
    """What comes out is a file; who draws and who transmits it fits the protocols."""
    made = sales.documents.einvoice(document, "cii")
    assert_type(made, EInvoice)
    assert_type(made.content, bytes)
    assert_type(sales.documents.einvoice_problems(document.id, rules=True), tuple[sp.Problem, ...])
    platforms: list[Transmitter] = [transmitters.Memory(), transmitters.Folder("out")]
    assert_type(sales.documents.transmit(document, platforms[0], again=True), sp.Document)
    renderers: list[HybridRenderer] = [PdfRenderer()]
    assert_type(renderers[0], HybridRenderer)


def lists(sales: sp.Sales) -> None:
    """A listing is of its record, whatever is asked of it."""
    found = sales.opportunities.where(stage="Prospect", value__ge="10000 GBP")
    assert_type(found, OpportunityListing)
    assert_type(found.order("-value"), OpportunityListing)
    assert_type(found[:20], OpportunityListing)
    assert_type(found.plan_send_all("quote", draft=True), Plan)
    assert_type(found.each(on_error="undo").edit(stage="Quoted"), ChangeReport)
    assert_type(sales.opportunities.each(["OPP/00001"]).win().rows, tuple[ChangeRow, ...])
    assert_type(found[0], sp.Opportunity)
    assert_type([deal for deal in found], list[sp.Opportunity])  # noqa: C416 - each of them
    assert_type(found.first(), sp.Opportunity | None)
    assert_type(found.one(), sp.Opportunity)
    assert_type(found.page(), Page[sp.Opportunity])
    assert_type(found.count(), int)
    assert_type(found.ids(), list[str])
    assert_type(found.to_dicts(), list[dict[str, object]])


def deals(sales: sp.Sales, deal: sp.Opportunity) -> None:
    """A move gives the record, a question a verdict."""
    assert_type(sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[]), sp.Opportunity)
    assert_type(sales.opportunities.edit(deal, subject="Barn"), sp.Opportunity)
    assert_type(sales.opportunities.win(deal), sp.Opportunity)
    assert_type(sales.opportunities.lose(deal.id, "too dear"), sp.Opportunity)
    assert_type(sales.opportunities.can(deal, "win"), Verdict)
    assert_type(sales.opportunities.history(deal), list[Activity])
    assert_type(sales.opportunities.get(deal.id), sp.Opportunity)
    assert_type(deal.value, sp.Money)
    assert_type(deal.value.amount, Decimal)
    assert_type(deal.lines, tuple[sp.Line, ...])
    assert_type(deal.status, sp.Status)
    assert_type(deal.version, int)


def papers(sales: sp.Sales, deal: sp.Opportunity) -> None:
    """From a draft to a report of what was sent."""
    quote = sales.documents.draft(deal, "quote")
    assert_type(quote, sp.Document)
    assert_type(quote.type, sp.DocumentType)
    assert_type(sales.documents.revise(quote), sp.Document)
    assert_type(sales.documents.convert(quote, "invoice"), sp.Document)
    assert_type(sales.documents.pdf(quote), bytes)
    plan = sales.documents.where(type="quote", sent=False).plan_send_all()
    assert_type(plan, Plan)
    assert_type(plan.included, tuple[PlanRow, ...])
    assert_type(plan.left_out, tuple[PlanRow, ...])
    report = plan.run()
    assert_type(report, SendReport)
    assert_type(report.sent, tuple[SendRow, ...])
    assert_type(report.to_csv(), str)


def reports(sales: sp.Sales) -> None:
    """Each report has rows of its own."""
    assert_type(sales.reports.conversion(by="owner"), Report[ConversionRow])
    assert_type(sales.reports.performance(), Report[PerformanceRow])
    assert_type(sales.reports.coming(), Report[ComingRow])
    assert_type(sales.reports.pipeline(), Report[StageRow])
    for row in sales.reports.conversion():
        assert_type(row, ConversionRow)
        assert_type(row.rate, Decimal | None)


def settings(sales: sp.Sales) -> None:
    """A list of settings gives records of its kind."""
    desk = sales.settings
    assert_type(desk.stages.add("Prospect"), tuple[Stage, ...])
    assert_type(desk.stages["Prospect"], Stage)
    assert_type(desk.probabilities.add("Hot 75%"), Probability)
    assert_type(desk.tags.add("VIP"), Tag)
    assert_type(desk.tax_rates.add("S", 20), TaxRate)
    assert_type(desk.users.add("Jane", id="jane"), User)
    assert_type(desk.stages.archive("Prospect"), Stage)
    assert_type(desk.stages.archived, tuple[Stage, ...])
    assert_type(desk.stages.delete("Prospect"), int)
    assert_type(desk.organisation, Organisation)
    assert_type(sales.contacts.add("Acme Ltd"), Contact)
    assert_type(sales.contacts.suggest("ac"), list[Contact])
    for tag in desk.tags:
        assert_type(tag, Tag)


def edits(sales: sp.Sales) -> None:
    """What is edited is typed, list by list."""
    desk = sales.settings
    assert_type(desk.stages.edit("Prospect", label="Lead", archived=False), Stage)
    assert_type(desk.probabilities.edit("Hot 75%", percent="80", colour="teal"), Probability)
    assert_type(desk.tags.edit("VIP", colour="#ff0000"), Tag)
    assert_type(desk.tax_rates.edit("S", percent=22, category="S"), TaxRate)
    assert_type(desk.users.edit("jane", approval_limit="5000 GBP"), User)
    assert_type(desk.lost_reasons.add("Price", "No budget"), tuple[LostReason, ...])
    assert_type(desk.lost_reasons.edit("Price", label="Too dear"), LostReason)
    assert_type(desk.series.edit("Quotes", prefix="Q-", pattern="0000"), Series)
    assert_type(desk.fields.edit("Staff", mandatory=True, default=3), FieldSchema)
    assert_type(desk.items.edit("BAY", price="210", parts=[("FIT", 1)]), Item)
    assert_type(desk.stages.history("Prospect"), list[Activity])
    assert_type(desk.stages.versions("Prospect"), list[Stage])
    assert_type(desk.history(), list[Activity])
    assert_type(sales.contacts.edit("Acme Ltd", name="Acme", ids={"VAT": "GB1"}), Contact)
    assert_type(sales.contacts.edit_person("Acme Ltd", "Zoë", role="buyer"), Contact)


def values(deal: sp.Opportunity, quote: sp.Document, activity: Activity) -> None:
    """What a record holds, down to the last amount."""
    assert_type(deal.custom, dict[str, AnswerValue])
    assert_type(deal.totals.taxes[0].tax, sp.Money)
    assert_type(deal.lines[0].discount, sp.Discount | None)
    assert_type(deal.closed_at, datetime | None)
    assert_type(quote.total.minor, int)
    assert_type(quote.margin.percent, Decimal | None)
    assert_type(quote.seal.content if quote.seal is not None else None, str | None)
    assert_type([change.field for change in activity.changes], list[str])
    assert_type(activity.changes[0].before, Json)
    assert_type(sp.Money("1", "GBP") + sp.Money("2", "GBP"), sp.Money)
    assert_type(sp.Money.of("12.50 GBP"), sp.Money)
    assert_type(sp.Currency("GBP").digits, int)


def past(sales: sp.Sales, moment: datetime) -> None:
    """What was is of the same types as what is."""
    assert_type(sales.opportunities.versions("OPP/00001"), list[sp.Opportunity])
    assert_type(sales.opportunities.as_of(moment), list[sp.Opportunity])
    assert_type(sales.opportunities.version_at("OPP/00001", moment), sp.Opportunity | None)
    assert_type(sales.documents.versions("QUO/00001"), list[sp.Document])
    assert_type(sales.opportunities.deleted(), list[sp.Opportunity])


def bulk(sales: sp.Sales) -> None:
    """Many at once, from rows and from a file."""
    assert_type(
        sales.opportunities.create_many([{"contact": "Acme Ltd", "subject": "x", "lines": []}]), list[sp.Opportunity]
    )
    mapping: dict[str, str | Callable[[Row], object]] = {"subject": "what", "due": lambda row: row["due"] or None}
    report = import_opportunities(sales, "deals.csv", mapping, key="no", on_error="skip", delimiter=";")
    assert_type(report, ImportReport)
    assert_type(report.bad, tuple[BadRow, ...])
    assert_type(sp.__version__, str)


def errors(sales: sp.Sales) -> None:
    """An error carries its facts."""
    try:
        sales.opportunities.create(contact="Nobody", subject="", lines=[])
    except sp.Invalid as error:
        assert_type(error.problems, tuple[sp.Problem, ...])
        assert_type(error.problems[0].path, str)
    except sp.Conflict as error:
        assert_type(error.id, str | None)
    except sp.Duplicate as error:
        assert_type(error.fields, tuple[str, ...])


def stores(store: Store, catalog: Catalog, entry: Entry) -> None:
    """What a store gives to whoever writes one, or tests one."""
    assert_type(store.prepare(catalog), None)
    query = Query(kind="deal", limit=5)
    with store.transaction() as tx:
        assert_type(tx.get("deal", "a"), Stored | None)
        assert_type(tx.put(entry), None)
        assert_type(tx.next_number("invoice"), int)
        assert_type(next(tx.find(query)), Stored)
        assert_type(next(tx.claim(query)), Stored)
        assert_type(next(tx.scan("deal")), Entry)
        assert_type(next(tx.columns(query, ["id"])), tuple[Scalar | None, ...])
        assert_type(next(tx.tally(query, ["stage"], [Count()])), tuple[Scalar | None, ...])
        assert_type(tx.get_many("deal", ["a"]), dict[str, Stored])
        assert_type(tx.now(), int)


def upkeep(sales: sp.Sales) -> None:
    """What looks after a pipeline."""
    assert_type(maintenance.check(sales), list[str])
