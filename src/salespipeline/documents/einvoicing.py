"""``einvoice`` and ``einvoice_problems``: invoices and credit notes as Factur-X, CII and UBL. (SPEC section 4)"""

from __future__ import annotations

import attrs

from salespipeline.collection import Collection
from salespipeline.domain.document import Document
from salespipeline.domain.facts import Transmission
from salespipeline.einvoice import problems_of, profile_of, terms_of
from salespipeline.einvoicing import as_format, check_einvoice, file_name, invoice_of, made, refuse_type
from salespipeline.errors import NotAllowed, Problem
from salespipeline.issuing import issue, tried
from salespipeline.planning import check_durable
from salespipeline.ports import Accepted, NotSent, Outcome, Unknown
from salespipeline.text import clean
from salespipeline.transmission import EInvoice, Transmitter
from salespipeline.work import Work

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

    def transmit(
        self, document: Document | str, through: Transmitter, *, format: str = "facturx", again: bool = False
    ) -> Document:
        """Hand the electronic invoice of a sent document to a platform, and write down what became of it.

        That it leaves is written before it does: where a crash, or a line that dropped, leaves it unknown whether it
        arrived, the next try is refused until somebody looked and says *again*. So is one that was accepted.

        >>> from salespipeline.transmitters import Memory
        >>> _ = sales.settings.edit_organisation(country="GB", ids={"VAT": "GB980780684"})
        >>> _ = sales.contacts.edit(acme, country="GB")
        >>> invoice = sales.documents.mark_sent(sales.documents.convert(quote, "invoice"))
        >>> platform = Memory()
        >>> done = sales.documents.transmit(invoice, platform, format="ubl")
        >>> done.transmissions[-1].outcome, done.transmissions[-1].reply, platform.sent[0].name
        ('accepted', 'kept as 1', 'INV-00001.xml')
        """
        check_durable(self._sales)
        invoice = self.einvoice(document, format)

        def begin(work: Work) -> Document:
            record = self._named(work, document)
            if not record.sent:
                message = f"{record.name} was not sent yet: mark_sent() or send it first"
                raise NotAllowed(message, record=record.name, action="transmit")
            last = record.transmissions[-1].outcome if record.transmissions else "refused"
            if last != "refused" and not again:
                reply = record.transmissions[-1].reply or "no answer"
                message = (
                    f"{record.name} was handed over already ({last}: {reply}): look on the platform, and pass again=True "
                    "where it is to be handed over once more"
                )
                raise NotAllowed(message, record=record.name, action="transmit")
            one = Transmission(at=work.at, by=work.by, format=invoice.format)
            after = attrs.evolve(record, transmissions=(*record.transmissions, one))
            return work.keep(after, record, action="transmitting")

        place = len(self._tried(begin, again=isinstance(document, str)).transmissions) - 1
        id = self.get(document).id if isinstance(document, str) else document.id
        try:
            outcome = through.transmit(invoice)
        except Exception as error:  # noqa: BLE001 - whatever a foreign transmitter raises, nobody knows what arrived
            outcome = Unknown(reason=f"the transmitter failed with {type(error).__name__}")

        def end(work: Work) -> Document:
            record = work.need(Document, id)
            known = list(record.transmissions)
            said, reply = _said(outcome)
            known[place] = attrs.evolve(known[place], outcome=said, reply=reply)
            return work.keep(attrs.evolve(record, transmissions=tuple(known)), record, action="transmitted")

        return self._tried(end, again=True)

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
        return EInvoice(
            reference=record.reference or "",
            content=content,
            media_type="application/pdf",
            name=file_name(record, "pdf"),
            format="facturx",
            profile=profile_of(record),
            xml=xml,
        )


def _said(outcome: Outcome) -> tuple[str, str]:
    """Return what is kept of what a platform answered, which is text of somebody else."""
    if isinstance(outcome, Accepted):
        return "accepted", _plain(outcome.reply)
    return "refused" if isinstance(outcome, NotSent) else "unknown", _plain(outcome.reason)


def _plain(reply: str) -> str:
    return clean("".join(letter if letter.isprintable() else " " for letter in str(reply)[:500]), "reply", most=500)
