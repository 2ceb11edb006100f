"""Templates that an administrator keeps: checked when saved, versioned, chosen by type, purpose and language. (SPEC SET-10)"""

from __future__ import annotations

import email
import email.policy

import pytest

import salespipeline as sp
from salespipeline.domain.templates import MailTemplate
from salespipeline.errors import TemplateError
from salespipeline.mail import Attachment, InlineImage

TEXT = "Dear {{ buyer.name }},\nplease pay {{ document.total }}."


def read(mail):
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def body(mail, kind="plain"):
    return read(mail).get_body((kind,)).get_content().replace("\r\n", "\n")


@pytest.fixture
def url():
    return "memory:"  # words are the same on every store


@pytest.fixture
def templates(sales):
    return sales.settings.templates


@pytest.fixture
def invoice(sales, deal):
    return sales.documents.draft(deal, "invoice")


def test_the_words_that_fit_best_are_used(sales, templates, deal):
    def add(name, locale, purpose="send", type="invoice"):
        templates.add(name, type, subject=name, text=TEXT, locale=locale, purpose=purpose)

    def subject(locale):
        made = sales.documents.draft(deal, "invoice", locale=locale)
        return next(row.subject for row in sales.documents.all().plan_send_all() if row.document_id == made.id)

    assert subject("de_DE") == "Rechnung: New warehouse"
    add("any", "")
    add("German", "de")
    add("Austrian", "de-AT")
    add("receipt", "", "receipt")
    add("quote", "", type="pro_forma")
    assert [subject(locale) for locale in ("de_DE", "de_AT", "fr_FR")] == ["German", "Austrian", "any"]
    templates.archive("German")
    assert subject("de_DE") == "any"


def test_a_template_is_named_for_all_or_for_each_type(sales, templates, deal):
    templates.add("Polite", "invoice", subject="Polite", text=TEXT)
    templates.add("Short", "invoice", subject="Short", text=TEXT)
    sales.documents.draft(deal, "quote")
    sales.documents.draft(deal, "invoice")
    listing = sales.documents.order("created")
    assert [row.subject for row in listing.plan_send_all(template={"invoice": "short"})][1] == "Short"
    here = MailTemplate("here", "Written here", TEXT)
    assert [row.subject for row in listing.plan_send_all(template={"quote": here})] == ["Written here", "Polite"]
    first, second = listing.plan_send_all(template="Short")
    assert [reason.name for reason in first.reasons] == ["TEMPLATE"]
    assert "template 'Short' is for send of invoice: name one for each type" in first.detail
    assert second.subject == "Short"
    with pytest.raises(sp.Invalid, match=r"no template is called 'Shrot'.*Short"):
        listing.plan_send_all(template={"invoice": "Shrot"})
    with pytest.raises(sp.Invalid) as caught:
        listing.plan_send_all(template={"bill": "Short", "quote": 5}, purpose="remind")
    assert [problem.path for problem in caught.value.problems] == ["purpose", "template[bill]", "template[quote]"]


def test_what_is_wrong_with_the_facts_and_with_the_words_is_told_together(templates):
    with pytest.raises(sp.Invalid) as caught:
        templates.add(
            "a\0", "bill", subject=3, text="{{ nope }}\n{{ nor }}", html="{% if", css="a{", locale="??", full="yes"
        )
    told = [(problem.path, problem.code) for problem in caught.value.problems]
    assert told == [
        ("name", "control"), ("for_type", "choice"), ("locale", "locale"), ("subject", "type"), ("full", "type"),
        ("text:1", "template"), ("text:2", "template"), ("html:1", "template"), ("css:1", "template"),
    ]  # fmt: skip
    kept = templates.add("Polite", "invoice", subject="Polite", text=TEXT)
    with pytest.raises(sp.Invalid) as caught:
        templates.edit(kept, locale="??", text="{{ nope }}")
    assert [problem.path for problem in caught.value.problems] == ["locale", "text:1"]
    assert list(templates) == [kept]


