"""How records, lists, plans and reports show themselves in a notebook, and how their rows become frames.

The HTML stands for itself: everything escaped, styles inline and scoped, rows capped, no script. It takes its
colours from the page around it, so that it reads in the light and in the dark.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, get_type_hints

from salespipeline.domain.checks import counted
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.lines import Line, line_net
from salespipeline.domain.settings import Settings
from salespipeline.domain.totals import Totals
from salespipeline.money import Money
from salespipeline.settings.lists import SettingList
from salespipeline.views import view_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from salespipeline.change_report import ChangeReport
    from salespipeline.domain.opportunity import Opportunity
    from salespipeline.listing import Listing
    from salespipeline.reports.rows import Report
    from salespipeline.sales import Sales
    from salespipeline.sending_report import Plan, SendReport
    from salespipeline.settings import SettingsDesk

__all__ = [
    "MOST_ROWS", "changed_html", "columns_of", "desk_html", "listing_html", "plan_html", "record_html", "report_html", "sales_html",
    "sent_html", "setting_html", "table_html", "to_pandas", "to_polars",
]  # fmt: skip

Row: TypeAlias = Mapping[str, object]
Colours: TypeAlias = Mapping[str, Mapping[str, str]]

MOST_ROWS = 50
MOST_TEXT = 200
WRAPPED = 32
FEW = 4
# Notebooks style every table; what they would paint is taken back here (!important), and nothing else is touched.
STYLE = (
    ".sp{font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;color:inherit;max-width:100%;overflow-x:auto}"
    ".sp p{margin:2px 0 8px;padding:0}.sp b{font-weight:600}.sp .sp-dim{opacity:.62}"
    ".sp table{border-collapse:collapse;border:0;margin:0 0 6px;width:auto;font-variant-numeric:tabular-nums;font-size:13px}"
    ".sp tr,.sp th,.sp td{background-color:transparent!important;color:inherit}"
    ".sp th,.sp td{padding:4px 9px;border:0;border-bottom:1px solid rgba(128,128,128,.28);text-align:left!important;"
    "vertical-align:top;white-space:nowrap;max-width:30em;overflow:hidden;text-overflow:ellipsis}"
    ".sp th{font-weight:500;font-size:12px;border-bottom-color:rgba(128,128,128,.7)}.sp th span{opacity:.7}"
    ".sp th:first-child,.sp td:first-child{padding-left:0}.sp .sp-n{text-align:right!important}"
    ".sp tbody:last-child tr:last-child td,.sp tfoot td{border-bottom:0}"
    ".sp tfoot tr:last-child td{font-weight:600}.sp .sp-off td{opacity:.5}"
    ".sp i{display:inline-block;width:8px;height:8px;border-radius:50%;margin:0 6px 0 0}"
    ".sp .sp-t{white-space:nowrap}.sp .sp-w{white-space:normal;min-width:13em}"
    ".sp .sp-bar{background-image:linear-gradient(rgba(56,132,200,.6),rgba(56,132,200,.6));"
    "background-origin:content-box;background-position:right bottom;background-repeat:no-repeat}"
)
_COLOUR = re.compile("#[0-9a-f]{6}", re.IGNORECASE)
_ONCE = ("status", "type", "currency")
_PERCENT = frozenset({"rate", "value_rate", "percent", "tax"})
_HELD = (str, int, bool, Decimal, date, datetime)
_OMITTED = frozenset({"id", "version", "position", "archived", "pipeline"})


# --- tables -----------------------------------------------------------------------------------------------


def table_html(
    title: str,
    rows: Sequence[Row],
    *,
    total: int | None = None,
    notes: Sequence[str] = (),
    colours: Colours | None = None,
    off: Collection[int] = (),
    bars: Iterable[str] = (),
    foot: Sequence[Row] = (),
    most: int | None = MOST_ROWS,
) -> str:
    """Return *rows* as a table under a title; at most *most* are shown, with a line saying how many more.

    *total* is how many there are where not all are passed, *notes* stand beside the title. A currency, type or status
    that is the same in every row is said once, there, and a column in which nothing stands is left out. *colours* says, for a
    column, which texts get a dot of which colour; *off* fades rows by their position, *bars* draws shares behind columns
    of amounts, *foot* are rows under the last.

    >>> "&lt;b&gt;" in table_html("Names", [{"name": "<b>"}])
    True
    """
    number = len(rows) if total is None else total
    shown = rows[:most]
    names = [name for name in shown[0] if any(row.get(name) not in (None, "") for row in shown)] if shown else []
    for name in _ONCE:
        values = {row.get(name) for row in rows}
        if name in names and len(values) == 1 and number == len(rows):
            names.remove(name)
            notes = (str(values.pop()).replace("_", " "), *notes)
    numeric = {name for name in names if any(isinstance(row.get(name), int | Decimal) for row in shown)}
    largest = {name: _largest(shown, name) for name in bars if name in numeric and number > 1}

    def line(row: Row, css: str = "", *, bare: bool = False) -> str:
        cells = []
        for name in names:
            marks = ' class="sp-n"' if name in numeric else ' class="sp-w"' if _long(row.get(name)) else ""
            if not bare and name in largest:
                marks = _bar(row.get(name), largest[name].get(row.get("currency"))) or marks
            cells.append(f"<td{marks}>{_cell(name, row.get(name), (colours or {}).get(name, {}))}</td>")
        return f"<tr{css}>{''.join(cells)}</tr>"

    head = "".join(_heading(name, name in numeric) for name in names)
    body = "".join(line(row, ' class="sp-off"' if at in off else "") for at, row in enumerate(shown))
    feet = "".join(line(row, bare=True) for row in foot)
    parts = [f'<div class="sp"><style>{STYLE}</style><p><b>{escape(title)}</b>']
    parts += [f' <span class="sp-dim">· {escape(note)}</span>' for note in notes]
    parts.append("</p>")
    if shown:
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>")
        parts.append(f"<tfoot>{feet}</tfoot></table>" if feet else "</table>")
    else:
        parts.append('<p class="sp-dim">nothing</p>')
    if number > len(shown):
        parts.append(f'<p class="sp-dim">… and {number - len(shown):,} more</p>')
    parts.append("</div>")
    return "".join(parts)


def _heading(name: str, numeric: bool) -> str:
    words = escape(name.replace("_", " "))
    return f"<th{' class=sp-n' if numeric else ''}><span>{words}</span></th>"


def _cell(name: str, value: object, colours: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,f}" + (" %" if name in _PERCENT else "") if isinstance(value, Decimal) else f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    text = str(value)
    text = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
    return ", ".join(_dotted(part, colours.get(part)) for part in text.split(", "))


def _long(value: object) -> bool:
    return isinstance(value, str) and len(value) > WRAPPED


def _dotted(label: str, colour: str | None) -> str:
    if colour is None or not _COLOUR.fullmatch(colour):
        return escape(label)
    return f'<span class="sp-t"><i style="background:{colour}"></i>{escape(label)}</span>'


def _largest(rows: Sequence[Row], name: str) -> dict[object, Decimal]:
    """Return the largest amount of a column, for each currency: bars compare nothing else. (SPEC MON-4)"""
    found: dict[object, Decimal] = {}
    for row in rows:
        value, currency = row.get(name), row.get("currency")
        if isinstance(value, Decimal):
            found[currency] = max(value, found.get(currency, Decimal(0)))
    return found


def _bar(value: object, largest: Decimal | None) -> str:
    if not isinstance(value, Decimal) or not largest or value <= 0:
        return ""
    return f' class="sp-n sp-bar" style="background-size:{int(value * 100 / largest)}% 2px"'


# --- what shows itself ------------------------------------------------------------------------------------


def listing_html(listing: Listing[Any]) -> str:
    """Return the first rows of a list, with the colours of its probabilities and tags."""
    rows, number = listing[:MOST_ROWS].to_dicts(), len(listing)
    settings = listing._sales.settings.snapshot
    colours = {
        "tags": {tag.label: tag.colour for tag in settings.tags.all},
        "probability": {probability.label: probability.colour for probability in settings.probabilities.all},
    }
    return table_html(counted(number, listing._shape.kind), rows, total=number, colours=colours)


def report_html(report: Report[Any]) -> str:
    """Return a report as a table; where one kind of amount is summed, bars show the shares."""
    hints = get_type_hints(report.row)
    return table_html(report.title, report.labelled(), bars=[name for name, hint in hints.items() if hint is Money])


def plan_html(plan: Plan, *, most: int | None = MOST_ROWS) -> str:
    """Return a plan: those to be mailed first, then, faded, those left out; every reason is counted above."""
    rows = sorted(plan.to_dicts(), key=lambda row: bool(row["left_out"]))
    off = range(len(plan.included), len(rows))
    counts: dict[object, int] = {}
    for row in rows[len(plan.included) :]:
        counts[row["left_out"]] = counts.get(row["left_out"], 0) + 1
    notes = [f"{number:,} × {why}" for why, number in counts.items()]
    return table_html(plan.headline, rows, off=off, notes=notes, most=most)


def sent_html(report: SendReport, *, most: int | None = MOST_ROWS) -> str:
    """Return what became of each document; those that need somebody's attention first."""
    rows = sorted(report.to_dicts(), key=lambda row: row["state"] in ("sent", "left out"))
    off = [at for at, row in enumerate(rows) if row["state"] == "left out"]
    return table_html(report.headline, rows, off=off, most=most)


