"""Mutants that count wrongly, and that number wrongly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
from tests.mutants.harness import Act, rejected_by, sqlite

from salespipeline.entries import Entry
from salespipeline.errors import Overflow
from salespipeline.query import Max, Min, Prefix, Query, Sum, matches
from salespipeline.stores.base import grouped


class Counting(Act):
    """Tallies are made of entries, one by one."""

    def chosen(self, query: Query) -> list[dict]:
        return [dict(entry.index) for entry in self.inner.scan(query.kind) if matches(query.where, entry.index)]

    def tally(self, query: Query, by, measures):
        return iter(grouped(self.chosen(query), by, measures))


@rejected_by("G-17")
class FloatSums(Counting):
    """Sums are made of floating-point numbers."""

    def tally(self, query: Query, by, measures):
        sums = [place for place, measure in enumerate(measures, len(by)) if isinstance(measure, Sum)]
        for row in super().tally(query, by, measures):
            yield tuple(int(float(value)) if place in sums else value for place, value in enumerate(row))


@rejected_by("G-04")
class MissingGroupDropped(Counting):
    """Entries without the value that is grouped by are not counted."""

    def tally(self, query: Query, by, measures):
        return iter([row for row in super().tally(query, by, measures) if None not in row[: len(by)]])


@rejected_by("G-04")
class MissingGroupLast(Counting):
    """The group of the missing comes last."""

    def tally(self, query: Query, by, measures):
        rows = list(super().tally(query, by, measures))
        return iter(sorted(rows, key=lambda row: [value is None for value in row[: len(by)]]))


@rejected_by("G-02")
class NothingIsAGroup(Counting):
    """Nothing at all is one group, of nought."""

    def tally(self, query: Query, by, measures):
        rows = list(super().tally(query, by, measures))
        return iter(rows or [(*[None for _ in by], *[0 for _ in measures])])


@rejected_by("G-05")
class SumOfNothingIsMissing(Counting):
    """The sum of missing values is missing."""

    def tally(self, query: Query, by, measures):
        for row in super().tally(query, by, measures):
            sums = [isinstance(one, Sum) for one in measures]
            yield (*row[: len(by)], *[(v or None) if s else v for v, s in zip(row[len(by) :], sums, strict=True)])


@rejected_by("G-06")
class WeightedSumOfAverages(Counting):
    """A weighted sum is the product of two sums."""

    def tally(self, query: Query, by, measures):
        def product(rows, measure: Sum):
            return [sum(row.get(name, 0) for row in rows) for name in (measure.field, measure.times)]

        for row in super().tally(query, by, measures):
            if not by and any(isinstance(one, Sum) and one.times for one in measures):
                rows = self.chosen(query)
                pairs = [product(rows, one) if isinstance(one, Sum) and one.times else None for one in measures]
                yield tuple(
                    value if pair is None else pair[0] * pair[1] for value, pair in zip(row, pairs, strict=True)
                )
            else:
                yield row


@rejected_by("G-07")
class LeastAsText(Counting):
    """The least and the greatest number are found by their digits."""

    def tally(self, query: Query, by, measures):
        by_digits = [
            {name: str(value) if isinstance(value, int) else value for name, value in index.items()}
            for index in self.chosen(query)
        ]
        if all(isinstance(one, Min | Max) for one in measures):
            for row in grouped(by_digits, by, measures):
                yield tuple(int(v) if isinstance(v, str) and v.lstrip("-").isdigit() else v for v in row)
        else:
            yield from super().tally(query, by, measures)


@rejected_by("G-08")
class OnlyTheFirstTagCounts(Counting):
    """An entry with many values is counted under the first."""

    def chosen(self, query: Query) -> list[dict]:
        return [{n: v[:1] if isinstance(v, tuple) else v for n, v in index.items()} for index in super().chosen(query)]


@rejected_by("G-11")
class PrefixCountsBytes(Counting):
    """A prefix is so many bytes."""

    def tally(self, query: Query, by, measures):
        prefixes = {group.field: group.length for group in by if isinstance(group, Prefix)}
        chosen = [
            {n: v.encode()[: prefixes[n]].decode(errors="ignore") if n in prefixes else v for n, v in index.items()}
            for index in self.chosen(query)
        ]
        return iter(grouped(chosen, [g.field if isinstance(g, Prefix) else g for g in by], measures))


@rejected_by("G-14")
class GroupsFoldCase(Counting):
    """Lead and lead are one group."""

    def chosen(self, query: Query) -> list[dict]:
        return [{n: v.casefold() if isinstance(v, str) else v for n, v in i.items()} for i in super().chosen(query)]


@rejected_by("G-15")
class TallyOfOnePage(Counting):
    """A tally counts what the page of the query shows."""

    def chosen(self, query: Query) -> list[dict]:
        shown = {stored.id for stored in self.inner.find(query)}
        return [dict(entry.index) for entry in self.inner.scan(query.kind) if entry.id in shown]


@rejected_by("G-18")
class SumsWrapAround(Counting):
    """A sum that is too large begins again from below."""

    def tally(self, query: Query, by, measures):
        try:
            yield from super().tally(query, by, measures)
        except Overflow:
            names = [one.field for one in measures if isinstance(one, Sum)]
            total = sum(index.get(names[0], 0) for index in self.chosen(query))
            yield (*[None for _ in by], (total + 2**63) % 2**64 - 2**63)


@rejected_by("G-20")
class PartialSumsMustFit(Counting):
    """A sum is refused as soon as a part of it is too large."""

    def tally(self, query: Query, by, measures):
        for measure in measures:
            total = 0
            for index in self.chosen(query):
                factor = index.get(measure.times, 0) if isinstance(measure, Sum) and measure.times else 1
                total += index.get(measure.field, 0) * factor if isinstance(measure, Sum) else 0
                if abs(total) >= 2**63:
                    raise Overflow("too large on the way")
        return super().tally(query, by, measures)


@rejected_by("G-01")
class CountOfNothingIsNoRow(Counting):
    """Without groups and without entries there is no row."""

    def tally(self, query: Query, by, measures):
        return super().tally(query, by, measures) if self.chosen(query) else iter(())


@rejected_by("G-09")
class TagsMultiplyTheRest(Counting):
    """Who groups by tags and asks for no tags counts each entry once a tag."""

    def chosen(self, query: Query) -> list[dict]:
        return [index for index in super().chosen(query) for _ in index.get("tags", (None,))]


@rejected_by("N-03")
class NumberSurvivesRollback(Act):
    """Numbers come from a sequence, which a rollback does not reach."""

    def next_number(self, series: str) -> int:
        self.shared[series] = self.shared.get(series, 0) + 1
        return self.shared[series]


@rejected_by("N-02")
class OneSeriesForAll(Act):
    """Every series counts on from the same number."""

    def next_number(self, series: str) -> int:
        return self.inner.next_number("")


@rejected_by("N-05")
class NumbersGoWithTheHandle(Act):
    """A fresh handle begins again with 1."""

    def next_number(self, series: str) -> int:
        self.store.own[series] = self.store.own.get(series, 0) + 1
        return self.store.own[series]


@rejected_by("N-06")
@rejected_by("X-04", over=sqlite)
class NumbersTakenByTheBlock(Act):
    """Each handle takes ten numbers at a time."""

    def next_number(self, series: str) -> int:
        numbers = self.store.own.setdefault(series, [])
        if not numbers:
            block = self.inner.next_number(series)
            numbers += range(block * 10 - 9, block * 10 + 1)
        return numbers.pop(0)


@rejected_by("N-08")
class SeriesFoldCase(Act):
    """A and a are one series."""

    def next_number(self, series: str) -> int:
        return self.inner.next_number(series.strip().casefold())


@rejected_by("N-10")
class NumberIsTheGreatestPlusOne(Act):
    """The next number is the greatest that an entry bears, plus one."""

    def next_number(self, series: str) -> int:
        self.inner.next_number(series)
        return max((int(entry.id) for entry in self.inner.scan("deal") if entry.id.isdigit()), default=0) + 1


@rejected_by("L-01")
class ClockOfSeconds(Act):
    """The clock counts seconds."""

    def now(self) -> int:
        return self.inner.now() // 1_000_000


@rejected_by("L-02")
class ClockOfTheHandle(Act):
    """Each handle has a clock of its own."""

    def now(self) -> int:
        hour = self.store.own.setdefault("hour", len(self.shared))
        self.shared[id(self.store)] = True
        return self.inner.now() + hour * 3_600_000_000


@rejected_by("N-11")
class SeriesOfOneNumberForgotten(Act):
    """A series that has given one number alone is not listed."""

    def numbers(self) -> Iterator[tuple[str, int]]:
        return ((series, last) for series, last in self.inner.numbers() if last > 1)


@rejected_by("N-12")
class SeriesGoesOnWithWhatWasSaid(Act):
    """The number that a series is set to is given once more."""

    def set_number(self, series: str, last: int) -> None:
        self.inner.set_number(series, last - 1)


@rejected_by("N-13")
class LoadedAsNew(Act):
    """What is loaded begins with its first version."""

    def load(self, entries: Iterable[Entry]) -> None:
        self.inner.put_many([attrs.evolve(entry, version=0) for entry in entries])
