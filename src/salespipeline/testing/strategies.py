"""Hypothesis strategies for indexes, predicates and queries over the suite's catalog."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from salespipeline.entries import Index, Scalar
from salespipeline.query import (
    All,
    AnyOf,
    Cmp,
    Contains,
    Has,
    HasBetween,
    Missing,
    Not,
    OneOf,
    Op,
    Predicate,
    Query,
    Words,
)

__all__ = ["CALM", "INTEGERS", "TEXTS", "indexes", "indexing", "orders", "predicates", "queries"]

# A store may be slow, and a handle lives through all examples of one test.
CALM = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))

TEXTS = ("", "a", "A", "ab", "a%", "b", "z", "é", "e\u0301", "10", "9", "\ufb01", "𝄞", "it's", "\\", "a ")
INTEGERS = (-(2**63), -10, -1, 0, 1, 2, 9, 10, 100, 2**53 + 1, 2**63 - 1)
OPERATORS: tuple[Op, ...] = ("=", "<", "<=", ">", ">=")
_SINGLE_TEXTS = ("name", "stage", "owner", "closes")
_SINGLE_INTEGERS = ("value", "percent")

# Words as an index holds them, and as they should not stand there: what is found is the same everywhere.
HELD = (" a ab b ", " ab ", " b é ", " é 10 ", "", " ", "ab", " a  b ", " A b", " \U0001d11e a ", " abc it's ")
SOUGHT = ("a", "ab", "b", "é", "10", "A", "\U0001d11e", "z", "AND", "NOT")

texts = st.sampled_from(TEXTS)
integers = st.sampled_from(INTEGERS)


def indexing() -> st.SearchStrategy[Index]:
    """Return a strategy for the index of a deal without its uniques."""
    return st.fixed_dictionaries(
        {"name": texts, "value": integers},
        optional={
            "stage": texts,
            "owner": texts,
            "closes": texts,
            "words": st.sampled_from(HELD),
            "percent": integers,
            "tags": st.lists(texts, unique=True, max_size=3).map(tuple),
            "scores": st.lists(integers, unique=True, max_size=3).map(tuple),
        },
    )


def indexes() -> list[Index]:
    """Return forty indexes of deals, always the same, that use every text and integer and leave fields out."""
    found: list[Index] = []
    for place in range(40):
        index: dict[str, Scalar | tuple[Scalar, ...]] = {
            "name": TEXTS[place % len(TEXTS)],
            "value": INTEGERS[place * 7 % len(INTEGERS)],
        }
        if place % 3:
            index["stage"] = TEXTS[place * 5 % len(TEXTS)]
        if place % 4:
            index["owner"] = TEXTS[place * 3 % 6]
        if place % 5:
            index["percent"] = INTEGERS[place * 3 % len(INTEGERS)]
        if place % 2:
            index["closes"] = TEXTS[place // 2 % len(TEXTS)]
        if place % 6:
            index["words"] = HELD[place * 3 % len(HELD)]
        if place % 7 > 2:
            index["tags"] = tuple({TEXTS[place % 5]: 0, TEXTS[place % 3]: 0})
        if place % 7 < 4:
            index["scores"] = tuple({INTEGERS[place % 6]: 0, INTEGERS[place % 4]: 0})
        found.append(index)
    return found


def _leaves() -> st.SearchStrategy[Predicate]:
    text_fields, integer_fields = st.sampled_from(_SINGLE_TEXTS), st.sampled_from(_SINGLE_INTEGERS)
    operators = st.sampled_from(OPERATORS)
    sought = st.lists(st.sampled_from(SOUGHT), max_size=2).map(tuple)
    return st.one_of(
        st.builds(Cmp, text_fields, operators, texts),
        st.builds(Cmp, integer_fields, operators, integers),
        st.builds(OneOf, text_fields, st.lists(texts, max_size=4).map(tuple)),
        st.builds(OneOf, integer_fields, st.lists(integers, max_size=4).map(tuple)),
        st.builds(Missing, st.sampled_from((*_SINGLE_TEXTS, *_SINGLE_INTEGERS, "tags", "scores"))),
        st.builds(Has, st.just("tags"), texts),
        st.builds(Has, st.just("scores"), integers),
        st.builds(HasBetween, st.just("tags"), texts, texts),
        st.builds(OneOf, st.just("id"), st.lists(st.sampled_from(["00", "07", "a", "b", "é"]), max_size=3).map(tuple)),
        st.builds(Words, st.just("words"), sought, sought),
        st.builds(Contains, text_fields, st.sampled_from((*TEXTS, "%", "_", "'"))),
    )


def predicates() -> st.SearchStrategy[Predicate]:
    """Return a strategy for predicates over deals: every node, nested."""
    return st.recursive(
        _leaves(),
        lambda parts: st.one_of(
            st.builds(Not, parts),
            st.builds(All, st.lists(parts, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


def orders() -> st.SearchStrategy[tuple[str, ...]]:
    """Return a strategy for orders of deals."""
    return st.sampled_from([(), ("name",), ("value",), ("name", "value"), ("value", "name")])


@st.composite
def queries(draw: st.DrawFn, ids: st.SearchStrategy[str]) -> Query:
    """Return a strategy for queries over deals whose cursors are places, whether or not an entry stands there."""
    order = draw(orders())
    after: tuple[Scalar, ...] | None = None
    if draw(st.booleans()):
        place: list[Scalar] = [draw(texts) if name == "name" else draw(integers) for name in order]
        after = (*place, draw(ids))
    return Query(
        kind="deal",
        where=draw(predicates()),
        order=order,
        descending=draw(st.booleans()),
        after=after,
        limit=draw(st.none() | st.integers(0, 12)),
    )
