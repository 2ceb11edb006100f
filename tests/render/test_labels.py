"""Words on documents come from the document's language, and adding one needs a mapping or a .po file."""

from __future__ import annotations

from pathlib import Path

import pytest

from salespipeline.errors import Invalid
from salespipeline.render import labels
from salespipeline.render.labels import add_labels, label, languages

TYPES = (
    "quote",
    "pro_forma",
    "invoice",
    "purchase_order",
    "credit_note",
    "delivery_note",
    "application_for_payment",
)


@pytest.fixture(autouse=True)
def forget_added_labels(monkeypatch):
    monkeypatch.setattr(labels, "_added", {})
    labels._labels.cache_clear()
    yield
    labels._labels.cache_clear()


def own_keys(language: str) -> set[str]:
    return set(labels._read(labels._SHIPPED / f"{language}.po"))


def test_every_language_has_every_key():
    assert own_keys("fr") == own_keys("en") == own_keys("de")


def test_a_region_only_changes_words_that_its_language_has():
    regions = [tag for tag in languages() if "_" in tag]
    assert regions == ["de_CH", "en_GB"]
    for tag in regions:
        assert own_keys(tag) < own_keys(tag[:2]), tag


@pytest.mark.parametrize(
    ("locale", "titles"),
    [
        ("en_GB", ("Quotation", "Pro forma invoice", "Invoice", "Purchase order", "Credit note", "Delivery note",
                   "Application for payment")),
        ("fr_FR", ("Devis", "Facture pro forma", "Facture", "Bon de commande", "Avoir", "Bon de livraison",
                   "Demande de paiement")),
        ("de_DE", ("Angebot", "Proforma-Rechnung", "Rechnung", "Bestellung", "Rechnungskorrektur", "Lieferschein",
                   "Zahlungsanforderung")),
    ],
)  # fmt: skip
def test_the_seven_titles(locale, titles):
    assert tuple(label(type, locale) for type in TYPES) == titles


def test_a_type_may_have_its_own_word_for_a_key():
    assert label("due", "en", "quote") == "Valid until"
    assert label("due", "en", "invoice") == "Due date"
    assert label("due", "en") == "Due date"


@pytest.mark.parametrize(
    ("locale", "word"),
    [
        ("fr", "Facture"),
        ("fr_CA", "Facture"),
        ("fr-CA", "Facture"),
        ("FR_ca", "Facture"),
        ("de_CH", "Rechnung"),
        ("en_US", "Invoice"),
        ("xx", "Invoice"),
        ("", "Invoice"),
        ("../../fr", "Invoice"),
        ("fr/../de", "Invoice"),
        ("\ud800", "Invoice"),
        ("f" * 100_000, "Invoice"),
    ],
)
def test_regions_take_their_language_and_unknown_ones_english(locale, word):
    assert label("invoice", locale) == word


def test_a_region_differs_where_its_catalogue_says_so():
    assert (label("tax", "en_GB"), label("tax", "en_US"), label("total", "en_GB")) == ("VAT", "Tax", "Total")


def test_unknown_keys_print_as_they_are_and_case_does_not_matter():
    assert label("Vessel", "fr") == "Vessel"
    assert label("IBAN", "fr") == "IBAN"
    assert label("VAT", "de_DE") == "USt-IdNr."


def test_a_language_can_be_added_from_a_mapping():
    add_labels("es", {"invoice": "Factura", "due.quote": "Válido hasta"})
    assert label("invoice", "es_MX") == "Factura"
    assert label("due", "es_MX", "quote") == "Válido hasta"
    assert label("iban", "es_MX") == "IBAN"  # the rest is English
    assert "es" in languages()
    add_labels("es", {"quote": "Presupuesto"})
    assert (label("quote", "es"), label("invoice", "es")) == ("Presupuesto", "Factura")


def test_a_house_may_change_words_of_a_shipped_language():
    add_labels("en", {"quote": "Estimate"})
    assert label("quote", "en_GB") == "Estimate"
    assert label("quote", "fr") == "Devis"


def test_a_language_can_be_added_from_a_gettext_catalogue(tmp_path: Path):
    file = tmp_path / "es.po"
    file.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "net"\nmsgstr "Base"\n')
    add_labels("es", file)
    assert label("net", "es") == "Base"


@pytest.mark.parametrize("content", [b"msgid nonsense\n", b"\xff\xfe\x00", b'msgid "a"\nmsgstr "\xff"\n'])
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, content):
    file = tmp_path / "es.po"
    file.write_bytes(content)
    with pytest.raises(Invalid, match="cannot be read as a gettext catalogue"):
        add_labels("es", file)


def test_a_missing_file_and_a_malformed_tag_are_refused(tmp_path: Path):
    with pytest.raises(Invalid, match="cannot be read"):
        add_labels("es", tmp_path / "none.po")
    with pytest.raises(Invalid, match="not a language tag"):
        add_labels("../es", {})


@pytest.mark.parametrize(
    "page", ["Página {page}", "{page} {pages} {page}", "{0.__class__} {page} {pages}", "{page!r} {pages}"]
)
def test_page_numbers_need_exactly_their_two_places(page):
    with pytest.raises(Invalid, match="page"):
        add_labels("es", {"page": page})
