"""A mailer that speaks SMTP and always says truly what became of a message (SPEC SEND-6).

Before the final dot has left, a message certainly was not sent, and trying again is safe. After it, only the
server's reply tells; where none comes, nobody can know (RFC 1047), and the answer is ``Unknown``. So the
mailer keeps track of how far it came, because the same exception means different things on either side.
"""

from __future__ import annotations

import logging
import math
import os
import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from threading import Lock
from types import TracebackType
from typing import NoReturn

from salespipeline.errors import OpenError, shown
from salespipeline.mail.server import Server, Starttls
from salespipeline.mail.wire import Reply, Wire
from salespipeline.ports import Accepted, Mail, NotSent, Outcome, Unknown

__all__ = ["SmtpMailer"]

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

# The server refuses whoever asks, not this message: a batch should pause.
_REFUSES_US = {530, 534, 535, 538}


class Phase(StrEnum):
    """How far the mailer came; the value reads well in a reason."""

    CONNECT = "connecting"
    GREET = "greeting the server"
    TLS = "starting TLS"
    AUTH = "authenticating"
    MAIL = "naming the sender"
    RCPT = "naming the recipients"
    DATA = "sending the message"
    DOT = "waiting for the server to take the message"


_OPENING = {Phase.CONNECT, Phase.GREET, Phase.TLS, Phase.AUTH}


class _Refused(Exception):
    """Carries a definite *no* out of the conversation."""

    def __init__(self, outcome: NotSent, *, hang_up: bool) -> None:
        super().__init__()
        self.outcome = outcome
        self.hang_up = hang_up