def changed_html(report: ChangeReport, *, most: int | None = MOST_ROWS) -> str:
    """Return what became of each record of a bulk change; those that need somebody's attention first."""
    rows = sorted(report.to_dicts(), key=lambda row: row["outcome"] in ("changed", "unchanged"))
    off = [at for at, row in enumerate(rows) if row["outcome"] == "unchanged"]
    return table_html(report.headline, rows, off=off, most=most)


def setting_html(settings: SettingList[Any]) -> str:
    """Return a list of the administrator, with its colours."""
    rows = [{name: value for name, value in row.items() if name not in _OMITTED} for row in settings.to_dicts()]
    colours = {str(row["colour"]): str(row["colour"]) for row in rows if row.get("colour")}
    return table_html(counted(len(rows), settings.what), rows, colours={"colour": colours})


def desk_html(desk: SettingsDesk) -> str:
    """Return every list of the administrator with its first entries."""
    rows: list[Row] = []
    for name, found in vars(desk).items():
        if isinstance(found, SettingList):
            labels = [one.label for one in found]
            rows.append({"list": name.replace("_", " "), "entries": len(labels), "such as": _some(labels, len(labels))})
    some = [item.reference for item in desk.items.all()[:FEW]]
    rows.append({"list": "items", "entries": len(desk.items), "such as": _some(some, len(desk.items))})
    return table_html("Settings", rows, notes=[desk.organisation.name] if desk.organisation.name else [])


