"""Mutants that go wrong where one kind is asked about another, and where workers share a queue."""

from __future__ import annotations

import attrs
from tests.mutants.harness import Act, rejected_by
from tests.mutants.queries import Rewriting

from salespipeline.entries import Stored
from salespipeline.query import EVERYTHING, AnyOf, Has, HasBetween, Linked, Missing, OneOf, Predicate, Query, matches


@rejected_by("P-24")
class UpperBoundIncluded(Rewriting):
    """The upper bound of a range of tags is in it."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, HasBetween):
            return predicate
        return AnyOf((predicate, Has(predicate.field, predicate.high)))


@rejected_by("P-25")
class IdIsNoField(Rewriting):
    """The id is looked for in the index, where it is not."""

    def change(self, predicate: Predicate) -> Predicate:
        return AnyOf(()) if isinstance(predicate, OneOf) and predicate.field == "id" else predicate


@rejected_by("P-26")
class AnyLinkWillDo(Rewriting):
    """What is linked need not satisfy the condition."""

    def change(self, predicate: Predicate) -> Predicate:
        return attrs.evolve(predicate, where=EVERYTHING) if isinstance(predicate, Linked) else predicate


@rejected_by("P-27")
class NobodyIsLinkedToNobody(Rewriting):
    """Who names nobody is linked to those who are named by nobody."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Linked) or predicate.field == "id":
            return predicate
        return AnyOf((predicate, Missing(predicate.field)))


@rejected_by("P-28")
class LinksRemembered(Rewriting):
    """Whom a link leads to is looked up once."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Linked):
            return predicate
        if predicate not in self.shared:
            others = [one for one in self.inner.scan(predicate.kind) if matches(predicate.where, one.index)]
            named = {str(one.index.get(predicate.to)) for one in others}
            self.shared[predicate] = OneOf(predicate.field, tuple(named))
        return self.shared[predicate]


@rejected_by("D-01")
class ClaimsBeginAtTheBeginning(Act):
    """A claim forgets the cursor."""

    def claim(self, query: Query):
        return self.inner.claim(attrs.evolve(query, after=None))


@rejected_by("D-03")
class ClaimedForGood(Act):
    """What was claimed once is never given to anybody again."""

    def claim(self, query: Query):
        gone = self.shared.setdefault("claimed", set())
        mine: list[Stored] = [one for one in self.inner.claim(query) if one.id not in gone]
        gone.update(one.id for one in mine)
        return iter(mine)
