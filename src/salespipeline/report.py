"""``sales.reports``: each is one grouped pass in the store, and exact arithmetic on its rows. (SPEC section 7)"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from salespipeline.domain.checks import suggestion
from salespipeline.domain.opportunity import Status
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.query import All, Count, Group, OneOf, Predicate, Prefix, Query, Sum
from salespipeline.reports.rows import ComingRow, ConversionRow, PerformanceRow, Report, StageRow
from salespipeline.reports.sums import Tallied, coming_rows, conversion_rows, performance_rows, stage_rows
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Reports"]

Label = Callable[[Settings, tuple[Any, ...]], str]


def _label_of(list_name: str) -> Label:
    return lambda settings, keys: getattr(settings, list_name).label(keys[0])


# How people call a dimension: the index fields that make it, and the label of its values.
DIMENSIONS: dict[str, tuple[tuple[Group, ...], Label]] = {
    "owner": (("owner",), _label_of("users")),
    "department": (("owner", "department"), lambda settings, keys: settings.department_of(keys[0] or "", keys[1])),
    "stage": (("stage",), _label_of("stages")),
    "pipeline": (("stage",), lambda settings, keys: settings.pipeline_of(keys[0])),
    "probability": (("probability",), _label_of("probabilities")),
    "lost_reason": (("lost_reason",), _label_of("lost_reasons")),
    "tag": (("tags",), _label_of("tags")),
    "source": (("sources",), lambda _settings, keys: keys[0] or ""),
    "month": ((Prefix("closed_on", 7),), lambda _settings, keys: keys[0] or ""),
}


class Reports:
    """Conversion, performance, what is coming, the pipeline by stage.

    Every report takes the filters of ``sales.opportunities.where``. Currencies are never added: each row is of
    one currency (SPEC MON-4).

    >>> print(sales.reports.pipeline())
    Pipeline by stage
    stage     count         value      weighted
    -------------------------------------------
    Prospect      1  8,400.00 GBP  6,300.00 GBP
    >>> sales.reports.coming(by="owner")[0].weighted
    Money('6300.00', 'GBP')
    >>> _ = sales.opportunities.win(deal)
    >>> sales.reports.conversion(owner="jane")[0].rate, sales.reports.performance("department")[0].name
    (Decimal('100.00'), 'North')
    """

    def __init__(self, sales: Sales) -> None:
        self._sales = sales

    def __repr__(self) -> str:
        return "<reports: conversion, performance, coming, pipeline>"

    def conversion(self, by: str | None = None, **filters: object) -> Report[ConversionRow]:
        """Return won / (won + lost), by count and by value, in all or *by* something. (SPEC REP-1)

        *by* is owner, department, stage, pipeline, probability, tag, source, month (of closing) or lost_reason.
        """
        keys, label = _dimension(by)
        closed = OneOf("status", (Status.WON.value, Status.LOST.value))
        rows = self._tally(filters, (*keys, "status"), (Count(), Sum("value")), label, also=(closed,))
        return Report("Conversion" + _by(by), ConversionRow, conversion_rows(rows), by=by)

    def performance(self, by: str | None = "owner", **filters: object) -> Report[PerformanceRow]:
        """Return open, won, lost, values, win rate, average value and cycle time, by owner or department. (SPEC REP-2)"""
        keys, label = _dimension(by)
        rows = self._tally(filters, (*keys, "status"), (Count(), Sum("value"), Sum("cycle")), label)
        return Report("Performance" + _by(by), PerformanceRow, performance_rows(rows), by=by)

    def coming(self, by: str | None = None, **filters: object) -> Report[ComingRow]:
        """Return the open opportunities by due month, weighted by probability; also by owner or department. (SPEC REP-3)"""
        keys, label = _dimension(by)
        is_open = OneOf("status", (Status.OPEN.value, Status.ON_HOLD.value))
        groups = (*keys, Prefix("due", 7), "probability")
        rows = self._tally(filters, groups, (Count(), Sum("value")), label, also=(is_open,))
        settings = self._sales.settings.snapshot
        percents = {one.id: one.percent for one in settings.probabilities.all}
        return Report("Coming" + _by(by), ComingRow, coming_rows(rows, percents), by=by)

    def pipeline(self, **filters: object) -> Report[StageRow]:
        """Return the open opportunities by stage, in the order of the stages. (SPEC REP-4)"""
        keys, label = _dimension("stage")
        is_open = OneOf("status", (Status.OPEN.value, Status.ON_HOLD.value))
        rows = self._tally(filters, (*keys, "probability"), (Count(), Sum("value")), label, also=(is_open,))
        settings = self._sales.settings.snapshot
        percents = {one.id: one.percent for one in settings.probabilities.all}
        order = [settings.stages.label(stage.id) for stage in settings.stages.all]
        return Report("Pipeline by stage", StageRow, stage_rows(rows, percents, order))

    def _tally(
        self,
        filters: dict[str, object],
        by: tuple[Group, ...],
        measures: Iterable[Count | Sum],
        label: Label,
        also: tuple[Predicate, ...] = (),
    ) -> list[Tallied]:
        measures = tuple(measures)
        with self._sales.doing("report").work(write=False) as work:
            listing = self._sales.opportunities.where(**filters)
            where = All((listing.predicate(work.settings), *also))
            query = Query(kind="opportunity", where=where)
            groups = (*by, "currency")
            found = work.tally(query, groups, measures)
            return [_tallied(row, by, label, work) for row in found]


def _by(by: str | None) -> str:
    return f" by {by.replace('_', ' ')}" if by else ""


def _dimension(by: str | None) -> tuple[tuple[Group, ...], Label]:
    if by is None:
        return (), lambda _settings, _keys: ""
    if by not in DIMENSIONS:
        raise Invalid(Problem("by", "unknown", f"nothing is counted by {shown(by)}: {suggestion(str(by), DIMENSIONS)}"))
    return DIMENSIONS[by]


def _tallied(row: tuple[Any, ...], by: tuple[Group, ...], label: Label, work: Work) -> Tallied:
    keys, currency, measured = row[: len(by)], row[len(by)], row[len(by) + 1 :]
    return Tallied(label(work.settings, keys), keys, str(currency), tuple(int(one) for one in measured))
