"""A mailer that writes one ``.eml`` file for each mail: look at them, hand them over, or send them later."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path
from threading import Lock, get_ident

from salespipeline.mail.filenames import safe_filename
from salespipeline.ports import Accepted, Mail, NotSent, Outcome, Unknown

__all__ = ["FolderMailer"]


def _digest(message_id: str) -> str:
    return hashlib.sha256(message_id.encode(errors="replace")).hexdigest()[:16]


def _readable(mail: Mail) -> str:
    """Return what a person looks for in a list of files: to whom, and about what."""
    try:
        written = BytesHeaderParser().parsebytes(mail.content.partition(b"\r\n\r\n")[0]).get("Subject", "")
        subject = str(make_header(decode_header(str(written).replace("\r\n", ""))))
    except (
        ValueError,
        LookupError,
        MessageError,
    ):  # whatever a caller's own bytes may hold; the name is only for people
        subject = ""
    to = mail.recipients[0] if mail.recipients else "nobody"
    return safe_filename(f"{to[:60]} {subject[:60]}".replace("/", "-").replace("\\", "-"), otherwise="mail")


class FolderMailer:
    """Writes each mail into *path* as ``<recipient> <subject> <digest>.eml``, whole or not at all.

    The digest is of the Message-ID, so that mailing one message twice keeps one file. The folder is made at
    the first mail. *sync* waits until the disk has it, as a server does before it answers 250. May be shared
    between threads, and between processes. A problem with the disk is answered as ``NotSent``, with
    ``everything`` set, since no other mail could be written either.

    >>> import tempfile
    >>> mailer = FolderMailer(tempfile.mkdtemp())
    >>> mail = Mail(message_id="<1@x.example>", sender="a@x.example", recipients=("b@x.example",), content=b"")
    >>> mailer.send(mail).reply, mailer.lookup(mail.message_id), mailer.close()
    ('250 written as b@x.example ....eml', True, None)
    """

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True) -> None:
        self.path = Path(path)
        self._sync = sync
        self._lock = Lock()
        self._kept: dict[str, str] | None = None

    def send(self, mail: Mail) -> Outcome:
        """Write *mail* into the folder."""
        with self._lock:
            target: Path | None = None
            try:
                if self._kept is None:
                    self.path.mkdir(parents=True, exist_ok=True)
                    self._kept = self._list()
                digest = _digest(mail.message_id)
                name = self._kept.get(digest) or f"{_readable(mail)} {digest}.eml"
                target = self.path / name
                self._write(target, mail.content)
                self._kept[digest] = name
                self._settle()
            except OSError as error:
                self._kept = None  # the folder may have been moved away: look again next time
                what = f"the folder {str(self.path)!r} cannot be written: {error.strerror or type(error).__name__}"
                if target is not None and target.exists():
                    return Unknown(reason=f"{what}; the mail may be lost if the power fails now")
                return NotSent(reason=what, temporary=True, everything=True)
            return Accepted(reply=f"250 written as {name}")

    def lookup(self, message_id: str) -> bool:
        """Say whether a mail with this Message-ID is in the folder."""
        return any(self.path.glob(f"*{_digest(message_id)}.eml"))

    def close(self) -> None:
        """Do nothing: each mail is complete when ``send`` returns."""

    def _list(self) -> dict[str, str]:
        return {name[-20:-4]: name for name in os.listdir(self.path) if name.endswith(".eml")}  # noqa: PTH208

    def _write(self, target: Path, content: bytes) -> None:
        part = target.with_name(f".{target.name[-20:]}.{os.getpid()}.{get_ident()}.part")
        try:
            with part.open("wb") as file:
                file.write(content)
                if self._sync:
                    file.flush()
                    os.fsync(file.fileno())
            part.replace(target)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def _settle(self) -> None:
        """Make the new name itself durable, where a folder can be opened for that."""
        if self._sync and hasattr(os, "O_DIRECTORY"):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def __repr__(self) -> str:
        return f"FolderMailer({str(self.path)!r})"
