"""I: two sessions, every order of their steps, exactly the outcomes that one after the other would give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import combinations, product
from typing import Any, TypeAlias

import pytest

from salespipeline.errors import Conflict, StorageError, Unavailable
from salespipeline.ports import Store, Transaction
from salespipeline.stores.memory import MemoryStore
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.together import PATIENCE
from salespipeline.testing.clauses.vocabulary import CATALOG, all_of, deal, put

__all__ = ["Interleavings"]

Act: TypeAlias = Callable[[Transaction, str], Any]

SHORTLY = 0.02  # how long the other session may hold this one up before its next step is allowed as well


class Halt(Exception):
    """What an act raises to roll back."""


# Each act works on the deals and numbers of one prefix: *p*a exists in version 1, *p*r holds the reference *p*R.
def change(tx: Transaction, p: str) -> None:
    """Put the deal that was read in version 1."""
    tx.put(deal(p + "a", 1, text="changed"))


def remove(tx: Transaction, p: str) -> None:
    """Delete the deal that was read in version 1."""
    tx.delete("deal", p + "a", 1)


def create(tx: Transaction, p: str) -> None:
    """Make a deal that does not exist."""
    tx.put(deal(p + "new", text=threading.current_thread().name))


def add(tx: Transaction, p: str) -> int:
    """Read the deal inside the transaction and put it changed; return the version that was read."""
    stored = tx.get("deal", p + "a")
    version = 0 if stored is None else stored.version
    tx.put(deal(p + "a", version, text=f"after {version}"))
    return version


def number(tx: Transaction, p: str) -> int:
    """Take a number and keep a deal that bears it."""
    taken = tx.next_number(p)
    tx.put(deal(f"{p}{taken}"))
    return taken


def number_and_fail(tx: Transaction, p: str) -> None:
    """Take a number and roll back."""
    tx.next_number(p)
    raise Halt


def claim(tx: Transaction, p: str) -> None:
    """Put a deal with a unique value that is free."""
    tx.put(deal(p + threading.current_thread().name, reference=p + "free"))


def claim_taken(tx: Transaction, p: str) -> None:
    """Put a deal with a unique value that is taken."""
    tx.put(deal(p + "late", reference=p + "R"))


def free(tx: Transaction, p: str) -> None:
    """Delete the deal that holds the unique value."""
    tx.delete("deal", p + "r", 1)


class Session(threading.Thread):
    """A transaction in three steps, each done when it is allowed: begin, act, end."""

    def __init__(self, name: str, store: Store, act: Act, prefix: str) -> None:
        super().__init__(name=name, daemon=True)
        self._store, self._act, self._prefix = store, act, prefix
        self._allowed, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self.result: Any = None

    def run(self) -> None:
        try:
            self._allowed.acquire()
            with self._store.transaction() as tx:
                self._next()
                self.result = self._act(tx, self._prefix)
                self._next()
        except (StorageError, Halt) as error:
            self.result = type(error)
            if isinstance(error, Unavailable) and not error.retry:
                raise
        self._done.release(3)

    def _next(self) -> None:
        self._done.release()
        self._allowed.acquire()

    def step(self) -> None:
        """Allow one more step, and wait for it unless the other session holds this one up."""
        self._allowed.release()
        self._done.acquire(timeout=SHORTLY)


def prepared(store: Store, p: str) -> None:
    """Put what the acts expect."""
    put(store, deal(p + "a"), deal(p + "r", reference=p + "R"))


def state(store: Store, p: str) -> tuple[object, ...]:
    """Return what is kept under a prefix, without the prefix."""
    entries = [entry for entry in all_of(store) if entry.id.startswith(p)]
    return tuple((entry.id.removeprefix(p), entry.version, entry.body.replace(p, "")) for entry in entries)


def refusals(act: Act) -> tuple[type[StorageError], ...]:
    """Return how a store may refuse *act* for the other session's sake, whatever became of what it was told to write.

    Trying again can always be asked for. What was read inside a transaction may be overtaken there: a store need not
    lock what is read, since the version tells.
    """
    return (Unavailable, Conflict) if act is add else (Unavailable,)


def allowed(acts: tuple[Act, Act], p: str) -> set[tuple[object, ...]]:
    """Return the results and the end that the acts may have: one after the other, or one of them refused for now."""
    outcomes: set[tuple[object, ...]] = set()
    for order in ((0, 1), (1, 0), (0,), (1,)):
        store = MemoryStore()
        store.prepare(CATALOG)
        prepared(store, p)
        results: dict[int, Any] = {}
        for place in order:
            session = Session("AB"[place], store, acts[place], p)
            session.start()
            for _ in range(3):
                session.step()
            session.join(PATIENCE)
            results[place] = session.result
        ways = [(results[place],) if place in results else refusals(acts[place]) for place in (0, 1)]
        outcomes |= {(*way, state(store, p)) for way in product(*ways)}
    return outcomes


def orders() -> Iterator[str]:
    """Yield every order of three steps of A and three of B.

    >>> len(list(orders()))
    20
    """
    for places in combinations(range(6), 3):
        yield "".join("A" if place in places else "B" for place in range(6))


def every_order(handle: Handle, first: Act, second: Act) -> None:
    """Run two acts in every order of their steps, and assert that each outcome is allowed."""
    one, other = handle(), handle()
    expected = allowed((first, second), "p/")
    for order in orders():
        p = f"{order}/"
        prepared(one, p)
        sessions = {"A": Session("A", one, first, p), "B": Session("B", other, second, p)}
        for session in sessions.values():
            session.start()
        for letter in order:
            sessions[letter].step()
        for session in sessions.values():
            session.join(PATIENCE)
            if session.is_alive():
                pytest.fail(f"in the order {order} a session waits for ever")
        outcome = (sessions["A"].result, sessions["B"].result, state(one, p))
        assert outcome in expected, order


class Interleavings(StoreClauses):
    """Interleavings: two sessions, every order of their steps, and only what one after the other would give."""

    def test_i01_change_and_change(self, handle: Handle) -> None:
        """Two changes of the same version: one is kept, the other gets Conflict, in every order of steps."""
        every_order(handle, change, change)

    def test_i02_change_and_delete(self, handle: Handle) -> None:
        """A change and a delete of the same version: one is done, the other gets Conflict, in every order."""
        every_order(handle, change, remove)

    def test_i03_delete_and_delete(self, handle: Handle) -> None:
        """Two deletes of the same version: one is done, the other gets Conflict, in every order."""
        every_order(handle, remove, remove)

    def test_i04_create_and_create(self, handle: Handle) -> None:
        """Two entries made under one id: one is kept, the other gets Conflict, in every order."""
        every_order(handle, create, create)

    def test_i05_add_and_add(self, handle: Handle) -> None:
        """Two sessions that read and change the same entry: none loses the other's change, in every order of steps."""
        every_order(handle, add, add)

    def test_i06_number_and_number(self, handle: Handle) -> None:
        """Two sessions that take a number of a new series get 1 and 2, in every order."""
        every_order(handle, number, number)

    def test_i07_number_and_rollback(self, handle: Handle) -> None:
        """A number beside one that is rolled back is 1, in every order."""
        every_order(handle, number, number_and_fail)

    def test_i08_claim_and_claim(self, handle: Handle) -> None:
        """Two entries that claim one unique value: one is kept, the other gets Duplicate, in every order."""
        every_order(handle, claim, claim)

    def test_i09_claim_and_free(self, handle: Handle) -> None:
        """An entry that claims a value which another session frees is kept or gets Duplicate, in every order."""
        every_order(handle, claim_taken, free)

    def test_i10_delete_and_add(self, handle: Handle) -> None:
        """A delete beside a read and change of the same entry: one after the other, or one is refused, in every order."""
        every_order(handle, remove, add)

    def test_i11_strangers_do_not_disturb(self, handle: Handle) -> None:
        """A change beside a number: both are done, in every order."""
        every_order(handle, change, number)
