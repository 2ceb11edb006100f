"""``sales.settings.templates``: what mails say, by type of document, purpose and language. (SPEC SET-10)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from salespipeline.arguments import TemplateEdits, TemplateFacts
from salespipeline.composing import Composer, Letter, enclosure_of
from salespipeline.domain.checks import Checks
from salespipeline.domain.document import Document
from salespipeline.domain.templates import SEVERAL, MailTemplate, Template
from salespipeline.errors import TemplateError, shown
from salespipeline.settings.lists import SettingList, name_of
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.mail import Attachment, InlineImage

__all__ = ["TemplateList"]


class TemplateList(SettingList[Template]):
    r"""The words of mails, each checked when it is saved; *send all* uses the one that fits a document best. (SPEC SET-10)

    >>> templates = sales.settings.templates
    >>> _ = templates.add("Short", "invoice", subject="Invoice {{ document.reference }}",
    ...                   text="Dear {{ buyer.name }},\nplease pay {{ document.total }} by {{ document.due }}.")
    >>> print(templates.preview("Short", sales.documents.draft(deal, "invoice")).bodies.text)
    Dear Acme Ltd,
    please pay £10,080.00 by ....
    >>> templates.edit("Short", subject="Our invoice {{ document.reference }}").version
    2
    >>> [one.subject for one in templates.versions("Short")]
    ['Invoice {{ document.reference }}', 'Our invoice {{ document.reference }}']
    >>> templates.check("Short"), templates.default("quote", "fr_FR").full
    ((), True)
    """

    alone = "mails keep the words that they were planned with: nothing takes the place of a template"

    def add(
        self,
        name: str,
        for_type: str,
        *,
        subject: str,
        text: str,
        html: str | None = None,
        **facts: Unpack[TemplateFacts],
    ) -> Template:
        """Add the mail for a document type, or, with ``several``, for mails with more than one document.

        *facts*: *purpose* is ``send``, or ``receipt`` for the mail that confirms an acceptance; *locale* is the language
        that it is in, any by default; *css* is written into the tags of the HTML; *images* and *attachments* go with every
        such mail. Words are placeholders and filters alone unless they are *full*, which is for authors who are trusted. A
        quote whose mail shows no link to accept it is refused, unless it is *without_link*. Raises ``Invalid`` with every
        problem, each with the part and the line.
        """
        values: dict[str, Any] = {"label": name, "for_type": for_type, "subject": subject, "text": text, "html": html}
        values |= self._with_files((), facts)
        with self._sales.work() as work:
            return self._add(work, **values)

    def edit(self, template: Template | str, **values: Unpack[TemplateEdits]) -> Template:
        """Replace some values of one; mails that are planned already keep the words that they were planned with."""
        given: dict[str, Any] = dict(values)
        if {"images", "attachments"} & given.keys():
            given = self._with_files(self[name_of(template)].enclosures, given)
        return self._edit(template, given)

    def _with_files(self, before: Iterable[Any], given: Any) -> dict[str, Any]:
        """Return *given* with its files kept, and named as the template keeps them; those of the other kind stay."""
        values = dict(given)
        kept = list(before)
        for name, images in (("images", True), ("attachments", False)):
            if name in values:
                files: Iterable[Attachment | InlineImage] = values.pop(name)
                kept = [one for one in kept if (one.content_id is not None) is not images]
                for file in files:
                    self._sales.blobs.keep([file.content])
                    kept.append(enclosure_of(file))
        return values | {"enclosures": tuple(kept)}

    def _checked(self, work: Work, after: Template, before: Template | None) -> Template:
        checks = Checks()
        del work
        cleaned: Template | None = checks.take(after.checked)
        if before is None or _said(after) != _said(before):
            for error in _errors(cleaned or _readable(after)):
                where = f"{error.part}:{error.line}" if error.line else str(error.part)
                checks.add(where, "template", str(error))
        checks.done(record=f"template {shown(after.label)}", action="save")
        assert cleaned is not None  # noqa: S101 - done() raises without one
        return cleaned

    def check(self, template: Template | MailTemplate | str) -> tuple[TemplateError, ...]:
        """Return everything that is wrong with one, as ``add`` and ``edit`` ask; of one that was saved long ago, too."""
        if isinstance(template, MailTemplate):
            from salespipeline.render.bodies import check_template

            return check_template(template)
        return _errors(self[template] if isinstance(template, str) else template)

    def preview(self, template: Template | MailTemplate | str, document: Document | str) -> Letter:
        """Return the mail that a document would leave in with these words: nothing is kept, and nothing leaves.

        Held, sent and expired documents are shown too: it is about the words.
        """
        from salespipeline.planning import check_sender, rows_of
        from salespipeline.rehearsing import letter_for
        from salespipeline.send_options import SendOptions
        from salespipeline.sending_report import Plan

        check_sender(self._sales)
        chosen = self[template] if isinstance(template, str) else template
        words, purpose = (chosen, "send") if isinstance(chosen, MailTemplate) else (chosen.words, chosen.purpose)
        options = SendOptions.of({"template": words, "purpose": purpose, "to": self._sales.settings.organisation.email})
        with self._sales.work(write=False) as work:
            record = work.need(Document, document if isinstance(document, str) else document.id)
            (row,) = rows_of(self._sales, work, [record], options)
        row = attrs.evolve(row, reasons=(), template=words)
        return letter_for(self._sales, Composer(self._sales), Plan((row,), options=options, sales=self._sales), [row])

    def default(self, for_type: str, locale: str = "", purpose: str = "send") -> MailTemplate:
        """Return the words that are used where there is no template: to begin one's own with."""
        from salespipeline.render.bodies import default_template

        if for_type != SEVERAL:
            self._sales.documents.where(type=for_type)  # refuses what is no document type
        return default_template(for_type, locale or self._sales.settings.organisation.locale, purpose)


def _errors(template: Template) -> tuple[TemplateError, ...]:
    from salespipeline.render.bodies import check_template

    link = (template.for_type, template.purpose) == ("quote", "send") and not template.without_link
    found = list(check_template(template.words, link=link))
    images = {one.content_id for one in template.enclosures if one.content_id is not None}
    html = template.html or ""
    for name in sorted(images):
        if f"cid:{name}" not in html:
            message = (
                f'the HTML of template {shown(template.label)} shows no image {shown(name)}: use it as src="cid:{name}"'
            )
            found.append(TemplateError(message, template=template.label, part="html"))
    return tuple(found)


def _readable(template: Template) -> Template:
    """Return *template* with nothing in place of what is no text, so that the rest of its words can be looked at."""
    words: dict[str, Any] = {}
    for name in ("subject", "text", "html", "css"):
        value = getattr(template, name)
        words[name] = value if isinstance(value, str) else ""
    return attrs.evolve(template, **words)


def _said(template: Template) -> tuple[object, ...]:
    words = template.words
    return words.subject, words.text, words.html, words.css, words.full, words.enclosures, template.without_link
