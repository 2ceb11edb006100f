"""What every family of clauses stands on: how handles are opened, and what a store may say that it lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, NamedTuple, TypeAlias

import pytest

from salespipeline.ports import Store
from salespipeline.testing.clauses.vocabulary import CATALOG

__all__ = ["CAPABILITIES", "Clause", "Clauses", "Handle", "StoreClauses", "clauses_of", "needs"]

Handle: TypeAlias = Callable[[], Store]

# What a store may lack. Atomicity, versions, uniques, numbers and the meaning of queries are not among them.
CAPABILITIES: Mapping[str, str] = {
    "second-process": "another process can open the same data at the same time",
    "fork": "a handle that a forked child inherited is closed there",
    "open-after-fork": "a child that was forked while a handle was open can open one of its own",
    "threads": "threads can share a handle, each with a transaction of its own",
    "reads-while-writing": "a reader neither waits for a writer nor holds one up",
    "large": "a body of sixteen million characters, and a file of sixteen million bytes, can be kept",
    "push-down": "queries are answered by the store, not by reading every entry",
}
_NAME = re.compile(r"test_([a-z])(\d\d)_\w+")


class Clause(NamedTuple):
    """One numbered sentence of the contract: *name* is the method that shows it, *needs* its capabilities."""

    id: str
    sentence: str
    name: str
    family: type
    needs: tuple[str, ...]


def needs(capability: str) -> pytest.MarkDecorator:
    """Say that a clause speaks of an optional *capability*."""
    assert capability in CAPABILITIES
    return pytest.mark.needs(capability)


class Clauses:
    """A family of clauses. Each test is one: its docstring is the sentence, its name begins with the number."""

    lacks: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for capability, reason in cls.lacks.items():
            if capability not in CAPABILITIES:
                known = ", ".join(CAPABILITIES)
                raise TypeError(f"{cls.__name__} cannot lack {capability!r}: only {known} are optional")
            if not isinstance(reason, str) or not reason.strip():
                raise TypeError(f"{cls.__name__} lacks {capability!r}: say in a sentence why")


class StoreClauses(Clauses):
    """A family of clauses about stores."""

    @pytest.fixture
    def opener(self) -> Handle:
        """Return what opens a new handle on the same data; whoever tests a store defines this."""
        pytest.fail(f"{type(self).__name__} needs a fixture 'opener' that returns a function which opens a handle")

    @pytest.fixture
    def handle(self, opener: Handle) -> Iterator[Handle]:
        """Return what opens a new handle that is prepared for the catalog, and closed when the test is over."""
        opened: list[Store] = []

        def handle() -> Store:
            store = opener()
            opened.append(store)
            store.prepare(CATALOG)
            return store

        yield handle
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, handle: Handle) -> Store:
        """Return a prepared handle."""
        return handle()


def clauses_of(suite: type) -> list[Clause]:
    """Return the clauses of a suite, by family and number.

    >>> from salespipeline.testing import StoreTests
    >>> clauses_of(StoreTests)[0].id
    'T-01'
    """
    found = []
    for family in suite.__mro__:
        for name, test in vars(family).items():
            match = _NAME.fullmatch(name)
            if match:
                marks = [mark.args[0] for mark in getattr(test, "pytestmark", ()) if mark.name == "needs"]
                sentence = " ".join((test.__doc__ or "").split())
                found.append(Clause(f"{match[1].upper()}-{match[2]}", sentence, name, family, tuple(marks)))
    families = [family.__name__ for family in suite.__mro__]
    return sorted(found, key=lambda clause: (families.index(clause.family.__name__), clause.id))