def test_everything_that_is_wrong_is_told_at_once_with_part_and_line(templates):
    with pytest.raises(sp.Invalid) as caught:
        templates.add(
            "bad",
            "quote",
            subject="{{ document.refrence }}",
            text="Dear {{ buyr.name }},\n{% if document.due %}now{% endif %}\n{{ document.total | shout }}",
            html="<p>\n<a href={{ document.subject }}>{{ x() }}</a>\n{{ document.accept_link }}</p>",
            css="p { background: url(https://t.example/x.png) }\n@import 'x'",
        )
    assert [problem.path for problem in caught.value.problems] == [
        "subject:1", "text:1", "text:2", "text:3", "text", "html:2", "html:2", "css:1", "css:2"
    ]  # fmt: skip
    said = [problem.message for problem in caught.value.problems]
    assert "this has no part 'refrence'; there are accept_link," in said[0]
    assert "in line 2: {% if %} are for full templates, of authors who are trusted" in said[2]
    assert "there is no filter 'shout'; there are capitalize," in said[3]
    assert said[4] == (
        "the text of template 'bad' cannot be filled: a quote shows where to accept it: put {{ document.accept_link }} in"
    )
    assert list(templates) == []


def test_a_quote_without_a_link_says_so(templates):
    words = {"subject": "Quote", "text": "Dear {{ buyer.name }}"}
    with pytest.raises(sp.Invalid, match="shows where to accept it"):
        templates.add("by hand", "quote", **words)
    kept = templates.add("by hand", "quote", without_link=True, **words)
    assert templates.check(kept) == ()
    with pytest.raises(sp.Invalid, match="shows where to accept it"):
        templates.edit(kept, without_link=False)


def test_a_value_that_cannot_be_written_is_found_by_trying(templates):
    with pytest.raises(sp.Invalid, match="in line 1: money takes an amount") as caught:
        templates.add("typed", "invoice", subject="x", text="{{ document.reference | money }}")
    assert caught.value.problems[0].path == "text:1"


def test_full_words_are_for_those_who_say_so(templates, invoice):
    loops = "{% for line in lines %}{{ line.description }}: {{ line.quantity * 2 }}\n{% endfor %}"
    with pytest.raises(sp.Invalid, match=r"\{% for %\} are for full templates"):
        templates.add("rows", "invoice", subject="s", text=loops)
    kept = templates.add("rows", "invoice", subject="s", text=loops, full=True)
    assert templates.preview(kept, invoice).bodies.text == "Racking, bay: 80\n"


def test_what_is_planned_keeps_its_words_and_the_delivery_tells_their_version(sales, templates, invoice, post):
    mailer = post()
    templates.add("Ours", "invoice", subject="First words", text=TEXT)
    plan = sales.documents.where(type="invoice").plan_send_all()
    batch = plan.queue()
    templates.edit("Ours", subject="Second words", text="{{ document.net }}")
    templates.delete("Ours")
    report = sales.deliveries.resume(batch)
    assert [row.subject for row in report] == ["First words"]
    words = sales.deliveries.words(report.rows[0].delivery_id)
    assert (words.name, words.version, words.subject, words.text) == ("Ours", 1, "First words", TEXT)
    assert body(mailer.sent[0]) == "Dear Acme Ltd,\nplease pay £10,080.00.\n"


def test_every_version_can_be_read_again(templates):
    templates.add("Ours", "invoice", subject="1", text=TEXT)
    templates.edit("Ours", subject="2")
    templates.edit("Ours", locale="de")
    assert [(one.version, one.subject, one.locale) for one in templates.versions("Ours")] == [
        (1, "1", ""), (2, "2", ""), (3, "2", "de")
    ]  # fmt: skip


