"""The lines of opportunities or documents as rows: for a spreadsheet, a data frame, or to be imported again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from salespipeline.domain.display import Tabular
from salespipeline.domain.lines import Line, net_amount
from salespipeline.errors import Invalid, Problem

__all__ = ["LineRows"]

COLUMNS: Mapping[str, type] = (
    {"record": str, "position": int}
    | dict.fromkeys(("description", "item", "unit"), str)
    | dict.fromkeys(("quantity", "unit_price"), Decimal)
    | {"discount": str, "net": Decimal, "currency": str, "tax": Decimal}
    | dict.fromkeys(("tax_code", "tax_category", "tax_reason"), str)
    | {"cost": Decimal}
)


class LineRows(Tabular):
    """The lines of some records, in their order.

    >>> rows = sales.opportunities.all().lines
    >>> rows.to_csv().splitlines()[1]
    '"OPP/00001",1,"Racking, bay","","",40,210.00,"",8400.00,"GBP",20,"","S","",""'
    """

    def __init__(self, records: Iterable[Any], kind: str) -> None:
        if kind not in ("opportunity", "document"):
            raise Invalid(Problem("lines", "unknown", f"{kind}s have no lines: opportunities and documents have"))
        self._records = records

    def _each(self) -> Iterator[dict[str, object]]:
        for record in self._records:
            digits = record.currency.digits
            for position, line in enumerate(record.lines, 1):
                yield {"record": record.reference or record.id, "position": position} | _row(line, digits, record)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return the rows: the *record* is its reference, or the id of one that has none yet."""
        return list(self._each())

    def _columns(self) -> Mapping[str, type]:
        return COLUMNS

    def __repr__(self) -> str:
        return f"<lines of {self._records!r}>"


def _row(line: Line, digits: int, record: Any) -> dict[str, object]:
    return {
        "description": line.description,
        "item": line.reference,
        "unit": line.unit,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "discount": "" if line.discount is None else str(line.discount),
        "net": net_amount(line, digits),
        "currency": str(record.currency),
        "tax": line.tax.percent,
        "tax_code": line.tax.code,
        "tax_category": line.tax.category,
        "tax_reason": line.tax.reason,
        "cost": line.cost,
    }
