"""The wire to an SMTP server: commands, replies, TLS and authentication, with a deadline for each reply.

``smtplib`` gives the verbs and reads what a server offers. What is ours: a reply must be complete by its
deadline (there, every byte that drips in starts the clock again), a reply that is none is never taken for
one, and the last byte of a message leaves by a call of its own (RFC 5321).
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from time import monotonic

import attrs

__all__ = ["Reply", "Wire"]

_LONGEST_LINE = 8192
_LONGEST_REPLY = 65536
_CHUNK = 65536
_LINE = re.compile(rb"[2-5][0-9]{2}(?:[ -].*)?", re.DOTALL)  # RFC 5321, 4.2.1


@attrs.frozen
class Reply:
    """A server's answer. *code* is -1 where it was not one."""

    code: int
    text: str = ""

    @property
    def good(self) -> bool:
        """Whether the command was done."""
        return 200 <= self.code <= 299

    @property
    def permanent(self) -> bool:
        """Whether trying the same again is no use."""
        return 500 <= self.code <= 599

    @property
    def leaves(self) -> bool:
        """Whether nothing sensible can be said on this connection any more."""
        return self.code == 421 or not (self.good or 400 <= self.code <= 599)

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code > 0 else f"not an SMTP reply: {self.text!r}"


def _readable(text: str) -> str:
    line = " ".join(text.split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= 300 else line[:299] + "…"


class Wire(smtplib.SMTP):
    """One connection. Raises ``smtplib.SMTPServerDisconnected`` or ``OSError`` where it is lost."""

    def __init__(self, *, timeout: float, local_hostname: str | None) -> None:
        super().__init__(local_hostname=local_hostname or "", timeout=timeout)
        self.patience = timeout
        self._pending = b""
        self._secrets: tuple[str, ...] = ()

    def dial(self, host: str, port: int, tls: ssl.SSLContext | None) -> Reply:
        """Connect, with *tls* from the first byte where it is given, and return the greeting."""
        self.sock = socket.create_connection((host, port), self.patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.local_hostname:  # an address literal needs no name server and is always true
            own = self.sock.getsockname()[0]
            self.local_hostname = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
        if tls is not None:
            self._wrap(tls, host)
        return self._reply(*self.getreply())

    def greet(self) -> Reply:
        """Say EHLO, or HELO to a server that knows no better."""
        code, text = self.ehlo()
        if code not in (421, -1) and not 200 <= code <= 299:
            code, text = self.helo()
        return self._reply(code, text)

    def start_tls(self, tls: ssl.SSLContext, host: str) -> Reply:
        """Go on in TLS, and forget everything that was said before it (RFC 3207)."""
        reply = self.say("STARTTLS")
        if reply.code == 220:
            self._wrap(tls, host)
            return self.greet()
        return reply

    def log_in(self, user: str, password: str) -> Reply | None:
        """Authenticate by PLAIN or LOGIN, or return ``None`` where the server offers neither."""
        plain = _base64(f"\0{user}\0{password}")
        self._secrets = (plain, _base64(password), password)
        if "PLAIN" in self._ways():
            return self.say("AUTH", f"PLAIN {plain}")
        if "LOGIN" not in self._ways():
            return None
        reply = self.say("AUTH", "LOGIN")
        for answer in (user, password):
            if reply.code != 334:
                break
            reply = self.say(_base64(answer))
        return reply

    def show_token(self, user: str, token: str) -> Reply | None:
        """Authenticate by XOAUTH2, or return ``None`` where the server does not offer it."""
        if "XOAUTH2" not in self._ways():
            return None
        bearer = _base64(f"user={user}\1auth=Bearer {token}\1\1")
        self._secrets = (bearer, _base64(token), token)
        reply = self.say("AUTH", f"XOAUTH2 {bearer}")
        # 334 carries details in base64; the refusal itself comes when they are answered with nothing.
        return self.say("") if reply.code == 334 else reply

    def _ways(self) -> list[str]:
        return self.esmtp_features.get("auth", "").upper().split()

    def say(self, command: str, argument: str = "") -> Reply:
        """Give a command and return the reply."""
        return self._reply(*self.docmd(command, argument))

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Give a command, unless there is an answer to no question; part of what ``smtplib`` builds on."""
        if self._pending:
            self.close()
            raise smtplib.SMTPServerDisconnected("the server spoke out of turn")
        super().putcmd(cmd, args)

    def body(self, content: bytes) -> Reply | None:
        """Send a message, dots stuffed, but not the dot that ends it; return what the server said meanwhile.

        It has nothing to say yet: any word is a refusal, or belongs to something else, and must not be taken
        for the reply to the dot.
        """
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        if not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        view = memoryview(stuffed)
        for start in range(0, len(view), _CHUNK):  # each piece has its own time, so that slow lines can be long
            self.send(view[start : start + _CHUNK])
        return self._reply(*self.getreply()) if self._speaks() else None

    def _speaks(self) -> bool:
        """Say whether the server has said something or left, without waiting."""
        if self._pending or self.sock is None:
            return True
        self.sock.settimeout(0)
        try:
            self._pending = self.sock.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            self.close()
        return True

    def dot(self, patience: float) -> Reply:
        """End the message, and wait for at most *patience* seconds for what became of it."""
        self.patience, usual = patience, self.patience
        try:
            self.send(b".\r\n")
            return self._reply(*self.getreply())
        finally:
            self.patience = usual

    def send(self, s: object) -> None:
        """Send bytes or a command; part of the interface that ``smtplib`` builds on."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        try:
            self.sock.settimeout(self.patience)
            self.sock.sendall(data)  # type: ignore[arg-type]
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(_why(error)) from error

    def getreply(self) -> tuple[int, bytes]:
        """Read one whole reply within the deadline; part of the interface that ``smtplib`` builds on."""
        deadline = monotonic() + self.patience
        codes: set[bytes] = set()
        texts: list[bytes] = []
        size = 0
        while True:
            line = self._read_line(deadline)
            size += len(line)
            codes.add(line[:3])
            texts.append(line[4:].strip())
            if len(codes) > 1 or not _LINE.fullmatch(line) or size > _LONGEST_REPLY:
                return -1, line
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)

    def _read_line(self, deadline: float) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        while b"\n" not in self._pending:
            try:
                if (left := deadline - monotonic()) <= 0:
                    raise TimeoutError("timed out")
                if len(self._pending) > _LONGEST_LINE:
                    raise ConnectionError("the server's reply does not end")
                self.sock.settimeout(left)
                received = self.sock.recv(4096)
                if not received:
                    raise ConnectionError("the server closed the connection")
            except OSError as error:
                self.close()
                raise smtplib.SMTPServerDisconnected(_why(error)) from error
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        return line.rstrip(b"\r")

    def _wrap(self, tls: ssl.SSLContext, host: str) -> None:
        self._pending = b""  # what was injected before TLS is not the server's word
        assert self.sock is not None  # noqa: S101
        self.sock.settimeout(self.patience)
        self.sock = tls.wrap_socket(self.sock, server_hostname=host)

    def _reply(self, code: int, text: bytes) -> Reply:
        """Return the reply as it may be shown: a server may repeat a password, or anything else."""
        said = text.decode(errors="replace")
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return Reply(code, _readable(said))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _why(error: OSError) -> str:
    return "timed out" if isinstance(error, TimeoutError) else error.strerror or str(error) or type(error).__name__
