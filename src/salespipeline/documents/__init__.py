"""``sales.documents``: financial documents, editable until sent. (SPEC section 3)"""

from __future__ import annotations

from salespipeline.documents.desk import Documents
from salespipeline.documents.listing import DocumentListing

__all__ = ["DocumentListing", "Documents"]
