"""Which server to send by, read from a URL; its password never shows."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from salespipeline.errors import OpenError

__all__ = ["Server", "Starttls"]

_UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_FORM = "smtp://user:password@host:port?starttls=require or smtps://user:password@host:port"


class Starttls(StrEnum):
    """Whether a plain connection goes on in TLS."""

    OFFERED = "offered"
    REQUIRE = "require"
    NEVER = "never"


def _open_error(what: str) -> OpenError:
    # The URL itself is not repeated: it may hold a password.
    return OpenError(f"{what}; write {_FORM}, with special characters percent-encoded ('/' as %2F, '@' as %40)")


def _reachable(host: str) -> bool:
    try:
        name = host.encode("idna")
    except UnicodeError:
        return False
    return not re.search(rb"[^A-Za-z0-9._:%-]", name)


@attrs.frozen(kw_only=True)
class Server:
    """A host to send by. ``str()`` of it is the URL without the password."""

    host: str
    port: int
    implicit_tls: bool
    starttls: Starttls
    user: str = ""
    password: str = attrs.field(default="", repr=False)

    @classmethod
    def of(cls, url: str, *, token: bool = False) -> Server:
        """Read *url*, or raise ``OpenError`` without repeating it. With a *token*, it names a user and no password."""
        try:
            parts = urlsplit(url)
            port = parts.port
            options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
            user, password = (unquote(text or "", errors="strict") for text in (parts.username, parts.password))
        except (ValueError, TypeError, AttributeError):
            raise _open_error("the URL of the mail server cannot be read") from None
        if parts.scheme not in ("smtp", "smtps"):
            raise _open_error("the URL of a mail server begins with smtp:// or smtps://")
        if not parts.hostname or parts.path not in ("", "/") or parts.fragment or port == 0:
            raise _open_error("the URL of the mail server needs a host, and has no path")
        wish = options.pop("starttls", Starttls.OFFERED.value)
        if options or wish not in list(Starttls) or (parts.scheme == "smtps" and "starttls" in parts.query):
            raise _open_error("the only option of the URL is starttls: offered, require or never, and not with smtps")
        if not _reachable(parts.hostname):
            raise _open_error("the host in the URL of the mail server cannot be the name or address of one")
        if _UNSAFE.search(user + password):
            raise _open_error("the user or password in the URL of the mail server holds a control character")
        if token and (password or not user):
            raise _open_error("with a token, the URL of the mail server names a user and has no password")
        if not token and bool(user) != bool(password):
            raise _open_error("the URL of the mail server has a user without a password, or the reverse")
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if implicit else 587 if user else 25),
            implicit_tls=implicit,
            starttls=Starttls(wish),
            user=user,
            password=password,
        )

    @property
    def local(self) -> bool:
        """Whether it is this machine, so that nothing said to it can be overheard."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False  # 127.evil.example begins like this machine, too

    def __str__(self) -> str:
        scheme = "smtps" if self.implicit_tls else "smtp"
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        option = "" if self.starttls is Starttls.OFFERED else f"?starttls={self.starttls}"
        return f"{scheme}://{user}{host}:{self.port}{option}"
