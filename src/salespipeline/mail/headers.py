"""Header fields written so that nothing in a value can become a second field (RFC 5322, RFC 2047).

The folding of the standard library has misplaced separators and line ends in several releases of Python. Here
a value is either plain ASCII words or encoded words that we made ourselves from its UTF-8, so that it is data
whatever it holds, and the bytes are the same under every version of Python.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence

from salespipeline.mail.addresses import Address

__all__ = ["address_field", "folded", "text_field"]

LONGEST_LINE = 76
_LONGEST_WORD = 60  # of an encoded or plain word: a line then holds one beside any of our field names
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")
_PLAIN = re.compile(r"[!-~]{1,60}(?: [!-~]{1,60})*")
_SAFE_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ROOM = _LONGEST_WORD - len("=?utf-8?q??=")


_Q = ["_" if byte == 32 else chr(byte) if byte in _SAFE_IN_Q else f"={byte:02X}" for byte in range(256)]


def _q(data: bytes) -> str:
    return "".join([_Q[byte] for byte in data])


def _b(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _b_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _encoded_words(text: str) -> list[str]:
    """Return *text* as encoded words, none of which splits a character."""
    characters = [character.encode() for character in text]
    quoted = [len(_q(character)) for character in characters]
    letter, encode = ("q", _q) if sum(quoted) <= _b_size(sum(map(len, characters))) else ("b", _b)
    chunks: list[list[bytes]] = [[]]
    size = 0
    for character, width in zip(characters, quoted, strict=True):
        size += width if letter == "q" else len(character)
        if chunks[-1] and (size if letter == "q" else _b_size(size)) > _ROOM:
            chunks.append([])
            size = width if letter == "q" else len(character)
        chunks[-1].append(character)
    return [f"=?utf-8?{letter}?{encode(b''.join(chunk))}?=" for chunk in chunks]


def folded(name: str, words: Sequence[str]) -> str:
    """Return the field called *name*, folded between *words*, without its final line end."""
    lines = [f"{name}:"]
    for position, word in enumerate(words):
        if position and len(lines[-1]) + 1 + len(word) > LONGEST_LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def text_field(name: str, value: str) -> str:
    """Return an unstructured field, such as a subject."""
    plain = _PLAIN.fullmatch(value) and "=?" not in value
    return folded(name, value.split(" ") if plain else _encoded_words(value))


def _phrase(name: str) -> list[str]:
    if "=?" not in name and len(name) <= _LONGEST_WORD:
        if _ATOMS.fullmatch(name):
            return name.split(" ")
        if name.isascii() and "  " not in name:
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            return [f'"{escaped}"']
    return _encoded_words(name)


def address_field(name: str, addresses: Iterable[Address]) -> str:
    """Return a field that lists *addresses*, such as ``To``."""
    words: list[str] = []
    for address in addresses:
        if words:
            words[-1] += ","
        words += [*_phrase(address.name), f"<{address.spec}>"] if address.name else [address.spec]
    return folded(name, words)