def _some(labels: Sequence[str], number: int) -> str:
    return ", ".join(labels[:FEW]) + (", …" if number > FEW else "")


def sales_html(sales: Sales) -> str:
    """Return how many records of each kind a pipeline has."""
    rows = [
        {"records": name, "count": len(getattr(sales, name))} for name in ("contacts", "opportunities", "documents")
    ]
    return table_html(sales.settings.organisation.name or "Sales pipeline", rows, notes=[f"as {sales.actor}"])


def record_html(record: Opportunity | Document | Contact) -> str:
    """Return a record: what it is, and its lines with their totals, or the persons of a contact.

    A document that was issued shows itself as the client sees it, under the one word for its state.
    """
    if isinstance(record, Contact):
        people: list[Row] = [
            {"person": one.name, "role": one.role, "email": one.email, "phone": one.phone} for one in record.persons
        ]
        return table_html(
            record.name, people, notes=[one for one in (record.email, record.phone, record.country) if one]
        )
    facts = [_state(record)]
    if isinstance(record, Document) and record.seller is not None and len(record.lines) <= MOST_ROWS:
        return _paper(record, facts)
    if record.due is not None:
        facts.append(f"due {record.due}")
    name = f"{record.reference or 'without number'} {record.subject}".strip()
    title = f"{record.type.words.capitalize()} {name}" if isinstance(record, Document) else name
    rows, foot = _lines(record.lines, record.totals)
    return table_html(title, rows, notes=facts, foot=foot)


