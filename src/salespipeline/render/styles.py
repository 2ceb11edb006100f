"""Writing style rules into the tags of a mail: many mail programs read no style sheet."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from css_inline import CSSInliner

__all__ = ["inlined", "style_flaws"]

MOST_CSS = 16 * 1024
MOST_WORK = 200_000  # tags times declarations: a quarter of a second at worst
# What would load something from elsewhere, end the style sheet, or hide such a thing.
_BARRED = re.compile(r"@import|url\s*\(|image-set\s*\(|expression\s*\(|javascript:|[\\<]", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def style_flaws(css: str) -> list[tuple[int, str]]:
    r"""Return what a mail's style may not hold, with its line.

    >>> style_flaws("p { color: #0c4a6e }\nbody { background: url(https://t.example) }")
    [(2, "a style holds no 'url('")]
    """
    if len(css) > MOST_CSS:
        return [(1, f"a style has at most {MOST_CSS:,} characters, this one {len(css):,}")]
    found = [*_BARRED.finditer(css), *_CONTROL.finditer(css)]
    flaws = [(css.count("\n", 0, one.start()) + 1, f"a style holds no {one[0]!a}") for one in found]
    if css.count("{") != css.count("}"):
        flaws.append((css.count("\n") + 1, "as many { as } are needed"))
    if css and not flaws:
        try:
            _inliner("")
        except ValueError as error:
            flaws.append((1, str(error)))
    return sorted(flaws)


def inlined(html: str, css: str) -> str:
    """Return *html* with the rules of *css* in its tags; raises ``ValueError`` where that is too much, or cannot be done.

    What stands in a tag already holds. Rules for some screens only (``@media``) belong in the HTML's own style sheet, which
    stays as it is.
    """
    for _, message in style_flaws(css):
        raise ValueError(message)
    if html.count("<") * (css.count(":") + 1) > MOST_WORK:
        raise ValueError("so many rules are too much for so long a page: make one of them shorter")
    return _inliner(css).inline(html)


@lru_cache(maxsize=16)
def _inliner(css: str) -> CSSInliner:
    try:
        from css_inline import CSSInliner
    except ImportError:
        message = (
            "styles are written into HTML by css-inline: pip install 'salespipeline[css]', or write them there yourself"
        )
        raise ValueError(message) from None
    return CSSInliner(extra_css=css, inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False)
