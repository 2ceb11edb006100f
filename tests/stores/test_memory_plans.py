"""What the in-memory store keeps beside its records says what looking at each of them would say, whatever was written between."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import Overflow
from salespipeline.query import (
    EVERYTHING,
    All,
    AnyOf,
    Cmp,
    Contains,
    Count,
    Has,
    Max,
    Min,
    Missing,
    Not,
    OneOf,
    Predicate,
    Prefix,
    Query,
    Sum,
    matches,
)
from salespipeline.stores import memory_plan, memory_sums
from salespipeline.stores.base import BaseTransaction
from salespipeline.stores.compiled import chooser, condition_of
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.memory_texts import Texts
from salespipeline.testing.strategies import CALM, indexing, predicates

DEAL = Kind(
    "deal",
    (
        Field("name", str, sortable=True),
        Field("value", int, sortable=True),
        Field("stage", str),
        Field("owner", str),
        Field("percent", int),
        Field("tags", str, many=True),
    ),
    paths=(("owner", "stage"), ("value",)),
)
MEASURES = (Count(), Sum("value"), Sum("value", times="percent"))
WHERES: list[Predicate] = [
    EVERYTHING,
    Cmp("stage", "=", "won"),
    OneOf("owner", ("jo", "al")),
    All((Cmp("owner", "=", "jo"), Cmp("value", ">", 3))),
    AnyOf((Missing("stage"), Not(Cmp("percent", "<=", 50)))),
    Contains("name", "ho"),
    All((Contains("name", "o"), Has("tags", "vip"))),
    Contains("stage", ""),
    Contains("owner", "o\0a"),
]
BYS = [(), ("stage",), ("owner", "stage"), (Prefix("owner", 1),), ("tags",), ("value",)]
WORDS = ("house", "hold", "warehouse", "store", "", "ohm")


def plainly(tx: BaseTransaction, query: Query) -> list[object]:
    """Return what the definitions answer: they look at every entry."""
    answers: list[object] = [[one.id for one in BaseTransaction.find(tx, query)]]
    answers.append(list(BaseTransaction.columns(tx, query, ("value", "id", "owner"))))
    for by in BYS:
        answers.append(list(BaseTransaction.tally(tx, query, by, MEASURES)))
        answers.append(list(BaseTransaction.tally(tx, query, by, (Min("percent"), Max("name")))))
    return answers


def quickly(tx: BaseTransaction, query: Query) -> list[object]:
    answers: list[object] = [[one.id for one in tx.find(query)]]
    answers.append(list(tx.columns(query, ("value", "id", "owner"))))
    for by in BYS:
        answers.append(list(tx.tally(query, by, MEASURES)))
        answers.append(list(tx.tally(query, by, (Min("percent"), Max("name")))))
    return answers


def entries(draw: random.Random, versions: dict[str, int]) -> Iterator[Entry]:
    for _ in range(draw.randrange(1, 12)):
        id = f"d{draw.randrange(40):02}"
        index: dict[str, object] = {"name": draw.choice(WORDS), "value": draw.randrange(8)}
        for name, values in (("stage", ("won", "lost")), ("owner", ("jo", "al", "bo")), ("percent", (10, 50, 90))):
            if draw.random() < 0.8:
                index[name] = draw.choice(values)
        if draw.random() < 0.5:
            index["tags"] = tuple(draw.sample(("vip", "new", "old"), 2))
        yield Entry("deal", id, versions.get(id, 0), index, "{}")  # type: ignore[arg-type]
        versions[id] = versions.get(id, 0) + 1


@pytest.mark.parametrize("seed", range(4))
def test_answers_are_those_of_looking_at_each_entry_after_every_write(seed, monkeypatch):
    monkeypatch.setattr(memory_sums, "_ALWAYS", 6 if seed % 2 else 1000)  # so that some groups are too many to keep
    monkeypatch.setattr(memory_plan, "_FEW_OF", 1 if seed % 3 else 8)  # and that a text that many hold is looked for
    draw, store, versions = random.Random(seed), MemoryStore(), dict[str, int]()
    store.prepare(Catalog((DEAL,)))
    queries = [Query(kind="deal", where=where) for where in WHERES]
    queries += [Query(kind="deal", where=where, order=("value",), descending=True, limit=5) for where in WHERES]
    queries.append(Query(kind="deal", order=("value", "name"), after=(3, "house", "d07"), limit=4))
    for down in (True, False):
        queries.append(Query(kind="deal", after=("d07",), limit=4, descending=down))
        queries.append(
            Query(kind="deal", where=Cmp("value", ">", 2), after=("d35" if down else "d05",), descending=down)
        )
        queries.append(
            Query(
                kind="deal",
                where=Has("tags", "vip"),
                order=("value",),
                after=(6 if down else 1, "d17"),
                descending=down,
            )
        )
    for turn in range(25):
        kept = dict(versions)
        try:
            with store.transaction() as tx:
                for entry in entries(draw, versions):
                    tx.put(entry)
                if kept and draw.random() < 0.5:
                    gone = draw.choice(sorted(versions))
                    tx.delete("deal", gone, versions.pop(gone))
                if draw.random() < 0.2:
                    raise InterruptedError
        except InterruptedError:
            versions = kept
        if turn % 4 == 0:
            with store.transaction(write=False) as tx:
                for query in queries:
                    assert quickly(tx, query) == plainly(tx, query)


@CALM
@given(predicates(), indexing(), st.sampled_from(["00", "07", "a"]))
def test_a_predicate_as_a_function_says_what_matches_says(predicate, index, id):
    assert condition_of(predicate)(index, id) is matches(predicate, index, id)


def test_a_predicate_that_nests_deeply_is_still_asked():
    deep: Predicate = Cmp("stage", "=", "won")
    for _ in range(150):
        deep = Not(deep)
    assert condition_of(deep)({"stage": "won"}, "d1") is True
    assert condition_of(deep)({}, "d1") is False


def test_names_and_values_are_never_taken_for_code():
    odd = "') or True or ('"
    assert condition_of(Cmp("stage", "=", odd))({"stage": "won"}, "d1") is False
    assert condition_of(Cmp(odd, "=", "x"))({"stage": "won"}, "d1") is False
    assert chooser((odd, "id"))({odd: 5}, "d1") == (5, "d1")
    assert chooser(())({}, "d1") == ()


def test_a_sum_that_leaves_64_bits_is_refused_and_one_that_comes_back_is_not():
    store = MemoryStore()
    store.prepare(Catalog((DEAL,)))
    most = 2**63 - 1
    with store.transaction() as tx:
        tx.put_many(Entry("deal", f"d{n}", 0, {"name": "", "value": most, "stage": "won"}, "{}") for n in range(2))
        with pytest.raises(Overflow, match="the sum of value is 18446744073709551614, which does not fit"):
            tx.tally(Query(kind="deal"), ("stage",), (Sum("value"),))
        tx.delete("deal", "d1", 1)
        assert list(tx.tally(Query(kind="deal"), ("stage",), (Sum("value"),))) == [("won", most)]


def test_texts_that_changed_are_found_before_and_after_they_are_joined_again():
    texts = Texts([(f"d{number:04}", f"house {number}") for number in range(2000)])
    for number in range(0, 1400, 2):
        texts.set(f"d{number:04}", f"boat {number}")
    texts.set("d0001", None)
    assert texts.holding("house 13", 100) == ["d0013", *[f"d{number:04}" for number in range(131, 140, 2)]] + [
        f"d{number:04}" for number in range(1301, 1400, 2)
    ]
    texts.set("d0013", "boat 13")
    assert texts.holding("boat 13", 5) is None
    assert sorted(texts.holding("boat 13", 100)) == sorted(
        ["d0013", *[f"d{number:04}" for number in range(130, 140, 2)], *[f"d{n:04}" for n in range(1300, 1400, 2)]]
    )
    assert texts.holding("house 13", 100)[0] == "d0131"
    assert texts.holding("house 1\0", 5) == []


def test_only_so_many_groups_are_kept_and_those_asked_for_last():
    store = MemoryStore()
    store.prepare(Catalog((DEAL,)))
    with store.transaction() as tx:
        tx.put(Entry("deal", "d1", 0, {"name": "a", "value": 5, "stage": "won"}, "{}"))
        names = ("name", "value", "stage", "owner", "percent")
        asked = [(one, other) for one in names for other in names if one < other]
        for by in [*asked, *[(name,) for name in names], *asked[:3]]:
            for measure in (Count(), Sum("value")):
                tx.tally(Query(kind="deal"), by, (measure,))
        assert len(tx._records("deal")._sums) == memory_sums.MOST_KEPT
        last = list(tx._records("deal")._sums)[-1]
        assert (last.fields, last.terms) == (tuple(sorted(asked[2])), (("value", None),))
