"""New documents made from others: duplicates, other types, revisions. (SPEC DOC-4)"""

from __future__ import annotations

from typing import Unpack

from salespipeline.arguments import DocumentFacts
from salespipeline.collection import Collection
from salespipeline.documents.drafting import draft_from, edited_draft
from salespipeline.domain import moves, rules
from salespipeline.domain.document import Document, DocumentType, as_type
from salespipeline.domain.rules import Move

__all__ = ["Copies"]


class Copies(Collection[Document]):
    """The moves that make a new document; the examples are those of ``Documents``."""

    def duplicate(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return a new draft with the same content, for another contact if wanted; not of a purchase order. (SPEC DOC-4)

        >>> harlow = sales.contacts.add("Harlow Foods")
        >>> sales.documents.duplicate(quote, contact=harlow).contact_id == harlow.id
        True
        """
        with self._sales.work() as work:
            record = self._named(work, document)
            rules.refuse(record, Move.DUPLICATE)
            filled = moves.values_of(record, record.type)
            return draft_from(self._sales, work, record.type, filled, dict(given), source=record)

    def convert(self, document: Document | str, type: DocumentType | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return a draft of another type made from it: quote to invoice, invoice to credit note… (SPEC DOC-4)"""
        into = as_type(type)
        with self._sales.work() as work:
            record = self._named(work, document)
            rules.refuse(record, Move.CONVERT, into=into)
            filled = moves.values_of(record, into)
            return draft_from(self._sales, work, into, filled, dict(given), source=record)

    def revise(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return the draft of the next revision; this one is superseded. (SPEC DOC-4)"""
        with self._sales.work() as work:
            record = self._named(work, document)
            revision = moves.revision_of(record, id=work.new_id(), at=work.at, by=work.by)
            work.keep(moves.superseded(record, by_id=revision.id), record, action="superseded")
            kept = work.keep(revision, action="revised")
            if not given:
                return kept
            return work.keep(edited_draft(self._sales, work, kept, dict(given)), kept, action="edited")
