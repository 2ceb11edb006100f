"""New documents made from others: duplicates, other types, revisions. (SPEC DOC-4)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Unpack

import attrs

from salespipeline.arguments import DocumentFacts
from salespipeline.collection import Collection
from salespipeline.documents.drafting import draft_from, edited_draft
from salespipeline.domain.approving import with_approval
from salespipeline.domain.checks import Checks
from salespipeline.domain.contacts import Contact
from salespipeline.domain.copying import (
    deposit_lines,
    less,
    merged,
    revision_of,
    superseded,
    takes_of,
    values_of,
)
from salespipeline.domain.document import Document, DocumentType, as_type
from salespipeline.domain.rules import Move, refuse
from salespipeline.errors import Invalid, Problem
from salespipeline.money import Amount
from salespipeline.stopping import warn_of_stop
from salespipeline.work import Work

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
            refuse(record, Move.DUPLICATE)
            filled = values_of(record, record.type)
            filled |= {"terms": record.terms, "custom": record.custom}
            # A duplicate of a credit note is for another invoice, or none: it takes nothing from this one.
            return draft_from(self._sales, work, record.type, filled, dict(given), source=record)

    def convert(
        self,
        document: Document | str,
        type: DocumentType | str,
        *,
        quantities: Mapping[int, Amount] | None = None,
        deduct: Iterable[Document | str] = (),
        **given: Unpack[DocumentFacts],
    ) -> Document:
        """Return a draft of another type made from it: quote to invoice, invoice to credit note… (SPEC DOC-4)

        *quantities* say how many of which line, by its position, for a part: half a credit note, a first delivery. Never
        more is credited or delivered than is left. *deduct* takes off deposits that were invoiced.

        >>> invoice = sales.documents.mark_sent(sales.documents.convert(quote, "invoice"))
        >>> note = sales.documents.mark_sent(sales.documents.convert(invoice, "credit note", quantities={0: 10}))
        >>> str(note.total), str(sales.documents[invoice.id].balance)
        ('-2,520.00 GBP', '7,560.00 GBP')
        """
        into = as_type(type)
        deducted = tuple(deduct)

        def do(work: Work) -> Document:
            record = self._named(work, document)
            refuse(record, Move.CONVERT, into=into)
            filled = values_of(record, into, quantities)
            deposits = [self._named(work, one) for one in deducted]
            for deposit in deposits:
                if into is not DocumentType.INVOICE or deposit.takes != "deposit" or deposit.source_id != record.id:
                    message = f"{deposit.name} is not a deposit on {record.name}: documents.deposit() makes one"
                    raise Invalid(Problem("deduct", "choice", message), record=record.name, action="convert")
            return draft_from(
                self._sales,
                work,
                into,
                less(filled, deposits),
                dict(given),
                source=record,
                takes=takes_of(record, into),
                deducts=tuple(deposit.id for deposit in deposits),
            )

        return self._tried(do, again=isinstance(document, str))

    def deposit(self, document: Document | str, share: Amount, **given: Unpack[DocumentFacts]) -> Document:
        """Return the draft of an invoice for a part of a quote in advance: ``"30%"``, or an amount excluding tax.

        It has a line for each tax of the quote, so that ``convert(quote, "invoice", deduct=[deposit])`` takes exactly it off.

        >>> deposit = sales.documents.mark_sent(sales.documents.deposit(quote, "30%"))
        >>> final = sales.documents.convert(quote.id, "invoice", deduct=[deposit])
        >>> str(deposit.total), str(final.total)
        ('3,024.00 GBP', '7,056.00 GBP')
        """

        def do(work: Work) -> Document:
            record = self._named(work, document)
            refuse(record, Move.DEPOSIT)
            words = f"Deposit{f' {share}' if str(share).rstrip().endswith('%') else ''}, {record.reference}"
            filled = values_of(record, DocumentType.INVOICE)
            filled |= {"lines": deposit_lines(record, share, words), "discount": None, "charges": ()}
            return draft_from(
                self._sales, work, DocumentType.INVOICE, filled, dict(given), source=record, takes="deposit"
            )

        return self._tried(do, again=isinstance(document, str))

    def consolidate(self, documents: Iterable[Document | str], **given: Unpack[DocumentFacts]) -> Document:
        """Return one draft in place of several unsent invoices of one contact, in one currency. (SPEC DOC-1)

        They are superseded by it; a discount of the whole document becomes a line for each tax. Delete it to have them back.

        >>> first, second = (sales.documents.draft(deal, "invoice") for _ in range(2))
        >>> both = sales.documents.consolidate([first, second])
        >>> str(both.total), sales.documents[first.id].superseded_by == both.id
        ('20,160.00 GBP', True)
        """
        with self._sales.work() as work:
            records = [self._named(work, one) for one in documents]
            _check_alike(records)
            for record in records:
                refuse(record, Move.CONSOLIDATE)
            first = records[0]
            filled = values_of(first, first.type) | merged(records) | {"discount": None}
            filled["note"] = "\n".join(dict.fromkeys(record.note for record in records if record.note))
            same = {record.deal_id for record in records}
            kept = draft_from(
                self._sales,
                work,
                first.type,
                filled,
                dict(given),
                opportunity_id=first.deal_id if len(same) == 1 else None,
                consolidates=tuple(record.id for record in records),
            )
            for record in records:
                work.keep(superseded(record, by_id=kept.id, move=Move.CONSOLIDATE), record, action="consolidated")
            return kept

    def revise(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return the draft of the next revision; this one is superseded. (SPEC DOC-4)"""

        def do(work: Work) -> Document:
            record = self._named(work, document)
            revision = revision_of(record, id=work.new_id(), at=work.at, by=work.by)
            revision = attrs.evolve(revision, approval=with_approval(revision, work.settings, work.by))
            work.keep(superseded(record, by_id=revision.id), record, action="superseded")
            kept = work.keep(revision, action="revised")
            warn_of_stop(work.get(Contact, revision.contact_id), f"a revision of {record.name}")
            if not given:
                return kept
            return work.keep(edited_draft(self._sales, work, kept, dict(given)), kept, action="edited")

        return self._tried(do, again=isinstance(document, str))


def _check_alike(records: Sequence[Document]) -> None:
    checks = Checks()
    if len({record.id for record in records}) != len(records) or len(records) < 2:
        checks.add("documents", "choice", "at least two different invoices are put together")
    if len({record.client_id for record in records}) > 1:
        checks.add("documents", "contact", "they are of several contacts: put together those of one")
    if len({record.currency for record in records}) > 1:
        checks.add("documents", "mixed", "they are in several currencies: put together those in one")
    if any(record.deducts or record.takes for record in records):
        checks.add("documents", "choice", "an invoice that is a deposit, or takes one off, stays as it is")
    checks.done(action="consolidate")
