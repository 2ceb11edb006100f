"""What lets records, lists and reports show themselves in a notebook, and hand their rows on.

How they do is decided in ``salespipeline.notebook``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from salespipeline.tables import FilePath

__all__ = ["Displayed", "Labelled", "Tabular"]


class Displayed:
    """A record that a notebook shows as a table of its lines, rather than as the text of its fields."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        from salespipeline.notebook import record_html

        return record_html(self)


class Labelled:
    """An entry of a list of the settings, which prints as its label.

    >>> print(sales.settings.stages["prospect"], sales.settings.users["jane"], sep=", ")
    Prospect, Jane Whitfield
    """

    __slots__ = ()

    def __str__(self: Any) -> str:
        return str(self.label)


class Tabular:
    """Something with rows: a list, a report, a plan. It gives them as dictionaries, as CSV and as data frames.

    >>> sales.opportunities.to_dicts()[0]["value"], sales.settings.stages.to_dicts()[0]["label"]
    (Decimal('8400.00'), 'Prospect')
    >>> print(sales.opportunities.all().to_csv(separator=";", decimal=",").splitlines()[1][:54])
    "OPP/00001";"New warehouse";"Acme Ltd";"Prospect";"Hot
    >>> sales.reports.pipeline().to_pandas()["weighted"].sum(), sales.contacts.to_polars().shape
    (Decimal('6300.00'), (1, 6))
    """

    __slots__ = ()

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows: an amount is a ``Decimal``, its currency stands in a column of its own."""
        raise NotImplementedError

    def _columns(self) -> Mapping[str, type]:
        """Return what a row has, and what each column holds: frames need it where there is no row."""
        raise NotImplementedError

    def _each(self) -> Iterable[Mapping[str, object]]:
        """Yield the rows one by one: what is long is not held whole."""
        return self.to_dicts()

    def to_csv(self, *, separator: str = ",", decimal: str = ".", bom: bool = False) -> str:
        """Return the rows as CSV with a header, safe to open: what a spreadsheet would take for a formula begins with ``'``.

        A French Excel wants ``separator=";", decimal=",", bom=True``: the byte-order mark tells it that this is UTF-8.
        """
        from salespipeline.tables import CsvStyle, csv_of

        return csv_of(self._each(), self._columns(), CsvStyle(separator, decimal, bom))

    def write_csv(self, path: FilePath, *, separator: str = ",", decimal: str = ".", bom: bool = False) -> int:
        """Write the rows as ``to_csv`` gives them to a new file, a few at a time, and return how many there are."""
        from salespipeline.tables import CsvStyle, write_csv

        return write_csv(path, self._each(), self._columns(), CsvStyle(separator, decimal, bom))

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame; raises ``ImportError`` where pandas is not installed."""
        from salespipeline.notebook import to_pandas

        return to_pandas(self.to_dicts(), self._columns())

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a polars data frame; raises ``ImportError`` where polars is not installed."""
        from salespipeline.notebook import to_polars

        return to_polars(self.to_dicts(), self._columns())
