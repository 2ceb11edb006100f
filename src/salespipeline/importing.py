"""Opportunities from CSV: a mapping of columns to fields, every bad row reported, nothing doubled. (SPEC EXT-5)"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, an, suggestion
from salespipeline.domain.opportunity import GIVEN
from salespipeline.errors import Invalid, Problem, SalesPipelineError, shown
from salespipeline.query import Missing, Not, Query

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["BadRow", "ImportReport", "Row", "Taken", "bad_row", "import_opportunities", "read_rows", "told_apart"]

Row: TypeAlias = Mapping[str, str]
Source: TypeAlias = "str | Callable[[Row], object]"
BATCH = 1000
FIELDS = GIVEN | {"at", "status", "closed_at", "lost_reason", "lost_note"}


@attrs.frozen(kw_only=True)
class BadRow:
    """What is wrong with one row: its line in the file, the column or field, the value, and why.

    *code* is stable and meant for programs, as that of a ``Problem``.
    """

    line: int
    column: str
    value: str
    reason: str
    code: str = "row"

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


class _Cells(dict[str, str]):
    """A row that remembers which of its columns were looked at: those are to blame for what came of them."""

    __slots__ = ("seen",)
    seen: dict[str, None]

    def __getitem__(self, column: str) -> str:
        self.seen[column] = None
        return super().__getitem__(column)

    def __missing__(self, column: str) -> str:
        raise LookupError(f"there is not exactly one column {shown(column)}")

    def get(self, column: str, default: str = "") -> str:  # type: ignore[override]
        self.seen[column] = None
        return super().get(column, default)


@attrs.define
class Taken:
    """A row on its way: its values, and, for each that a function gave, the columns that it looked at."""

    line: int
    row: _Cells
    values: dict[str, object]
    seen: dict[str, Iterable[str]] = attrs.field(factory=dict)
    failed: list[str] = attrs.field(factory=list)


def import_opportunities(
    sales: Sales,
    path: str | os.PathLike[str],
    mapping: Mapping[str, Source],
    *,
    key: str,
    on_error: Literal["abort", "skip"] = "abort",
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    r"""Create an opportunity for each row of a CSV file.

    *mapping* says where each argument of ``opportunities.create_many`` comes from: the name of a column, of which an
    empty cell says nothing, or a function of the row. *key* is the column that tells rows apart: a row whose key was
    imported before is left alone, so a repeated run doubles nothing. With ``on_error="abort"`` every row is checked and
    one bad row means that nothing is written: ``Invalid`` lists them all. With ``"skip"`` the good ones are created.
    *progress* is called with (rows done, rows in all).

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "deals.csv")
    >>> _ = file.write_text("no,client,what,price\n7,Acme Ltd,Shed,950.00\n")
    >>> lines = lambda row: [{"description": row["what"], "unit_price": row["price"]}]
    >>> mapping = {"contact": "client", "subject": "what", "lines": lines}
    >>> print(import_opportunities(sales, file, mapping, key="no"))
    1 created, 0 there already, 0 bad
    """
    _check(mapping, key, on_error, delimiter)
    bad: list[BadRow] = []
    rows = list(read_rows(Path(path), encoding, delimiter, mapping, key, bad))
    with sales.work(write=False) as work:
        query = Query(kind="opportunity", where=Not(Missing("import_key")))
        known = {str(row[0]) for row in work.columns(query, ("import_key",))}
        merged = Query(kind="merger", where=Not(Missing("import_key")))
        known |= {str(row[0]) for row in work.columns(merged, ("import_key",))}
    fresh = [taken for taken in rows if taken.values["import_key"] not in known]
    ready = told_apart(fresh, key, bad)

    def create() -> int:
        created = 0
        for start in range(0, len(ready), BATCH):
            created += _create(sales, ready[start : start + BATCH], mapping, key, bad, skip=on_error == "skip")
            if progress is not None:
                progress(min(start + BATCH, len(ready)), len(ready))
        bad.sort(key=lambda one: one.line)
        return created

    if on_error == "skip":
        created = create()
    else:
        with sales.transaction():
            created = create()
            if bad:
                raise Invalid(
                    Problem(f"line {one.line}.{one.column}", one.code, f"{one.reason} (found {shown(one.value)})")
                    for one in bad
                )
    return ImportReport(created=created, known=len(rows) - len(fresh), bad=tuple(bad))


def _check(mapping: object, key: str, on_error: str, delimiter: object) -> None:
    """Refuse what was not meant, before the file is looked at."""
    checks = Checks()
    if on_error not in ("abort", "skip"):
        checks.add("on_error", "choice", f"on_error is 'abort' or 'skip', not {shown(on_error)}")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        checks.add("delimiter", "choice", f"one character separates columns, such as ';', not {shown(delimiter)}")
    if not isinstance(mapping, Mapping):
        checks.add("mapping", "type", f"a mapping such as {{'subject': 'what'}} is needed, not {shown(mapping)}")
        mapping = {}
    for field, source in mapping.items():
        if field == "import_key":
            checks.add("mapping.import_key", "choice", f"the column {key!r} says it already, by key=: leave it out")
        elif field not in FIELDS:
            hint = suggestion(str(field), sorted(FIELDS))
            checks.add(f"mapping.{field}", "unknown", f"{an('opportunity')} has no {shown(field)}: {hint}")
        if not isinstance(source, str) and not callable(source):
            message = f"the name of a column or a function of the row is needed, not {shown(source)}"
            checks.add(f"mapping.{field}", "type", message)
    checks.done(action="import")


def told_apart(rows: Iterable[Taken], key: str, bad: list[BadRow]) -> list[Taken]:
    """Return the first row of each key; the others are *bad*."""
    seen: dict[object, int] = {}
    ready = []
    for taken in rows:
        own = taken.values["import_key"]
        if own in seen:
            why = f"the key stands in line {seen[own]} already"
            bad.append(BadRow(line=taken.line, column=key, value=taken.row[key], reason=why, code="duplicate"))
            continue
        seen[own] = taken.line
        ready.append(taken)
    return ready


class _Undone(Exception):
    """Takes back what was done only to see what is wrong with it."""


def _create(
    sales: Sales, rows: list[Taken], mapping: Mapping[str, Source], key: str, bad: list[BadRow], *, skip: bool
) -> int:
    """Create what can be created of *rows*, adding the others to *bad*; without *skip* the caller rolls back."""
    for taken in rows:
        for field, source in mapping.items():
            _take(taken, field, source, bad)
    broken = [taken for taken in rows if taken.failed]
    given = [taken for taken in rows if not taken.failed]
    if broken:  # what else is wrong with them is told now, and not by the next run
        try:
            with sales.transaction():
                sales.opportunities.create_many([taken.values for taken in broken])
                raise _Undone
        except _Undone:
            pass
        except Invalid as error:
            _blame(error, broken, mapping, key, bad)
    while given:
        try:
            with sales.transaction():
                return len(sales.opportunities.create_many([taken.values for taken in given]))
        except Invalid as error:
            wrong = _blame(error, given, mapping, key, bad)
            given = [taken for at, taken in enumerate(given) if at not in wrong] if skip else []
    return 0


def _take(taken: Taken, field: str, source: Source, bad: list[BadRow]) -> None:
    """Put the value of one field into *taken*, or why there is none into *bad*."""
    row = taken.row
    if isinstance(source, str):
        value: object = row[source].strip() or None
    else:
        row.seen = {}
        try:
            value = source(row)
        except Invalid as error:
            bad += [bad_row(taken, field, row.seen, str(one), one.code) for one in error.problems]
            taken.failed.append(field)
            return
        except (SalesPipelineError, ValueError, LookupError, ArithmeticError, TypeError) as error:
            why = repr(error) if isinstance(error, KeyError) else str(error) or repr(error)
            bad.append(bad_row(taken, field, row.seen, why, "row"))
            taken.failed.append(field)
            return
        taken.seen[field] = row.seen
    if value is not None:
        taken.values[field] = value


def bad_row(taken: Taken, field: str, seen: Iterable[str], reason: str, code: str) -> BadRow:
    """Blame the one cell that the *reason* shows, of those that were *seen*; or else the field."""
    cells = {column: taken.row[column] for column in seen if column in taken.row}
    told = {column: cell for column, cell in cells.items() if cell and shown(cell) in reason}
    if len(told) != 1 and len(cells) == len(tuple(seen)) == 1:
        told = cells
    column, value = next(iter(told.items())) if len(told) == 1 else (field, ", ".join(cells.values())[:80])
    return BadRow(line=taken.line, column=column, value=value, reason=reason, code=code)


def _blame(error: Invalid, given: list[Taken], mapping: Mapping[str, Source], key: str, bad: list[BadRow]) -> set[int]:
    """Add the problems of *error* to *bad*, and return the positions of the rows that have some."""
    wrong: set[int] = set()
    for problem in error.problems:
        position, _, path = problem.path.removeprefix("[").partition("]")
        path = path.removeprefix(".")
        field = path.partition("[")[0].partition(".")[0]
        taken = given[int(position)]
        wrong.add(int(position))
        if field in taken.failed:  # missing only because its function failed, which was told
            continue
        source = key if field == "import_key" else mapping.get(field, field)
        seen = [source] if isinstance(source, str) else taken.seen.get(field, ())
        bad.append(bad_row(taken, path, seen, problem.message, problem.code))
    return wrong


def read_rows(
    path: Path, encoding: str, delimiter: str, mapping: Mapping[str, Source], key: str, bad: list[BadRow]
) -> Iterator[Taken]:
    """Yield the rows, with their keys; refuses a wrong encoding and a missing column, adds ragged rows to *bad*."""
    reader = csv.reader(io.StringIO(_decoded(path, encoding), newline=""), strict=True, delimiter=delimiter)
    try:
        header = next(reader, [])
        wanted = [key, *(source for source in mapping.values() if isinstance(source, str))]
        _check_header(path.name, header, dict.fromkeys(wanted), delimiter)
        alone = [name if header.count(name) == 1 else None for name in header]
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) == len(header):
                row = _Cells((name, cell) for name, cell in zip(alone, cells, strict=True) if name is not None)
                row.seen = {}
                try:
                    yield Taken(line, row, {"import_key": text.clean(row[key], key, required=True)})
                except Invalid as error:
                    (one,) = error.problems
                    bad.append(BadRow(line=line, column=key, value=row[key], reason=one.message, code=one.code))
            elif any(cell.strip() for cell in cells):
                bad.append(_ragged(line, header, cells, delimiter))
            line = reader.line_num + 1
    except csv.Error as error:
        limit = csv.field_size_limit()
        why = (
            f"a value has more than {limit:,} characters, or a quote is not closed" if "limit" in str(error) else error
        )
        message = f"{path.name} is not well-formed CSV: {why}"
        raise Invalid(Problem(f"line {reader.line_num}", "csv", message)) from None


def _decoded(path: Path, encoding: str) -> str:
    content = path.read_bytes()
    name = encoding.removesuffix("-sig")
    try:
        return content.decode(encoding)
    except LookupError:
        message = f"no encoding is called {shown(encoding)}: say 'utf-8', 'cp1252' or whatever {path.name} is"
    except UnicodeDecodeError as error:
        utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        line = content.count(b"\n", 0, error.start) + 1
        message = (
            f"{path.name} is not {name}: line {line} holds {content[error.start : error.start + 1]!r}, which cannot stand "
            f"there; say encoding={'utf-16' if utf16 else 'cp1252'!r}{'' if utf16 else ', or whatever it is'}"
        )
    raise Invalid(Problem("encoding", "encoding", message))


def _check_header(file: str, header: list[str], wanted: Iterable[str], delimiter: str) -> None:
    """Refuse a header that is not the one of the mapping, naming every column."""
    if not header:
        raise Invalid(Problem("file", "empty", f"{file} is empty: its first line names the columns"))
    if any("\0" in name for name in header):
        raise Invalid(Problem("encoding", "encoding", f"{file} holds NUL characters: is it encoding='utf-16'?"))
    other = max(",;\t|", key=header[0].count)
    if len(header) == 1 and other != delimiter and other in header[0]:
        message = f"the columns of {file} seem to be separated by {other!r}: say delimiter={other!r}"
        raise Invalid(Problem("delimiter", "delimiter", message))
    checks = Checks()
    for name in wanted:
        if name not in header:
            checks.add(name, "column", f"{file} has no column {shown(name)}: {suggestion(name, header)}")
        elif header.count(name) > 1:
            checks.add(name, "column", f"{file} has {header.count(name)} columns {shown(name)}: rename all but one")
    checks.done(action="import")


def _ragged(line: int, header: list[str], cells: list[str], delimiter: str) -> BadRow:
    """Return what is wrong with a row that has more or fewer values than there are columns."""
    if len(cells) < len(header):
        column, value, why = header[len(cells)], "", "the row ends before it"
    else:
        column, value = header[-1], delimiter.join(cells[len(header) - 1 :])
        why = f"there is more behind it: is a value that holds {delimiter!r} not quoted?"
    reason = f"{len(cells)} values stand here, and the header has {len(header)} columns; {why}"
    return BadRow(line=line, column=column, value=value, reason=reason, code="ragged")
