"""A document as HTML, for a web page or a notebook: what its PDF says, in one piece that stands for itself.

Everything is escaped and styles are inline; there is no script, no link and nothing from elsewhere. A whole page turns dark
where its reader wants it so; a part takes its colours from the page around it.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salespipeline.ports import DocumentView
from salespipeline.render.content import BEFORE, SHOWN, Content

if TYPE_CHECKING:
    from jinja2 import Template

    from salespipeline.render.pdf.theme import Theme

__all__ = ["page"]

ACCENT = "#0c4a6e"
STARTING = ("position", "reference", "unit")  # columns that begin at the left
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WHOLE = """\
:root{color-scheme:light dark}
body{margin:0;padding:28px 12px;background:#f1f3f5;color:#111827}
.spd{margin:0 auto;padding:36px 40px;background:#fff;border:1px solid #dfe3e8;border-radius:8px;--accent:ACCENT}
.spd .sums tr:last-child td{border:0;background-color:ACCENT!important;color:#fff}
.spd .sums tr:last-child td:first-child{padding-left:12px}
.spd .sums tr:last-child td:last-child{padding-right:12px}
@media (max-width:640px){
body{padding:0}
.spd{padding:22px 16px;border:0;border-radius:0}
.spd .end{text-align:left}
.spd .lines table{font-size:13px}
.spd .lines th,.spd .lines td{padding:6px 4px}}
@media (prefers-color-scheme:dark){
body{background:#12161b;color:#e9edf1}
.spd{background:#1c2229;border-color:#313a44;--accent:LIGHT}
.spd .draft{color:#ff9b8f}}
@media print{
:root{color-scheme:light}
body{padding:0;background:#fff;color:#111827}
.spd{max-width:none;padding:0;border:0;background:#fff;--accent:ACCENT}}
"""


def page(view: DocumentView, *, theme: Theme | None = None, whole: bool = True) -> str:
    """Return *view* as a page of HTML, or, where it is not to be the *whole* page, as an element to put into one.

    Colour, columns, texts, foot and payment code are those of *theme*; the paper, fonts and sizes in it are for paper. Raises
    ``RenderError`` for a logo that cannot be drawn.

    >>> from salespipeline.views import view_of
    >>> shown = view_of(quote, acme, sales.settings.snapshot, today=quote.created_at.date())
    >>> page(shown)[:15], page(shown, whole=False)[:28]
    ('<!doctype html>', '<article class="spd" lang="e')
    """
    content = Content(view, theme.words(view.locale) if theme is not None else {})
    names = content.columns(theme.columns if theme is not None else SHOWN)
    text = _template().render(
        content=content,
        view=view,
        whole=whole,
        lang=view.locale.replace("_", "-"),
        style=_style(theme.accent if theme is not None else ACCENT, whole),
        before=[name for name in BEFORE if name in names],
        columns=[name for name in names if name not in BEFORE],
        starting=STARTING,
        logo=_logo(view, content) if theme is None or theme.logo != "none" else None,
        code=_code(view) if theme is not None and theme.payment_code else None,
        foot=(theme.footer if theme is not None else "") or content.imprint(),
    )
    return _UNSHOWN.sub("\ufffd", text)


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(Path(__file__).with_suffix(".html.j2").read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def _style(accent: str, whole: bool) -> Any:
    """Return the styles, which are ours and so need no escaping; in the dark the accent is lighter."""
    from markupsafe import Markup

    parts = [int(accent[at : at + 2], 16) for at in (1, 3, 5)]
    light = "#" + "".join(f"{255 - (255 - part) * 45 // 100:02x}" for part in parts)
    text = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    if whole:
        text += _WHOLE.replace("ACCENT", accent).replace("LIGHT", light)
    return Markup(text)  # noqa: S704  # the accent of a theme is a colour, or there is no theme


def _logo(view: DocumentView, content: Content) -> str | None:
    if view.logo is None:
        return None
    from salespipeline.render.pdf.logo import logo

    image = logo(view.logo, content.named).content
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _code(view: DocumentView) -> dict[str, object] | None:
    from salespipeline.render.pdf.epc import code_of, coded

    text = coded(view)
    runs = code_of(text) if text is not None else None
    if runs is None:
        return None
    return {
        "size": 1 + max(row for row, _, _ in runs),
        "path": "".join(f"M{at} {row}h{n}v1h-{n}z" for row, at, n in runs),
    }
