"""Documents as HTML: what the PDF says, escaped, in one piece, in the light and in the dark."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.render.papers import picture, view
from tests.render.test_pdf_hostile import HOSTILE, PLACES

import salespipeline as sp
from salespipeline.errors import RenderError
from salespipeline.ports import SumView
from salespipeline.render.labels import label
from salespipeline.render.page import page
from salespipeline.render.pdf import PdfRenderer, Theme
from salespipeline.render.pdf.canvas import Canvas

TYPES = [str(one) for one in sp.DocumentType]
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "body",
        "article",
        "style",
        "header",
        "div",
        "p",
        "b",
        "span",
        "h1",
        "h2",
        "footer",
    ),
    *("dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "section", "img", "svg", "path"),
}
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "dir", "src", "alt", "viewbox", "role", "aria-label", "d"),
}  # fmt: skip
STEPS = (
    SumView(label="lines_net", amount=sp.Money("30000", "EUR")),
    SumView(label="discount", amount=sp.Money("-1500", "EUR"), percent=5),
    SumView(label="Freight", amount=sp.Money("49.66", "EUR")),
)


class Read(HTMLParser):
    """A page as a browser takes it: its elements, and its text without the styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._silent = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._silent = tag == "style"
        self.text += " "

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._silent else data


def words(text: str) -> set[str]:
    return set(text.split())


