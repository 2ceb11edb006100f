"""Rows as CSV that a spreadsheet opens safely, in the ways of its country, and as it was again. (SPEC EXT-5)"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import attrs

from salespipeline.domain.checks import Checks
from salespipeline.errors import OpenError, shown
from salespipeline.files import on_disk

__all__ = ["CsvStyle", "FilePath", "as_it_was", "csv_of", "lines_of", "write_csv"]

# What spreadsheets take for the beginning of a formula, in ASCII and in the full width of East Asian keyboards. An
# apostrophe in front keeps it off; texts that have some in front of it get one more, so that it can be taken away again.
_FORMULA = re.compile("'*[=+\\-@\t\r＝＋－＠]")
FilePath: TypeAlias = "str | os.PathLike[str]"
AT_ONCE = 500  # rows that are held before they are written


@attrs.frozen
class CsvStyle:
    """How CSV is written: what separates columns, what stands before decimals, and whether it begins with a byte-order mark.

    A French Excel wants ``CsvStyle(";", ",", bom=True)``; any Excel needs the mark to read accents right.
    """

    separator: str = ","
    decimal: str = "."
    bom: bool = False

    def __attrs_post_init__(self) -> None:
        checks = Checks()
        if self.separator not in (",", ";", "\t", "|"):
            checks.add(
                "separator", "choice", f"columns are separated by ',', ';', '|' or a tab, not {shown(self.separator)}"
            )
        if self.decimal not in (".", ","):
            checks.add("decimal", "choice", f"decimals stand behind '.' or ',', not {shown(self.decimal)}")
        elif self.decimal == self.separator:
            checks.add("decimal", "choice", "',' cannot stand for both: say separator=';'")
        checks.done(action="write CSV")


def csv_of(rows: Iterable[Mapping[str, object]], columns: Iterable[str], style: CsvStyle = CsvStyle()) -> str:
    r"""Return *rows* as CSV with a header. Texts that a spreadsheet would take for a formula begin with ``'``.

    >>> csv_of([{"name": "=1+1", "total": Decimal("5.50")}], ["name", "total"])
    '"name","total"\r\n"\'=1+1",5.50\r\n'
    >>> csv_of([{"name": "Café", "total": Decimal("5.50")}], ["name", "total"], CsvStyle(";", ",", bom=True))
    '\ufeff"name";"total"\r\n"Café";"5,50"\r\n'
    """
    return "".join(lines_of(rows, columns, style))


def lines_of(rows: Iterable[Mapping[str, object]], columns: Iterable[str], style: CsvStyle) -> Iterator[str]:
    r"""Yield CSV, some rows at a time.

    >>> list(lines_of([{"a": 1}], ["a"], CsvStyle()))
    ['"a"\r\n1\r\n']
    """
    out, names = io.StringIO(), list(columns)
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, delimiter=style.separator)
    out.write("\ufeff" if style.bom else "")
    writer.writerow(names)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(row.get(name), style) for name in names])
        if number % AT_ONCE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def write_csv(path: FilePath, rows: Iterable[Mapping[str, object]], columns: Iterable[str], style: CsvStyle) -> int:
    """Write rows to a new file, a few at a time, and return how many; it gets its name when it is whole.

    >>> import tempfile
    >>> write_csv(Path(tempfile.mkdtemp(), "a.csv"), [{"a": 1}, {"a": 2}], ["a"], CsvStyle())
    2
    """
    target, done = Path(path), 0
    part = target.with_name(f".{target.name}.part")
    if target.exists():
        raise OpenError(f"{target} is there already, and nothing is written over: choose another name")

    def counted() -> Iterator[Mapping[str, object]]:
        nonlocal done
        for row in rows:
            done += 1
            yield row

    with on_disk(target):
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                for text in lines_of(counted(), columns, style):
                    file.write(text)
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return done


def as_it_was(cell: str) -> str:
    """Return a text as it was before it was made safe.

    >>> as_it_was("'=1+1"), as_it_was("''=1+1"), as_it_was("'tis")
    ('=1+1', "'=1+1", "'tis")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _cell(value: object, style: CsvStyle) -> object:
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        plain = f"{value:f}"
        # A number, and so no formula, whatever its sign.
        return Decimal(plain) if style.decimal == "." else plain.replace(".", style.decimal)
    return value
