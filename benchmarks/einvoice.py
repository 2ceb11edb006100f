"""An electronic invoice of three lines: Factur-X, CII and UBL beside the plain PDF, and what the rules cost on top.

Ours is what users call: the document is read, every problem looked for, the XML written and held against its schema, and
the page drawn as PDF/A-3B around it. The peer of Factur-X is what the package factur-x offers for it: the same plain PDF, and
the same XML put into it afterwards, without its own checks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from _common import Row, arguments, limit, race, show

import salespipeline as sp
from salespipeline.domain.document import Document
from salespipeline.einvoice.rules import broken_rules

MOST = 40.0  # milliseconds of a Factur-X without the rules
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def invoice() -> tuple[sp.Sales, Document]:
    """Return a pipeline in memory and an issued invoice of three lines at three rates, sold in France."""
    sales = sp.open("memory:", actor="jane", clock=lambda: NOW)
    sales.settings.edit_organisation(
        name="Menuiserie du Quai SARL",
        address=["1 quai de la Loire"],
        postcode="44000",
        city="Nantes",
        country="FR",
        currency="EUR",
        locale="fr_FR",
        email="compta@quai.example",
        ids={"VAT": "FR83404833048", "SIRET": "40483304800022"},
        payment={"iban": "FR1420041010050500013M02606", "bic": "PSSTFRPPXXX"},
        legal_notes={
            "PMT": "Indemnité forfaitaire pour frais de recouvrement : 40 €",
            "PMD": "Pénalités de retard : trois fois le taux d’intérêt légal",
            "AAB": "Pas d’escompte pour paiement anticipé",
        },
    )
    client = sales.contacts.add(
        "Imprimerie du Port",
        address="5 rue du Port",
        postcode="69001",
        city="Lyon",
        country="FR",
        ids={"VAT": "FR44732829320", "SIREN": "732829320"},
    )
    lines = [
        sp.Line("Rayonnage, travée de 3,6 m", quantity=40, unit_price="210.00", tax="20", discount="4%"),
        sp.Line("Pose", quantity="7.5", unit_price="45.00", tax="10", unit="h"),
        sp.Line("Manuel", quantity=3, unit_price="12.50", tax="5.5"),
    ]
    draft = sales.documents.draft(client, "invoice", lines=lines, delivered="2026-11-20", customer_reference="PO 4711")
    return sales, sales.documents.mark_sent(draft)


def put_in(sales: sp.Sales, document: Document) -> Callable[[], object]:
    """Return the other way: draw the plain PDF, and let factur-x put the same XML into it."""
    from facturx import generate_from_binary

    xml = sales.documents.einvoice(document, "cii").content

    def work() -> object:
        pdf = sales.documents.pdf(document)
        return generate_from_binary(pdf, xml, level="en16931", check_xsd=False, check_schematron=False, lang="fr-FR")

    return work


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "")
    given = parser.parse_args()
    sales, document = invoice()
    desk = sales.documents
    xml, other = desk.einvoice(document, "cii").content, desk.einvoice(document, "ubl").content
    plain = ("the plain PDF", lambda: desk.pdf(document))
    rows: list[Row] = race(
        "Factur-X, three lines",
        lambda: desk.einvoice(document),
        {plain[0]: (plain[1], ""), "factur-x, into the PDF": (put_in(sales, document), "")},
        rounds=given.rounds,
    )
    for name, work in (
        ("CII, three lines", lambda: desk.einvoice(document, "cii")),
        ("UBL, three lines", lambda: desk.einvoice(document, "ubl")),
        ("problems of three lines", lambda: desk.einvoice_problems(document)),
        ("rules of EN 16931", lambda: broken_rules(xml, "en16931")),
        ("rules of EN 16931 and France", lambda: broken_rules(xml, "en16931", french=True)),
        ("rules of EN 16931, UBL", lambda: broken_rules(other, "ubl")),
    ):
        rows += race(name, work, {plain[0]: (plain[1], "")}, rounds=given.rounds)
    each = rows[0].ours * {"s": 1000, "ms": 1, "µs": 0.001}[rows[0].unit]
    rows.append(limit("Factur-X without the rules, each", each, MOST, "ms", f"{MOST:.0f} ms"))
    show(rows, given.json)


if __name__ == "__main__":
    main()
