"""The public API as a user writes it: checked by mypy and pyright, never executed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import salespipeline as sp
from salespipeline.domain.activity import Activity
from salespipeline.domain.checks import Verdict
from salespipeline.domain.settings import Probability, Stage
from salespipeline.domain.templates import Template
from salespipeline.listing import Listing, Page
from salespipeline.ports import Accepted, Mail, Outcome
from salespipeline.reports.rows import ConversionRow, Report
from salespipeline.sending_report import Plan, SendReport


class Carrier:
    """A mailer of one's own."""

    def send(self, mail: Mail) -> Outcome:
        """Take every mail."""
        return Accepted(reply=mail.message_id)

    def close(self) -> None:
        """Nothing to release."""


def work() -> None:
    """Use what an application uses."""
    with sp.open("memory:", actor="jane", mailer=Carrier(), clock=lambda: datetime.now(UTC)) as sales:
        stages: tuple[Stage, ...] = sales.settings.stages.add("Prospect", "Quoted")
        hot: Probability = sales.settings.probabilities.add("Hot 75%", percent=75, colour="#d9480f")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        line = sp.Line("Racking", quantity=40, unit_price="210.00", tax="20")
        deal: sp.Opportunity = sales.opportunities.create(
            contact=acme, subject="Warehouse", stage=stages[0], probability=hot, lines=[line], due=date(2027, 1, 31)
        )
        value: sp.Money = deal.value
        amount: Decimal = value.amount
        listing: Listing[sp.Opportunity] = sales.opportunities.where(stage="Quoted").order("-value")[:20]
        first: sp.Opportunity | None = listing.first()
        page: Page[sp.Opportunity] = sales.opportunities.page(50)
        history: list[Activity] = sales.opportunities.history(deal)
        verdict: Verdict = sales.opportunities.can(deal, "win")
        quote: sp.Document = sales.documents.draft(deal, "quote")
        plan: Plan = sales.documents.where(type="quote", sent=False).plan_send_all()
        report: SendReport = plan.rehearse().run()
        drafted: Plan = sales.opportunities.where(status="open").plan_send_all("quote", draft=True, cc="boss@x.example")
        words: Template = sales.settings.templates.add("Short", "invoice", subject="s", text="t", locale="de", css="")
        answered: sp.Document = sales.documents.accept_by_token("t", name="Zoë", signature=b"png")
        receipt: SendReport = sales.documents.mail_receipt(answered)
        rows: Report[ConversionRow] = sales.reports.conversion(by="owner")
        rate: Decimal | None = rows[0].rate
        pdf: bytes = sales.documents.pdf(quote)
        del drafted, words, receipt
        del amount, first, page, history, verdict, report, rate, pdf
