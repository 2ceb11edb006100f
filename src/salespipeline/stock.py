"""Selling stock: what a document sells as it leaves, what stands in its way, and what comes back. (SPEC SET-6)"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.stock import Sold, StockItem, pieces
from salespipeline.errors import Conflict, NotSendable, Refused
from salespipeline.query import All, Cmp, Query
from salespipeline.work import Work

__all__ = ["give_back", "refuse_unsellable", "restocked", "sell", "unsellable"]

SOLD = "a stock item is sold already"
_DEEP = 100  # more documents than ever were made from one another


def unsellable(work: Work, documents: Iterable[Document]) -> dict[str, str]:
    """Return which of *documents* cannot leave because of what they sell, and why, by id.

    They are looked at in their order, as if each of them left: of two that sell the same piece, the second cannot.
    """
    wanted = {one.id: (one, pieces(one)) for one in documents}
    if not any(sold for _, sold in wanted.values()):
        return {}
    refused: dict[str, str] = {}
    with work.unguarded():  # what is sold is sold, whether whoever acts sees to whom or not
        items = work.get_many(StockItem, {id for _, sold in wanted.values() for id in sold})
        for document, sold in wanted.values():
            origins = _origins(work, document) if sold else ()
            for id, number in sold.items():
                item = items.get(id)
                if item is None:
                    continue  # nobody can sell it twice: it is on no list any more
                if number != 1:
                    refused[document.id] = f"{item.label!r} is one piece, and its lines sell {number:f}"
                elif other := next((one for one in item.sold if not one.shares(document, origins)), None):
                    refused[document.id] = f"{item.label!r} is sold by {_named(work, other)} already"
            if document.id not in refused:
                items |= {id: _marked(work, items[id], document, origins) for id in sold if id in items}
    return refused


def refuse_unsellable(work: Work, document: Document) -> None:
    """Raise ``NotSendable`` where *document* cannot leave because of what it sells."""
    refused = unsellable(work, [document])
    if refused:
        message = f"{document.name} is not sent: {refused[document.id]}; take the line out, or offer another piece"
        raise NotSendable(message, record=document.name, reasons=(SOLD,))


def sell(work: Work, document: Document) -> None:
    """Mark what *document* sells as sold, in the transaction in which it leaves.

    Of two who sell the same piece at the same moment, one meets a ``Conflict`` here: whoever looked before it waited for a
    number may have missed the other.
    """
    sold = pieces(document)
    if not sold:
        return
    if refused := unsellable(work, [document]):
        message = f"{document.name} is not sent: {refused[document.id]}, at this very moment; try again"
        raise Conflict(message, kind="stock_item", id=next(iter(sold)))
    with work.unguarded():
        origins = _origins(work, document)
        for item in work.get_many(StockItem, sold).values():
            work.keep(_marked(work, item, document, origins), item, action="sold")


def give_back(work: Work, document: Document) -> None:
    """Take back that *document* sold anything: it did not leave after all."""
    sold = pieces(document)
    if not sold:
        return
    with work.unguarded():
        for item in work.get_many(StockItem, sold).values():
            left = tuple(one for one in item.sold if one.document_id != document.id)
            work.keep(attrs.evolve(item, sold=left), item, action="not sold")


def restocked(work: Work, item: StockItem) -> StockItem:
    """Return *item* to be had again; raises ``Refused`` where a document stands that sold it.

    An invoice stands until it was cancelled, deleted, or credited for it; where none sold it, so does what delivered it.
    """
    if not item.sold:
        raise Refused(f"stock item {item.label!r} is not sold", record=f"stock item {item.label}", action="give_back")
    with work.unguarded():
        documents = work.get_many(Document, [one.document_id for one in item.sold])
        invoices = [one for one in item.sold if one.type is DocumentType.INVOICE]
        for sale in invoices or item.sold:
            document = documents.get(sale.document_id)
            if document is not None and document.cancelled is None and not _credited(work, document, item):
                way = "credit" if document.type is DocumentType.INVOICE else "cancel"
                message = f"stock item {item.label!r} is sold by {_named(work, sale)}, which stands: cancel or {way} that first"
                message = message.replace("cancel or cancel", "cancel")
                raise Refused(message, record=f"stock item {item.label}", action="give_back")
    return attrs.evolve(item, sold=())


def _named(work: Work, sale: Sold) -> str:
    return sale.name if work.knows("document", sale.document_id) else "a document that you cannot see"


def _marked(work: Work, item: StockItem, document: Document, origins: tuple[str, ...]) -> StockItem:
    if any(one.document_id == document.id for one in item.sold):
        return item  # it leaves once more
    root = document.root_id or document.id
    others = tuple(one for one in item.sold if (one.type, one.root) != (document.type, root))
    sale = Sold(
        document_id=document.id,
        name=document.name,
        type=document.type,
        root=root,
        origins=origins,
        at=work.at,
        by=work.by,
    )
    return attrs.evolve(item, sold=(*others, sale))


def _origins(work: Work, document: Document) -> tuple[str, ...]:
    """Return what the sale of *document* began with: what it was made from, and that, and so on.

    A duplicate begins a sale of its own; several invoices that were put together go on with those of all.
    """
    found: dict[str, None] = {}
    ahead = [document]
    for _ in range(_DEEP):
        if not ahead:
            break
        one = ahead.pop()
        sources = work.get_many(Document, [*one.consolidates, *([one.source_id] if one.source_id else [])])
        before = [
            source
            for source in sources.values()
            if source.type is not one.type or one.revision or source.id in one.consolidates
        ]
        ahead += before
        if not before:
            gone = one.source_id is not None and one.source_id not in sources
            found[str(one.source_id) if gone else one.root_id or one.id] = None
    return tuple(sorted(found))


def _credited(work: Work, invoice: Document, item: StockItem) -> bool:
    where = All((Cmp("source", "=", invoice.id), Cmp("type", "=", DocumentType.CREDIT_NOTE.value), Cmp("sent", "=", 1)))
    notes = work.find(Query(kind="document", where=where))
    return any(line.source_id == item.id for note in notes if note.cancelled is None for line in note.lines)
