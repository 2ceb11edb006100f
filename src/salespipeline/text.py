"""The only place where Unicode is decided: what text may be kept, and how it is compared.

Kept text is NFC, without NUL, lone surrogates or control characters; single-line fields hold no line breaks
and no bidirectional controls, because those can make one reference look like another.
"""

from __future__ import annotations

import re
import unicodedata

from salespipeline.errors import Invalid, Problem, shown

__all__ = ["PALETTE", "clean", "colour", "email", "fold", "key", "phone", "readable_on", "url"]

LONG = 100_000
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_BREAK = re.compile("[\t\n]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9 ().\-/]{3,40}(?: ?(?:x|ext\.?) ?[0-9]{1,8})?", re.ASCII | re.IGNORECASE)
_URL = re.compile(r"https?://[^\s/?#@:\"<>\\^`{|}]+(?::[0-9]{1,5})?(?:[/?#][^\s\"<>\\^`{|}]*)?", re.IGNORECASE)

PALETTE = {
    "grey": "#868e96",
    "red": "#e03131",
    "pink": "#c2255c",
    "grape": "#9c36b5",
    "violet": "#6741d9",
    "indigo": "#3b5bdb",
    "blue": "#1971c2",
    "cyan": "#0c8599",
    "teal": "#099268",
    "green": "#2f9e44",
    "lime": "#66a80f",
    "yellow": "#f08c00",
    "orange": "#d9480f",
    "brown": "#846358",
}


def clean(value: str, path: str, *, most: int = 200, lines: bool = False, required: bool = False) -> str:
    r"""Return *value* as it is kept: NFC, without surrounding white space; or raise ``Invalid`` naming *path*.

    *most* is the number of characters allowed. With *lines*, line breaks (made ``\n``) and tabs may stand in it.

    >>> clean("  Café ", "subject")
    'Café'
    """
    if not isinstance(value, str):
        raise Invalid(Problem(path, "type", f"text is needed, not {shown(value)} ({type(value).__name__})"))
    if len(value) > most + 100:  # refuse ten megabytes before looking at them
        raise _too_long(value, path, most)
    value = str(value)
    if not value.isascii() or not value.isprintable():
        if found := _SURROGATE.search(value):
            message = (
                f"character {found.start()} is half a character (a lone surrogate, {found[0]!a}); decode the text again"
            )
            raise Invalid(Problem(path, "surrogate", message))
        if lines:
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        value = unicodedata.normalize("NFC", value).strip()
        if found := _CONTROL.search(value):
            message = f"character {found.start()} is a control character ({found[0]!a}); take it out"
            raise Invalid(Problem(path, "control", message))
        if not lines and (found := _BREAK.search(value)):
            message = f"only one line may stand here, without tabs; character {found.start()} is {found[0]!a}"
            raise Invalid(Problem(path, "lines", message))
        if not lines and (found := _BIDI.search(value)):
            message = f"character {found.start()} turns the direction of text ({found[0]!a}); take it out"
            raise Invalid(Problem(path, "bidi", message))
    else:
        value = value.strip()
    if len(value) > most:
        raise _too_long(value, path, most)
    if required and not value:
        raise Invalid(Problem(path, "empty", f"{path.rpartition('.')[2]} may not be empty"))
    return value


def _too_long(value: str, path: str, most: int) -> Invalid:
    message = f"{len(value):,} characters are too many, at most {most:,} fit: {shown(value, 40)}"
    return Invalid(Problem(path, "long", message))


# What canonical decomposition leaves alone, and people type without the accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})


def fold(value: str) -> str:
    """Return *value* as it is compared and searched: without case and accents, white space as single spaces.

    >>> fold("  Straße  ÉTÉ ")
    'strasse ete'
    """
    if value.isascii():
        return " ".join(value.lower().split())
    while True:  # folding may make what folds again; twice is enough for all of Unicode, and a law in the tests
        decomposed = unicodedata.normalize("NFKD", value).casefold()
        bare = "".join(one for one in unicodedata.normalize("NFKD", decomposed) if not unicodedata.combining(one))
        folded = " ".join(unicodedata.normalize("NFC", bare.translate(_PLAIN)).split())
        if folded == value:
            return folded
        value = folded


def email(value: str, path: str = "email") -> str:
    """Return a normalised e-mail address, or raise ``Invalid``. Nothing is looked up on the network."""
    from email_validator import EmailNotValidError, validate_email

    address = clean(value, path, most=254, required=True)
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError as error:
        message = f"{shown(value)} is not an e-mail address: {error}"
        raise Invalid(Problem(path, "email", message)) from None


def colour(value: str, path: str = "colour") -> str:
    """Return ``#rrggbb`` in lower case, from that or from a name of ``PALETTE``.

    >>> colour("#D9480F"), colour("teal")
    ('#d9480f', '#099268')
    """
    name = clean(value, path, most=50, required=True).lower()
    found = PALETTE.get(name, name)
    if not _COLOUR.fullmatch(found):
        message = f"{shown(value)} is not a colour; write '#rrggbb' or one of {', '.join(PALETTE)}"
        raise Invalid(Problem(path, "colour", message))
    return found


def readable_on(background: str) -> str:
    """Return black or white, whichever is easier to read on *background* (WCAG 2 contrast).

    >>> readable_on("#f08c00"), readable_on("#1971c2")
    ('#000000', '#ffffff')
    """
    channels = [int(background[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"


def url(value: str, path: str = "url") -> str:
    """Return a web address; only http and https are taken, so that a link can never run anything."""
    address = clean(value, path, most=2000, required=True)
    if not _URL.fullmatch(address):
        message = f"{shown(value)} is not a web address such as 'https://example.org/shop'"
        raise Invalid(Problem(path, "url", message))
    return address


def phone(value: str, path: str = "phone") -> str:
    """Return a telephone number as it was written: digits, spaces and ``+ ( ) . - /``, and an extension."""
    number = clean(value, path, most=50, required=True)
    if not _PHONE.fullmatch(number) or not 3 <= sum(one.isdigit() for one in number) <= 23:
        message = f"{shown(value)} is not a telephone number such as '+44 20 7946 0000'"
        raise Invalid(Problem(path, "phone", message))
    return number


def key(value: str, path: str = "key") -> str:
    """Return a name for programs: small ASCII letters, digits and underscores, at most 63, a letter first."""
    name = clean(value, path, most=63, required=True)
    if not _KEY.fullmatch(name):
        message = f"{shown(value)} is not a key: small letters, digits and underscores, a letter first, at most 63"
        raise Invalid(Problem(path, "key", message))
    return name
