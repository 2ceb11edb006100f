"""Subject, text and HTML of a mail, from templates and plain data, in a sandbox.

Templates see nested mappings, lists, text, numbers and dates: nothing that acts. They are a part of Jinja, in its
immutable sandbox, where only keys of mappings can be reached and nothing can be called but the filters of
``filters.FILTERS``. What a template does is counted, and stopped with ``TemplateError`` when it is too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import attrs
from jinja2 import TemplateError as JinjaError

from salespipeline.errors import TemplateError, shown
from salespipeline.render.layout import HTML, SEVERAL_HTML, SEVERAL_SUBJECT, SEVERAL_TEXT, SUBJECT, TEXT
from salespipeline.render.phrases import phrases, wrapped
from salespipeline.render.placeholders import PLACEHOLDERS, example, template_data
from salespipeline.render.sandbox import fill, tree
from salespipeline.render.syntax import names

__all__ = [
    "PLACEHOLDERS",
    "Bodies",
    "MailTemplate",
    "check_template",
    "default_template",
    "render_bodies",
    "template_data",
]


@attrs.frozen
class MailTemplate:
    """What a mail says: a subject of one line, a text, and, if wanted, the same as HTML.

    >>> short = MailTemplate("short", "Your quote {{ document.reference }}", "Dear {{ buyer.name }}, please find it attached.")
    >>> sales.documents.all().plan_send_all(template=short).rows[0].subject
    'Your quote QUO/00001'
    """

    name: str
    subject: str
    text: str
    html: str | None = None


@attrs.frozen
class Bodies:
    """A filled template."""

    subject: str
    text: str
    html: str | None


def render_bodies(template: MailTemplate, data: Mapping[str, object]) -> Bodies:
    """Fill *template* with *data* (see ``template_data``), or raise ``TemplateError`` naming the line.

    >>> hello = MailTemplate("hello", "For {{ name }}", "Dear {{ name }}", "<p>Dear {{ name }}</p>")
    >>> render_bodies(hello, {"name": "Smith & Sons"}).html
    '<p>Dear Smith &amp; Sons</p>'
    """
    parts = [_filled(template, part, source, data) for part, source in _parts(template)]
    subject = " ".join(parts[0].split())
    if not subject:
        raise _error(template, "subject", 1, "it says nothing; write at least a word")
    return Bodies(subject, parts[1], parts[2] if len(parts) > 2 else None)


def check_template(template: MailTemplate, more: Iterable[str] = ()) -> tuple[TemplateError, ...]:
    r"""Return what is wrong with *template* before any record is at hand: every unknown name, with its line.

    *more* are names that the caller adds to ``template_data``. Ask it when a template is saved.

    >>> typo = MailTemplate("typo", "Hello", "Dear {{ buyer.name }},\nyour {{ document.refrence }}")
    >>> for error in check_template(typo):
    ...     print(error)
    the text of template 'typo' cannot be filled in line 2: this has no part 'refrence'; there are currency, date, ...
    """
    known = {**example(), **dict.fromkeys(more)}
    found = []
    for part, source in _parts(template):
        try:
            read = tree(source, html=part == "HTML")
        except JinjaError as error:
            found.append(_told(template, part, error))
        else:
            found += [_error(template, part, line, message) for line, message in names(read, known)]
    return tuple(found)


def _parts(template: MailTemplate) -> list[tuple[str, str]]:
    found = [("subject", template.subject), ("text", template.text)]
    return found if template.html is None else [*found, ("HTML", template.html)]


def _filled(template: MailTemplate, part: str, source: str, data: Mapping[str, object]) -> str:
    try:
        return fill(source, data, html=part == "HTML")
    except (
        JinjaError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError, AttributeError,
    ) as error:  # fmt: skip
        raise _told(template, part, error) from None


def _told(template: MailTemplate, part: str, error: Exception) -> TemplateError:
    line = getattr(error, "lineno", None) or _line_of(error)
    if isinstance(error, JinjaError) and error.message:
        what = error.message if len(error.message) <= 300 else error.message[:299] + "…"
    else:  # its own words may hold what the record says
        what = f"a filter or a calculation was given something that it cannot take ({type(error).__name__})"
    return _error(template, part, line, what)


def _error(template: MailTemplate, part: str, line: int | None, what: str) -> TemplateError:
    where = f" in line {line}" if line is not None else ""
    message = f"the {part} of template {shown(template.name)} cannot be filled{where}: {what}"
    return TemplateError(message, template=template.name, line=line)


def _line_of(error: BaseException) -> int | None:
    """Return the line of the template in which *error* was raised."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


@lru_cache(maxsize=128)
def default_template(type: str, locale: str) -> MailTemplate:
    """Return the mail that goes with a document of this type, in the language of *locale* (English for unknown ones).

    The type ``several`` is the mail that goes with more than one document.

    >>> default_template("invoice", "de_DE").name
    'invoice (de_DE)'
    """
    words = phrases(type, locale)
    subject, text, html = (SEVERAL_SUBJECT, SEVERAL_TEXT, SEVERAL_HTML) if type == "several" else (SUBJECT, TEXT, HTML)
    for key, sentence in words.items():
        text = text.replace(f"[[{key}]]", wrapped(sentence))
        html = html.replace(f"[[{key}]]", sentence)
    return MailTemplate(f"{type} ({locale})", subject, text, html)
