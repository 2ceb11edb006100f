"""Handing a mail to the mailer, whoever wrote it. (SPEC SEND-6)"""

from __future__ import annotations

from salespipeline.errors import MailError
from salespipeline.ports import Accepted, Mail, Mailer, NotSent, Outcome, Unknown

__all__ = ["post"]


def post(mailer: Mailer, mail: Mail) -> Outcome:
    """Return what became of *mail*, whatever the mailer does instead of saying so.

    A ``MailError`` is a mail that the mailer would not take; after anything else nobody knows what left.

    >>> class Foreign:
    ...     def send(self, mail):
    ...         raise TimeoutError("buyer@acme.example")
    >>> post(Foreign(), mail=None)
    Unknown(reason='the mailer failed with TimeoutError')
    """
    try:
        outcome: object = mailer.send(mail)
    except MailError as error:
        return NotSent(reason=str(error))
    except Exception as error:  # noqa: BLE001 - its words may hold an address, so only its name is kept
        return Unknown(reason=f"the mailer failed with {type(error).__name__}")
    if isinstance(outcome, Accepted | NotSent | Unknown):
        return outcome
    return Unknown(reason=f"the mailer answered with {type(outcome).__name__}, which says nothing")