def _paper(document: Document, facts: Sequence[str]) -> str:
    """Return an issued document, in which everything that is shown was written down when it was issued."""
    from salespipeline.render.page import page

    view = view_of(document, None, Settings(), today=document.created_at.date())
    note = f'<p class="sp-dim">{escape(" · ".join(facts))}</p>'
    return f'<div class="sp"><style>{STYLE}</style>{note}</div>{page(view, whole=False)}'


def _state(record: Opportunity | Document) -> str:
    """Return the one word for it, as it stood when it was last dated: a record knows no clock."""
    if isinstance(record, Document):
        return record.state(record.date or record.created_at.date())
    return str(record.status).replace("_", " ")


def _lines(lines: Sequence[Line], totals: Totals) -> tuple[list[Row], list[Row]]:
    currency = str(totals.net.currency)
    rows: list[Row] = [
        {
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "discount": str(line.discount) if line.discount is not None else "",
            "tax": line.tax.percent,
            "net": line_net(line, currency).amount,
            "currency": currency,
        }
        for line in lines
    ]
    sums = [("net", totals.net), ("tax", totals.tax), ("total", totals.total)]
    return rows, [{"description": name, "net": amount.amount} for name, amount in sums]


# --- frames -----------------------------------------------------------------------------------------------


def columns_of(row: type) -> dict[str, type]:
    """Return the columns of a typed row and what they hold: money is a ``Decimal``, its currency in front of it.

    What a frame has no type for, such as an answer, stands in it as text.

    >>> from salespipeline.reports.rows import StageRow
    >>> list(columns_of(StageRow))
    ['stage', 'count', 'currency', 'value', 'weighted']
    """
    columns: dict[str, type] = {}
    for name, hint in get_type_hints(row).items():
        kind = next((one for one in get_args(hint) if one is not type(None)), hint)
        if kind is Money:
            columns["currency"] = str
            kind = Decimal
        columns[name] = kind if kind in _HELD else str
    return columns


def to_pandas(rows: Sequence[Row], columns: Mapping[str, type]) -> pd.DataFrame:
    """Return *rows* as a pandas data frame with these columns, also where there is no row.

    Amounts stay exact: they are ``Decimal`` objects, and so are their sums.

    >>> to_pandas([], {"subject": str, "value": Decimal, "due": date}).dtypes.astype(str).to_dict()
    {'subject': 'string', 'value': 'object', 'due': 'datetime64[s]'}
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("pandas is not installed: pip install 'salespipeline[pandas]'") from error
    kinds: dict[type, Any] = {
        str: "string", int: "Int64", bool: "boolean", date: "datetime64[s]", datetime: "datetime64[us, UTC]",
    }  # fmt: skip
    frame = {}
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        frame[name] = pd.Series(values, dtype=kinds.get(kind, "object"))
    return pd.DataFrame(frame)


def to_polars(rows: Sequence[Row], columns: Mapping[str, type]) -> pl.DataFrame:
    """Return *rows* as a polars data frame with these columns, also where there is no row.

    Amounts stay exact: they are polars' decimals, with as many places as the amounts in the column have.

    >>> to_polars([], {"subject": str, "value": Decimal, "due": date}).schema["value"]
    Decimal(precision=38, scale=2)
    """
    try:
        import polars as pl
    except ImportError as error:
        raise ImportError("polars is not installed: pip install 'salespipeline[polars]'") from error
    kinds: dict[type, Any] = {
        str: pl.String, int: pl.Int64, bool: pl.Boolean, date: pl.Date, datetime: pl.Datetime("us", "UTC"),
    }  # fmt: skip
    frame = []
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        places = [-int(one.as_tuple().exponent) for one in values if isinstance(one, Decimal)]
        frame.append(pl.Series(name, values, dtype=kinds.get(kind) or pl.Decimal(38, max(places, default=2))))
    return pl.DataFrame(frame)
