"""How a letter is made: the PDFs, the words, and the finished message. Nothing is written here, and nothing leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Party
from salespipeline.domain.sending import Batch, Delivery
from salespipeline.domain.settings import Settings
from salespipeline.domain.templates import Enclosure, MailTemplate
from salespipeline.einvoicing import einvoice_pdf, wanted
from salespipeline.linking import link_of
from salespipeline.ports import Mail
from salespipeline.send_options import CONTACT
from salespipeline.views import view_of

if TYPE_CHECKING:
    from salespipeline.mail import Attachment, InlineImage
    from salespipeline.render.bodies import Bodies
    from salespipeline.sales import Sales

__all__ = ["Composer", "Letter", "enclosure_of", "pdf_name"]


@attrs.frozen(kw_only=True)
class Letter:
    """A finished mail with the words in it, and the PDFs that it carries, in the order of the documents.

    >>> plan = sales.documents.all().plan_send_all()
    >>> letter = plan.preview()
    >>> letter.subject, letter.mail.recipients, letter.pdfs[0][:5]
    ('Quotation QUO/00001: New warehouse', ('buyer@acme.example',), b'%PDF-')
    """

    mail: Mail
    bodies: Bodies
    pdfs: tuple[bytes, ...]

    @property
    def subject(self) -> str:
        """The subject of the mail."""
        return self.bodies.subject


def enclosure_of(file: Attachment | InlineImage) -> Enclosure:
    """Return how a file is named by a batch or a template, which keep its bytes among the blobs."""
    content_id = getattr(file, "content_id", None)
    name = content_id if content_id is not None else getattr(file, "name", "")
    digest = sha256(file.content).hexdigest()
    return Enclosure(
        name=name, digest=digest, media_type=file.media_type, content_id=content_id, size=len(file.content)
    )


def pdf_name(document: Document) -> str:
    """Return what the PDF of *document* is called in a mail."""
    return f"{(document.reference or document.type.words).replace('/', '-')}.pdf"


_MOST_HELD = 64  # templates, and files, at hand at once
# What templates call whatever is made of the lines of a document.
_SUMS = ("lines", "tax", "net", "total")


def _data(
    documents: Sequence[Document],
    contact: Contact,
    settings: Settings,
    at: datetime,
    *,
    words: str,
) -> dict[str, object]:
    """Return what a template with these *words* sees of these documents; what they do not name is not worked out."""
    from salespipeline.render.bodies import LINK, template_data
    from salespipeline.render.placeholders import Acceptance

    today, link, sums = settings.day_of(at), LINK in words, any(word in words for word in _SUMS)
    views = [view_of(document, contact, settings, today=today, sums=sums) for document in documents]
    acceptances = []
    for document in documents:
        answer = document.answer
        if answer is not None and answer.accepted:
            day = settings.day_of(answer.at)
            acceptances.append(Acceptance(by=answer.by, on=day, fingerprint=answer.content))
        else:  # to sign is work: only where it is shown, and of a document as it is issued
            page = link_of(document, settings) if link and document.seller is not None else None
            acceptances.append(Acceptance(link=page))
    return template_data(*views, acceptances=acceptances, words=words)


class Composer:
    """Makes the letters of a batch. May be shared between threads."""

    def __init__(self, sales: Sales) -> None:
        self._sales = sales
        self._templates: dict[str, MailTemplate] = {}
        self._enclosures: dict[Enclosure, Attachment | InlineImage] = {}
        self._unkept: dict[str, bytes] = {}

    # --- words and files are kept as they were when the batch was started ------------------------------------

    def held(self, template: MailTemplate) -> str:
        """Return the SHA-256 of the words of a template, which this composer now has at hand."""
        content = json.dumps(attrs.asdict(template), sort_keys=True).encode()
        digest = sha256(content).hexdigest()
        self._templates[digest] = template
        self._unkept[digest] = content
        return digest

    def enclosed(self, file: Attachment | InlineImage) -> Enclosure:
        """Return how a batch names a file, which this composer now has at hand."""
        enclosure = enclosure_of(file)
        self._enclosures[enclosure] = file
        self._unkept[enclosure.digest] = file.content
        return enclosure

    def keep(self) -> None:
        """Keep what is at hand, so that whoever sends, and when, uses the same words and files."""
        for digest, content in self._unkept.items():
            kept = self._sales.blobs.keep([content])
            assert kept == digest  # noqa: S101 - both are the SHA-256 of the content
        self._unkept.clear()

    def template(self, digest: str) -> MailTemplate:
        """Return the template that was kept."""
        found = self._templates.get(digest)
        if found is None:
            values = json.loads(self._file(digest))
            values["enclosures"] = tuple(Enclosure(**one) for one in values.get("enclosures", ()))
            if len(self._templates) >= _MOST_HELD:  # a worker lives long, and sends many a batch
                self._templates.clear()
            found = self._templates[digest] = MailTemplate(**values)
        return found

    # --- the parts -------------------------------------------------------------------------------------------

    def bodies(
        self, template: MailTemplate, documents: Sequence[Document], contact: Contact, settings: Settings, at: datetime
    ) -> Bodies:
        """Fill *template* for one or several documents of a contact, or raise ``TemplateError``."""
        from salespipeline.render.bodies import render_bodies

        words = "\n".join((template.subject, template.text, template.html or ""))
        return render_bodies(template, _data(documents, contact, settings, at, words=words))

    def subject(
        self, template: MailTemplate, documents: Sequence[Document], contact: Contact, settings: Settings, at: datetime
    ) -> str:
        """Return the subject alone: a plan shows no more of a mail."""
        from salespipeline.render.bodies import render_subject

        return render_subject(template, _data(documents, contact, settings, at, words=template.subject))

    def pdf(self, document: Document, contact: Contact, settings: Settings) -> bytes:
        """Return the PDF of *document*: the bytes that left, where it was sent, or drawn now; or raise ``RenderError``."""
        if document.seal is not None and document.seal.pdf is not None:
            return b"".join(self._sales.blobs.read(document.seal.pdf))
        if wanted(settings, document):
            return einvoice_pdf(self._sales, document, settings)
        return self._sales.documents.render(document, contact, settings).content

    def letter(
        self,
        batch: Batch,
        deliveries: Sequence[Delivery],
        documents: Sequence[Document],
        pdfs: Sequence[bytes],
        contact: Contact,
        settings: Settings,
        at: datetime,
    ) -> Letter:
        """Return the mail with these documents; raises ``TemplateError`` or ``MailError``."""
        from salespipeline.mail import Address, Attachment, InlineImage, build_mail, message_id_for

        first, organisation = deliveries[0], settings.organisation
        template = self.template(first.template)
        bodies = self.bodies(template, documents, contact, settings, at)
        buyer = documents[0].buyer or Party.buying(contact, documents[0].person_id)
        attachments = [
            Attachment(pdf_name(one), pdf, "application/pdf") for one, pdf in zip(documents, pdfs, strict=True)
        ]
        images = []
        for file in (*template.enclosures, *batch.enclosures):
            enclosed = self._enclosed(file)
            if isinstance(enclosed, InlineImage):
                images.append(enclosed)
            else:
                attachments.append(enclosed)
        mail = build_mail(
            message_id=message_id_for(first.letter, organisation.email),
            date=first.planned_at,
            sender=Address(organisation.email, organisation.name),
            to=[
                Address(one, buyer.person or buyer.name) if one == buyer.email else Address.of(one) for one in first.to
            ],
            cc=batch.cc,
            bcc=batch.bcc,
            reply_to=batch.reply_to or None,
            unsubscribe=[one.replace(CONTACT, quote(contact.id, safe="")) for one in batch.unsubscribe],
            subject=bodies.subject,
            text=bodies.text,
            html=bodies.html,
            attachments=attachments,
            inline_images=images,
        )
        return Letter(mail=mail, bodies=bodies, pdfs=tuple(pdfs))

    def _enclosed(self, file: Enclosure) -> Attachment | InlineImage:
        """Return what every mail of a batch carries: read, and encoded, once."""
        from salespipeline.mail import Attachment, InlineImage

        found = self._enclosures.get(file)
        if found is None:
            content = self._file(file.digest)
            if file.content_id is None:
                found = Attachment(file.name, content, file.media_type)
            else:
                found = InlineImage(file.content_id, content, file.media_type)
            if len(self._enclosures) >= _MOST_HELD:
                self._enclosures.clear()
            self._enclosures[file] = found
        return found

    def _file(self, digest: str) -> bytes:
        return b"".join(self._sales.blobs.read(digest))
