"""M: lock-step with the in-memory store, and failure at every call."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from salespipeline.errors import Unavailable
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Query
from salespipeline.stores.wrap import FailingAt
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import CATALOG, all_of, deal, numbered, put
from salespipeline.testing.machine import StoreMachine

__all__ = ["Lockstep"]


class Lockstep(StoreClauses):
    """Lock-step: any sequence of steps gives the results and errors of the in-memory store."""

    examples: ClassVar[int] = 40  # how many sequences are tried; more find more

    def test_m01_any_steps_give_what_the_oracle_gives(self, opener: Handle) -> None:
        """Any sequence of transactions, on two handles that are reopened, gives the oracle's results and errors."""
        run_state_machine_as_test(
            lambda: StoreMachine(opener),  # type: ignore[arg-type]
            settings=settings(
                max_examples=self.examples,
                stateful_step_count=12,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    def test_m02_failing_at_any_call_leaves_nothing_half_done(self, handle: Handle, opener: Handle) -> None:
        """Whichever call of a unit of work fails, all of it is kept or nothing, and the handle goes on."""
        store = handle()
        for number in range(1, 100):
            p = f"{number:02}"
            put(store, deal(p + "a", reference=p), deal(p + "b", tags=(p,)))
            before = state(store, p)
            failing = FailingAt(number, store)
            with suppress(Unavailable):
                unit_of_work(failing, p)
            after = state(store, p)
            fresh = opener()
            fresh.prepare(CATALOG)
            assert state(fresh, p) == after
            fresh.close()
            if not failing.failed:
                assert after == [(p + "a", 2, "changed"), (p + "c", 1, "1"), (p + "d", 1, "made")]
                assert numbered(store, p) == 2
                return
            assert after == before, f"call {number} failed"
            assert numbered(store, p) == 1
        raise AssertionError("the unit of work never came to its end")


def unit_of_work(store: Store, p: str) -> None:
    """Read, number, make, change and delete in one transaction."""
    with store.transaction() as tx:
        stored = tx.get("deal", p + "a")
        assert stored is not None
        number = tx.next_number(p)
        tx.put(deal(p + "c", text=str(number), tags=(p,)))
        tx.put(deal(p + "a", stored.version, text="changed"))
        tx.delete("deal", p + "b", 1)
        list(tx.find(Query(kind="deal", where=Cmp("reference", "=", p))))
        list(tx.tally(Query(kind="deal"), [], [Count()]))
        tx.put_many([deal(p + "d", text="made", reference=p)])


def state(store: Store, p: str) -> list[tuple[str, int, str]]:
    """Return what is kept under a prefix."""
    return [(entry.id, entry.version, entry.body) for entry in all_of(store) if entry.id.startswith(p)]
