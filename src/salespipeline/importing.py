"""Opportunities from CSV: a mapping of columns to fields, every bad row reported, nothing doubled. (SPEC EXT-5)"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from salespipeline.domain.checks import suggestion
from salespipeline.errors import Invalid, Problem, SalesPipelineError, shown
from salespipeline.query import Missing, Not, Query

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["BadRow", "ImportReport", "Row", "import_opportunities"]

Row: TypeAlias = Mapping[str, str]
Source: TypeAlias = "str | Callable[[Row], Any]"
BATCH = 1000


@attrs.frozen(kw_only=True)
class BadRow:
    """What is wrong with one row: its line in the file, the column or field, the value, and why."""

    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason} (found {shown(self.value)})"


@attrs.frozen(kw_only=True)
class ImportReport:
    """How many rows were created, were there already, or were bad.

    >>> print(ImportReport(created=2, known=0, bad=(BadRow(line=3, column="due", value="?", reason="not a date"),)))
    2 created, 0 there already, 1 bad
      line 3, due: not a date (found '?')
    """

    created: int
    known: int
    bad: tuple[BadRow, ...]

    def __str__(self) -> str:
        lines = [f"{self.created:,} created, {self.known:,} there already, {len({row.line for row in self.bad}):,} bad"]
        return "\n".join(lines + [f"  {row}" for row in self.bad[:20]])


def import_opportunities(
    sales: Sales,
    path: str | os.PathLike[str],
    mapping: Mapping[str, Source],
    *,
    key: str,
    on_error: Literal["abort", "skip"] = "abort",
    encoding: str = "utf-8-sig",
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    r"""Create an opportunity for each row of a CSV file.

    *mapping* says where each argument of ``opportunities.create_many`` comes from: the name of a column, or a
    function of the row. *key* is the column that tells rows apart: a row whose key was imported before is left
    alone, so a repeated run doubles nothing. With ``on_error="abort"`` every row is checked and one bad row means
    that nothing is written: ``Invalid`` lists them all. With ``"skip"`` the good ones are created. *progress* is
    called with (rows done, rows in all).

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "deals.csv")
    >>> _ = file.write_text("no,client,what,price\n7,Acme Ltd,Shed,950.00\n")
    >>> lines = lambda row: [{"description": row["what"], "unit_price": row["price"]}]
    >>> mapping = {"contact": "client", "subject": "what", "lines": lines}
    >>> print(import_opportunities(sales, file, mapping, key="no"))
    1 created, 0 there already, 0 bad
    """
    if on_error not in ("abort", "skip"):
        raise Invalid(Problem("on_error", "choice", f"on_error is 'abort' or 'skip', not {shown(on_error)}"))
    rows = list(_read(Path(path), encoding, mapping, key))
    with sales.work(write=False) as work:
        query = Query(kind="opportunity", where=Not(Missing("import_key")))
        known = {str(row[0]) for row in work.columns(query, ("import_key",))}
    fresh = [(line, row) for line, row in rows if row[key] not in known]
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    ready: list[tuple[int, Row]] = []
    for line, row in fresh:
        if not row[key] or row[key] in seen:
            why = f"the key stands in line {seen[row[key]]} already" if row[key] else "the key is empty"
            bad.append(BadRow(line=line, column=key, value=row[key], reason=why))
            continue
        seen[row[key]] = line
        ready.append((line, row))
    created = 0
    if on_error == "skip":
        for start in range(0, len(ready), BATCH):
            created += _create(sales, ready[start : start + BATCH], mapping, key, bad, skip=True)
            if progress is not None:
                progress(min(start + BATCH, len(ready)), len(ready))
        return ImportReport(
            created=created, known=len(rows) - len(fresh), bad=tuple(sorted(bad, key=lambda one: one.line))
        )
    with sales.transaction():
        for start in range(0, len(ready), BATCH):
            created += _create(sales, ready[start : start + BATCH], mapping, key, bad, skip=False)
            if progress is not None:
                progress(min(start + BATCH, len(ready)), len(ready))
        if bad:
            bad.sort(key=lambda one: one.line)
            raise Invalid(
                Problem(f"line {one.line}.{one.column}", "row", f"{one.reason} (found {shown(one.value)})")
                for one in bad
            )
    return ImportReport(created=created, known=len(rows) - len(fresh), bad=())


def _create(
    sales: Sales, rows: list[tuple[int, Row]], mapping: Mapping[str, Source], key: str, bad: list[BadRow], *, skip: bool
) -> int:
    """Create what can be created of *rows*, adding the others to *bad*; without *skip* the caller rolls back."""
    given: list[tuple[int, Row, dict[str, Any]]] = []
    for line, row in rows:
        values: dict[str, Any] = {"import_key": row[key]}
        fine = True
        for field, source in mapping.items():
            try:
                values[field] = row[source] if isinstance(source, str) else source(row)
            except (SalesPipelineError, ValueError, LookupError, ArithmeticError, TypeError) as error:
                column = source if isinstance(source, str) else field
                bad.append(
                    BadRow(line=line, column=column, value=str(dict(row))[:80], reason=str(error) or repr(error))
                )
                fine = False
        if fine:
            given.append((line, row, {name: value for name, value in values.items() if value is not None}))
    while given:
        try:
            with sales.transaction():
                return len(sales.opportunities.create_many([values for _, _, values in given]))
        except Invalid as error:
            wrong: set[int] = set()
            for problem in error.problems:
                position, _, path = problem.path.removeprefix("[").partition("]")
                line, row, _values = given[int(position)]
                field = path.removeprefix(".")
                source = mapping.get(field.partition("[")[0].partition(".")[0], field)
                column = source if isinstance(source, str) else field
                value = row.get(column, "")
                bad.append(BadRow(line=line, column=column, value=value, reason=problem.message))
                wrong.add(int(position))
            given = [one for at, one in enumerate(given) if at not in wrong]
            if not skip and sales.in_transaction:
                return 0
    return 0


def _read(path: Path, encoding: str, mapping: Mapping[str, Source], key: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, row); refuses a wrong encoding, a missing column and a ragged row, naming the place."""
    content = path.read_bytes()
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        message = f"{path.name} is not {encoding}: {error}; say encoding='cp1252' (or whatever it is)"
        raise Invalid(Problem("encoding", "encoding", message)) from None
    if "\0" in text:
        raise Invalid(
            Problem("file", "binary", f"{path.name} holds NUL characters: it is not a CSV file in {encoding}")
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        wanted = [key, *(source for source in mapping.values() if isinstance(source, str))]
        if missing := [name for name in dict.fromkeys(wanted) if name not in header]:
            problems = [
                Problem(name, "column", f"{path.name} has no column {shown(name)}: {suggestion(name, header)}")
                for name in missing
            ]
            raise Invalid(problems)
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                message = (
                    f"{len(cells)} values stand in line {line} of {path.name}, the header has {len(header)} columns"
                )
                raise Invalid(Problem(f"line {line}", "ragged", message))
            if cells:
                yield line, dict(zip(header, cells, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid(
            Problem(f"line {reader.line_num}", "csv", f"{path.name} is not well-formed CSV: {error}")
        ) from None
