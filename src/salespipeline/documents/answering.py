"""What a client does with the link in a mail: look at the quote, accept it or turn it down, once. (SPEC DOC-7, DOC-9)"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from salespipeline import text
from salespipeline.arguments import SendFacts
from salespipeline.codec import content_digest
from salespipeline.collection import Collection
from salespipeline.domain import links, moves
from salespipeline.domain.document import Document
from salespipeline.domain.sniffing import is_picture
from salespipeline.errors import (
    Corrupt,
    Invalid,
    LinkAnswered,
    LinkExpired,
    LinkInvalid,
    LinkWithdrawn,
    Problem,
    Refused,
    shown,
)
from salespipeline.linking import link_of, sealed_content
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sending_report import SendReport

__all__ = ["Answering"]

MOST_BYTES = 1_000_000


class Answering(Collection[Document]):
    """Acceptance by a link.

    >>> _ = sales.settings.edit_organisation(accept_url="https://sales.example/accept/{token}")
    >>> sent = sales.documents.mark_sent(quote)
    >>> token = sales.documents.accept_link(sent).rpartition("/")[2]
    >>> sales.documents.offered(token).reference
    'QUO/00001'
    >>> accepted = sales.documents.accept_by_token(token, name="Zoë Field", signature="Z. Field")
    >>> accepted.answer.by, accepted.answer.content == sent.seal.content
    ('Zoë Field', True)
    >>> print(sales.documents.mail_receipt(accepted))
    Sent all: 1 sent
    >>> try:
    ...     sales.documents.reject_by_token(token, name="Zoë Field", why="too late")
    ... except sp.LinkRefused as error:
    ...     print(error)
    Quote 'QUO/00001' was accepted already, on ...; one link answers once.
    """

    def accept_link(self, document: Document | str) -> str:
        """Return where a quote that was sent can be accepted: the link that its mail shows.

        Raises ``Refused`` where there is none: for other types, and what was not sent or cannot be accepted any more; and
        where ``settings.edit_organisation(accept_url=…)`` was never said.
        """
        with self._sales.work(write=False) as work:
            record = self._named(work, document)
            link = link_of(record, work.settings) if record.seal is not None else None
        if link is None:
            message = (
                f"{record.name} has no link to accept it: only a quote that was sent, and not answered, cancelled or superseded "
                "since, has one, and settings.edit_organisation(accept_url='https://…/{token}') says where it leads"
            )
            raise Refused(message, record=record.name, action="accept_link")
        return link

    def offered(self, token: str) -> Document:
        """Return the quote that a link offers, for the page that it leads to; nothing is written.

        Raises a ``LinkRefused``, as the answers do: ``LinkInvalid`` for what is not genuine, ``LinkWithdrawn`` where a later
        revision took its place or it was cancelled, ``LinkAnswered``, or ``LinkExpired`` after its last day.
        """
        with self._sales.work(write=False) as work:
            return self._offered(work, links.read(token))

    def accept_by_token(self, token: str, *, name: str, signature: str | bytes = "", note: str = "") -> Document:
        """Record that *name* accepted the quote of a link, when, and which content; one link answers once.

        *signature* is what was typed, or the bytes of a PNG or JPEG of what was drawn.
        """
        typed, image = _signature(signature)
        if image is not None:
            self.offered(token)  # before anything is kept for somebody whom nobody knows
            image = self._sales.blobs.keep([signature])  # type: ignore[list-item]

        def move(before: Document, work: Work) -> Document:
            return moves.answered(
                before, accepted=True, at=work.at, by=name, note=note, signature=typed, image=image, by_link=True
            )

        return self._by_token(token, move, "accepted by link")

    def reject_by_token(self, token: str, *, name: str, why: str = "") -> Document:
        """Record that *name* turned the quote of a link down; one link answers once."""

        def move(before: Document, work: Work) -> Document:
            return moves.answered(before, accepted=False, at=work.at, by=name, note=why, by_link=True)

        return self._by_token(token, move, "rejected by link")

    def mail_receipt(self, document: Document | str, **options: Unpack[SendFacts]) -> SendReport:
        """Mail what confirms an acceptance, with the document as it was accepted: once for each acceptance.

        *options* are those of ``plan_send_all``. It is a batch of its own, with a report, as every mail is.
        """
        from salespipeline.planning import plan
        from salespipeline.send_options import SendOptions

        with self._sales.work(write=False) as work:
            record = self._named(work, document)
        given: dict[str, object] = {**options, "purpose": "receipt"}
        planned = plan(self._sales, [record], SendOptions.of(given))
        answer = record.answer
        key = f"receipt of {record.id} {answer.at.isoformat()}" if answer is not None and planned.included else None
        return planned.run(key=key)

    def _by_token(self, token: str, move: Callable[[Document, Work], Document], action: str) -> Document:
        claim = links.read(token)

        def do(work: Work) -> Document:
            before = self._offered(work, claim)
            return work.keep(move(before, work), before, action=action)

        return self._tried(do, again=True)

    def _offered(self, work: Work, claim: links.Claim) -> Document:
        """Return the document of a link that is genuine and still stands, or raise."""
        document = work.get(Document, claim.document_id)
        content = sealed_content(document)
        if document is None or not content or not links.genuine(claim, work.settings.keyring.keys, content):
            raise LinkInvalid(links.NOT_GENUINE, action="accept")
        name = f"{document.name[0].upper()}{document.name[1:]}"
        facts = {"record": document.name, "action": "accept"}
        if document.superseded_by is not None or document.cancelled is not None:
            what = (
                "cancelled" if document.cancelled is not None else "replaced by a later one; ask for the link to that"
            )
            raise LinkWithdrawn(f"{name} was {what}.", **facts)
        answer = document.answer
        if answer is not None:
            word = "accepted" if answer.accepted else "turned down"
            message = f"{name} was {word} already, on {work.settings.day_of(answer.at)}; one link answers once."
            raise LinkAnswered(message, accepted=answer.accepted, at=answer.at, **facts)
        if work.at >= claim.until:
            raise LinkExpired(f"{name} was valid until {document.due}; ask for a new one.", **facts)
        if content_digest(document) != content:
            message = (
                f"{document.name} is not what was sealed when it was sent: see documents.verify(); nobody can accept it"
            )
            raise Corrupt(message)
        return document


def _signature(given: object) -> tuple[str, str | None]:
    """Return what was typed, and whether an image is to be kept."""
    if isinstance(given, bytes):
        if not is_picture(given) or len(given) > MOST_BYTES:
            message = (
                f"a drawn signature is a PNG or JPEG of at most {MOST_BYTES:,} bytes, not these {len(given):,} bytes"
            )
            raise Invalid(Problem("signature", "type", message))
        return "", "kept"
    if not isinstance(given, str):
        raise Invalid(Problem("signature", "type", f"text, or the bytes of an image, is needed, not {shown(given)}"))
    return text.clean(given, "signature"), None
