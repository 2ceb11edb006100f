"""Wrong uses, each of which mypy and pyright must refuse: an ignore that is not needed is an error of its own."""

from __future__ import annotations

import salespipeline as sp
from salespipeline.entries import Entry, Field
from salespipeline.query import Cmp, Query
from salespipeline.settings.kinds import TagList


def records(deal: sp.Opportunity, quote: sp.Document) -> None:
    """Records never change in place."""
    deal.subject = "changed"  # type: ignore[misc]
    deal.lines[0] = deal.lines[1]  # type: ignore[index]
    quote.version = 7  # type: ignore[misc]
    sp.Line("Racking", 40)  # type: ignore[call-arg]
    deal.margin_of_error  # type: ignore[attr-defined]  # noqa: B018


def moves(sales: sp.Sales, deal: sp.Opportunity, quote: sp.Document) -> None:
    """A move takes the right record, and facts that exist."""
    sales.opportunities.win(quote)  # type: ignore[arg-type]
    sales.documents.pdf(deal)  # type: ignore[arg-type]
    sales.opportunities.create(contact="Acme", subject="Shed", lines=[], colour="red")  # type: ignore[call-arg]
    sales.opportunities.edit(deal, subject=7)  # type: ignore[arg-type]
    sales.opportunities.lose(deal, reason=None)  # type: ignore[arg-type]
    sales.opportunities.win(deal, at="yesterday")  # type: ignore[arg-type]
    sales.documents.draft("quote")  # type: ignore[call-arg]


def lists(sales: sp.Sales) -> None:
    """A listing is read, not called, and gives its own records."""
    sales.opportunities.where(stage="Prospect")()  # type: ignore[operator]
    first: sp.Document = sales.opportunities.where()[0]  # type: ignore[assignment]
    sales.opportunities.where().plan_send_all()  # type: ignore[call-arg]
    sales.contacts.where().plan_send_all()  # type: ignore[attr-defined]
    sales.documents.accept_by_token("t")  # type: ignore[call-arg]
    sales.settings.templates.add("x", "invoice", subject="s", text="t", level="full")  # type: ignore[call-arg]
    sales.documents.where("quote")  # type: ignore[call-arg]
    sales.documents.where().order(value=1)  # type: ignore[call-arg]
    del first


def money(value: sp.Money) -> None:
    """Money is not a number."""
    value + 1  # type: ignore[operator]
    total: float = value.amount  # type: ignore[assignment]
    del total


def settings(sales: sp.Sales) -> None:
    """Settings are edited through their list."""
    sales.settings = None  # type: ignore[assignment]
    sales.settings.tags.add("VIP", color="red")  # type: ignore[call-arg]
    tags: TagList = sales.settings.stages  # type: ignore[assignment]
    sales.settings.edit_organisation(nickname="N")  # type: ignore[call-arg]
    sales.settings.stages.edit("Prospect", color="red")  # type: ignore[call-arg]
    sales.settings.probabilities.edit("Hot 75%", percent=0.5)  # type: ignore[arg-type]
    sales.settings.series.edit("Quotes", offset=7)  # type: ignore[call-arg]
    sales.settings.items.edit("BAY", price=1.5)  # type: ignore[arg-type]
    sales.contacts.add("Acme Ltd", fax="1")  # type: ignore[call-arg]
    sales.contacts.edit("Acme Ltd", persons=[])  # type: ignore[call-arg]
    del tags


def names() -> None:
    """What the package does not have, no type checker lets through."""
    sp.Opportunty  # type: ignore[attr-defined]  # noqa: B018
    sp.mail.Smpt("smtp://localhost")  # type: ignore[attr-defined]
    sp.blobs.Floder("files")  # type: ignore[attr-defined]


class Half:
    """A store that is not whole."""

    def close(self) -> None:
        """Close nothing."""


def stores() -> None:
    """A store has all methods, and an index holds numbers and texts."""
    sp.open(Half())  # type: ignore[arg-type]
    sp.open(7)  # type: ignore[arg-type]
    sp.open("memory:", mailer=Half())  # type: ignore[arg-type]
    Entry("deal", "a", 0, {"value": 1.5}, "")  # type: ignore[dict-item]
    Field("value", float)  # type: ignore[arg-type]
    Cmp("value", "!=", 1)  # type: ignore[arg-type]
    Query("deal")  # type: ignore[call-arg]