def test_images_and_files_of_a_template_go_with_every_mail(sales, templates, invoice, post):
    mailer = post()
    logo, terms = InlineImage("logo@us", b"png"), Attachment("terms.pdf", b"%PDF-terms", "application/pdf")
    html = '<p><img src="cid:logo@us" alt="us"> {{ document.total }}</p>'
    with pytest.raises(sp.Invalid, match="shows no image 'logo@us'"):
        templates.add("Ours", "invoice", subject="s", text=TEXT, images=[logo])
    templates.add("Ours", "invoice", subject="s", text=TEXT, html=html, images=[logo], attachments=[terms])
    (row,) = plan = sales.documents.where(type="invoice").plan_send_all()
    assert [str(file) for file in row.files] == ["invoice.pdf", "logo@us (1 kB)", "terms.pdf (1 kB)"]
    plan.run()
    (mail,) = mailer.sent
    assert b"Content-ID: <logo@us>" in mail.content
    assert [part.get_filename() for part in read(mail).iter_attachments()] == ["INV-00001.pdf", "terms.pdf"]
    kept = templates.edit("Ours", attachments=[])
    assert [one.name for one in kept.enclosures] == ["logo@us"]


def test_styles_are_written_into_the_tags(templates, invoice):
    pytest.importorskip("css_inline", reason="pip install 'salespipeline[css]'")
    html = '<style>@media print{p{color:black}}</style><p class="sum">{{ document.total }} {{ document.subject }}</p>'
    made = templates.add(
        "Ours", "invoice", subject="s", text=TEXT, html=html, css=".sum { color: #0c4a6e } p { margin: 0 }"
    )
    shown = templates.preview(made, invoice).bodies.html
    assert '<p class="sum" style="margin: 0;color: #0c4a6e">£10,080.00 New warehouse</p>' in shown.replace(';"', '"')
    assert "@media print{p{color:black}}" in shown
    with pytest.raises(sp.Invalid, match="there is no HTML that it could be written into"):
        templates.edit(made, html=None)
    with pytest.raises(sp.Invalid, match=r"as many \{ as \}"):
        templates.edit(made, css="p { margin: 0")


def test_styles_that_would_take_long_are_refused(templates, sales, invoice):
    pytest.importorskip("css_inline", reason="pip install 'salespipeline[css]'")
    css = "".join(f"p{{a{at}:b}}" for at in range(1000))
    with pytest.raises(sp.Invalid, match="so many rules are too much for so long a page"):
        templates.add("bomb", "invoice", subject="s", text=TEXT, html="<p>x</p>" * 200, css=css)


def test_without_the_library_for_styles_it_says_what_to_install(templates, monkeypatch):
    import sys

    from salespipeline.render import styles

    styles._inliner.cache_clear()
    monkeypatch.setitem(sys.modules, "css_inline", None)
    with pytest.raises(sp.Invalid, match=r"pip install 'salespipeline\[css\]'"):
        templates.add("Ours", "invoice", subject="s", text=TEXT, html="<p>x</p>", css="p{margin:0}")
    styles._inliner.cache_clear()


def test_a_preview_is_of_a_real_record_whatever_stands_in_its_way(sales, templates, deal):
    quote = sales.documents.draft(deal, "quote")
    sales.documents.hold(quote)
    made = MailTemplate("here", "{{ document.reference }}", "{{ document.total }}")
    letter = templates.preview(made, quote.id)
    assert (letter.subject, letter.bodies.text) == ("QUO/00001", "£10,080.00")
    assert letter.pdfs[0].startswith(b"%PDF-")
    with pytest.raises(TemplateError, match="in line 1: there is no value to show here"):
        templates.preview(MailTemplate("here", "s", "{{ document.accepted_on }}"), quote.id)
    assert templates.check(MailTemplate("here", "s", "{{ x }}"))[0].line == 1


def test_words_for_several_documents_are_a_type_of_their_own(sales, templates, deal):
    for type in ("quote", "invoice"):
        sales.documents.draft(deal, type)
    templates.add(
        "Both", "several", subject="{{ documents | length }} documents", text="{% for one in documents %}{{ one.total }} {% endfor %}",
        full=True,
    )  # fmt: skip
    plan = sales.documents.all().plan_send_all(together=True)
    assert {row.subject for row in plan} == {"2 documents"}
    assert plan.preview().bodies.text == "£10,080.00 £10,080.00 "
    assert [file.name for file in plan.rows[0].files] == ["QUO-00001.pdf", "invoice.pdf"]
