"""What becomes what: the business terms of some invoices, word by word. (EN 16931)"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.einvoice.kinds import KINDS

from salespipeline.einvoice import profile_of, terms_of
from salespipeline.einvoicing import invoice_of
from salespipeline.views import view_of


def terms(kind: str) -> dict[str, Any]:
    sales, document = KINDS[kind]()
    with sales.work(write=False) as work:
        return terms_of(invoice_of(work, document), profile_of(document))


def some(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def test_an_invoice_in_full() -> None:
    found = terms("discount on a line")
    assert found.pop("BG-25") == [
        {
            "BT-126": "1", "BT-129": "16", "BT-130": "C62", "BT-131": "5350.66", "BT-146": "348.35", "BT-151": "S", "BT-152": "20",
            "BT-153": "Table en chêne",
            "BG-27": [{"amount": "222.94", "base_amount": "5573.60", "rate": "4", "reason": "Remise", "reason_code": "95"}],
        },
        {
            "BT-126": "2", "BT-129": "2", "BT-130": "C62", "BT-131": "18.48", "BT-146": "9.99", "BT-151": "S", "BT-152": "20",
            "BT-153": "Table en chêne", "BG-27": [{"amount": "1.50", "reason": "Remise", "reason_code": "95"}],
        },
    ]  # fmt: skip
    assert found == {
        "BT-1": "INV/00001", "BT-2": date(2026, 11, 24), "BT-3": "380", "BT-5": "EUR", "BT-9": date(2026, 12, 24),
        "BT-23": "M1", "BT-81": "58", "BT-83": "INV/00001", "BT-84": "FR1420041010050500013M02606",
        "BT-85": "Menuiserie du Quai SARL", "BT-86": "PSSTFRPPXXX",
        "BG-1": [
            {"BT-21": "PMT", "BT-22": "Indemnité forfaitaire pour frais de recouvrement : 40 €"},
            {"BT-21": "PMD", "BT-22": "Pénalités de retard : trois fois le taux d’intérêt légal"},
            {"BT-21": "AAB", "BT-22": "Pas d’escompte pour paiement anticipé"},
        ],
        "BG-4": {
            "name": "Menuiserie du Quai SARL", "identifiers": {"0009": "40483304800022"}, "legal_identifier": "404833048",
            "legal_identifier_schemeid": "0002", "vat_identifier": "FR83404833048", "einvoicing_addr": "404833048",
            "einvoicing_addr_schemeid": "0225", "contacts": [{"phone": "+33 2 40 00 00 00", "email": "compta@quai.example"}],
            "addr_l1": "1 quai de la Loire", "postcode": "44000", "city": "Nantes", "country_code": "FR",
        },
        "BG-7": {
            "name": "Client FR", "legal_identifier": "732829320", "legal_identifier_schemeid": "0002",
            "vat_identifier": "FR44732829320", "einvoicing_addr": "732829320", "einvoicing_addr_schemeid": "0225",
            "addr_l1": "5 rue du Port", "postcode": "69001", "city": "Lyon", "country_code": "FR",
        },
        "BG-23": [{"BT-116": "5369.14", "BT-117": "1073.83", "BT-118": "S", "BT-119": "20"}],
        "BT-106": "5369.14", "BT-109": "5369.14", "BT-110": "1073.83", "BT-112": "6442.97", "BT-115": "6442.97",
    }  # fmt: skip


def test_a_credit_note_turns_every_amount_round_and_names_its_invoice() -> None:
    found = terms("credit note of mixed signs")
    assert [some(one, "BT-129", "BT-146", "BT-131") for one in found["BG-25"]] == [
        {"BT-129": "3", "BT-146": "100", "BT-131": "300.00"},
        {"BT-129": "-1", "BT-146": "30", "BT-131": "-30.00"},
        {"BT-129": "-2", "BT-146": "5", "BT-131": "-10.00"},
    ]
    assert some(found, "BT-3", "BT-20", "BT-81", "BT-106", "BT-110", "BT-112", "BT-115", "BG-3") == {
        "BT-3": "381", "BT-20": "Avoir INV/00001", "BT-106": "260.00", "BT-110": "52.00", "BT-112": "312.00", "BT-115": "312.00",
        "BG-3": [{"BT-25": "INV/00001", "BT-26": date(2026, 11, 24)}],
    }  # fmt: skip


def test_what_raises_is_a_charge_and_what_lowers_an_allowance() -> None:
    found = terms("charge and discount")
    discount = {"reason": "Remise", "reason_code": "95", "vat_category_code": "S", "rate": "5"}
    assert found["BG-20"] == [
        discount | {"amount": "1.88", "vat_rate": "5.5", "base_amount": "37.50"},
        discount | {"amount": "16.88", "vat_rate": "10", "base_amount": "337.50"},
        discount | {"amount": "420.00", "vat_rate": "20", "base_amount": "8400.00"},
    ]
    assert found["BG-21"] == [{"amount": "25.00", "reason": "Port", "vat_category_code": "S", "vat_rate": "20"}]
    assert some(found, "BT-106", "BT-107", "BT-108", "BT-109") == {
        "BT-106": "8775.00", "BT-107": "438.76", "BT-108": "25.00", "BT-109": "8361.24",
    }  # fmt: skip
    assert terms("rebate as a charge below nothing")["BG-20"] == [
        {"amount": "5.00", "reason": "Geste", "reason_code": "95", "vat_category_code": "S", "vat_rate": "20"}
    ]
    turned = terms("quantity below nothing with a discount")["BG-25"][1]
    assert turned["BG-28"] == [{"amount": "10.00", "reason": "Remise", "rate": "10", "base_amount": "100.00"}]
    assert some(turned, "BT-129", "BT-131") == {"BT-129": "-1", "BT-131": "-90.00"}


def test_a_deposit_and_the_invoice_that_takes_it_off() -> None:
    first, final = terms("deposit"), terms("final invoice after a deposit")
    assert some(first, "BT-3", "BT-23", "BT-112") == {"BT-3": "386", "BT-23": "M1", "BT-112": "3147.25"}
    assert some(final, "BT-1", "BT-3", "BT-23", "BT-112", "BG-3") == {
        "BT-1": "INV/00002", "BT-3": "380", "BT-23": "M4", "BT-112": "7343.57",
        "BG-3": [{"BT-25": "INV/00001", "BT-26": date(2026, 11, 24)}],
    }  # fmt: skip


def test_what_was_paid_by_the_day_of_issue_is_paid_in_advance() -> None:
    assert some(terms("paid at once"), "BT-112", "BT-113", "BT-115") == {
        "BT-112": "119.00", "BT-113": "50.00", "BT-115": "69.00",
    }  # fmt: skip
    sales, invoice = KINDS["one line"]()
    paid = sales.documents.pay(invoice, "50 EUR", on=date(2026, 11, 25))
    assert sales.documents.einvoice(paid, "cii").content == sales.documents.einvoice(paid.id, "cii").content
    with sales.work(write=False) as work:
        assert "BT-113" not in terms_of(invoice_of(work, paid))


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("reverse charge", "VATEX-EU-AE", "Steuerschuldnerschaft des Leistungsempfängers"),
        ("intra-community supply", "VATEX-EU-IC", "Exonération de TVA, livraison intracommunautaire"),
        ("export", "VATEX-EU-G", "Exonération de TVA, exportation"),
        ("outside the scope", "VATEX-EU-O", "Hors champ de la TVA"),
        ("exempt", None, "Article 261 D du CGI"),
        ("exempt by a code", "VATEX-EU-132-1I", None),
        ("zero rate", None, None),
    ],
)
def test_why_there_is_no_tax_is_said_in_the_xml_and_on_paper(kind: str, code: str | None, words: str | None) -> None:
    (tax,) = terms(kind)["BG-23"]
    assert (tax.get("BT-121"), tax.get("BT-120")) == (code, words)
    sales, document = KINDS[kind]()
    (shown,) = view_of(document, None, sales.settings.snapshot, today=document.date).taxes
    assert shown.reason == (words or code or "")


def test_lines_of_one_category_with_two_reasons_need_the_profile_extended() -> None:
    found = terms("exempt for two reasons")
    assert [some(one, "EXT-FR-FE-178", "EXT-FR-FE-179") for one in found["BG-25"]] == [
        {"EXT-FR-FE-178": "Article 261 D du CGI"},
        {"EXT-FR-FE-179": "VATEX-EU-132-1I"},
    ]
    sales, document = KINDS["exempt for two reasons"]()
    made = sales.documents.einvoice(document)
    assert made.profile == "extended"
    assert b"urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended" in made.xml
    assert b"<fx:ConformanceLevel>EXTENDED</fx:ConformanceLevel>" in made.content
    assert sales.documents.einvoice(document, "ubl").profile == "en16931"


def test_the_file_says_what_it_holds() -> None:
    from io import BytesIO

    from lxml import etree
    from pypdf import PdfReader

    sales, document = KINDS["one line"]()
    made = sales.documents.einvoice(document)
    reader = PdfReader(BytesIO(made.content))
    root = reader.trailer["/Root"]
    (file,) = (one.get_object() for one in root["/AF"])
    assert (file["/AFRelationship"], file["/F"], file["/UF"]) == ("/Alternative", "factur-x.xml", "factur-x.xml")
    inside = file["/EF"]["/F"]
    assert (inside["/Subtype"], inside["/Params"]["/ModDate"]) == ("/text/xml", "D:20261124093000Z")
    assert list(reader.attachments) == ["factur-x.xml"]
    metadata = etree.fromstring(root["/Metadata"].get_data().split(b"?>", 1)[1].rsplit(b"<?", 1)[0].strip())
    said = {etree.QName(one).localname: (one.text or "").strip() for one in metadata.iter() if isinstance(one.tag, str)}
    names = ("part", "conformance", "DocumentType", "DocumentFileName", "Version", "ConformanceLevel", "CreateDate")
    assert [said[name] for name in names] == [
        "3", "B", "INVOICE", "factur-x.xml", "1.0", "EN 16931", "2026-11-24T09:30:00+00:00",
    ]  # fmt: skip
    titles = metadata.xpath(
        "//dc:title//text() | //dc:creator//text()", namespaces={"dc": "http://purl.org/dc/elements/1.1/"}
    )
    assert [one.strip() for one in titles if one.strip()] == ["Facture INV/00001", "Menuiserie du Quai SARL"]
    assert root["/Lang"] == "fr-FR"


def test_units_that_the_list_does_not_know_stay_in_words() -> None:
    lines = terms("units")["BG-25"]
    assert [one["BT-130"] for one in lines] == ["HUR", "DAY", "KGM", "MTK", "LS", "C62", "KWH", "PR"]
    assert [one.get("BT-127-00") for one in lines] == [None] * 5 + [[{"BT-127": "1 sac"}], None, None]


def test_a_fine_price_loses_no_digit() -> None:
    (one,) = terms("fine price")["BG-25"]
    assert some(one, "BT-129", "BT-146", "BT-149", "BT-131") == {
        "BT-129": "10000", "BT-146": "123.456789", "BT-149": "10000", "BT-131": "123.46",
    }  # fmt: skip


def test_in_another_currency_the_tax_is_stated_at_home_too() -> None:
    found = terms("dollars with the tax in euros")
    assert some(found, "BT-5", "BT-6", "BT-110", "BT-111") == {
        "BT-5": "USD", "BT-6": "EUR", "BT-110": "34.62", "BT-111": "31.99",
    }  # fmt: skip
    note = terms("dollars, credited")
    assert some(note, "BT-5", "BT-6", "BT-110", "BT-111") == some(found, "BT-5", "BT-6", "BT-110", "BT-111")


def test_outside_the_scope_no_vat_number_stands_and_no_rate() -> None:
    found = terms("outside the scope")
    assert "vat_identifier" not in found["BG-4"]
    assert "vat_identifier" not in found["BG-7"]
    assert "BT-152" not in found["BG-25"][0]
    assert "BT-119" not in found["BG-23"][0]


def test_numbers_and_ids_by_what_people_call_them() -> None:
    german = terms("authority with a routing id")
    assert german["BT-10"] == "991-33333TEST-33"
    assert some(german["BG-4"], "vat_identifier", "tax_identifier", "legal_identifier") == {
        "vat_identifier": "DE136695976", "tax_identifier": "1234567890", "legal_identifier": "HRB 12345",
    }  # fmt: skip
    assert terms("goods of a location number")["BG-7"]["identifiers"] == {"0088": "4000001123452"}
    british = terms("pounds")
    assert british["BG-4"]["vat_identifier"] == "GB980780684"
    assert some(british, "BT-20", "BT-81", "BT-84") == {"BT-20": "Within 30 days", "BT-81": "30", "BT-84": "55779911"}
    assert "BT-81" not in terms("no bank account")
