"""The lines of an export: ``{"crc":"…","id":"…","version":3,"body":{…}}``.

The body is the text that the store keeps. Each line is bound to the one before it: ``crc`` is the CRC-32 of the rest of
the line, begun with that of the line above. So a line that was changed is told by its number, and so is the place where
lines are missing or stand in another order.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple
from zlib import crc32

from salespipeline.errors import Problem
from salespipeline.exports.manifest import Listed

__all__ = ["Line", "Written", "facts_of", "problems_of", "read"]

_quoted = json.JSONEncoder(ensure_ascii=False).encode
_HEAD = len('{"crc":"12345678",')
_PLAIN = re.compile(r'"id":"([^"\\\x00-\x1f]+)","version":([1-9][0-9]{0,17})')
LONGEST = 256 * 1024 * 1024


class Line(NamedTuple):
    """One record: its id, its version, its body."""

    id: str
    version: int
    body: str


class Written:
    """A file of lines as it is written, counted and hashed."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name, self._file = name, file
        self._crc = self._lines = self._bytes = 0
        self._sum = hashlib.sha256()

    def records(self, records: Iterable[tuple[str, int, str]]) -> None:
        """Write records, each an id, a version and a body."""
        self.lines([f'"id":{_quoted(id)},"version":{version},"body":{body}}}' for id, version, body in records])

    def lines(self, rests: list[str]) -> None:
        """Write lines, each given as what stands behind its sum."""
        crc, parts = self._crc, []
        for rest in rests:
            content = rest.encode()
            crc = crc32(content, crc)
            parts.append(b'{"crc":"%08x",%b\n' % (crc, content))
        self._crc = crc
        self._lines += len(parts)
        together = b"".join(parts)
        self._bytes += len(together)
        self._sum.update(together)
        self._file.write(together)

    @property
    def listed(self) -> Listed:
        """What the manifest says of it."""
        return Listed(self._name, self._lines, self._bytes, self._sum.hexdigest())


def problems_of(listed: Listed, file: IO[bytes]) -> Iterator[Problem]:
    """Yield what is not as it was written, each with its line."""
    crc = number = size = 0
    sum, sound = hashlib.sha256(), True
    for number, line in enumerate(_raw(file), 1):
        size += len(line)
        sum.update(line)
        if number > listed.lines or size > listed.bytes:
            yield Problem(f"{listed.name}:{number}", "more", f"{listed.lines:,} lines were written, and there is more")
            return
        if line[-1:] != b"\n":
            yield Problem(f"{listed.name}:{number}", "cut", "the file ends in the middle of this line: it was cut")
            return
        stated = line[8:16]
        if b"%08x" % crc32(line[_HEAD:-1], crc) != stated:
            why = "this is not the line that was written here: it was changed, or lines above it are missing or moved"
            yield Problem(f"{listed.name}:{number}", "changed", why)
            sound = False
        try:
            crc = int(stated, 16)
        except ValueError:
            crc = 0
    if number < listed.lines:
        why = f"{listed.lines:,} lines were written, and {number:,} are there: the file was cut"
        yield Problem(f"{listed.name}:{number + 1}", "cut", why)
    elif sound and sum.hexdigest() != listed.sha256:
        yield Problem(listed.name, "changed", "the file is not what was written: its SHA-256 is another one")


def _raw(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST):
        yield line


def read(file: IO[bytes], skip: int = 0) -> Iterator[tuple[int, str]]:
    """Yield what stands behind the sum of each line, with its number, but for so many that are skipped."""
    for number, line in enumerate(_raw(file), 1):
        if number > skip:
            yield number, line[_HEAD:-1].decode()


def facts_of(rest: str) -> Line:
    """Return the record that a line tells; raises ``ValueError`` where it tells none."""
    head, mark, body = rest[:-1].partition(',"body":')  # what stands in the id cannot look like this: it is quoted
    plain = _PLAIN.fullmatch(head)  # as nearly all are: several times faster
    if plain is not None and mark:
        return Line(plain[1], int(plain[2]), body)
    facts = json.loads(f"{{{head}}}")
    if not mark or facts.keys() != {"id", "version"} or type(facts["id"]) is not str or not facts["id"]:
        raise ValueError("an id, a version and a body were expected")
    if type(facts["version"]) is not int or facts["version"] < 1:
        raise ValueError("a version is a number from 1 on")
    return Line(facts["id"], facts["version"], body)
