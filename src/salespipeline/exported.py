"""A mapping for ``import_opportunities`` that reads the CSV of a list of opportunities, and that of their lines. (SPEC EXT-5)"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TypeAlias

from salespipeline.domain.lines import Tax
from salespipeline.errors import Invalid, OpenError, Problem, shown
from salespipeline.files import on_disk
from salespipeline.importing import Row, Source
from salespipeline.money import decimal as number
from salespipeline.tables import as_it_was

__all__ = ["exported_opportunities"]

Cell: TypeAlias = Callable[[str], object]
_TEXTS = ("reference", "subject", "contact", "stage", "probability", "currency", "owner", "status", "lost_reason")
_NUMBERS = ("quantity", "unit_price", "cost")


def exported_opportunities(
    lines: str | os.PathLike[str], *, delimiter: str = ",", decimal: str = ".", encoding: str = "utf-8-sig"
) -> Mapping[str, Source]:
    """Return the mapping for what ``sales.opportunities.write_csv`` wrote; *lines* is what ``….lines.write_csv`` wrote.

    >>> import tempfile
    >>> from salespipeline.importing import import_opportunities
    >>> folder = Path(tempfile.mkdtemp())
    >>> sales.opportunities.all().write_csv(folder / "deals.csv"), sales.opportunities.all().lines.write_csv(folder / "lines.csv")
    (1, 1)
    >>> other = sp.open("memory:", actor="jane")
    >>> print(other.settings.import_(sales.settings.export()), len(other.contacts.add("Acme Ltd").persons))
    7 added, 0 replaced, 0 kept 0
    >>> print(import_opportunities(other, folder / "deals.csv", exported_opportunities(folder / "lines.csv"), key="reference"))
    1 created, 0 there already, 0 bad
    >>> other.opportunities["OPP/00001"].value
    Money('8400.00', 'GBP')
    """
    of: dict[str, list[dict[str, object]]] = {}
    path = Path(lines)
    if not path.exists():
        raise OpenError(f"there is no file {path}: write it with sales.opportunities.all().lines.write_csv(…)")
    try:
        with on_disk(path), path.open(encoding=encoding, newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            missing = {"record", "description", *_NUMBERS} - set(reader.fieldnames or ())
            if missing:
                raise _unreadable(path, f"it has no column {shown(min(missing))}", delimiter)
            for row in reader:
                of.setdefault(as_it_was(row["record"]), []).append(
                    _line(row, decimal, f"{path.name}:{reader.line_num}")
                )
    except (csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error), delimiter) from None

    def lines_of(row: Row) -> list[dict[str, object]]:
        return of.get(as_it_was(row["reference"]), [])

    mapping: dict[str, Source] = {name: _text(name) for name in _TEXTS}
    own: dict[str, Source] = {
        "lines": lines_of,
        "due": _text("due"),
        "department": _text("department"),
        "tags": lambda row: [tag for one in as_it_was(row["tags"]).split(", ") if (tag := one.strip())],
        "at": lambda row: _noon(row["created"]),
        "closed_at": lambda row: _noon(row["closed"]) if row["closed"] else None,
    }
    return mapping | own


def _noon(day: str) -> datetime:
    """Return noon in Greenwich: nearly everywhere that is the same day."""
    return datetime.combine(date.fromisoformat(day), time(12), UTC)


def _unreadable(path: Path, why: str, delimiter: str) -> Invalid:
    message = f"the lines in {path.name} cannot be read: {why}; is delimiter={delimiter!r} right?"
    return Invalid(Problem("lines", "csv", message))


def _text(name: str) -> Callable[[Row], object]:
    return lambda row: as_it_was(row[name].strip()) or None


def _line(row: Mapping[str, str], decimal: str, path: str) -> dict[str, object]:
    values: dict[str, object] = {
        name: as_it_was(row.get(name) or "") for name in ("description", "unit") if row.get(name)
    }
    if row.get("item"):
        values["reference"] = as_it_was(row["item"])
    for name in _NUMBERS:
        if row.get(name):
            values[name] = row[name].replace(decimal, ".")
    if row.get("discount"):
        values["discount"] = row["discount"].replace(decimal, ".")
    percent = number((row.get("tax") or "0").replace(decimal, "."), f"{path}.tax")
    facts = {name: as_it_was(row.get(f"tax_{name}") or "") for name in ("code", "category", "reason")}
    facts["category"] = facts["category"] or "S"
    return values | {"tax": Tax(percent=percent, **facts)}
