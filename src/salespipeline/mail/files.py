"""What the mailers that write files share: a mail is a whole file or none, and the disk has it before they say so."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from threading import Lock, get_ident

from salespipeline.ports import Accepted, Mail, NotSent, Outcome, Unknown

__all__ = ["FileMailer", "digest_of"]


def digest_of(message_id: str) -> str:
    """Return what names the file of the mail with this Message-ID: 16 hex digits."""
    return hashlib.sha256(message_id.encode(errors="replace")).hexdigest()[:16]


class FileMailer(ABC):
    """Writes each mail into a file of its own, beside which it is written first; a subclass says where."""

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True) -> None:
        self.path = Path(path)
        self._sync = sync
        self._lock = Lock()

    @abstractmethod
    def _target(self, mail: Mail) -> Path:
        """Return where *mail* belongs, the same at each try; make the folders for it."""

    @abstractmethod
    def _part(self, target: Path) -> Path:
        """Return where what becomes *target* is written first: on the same disk, where nobody takes it for a mail."""

    def _lost(self) -> None:  # noqa: B027 - only who keeps a list needs it
        """Forget what was known of the folder: it may have been moved away."""

    def send(self, mail: Mail) -> Outcome:
        """Write *mail* into the folder."""
        with self._lock:
            target: Path | None = None
            try:
                target = self._target(mail)
                self._write(target, mail.content)
                self._settle(target.parent)
            except OSError as error:
                self._lost()
                what = f"the folder {str(self.path)!r} cannot be written: {error.strerror or type(error).__name__}"
                if target is not None and target.exists():
                    return Unknown(reason=f"{what}; the mail may be lost if the power fails now")
                return NotSent(reason=what, temporary=True, everything=True)
            return Accepted(reply=f"250 written as {target.name}")

    def close(self) -> None:  # noqa: B027 - nothing is open between two mails
        """Do nothing: each mail is complete when ``send`` returns."""

    def _write(self, target: Path, content: bytes) -> None:
        part = self._part(target)
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

    def _settle(self, folder: Path) -> None:
        """Make the new name itself durable, where a folder can be opened for that."""
        if self._sync and hasattr(os, "O_DIRECTORY"):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


def own(name: str) -> str:
    """Return *name* as no other process or thread writes it at the same time."""
    return f"{name}.{os.getpid()}.{get_ident()}"
