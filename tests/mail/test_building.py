"""How a mail is put together: read back before it leaves, and from one mould for all mails of a batch (SPEC SEND-6)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

import pytest

from salespipeline.errors import MailError
from salespipeline.mail import Attachment, InlineImage, build_mail, headers, message, parts
from salespipeline.ports import Mail

SEED = hashlib.sha256(b"<1@acme.example>").hexdigest()[:24]


def build(**facts: object) -> Mail:
    whole: dict[str, object] = {
        "message_id": "<1@acme.example>",
        "date": datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        "sender": "sales@acme.example",
        "to": "Buyer <buyer@client.example>",
        "subject": "Größere Halle",
        "text": "Here it is.",
        "html": "<p>Here it is.</p>",
    }
    return build_mail(**whole | facts)  # type: ignore[arg-type]


def to(written: str) -> Callable[..., str]:
    """Return an ``address_field`` that goes wrong with one field."""
    right = headers.address_field
    return lambda name, addresses: written if name == "To" else right(name, addresses)


FAULTS: dict[str, tuple[ModuleType, str, Callable[..., object]]] = {
    "one recipient more": (message, "address_field", to("To: buyer@client.example, spy@evil.example")),
    "one recipient for another": (message, "address_field", to("To: buyer@evil.example")),
    "a field more": (message, "address_field", to("To: buyer@client.example\r\nBcc: spy@evil.example")),
    "a field less": (message, "address_field", to("X-To: buyer@client.example")),
    "a line end": (message, "address_field", to("To: buyer@client.example\n")),
    "the end of the header": (message, "address_field", to("To: buyer@client.example\r\n\r\nhello")),
    "another subject": (message, "text_field", lambda *_: "Subject: Another hall"),
    "a boundary in a text": (parts, "_quoted", lambda _: f"Here.\r\n--=_{SEED}_0\r\n".encode()),
    "a text that is cut": (parts.binascii, "b2a_qp", lambda text: text[:-3]),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_writer_is_a_refusal_and_not_a_mail(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    build()
    module, name, wrong = FAULTS[fault]
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(MailError, match="is not sent"):
        build()


def test_the_mails_of_a_batch_have_one_mould() -> None:
    logo = InlineImage("logo@acme", b"\x89PNG", "image/png")
    terms = Attachment("Terms of trade.pdf", b"%PDF", "application/pdf")
    parts._mould.cache_clear()
    for number in range(20):
        quote = Attachment(f"QUO-{number:05d}.pdf", b"%PDF", "application/pdf")
        content = build(attachments=[quote, terms], inline_images=[logo]).content
        assert f'Content-Disposition: attachment; filename="QUO-{number:05d}.pdf"\r\n'.encode() in content
    assert parts._mould.cache_info().misses == 1


def test_a_name_that_must_be_encoded_has_a_mould_of_its_own() -> None:
    parts._mould.cache_clear()
    names = ["Angebot für Köln.pdf", "a" * 80 + ".pdf", 'say "hi".pdf', "100 %.pdf", "it's.pdf"]
    for name in names:
        build(attachments=[Attachment(name, b"%PDF")])
    assert parts._mould.cache_info().misses == len(names)
