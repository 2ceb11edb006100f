"""Why what is to be mailed may not leave at this moment: asked when it is prepared, and again in T1. (SPEC SEND-5)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salespipeline.domain.document import Document
from salespipeline.domain.sending import Delivery, Reason, reasons
from salespipeline.stock import unsellable
from salespipeline.work import Work

__all__ = ["obstacles_of"]


def obstacles_of(held: Sequence[Delivery], documents: Mapping[str, Document], work: Work) -> dict[str, Reason | None]:
    """Return why each of *held* may not leave, by the id of the delivery; ``None`` where nothing stands in its way."""
    found = {one.id: _obstacle(one, documents.get(one.document_id), work) for one in held}
    sold = unsellable(work, [documents[one.document_id] for one in held if found[one.id] is None])
    return found | {one.id: Reason.SOLD for one in held if one.document_id in sold}


def _obstacle(delivery: Delivery, document: Document | None, work: Work) -> Reason | None:
    """Return why *document*, for itself, may not leave."""
    if document is None:
        return Reason.DELETED
    found = reasons(
        document,
        today=work.settings.day_of(work.at),
        recipient=bool(delivery.to),
        again=delivery.again,
        delivery_id=delivery.id,
        purpose=delivery.purpose,
    )
    if found:
        return found[0]
    return Reason.CHANGED if document.version != delivery.document_version else None
