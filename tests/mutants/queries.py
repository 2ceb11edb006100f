"""Mutants that answer questions wrongly: predicates, order, pages, columns."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

import attrs
from tests.mutants.harness import Act, ByScanning, Sabotaged, rejected_by, rewritten

from salespipeline.entries import Entry
from salespipeline.query import All, AnyOf, Cmp, Contains, Has, Missing, Not, OneOf, Predicate, Query, matches, nodes
from salespipeline.stores.base import BaseTransaction, sort_key


class Rewriting(Act):
    """Every query is changed on its way in."""

    def change(self, predicate: Predicate) -> Predicate:
        return predicate

    def find(self, query: Query):
        return self.inner.find(rewritten(query, self.change))


@rejected_by("P-05")
@rejected_by("P-23")
class ThreeValuedNot(Rewriting):
    """Not of a comparison with a missing value is unknown, as in SQL, and so is not found."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Not):
            return predicate
        fields = [node.field for node in nodes(predicate) if isinstance(node, Cmp | OneOf | Contains)]
        return All((predicate, *[Not(Missing(field)) for field in fields]))


@rejected_by("P-04")
class MissingIsNothing(Rewriting):
    """A missing value is compared as if it were 0 or the empty text."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Cmp):
            return predicate
        nothing = 0 if isinstance(predicate.value, int) else ""
        return (
            AnyOf((predicate, Missing(predicate.field)))
            if matches(predicate, {predicate.field: nothing})
            else predicate
        )


@rejected_by("P-02")
class LessOrEqual(Rewriting):
    """`<` takes the value itself in."""

    def change(self, predicate: Predicate) -> Predicate:
        less = isinstance(predicate, Cmp) and predicate.op == "<"
        return attrs.evolve(predicate, op="<=") if less else predicate


@rejected_by("P-07")
class OneOfNothingIsEverything(Rewriting):
    """A list of no values is no condition."""

    def change(self, predicate: Predicate) -> Predicate:
        return All(()) if isinstance(predicate, OneOf) and not predicate.values else predicate


@rejected_by("P-08")
class OneOfIsCut(Rewriting):
    """Of the values of a OneOf only the first thousand are asked for."""

    def change(self, predicate: Predicate) -> Predicate:
        return OneOf(predicate.field, predicate.values[:1000]) if isinstance(predicate, OneOf) else predicate


@rejected_by("P-10")
class NoTagsIsNotMissing(ByScanning):
    """Missing of a many field is asked of a column that is never empty."""

    def page(self, query: Query) -> list[Entry]:
        def change(predicate: Predicate) -> Predicate:
            return AnyOf(()) if predicate == Missing("tags") else predicate

        return BaseTransaction.page(self, rewritten(query, change))


@rejected_by("P-12")
class OneRowHasBoth(Rewriting):
    """Two Has are asked of one row of the tags, which holds only one."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, All):
            return predicate
        held = {part.value for part in predicate.parts if isinstance(part, Has)}
        return predicate if len(held) < 2 else AnyOf(())


@rejected_by("P-14")
class ContainsHasWildCards(Rewriting):
    """A needle is a pattern."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Contains):
            return predicate
        pattern = f"*{predicate.needle.replace('%', '*').replace('_', '?')}*"
        texts = {str(entry.index.get(predicate.field)) for entry in self.inner.scan("deal")}
        return OneOf(predicate.field, tuple(text for text in texts if fnmatch.fnmatchcase(text, pattern)))


@rejected_by("P-18")
class CaseFoldingComparison(Rewriting):
    """Text is compared without regard to case."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Cmp) or not isinstance(predicate.value, str):
            return predicate
        folded = attrs.evolve(predicate, value=predicate.value.casefold())
        texts = [entry.index.get(predicate.field) for entry in self.inner.scan("deal")]
        equal = {text for text in texts if text is not None and matches(folded, {folded.field: str(text).casefold()})}
        return OneOf(predicate.field, tuple(equal))


