"""The protocols that storage backends, mailers and renderers implement, and the values that cross them.

Nothing here is concrete: a store, a mailer and a renderer know these classes, ``query`` and ``errors``, and
nothing of sales. (SPEC EXT-1)
"""

from salespipeline.ports.host import Clock, Ids, Rates
from salespipeline.ports.mail import Accepted, Mail, Mailer, NotSent, Outcome, Unknown
from salespipeline.ports.rendering import DocumentView, LineView, PartyView, Rendered, Renderer, SumView, TaxView
from salespipeline.ports.storage import CONTRACT, Blobs, Explained, Explanation, Portable, Store, Transaction, Upkeep

__all__ = [
    "CONTRACT",
    "Accepted",
    "Blobs",
    "Clock",
    "DocumentView",
    "Explained",
    "Explanation",
    "Ids",
    "LineView",
    "Mail",
    "Mailer",
    "NotSent",
    "Outcome",
    "PartyView",
    "Portable",
    "Rates",
    "Rendered",
    "Renderer",
    "Store",
    "SumView",
    "TaxView",
    "Transaction",
    "Unknown",
    "Upkeep",
]
