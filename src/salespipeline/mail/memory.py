"""A mailer that keeps what it is given: for tests, for notebooks, and to look before anything leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import TypeAlias

from salespipeline.ports import Accepted, Mail, Outcome

__all__ = ["MemoryMailer"]

Script: TypeAlias = Iterable[Outcome] | Callable[[Mail], Outcome]


class MemoryMailer:
    """Keeps accepted mails in ``sent`` and every try in ``tried``.

    *outcomes* scripts the answers: an iterable of them, one for each try (afterwards everything is accepted),
    or a function of the mail. May be shared between threads.

    >>> from salespipeline.ports import Mail, NotSent
    >>> mailer = MemoryMailer([NotSent(reason="450 try later", code=450, temporary=True)])
    >>> mail = Mail(message_id="<1@x.example>", sender="a@x.example", recipients=("b@x.example",), content=b"")
    >>> mailer.send(mail).temporary, mailer.send(mail).reply, len(mailer.sent), len(mailer.tried)
    (True, '250 kept', 1, 2)
    >>> mailer.lookup("<1@x.example>"), mailer.lookup("<2@x.example>"), mailer.close()
    (True, False, None)
    """

    def __init__(self, outcomes: Script = ()) -> None:
        self.sent: list[Mail] = []
        self.tried: list[Mail] = []
        self._answer = outcomes if callable(outcomes) else None
        self._outcomes = iter(()) if callable(outcomes) else iter(outcomes)
        self._lock = Lock()

    def send(self, mail: Mail) -> Outcome:
        """Answer as scripted, and keep *mail* where the answer is ``Accepted``."""
        with self._lock:
            self.tried.append(mail)
            outcome = next(self._outcomes, Accepted(reply="250 kept")) if self._answer is None else self._answer(mail)
            if isinstance(outcome, Accepted):
                self.sent.append(mail)
            return outcome

    def lookup(self, message_id: str) -> bool:
        """Say whether a mail with this Message-ID was accepted."""
        with self._lock:
            return any(mail.message_id == message_id for mail in self.sent)

    def close(self) -> None:
        """Do nothing: there is no connection, and what was kept stays."""

    def __repr__(self) -> str:
        return f"<MemoryMailer: {len(self.sent)} sent>"
