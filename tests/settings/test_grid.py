"""Every list of the settings × everything that can be done with one: each cell is walked, or says why there is none.

A list that is new fails until it stands in ``LISTS``, and an operation that a list lacks until ``NONE`` says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

import salespipeline as sp
from salespipeline.domain.settings import Settings
from salespipeline.settings import SettingsDesk

LINE = {"description": "Bay", "unit_price": "100.00"}
OPERATIONS = (
    "add", "rename", "edit", "move", "archive", "restore", "usage", "usages", "delete", "replace", "history", "versions",
)  # fmt: skip


@frozen
class Case:
    """How entries of a list are added and edited, and how a record comes to name one; *none* says why none does."""

    add: Callable[[Any, str], Any]
    edit: dict[str, Any]
    use: Callable[[Any, Any], Any] | None = None
    none: str = ""


def deal(sales, **given):
    return sales.opportunities.create(contact="Acme Ltd", subject="x", lines=[LINE], **given)


def one(added):
    return added[0] if isinstance(added, tuple) else added


LISTS = {
    "pipelines": Case(
        lambda desk, name: one(desk.add(name)),
        {"label": "Other"},
        lambda sales, entry: sales.settings.stages.add("Step", pipeline=entry),
    ),
    "stages": Case(
        lambda desk, name: one(desk.add(name)), {"label": "Other"}, lambda sales, entry: deal(sales, stage=entry)
    ),
    "probabilities": Case(
        lambda desk, name: desk.add(name, percent=5),
        {"percent": "7"},
        lambda sales, entry: deal(sales, probability=entry),
    ),
    "tags": Case(
        lambda desk, name: desk.add(name), {"colour": "teal"}, lambda sales, entry: deal(sales, tags=["VIP", entry])
    ),
    "note_tags": Case(
        lambda desk, name: desk.add(name, category="Service"),
        {"category": "Sales"},
        lambda sales, entry: sales.notes.add(deal(sales), "x", tags=[entry]),
    ),
    "tax_rates": Case(
        lambda desk, name: desk.add(name, "5"), {"percent": "7"}, none="lines and items have the rate copied into them"
    ),
    "users": Case(
        lambda desk, name: desk.add(name), {"email": "a@b.example"}, lambda sales, entry: deal(sales, owner=entry)
    ),
    "departments": Case(
        lambda desk, name: one(desk.add(name)), {"label": "Other"}, lambda sales, entry: deal(sales, department=entry)
    ),
    "lost_reasons": Case(
        lambda desk, name: one(desk.add(name)),
        {"label": "Other"},
        lambda sales, entry: sales.opportunities.lose(deal(sales), entry),
    ),
    "series": Case(
        lambda desk, name: desk.add(name, "quote", prefix=f"{name}-"),
        {"pattern": "000"},
        lambda sales, entry: sales.documents.draft(deal(sales), "quote", series=entry),
    ),
    "fields": Case(
        lambda desk, name: desk.add("opportunity", name.lower(), name, "text"),
        {"help": "as they say"},
        lambda sales, entry: deal(sales, custom={entry.key: "x"}),
    ),
    "templates": Case(
        lambda desk, name: desk.add(name, "invoice", subject="s", text="t"),
        {"subject": "other"},
        none="mails keep the words that they were planned with",
    ),
    "filters": Case(
        lambda desk, name: desk.add(name, desk._sales.opportunities.all()),
        {"shared": True},
        none="a list that was asked a saved filter keeps what it was asked",
    ),
    "items": Case(
        lambda desk, name: desk.add(name, "Bay", price=1),
        {"price": "7"},
        lambda sales, entry: sales.settings.items.add(f"SET {entry.reference}", "Set", parts=[(entry, 2)]),
    ),
    "stock": Case(
        lambda desk, name: desk.add(name, "Lift", price=1),
        {"price": "7"},
        lambda sales, entry: sales.documents.mark_sent(
            sales.documents.draft(sales.contacts.where(text="acme").one(), "invoice", lines=[{"stock": entry}])
        ),
    ),
}
SORTED = "it is found by its reference, and lists of it are sorted as somebody asks"
NONE = {
    ("items", "move"): SORTED,
    ("stock", "move"): SORTED,
    ("tax_rates", "replace"): LISTS["tax_rates"].none,
    ("templates", "replace"): LISTS["templates"].none,
    ("filters", "replace"): LISTS["filters"].none,
    ("fields", "replace"): "the answers are erased, and never moved to another question",
    ("series", "replace"): "documents keep the numbers that they have",
    ("stock", "replace"): "a piece is that piece",
}


def listed() -> set[str]:
    """Return what the desk holds, beside the pipeline itself."""
    return {name for name in vars(SettingsDesk(sp.open("memory:"))) if not name.startswith("_")}


def test_every_list_stands_in_the_grid():
    assert listed() == set(LISTS)
    kept = {field.name for field in Settings.__attrs_attrs__} - {"organisation", "keyring", "version"}
    assert kept - set(LISTS) == set()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_each_operation_or_says_why_not(name, operation):
    desk = getattr(sp.open("memory:").settings, name)
    if (name, operation) in NONE:
        assert NONE[name, operation]
        assert operation == "replace" or not hasattr(desk, operation)
    else:
        method = getattr(desk, "delete" if operation == "replace" else operation)
        assert method.__doc__


@pytest.mark.parametrize("name", LISTS)
def test_each_operation_of_a_list_does_what_it_says(sales, name):
    case, desk = LISTS[name], getattr(sales.settings, name)
    sales.settings.lost_reasons.add("There before")
    walked: set[str] = set()

    def walk(operation, result=None):
        walked.add(operation)
        return result

    def order():
        return [entry.id for entry in desk]

    first, second, third = (walk("add", case.add(desk, label)) for label in ("Alpha", "Beta", "Gamma"))
    assert desk[first.id] == first
    assert desk["alpha"] == first
    assert {first.id, second.id, third.id} <= set(order())

    renamed = walk("rename", desk.rename(first, "Omega"))
    assert (renamed.id, renamed.label.split()[0], renamed.version) == (first.id, "Omega", 2)
    assert "Alpha" not in desk
    with pytest.raises(sp.Conflict):
        desk.edit(first, **case.edit)  # somebody changed it meanwhile
    edited = walk("edit", desk.edit("omega", **case.edit))
    ((field, value),) = case.edit.items()
    assert str(getattr(edited, field)) in (str(value), "#099268")
    with pytest.raises(sp.Invalid, match="has no 'nonsense'"):
        desk.edit(edited, nonsense=1)

    if (name, "move") not in NONE:
        desk.move(third, before=edited)
        walk("move")
        places = order()
        assert places.index(third.id) + 1 == places.index(first.id)
        desk.move(third.id, after=first.id)
        assert order().index(third.id) == order().index(first.id) + 1

    current = desk[third.id]
    assert walk("archive", desk.archive(current)).archived
    assert desk[third.id].archived  # found all the same
    offered = desk.where(archived=False) if hasattr(desk, "where") else desk
    assert third.id not in [entry.id for entry in offered]
    assert not walk("restore", desk.restore(third.id)).archived
    assert third.id in order()

    assert walk("usage", desk.usage(third.id)) == 0
    if case.use is None:
        assert case.none
        assert set(desk.usages().values()) == {0}
        walk("usages")
    else:
        case.use(sales, desk[third.id])
        assert desk.usage(third.id) == 1
        found = walk("usages", desk.usages())
        assert (found[third.id], found[second.id]) == (1, 0)
        assert {entry.id for entry in desk} <= set(found)
        if name != "fields":  # a question goes with its answers
            with pytest.raises(sp.Refused, match=r"(is used by|is part of|is sold by) .*archive\(\) it"):
                desk.delete(third.id)
    if (name, "replace") in NONE:
        with pytest.raises(sp.Invalid) as caught:
            desk.delete(third.id, replacement=second.id)
        assert [problem.path for problem in caught.value.problems] == ["replacement"]
        gone = second
    else:
        with pytest.raises((sp.Invalid, sp.NotFound)):
            desk.delete(third.id, replacement="nobody")
        with pytest.raises(sp.Invalid, match="cannot take its own place"):
            desk.delete(third.id, replacement=third.id)
        assert walk("replace", desk.delete(third.id, replacement=second.id)) == 1
        assert desk.usage(second.id) == 1
        gone = third
    if gone is second or case.use is None:
        assert desk.delete(second.id) == 0
    else:
        assert desk.delete(first.id) == 0
        assert first.id not in desk
    walk("delete")
    assert gone.id not in desk
    assert desk.history(gone.id)[-1].action == "deleted"

    told = [activity.action for activity in walk("history", desk.history(first.id))]
    assert told[:3] == ["added", "edited", "edited"]
    versions = walk("versions", desk.versions(first.id))
    assert (versions[0], versions[1]) == (first, renamed)
    assert [activity.by for activity in desk.history(first.id)] == ["jane"] * len(told)
    assert walked | {operation for listed, operation in NONE if listed == name} == set(OPERATIONS)


def noted(call, name, asked):
    def counting(*given, **more):
        asked.append(name)
        return call(*given, **more)

    return counting


def test_usages_are_one_query_a_kind_however_long_the_list_is(sales, monkeypatch):
    for name, case in LISTS.items():
        desk = getattr(sales.settings, name)
        for at in range(5):
            case.add(desk, f"Entry{at}")
        with sales.work(write=False) as work:
            asked: list[str] = []
            for method in ("tally", "columns", "find", "get", "get_many"):
                monkeypatch.setattr(work, method, noted(getattr(work, method), method, asked))
            usages = desk.usages()
            assert len(usages) >= 5
            assert len(asked) <= 3, name
