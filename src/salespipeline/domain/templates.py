"""What mails say: ``MailTemplate``, the words, and ``Template``, the words that an administrator keeps. (SPEC SET-10)

Whether the words can be filled is not decided here: see ``render.bodies.check_template``.
"""

from __future__ import annotations

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import as_flag, as_locale, cleaned
from salespipeline.errors import Invalid, Problem, shown

__all__ = ["PURPOSES", "SEVERAL", "TYPES", "Enclosure", "MailTemplate", "Template"]

SEVERAL = "several"  # the mail that goes with more than one document
TYPES = (
    "quote", "pro_forma", "invoice", "purchase_order", "credit_note", "delivery_note", "application_for_payment", SEVERAL,
)  # fmt: skip
#: What a mail is for: it brings the document, or it confirms that the client accepted it.
PURPOSES = ("send", "receipt")


@attrs.frozen(kw_only=True)
class Enclosure:
    """A further file of a mail, by its SHA-256; with a *content_id* an image that the HTML shows. *size* is in bytes."""

    name: str
    digest: str
    media_type: str
    content_id: str | None = None
    size: int = 0


@attrs.frozen
class MailTemplate:
    """What a mail says: a subject of one line, a text, and, if wanted, the same as HTML.

    Its words hold placeholders, such as ``{{ buyer.name }}``. Loops, conditions and calculations are read where it is
    *full*. *css* are rules that are written into the tags of the HTML. *version* and *enclosures* are those of the
    template that it was taken from.

    >>> short = MailTemplate("short", "Your quote {{ document.reference }}", "Dear {{ buyer.name }}, please find it attached.")
    >>> sales.documents.all().plan_send_all(template=short).rows[0].subject
    'Your quote QUO/00001'
    """

    name: str
    subject: str
    text: str
    html: str | None = None
    css: str = ""
    full: bool = False
    version: int = 0
    enclosures: tuple[Enclosure, ...] = ()


@attrs.frozen(kw_only=True)
class Template:
    """The words for one type of document and one purpose, in one language or, without a *locale*, in all of them.

    *for_type* is a document type, or ``several`` for the mail of more than one document. *full* is for authors who are
    trusted. A quote without a link to accept it says so with *without_link*.
    """

    id: str
    version: int = 0
    label: str
    for_type: str
    purpose: str = "send"
    locale: str = ""
    subject: str
    text: str
    html: str | None = None
    css: str = ""
    full: bool = False
    without_link: bool = False
    enclosures: tuple[Enclosure, ...] = ()
    position: int = 0
    archived: bool = False

    @property
    def words(self) -> MailTemplate:
        """The words alone, with the version that they are of.

        >>> kept = sales.settings.templates.add("Short", "invoice", subject="Invoice", text="{{ document.total }}")
        >>> kept.words.name, kept.words.version
        ('Short', 1)
        """
        return MailTemplate(
            self.label, self.subject, self.text, self.html, self.css, self.full, self.version, self.enclosures
        )

    def checked(self) -> Template:
        """Return the template with clean values, or raise ``Invalid``."""
        return cleaned(
            self,
            label=lambda value: text.clean(value, "name", required=True),
            for_type=lambda value: _one_of("for_type", value, TYPES),
            purpose=lambda value: _one_of("purpose", value, PURPOSES),
            locale=lambda value: as_locale(value) if value else "",
            subject=lambda value: _words("subject", value),
            text=lambda value: _words("text", value),
            html=lambda value: None if value is None else _words("html", value),
            css=lambda value: _words("css", value),
            full=lambda value: as_flag(value, "full"),
            without_link=lambda value: as_flag(value, "without_link"),
        )

    def fits(self, type: str, purpose: str, locale: str) -> int:
        """Return how well it fits: 3 in this very language, 2 in another spelling of it, 1 in any, 0 not at all."""
        if self.archived or (self.for_type, self.purpose) != (type, purpose):
            return 0
        if not self.locale:
            return 1
        if self.locale.lower() == locale.lower():
            return 3
        return 2 if "_" not in self.locale and locale.lower().startswith(self.locale.lower()) else 0


def _one_of(path: str, value: object, options: tuple[str, ...]) -> str:
    name = value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else ""
    if name not in options:
        raise Invalid(Problem(path, "choice", f"{shown(value)} is not one of {', '.join(options)}"))
    return name


def _words(path: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(Problem(path, "type", f"text is needed, not {shown(value)}"))
    return value.replace("\r\n", "\n").replace("\r", "\n")
