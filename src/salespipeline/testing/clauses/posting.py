"""What the clauses for mailers stand on: a place to mail to, and the troubles that its author can arrange there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import ClassVar

import attrs
import pytest

from salespipeline.ports import Mail, Mailer
from salespipeline.testing.clauses.base import Clauses

__all__ = ["ABILITIES", "Arrived", "MailerClauses", "Post", "Trouble", "able", "mail", "together"]

# What a mailer may lack, or what its author's test cannot arrange. To answer truly is not among them.
ABILITIES: Mapping[str, str] = {
    "envelope": "what arrived says for whom, beside the header fields",
    "refusals": "a mail can be refused, for now or for good",
    "partial": "some recipients can be refused, and the mail taken for the others",
    "lock-out": "whoever asks can be refused, whatever the mail",
    "absence": "there may be nobody to mail to",
    "lost-answers": "the answer can be lost after the last byte has left",
    "lookup": "what it took can be looked up later by its Message-ID",
    "idempotent": "a message that is sent again under its Message-ID arrives once",
    "threads": "threads can share a mailer",
}


class Trouble(StrEnum):
    """What an author can be asked to arrange for the next mail; the value says what is to happen."""

    REFUSED = "the mail is refused for good"
    LATER = "the mail is refused for now"
    PARTLY = "its first recipient is refused, and the mail is taken for the others"
    LOCKED_OUT = "whoever asks is refused: a wrong password, a key that is no longer valid"
    NOBODY = "nobody is there: mailers opened from now on cannot connect"
    LOST = "the mail is taken, and the answer is lost"
    DROPPED = "all of the mail is heard, nothing is taken, and there is no answer"


@attrs.frozen
class Arrived:
    """A mail as it arrived: the bytes of the message, and for whom, where that can be seen."""

    content: bytes
    recipients: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class Post:
    """A place to mail to, of a test's own.

    *mailer* opens a new mailer that mails there; *arrived* returns what did, in order; *arrange* brings about a
    ``Trouble`` for the next mail, and raises ``NotImplementedError`` where it cannot. No text of *secrets* may show.
    """

    mailer: Callable[[], Mailer]
    arrived: Callable[[], Iterable[Arrived]]
    arrange: Callable[[Trouble], None]
    secrets: tuple[str, ...] = ()


def able(ability: str) -> pytest.MarkDecorator:
    """Say that a clause speaks of an optional *ability* of a mailer."""
    assert ability in ABILITIES
    return pytest.mark.needs(ability)


class MailerClauses(Clauses):
    """A family of clauses about mailers."""

    optional: ClassVar[Mapping[str, str]] = ABILITIES

    @pytest.fixture
    def post(self) -> Post:
        """Return a place to mail to; whoever tests a mailer defines this."""
        raise pytest.UsageError(
            f"{type(self).__name__} needs a fixture 'post', which returns a salespipeline.testing.Post:\n\n"
            "    @pytest.fixture\n    def post(self):\n"
            "        return Post(mailer=lambda: MyMailer(url), arrived=..., arrange=...)\n"
        )

    @pytest.fixture
    def mailer(self, post: Post) -> Iterator[Callable[[], Mailer]]:
        """Return what opens a new mailer, which is closed when the test is over."""
        opened: list[Mailer] = []

        def mailer() -> Mailer:
            opened.append(post.mailer())
            return opened[-1]

        yield mailer
        for one in opened:
            one.close()


def mail(number: int = 1, *, text: str = "Here it is.", to: tuple[str, ...] = ("buyer@client.example",)) -> Mail:
    """Return a finished message with a number of its own."""
    lines = [
        f"Message-ID: <{number}@acme.example>",
        "Date: Mon, 05 Jan 2026 09:30:00 +0000",
        "From: Acme Ltd <sales@acme.example>",
        "To: buyer@client.example",
        f"Subject: Quotation {number}",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "",
        *text.split("\n"),
        "",
    ]
    content = "\r\n".join(lines).encode()
    return Mail(message_id=f"<{number}@acme.example>", sender="sales@acme.example", recipients=to, content=content)


def together(arrived: Iterable[Arrived]) -> list[bytes]:
    """Return the contents of what arrived, sorted: mails may overtake each other."""
    return sorted(one.content for one in arrived)
