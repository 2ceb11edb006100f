"""E: errors; L: the clock; S: signatures."""

from __future__ import annotations

import inspect
import pickle
import time
from collections.abc import Callable, Iterator
from types import TracebackType

import pytest

from salespipeline.entries import Entry, Stored
from salespipeline.errors import Conflict, Duplicate, ReadOnly, StorageError, TransactionOpen
from salespipeline.ports import Store, Transaction
from salespipeline.query import Count, Query
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import DEALS, deal, found, put

__all__ = ["Refusals", "Signatures", "StoreClock"]


class Refusals(StoreClauses):
    """Errors: only those of the library, with their facts."""

    def test_e01_a_conflict_says_what_it_is_about(self, store: Store) -> None:
        """Conflict names the kind and the id, in its attributes and its message."""
        put(store, deal("the-deal"))
        with pytest.raises(Conflict) as caught:
            put(store, deal("the-deal"))
        assert (caught.value.kind, caught.value.id) == ("deal", "the-deal")
        assert "deal" in str(caught.value)
        assert "the-deal" in str(caught.value)

    def test_e02_a_duplicate_says_what_it_is_about(self, store: Store) -> None:
        """Duplicate names the kind, the id that was put, and the fields of the unique that is taken."""
        put(store, deal("a", area="north", number=1, reference="R1"))
        with pytest.raises(Duplicate) as caught:
            put(store, deal("b", area="north", number=1, reference="R2"))
        assert (caught.value.kind, caught.value.id, caught.value.fields) == ("deal", "b", ("area", "number"))
        with pytest.raises(Duplicate) as caught:
            put(store, deal("c", reference="R1"))
        assert caught.value.fields == ("reference",)

    def test_e03_errors_can_be_pickled(self, store: Store) -> None:
        """An error that a store raises survives pickling with its facts."""
        put(store, deal("a", reference="R1"))
        for entry in (deal("a"), deal("b", reference="R1"), deal("c", stage="\0")):
            with pytest.raises(StorageError) as caught:
                put(store, entry)
            again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - made one line above
            assert type(again) is type(caught.value)
            assert str(again) == str(caught.value)
            assert again.__dict__ == caught.value.__dict__

    def test_e04_a_refused_write_is_told_from_a_full_one(self, store: Store) -> None:
        """ReadOnly for a reading transaction, TransactionOpen for a nested one: each misuse has its own error."""
        with store.transaction(write=False) as tx:
            with pytest.raises(ReadOnly):
                tx.put(deal("a"))
            with pytest.raises(TransactionOpen):
                store.transaction().__enter__()

    def test_e05_a_message_does_not_repeat_a_body(self, store: Store) -> None:
        """The message of an error shows neither the body of an entry nor megabytes of anything."""
        put(store, deal("a", reference="R1"))
        secret = "the-secret" * 50_000
        for entry in (deal("a", text=secret), deal("b", text=secret, reference="R1"), deal("c" * 100_000 + "\0")):
            with pytest.raises(StorageError) as caught:
                put(store, entry)
            assert "the-secret" not in str(caught.value)
            assert len(str(caught.value)) < 2000

    def test_e06_an_error_of_a_source_is_left_alone(self, store: Store) -> None:
        """An error that the iterable given to put_many raises propagates unchanged and rolls back."""

        def source() -> Iterator[Entry]:
            yield deal("a")
            raise LookupError("of the host")

        with pytest.raises(LookupError, match="of the host"), store.transaction() as tx:
            tx.put_many(source())
        assert found(store) == ""


class StoreClock(StoreClauses):
    """The clock: the store's own, which leases are measured with."""

    def test_l01_the_clock_counts_microseconds(self, store: Store) -> None:
        """Now returns a whole number of microseconds since 1970 UTC, of the same day as here."""
        with store.transaction(write=False) as tx:
            now = tx.now()
        assert type(now) is int
        assert abs(now - time.time_ns() // 1000) < 86_400_000_000

    def test_l02_handles_share_a_clock(self, handle: Handle) -> None:
        """Two handles on the same data agree on the time to within a minute, in reading and writing transactions."""
        one, other = handle(), handle()
        with one.transaction() as tx:
            first = tx.now()
        with other.transaction(write=False) as tx:
            second = tx.now()
        assert abs(second - first) < 60_000_000


class Signatures(StoreClauses):
    """Signatures: the names and types of the contract."""

    def test_s01_a_store_has_the_methods_of_the_contract(self, store: Store) -> None:
        """prepare, transaction and close take the arguments of the contract, by the same names."""
        for name in ("prepare", "transaction", "close"):
            assert signature(getattr(store, name)) == signature(getattr(Store, name))[1:], name

    def test_s02_a_transaction_has_the_methods_of_the_contract(self, store: Store) -> None:
        """Every method of a transaction takes the arguments of the contract, by the same names."""
        with store.transaction() as tx:
            for name, method in vars(Transaction).items():
                if not name.startswith("_") and callable(method):
                    assert signature(getattr(tx, name)) == signature(method)[1:], name

    def test_s03_results_have_the_types_of_the_contract(self, store: Store) -> None:
        """Reads give Stored, Entry and tuples of plain integers and texts; writes give None."""
        query = Query(kind="deal")
        with store.transaction() as tx:
            assert tx.put(deal("a", tags=("x",))) is None  # type: ignore[func-returns-value]
            assert tx.put_many([deal("b")]) is None  # type: ignore[func-returns-value]
            assert type(tx.next_number("invoice")) is int
            assert type(tx.get("deal", "a")) is Stored
            assert tx.get("deal", "zz") is None
            many = tx.get_many("deal", ["a"])
            assert type(many) is dict
            assert type(many["a"]) is Stored
            assert {type(stored) for stored in tx.find(query)} == {Stored}
            assert {type(entry) for entry in tx.scan("deal")} == {Entry}
            rows = list(tx.columns(query, ["id", "value", "stage"]))
            rows += tx.tally(query, ["name", "value"], [Count()])
            assert {type(row) for row in rows} == {tuple}
            assert {type(value) for row in rows for value in row} <= {int, str, type(None)}
            (entry, _) = tx.scan("deal")
            assert type(entry.index["tags"]) is tuple
            assert tx.delete("deal", "a", 1) is None  # type: ignore[func-returns-value]

    def test_s04_reads_yield_iterators(self, store: Store) -> None:
        """find, columns, tally and scan return iterators, which can be left before their end."""
        put(store, *DEALS)
        query = Query(kind="deal")
        with store.transaction(write=False) as tx:
            for rows in (tx.find(query), tx.columns(query, ["id"]), tx.tally(query, ["name"], []), tx.scan("deal")):
                assert iter(rows) is rows
                next(rows)
        put(store, deal("z"))

    def test_s05_a_transaction_hides_no_error(self, store: Store) -> None:
        """The exit of a transaction returns nothing that would swallow the error of its block."""
        transaction = store.transaction()
        exit: Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], bool | None]
        transaction.__enter__()
        exit = transaction.__exit__
        error = LookupError("seen")
        assert not exit(LookupError, error, None)

    def test_s06_the_argument_write_has_a_name(self, store: Store) -> None:
        """Transaction takes write by name only."""
        with pytest.raises(TypeError):
            store.transaction(False)  # type: ignore[call-arg]


def signature(method: Callable[..., object]) -> list[tuple[str, object, bool]]:
    """Return the names, kinds and presence of defaults of a method's arguments."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(method).parameters.values()
    return [(one.name, one.kind, one.default is not empty) for one in parameters]