@pytest.mark.parametrize("locale", ["en_GB", "fr_FR", "de_DE"])
@pytest.mark.parametrize("type", TYPES)
def test_it_says_what_the_pdf_says(type: str, locale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = view(type, locale, steps=STEPS, exchange="1 EUR = 0.86 GBP", draft=type == "quote")
    theme = Theme(
        columns=("position", "reference", "quantity", "unit", "unit_price", "discount", "tax_percent", "amount")
    )
    paper: set[str] = set()
    put = Canvas.put

    def heard(self: Canvas, x: float, y: float, text: str, *rest: object, **more: object) -> None:
        paper.update(words(text))
        put(self, x, y, text, *rest, **more)

    monkeypatch.setattr(Canvas, "put", heard)
    PdfRenderer(theme=theme).render(shown)
    assert len(paper) > 80
    for_paper = {word for key in ("page", "accepted_by", "received_by", "name", "signature") for word in
                 words(label(key, locale, type).replace("{page}", "1").replace("{pages}", "1"))}  # fmt: skip
    assert paper - words(Read(page(shown, theme=theme)).text) - for_paper == set()


def test_the_sums_and_the_lines_are_there() -> None:
    text = " ".join(Read(page(view("invoice", "de_DE", steps=STEPS))).text.split())
    assert "16 pc 348,35 −4 % 20 % 5.350,66" in text
    sums = text[text.index("30.000,00") :]
    assert sums.index("−1.500,00 €") < sums.index(" 49,66 €") < sums.index("28.549,66 €") < sums.index("34.013,09 €")
    assert "DE89 3704 0044 0532 0130 00" in text


def test_a_delivery_note_shows_no_price_whatever_its_columns() -> None:
    text = Read(page(view("delivery_note"), theme=Theme(columns=("quantity", "unit_price", "amount")))).text
    assert "348.35" not in text
    assert "34,013.09" not in text
    assert "16 pc" in text


def test_a_draft_says_so_and_an_issued_one_does_not() -> None:
    assert "BROUILLON" in Read(page(view("quote", "fr_FR", draft=True))).text
    assert "BROUILLON" not in Read(page(view("quote", "fr_FR"))).text


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_is_text_anywhere(name: str, place: str) -> None:
    text = HOSTILE[name]
    html = page(PLACES[place](view("invoice"), text))
    html.encode()
    read = Read(html)
    assert set(read.tags) <= TAGS
    assert {name for name, _ in read.attributes} <= ATTRIBUTES
    plain = Read(page(view("invoice"))).tags
    assert len(read.tags) <= len(plain) + 8  # a few more parts, and nothing that a text has made
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", html)
    seen = {letter for letter in text if letter.isprintable() and not letter.isspace()}
    assert seen - set(read.text) == set()


def test_it_stands_for_itself_and_nothing_in_it_acts() -> None:
    read = Read(page(view("invoice", logo=picture()), theme=Theme(payment_code=True)))
    assert not {"script", "link", "a", "iframe", "form", "object", "embed"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    (source,) = [value for name, value in read.attributes if name == "src"]
    assert source.startswith("data:image/png;base64,")
    html = page(view("invoice"))
    assert not re.search(r"url\(|@import|https?:", html)
    assert "default-src 'none'" in html
    assert read.tags.count("svg") == 1


def test_no_file_is_opened_and_no_line_is_dialled() -> None:
    page(view(logo=picture()))  # what is read once a process
    opened: list[object] = []
    listening = True

    def hear(event: str, args: tuple[object, ...]) -> None:
        if listening and (event == "open" or event.startswith(("socket.", "subprocess"))):
            opened.append((event, args))

    sys.addaudithook(hear)
    try:
        for name, text in HOSTILE.items():
            for place in PLACES.values():
                page(place(view("invoice", logo=picture()), text or name))
    finally:
        listening = False
    assert opened == []


def test_a_part_takes_its_colours_from_around_it_and_a_page_has_its_own() -> None:
    part, whole = page(view(), whole=False), page(view(), theme=Theme(accent="#14532d"))
    assert part.startswith('<article class="spd"')
    painted = re.findall(r"(?<![\w-])(?:color|background(?:-color)?):([^;}!]+)", part)
    assert set(painted) == {
        "inherit",
        "transparent",
        "var(--accent)",
        "#c0362c",
        "#fff",
    }  # the mark, and below the code
    for rule in re.findall(r"([^{}]+)\{", re.search("<style>(.*)</style>", part, re.DOTALL)[1]):
        assert all(selector.strip().startswith(".spd") for selector in rule.split(","))
    assert "prefers-color-scheme:dark" in whole
    assert "#14532d" in whole
    assert "prefers-color-scheme" not in part


def test_a_theme_says_its_words_colour_columns_and_foot() -> None:
    theme = Theme(texts={"quote": "Proposal"}, footer="All ours", columns=("amount",), logo="none")
    read = Read(page(view(logo=b"not read"), theme=theme))
    assert "Proposal" in read.text
    assert "All ours" in read.text
    assert "348.35" not in read.text


def test_a_logo_that_cannot_be_drawn_is_refused_by_document_and_part() -> None:
    with pytest.raises(RenderError) as caught:
        page(view("invoice", logo=b"GIF89a"))
    assert (caught.value.document, caught.value.part) == ("2026-00017", "logo")


def test_the_same_document_gives_the_same_page_and_a_long_one_all_its_lines() -> None:
    assert page(view("invoice", lines=1000)) == page(view("invoice", lines=1000))
    assert page(view("invoice", lines=1000)).count("<tr>") == 1000 + 1 + 3 + 3


def test_a_face_gives_the_page_of_a_draft_and_of_what_was_sent(sales: sp.Sales, deal: sp.Opportunity) -> None:
    draft = sales.documents.draft(deal, "invoice", locale="fr_FR", subject="<b>Racking</b>")
    html = sales.documents.html(draft)
    assert "&lt;b&gt;Racking&lt;/b&gt;" in html
    assert "BROUILLON" in html
    sent = sales.documents.mark_sent(draft)
    sales.settings.edit_organisation(name="Somebody else")
    html = sales.documents.html(sent.id, whole=False)
    assert "Northgate Ltd" in html
    assert "BROUILLON" not in html
    assert "10\u202f080,00" in html


def test_what_waits_for_approval_is_shown_to_nobody(sales: sp.Sales, deal: sp.Opportunity) -> None:
    order = sales.documents.request_approval(sales.documents.draft(deal, "purchase order"))
    with pytest.raises(sp.Refused, match="not drawn while its approval is pending"):
        sales.documents.html(order)


def test_its_files_ship() -> None:
    import salespipeline.render.page as module

    assert {".css", ".html.j2"} <= {
        file.name.removeprefix("page") for file in Path(module.__file__).parent.glob("page.*")
    }
