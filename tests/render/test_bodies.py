"""Bodies of mails say exactly this, show what records hold as text, and check templates before they are used."""

from __future__ import annotations

import re
import textwrap
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.errors import TemplateError
from salespipeline.money import Money
from salespipeline.ports import DocumentView, LineView, PartyView, TaxView
from salespipeline.render.bodies import (
    PLACEHOLDERS,
    MailTemplate,
    check_template,
    default_template,
    render_bodies,
    template_data,
)
from salespipeline.render.filters import FILTERS
from salespipeline.render.placeholders import example

TYPES = ("quote", "pro_forma", "invoice", "purchase_order", "credit_note", "delivery_note", "application_for_payment")
LOCALES = ("en_GB", "fr_FR", "de_DE")
GUIDE = Path(__file__).parents[2] / "docs" / "mail-templates.md"


def view(type: str = "quote", locale: str = "en_GB", currency: str = "EUR", **changes: object) -> DocumentView:
    """Return 16 × 348.35 − 4 % and 2.5 × 680.00, both at 22 %. (SPEC MON-3)"""
    net = Money("5350.66", currency), Money("1700.00", currency)
    lines = (
        LineView(description="Pallet racking, bay of 3.6 m, 4 levels", quantity=Decimal(16), unit_price=Decimal("348.35"),
                 net=net[0], unit="pc", discount_percent=Decimal(4), tax_percent=Decimal(22)),
        LineView(description="Installation\nincluding travel", quantity=Decimal("2.5"), unit_price=Decimal(680),
                 net=net[1], tax_percent=Decimal(22)),
    )  # fmt: skip
    tax, total = Money("1551.15", currency), Money("8601.81", currency)
    facts: dict[str, object] = {
        "type": type, "reference": "X/00017", "locale": locale, "subject": "New warehouse",
        "seller": PartyView(
            name="Northgate & Sons Ltd", address=("Unit 4", "Leeds"), email="sales@northgate.example",
            phone="+44 113 496 0000", website="https://northgate.example", ids=(("vat", "GB 123"),),
        ),
        "buyer": PartyView(name="Müßig GmbH", person="Eva Lindqvist"),
        "lines": lines, "taxes": (TaxView(percent=Decimal(22), net=net[0] + net[1], tax=tax),),
        "net": net[0] + net[1], "tax": tax, "total": total,
        "date": date(2026, 11, 24), "due": date(2026, 12, 24), "note": "Thank you for the visit.",
        "payment": (("bank", "Example Bank"), ("iban", "GB33 BUKB 2020")),
    }  # fmt: skip
    return DocumentView(**(facts | changes))


def mail(type: str = "quote", locale: str = "en_GB", **changes: object) -> tuple[str, str, str]:
    made = render_bodies(default_template(type, locale), template_data(view(type, locale, **changes)))
    assert made.html is not None
    return made.subject, made.text, made.html


class Page(HTMLParser):
    """What a mail program sees: the tags, their attributes, and the words between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words += data + " "


def words_of(html: str) -> str:
    return re.sub("[ \n]+", " ", Page(html).words)


# --- the default mails ------------------------------------------------------------------------------------

ENGLISH = """\
Dear Eva Lindqvist,

Thank you for your enquiry. Our quotation is attached.

Quotation X/00017
New warehouse

Date                  24 November 2026
Valid until           24 December 2026

----------------------------------------------------------------
Pallet racking, bay of 3.6 m, 4 levels
  16 pc × 348.35 − 4%                                  €5,350.66
Installation
including travel
  2.5 × 680.00                                         €1,700.00
----------------------------------------------------------------
Subtotal                                               €7,050.66
VAT 22%                                                €1,551.15
TOTAL                                                  €8,601.81
----------------------------------------------------------------

Thank you for the visit.

To accept the quotation, or to change anything, simply reply to this
mail.

Kind regards
Northgate & Sons Ltd
+44 113 496 0000
sales@northgate.example
https://northgate.example
"""
GERMAN = """\
Guten Tag Eva Lindqvist,

anbei erhalten Sie unsere Rechnung. Vielen Dank für Ihren Auftrag.

Rechnung X/00017
New warehouse

Rechnungsdatum        24. November 2026
Fällig am             24. Dezember 2026

