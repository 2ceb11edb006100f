"""One e-mail address as one checked value: what a mail is addressed with."""

from __future__ import annotations

import re
from functools import lru_cache

import attrs
from email_validator import EmailNotValidError, validate_email

from salespipeline.errors import MailError, shown

__all__ = ["Address"]

LONGEST_NAME = 256
_LONGEST = 1000  # of a name and an address together
# Everything that could end a line: C0, DEL, C1, line and paragraph separators; and what is no character at all.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# Marks that change only the direction of what is shown, and so can show one thing as another: dropped.
BIDI = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_NAMED = re.compile(r"\s*(?:\"(?P<quoted>[^\"\\<>]*)\"|(?P<plain>[^\"<>@,;:\\()\[\]]*?))\s*<(?P<spec>[^<>\s]+)>\s*")


def _in_short(error: Exception) -> str:
    """Return what *error* says without the value that it may repeat as it is."""
    return UNSAFE.sub("?", str(error))[:200]


def _spec(value: object) -> str:
    if not isinstance(value, str):
        message = f"an e-mail address is text such as 'jane@acme.example', not {shown(value)} ({type(value).__name__})"
        raise MailError(message)
    return _checked(value)


@lru_cache(maxsize=1024)  # a batch mails from one address, and to many a client several times
def _checked(value: str) -> str:
    try:
        checked = validate_email(value, check_deliverability=False)
    except EmailNotValidError as error:
        message = f"{shown(value)} is not one e-mail address: {_in_short(error)} Give each address by itself"
        raise MailError(message) from None
    # An encoded word is legal inside a local part, and decoded there by careless readers into anything at all.
    if "=?" in checked.local_part:
        message = f"{shown(value)} holds '=?', which mail programs take for an encoded word; use another address"
        raise MailError(message)
    return f"{checked.local_part}@{checked.ascii_domain}"


def _name(value: object) -> str:
    if not isinstance(value, str):
        message = f"the name beside an address is text, not {shown(value)} ({type(value).__name__})"
        raise MailError(message)
    if unsafe := UNSAFE.search(value):
        message = f"the name {shown(value)} holds the character {shown(unsafe[0])}, which is not allowed in a header"
        raise MailError(message)
    if len(value) > LONGEST_NAME:
        message = f"the name {shown(value)} has {len(value)} characters; at most {LONGEST_NAME} are taken"
        raise MailError(message)
    return value.translate(BIDI).strip()


def _split(value: object) -> tuple[str, str]:
    if isinstance(value, str) and len(value) <= _LONGEST and not UNSAFE.search(value):
        named = _NAMED.fullmatch(value)
        if named is not None:
            return named["spec"], named["plain"] if named["quoted"] is None else named["quoted"]
    return value, ""  # type: ignore[return-value]  # the address itself says what is wrong with it


@attrs.frozen
class Address:
    """One mailbox: an address, and the name shown beside it. Checked when it is made.

    *spec* is kept as it is written on the wire: the domain in ASCII (IDNA), the local part as given. Bidi
    marks are dropped from the name. Raises ``MailError`` for anything that is not exactly one address, so
    that ``"a@x.org, b@y.org"`` cannot become two recipients.

    >>> Address("jane@müller.example", "Jane Müller")
    Address(spec='jane@xn--mller-kva.example', name='Jane Müller')
    """

    spec: str = attrs.field(converter=_spec)
    name: str = attrs.field(default="", converter=_name)

    @classmethod
    def of(cls, value: Address | str) -> Address:
        """Return *value* as an address; text may carry a name, as in ``"Acme Ltd <sales@acme.example>"``.

        >>> Address.of("Acme Ltd <sales@acme.example>").name
        'Acme Ltd'
        """
        if isinstance(value, Address):
            return value
        spec, name = _split(value)
        return cls(spec, name)

    @property
    def key(self) -> str:
        """The same for two spellings of one mailbox: what recipients are de-duplicated by.

        Not folded any further: ``strasse@`` and ``straße@`` are two people.
        """
        return self.spec.lower()

    def __str__(self) -> str:
        return f"{self.name} <{self.spec}>" if self.name else self.spec
