"""``einvoice`` and ``einvoice_problems``: invoices and credit notes as Factur-X, CII and UBL. (SPEC section 4)"""

from __future__ import annotations

from salespipeline.collection import Collection
from salespipeline.domain.document import Document
from salespipeline.einvoice import problems_of, profile_of, terms_of
from salespipeline.einvoicing import as_format, check_einvoice, invoice_of, made, refuse_type
from salespipeline.errors import NotAllowed, Problem
from salespipeline.issuing import issue, tried
from salespipeline.transmission import EInvoice

__all__ = ["EInvoicing"]


class EInvoicing(Collection[Document]):
    """What is made of a document for machines to read; the examples are those of ``Documents``."""

    def einvoice(self, document: Document | str, format: str = "facturx") -> EInvoice:
        """Return the electronic invoice of an issued invoice or credit note: ``facturx``, ``cii`` or ``ubl``.

        Factur-X is PDF/A-3B that holds the invoice as XML; the profile is EN 16931, or Extended where lines of one category
        bear no tax for different reasons. Of a document that left as Factur-X, ``facturx`` and ``cii`` are the very bytes.
        Raises ``Invalid`` with every problem; ``einvoice_problems`` tells them while it is a draft. Needs the extra
        ``einvoice``.

        >>> _ = sales.settings.edit_organisation(country="GB", ids={"VAT": "GB980780684"})
        >>> _ = sales.contacts.edit(acme, country="GB")
        >>> invoice = sales.documents.mark_sent(sales.documents.convert(quote, "invoice"))
        >>> made = sales.documents.einvoice(invoice)
        >>> made.name, made.media_type, made.profile, made.xml in sales.documents.einvoice(invoice, "cii").content
        ('INV-00001.pdf', 'application/pdf', 'en16931', True)
        """
        kind = as_format(format)
        with self._sales.work(write=False) as work:
            record = self._named(work, document)
            refuse_type(record)
            if record.seller is None:
                message = (
                    f"{record.name} is a draft, and an electronic invoice has a number: mark_sent() or send it first; "
                    "einvoice_problems() says before that what is to be mended"
                )
                raise NotAllowed(message, record=record.name, action="einvoice")
            invoice, settings = invoice_of(work, record), work.settings
        if kind != "ubl":
            left = self._left(record)
            if left is not None:
                return left if kind == "facturx" else left.plain()
        check_einvoice(invoice)
        return made(self._sales, invoice, kind, settings)

    def einvoice_problems(self, document: Document | str, *, rules: bool = False) -> tuple[Problem, ...]:
        """Return everything that stands in the way of its electronic invoice, with the field to mend; of drafts too.

        With *rules*, and where there is nothing else, the official rules are run too, those of French platforms for who
        sells from France; their names are the ``code`` of a problem. That needs the extra ``einvoice-rules``.

        >>> invoice = sales.documents.convert(quote, "invoice")
        >>> [(problem.path, problem.code) for problem in sales.documents.einvoice_problems(invoice)]
        [('organisation.country', 'country'), ('contact.country', 'country'), ('organisation.ids', 'missing'), ...]
        """
        with self._sales.work(write=False) as work:
            record = self._named(work, document)
            refuse_type(record)
            invoice = invoice_of(work, record)
        if record.seller is None and not self._sales.in_transaction:
            with tried(self._sales) as work:
                invoice = invoice_of(work, issue(work, self._named(work, record.id), work.at))
        found = problems_of(invoice)
        if found or not rules:
            return found
        from salespipeline.einvoice import writing
        from salespipeline.einvoice.france import french
        from salespipeline.einvoice.rules import broken_rules

        profile = profile_of(invoice.document)
        xml = writing.cii(terms_of(invoice, profile), profile, name=record.name)
        broken = broken_rules(xml, profile, french=french(invoice))
        return tuple(Problem("", one.rule, f"{one.message} ({one.where})") for one in broken)

    def _left(self, record: Document) -> EInvoice | None:
        """Return the electronic invoice that left, where the PDF that was sealed is one."""
        if record.seal is None or record.seal.pdf is None:
            return None
        from salespipeline.einvoice.reading import embedded

        content = b"".join(self._sales.blobs.read(record.seal.pdf))
        xml = embedded(content)
        if xml is None:
            return None
        name = (record.reference or record.id).replace("/", "-")
        return EInvoice(
            reference=record.reference or "",
            content=content,
            media_type="application/pdf",
            name=f"{name}.pdf",
            format="facturx",
            profile=profile_of(record),
            xml=xml,
        )
