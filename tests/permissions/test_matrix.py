"""Actors × operations × records: what a policy hides shows nowhere, and what it denies is not done."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.permissions.cells import CELLS, Cell
from tests.permissions.worlds import ByFilters, ByFunction, World, made, seen

import salespipeline as sp
from salespipeline.documents import DocumentListing
from salespipeline.each import Each
from salespipeline.listing import Listing
from salespipeline.merging import MergePlan
from salespipeline.opportunities import OpportunityListing
from salespipeline.sending_report import Plan

NAMES = ("reference", "name", "subject", "message", "message_id")
FEW = (("bob", ""), ("bob", "hidden by id"))  # on a server: what a store answers; who is asked how is the same for all
# What ann may not do, or what says who asks.
ASK_MORE = (
    "acting",
    "overseeing",
    "listing.each",
    "contacts.like",
    *(name for name in CELLS if name.startswith("settings.filters.")),
)


def public(cls: type[Any]) -> Iterator[str]:
    """Yield the names of what can be called on a *cls*; frames are made of what ``to_dicts`` gives."""
    for name in dir(cls):
        value = inspect.getattr_static(cls, name)
        called = inspect.isfunction(value) or isinstance(value, staticmethod | classmethod)
        if called and not name.startswith("_") and name not in ("to_pandas", "to_polars"):
            yield name


def face() -> Iterator[str]:
    """Yield every operation of the public face, as the matrix calls it."""
    sales = sp.open("memory:")
    yield from public(sp.Sales)
    for name in dir(sp.Sales):
        if isinstance(inspect.getattr_static(sp.Sales, name), functools.cached_property):
            part = getattr(sales, name)
            yield from (f"{name}.{one}" for one in public(type(part)))
    for name, part in vars(sales.settings).items():
        if not name.startswith("_"):
            yield from (f"settings.{name}.{one}" for one in public(type(part)))
    parts = {
        "listing": (Listing, OpportunityListing, DocumentListing),
        "plan": (Plan,),
        "merge plan": (MergePlan,),
        "each": (Each,),
    }
    for name, classes in parts.items():
        yield from dict.fromkeys(f"{name}.{one}" for cls in classes for one in public(cls))


def test_every_operation_has_a_cell() -> None:
    there = set(face())
    assert sorted(there - set(CELLS)) == []
    # What has a cell and is no name of the face is another try of one that is, or goes past the face.
    more = {name for name in CELLS if not any(name == one or name.startswith(f"{one} ") for one in there)}
    assert more == {"import_opportunities", "references that are taken"}


@attrs.define
class Matrix:
    """The same tries in two worlds, and what came of them."""

    with_it: World
    without: World
    tried: int = 0
    leaks: list[str] = attrs.field(factory=list)

    def outcome(self, world: World, actor: str, cell: Cell, given: Any) -> Any:
        """Return what *actor* gets to see of a cell: an answer, or an error."""
        world.begin(self.tried)
        sales = world.acting(actor)
        try:
            if cell.alone:
                return cell.run(sales, given)
            with world.undone(sales):
                return seen(cell.run(sales, given))  # looked at while it is there
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the actor sees
            if not isinstance(error, sp.SalesPipelineError | KeyError | IndexError):
                self.leaks.append("".join(traceback.format_exception(error))[-600:])
            return error

    def same(self, actor: str, name: str, cell: Cell, given: Any, twin: Any, what: str) -> Any:
        """Try a cell in both worlds: it must tell the same."""
        self.tried += 1
        found = self.outcome(self.with_it, actor, cell, given)
        expected = self.outcome(self.without, actor, cell, twin)
        if (told := repr(seen(found))) != (right := repr(seen(expected))):
            at = next((at for at, pair in enumerate(zip(told, right, strict=False)) if pair[0] != pair[1]), 0)
            start = max(at - 60, 0)
            said = f"{told[start : at + 200]} instead of {right[start : at + 200]}"
            self.leaks.append(f"{actor} {name} {what}: {said}")
        return found


def givens(record: Any) -> Iterator[tuple[str, Any]]:
    """Yield how a record is given: by its id, by what it is called, and as itself."""
    if isinstance(record, str):
        yield "token", record
    elif record is not None:
        yield "id", record.id
        name = next((found for one in NAMES if (found := getattr(record, one, None))), None)
        if name:
            yield "name", name
        yield "record", record


def tries(matrix: Matrix, cell: Cell) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield who tries, on whose record, and how it is given: to the one world, and to the other."""
    if cell.on is None:
        yield from (("bob", "", None, None), ("mallory", "", None, None))
        return
    hidden = list(givens(matrix.with_it.records.get((cell.on, "hidden"))))
    yield from (("bob", f"hidden by {how}", given, given) for how, given in hidden)
    for whose, actor in (("sues", "bob"), ("own", "bob"), ("own", "mallory")):
        record, twin = (world.records.get((cell.on, whose)) for world in (matrix.with_it, matrix.without))
        for (how, given), (_, same) in list(zip(givens(record), givens(twin), strict=True))[:1]:
            yield actor, f"{whose} by {how}", given, same


def worlds(url: str, tmp_path: Path, request: pytest.FixtureRequest, policy: Any) -> Matrix:
    return Matrix(made(url, policy, hides=True), made(_another(url, tmp_path, request), policy, hides=False))


@pytest.mark.parametrize("policy", [ByFunction, ByFilters])
def test_what_is_hidden_shows_nowhere(
    url: str, tmp_path: Path, policy: type[Any], request: pytest.FixtureRequest
) -> None:
    matrix = worlds(url, tmp_path, request, policy())
    with matrix.with_it.root, matrix.without.root:
        for name, cell in sorted(CELLS.items(), key=lambda pair: pair[1].alone):
            for actor, what, given, twin in tries(matrix, cell):
                if url.startswith("postgres") and (actor, what) not in FEW:
                    continue
                found = matrix.same(actor, name, cell, given, twin, what)
                if cell.writes and (what.startswith("sues") or actor == "mallory") and not isinstance(found, Exception):
                    matrix.leaks.append(f"{actor} did {name} to what is {what}: {found!r:.300}")
    assert matrix.leaks == []
    # Actors × operations × records: a cell that is not tried shows nothing.
    assert matrix.tried >= (300 if url.startswith("postgres") else 700)


@pytest.mark.parametrize("policy", [ByFunction, ByFilters])
def test_nothing_is_hidden_that_may_be_read(policy: type[Any]) -> None:
    world = made("memory:", policy(), hides=True)
    matrix = Matrix(world, world)
    for name, cell in CELLS.items():
        if cell.writes or cell.alone or name in ASK_MORE:
            continue
        for whose in ("hidden", "own") if cell.on is not None else ("",):
            for how, given in givens(world.records.get((cell.on, whose))) if cell.on is not None else [("", None)]:
                matrix.tried += 1
                anns = matrix.outcome(world, "ann", cell, given)
                if isinstance(anns, sp.Denied):
                    continue  # it makes something of what was read
                everybodys = matrix.outcome(world, "root", cell, given)
                assert seen(anns) == seen(everybodys), (name, whose, how)
    assert matrix.tried >= 200


def _another(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of a second store of the same kind."""
    from tests.stores.postgres_server import fresh, with_options

    if url.startswith("postgres"):
        return with_options(request.getfixturevalue("postgres"), workspace=fresh())
    return url if url == "memory:" else f"sqlite:///{tmp_path / 'other.db'}"
