"""Subject, text and HTML of a mail, from templates and plain data, in a sandbox.

Templates see nested mappings, lists, text, numbers and dates: nothing that acts. They are Jinja in the immutable
sandbox, where only keys of mappings can be reached and nothing can be called but the filters below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import attrs
from jinja2 import StrictUndefined, Template
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from salespipeline.errors import TemplateError
from salespipeline.money import Money
from salespipeline.ports import DocumentView, PartyView
from salespipeline.render import formats
from salespipeline.render.labels import label
from salespipeline.render.phrases import phrases

__all__ = ["Bodies", "MailTemplate", "default_template", "render_bodies", "template_data"]

MOST_SOURCE = 64 * 1024
MOST_OUTPUT = 1024 * 1024
MOST_NESTING = 100
_FILTERS = frozenset(
    [
        "default",
        "d",
        "e",
        "escape",
        "first",
        "join",
        "last",
        "length",
        "lower",
        "upper",
        "title",
        "trim",
        "replace",
        "round",
        "int",
        "list",
        "sort",
    ]
)


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


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox without attributes, calls and heavy arithmetic."""

    intercepted_binops = frozenset(("**", "*", "%"))

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self.globals.clear()
        self.filters = {name: run for name, run in self.filters.items() if name in _FILTERS} | _OURS
        self.tests = {name: run for name, run in self.tests.items() if name in ("defined", "undefined", "none")}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Reach the keys of mappings, and nothing else."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Reach an item of a mapping or a list."""
        if isinstance(obj, Mapping):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        if isinstance(obj, list | tuple) and isinstance(argument, int):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)

    def call(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse: templates call nothing."""
        raise SecurityError("templates cannot call anything")

    def call_binop(self, _context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse what could grow without end."""
        numbers = isinstance(left, int | Decimal) and isinstance(right, int | Decimal)
        if operator == "*" and numbers and abs(left) < 10**12 and abs(right) < 10**12:
            return left * right
        raise SecurityError(f"templates cannot use {operator} here")


def _money(value: Any) -> str:
    return formats.money(Money(value["amount"], value["currency"]), value["locale"])


_OURS: dict[str, Callable[..., Any]] = {
    "money": _money,
    "date": lambda value, locale: formats.day(value, locale) if isinstance(value, date) else "",
    "number": formats.number,
    "percent": formats.percent,
}


@lru_cache(maxsize=1)
def _environments() -> tuple[_Sandbox, _Sandbox]:
    return _Sandbox(autoescape=False), _Sandbox(autoescape=True)


@lru_cache(maxsize=256)
def _compiled(source: str, html: bool) -> Template:
    if len(source) > MOST_SOURCE:
        raise SecurityError(f"a template has at most {MOST_SOURCE:,} characters")
    deep, most = 0, 0
    for character in source:
        deep += (character in "([{") - (character in ")]}")
        most = max(most, deep)
    if most > MOST_NESTING or source.count("{%") > 2000:
        raise SecurityError("the template is nested too deep, or has too many statements")
    return _environments()[html].from_string(source)


def _filled(template: MailTemplate, part: str, source: str, data: Mapping[str, Any], *, html: bool) -> str:
    pieces, size = [], 0
    try:
        for piece in _compiled(source, html).generate(**data):
            size += len(piece)
            if size > MOST_OUTPUT:
                raise SecurityError("the result is too long")
            pieces.append(piece)
    except (JinjaError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or _line_of(error)
        what = error.message if isinstance(error, JinjaError) and error.message else type(error).__name__
        where = f" in line {line}" if line is not None else ""
        message = f"the {part} of template {template.name!r} cannot be filled{where}: {what}"
        raise TemplateError(message, template=template.name, line=line) from None
    return "".join(pieces)


def _line_of(error: BaseException) -> int | None:
    """Return the line of the template in which *error* was raised."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def render_bodies(template: MailTemplate, data: Mapping[str, Any]) -> Bodies:
    """Fill *template* with *data* (see ``template_data``), or raise ``TemplateError`` naming the line."""
    subject = " ".join(_filled(template, "subject", template.subject, data, html=False).split())
    text = _filled(template, "text", template.text, data, html=False)
    html = None if template.html is None else _filled(template, "HTML", template.html, data, html=True)
    return Bodies(subject, text, html)


def template_data(view: DocumentView) -> dict[str, Any]:
    """Return what a template may show: ``document``, ``seller``, ``buyer``, ``lines`` and ``locale``, as plain data."""
    locale = view.locale

    def amount(value: Money) -> dict[str, Any]:
        return {"amount": value.amount, "currency": str(value.currency), "locale": locale}

    return {
        "locale": locale,
        "document": {
            "type": view.type,
            "type_label": label(view.type, locale),
            "reference": view.reference,
            "subject": view.subject,
            "date": view.date,
            "due": view.due,
            "due_label": label("due", locale, view.type),
            "net": amount(view.net),
            "tax": amount(view.tax),
            "total": amount(view.total),
            "total_label": label("total", locale, view.type),
            "currency": str(view.total.currency),
            "note": view.note,
        },
        "seller": _party(view.seller),
        "buyer": _party(view.buyer),
        "lines": [
            {"description": line.description, "quantity": line.quantity, "net": amount(line.net)} for line in view.lines
        ],
    }


def _party(party: PartyView) -> dict[str, Any]:
    return {
        "name": party.name,
        "person": party.person,
        "email": party.email,
        "phone": party.phone,
        "website": party.website,
        "address": list(party.address),
    }


_SUBJECT = (
    "{{ document.type_label }}{% if document.reference %} {{ document.reference }}{% endif %}"
    "{% if document.subject %}: {{ document.subject }}{% endif %}"
)
_TEXT = """\
{greeting}

{opening}

  {{{{ document.type_label }}}} {{{{ document.reference }}}}{{% if document.subject %}}
  {{{{ document.subject }}}}{{% endif %}}

{{% if document.type != "delivery_note" %}}
  {{{{ document.total_label }}}}: {{{{ document.total | money }}}}
{{% endif %}}
{{% if document.due %}}
  {{{{ document.due_label }}}}: {{{{ document.due | date(locale) }}}}
{{% endif %}}

{closing}

{regards}
{{{{ seller.name }}}}{{% if seller.phone %}}

{{{{ seller.phone }}}}{{% endif %}}{{% if seller.website %}}

{{{{ seller.website }}}}{{% endif %}}

"""
_HTML = """\
<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark"></head>
<body style="margin:0;padding:24px 12px;font:16px/1.55 -apple-system,'Segoe UI',Helvetica,Arial,sans-serif">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;margin:0 auto"><tr><td>
<p style="margin:0 0 16px">{greeting}</p>
<p style="margin:0 0 20px">{opening}</p>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
 style="border-top:2px solid #0c4a6e;border-bottom:1px solid rgba(128,128,128,.35);margin:0 0 20px">
<tr><td style="padding:14px 0 2px;font-weight:600">{{{{ document.type_label }}}} {{{{ document.reference }}}}</td>
{{% if document.type != "delivery_note" %}}
<td style="padding:14px 0 2px;font-weight:600;text-align:right;white-space:nowrap">{{{{ document.total | money }}}}</td>
{{% endif %}}
</tr><tr><td style="padding:0 0 14px;opacity:.75">{{{{ document.subject }}}}</td>
{{% if document.due %}}
<td style="padding:0 0 14px;opacity:.75;text-align:right;white-space:nowrap">
{{{{ document.due_label }}}} {{{{ document.due | date(locale) }}}}</td>
{{% endif %}}
</tr></table>
<p style="margin:0 0 20px">{closing}</p>
<p style="margin:0">{regards}<br><strong>{{{{ seller.name }}}}</strong>
{{% if seller.phone %}}<br>{{{{ seller.phone }}}}{{% endif %}}
{{% if seller.website %}}<br>{{{{ seller.website }}}}{{% endif %}}</p>
</td></tr></table></body></html>
"""


@lru_cache(maxsize=128)
def default_template(type: str, locale: str) -> MailTemplate:
    """Return the mail that goes with a document of this type, in the language of *locale* (English for unknown ones)."""
    words = phrases(type, locale)
    return MailTemplate(f"{type} ({locale})", _SUBJECT, _TEXT.format(**words), _HTML.format(**words))
