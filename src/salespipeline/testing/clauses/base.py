"""What every family of clauses stands on: how handles are opened, and what a store may say that it lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, NamedTuple, TypeAlias

import pytest

from salespipeline.ports import Store
from salespipeline.testing.clauses.vocabulary import CATALOG

__all__ = [
    "CAPABILITIES",
    "Clause",
    "Clauses",
    "Handle",
    "StoreClauses",
    "check_lacks",
    "clauses_of",
    "needs",
    "no_opener",
    "opens",
    "told",
]

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


def check_lacks(name: str, lacks: Mapping[str, str], optional: Mapping[str, str] = CAPABILITIES) -> None:
    """Raise ``TypeError`` where *lacks* of the class called *name* names what is not optional, or gives no reason.

    >>> check_lacks("TestMyStore", {"uniques": "too hard"})
    Traceback (most recent call last):
    TypeError: TestMyStore cannot lack 'uniques': only second-process, fork, open-after-fork, threads, ... are optional
    """
    for capability, reason in lacks.items():
        if capability not in optional:
            known = ", ".join(optional)
            raise TypeError(f"{name} cannot lack {capability!r}: only {known} are optional")
        if not isinstance(reason, str) or not reason.strip():
            raise TypeError(f"{name} lacks {capability!r}: say in a sentence why")


class Clauses:
    """A family of clauses. Each test is one: its docstring is the sentence, its name begins with the number."""

    lacks: ClassVar[Mapping[str, str]] = {}
    optional: ClassVar[Mapping[str, str]] = CAPABILITIES

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check_lacks(cls.__name__, cls.lacks, cls.optional)


def no_opener(suite: type) -> pytest.UsageError:
    """Return the error that asks the author of *suite* for a way to open handles."""
    return pytest.UsageError(
        f"{suite.__name__} needs a fixture 'opener', which returns a function that opens a handle:\n\n"
        "    @pytest.fixture\n    def opener(self, tmp_path):\n"
        "        return lambda: MyStore(tmp_path / 'data')  # each call: a new handle on the same data\n"
    )


def opens(suite: type, opener: object) -> None:
    """Raise where *opener* cannot be called."""
    if not callable(opener):
        message = f"the fixture 'opener' of {suite.__name__} returned {opener!r}: return a function that opens a handle"
        raise pytest.UsageError(message)


class StoreClauses(Clauses):
    """A family of clauses about stores."""

    @pytest.fixture
    def opener(self) -> Handle:
        """Return what opens a new handle on the same data; whoever tests a store defines this."""
        raise no_opener(type(self))

    @pytest.fixture
    def handle(self, opener: Handle) -> Iterator[Handle]:
        """Return what opens a new handle that is prepared for the catalog, and closed when the test is over."""
        opens(type(self), opener)
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


def told(family: type) -> tuple[str, str]:
    """Return the title of a family of clauses, and what it says of it.

    >>> told(StoreClauses)
    ('A family of clauses about stores', '')
    """
    title, _, rest = " ".join((family.__doc__ or family.__name__).split()).partition(": ")
    return title.removesuffix("."), rest[:1].upper() + rest[1:]


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
