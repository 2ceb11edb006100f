"""What a mailer is given, and what it answers. A mailer knows nothing of sales. (SPEC EXT-1)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import attrs

__all__ = ["Accepted", "Mail", "Mailer", "NotSent", "Outcome", "Unknown"]


@attrs.frozen(kw_only=True)
class Mail:
    """A finished message and its envelope. *content* are the bytes that leave; BCC is in *recipients* only."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


@attrs.frozen(kw_only=True)
class Accepted:
    """The server took the message for at least one recipient; *refused* says why it did not for the others."""

    reply: str = ""
    refused: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class NotSent:
    """The message certainly did not leave. A *temporary* one may be tried again.

    *reason* is for people. *everything* says that no other message can leave either (authentication failed,
    nobody listens), so that a batch should pause.
    """

    reason: str
    code: int | None = None
    temporary: bool = False
    everything: bool = False


@attrs.frozen(kw_only=True)
class Unknown:
    """Nobody can know whether the message was taken: the line dropped after the last byte. (SPEC SEND-6)"""

    reason: str


Outcome: TypeAlias = Accepted | NotSent | Unknown


class Mailer(Protocol):
    """Something that mails. It never raises for a mail that was refused: it answers. (SPEC SEND-6)"""

    def send(self, mail: Mail) -> Outcome:
        """Try once to send *mail*, and say truly what became of it."""
        ...

    def close(self) -> None:
        """Release the connection, if one is kept. Sending again opens a new one."""
        ...
