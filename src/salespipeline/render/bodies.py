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

from salespipeline.domain.templates import MailTemplate
from salespipeline.errors import TemplateError, shown
from salespipeline.render import layout
from salespipeline.render.phrases import phrases, wrapped
from salespipeline.render.placeholders import PLACEHOLDERS, example, template_data
from salespipeline.render.sandbox import fill, flaws_of
from salespipeline.render.styles import inlined, style_flaws

__all__ = [
    "PLACEHOLDERS",
    "Bodies",
    "MailTemplate",
    "check_template",
    "default_template",
    "render_bodies",
    "render_subject",
    "template_data",
]


_LAYOUTS = {
    "one": (layout.SUBJECT, layout.TEXT, layout.HTML),
    "several": (layout.SEVERAL_SUBJECT, layout.SEVERAL_TEXT, layout.SEVERAL_HTML),
    "receipt": (layout.RECEIPT_SUBJECT, layout.RECEIPT_TEXT, layout.RECEIPT_HTML),
}
LINK = "accept_link"  # the placeholder that a quote should show


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
    subject = render_subject(template, data)
    text = _filled(template, "text", template.text, data)
    html = None if template.html is None else _filled(template, "HTML", template.html, data)
    if html is not None and template.css:
        try:
            html = inlined(html, template.css)
        except ValueError as error:
            raise _error(template, "css", None, str(error)) from None
    return Bodies(subject, text, html)


def render_subject(template: MailTemplate, data: Mapping[str, object]) -> str:
    """Fill the subject alone, on one line."""
    subject = " ".join(_filled(template, "subject", template.subject, data).split())
    if not subject:
        raise _error(template, "subject", 1, "it says nothing; write at least a word")
    return subject


def check_template(
    template: MailTemplate, more: Iterable[str] = (), *, link: bool = False
) -> tuple[TemplateError, ...]:
    r"""Return everything that is wrong with *template* before any record is at hand, with its line.

    *more* are names that the caller adds to ``template_data``. With *link*, a mail that does not show the client where to
    accept the quote is wrong too. Ask it when a template is saved.

    >>> typo = MailTemplate("typo", "Hello", "Dear {{ buyer.name }},\nyour {{ document.refrence }}")
    >>> for error in check_template(typo):
    ...     print(error)
    the text of template 'typo' cannot be filled in line 2: this has no part 'refrence'; there are accept_link, ...
    """
    known = {**example(), **dict.fromkeys(more)}
    found = []
    for part, source in _parts(template):
        flaws = flaws_of(source, known, html=part == "HTML", full=template.full)
        found += [_error(template, part, line, message) for line, message in flaws]
        if link and part != "subject" and LINK not in source:
            found.append(
                _error(template, part, None, f"a quote shows where to accept it: put {{{{ document.{LINK} }}}} in")
            )
    found += [_error(template, "css", line, message) for line, message in style_flaws(template.css)]
    if template.css and template.html is None:
        found.append(_error(template, "css", None, "there is no HTML that it could be written into"))
    if not found and not more:
        try:
            render_bodies(template, example())
        except TemplateError as error:
            found.append(error)
    return tuple(found)


def _parts(template: MailTemplate) -> list[tuple[str, str]]:
    found = [("subject", template.subject), ("text", template.text)]
    return found if template.html is None else [*found, ("HTML", template.html)]


def _filled(template: MailTemplate, part: str, source: str, data: Mapping[str, object]) -> str:
    try:
        return fill(source, data, html=part == "HTML", full=template.full)
    except (
        JinjaError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError, AttributeError,
    ) as error:  # fmt: skip
        raise _told(template, part, error) from None


def _told(template: MailTemplate, part: str, error: Exception) -> TemplateError:
    line = getattr(error, "lineno", None) or _line_of(error)
    if isinstance(error, JinjaError) and error.message:
        what = error.message
    else:  # its own words may hold what the record says
        what = f"a filter or a calculation was given something that it cannot take ({type(error).__name__})"
    return _error(template, part, line, what)


def _error(template: MailTemplate, part: str, line: int | None, what: str) -> TemplateError:
    where = f" in line {line}" if line is not None else ""
    verb = "used" if part == "css" else "filled"
    what = what if len(what) <= 300 else what[:299] + "…"
    message = f"the {part} of template {shown(template.name)} cannot be {verb}{where}: {what}"
    return TemplateError(message, template=template.name, part=part.lower(), line=line)


def _line_of(error: BaseException) -> int | None:
    """Return the line of the template in which *error* was raised."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


@lru_cache(maxsize=128)
def default_template(type: str, locale: str, purpose: str = "send") -> MailTemplate:
    """Return the mail that goes with a document of this type, in the language of *locale* (English for unknown ones).

    The type ``several`` is the mail that goes with more than one document; the purpose ``receipt`` is the mail that confirms
    that the client accepted it.

    >>> default_template("invoice", "de_DE").name
    'invoice (de_DE)'
    """
    words = phrases(type, locale, purpose)
    kind = "receipt" if purpose == "receipt" else "several" if type == "several" else "one"
    subject, text, html = _LAYOUTS[kind]
    for key, sentence in words.items():
        subject = subject.replace(f"[[{key}]]", sentence)
        text = text.replace(f"[[{key}]]", wrapped(sentence))
        html = html.replace(f"[[{key}]]", sentence)
    name = type if purpose == "send" else f"{type}, {purpose}"
    return MailTemplate(f"{name} ({locale})", subject, text, html, full=True)
