"""Mutants that find other words than those that stand there."""

from __future__ import annotations

import attrs
from tests.mutants.harness import rejected_by
from tests.mutants.queries import Rewriting

from salespipeline.query import All, AnyOf, Contains, Linked, OneOf, Predicate, Words, matches


@rejected_by("W-01")
class AnyWordWillDo(Rewriting):
    """One of the words is enough."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Words) or len(predicate.words) < 2:
            return predicate
        return AnyOf(tuple(Words(predicate.field, (word,)) for word in predicate.words))


@rejected_by("W-02")
class BeginningsAnywhere(Rewriting):
    """A beginning is found inside of words too."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Words) or not predicate.beginnings:
            return predicate
        pieces = tuple(Contains(predicate.field, start) for start in predicate.beginnings)
        return All((Words(predicate.field, predicate.words), *pieces))


@rejected_by("W-03")
class NoWordsFindNothing(Rewriting):
    """Asked for no word, it finds nothing."""

    def change(self, predicate: Predicate) -> Predicate:
        return AnyOf(()) if isinstance(predicate, Words) and not predicate.pieces else predicate


@rejected_by("W-05")
class WordsOfOthersAreForgotten(Rewriting):
    """Of a linked kind words are not looked for."""

    def change(self, predicate: Predicate) -> Predicate:
        if isinstance(predicate, Linked) and isinstance(predicate.where, Words):
            return attrs.evolve(predicate, where=AnyOf(()))
        return predicate


@rejected_by("W-06")
class WordsRemembered(Rewriting):
    """Who holds a word is looked up once."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Words):
            return predicate
        if predicate not in self.shared:
            holders = [one.id for one in self.inner.scan("deal") if matches(predicate, one.index)]
            self.shared[predicate] = OneOf("id", tuple(holders))
        return self.shared[predicate]


@rejected_by("W-12")
class WordsFoldCase(Rewriting):
    """Words are sought in small letters."""

    def change(self, predicate: Predicate) -> Predicate:
        if not isinstance(predicate, Words):
            return predicate
        return attrs.evolve(predicate, words=tuple(word.lower() for word in predicate.words))
