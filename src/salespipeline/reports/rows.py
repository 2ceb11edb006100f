"""The typed rows of reports, and ``Report``, which shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

import attrs

from salespipeline.domain.display import Tabular
from salespipeline.money import Money

__all__ = ["ComingRow", "ConversionRow", "PerformanceRow", "Report", "StageRow"]

Row = TypeVar("Row", bound=attrs.AttrsInstance)


@attrs.frozen(kw_only=True)
class ConversionRow:
    """How many, and how much, of what was closed was won. Rates are percentages with two decimals."""

    name: str
    won: int
    lost: int
    won_value: Money
    lost_value: Money
    rate: Decimal | None
    value_rate: Decimal | None


@attrs.frozen(kw_only=True)
class PerformanceRow:
    """How somebody, or a department, did. *cycle_days* is the mean from creation to closing of the won ones."""

    name: str
    open: int
    won: int
    lost: int
    open_value: Money
    won_value: Money
    rate: Decimal | None
    average_value: Money | None
    cycle_days: Decimal | None


@attrs.frozen(kw_only=True)
class ComingRow:
    """What is due in a month (``2026-11``, or ``""`` without a date); *weighted* is value × probability."""

    name: str
    month: str
    count: int
    value: Money
    weighted: Money


@attrs.frozen(kw_only=True)
class StageRow:
    """What is open in one stage."""

    stage: str
    count: int
    value: Money
    weighted: Money


class Report(Tabular, Generic[Row]):
    """A title and typed rows: iterate it, print it, show it in a notebook, or hand its rows on.

    >>> print(Report("Nothing", StageRow, []))
    Nothing
    (no rows)
    >>> report = sales.reports.pipeline()
    >>> report[0].value, report.to_dicts()[0]["value"]
    (Money('8400.00', 'GBP'), Decimal('8400.00'))
    >>> list(report.to_polars().columns) == list(report.to_pandas().columns)
    True
    """

    def __init__(self, title: str, row: type[Row], rows: Sequence[Row], *, by: str | None = None) -> None:
        self.title = title
        self.by = by  # what the names of its rows are of: people read "owner", and not "name"
        self.row = row
        self.rows: tuple[Row, ...] = tuple(rows)
        self.columns: tuple[str, ...] = tuple(field.name for field in attrs.fields(row))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Row:
        return self.rows[position]

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows: money as a ``Decimal``, its currency in a column of its own."""
        result: list[dict[str, object]] = []
        for row in self.rows:
            plain: dict[str, object] = {}
            for name in self.columns:
                value = getattr(row, name)
                if isinstance(value, Money):
                    plain["currency"] = str(value.currency)
                    value = value.amount
                plain[name] = value
            result.append(plain)
        return result

    def labelled(self) -> list[dict[str, object]]:
        """Return the rows for people: a label that is missing is said, and a column in which none stands is left out.

        >>> rack = sp.Line("Rack", unit_price=95)
        >>> _ = sales.opportunities.create(contact=acme, subject="Racks", due="2026-12-01", lines=[rack])
        >>> coming = sales.reports.coming()
        >>> [row["month"] for row in coming.labelled()], [row["month"] for row in coming.to_dicts()]
        (['no date', '2026-12'], ['', '2026-12'])
        """
        rows = self.to_dicts()
        empty = {name for name in self.columns if all(row[name] in (None, "") for row in rows)}
        return [
            {self._called(name): _said(name, value) for name, value in row.items() if name not in empty} for row in rows
        ]

    def _called(self, name: str) -> str:
        return self.by if name == "name" and self.by is not None else name

    def _columns(self) -> Mapping[str, type]:
        from salespipeline.notebook import columns_of

        return columns_of(self.row)

    def _repr_html_(self) -> str:
        from salespipeline.notebook import report_html

        return report_html(self)

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.title}\n(no rows)"
        names = [name for name in self.columns if any(getattr(row, name) not in (None, "") for row in self.rows)]
        cells = [[self._called(name).replace("_", " ") for name in names]]
        cells += [[shown(_said(name, getattr(row, name))) for name in names] for row in self.rows]
        widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
        lines = []
        for line in cells:
            padded = [
                cell.ljust(width) if at == 0 and self._columns()[names[0]] is str else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join([self.title, lines[0], "-" * len(lines[0]), *lines[1:]])

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self.rows)} rows>"


def _said(name: str, value: object) -> object:
    return ("no date" if name == "month" else "none") if value == "" else value


def shown(value: object) -> str:
    """Return a cell as text."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)
