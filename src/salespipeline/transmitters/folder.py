"""A transmitter that writes files into a folder, from which a program of the platform fetches them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from salespipeline.mail.filenames import safe_filename
from salespipeline.ports import Accepted, NotSent, Outcome
from salespipeline.transmission import EInvoice

__all__ = ["Folder"]


class Folder:
    """Writes each invoice into *path* under its name, whole or not at all; the folder is made at the first one.

    The same invoice again is the same file; another one of the same name stands beside it. A problem with the disk is
    answered as ``NotSent``. May be shared between threads and processes.

    >>> import tempfile
    >>> out = Folder(tempfile.mkdtemp())
    >>> invoice = EInvoice(reference="1", content=b"a", media_type="", name="1.xml", format="cii", profile="", xml=b"a")
    >>> out.transmit(invoice).reply, out.transmit(invoice).reply
    ('written as 1.xml', 'written as 1.xml')
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def transmit(self, invoice: EInvoice) -> Outcome:
        """Write the file, and answer when the disk has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            name = self._written(invoice)
        except OSError as error:
            reason = f"{self.path} takes no file: {error.strerror or error}"
            return NotSent(reason=reason, temporary=True, everything=True)
        return Accepted(reply=f"written as {name}")

    def _written(self, invoice: EInvoice) -> str:
        handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=self.path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(invoice.content)
                file.flush()
                os.fsync(file.fileno())
            taken: list[str] = []
            while True:
                target = self.path / safe_filename(invoice.name, taken, otherwise="invoice")
                try:
                    target.hardlink_to(part)  # refused where somebody else's stands there, so that none is lost
                except FileExistsError:
                    if target.read_bytes() == invoice.content:
                        return target.name
                    taken.append(target.name)
                    continue
                return target.name
        finally:
            Path(part).unlink()

    def __repr__(self) -> str:
        return f"<transmitters.Folder: {self.path}>"
