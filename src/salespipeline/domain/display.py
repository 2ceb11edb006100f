"""What lets records, lists and reports show themselves in a notebook, and hand their rows on.

How they do is decided in ``salespipeline.notebook``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

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
    """Something with rows: a list, a report, a plan. It gives them as dictionaries and as data frames.

    >>> sales.opportunities.to_dicts()[0]["value"], sales.settings.stages.to_dicts()[0]["label"]
    (Decimal('8400.00'), 'Prospect')
    >>> sales.reports.pipeline().to_pandas()["weighted"].sum(), sales.contacts.to_polars().shape
    (Decimal('6300.00'), (1, 5))
    """

    __slots__ = ()

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows: an amount is a ``Decimal``, its currency stands in a column of its own."""
        raise NotImplementedError

    def _columns(self) -> Mapping[str, type]:
        """Return what a row has, and what each column holds: frames need it where there is no row."""
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame; raises ``ImportError`` where pandas is not installed."""
        from salespipeline.notebook import to_pandas

        return to_pandas(self.to_dicts(), self._columns())

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a polars data frame; raises ``ImportError`` where polars is not installed."""
        from salespipeline.notebook import to_polars

        return to_polars(self.to_dicts(), self._columns())
