"""Predefined items from CSV, known by their references. (SPEC SET-5, EXT-5)"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salespipeline.errors import Invalid, Problem, SalesPipelineError, shown
from salespipeline.importing import BadRow, ImportReport, Taken, bad_row, read_rows, told_apart
from salespipeline.tables import CsvStyle, as_it_was

if TYPE_CHECKING:
    from salespipeline.settings.items import Items

__all__ = ["import_items"]

KEY = "reference"
_TEXTS = ("description", "group", "unit", "currency", "nominal_code", "department_code")
_NUMBERS = ("price", "cost", "tax")


def import_items(
    items: Items, path: str | os.PathLike[str], *, delimiter: str = ",", decimal: str = ".", encoding: str = "utf-8-sig"
) -> ImportReport:
    """Add the items of a file that ``write_csv`` wrote, or that has some of its columns; see ``Items.import_csv``."""
    CsvStyle(delimiter, decimal)  # refuses what cannot be
    bad: list[BadRow] = []
    rows = told_apart(list(read_rows(Path(path), encoding, delimiter, {}, KEY, bad)), KEY, bad)
    created = 0
    with items._sales.work():
        for taken in rows:
            try:
                created += _take(items, taken, decimal)
            except Invalid as error:
                for one in error.problems:
                    field = one.path.partition("[")[0].partition(".")[0]
                    bad.append(bad_row(taken, one.path, [field] if field in taken.row else [], one.message, one.code))
            except SalesPipelineError as error:
                bad.append(bad_row(taken, KEY, [KEY], str(error), "refused"))
        if bad:
            bad.sort(key=lambda one: one.line)
            raise Invalid(
                Problem(f"line {one.line}.{one.column}", one.code, f"{one.reason} (found {shown(one.value)})")
                for one in bad
            )
    return ImportReport(created=created, known=len(rows) - created, bad=())


def _take(items: Items, taken: Taken, decimal: str) -> bool:
    """Add an item, or give one that is there the values of the row; say whether it is new."""
    cells = {name: cell for name in (*_TEXTS, *_NUMBERS) if (cell := taken.row.get(name).strip())}
    values: dict[str, Any] = {
        name: as_it_was(cell) if name in _TEXTS else cell.replace(decimal, ".") for name, cell in cells.items()
    }
    reference = as_it_was(str(taken.values["import_key"]))
    if reference in items:
        items.edit(reference, **values)
        return False
    items.add(reference, values.pop("description", ""), **values)
    return True
