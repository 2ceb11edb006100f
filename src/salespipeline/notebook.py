"""How lists, plans and reports show themselves in a notebook, and how their rows become frames.

The HTML is self-contained: everything escaped, styles inline and scoped, light and dark, rows capped, no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salespipeline.listing import Listing
    from salespipeline.reports.rows import Report

__all__ = ["MOST_ROWS", "listing_html", "report_html", "table_html", "to_pandas", "to_polars"]

MOST_ROWS = 50
STYLE = (
    ".sp-table{border-collapse:collapse;font:13px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums;color:inherit}"
    ".sp-table caption{text-align:left;font-weight:600;font-size:14px;padding:4px 0 6px;color:inherit}"
    ".sp-table th,.sp-table td{padding:4px 12px 4px 0;border:0;border-bottom:1px solid rgba(128,128,128,.28);"
    "background:transparent;text-align:left;white-space:nowrap;max-width:26em;overflow:hidden;text-overflow:ellipsis}"
    ".sp-table th{font-weight:500;opacity:.68}.sp-table .sp-n{text-align:right}.sp-more{opacity:.68;font:12px system-ui,sans-serif}"
)


def table_html(title: str, rows: Sequence[dict[str, object]], *, total: int | None = None) -> str:
    """Return *rows* as an HTML table with a caption; at most ``MOST_ROWS`` are shown, and how many are not.

    >>> "&lt;b&gt;" in table_html("Names", [{"name": "<b>"}])
    True
    """
    number = len(rows) if total is None else total
    shown = rows[:MOST_ROWS]
    names = list(shown[0]) if shown else []
    numeric = {name for name in names if any(isinstance(row.get(name), int | Decimal) for row in shown)}
    css = {name: ' class="sp-n"' if name in numeric else "" for name in names}
    head = "".join(f"<th{css[name]}>{escape(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td{css[name]}>{_cell(row.get(name))}</td>" for name in names) + "</tr>" for row in shown
    )
    more = f'<div class="sp-more">… {number - len(shown):,} more</div>' if number > len(shown) else ""
    nothing = "" if shown else '<div class="sp-more">nothing</div>'
    return (
        f'<div><style>{STYLE}</style><table class="sp-table"><caption>{escape(title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{nothing}</div>"
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return escape(str(value)[:200])


def listing_html(listing: Listing[Any]) -> str:
    """Return the first rows of a list."""
    return table_html(f"{len(listing):,} records", listing[:MOST_ROWS].to_dicts(), total=len(listing))


def report_html(report: Report[Any]) -> str:
    """Return a report as a table."""
    return table_html(report.title, report.to_dicts())


def to_pandas(rows: list[dict[str, object]]) -> Any:
    """Return *rows* as a pandas data frame."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("pandas is not installed: pip install 'salespipeline[pandas]'") from error
    return pd.DataFrame(rows)


def to_polars(rows: list[dict[str, object]]) -> Any:
    """Return *rows* as a polars data frame."""
    try:
        import polars as pl
    except ImportError as error:
        raise ImportError("polars is not installed: pip install 'salespipeline[polars]'") from error
    return pl.DataFrame(rows, infer_schema_length=None)
