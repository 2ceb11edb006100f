"""Mail that is built once and sent by SMTP, written into a folder or a Maildir, or kept in memory.

``Smtp(url)``, ``Folder(path)``, ``Maildir(path)`` and ``Memory()`` are the mailers that come with the library; any object with
``send`` and ``close`` (``ports.Mailer``) will do in their place. ``build_mail`` makes the message.

Names are loaded when they are first used: importing this package loads neither ``email`` nor ``smtplib``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salespipeline.mail.addresses import Address
    from salespipeline.mail.filenames import safe_filename, safe_filenames
    from salespipeline.mail.folder import FolderMailer
    from salespipeline.mail.folder import FolderMailer as Folder
    from salespipeline.mail.inbox import Inbox
    from salespipeline.mail.maildir import MaildirMailer
    from salespipeline.mail.maildir import MaildirMailer as Maildir
    from salespipeline.mail.memory import MemoryMailer
    from salespipeline.mail.memory import MemoryMailer as Memory
    from salespipeline.mail.message import build_mail, message_id_for
    from salespipeline.mail.parts import Attachment, InlineImage
    from salespipeline.mail.smtp import SmtpMailer
    from salespipeline.mail.smtp import SmtpMailer as Smtp

__all__ = [
    "Address",
    "Attachment",
    "Folder",
    "FolderMailer",
    "Inbox",
    "InlineImage",
    "Maildir",
    "MaildirMailer",
    "Memory",
    "MemoryMailer",
    "Smtp",
    "SmtpMailer",
    "build_mail",
    "message_id_for",
    "safe_filename",
    "safe_filenames",
]

_HOME = {
    "Address": "addresses:Address",
    "Attachment": "parts:Attachment",
    "Folder": "folder:FolderMailer",
    "FolderMailer": "folder:FolderMailer",
    "Inbox": "inbox:Inbox",
    "InlineImage": "parts:InlineImage",
    "Maildir": "maildir:MaildirMailer",
    "MaildirMailer": "maildir:MaildirMailer",
    "Memory": "memory:MemoryMailer",
    "MemoryMailer": "memory:MemoryMailer",
    "Smtp": "smtp:SmtpMailer",
    "SmtpMailer": "smtp:SmtpMailer",
    "build_mail": "message:build_mail",
    "message_id_for": "message:message_id_for",
    "safe_filename": "filenames:safe_filename",
    "safe_filenames": "filenames:safe_filenames",
}


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> object:
        home = _HOME.get(name)
        if home is None:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        module, _, attribute = home.partition(":")
        value: object = getattr(import_module(f"{__name__}.{module}"), attribute)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
