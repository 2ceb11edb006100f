"""Electronic invoices: EN 16931 as CII, UBL and Factur-X, and what stands in the way of one.

``terms`` says a document in the terms of the standard, ``problems`` what is missing, ``writing`` writes the XML, and
``rules`` runs the rules that a schema cannot say. What is drawn around the XML is the renderer's.
"""

from __future__ import annotations

from salespipeline.einvoice.problems import problems_of
from salespipeline.einvoice.terms import Invoice, profile_of, terms_of

__all__ = ["Invoice", "problems_of", "profile_of", "terms_of"]
