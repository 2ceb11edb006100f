"""A mailer that writes one ``.eml`` file for each mail: look at them, hand them over, or send them later."""

from __future__ import annotations

import os
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path

from salespipeline.mail.filenames import safe_filename
from salespipeline.mail.files import FileMailer, digest_of, own
from salespipeline.ports import Mail

__all__ = ["FolderMailer"]


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


class FolderMailer(FileMailer):
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
        super().__init__(path, sync=sync)
        self._kept: dict[str, str] | None = None

    def lookup(self, message_id: str) -> bool:
        """Say whether a mail with this Message-ID is in the folder."""
        return any(self.path.glob(f"*{digest_of(message_id)}.eml"))

    def _target(self, mail: Mail) -> Path:
        if self._kept is None:
            self.path.mkdir(parents=True, exist_ok=True)
            self._kept = {name[-20:-4]: name for name in os.listdir(self.path) if name.endswith(".eml")}  # noqa: PTH208
        digest = digest_of(mail.message_id)
        return self.path / self._kept.setdefault(digest, f"{_readable(mail)} {digest}.eml")

    def _part(self, target: Path) -> Path:
        return target.with_name(f".{own(target.name[-20:])}.part")

    def _lost(self) -> None:
        self._kept = None