@rejected_by("P-19")
class NumbersAreFloats(Rewriting):
    """Numbers are compared as floating-point numbers, which know 53 bits."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Cmp) or not isinstance(predicate.value, int):
            return predicate
        rough = Cmp(predicate.field, predicate.op, float(predicate.value))  # type: ignore[arg-type]
        numbers = [entry.index.get(predicate.field) for entry in self.inner.scan("deal")]
        return OneOf(
            predicate.field, tuple(n for n in numbers if n is not None and matches(rough, {rough.field: float(n)}))
        )


@rejected_by("P-21")
class ManyConditionsAreCut(Rewriting):
    """Of a long list of conditions the first hundred are asked."""

    def change(self, predicate: Predicate) -> Predicate:
        return AnyOf(predicate.parts[-98:]) if isinstance(predicate, AnyOf) else predicate


@rejected_by("Q-02")
class NoIdTieBreak(ByScanning):
    """Entries that are equal in the order come as they were put."""

    def page(self, query: Query) -> list[Entry]:
        entries = [entry for entry in self.scan(query.kind) if matches(query.where, entry.index)]
        entries.sort(key=lambda entry: entry.id, reverse=True)
        entries.sort(key=lambda entry: sort_key(query.order)(entry)[:-1])
        return entries


@rejected_by("Q-02")
class CaseFoldingOrder(ByScanning):
    """Names are sorted as a telephone book does it."""

    def page(self, query: Query) -> list[Entry]:
        entries = BaseTransaction.page(self, query)
        place = sort_key(query.order)
        return sorted(entries, key=lambda entry: [v.casefold() if isinstance(v, str) else v for v in place(entry)])


@rejected_by("Q-03")
class TiesNeverTurn(ByScanning):
    """Descending reverses the values and leaves the ids of ties ascending."""

    def page(self, query: Query) -> list[Entry]:
        entries = BaseTransaction.page(self, query)
        entries.sort(key=lambda entry: entry.id)
        entries.sort(key=lambda entry: sort_key(query.order)(entry)[:-1], reverse=query.descending)
        return entries


@rejected_by("Q-04")
class OrderByTheFirst(ByScanning):
    """Of two fields of an order only the first counts."""

    def page(self, query: Query) -> list[Entry]:
        return BaseTransaction.page(self, attrs.evolve(query, order=query.order[:1]))


@rejected_by("Q-06")
class OneTooMany(Act):
    """A limit gives one more."""

    def find(self, query: Query):
        limit = None if query.limit is None else query.limit + 1
        return self.inner.find(attrs.evolve(query, limit=limit))


@rejected_by("Q-07")
class InclusiveCursor(ByScanning):
    """A page begins with the entry that ended the one before."""

    def page(self, query: Query) -> list[Entry]:
        place = sort_key(query.order)
        whole = BaseTransaction.page(self, attrs.evolve(query, after=None, limit=None))
        if query.after is not None:
            whole = [e for e in whole if place(e) == query.after or (place(e) > query.after) != query.descending]
        return whole[: query.limit]


@rejected_by("Q-08")
class CursorSkipsTies(ByScanning):
    """A cursor compares values and forgets the id."""

    def page(self, query: Query) -> list[Entry]:
        place = sort_key(query.order)
        after = None if query.after is None else query.after[:-1]
        entries = BaseTransaction.page(self, attrs.evolve(query, limit=None))
        return [entry for entry in entries if not after or place(entry)[:-1] != after][: query.limit]


@rejected_by("Q-09")
class DescendingPagesGoUp(ByScanning):
    """The cursor of a descending page is compared as if it were ascending."""

    def page(self, query: Query) -> list[Entry]:
        entries = BaseTransaction.page(self, attrs.evolve(query, descending=False, limit=None))
        return (entries[::-1] if query.descending else entries)[: query.limit]


@rejected_by("Q-12")
class CursorByOffset(ByScanning):
    """A cursor is remembered as how many entries came before it."""

    def page(self, query: Query) -> list[Entry]:
        whole = BaseTransaction.page(self, attrs.evolve(query, after=None, limit=None))
        places = [sort_key(query.order)(entry) for entry in whole]
        if query.after is None:
            start = 0
        elif query.after in self.shared:
            start = self.shared[query.after]
        else:
            start = sum((place > query.after) == query.descending for place in places)
        end = len(whole) if query.limit is None else start + query.limit
        self.shared.update({place: count for count, place in enumerate(places[start:end], start + 1)})
        return whole[start:end]


@rejected_by("Q-14")
class LimitBeforeSelection(ByScanning):
    """A page is cut off before what does not match is left out."""

    def page(self, query: Query) -> list[Entry]:
        entries = BaseTransaction.page(self, attrs.evolve(query, where=All(())))
        return [entry for entry in entries if matches(query.where, entry.index)]


@rejected_by("Q-16")
class ColumnsFillUp(Act):
    """A missing value comes back as the empty text."""

    def columns(self, query: Query, fields):
        return iter(
            [tuple("" if value is None else value for value in row) for row in self.inner.columns(query, fields)]
        )


@rejected_by("Q-17")
class ColumnsForgetTheCursor(Act):
    """Columns begin at the beginning."""

    def columns(self, query: Query, fields):
        return self.inner.columns(attrs.evolve(query, after=None), fields)


@rejected_by("Q-18")
class ListsAreCut(Act):
    """A list without a limit ends after a hundred."""

    def find(self, query: Query):
        return self.inner.find(attrs.evolve(query, limit=100) if query.limit is None else query)


@rejected_by("T-18")
class FindIsLazy(Act):
    """Find looks again, for every entry that it yields."""

    def find(self, query: Query) -> Iterator:
        after = query.after
        while page := list(self.inner.columns(attrs.evolve(query, after=after, limit=1), [*query.order, "id"])):
            (after,) = page
            yield self.inner.get(query.kind, after[-1])


@rejected_by("T-20")
class ColumnsAreLazy(Act):
    """Columns look when their first row is taken."""

    def columns(self, query: Query, fields):
        yield from self.inner.columns(query, fields)


@rejected_by("S-04")
class RowsInAList(Act):
    """Find returns a list."""

    def find(self, query: Query):
        return list(self.inner.find(query))


@rejected_by("S-03")
class RowsAreLists(Act):
    """A row of columns is a list."""

    def columns(self, query: Query, fields):
        return iter([list(row) for row in self.inner.columns(query, fields)])


@rejected_by("K-01")
class FindReadsEverything(Sabotaged):
    """A query reads every entry."""

    def around(self, transaction, write: bool) -> Act:
        self.act = ByScanning
        return super().around(transaction, write)


@rejected_by("K-04")
class ManyAreFoundByReadingAll(Act):
    """get_many reads every entry."""

    def get_many(self, kind, ids):
        wanted = set(ids)
        return {entry.id: self.inner.get(kind, entry.id) for entry in self.scan(kind) if entry.id in wanted}
