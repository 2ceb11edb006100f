"""What can be asked of *send all*: words, recipients, files; checked, all problems at once. (SPEC SEND-4)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from salespipeline.domain.checks import Checks
from salespipeline.domain.templates import PURPOSES, TYPES, MailTemplate, Template
from salespipeline.errors import MailError, shown

if TYPE_CHECKING:
    from salespipeline.mail import Attachment, InlineImage

__all__ = ["CONTACT", "SendOptions", "Templates", "Written"]

Written: TypeAlias = "str | MailTemplate | Template"
Templates: TypeAlias = "Written | Mapping[str, Written] | None"
CONTACT = "{contact}"  # in an address to unsubscribe at: the id of whoever the mail is for
RECIPIENTS = ("person", "contact", "both")


@attrs.frozen(kw_only=True)
class SendOptions:
    """What is asked of *send all*; the arguments of ``plan_send_all``."""

    purpose: str = "send"
    template: Templates = None
    again: bool = False
    recipients: str = "person"
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    images: tuple[InlineImage, ...] = ()
    together: bool = False
    unsubscribe: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> SendOptions:
        """Return the options as they were *given*, or raise ``Invalid`` with every problem."""
        from salespipeline.mail import Attachment, InlineImage

        checks = Checks()
        values: dict[str, Any] = dict(given)
        known = [field.name for field in attrs.fields(cls)]
        for name in [name for name in values if name not in known]:
            checks.add(name, "unknown", f"send all has no option {shown(name)}; there are {', '.join(known)}")
            values.pop(name)
        for name in ("to", "cc", "bcc", "reply_to"):
            values[name] = _addresses(checks, name, values.get(name, ()))
        values["unsubscribe"] = _leaving(checks, values.get("unsubscribe", ()))
        for name, kind in (("attachments", Attachment), ("images", InlineImage)):
            values[name] = _files(checks, name, values.get(name, ()), kind)
        for name, options in (("recipients", RECIPIENTS), ("purpose", PURPOSES)):
            if values.get(name, options[0]) not in options:
                message = f"{name} is {' or '.join(map(repr, options))}, not {shown(values[name])}"
                checks.add(name, "choice", message)
        if values.get("purpose") == "receipt" and values.get("together"):
            checks.add("together", "choice", "receipts leave one by one: each confirms one document")
        _templates(checks, values.get("template"))
        checks.done(action="send all")
        return cls(**values)


def _addresses(checks: Checks, name: str, given: object) -> tuple[str, ...]:
    from salespipeline.mail import Address

    several = (given,) if isinstance(given, str | Address) else tuple(given) if isinstance(given, Iterable) else None
    if several is None:
        checks.add(name, "type", f"an address or a list of them is needed, not {shown(given)}")
        return ()
    kept = []
    for position, one in enumerate(several):
        try:
            kept.append(str(Address.of(one)))
        except MailError as error:
            checks.add(f"{name}[{position}]", "address", str(error))
    return tuple(kept)


def _leaving(checks: Checks, given: object) -> tuple[str, ...]:
    from salespipeline.mail.message import leave_address

    several = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    for position, one in enumerate(several):
        try:
            leave_address(one.replace(CONTACT, "0") if isinstance(one, str) else one)
        except MailError as error:
            checks.add(f"unsubscribe[{position}]", "address", str(error))
    return several


def _files(checks: Checks, name: str, given: object, kind: type[object]) -> tuple[object, ...]:
    several = (given,) if isinstance(given, kind) else tuple(given) if isinstance(given, Iterable) else (given,)
    if wrong := [one for one in several if not isinstance(one, kind)]:
        checks.add(name, "type", f"make each of them a mail.{kind.__name__}, not {shown(wrong[0])}")
    return several


def _templates(checks: Checks, given: object) -> None:
    each = given.items() if isinstance(given, Mapping) else [("", given)]
    for type, one in each:
        path = f"template[{type}]" if type else "template"
        if type and type not in TYPES:
            checks.add(path, "choice", f"{shown(type)} is not one of {', '.join(TYPES)}")
        elif one is not None and not isinstance(one, str | MailTemplate | Template):
            checks.add(path, "type", f"a MailTemplate, or the name of a template or a type is needed, not {shown(one)}")
