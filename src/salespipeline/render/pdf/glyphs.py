"""A TrueType font cut down to the glyphs that a document uses: bytes in, bytes out.

Every glyph keeps its number, so that neither the text nor composite glyphs need a translation table; what is not
used is empty, and runs of nothing compress to nothing. Hinting is left out: viewers of PDFs render without it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

__all__ = ["Glyphs"]

_ARGS_ARE_WORDS, _HAS_SCALE, _MORE, _HAS_TWO_SCALES, _HAS_MATRIX, _HAS_HINTS = 0x1, 0x8, 0x20, 0x40, 0x80, 0x100


class Glyphs:
    """The outlines of a font whose *tables* hold ``glyf``, ``head``, ``hhea``, ``hmtx``, ``loca`` and ``maxp``.

    Raises ``ValueError`` for tables that do not fit together. May be shared between threads.
    """

    def __init__(self, tables: Mapping[str, bytes]) -> None:
        self._glyf = tables["glyf"]
        self._head, self._hhea, self._maxp = tables["head"], tables["hhea"], tables["maxp"]
        self._metrics = tables["hmtx"]
        try:
            (self._count,) = struct.unpack_from(">H", self._maxp, 4)
            (self._long,) = struct.unpack_from(">H", self._hhea, 34)
            (format,) = struct.unpack_from(">h", self._head, 50)
            if format:
                self._loca = struct.unpack_from(f">{self._count + 1}L", tables["loca"])
            else:
                self._loca = tuple(half * 2 for half in struct.unpack_from(f">{self._count + 1}H", tables["loca"]))
        except struct.error as error:
            raise ValueError(f"its tables are cut short: {error}") from error
        if not 0 < self._long <= self._count or len(self._metrics) < self._long * 4 + (self._count - self._long) * 2:
            raise ValueError("its table of widths does not fit its number of glyphs")
        self._cut: dict[int, tuple[bytes, tuple[int, ...]]] = {}

    def subset(self, wanted: Iterable[int]) -> bytes:
        """Return a font that holds glyph 0, the *wanted* ones and the parts that they are made of."""
        kept: dict[int, bytes] = {}
        todo = [0, *wanted]
        while todo:
            number = todo.pop()
            if number not in kept:
                kept[number], parts = self._glyph(number)
                todo += parts
        count = max(kept) + 1
        glyf, starts = bytearray(), [0]
        metrics = bytearray(4 * count)
        for number in sorted(kept):
            starts += [len(glyf)] * (number + 1 - len(starts))
            glyf += kept[number]
            glyf += bytes(-len(glyf) % 4)
            metrics[4 * number : 4 * number + 4] = self._metric(number)
        starts.append(len(glyf))
        tables = {
            b"glyf": bytes(glyf),
            b"head": self._head[:8] + bytes(4) + self._head[12:50] + struct.pack(">h", 1) + self._head[52:],
            b"hhea": self._hhea[:34] + struct.pack(">H", count),
            b"hmtx": bytes(metrics),
            b"loca": struct.pack(f">{count + 1}L", *starts),
            b"maxp": self._maxp[:4] + struct.pack(">H", count) + self._maxp[6:],
        }
        return _assembled(tables)

    def _metric(self, number: int) -> bytes:
        if number < self._long:
            return self._metrics[4 * number : 4 * number + 4]
        bearing = 4 * self._long + 2 * (number - self._long)
        return self._metrics[4 * self._long - 4 : 4 * self._long - 2] + self._metrics[bearing : bearing + 2]

    def _glyph(self, number: int) -> tuple[bytes, tuple[int, ...]]:
        """Return the glyph without its hints, and the numbers of the glyphs that it is made of."""
        found = self._cut.get(number)
        if found is None:
            if number >= self._count:
                raise ValueError(f"it has {self._count} glyphs, and names number {number}")
            data = self._glyf[self._loca[number] : self._loca[number + 1]]
            try:
                found = self._cut[number] = _without_hints(data) if data else (b"", ())
            except (struct.error, IndexError) as error:
                raise ValueError(f"its glyph {number} is cut short") from error
        return found


def _without_hints(data: bytes) -> tuple[bytes, tuple[int, ...]]:
    (contours,) = struct.unpack_from(">h", data)
    if contours >= 0:
        end = 10 + 2 * contours
        (hints,) = struct.unpack_from(">H", data, end)
        return data[:end] + b"\0\0" + data[end + 2 + hints :], ()
    out, parts, at = bytearray(data), [], 10
    while True:
        flags, part = struct.unpack_from(">HH", data, at)
        struct.pack_into(">H", out, at, flags & ~_HAS_HINTS)
        parts.append(part)
        at += 4 + (4 if flags & _ARGS_ARE_WORDS else 2)
        at += 8 if flags & _HAS_MATRIX else 4 if flags & _HAS_TWO_SCALES else 2 if flags & _HAS_SCALE else 0
        if not flags & _MORE:
            return bytes(out[:at]), tuple(parts)


def _assembled(tables: Mapping[bytes, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    head = struct.pack(">LHHHH", 0x00010000, len(tables), 16 << power, power, 16 * (len(tables) - (1 << power)))
    start = len(head) + 16 * len(tables)
    directory, body = bytearray(head), bytearray()
    for tag, data in sorted(tables.items()):
        padded = data + bytes(-len(data) % 4)
        checksum = sum(struct.unpack(f">{len(padded) // 4}L", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sLLL", tag, checksum, start + len(body), len(data))
        body += padded
    return bytes(directory + body)
