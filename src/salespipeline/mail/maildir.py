"""A mailer that delivers into a Maildir: what IMAP servers and mail programs read, on this machine."""

from __future__ import annotations

import socket
from pathlib import Path

from salespipeline.mail.files import FileMailer, digest_of, own
from salespipeline.ports import Mail

__all__ = ["MaildirMailer"]


class MaildirMailer(FileMailer):
    """Delivers each mail into the Maildir *path*: written in ``tmp``, and moved to ``new`` when it is whole.

    The folders are made at the first mail. The name begins with a digest of the Message-ID, so that mailing one message
    twice keeps one file, wherever the reader has moved it. *sync* waits until the disk has it. May be shared between
    threads, and between processes. A problem with the disk is answered as ``NotSent``, with ``everything`` set.

    >>> import mailbox, tempfile
    >>> path = tempfile.mkdtemp()
    >>> mailer = MaildirMailer(path)
    >>> mail = Mail(message_id="<1@x.example>", sender="a@x.example", recipients=("b@x.example",), content=b"Subject: hi")
    >>> mailer.send(mail).reply[:15], mailer.lookup(mail.message_id), mailer.lookup("<2@x.example>"), mailer.close()
    ('250 written as ', True, None, None)
    >>> [message["Subject"] for message in mailbox.Maildir(path)]
    ['hi']
    """

    def lookup(self, message_id: str) -> bool | None:
        """Return ``True`` where the mail is there; ``None`` where it is not: somebody may have read and removed it."""
        return True if self._found(digest_of(message_id)) is not None else None

    def _found(self, digest: str) -> Path | None:
        for folder in ("new", "cur"):
            for file in (self.path / folder).glob(f"{digest}.*"):
                return file
        return None

    def _target(self, mail: Mail) -> Path:
        for folder in ("tmp", "new", "cur"):
            (self.path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = digest_of(mail.message_id)
        # A name must be unlike all others and hold neither a slash nor a colon, behind which readers put flags.
        host = socket.gethostname().replace("/", "_").replace(":", "_")
        return self._found(digest) or self.path / "new" / f"{digest}.{host}"

    def _part(self, target: Path) -> Path:
        return self.path / "tmp" / own(target.name.partition(":")[0])
