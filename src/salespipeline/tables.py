"""Rows as CSV that a spreadsheet opens safely."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

__all__ = ["csv_of"]

# What spreadsheets take for the beginning of a formula, in ASCII and in the full width of East Asian keyboards.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def csv_of(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> str:
    r"""Return *rows* as CSV with a header. Texts that a spreadsheet would take for a formula begin with ``'``.

    >>> csv_of([{"name": "=1+1", "total": 5}], ["name", "total"])
    '"name","total"\r\n"\'=1+1",5\r\n'
    """
    out = io.StringIO()
    names = list(columns)
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return "" if value is None else value
