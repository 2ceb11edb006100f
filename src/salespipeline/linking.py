"""Where a client accepts a quote: the link that a mail shows, and the keys that it is signed with. (SPEC DOC-9)

The keys are kept in the store, so that all who send, in whatever process, sign alike, and whoever serves the page knows
every signature. The change log says nothing of them.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, time, timedelta

from salespipeline.codec import content_digest
from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.links import LinkKey, token_of
from salespipeline.domain.settings import Settings
from salespipeline.work import Work

__all__ = ["link_of", "renew", "sealed_content"]

NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def renew(work: Work, *, revoke: bool) -> str:
    """Keep a new key in front of the others, or, with *revoke*, in place of them; return its name."""
    key = LinkKey(name=secrets.token_hex(4), secret=secrets.token_hex(32), made_at=work.at, made_by=work.by)
    work.keep_secret(work.settings.keyring.renewed(key, revoke=revoke))
    work.touch_settings()
    return key.name


def link_of(document: Document, settings: Settings) -> str | None:
    """Return where *document* can be accepted until the end of its last day; ``None`` where it cannot be, by a link."""
    key, page = settings.keyring.newest, settings.organisation.accept_url
    if document.type is not DocumentType.QUOTE or not page or key is None or document.due is None:
        return None
    if document.answer is not None or document.cancelled is not None or document.superseded_by is not None:
        return None
    content = sealed_content(document) or content_digest(document)
    return page.replace("{token}", token_of(key, document.id, content, _end(document, settings)))


def sealed_content(document: Document | None) -> str:
    """Return the SHA-256 of what was sealed; empty where nothing is."""
    return document.seal.content if document is not None and document.seal is not None else ""


def _end(document: Document, settings: Settings) -> datetime:
    """Return the end of the last day of *document*, where the organisation is."""
    if document.due is None or document.due.year >= NEVER.year:
        return NEVER
    return datetime.combine(document.due + timedelta(days=1), time(), settings.zone).astimezone(UTC)