class SmtpMailer:
    """Sends by SMTP: ``smtp://user:password@host:port`` or ``smtps://…`` (TLS from the first byte).

    With ``smtp``, STARTTLS is used when the server offers it; ``?starttls=require`` insists on it and
    ``?starttls=never`` does without. A password is never sent in the clear, except to this machine itself
    or with ``?starttls=never``. Ports: 587 with a user, otherwise 25; 465 for ``smtps``. Special characters in
    the user or password are percent-encoded.

    *timeout* is in seconds and bounds every step before the final dot; *final_timeout* the wait after it: RFC
    5321 asks for ten minutes, and a shorter one makes mails *uncertain* that were taken. *tls* is the context to
    use; by default certificates are checked against the system's. *local_hostname* is the name to say in EHLO.
    *token* is a function that returns an OAuth 2.0 access token, asked for at each new connection: the URL then
    names the user and has no password (XOAUTH2).

    The connection is kept for the next mail, and opened again where the server dropped it in between. May be
    shared between threads (one mail at a time) and used after a fork. Raises ``OpenError`` for a URL it cannot
    use; ``send`` answers and does not raise.

    >>> SmtpMailer("smtp://jane:secret@mail.example:2525?starttls=require")
    SmtpMailer('smtp://jane@mail.example:2525?starttls=require')
    >>> mailer = SmtpMailer("smtp://localhost:1", timeout=5)  # nobody listens there
    >>> mail = Mail(message_id="<1@x.example>", sender="a@x.example", recipients=("b@x.example",), content=b"")
    >>> outcome = mailer.send(mail)
    >>> type(outcome).__name__, outcome.temporary, outcome.everything
    ('NotSent', True, True)
    >>> mailer.close()
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        final_timeout: float = 600.0,
        tls: ssl.SSLContext | None = None,
        local_hostname: str | None = None,
        token: Callable[[], str] | None = None,
    ) -> None:
        self._server = Server.of(url, token=token is not None)
        self._timeout = _seconds(timeout, "timeout")
        self._final_timeout = _seconds(final_timeout, "final_timeout")
        self._tls = tls
        self._local_hostname = _own_name(local_hostname)
        self._token = token
        self._wire: Wire | None = None
        self._phase = Phase.CONNECT
        self._process = os.getpid()
        self._lock = Lock()

    def send(self, mail: Mail) -> Outcome:
        """Try once to send *mail*, and say truly what became of it."""
        self._after_fork()
        with self._lock:
            outcome = self._outcome(mail)
        _log.info("%s: %s", mail.message_id, type(outcome).__name__)
        return outcome

    def close(self) -> None:
        """Say goodbye, if there is a connection. Sending again opens a new one."""
        self._after_fork()
        with self._lock:
            if self._wire is not None:
                self._wire.patience = min(self._timeout, 5.0)
                with suppress(smtplib.SMTPException, OSError):
                    self._wire.say("QUIT")  # what was sent is sent, whatever is answered
            self._hang_up()

    def __enter__(self) -> SmtpMailer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SmtpMailer({str(self._server)!r})"

    def _after_fork(self) -> None:
        if self._process != os.getpid():  # the conversation belongs to the parent: no word more from here
            self._process = os.getpid()
            self._lock = Lock()
            self._hang_up()

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _outcome(self, mail: Mail) -> Outcome:
        if problem := _unsendable(mail):
            return NotSent(reason=problem)
        try:
            return self._converse(mail)
        except _Refused as refused:
            if refused.hang_up:
                self._hang_up()
            return refused.outcome
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            return self._lost(error)
        except BaseException:
            self._hang_up()
            raise

    def _lost(self, error: Exception) -> NotSent | Unknown:
        """Say what a lost line means here."""
        why = str(error) or type(error).__name__
        if self._phase is Phase.DOT:
            return Unknown(reason=f"{self._phase}: {why}; it may have been taken or not")
        untrusted = isinstance(error, ssl.SSLCertVerificationError)
        if untrusted:
            why = f"the certificate of {self._server.host} is not trusted: {error.verify_message}"  # type: ignore[attr-defined]
        return NotSent(reason=f"{self._phase}: {why}", temporary=not untrusted, everything=self._phase in _OPENING)

    def _no(self, reply: Reply, *, hang_up: bool = False) -> NoReturn:
        """Give up on this mail because of *reply*."""
        everything = self._phase in _OPENING or reply.code in _REFUSES_US
        outcome = NotSent(
            reason=f"{self._phase}: {reply}",
            code=reply.code if reply.code > 0 else None,
            temporary=not reply.permanent,
            everything=everything,
        )
        # Neither yes nor no, or a yes to something else: the two are out of step.
        raise _Refused(outcome, hang_up=hang_up or everything or reply.leaves or reply.code < 400)

    def _never(self, reason: str, *, everything: bool = False) -> NoReturn:
        """Give up on this mail because it, or the way to the server, cannot be as it must."""
        raise _Refused(NotSent(reason=reason, everything=everything), hang_up=everything)

    def _converse(self, mail: Mail) -> Outcome:
        wire = self._ready()
        self._phase = Phase.MAIL
        options = self._options(wire, mail)
        reply = wire.say("MAIL", f"FROM:<{mail.sender}>{options}")
        if not reply.good:
            self._no(reply)
        self._phase = Phase.RCPT
        refused = self._recipients(wire, mail)
        self._phase = Phase.DATA
        reply = wire.say("DATA")
        if reply.code != 354:
            self._no(reply)
        early = wire.body(mail.content)
        if early is not None:
            self._no(early, hang_up=True)
        self._phase = Phase.DOT
        reply = wire.dot(self._final_timeout)
        if reply.good:
            return Accepted(reply=str(reply), refused=refused)
        if 400 <= reply.code <= 599:
            self._no(reply)
        self._hang_up()
        return Unknown(reason=f"{self._phase}: {reply}; it may have been taken or not")

    def _recipients(self, wire: Wire, mail: Mail) -> dict[str, str]:
        """Name the recipients, and return those that were refused, and why."""
        refused: dict[str, Reply] = {}
        for recipient in mail.recipients:
            reply = wire.say("RCPT", f"TO:<{recipient}>")
            if reply.leaves:
                self._no(reply)
            if not reply.good:
                refused[recipient] = reply
        if len(refused) == len(mail.recipients):
            # One that may be tried again keeps the mail alive.
            first = min(refused.values(), key=lambda reply: reply.permanent)
            others = "" if len(refused) == 1 else f" (all {len(refused)} recipients were refused)"
            self._no(Reply(first.code, first.text + others))
        return {recipient: str(reply) for recipient, reply in refused.items()}

    def _options(self, wire: Wire, mail: Mail) -> str:
        """Return what MAIL must announce, or refuse what the server cannot take."""
        size, limit = len(mail.content), wire.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < size:
            self._never(
                f"the mail has {size / 1e6:.1f} MB and {self._server.host} takes at most {int(limit) / 1e6:.1f} MB"
            )
        words = [f" SIZE={size}"] if wire.has_extn("size") else []
        unicode = not "".join((mail.sender, *mail.recipients)).isascii()
        unicode = unicode or not mail.content.partition(b"\r\n\r\n")[0].isascii()
        if unicode and not wire.has_extn("smtputf8"):
            self._never(f"an address is not ASCII, and {self._server.host} does not take such (SMTPUTF8)")
        eight = unicode or not mail.content.isascii()
        if eight and not wire.has_extn("8bitmime"):
            self._never(f"the message is not ASCII, and {self._server.host} does not take such (8BITMIME)")
        wire.command_encoding = "utf-8" if unicode else "ascii"
        return "".join([*words, *([" BODY=8BITMIME"] if eight else []), *([" SMTPUTF8"] if unicode else [])])

    def _ready(self) -> Wire:
        """Return a connection on which a new message may begin."""
        if self._wire is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._wire.say("RSET").good:
                    return self._wire
            self._hang_up()  # the server left in between; no word of this mail was said yet
        self._phase = Phase.CONNECT
        server = self._server
        self._wire = wire = Wire(timeout=self._timeout, local_hostname=self._local_hostname)
        reply = wire.dial(server.host, server.port, self._context() if server.implicit_tls else None)
        if reply.code != 220:
            self._no(reply)
        self._phase = Phase.GREET
        reply = wire.greet()
        if not reply.good:
            self._no(reply)
        safe = server.implicit_tls or self._start_tls(wire)
        self._log_in(wire, safe=safe)
        return wire

    def _start_tls(self, wire: Wire) -> bool:
        self._phase = Phase.TLS
        server = self._server
        if server.starttls is Starttls.NEVER:
            return False
        if not wire.has_extn("starttls"):
            if server.starttls is Starttls.REQUIRE:
                self._never(f"{server.host} does not offer STARTTLS, which the URL requires", everything=True)
            return False
        reply = wire.start_tls(self._context(), server.host)
        if not reply.good:
            self._no(reply)
        return True

    def _log_in(self, wire: Wire, *, safe: bool) -> None:
        self._phase = Phase.AUTH
        server = self._server
        if not server.user:
            return
        if not (safe or server.local or server.starttls is Starttls.NEVER):
            self._never(
                f"{server.host} does not offer TLS, and a password or token is not sent in the clear; "
                "use smtps://, or allow it with ?starttls=never",
                everything=True,
            )
        if self._token is None:
            reply, ways = wire.log_in(server.user, server.password), "neither AUTH PLAIN nor AUTH LOGIN"
        else:
            reply, ways = wire.show_token(server.user, self._fresh(self._token)), "no AUTH XOAUTH2"
        if reply is None:
            self._never(f"{server.host} offers {ways}", everything=True)
        if reply.code != 235:
            self._no(reply)

    def _fresh(self, token: Callable[[], str]) -> str:
        """Ask the host's own function for a token; what it raises may hold secrets, and is not repeated."""
        try:
            text = token()
        except Exception as error:  # noqa: BLE001 - whatever it raises, nothing was sent
            reason = f"{self._phase}: no token could be had ({type(error).__name__})"
            raise _Refused(NotSent(reason=reason, temporary=True, everything=True), hang_up=True) from None
        if not isinstance(text, str) or not re.fullmatch("[!-~]+", text):
            self._never(f"{self._phase}: the token function did not return a token", everything=True)
        return text

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _seconds(value: float, name: str) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        message = f"{name} is a number of seconds above 0, not {shown(value)}"
        raise OpenError(message)
    return value


def _own_name(value: str | None) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[!-~]{1,255}", value)):
        message = f"local_hostname is a name such as 'app.acme.example', not {shown(value)}"
        raise OpenError(message)
    return value


def _unsendable(mail: Mail) -> str:
    """Say why *mail* cannot be put on the wire as it is, or nothing."""
    if not mail.recipients:
        return "the mail has no recipient"
    for address in (mail.sender, *mail.recipients):
        local, at, domain = address.rpartition("@")
        if (address or address is not mail.sender) and not (local and at and domain):
            return f"{address!r} is not an address"
        if any(
            character in "<> \x7f" or character < "\x20" or "\ud800" <= character <= "\udfff" for character in address
        ):
            return f"{address!r} is not an address that a server can be given"
    content = mail.content
    if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") or b"\0" in content:
        return "the message has line ends other than CRLF, or a NUL; use build_mail()"
    return ""
