"""``build_mail`` with a PDF beside one plain ``EmailMessage``: built, checked and written out as bytes.

Ours validates every address, refuses what could end a header field early, and reads the finished header back;
the peer is the shortest way to the same mail with the standard library, which does none of that.
"""

from __future__ import annotations

import email.policy
import random
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from _common import arguments, compare, show

from salespipeline.mail import Address, Attachment, build_mail
from salespipeline.ports import Mail

PDF = random.Random(1).randbytes(30_000)
DATE = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
SUBJECT = "Your quotation QUO/000017: größere Lagerhalle"
TEXT = "Dear Ms Müller,\n\nplease find attached the quotation that you asked for.\n\nKind regards\nJane Whitfield\n" * 3
HTML = "<p>" + TEXT.replace("\n", "<br>\n") + "</p>"


def ours(html: str | None, content: bytes) -> Mail:
    """Build the mail as a delivery does."""
    return build_mail(
        message_id="<0190f5e4-1@acme.example>",
        date=DATE,
        sender=Address("sales@acme.example", "Acme Ltd"),
        to=Address("buyer@client.example", "Müller, Jane"),
        subject=SUBJECT,
        text=TEXT,
        html=html,
        attachments=[Attachment("QUO-000017.pdf", content, "application/pdf")],
    )


def peer(html: str | None, content: bytes) -> bytes:
    """Build it with the standard library."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-ID"] = "<0190f5e4-1@acme.example>"
    message["Date"] = format_datetime(DATE)
    message["From"] = "Acme Ltd <sales@acme.example>"
    message["To"] = '"Müller, Jane" <buyer@client.example>'
    message["Subject"] = SUBJECT
    message.set_content(TEXT)
    if html is not None:
        message.add_alternative(html, subtype="html")
    message.add_attachment(content, "application", "pdf", filename="QUO-000017.pdf")
    return message.as_bytes()


def main() -> None:
    """Compare in turns."""
    chosen = arguments(__doc__ or "").parse_args()
    cases = [
        ("mail: text and a PDF of 30 kB", None, PDF, "<= 1.2", 20),
        ("mail: text, HTML and a PDF of 30 kB", HTML, PDF, "<= 1.2", 20),
        ("mail: text and a PDF of 3 MB", None, PDF * 100, "<= 1.2", 1),
    ]
    rows = [
        compare(
            name,
            lambda html=html, content=content: ours(html, content),
            lambda html=html, content=content: peer(html, content),
            peer_name="EmailMessage",
            goal=goal,
            rounds=chosen.rounds,
            calls=calls,
        )
        for name, html, content, goal, calls in cases
    ]
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
