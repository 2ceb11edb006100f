"""From grouped sums to rows: pure, exact arithmetic. Labels that several keys share are added together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from salespipeline.money import ROUNDING, Money
from salespipeline.reports.rows import ComingRow, ConversionRow, PerformanceRow, StageRow

__all__ = ["Tallied", "coming_rows", "conversion_rows", "performance_rows", "stage_rows"]

T = TypeVar("T")
DAY = 86_400
CENT = Decimal("0.01")


@attrs.frozen
class Tallied:
    """One group as the store counted it: its label, its keys, its currency, its measures in minor units."""

    label: str
    keys: tuple[Any, ...]
    currency: str
    measures: tuple[int, ...]


def _ratio(part: int, whole: int) -> Decimal | None:
    return ROUNDING.divide(Decimal(100 * part), Decimal(whole)).quantize(CENT, context=ROUNDING) if whole else None


def _grouped(rows: Iterable[Tallied], key: Any) -> dict[Any, list[int]]:
    groups: dict[Any, list[int]] = {}
    for row in rows:
        sums = groups.setdefault(key(row), [0] * len(row.measures))
        for at, measure in enumerate(row.measures):
            sums[at] += measure
    return groups


def conversion_rows(rows: Iterable[Tallied]) -> list[ConversionRow]:
    """Return won / (won + lost) for each label and currency, by label. (SPEC REP-1)

    >>> rows = [Tallied("Jane", ("won",), "GBP", (3, 900)), Tallied("Jane", ("lost",), "GBP", (1, 100))]
    >>> row = conversion_rows(rows)[0]
    >>> row.rate, row.value_rate
    (Decimal('75.00'), Decimal('90.00'))
    """
    groups = _grouped(rows, lambda row: (row.label, row.currency, row.keys[-1]))
    result = []
    for label, currency in sorted({(label, currency) for label, currency, _ in groups}):
        won, won_value = groups.get((label, currency, "won"), (0, 0))
        lost, lost_value = groups.get((label, currency, "lost"), (0, 0))
        result.append(
            ConversionRow(
                name=label,
                won=won,
                lost=lost,
                won_value=Money.from_minor(won_value, currency),
                lost_value=Money.from_minor(lost_value, currency),
                rate=_ratio(won, won + lost),
                value_rate=_ratio(won_value, won_value + lost_value),
            )
        )
    return result


def performance_rows(rows: Iterable[Tallied]) -> list[PerformanceRow]:
    """Return what each label has open, won and lost, highest value won first. (SPEC REP-2)"""
    groups = _grouped(rows, lambda row: (row.label, row.currency, row.keys[-1]))
    result = []
    for label, currency in sorted({(label, currency) for label, currency, _ in groups}):
        none = (0, 0, 0)
        won, won_value, cycle = groups.get((label, currency, "won"), none)
        lost, _, _ = groups.get((label, currency, "lost"), none)
        waiting = [groups.get((label, currency, status), none) for status in ("open", "on_hold")]
        result.append(
            PerformanceRow(
                name=label,
                open=sum(one[0] for one in waiting),
                won=won,
                lost=lost,
                open_value=Money.from_minor(sum(one[1] for one in waiting), currency),
                won_value=Money.from_minor(won_value, currency),
                rate=_ratio(won, won + lost),
                average_value=_mean(won_value, won, currency) if won else None,
                cycle_days=ROUNDING.divide(Decimal(cycle), Decimal(won * DAY)).quantize(CENT, context=ROUNDING)
                if won
                else None,
            )
        )
    return sorted(result, key=lambda row: (str(row.won_value.currency), -row.won_value.amount, row.name))


def _mean(minor: int, count: int, currency: str) -> Money:
    exact = ROUNDING.divide(Money.from_minor(minor, currency).amount, Decimal(count))
    return Money.rounded(ROUNDING.quantize(exact, Decimal("1e-9")), currency)


def _weighted(
    rows: Iterable[Tallied], percents: Mapping[str, Decimal], key: Any
) -> dict[Any, tuple[int, int, Decimal]]:
    """Sum count and value, and value × percent, exactly; the last key of a row is its probability."""
    groups: dict[Any, tuple[int, int, Decimal]] = {}
    for row in rows:
        count, value, weighted = groups.get(key(row), (0, 0, Decimal(0)))
        share = percents.get(row.keys[-1], Decimal(0)) * row.measures[1]
        groups[key(row)] = (count + row.measures[0], value + row.measures[1], weighted + share)
    return groups


def _money(hundredths: Decimal, currency: str) -> Money:
    return Money.from_minor(int(ROUNDING.quantize(hundredths.scaleb(-2), Decimal(1))), currency)


def coming_rows(rows: Iterable[Tallied], percents: Mapping[str, Decimal]) -> list[ComingRow]:
    """Return count, value and weighted value by label and month, in the order of time. (SPEC REP-3)"""
    groups = _weighted(rows, percents, lambda row: (row.label, row.keys[-2] or "", row.currency))
    return [
        ComingRow(
            name=label,
            month=month,
            count=count,
            value=Money.from_minor(value, currency),
            weighted=_money(weighted, currency),
        )
        for (label, month, currency), (count, value, weighted) in sorted(groups.items())
    ]


def stage_rows(rows: Iterable[Tallied], percents: Mapping[str, Decimal], order: Sequence[str]) -> list[StageRow]:
    """Return count, value and weighted value by stage, in the order of the stages. (SPEC REP-4)"""
    groups = _weighted(rows, percents, lambda row: (row.label, row.currency))
    places = {label: place for place, label in enumerate(order)}
    return [
        StageRow(stage=label, count=count, value=Money.from_minor(value, currency), weighted=_money(weighted, currency))
        for (label, currency), (count, value, weighted) in sorted(
            groups.items(), key=lambda group: (places.get(group[0][0], len(order)), group[0])
        )
    ]
