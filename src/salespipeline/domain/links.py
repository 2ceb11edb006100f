"""Links by which a client accepts a quote: signed, bound to the content, good until a moment. (SPEC DOC-7, DOC-9)

A token names a key, a moment and a document, and is signed (HMAC-SHA256) together with the SHA-256 of the content that
the document is sealed with. What is signed is the very text of the token: whoever changes a character of it, or uses it
for another document or another revision, has a token that nobody signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import attrs

from salespipeline.errors import LinkInvalid

__all__ = ["Claim", "Keyring", "LinkKey", "genuine", "read", "token_of"]

MOST = 500
_TOKEN = re.compile(r"([0-9a-f]{8})\.([0-9]{1,12})\.([A-Za-z0-9_-]{1,200})\.([A-Za-z0-9_-]{43})", re.ASCII)
NOT_GENUINE = (
    "this link is not one that was made here, or not any more: it was changed on its way, or what it was made for is not "
    "there as it was; ask for a new one"
)


@attrs.frozen(kw_only=True)
class LinkKey:
    """A secret that links are signed with; its *name* stands in each of them."""

    name: str
    secret: str = attrs.field(repr=False)
    made_at: datetime
    made_by: str


@attrs.frozen(kw_only=True)
class Keyring:
    """The keys of links, the newest first: it signs, and all of them are known."""

    id: str = "link_keys"
    version: int = 0
    label: str = "link_keys"
    position: int = 0
    archived: bool = False
    keys: tuple[LinkKey, ...] = ()

    @property
    def newest(self) -> LinkKey | None:
        """The one that signs."""
        return self.keys[0] if self.keys else None

    def get(self, name: str) -> LinkKey | None:
        """Return the key of this name."""
        return next((key for key in self.keys if key.name == name), None)

    def renewed(self, key: LinkKey, *, revoke: bool) -> Keyring:
        """Return it with a new key in front; with *revoke*, the former ones are forgotten, and their links with them."""
        return attrs.evolve(self, keys=(key, *(() if revoke else self.keys)))


@attrs.frozen(kw_only=True)
class Claim:
    """What a token says, before anybody has seen whether it is genuine."""

    key: str
    document_id: str
    until: datetime
    signed: str
    signature: str


def token_of(key: LinkKey, document_id: str, content: str, until: datetime) -> str:
    """Return the token for a document with this *content* (a SHA-256), good *until* that moment."""
    name = _text(document_id.encode())
    signed = f"{key.name}.{int(until.timestamp())}.{name}"
    return f"{signed}.{_signature(key, signed, content)}"


def read(token: object) -> Claim:
    """Return what *token* says, or raise ``LinkInvalid``."""
    found = _TOKEN.fullmatch(token) if isinstance(token, str) and len(token) <= MOST else None
    if found is None:
        raise LinkInvalid(NOT_GENUINE, action="accept")
    key, until, name, signature = found.groups()
    try:
        document_id = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        moment = datetime.fromtimestamp(int(until), UTC)
    except (ValueError, OverflowError, OSError):
        raise LinkInvalid(NOT_GENUINE, action="accept") from None
    return Claim(key=key, document_id=document_id, until=moment, signed=f"{key}.{until}.{name}", signature=signature)


def genuine(claim: Claim, keys: Iterable[LinkKey], content: str) -> bool:
    """Say whether *claim* was signed with one of *keys*, for this *content*."""
    return any(
        key.name == claim.key and hmac.compare_digest(_signature(key, claim.signed, content), claim.signature)
        for key in keys
    )


def _signature(key: LinkKey, signed: str, content: str) -> str:
    message = f"salespipeline accept 1|{signed}|{content}".encode()
    return _text(hmac.new(bytes.fromhex(key.secret), message, hashlib.sha256).digest())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")
