"""Sales opportunities, from the first enquiry to the first order.

>>> import salespipeline as sp
>>> sales = sp.open("memory:", actor="jane", mailer=sp.mail.Memory())
>>> _ = sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
>>> _ = sales.settings.stages.add("Prospect", "Quotation sent", "Order signed")
>>> _ = sales.settings.probabilities.add("Hot 75%", colour="orange")
>>> _ = sales.settings.tags.add("VIP", colour="red")
>>> _ = sales.settings.users.add("Jane Whitfield", id="jane", department="North")
>>> acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
>>> deal = sales.opportunities.create(
...     contact=acme, subject="New warehouse", probability="Hot 75%",
...     lines=[sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")],
... )
>>> print(deal)
OPP/00001 New warehouse (8,400.00 GBP, open)
>>> quote = sales.documents.draft(deal, "quote")
>>> print(quote)
quote 'QUO/00001' (10,080.00 GBP)

The examples in this package go on from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from salespipeline.domain.lines import Discount, Line, Tax
from salespipeline.domain.totals import Charge
from salespipeline.errors import (
    Conflict,
    Denied,
    Duplicate,
    Invalid,
    LinkRefused,
    NotAllowed,
    NotEditable,
    NotFound,
    NotSendable,
    OnStop,
    OpenError,
    Problem,
    Refused,
    SalesPipelineError,
    StorageError,
)
from salespipeline.exchange import ExchangeRate
from salespipeline.money import Currency, Money

if TYPE_CHECKING:
    from salespipeline import blobs, mail
    from salespipeline.demo import demo
    from salespipeline.domain.document import Document, DocumentType
    from salespipeline.domain.opportunity import Opportunity, Status
    from salespipeline.opening import open
    from salespipeline.permissions import deny
    from salespipeline.sales import Sales

    __version__: str

__all__ = [
    "Charge",
    "Conflict",
    "Currency",
    "Denied",
    "Discount",
    "Document",
    "DocumentType",
    "Duplicate",
    "ExchangeRate",
    "Invalid",
    "Line",
    "LinkRefused",
    "Money",
    "NotAllowed",
    "NotEditable",
    "NotFound",
    "NotSendable",
    "OnStop",
    "OpenError",
    "Opportunity",
    "Problem",
    "Refused",
    "Sales",
    "SalesPipelineError",
    "Status",
    "StorageError",
    "Tax",
    "blobs",
    "demo",
    "deny",
    "mail",
    "open",
]

_LAZY = {
    "Document": ("salespipeline.domain.document", "Document"),
    "DocumentType": ("salespipeline.domain.document", "DocumentType"),
    "Opportunity": ("salespipeline.domain.opportunity", "Opportunity"),
    "Sales": ("salespipeline.sales", "Sales"),
    "Status": ("salespipeline.domain.opportunity", "Status"),
    "blobs": ("salespipeline.blobs", None),
    "demo": ("salespipeline.demo", "demo"),
    "deny": ("salespipeline.permissions", "deny"),
    "mail": ("salespipeline.mail", None),
    "open": ("salespipeline.opening", "open"),
}


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> Any:
        """Load what is heavy when somebody asks for it."""
        if name == "__version__":
            from importlib.metadata import version

            return version("salespipeline")
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module, attribute = _LAZY[name]
        found = import_module(module)
        value = found if attribute is None else getattr(found, attribute)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
