"""Where replies come back to: an address of which every mail gets a signed one of its own. (SPEC NOTE-1)"""

from __future__ import annotations

import base64
import hashlib
import hmac

import attrs

from salespipeline.errors import MailError
from salespipeline.mail.addresses import Address

__all__ = ["Inbox"]

_SIGNATURE = 24  # characters: 120 bits
_LONGEST = 64  # of the part before the @ (RFC 5321)


def _address(value: Address | str) -> Address:
    return Address.of(value)


def _secret(value: object) -> bytes:
    secret = value.encode() if isinstance(value, str) else value
    if not isinstance(secret, bytes) or len(secret) < 16:
        raise MailError("the secret of an inbox is 16 bytes or more that nobody else knows, the same at every start")
    return secret


@attrs.frozen
class Inbox:
    """A mailbox for replies, such as ``replies@acme.example``, whose server also takes ``replies+…@acme.example``.

    What stands behind the plus signs the mail that is replied to and whom it was for, with *secret*: who has not
    got the mail cannot know it, whatever they write as their own address.

    >>> inbox = Inbox("replies@acme.example", secret="not this one, please")
    >>> address = inbox.reply_to("<1@acme.example>", "zoe@client.example")
    >>> address.startswith("replies+") and address.endswith("@acme.example")
    True
    >>> inbox.signed(address, "<1@acme.example>", "zoe@client.example"), inbox.signed(address, "<1@acme.example>", "x@y.example")
    (True, False)
    """

    address: Address = attrs.field(converter=_address)
    secret: bytes = attrs.field(converter=_secret, repr=False)

    def __attrs_post_init__(self) -> None:
        local = self.address.spec.rpartition("@")[0]
        if "+" in local or len(local) + 1 + _SIGNATURE > _LONGEST:
            message = (
                f"{self.address.spec} has no room for a signature: at most {_LONGEST - _SIGNATURE - 1} characters, no +"
            )
            raise MailError(message)

    def reply_to(self, message_id: str, recipient: str) -> str:
        """Return the address to which *recipient* replies to the mail *message_id*."""
        local, _, domain = self.address.spec.rpartition("@")
        return f"{local}+{self._signature(message_id, recipient)}@{domain}"

    def signed(self, address: str, message_id: str, sender: str) -> bool:
        """Say whether *address* is the one that *sender* was given with the mail *message_id*."""
        return hmac.compare_digest(address.lower().encode(), self.reply_to(message_id, sender).lower().encode())

    def _signature(self, message_id: str, recipient: str) -> str:
        signed = f"{message_id}\n{Address.of(recipient).key}".encode()
        digest = hmac.new(self.secret, signed, hashlib.sha256).digest()
        return base64.b32encode(digest[:15]).decode().lower()