----------------------------------------------------------------
Pallet racking, bay of 3.6 m, 4 levels
  16 pc × 348,35 − 4\u00a0%                                5.350,66\u00a0€
Installation
including travel
  2,5 × 680,00                                        1.700,00\u00a0€
----------------------------------------------------------------
Nettosumme                                            7.050,66\u00a0€
Umsatzsteuer 22\u00a0%                                     1.551,15\u00a0€
GESAMTBETRAG                                          8.601,81\u00a0€
----------------------------------------------------------------

Thank you for the visit.

Zahlungsangaben
  Bank                Example Bank
  IBAN                GB33 BUKB 2020

Bitte geben Sie bei der Zahlung die Rechnungsnummer an. Bei Fragen
antworten Sie einfach auf diese Nachricht.

Mit freundlichen Grüßen
Northgate & Sons Ltd
+44 113 496 0000
sales@northgate.example
https://northgate.example
"""
FRENCH = """\
Bonjour Eva Lindqvist,

vous trouverez notre bon de livraison en pièce jointe.

Bon de livraison X/00017
New warehouse

Date                  24 novembre 2026
Date de livraison     24 décembre 2026

----------------------------------------------------------------
Pallet racking, bay of 3.6 m, 4 levels
  16 pc
Installation
including travel
  2,5
----------------------------------------------------------------

Thank you for the visit.

Merci de vérifier la marchandise à son arrivée. S’il manque quelque
chose, il suffit de répondre à ce message.

