"""The sentences of the default mails, by language and type of document.

A language is one entry of ``LANGUAGES``: greeting, opening and closing for each type, regards, and what a mail says
where something is accepted. They may hold the
placeholders of ``template_data``.
"""

from __future__ import annotations

import textwrap

__all__ = ["LANGUAGES", "phrases"]

LANGUAGES: dict[str, dict[str, str]] = {
    "en": {
        "greeting": '{{ "Dear " ~ buyer.person if buyer.person else "Dear Sir or Madam" }},',
        "regards": "Kind regards",
        "opening": "please find the document attached.",
        "opening.quote": "thank you for your enquiry. Our quotation is attached.",
        "opening.pro_forma": "our pro forma invoice is attached.",
        "opening.invoice": "our invoice is attached. Thank you for your business.",
        "opening.purchase_order": "our purchase order is attached.",
        "opening.credit_note": "our credit note is attached.",
        "opening.delivery_note": "our delivery note is attached.",
        "opening.application_for_payment": "our application for payment is attached.",
        "opening.several": "please find our documents attached.",
        "closing": "If anything is unclear, simply reply to this mail.",
        "closing.quote": "To accept the quotation, or to change anything, simply reply to this mail.",
        "closing_linked": "To change anything, simply reply to this mail.",
        "accept": "To accept the quotation, open this page:",
        "accept_button": "Accept the quotation",
        "receipt": "Accepted:",
        "opening.receipt": "thank you. We have received your acceptance. What you accepted is attached once more.",
        "accepted_by": "Accepted by",
        "accepted_on": "Accepted on",
        "fingerprint": "Fingerprint (SHA-256) of what was accepted",
        "closing.invoice": "Please state the invoice number with your payment. "
        "If anything is unclear, simply reply to this mail.",
        "closing.delivery_note": "Please check the goods when they arrive. "
        "If anything is missing, simply reply to this mail.",
        "closing.application_for_payment": "Please state the number of the application with your payment. "
        "If anything is unclear, simply reply to this mail.",
        "closing.purchase_order": "Please confirm the order by replying to this mail.",
    },
    "fr": {
        "greeting": '{{ "Bonjour " ~ buyer.person if buyer.person else "Madame, Monsieur" }},',
        "regards": "Bien cordialement",
        "opening": "veuillez trouver le document en pièce jointe.",
        "opening.quote": "nous vous remercions de votre demande. Vous trouverez notre devis en pièce jointe.",
        "opening.pro_forma": "vous trouverez notre facture pro forma en pièce jointe.",
        "opening.invoice": "vous trouverez notre facture en pièce jointe. Nous vous remercions de votre confiance.",
        "opening.purchase_order": "vous trouverez notre bon de commande en pièce jointe.",
        "opening.credit_note": "vous trouverez notre avoir en pièce jointe.",
        "opening.delivery_note": "vous trouverez notre bon de livraison en pièce jointe.",
        "opening.application_for_payment": "vous trouverez notre demande de paiement en pièce jointe.",
        "opening.several": "vous trouverez nos documents en pièce jointe.",
        "closing": "Pour toute question, il suffit de répondre à ce message.",
        "closing.quote": "Pour accepter le devis, ou pour toute modification, il suffit de répondre à ce message.",
        "closing_linked": "Pour toute modification, il suffit de répondre à ce message.",
        "accept": "Pour accepter le devis, ouvrez cette page :",
        "accept_button": "Accepter le devis",
        "receipt": "Accepté\u00a0:",
        "opening.receipt": "nous vous remercions de votre accord, que nous avons bien reçu. "
        "Vous trouverez à nouveau en pièce jointe le document que vous avez accepté.",
        "accepted_by": "Accepté par",
        "accepted_on": "Accepté le",
        "fingerprint": "Empreinte (SHA-256) du contenu accepté",
        "closing.invoice": "Merci de rappeler le numéro de la facture lors du règlement. "
        "Pour toute question, il suffit de répondre à ce message.",
        "closing.delivery_note": "Merci de vérifier la marchandise à son arrivée. "
        "S’il manque quelque chose, il suffit de répondre à ce message.",
        "closing.application_for_payment": "Merci de rappeler le numéro de la demande lors du règlement. "
        "Pour toute question, il suffit de répondre à ce message.",
        "closing.purchase_order": "Merci de confirmer la commande en répondant à ce message.",
    },
    "de": {
        "greeting": '{{ "Guten Tag " ~ buyer.person if buyer.person else "Sehr geehrte Damen und Herren" }},',
        "regards": "Mit freundlichen Grüßen",
        "opening": "anbei erhalten Sie das Dokument.",
        "opening.quote": "vielen Dank für Ihre Anfrage. Anbei erhalten Sie unser Angebot.",
        "opening.pro_forma": "anbei erhalten Sie unsere Proforma-Rechnung.",
        "opening.invoice": "anbei erhalten Sie unsere Rechnung. Vielen Dank für Ihren Auftrag.",
        "opening.purchase_order": "anbei erhalten Sie unsere Bestellung.",
        "opening.credit_note": "anbei erhalten Sie unsere Rechnungskorrektur.",
        "opening.delivery_note": "anbei erhalten Sie unseren Lieferschein.",
        "opening.application_for_payment": "anbei erhalten Sie unsere Zahlungsanforderung.",
        "opening.several": "anbei erhalten Sie unsere Dokumente.",
        "closing": "Bei Fragen antworten Sie einfach auf diese Nachricht.",
        "closing.quote": "Um das Angebot anzunehmen oder etwas zu ändern, antworten Sie einfach auf diese Nachricht.",
        "closing_linked": "Um etwas zu ändern, antworten Sie einfach auf diese Nachricht.",
        "accept": "Um das Angebot anzunehmen, öffnen Sie diese Seite:",
        "accept_button": "Angebot annehmen",
        "receipt": "Angenommen:",
        "opening.receipt": "vielen Dank. Ihre Annahme ist bei uns eingegangen. "
        "Was Sie angenommen haben, liegt noch einmal bei.",
        "accepted_by": "Angenommen von",
        "accepted_on": "Angenommen am",
        "fingerprint": "Fingerabdruck (SHA-256) des Angenommenen",
        "closing.invoice": "Bitte geben Sie bei der Zahlung die Rechnungsnummer an. "
        "Bei Fragen antworten Sie einfach auf diese Nachricht.",
        "closing.delivery_note": "Bitte prüfen Sie die Ware bei der Ankunft. "
        "Fehlt etwas, antworten Sie einfach auf diese Nachricht.",
        "closing.application_for_payment": "Bitte geben Sie bei der Zahlung die Nummer der Anforderung an. "
        "Bei Fragen antworten Sie einfach auf diese Nachricht.",
        "closing.purchase_order": "Bitte bestätigen Sie die Bestellung mit einer Antwort auf diese Nachricht.",
    },
}


def phrases(type: str, locale: str, purpose: str = "send") -> dict[str, str]:
    """Return what a mail says for a type and a purpose, and the language that it is in."""
    language = locale.replace("-", "_").split("_")[0].lower()
    if language not in LANGUAGES:
        language = "en"
    words = LANGUAGES[language]
    key = "receipt" if purpose == "receipt" else type
    opening = words.get(f"opening.{key}", words["opening"])
    return {name: sentence for name, sentence in words.items() if "." not in name} | {
        "language": language,
        # English begins a new sentence after the greeting; French and German go on in small letters.
        "opening": opening[0].upper() + opening[1:] if language == "en" else opening,
        "closing": words.get(f"closing.{key}", words["closing"]),
    }


def wrapped(sentence: str) -> str:
    """Return a sentence in lines of 72 characters, or as it is where it holds placeholders."""
    return sentence if "{" in sentence else textwrap.fill(sentence, 72, break_on_hyphens=False)