Bien cordialement
Northgate & Sons Ltd
+44 113 496 0000
sales@northgate.example
https://northgate.example
"""


@pytest.mark.parametrize(
    ("type", "locale", "text"),
    [("quote", "en_GB", ENGLISH), ("invoice", "de_DE", GERMAN), ("delivery_note", "fr_FR", FRENCH)],
)
def test_the_whole_text_of_one_mail_in_each_language(type, locale, text):
    assert mail(type, locale)[1] == text


EN, FR, DE = "€8,601.81", "8\u202f601,81\u00a0€", "8.601,81\u00a0€"
ASK = ("If anything is unclear, simply reply to this mail.", "Pour toute question, il suffit de répondre à ce message.",
       "Bei Fragen antworten Sie einfach auf diese Nachricht.")  # fmt: skip
SAID = {
    ("quote", "en_GB"): ("Quotation", "Thank you for your enquiry. Our quotation is attached.",
        "To accept the quotation, or to change anything, simply reply to this mail.", f"Total {EN}", "Valid until"),
    ("quote", "fr_FR"): ("Devis", "nous vous remercions de votre demande. Vous trouverez notre devis en pièce jointe.",
        "Pour accepter le devis, ou pour toute modification, il suffit de répondre à ce message.", f"Total TTC {FR}",
        "Valable jusqu’au"),
    ("quote", "de_DE"): ("Angebot", "vielen Dank für Ihre Anfrage. Anbei erhalten Sie unser Angebot.",
        "Um das Angebot anzunehmen oder etwas zu ändern, antworten Sie einfach auf diese Nachricht.",
        f"Gesamtbetrag {DE}", "Gültig bis"),
    ("pro_forma", "en_GB"): ("Pro forma invoice", "Our pro forma invoice is attached.", ASK[0], f"Total {EN}", "Valid until"),
    ("pro_forma", "fr_FR"): ("Facture pro forma", "vous trouverez notre facture pro forma en pièce jointe.", ASK[1],
        f"Total TTC {FR}", "Valable jusqu’au"),
    ("pro_forma", "de_DE"): ("Proforma-Rechnung", "anbei erhalten Sie unsere Proforma-Rechnung.", ASK[2],
        f"Gesamtbetrag {DE}", "Gültig bis"),
    ("invoice", "en_GB"): ("Invoice", "Our invoice is attached. Thank you for your business.",
        f"Please state the invoice number with your payment. {ASK[0]}", f"Total {EN}", "Due date"),
    ("invoice", "fr_FR"): ("Facture", "vous trouverez notre facture en pièce jointe. Nous vous remercions de votre confiance.",
        f"Merci de rappeler le numéro de la facture lors du règlement. {ASK[1]}", f"Total TTC {FR}", "Échéance"),
    ("invoice", "de_DE"): ("Rechnung", "anbei erhalten Sie unsere Rechnung. Vielen Dank für Ihren Auftrag.",
        f"Bitte geben Sie bei der Zahlung die Rechnungsnummer an. {ASK[2]}", f"Gesamtbetrag {DE}", "Fällig am"),
    ("purchase_order", "en_GB"): ("Purchase order", "Our purchase order is attached.",
        "Please confirm the order by replying to this mail.", f"Total {EN}", "Deliver by"),
    ("purchase_order", "fr_FR"): ("Bon de commande", "vous trouverez notre bon de commande en pièce jointe.",
        "Merci de confirmer la commande en répondant à ce message.", f"Total TTC {FR}", "À livrer avant le"),
    ("purchase_order", "de_DE"): ("Bestellung", "anbei erhalten Sie unsere Bestellung.",
        "Bitte bestätigen Sie die Bestellung mit einer Antwort auf diese Nachricht.", f"Gesamtbetrag {DE}", "Liefertermin"),
    ("credit_note", "en_GB"): ("Credit note", "Our credit note is attached.", ASK[0], f"Total credit {EN}", "Due date"),
    ("credit_note", "fr_FR"): ("Avoir", "vous trouverez notre avoir en pièce jointe.", ASK[1], f"Total de l’avoir {FR}",
        "Échéance"),
    ("credit_note", "de_DE"): ("Rechnungskorrektur", "anbei erhalten Sie unsere Rechnungskorrektur.", ASK[2],
        f"Gutschriftsbetrag {DE}", "Fällig am"),
    ("delivery_note", "en_GB"): ("Delivery note", "Our delivery note is attached.",
        "Please check the goods when they arrive. If anything is missing, simply reply to this mail.", "2.5", "Delivery date"),
    ("delivery_note", "fr_FR"): ("Bon de livraison", "vous trouverez notre bon de livraison en pièce jointe.",
        "Merci de vérifier la marchandise à son arrivée. S’il manque quelque chose, il suffit de répondre à ce message.",
        "2,5", "Date de livraison"),
    ("delivery_note", "de_DE"): ("Lieferschein", "anbei erhalten Sie unseren Lieferschein.",
        "Bitte prüfen Sie die Ware bei der Ankunft. Fehlt etwas, antworten Sie einfach auf diese Nachricht.",
        "2,5", "Lieferdatum"),
    ("application_for_payment", "en_GB"): ("Application for payment", "Our application for payment is attached.",
        f"Please state the number of the application with your payment. {ASK[0]}", f"Total {EN}", "Due date"),
    ("application_for_payment", "fr_FR"): ("Demande de paiement", "vous trouverez notre demande de paiement en pièce jointe.",
        f"Merci de rappeler le numéro de la demande lors du règlement. {ASK[1]}", f"Total TTC {FR}", "Échéance"),
    ("application_for_payment", "de_DE"): ("Zahlungsanforderung", "anbei erhalten Sie unsere Zahlungsanforderung.",
        f"Bitte geben Sie bei der Zahlung die Nummer der Anforderung an. {ASK[2]}", f"Gesamtbetrag {DE}", "Fällig am"),
}  # fmt: skip


def test_every_type_is_said_in_every_language():
    assert set(SAID) == {(type, locale) for type in TYPES for locale in LOCALES}


@pytest.mark.parametrize(("type", "locale"), SAID)
def test_what_each_mail_says(type, locale):
    title, opening, closing, amount, due = SAID[type, locale]
    subject, text, html = mail(type, locale)
    assert subject == f"{title} X/00017: New warehouse"
    day = {"en_GB": "24 December 2026", "fr_FR": "24 décembre 2026", "de_DE": "24. Dezember 2026"}[locale]
    for said in (re.sub("[ \n]+", " ", text), words_of(html)):
        for sentence in (f"{title} X/00017", opening, closing, f"{due} {day}", "Thank you for the visit."):
            assert sentence in said
        assert amount.casefold() in said.casefold()
        assert ("8601" in re.sub("[\u202f,. ]", "", said)) == (type != "delivery_note")
        assert ("GB33 BUKB 2020" in said) == (type in ("invoice", "pro_forma", "application_for_payment"))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("type", TYPES)
def test_a_mail_is_laid_out_for_mail_programs(type, locale):
    _subject, text, html = mail(type, locale)
    page = Page(html)
    assert page.open == []  # every tag is closed, in order
    assert not {"img", "script", "link", "iframe", "video", "form", "svg"} & set(page.tags)
    assert not re.search(r"url\(|@import|@font-face|\bsrc=|background=", html)
    links = [value for name, value in page.attributes if name == "href"]
    assert links == ["mailto:sales@northgate.example", "https://northgate.example"]
    assert ("lang", locale[:2]) in page.attributes
    assert "prefers-color-scheme:dark" in html
    assert 'content="light dark"' in html
    assert "max-width:600px" in html
    assert page.tags.count("table") == page.attributes.count(("role", "presentation"))
    assert len(html.encode()) < 20_000  # far below the 102 KB at which some cut a mail
    assert max(map(len, html.splitlines())) < 990
    assert "\n\n\n" not in text
    assert text.endswith("example\n")
    assert all(len(line) <= 72 and line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"due": None}, ["Valid until"]),
        ({"date": None}, ["Date"]),
        ({"taxes": ()}, ["Subtotal", "VAT 22%"]),
        ({"note": ""}, ["Thank you for the visit."]),
        ({"lines": ()}, ["Pallet racking"]),
        ({"lines": view().lines * 7}, ["Pallet racking"]),  # fourteen are for the document alone
        ({"subject": ""}, ["New warehouse"]),
        ({"reference": ""}, ["X/00017"]),
        ({"buyer": PartyView(name="")}, ["Eva"]),
        ({"seller": PartyView(name="N")}, ["northgate", "+44", "href"]),
    ],
)
def test_what_is_missing_leaves_no_trace(changes, gone):
    subject, text, html = mail(**changes)
    for word in gone:
        assert word not in subject + text
        assert word not in words_of(html)
    assert "None" not in text + html
    assert "\n\n\n" not in text
    assert ": \n" not in text
    Page(html)


def test_nobody_in_particular_is_greeted_politely():
    assert [mail("quote", locale, buyer=PartyView(name="Acme"))[1].splitlines()[0] for locale in LOCALES] == [
        "Dear Sir or Madam,",
        "Madame, Monsieur,",
        "Sehr geehrte Damen und Herren,",
    ]


def test_a_quote_without_number_or_subject_still_has_a_subject():
    assert mail(reference="", subject="")[0] == "Quotation"


def test_an_unknown_language_is_english_with_international_numbers():
    _subject, text, html = mail("invoice", "xx_XX")
    assert "Dear Eva Lindqvist," in text
    assert "€8,601.81" in text
    assert "24 December 2026" in text
    assert '<html lang="en">' in html


@pytest.mark.parametrize(
    ("currency", "locale", "amount", "shown"),
    [
        ("JPY", "en_GB", "1234567", "JP¥1,234,567"),
        ("KWD", "en_GB", "1234.5", "KWD\u00a01,234.500"),
        ("CHF", "de_CH", "1234567.5", "CHF\u00a01’234’567.50"),
        ("INR", "en_IN", "1234567", "₹12,34,567.00"),
        ("GBP", "fr_FR", "-1446.38", "-1\u202f446,38\u00a0£GB"),
    ],
)
def test_amounts_are_written_as_the_document_writes_them(currency, locale, amount, shown):
    total = Money(amount, currency)
    none = Money("0", currency)
    _subject, text, html = mail("invoice", locale, currency="EUR", total=total, net=total, tax=none, taxes=(), lines=())
    row = next(line for line in text.splitlines() if line.endswith(shown))
    assert len(row) == 64
    assert shown in words_of(html)


# --- what records hold ------------------------------------------------------------------------------------

NASTY = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text(st.sampled_from("<>&\"'`{}%#/\\\r\n\t\0\x0b\x85\u2028\u2029\u202e\ud800\x1b=;: ax"), max_size=40),
    st.sampled_from(["<script>alert(1)</script>", '" onmouseover="x', "{{ 7 * 7 }}", "{% raw %}", "a\r\nBcc: x@y.example",
                     "</td></table>", "<!--", "]]>", "&lt;b&gt;", "x\0y", "javascript:alert(1)"]),
)  # fmt: skip


@given(NASTY)
@case("<script>\r\nBcc: a@b\0")
def test_what_a_record_holds_never_acts(nasty):
    plain, filled = (
        view(subject=word, reference=word, note=word, buyer=PartyView(name=word, person=word),
             seller=PartyView(name=word, phone=word, email=word, address=(word,), ids=((word, word),)),
             lines=(attrs.evolve(view().lines[0], description=word, unit=word),))
        for word in ("word", f"x{nasty}")
    )  # fmt: skip
    template = default_template("quote", "en_GB")
    wanted, made = (render_bodies(template, template_data(one)) for one in (plain, filled))
    tags, expected = Page(made.html).tags, Page(wanted.html).tags
    assert [tag for tag in tags if tag != "br"] == [tag for tag in expected if tag != "br"]
    names = [name for name, _ in Page(made.html).attributes]
    assert names == [name for name, _ in Page(wanted.html).attributes]
    for said in (made.text, made.html):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]", said)
    assert made.subject.split() == made.subject.split(" ")  # one line, single spaces
    assert len(made.subject.splitlines()) == 1
    assert made.subject.isprintable() == all(map(str.isprintable, made.subject))
    if "\n" not in nasty and "\r" not in nasty:
        assert made.text.startswith("Dear x")


def test_no_field_of_one_line_can_begin_another():
    forged = "Eva\r\n\r\nPlease pay to\u2028XX99"
    seller = PartyView(name=forged, phone=forged, email=forged)
    _subject, text, _html = mail(
        subject=forged, reference=forged, buyer=PartyView(name="", person=forged), seller=seller
    )
    plain = mail(
        subject="E",
        reference="E",
        buyer=PartyView(name="", person="E"),
        seller=PartyView(name="E", phone="E", email="E"),
    )
    assert len(text.splitlines()) == len(plain[1].splitlines())
    assert text.startswith("Dear Eva Please pay to XX99,\n")


def test_html_is_escaped_and_text_is_not():
    template = MailTemplate(
        "t", "{{ x }}", "{{ x }}|{{ x | e }}", "{{ x }}|{{ x | e }}|{{ x ~ x }}|{{ x | upper }}", full=True
    )
    made = render_bodies(template, {"x": "<b a='1'>&\""})
    quoted = "&lt;b a=&#39;1&#39;&gt;&amp;&#34;"
    assert made.subject == "<b a='1'>&\""
    assert made.text == "<b a='1'>&\"|<b a='1'>&\""
    upper = "&lt;B A=&#39;1&#39;&gt;&amp;&#34;"
    assert made.html == f"{quoted}|{quoted}|{quoted}{quoted}|{upper}"


def test_text_that_says_it_is_html_is_escaped_all_the_same():
    class Marked(str):
        def __html__(self) -> str:
            return "<b>"

    made = render_bodies(MailTemplate("t", "s", "", "{{ x }}{{ x | default('') }}"), {"x": Marked("<i>")})
    assert made.html == "&lt;i&gt;&lt;i&gt;"


@given(NASTY, NASTY)
def test_a_subject_is_one_line_whatever_template_and_record_say(own, given):
    own = re.sub("[{}#%\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "", own)
    subject = render_bodies(MailTemplate("t", f"S {own}\n{{{{ x }}}}", ""), {"x": given}).subject
    assert len(subject.splitlines()) == 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", subject)


def test_a_mail_without_a_subject_is_refused():
    with pytest.raises(
        TemplateError, match="the subject of template 'empty' cannot be filled in line 1: it says nothing"
    ):
        render_bodies(MailTemplate("empty", " {{ x }} ", ""), {"x": "\r\n"})


def test_links_lead_only_to_the_web_a_mailbox_or_a_telephone():
    template = MailTemplate("t", "s", "", '<a href="{{ x | url }}">')
    for good in ("https://a.example/?b=1&c=2", "HTTP://a.example", "mailto:a@b.example", "tel:+44113"):
        assert render_bodies(template, {"x": good}).html == f'<a href="{good.replace("&", "&amp;")}">'
    for bad in ("javascript:alert(1)", " https://a", "https://a b", 'https://a"', "//a", "a.example", "", "data:x"):
        with pytest.raises(TemplateError, match="a link begins with https://"):
            render_bodies(template, {"x": bad})


# --- checking, before any record is at hand ---------------------------------------------------------------


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("type", TYPES)
def test_the_default_templates_pass_their_own_check(type, locale):
    assert check_template(default_template(type, locale)) == ()


def test_every_wrong_name_is_found_with_its_line():
    template = MailTemplate(
        "typos",
        "{{ document.refrence }}",
        "{{ buyr.name }}\n{% for line in lines %}\n{{ line.price }}{{ loop.indx }}\n{% endfor %}\n{{ line.net }}",
        "<p>\n{{ buyer.name.first }}\n{{ document.date | default('') }}{{ 'x' if x is defined else '' }}</p>",
        full=True,
    )
    found = [str(error).partition(" of template 'typos' cannot be filled in ") for error in check_template(template)]
    assert [(part, message.split(";")[0]) for part, _, message in found] == [
        ("the subject", "line 1: this has no part 'refrence'"),
        ("the text", "line 1: there is no 'buyr'"),
        ("the text", "line 3: this has no part 'indx'"),
        ("the text", "line 3: this has no part 'price'"),
        ("the text", "line 5: there is no 'line'"),
        ("the HTML", "line 2: this has no part 'first'"),
    ]
    assert [error.line for error in check_template(template)] == [1, 1, 3, 3, 5, 2]


def test_a_syntax_error_is_found_in_each_part():
    template = MailTemplate("t", "{{ x", "\n{% if %}", "\n\n<a href={{ document.subject }}>", full=True)
    assert [error.line for error in check_template(template)] == [1, 2, 3]


def test_a_host_may_add_names_of_its_own():
    template = MailTemplate(
        "t", "s", "{{ accept_url | url }}{% set y = accept_url %}{% with z = y %}{{ z }}{% endwith %}", full=True
    )
    assert [str(error).count("there is no 'accept_url'") for error in check_template(template)] == [1]
    assert check_template(template, more=["accept_url"]) == ()


@given(st.sampled_from(sorted(PLACEHOLDERS)), st.sampled_from(["", "x", "net", "__class__"]))
def test_what_the_check_lets_through_can_be_filled(name, more):
    """The check and the sandbox agree on every name, right or wrong."""
    path = name.replace("[]", "[0]") + (f".{more}" if more else "")
    template = MailTemplate("t", "s", f"{{% if {path} %}}{{% endif %}}", full=True)
    try:
        render_bodies(template, example())
    except TemplateError:
        assert check_template(template)
    else:
        assert check_template(template) == ()


# --- what the guide says ----------------------------------------------------------------------------------


def names_of(value: object, path: str = "") -> set[str]:
    if isinstance(value, dict) and value.keys() != {"amount", "currency"}:
        return {name for key, one in value.items() for name in names_of(one, f"{path}.{key}" if path else key)}
    if isinstance(value, list):
        return {name for one in value for name in names_of(one, f"{path}[]")}
    return {path}


def folded(names):
    """Return *names* with those of each of the documents as one, after seeing that they are those of the document."""
    parts = {name.removeprefix("document.") for name in names if name.startswith("document.")}
    assert {name.removeprefix("documents[].") for name in names if name.startswith("documents[]")} == parts
    return {"documents[]" if name.startswith("documents[]") else name for name in names}


def test_the_placeholders_are_what_templates_get():
    assert folded(names_of(example())) == set(PLACEHOLDERS)
    assert folded(names_of(template_data(view()))) == set(PLACEHOLDERS) - {
        "buyer.address[]", "buyer.ids[].label", "buyer.ids[].value"
    }  # fmt: skip


def test_the_guide_lists_every_placeholder_and_every_filter():
    text = GUIDE.read_text("utf-8")
    rows = dict(re.findall(r"^\| (`.+?`) \| (.+) \|$", text, re.MULTILINE))
    for name, meaning in PLACEHOLDERS.items():
        assert rows.pop(f"`{name}`") == meaning
    assert {name for key in rows for name in re.findall("`([a-z]+)", key)} == set(FILTERS)


def test_the_templates_of_the_guide_work():
    examples = re.findall(r"```(jinja|html)\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 2
    for kind, source in examples:
        template = MailTemplate(
            "guide", "s", *(("", source) if kind == "html" else (textwrap.dedent(source),)), full=True
        )
        assert check_template(template) == ()
        render_bodies(template, template_data(view()))
