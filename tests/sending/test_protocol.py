"""The promise holds in every order of steps, and the simulator sees protocols that break it. (SPEC SEND-5, SEND-6)"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs
import pytest
from tests.sending.simulator import AT, Paper, Rules, Simulator, Violation, begin

from salespipeline.domain import protocol
from salespipeline.domain.sending import Delivery, DeliveryState

S = DeliveryState
WORLDS = {
    "one document": begin(1, 3, crashes=4, jumps=4, holds=1, unknowns=1),
    "two documents": begin(2, 2, crashes=1, jumps=1, holds=1),
    "three documents": begin(3, 1, crashes=1, jumps=1, unknowns=1),
}


def test_the_promise_holds_in_every_schedule() -> None:
    schedules = {name: Simulator().count(world) for name, world in WORLDS.items()}
    assert min(schedules.values()) > 100_000, schedules


def test_the_promise_holds_in_schedules_of_a_larger_world() -> None:
    world, simulator, chance = begin(3, 3, crashes=3, jumps=3, holds=2, unknowns=2), Simulator(), Random(5)
    for _ in range(1_500):
        simulator.wander(world, chance)


# --- protocols that break it --------------------------------------------------------------------------------

Change = Callable[..., object]


def mutant(**changes: Change | str) -> Rules:
    """Return the rules with some of them changed."""
    return type("Mutant", (Rules,), changes)()


def state(delivery: Delivery, state: DeliveryState, **facts: object) -> Delivery:
    """Return *delivery* in a state, whatever the protocol says."""
    return attrs.evolve(delivery, state=state, **facts)


def settling(answer: str, then: Callable[[Delivery, Paper], tuple[Delivery, Paper]]) -> Change:
    def settle(self: Rules, delivery: Delivery, paper: Paper, told: str, now: int) -> tuple[Delivery, Paper]:
        if told == answer:
            return then(delivery, paper)
        return Rules.settle(self, delivery, paper, told, now)

    return settle


def expiring(before: DeliveryState, then: Callable[[Delivery, Paper], tuple[Delivery, Paper]]) -> Change:
    def expire(self: Rules, delivery: Delivery, paper: Paper, now: int) -> tuple[Delivery, Paper]:
        if delivery.state is before and (delivery.lease_until or now) < now:
            return then(delivery, paper)
        return Rules.expire(self, delivery, paper, now)

    return expire


def requeued(delivery: Delivery, paper: Paper) -> tuple[Delivery, Paper]:
    return state(delivery, S.QUEUED, lease_until=None), paper._replace(in_transit=False)


def late_settle(self: Rules, delivery: Delivery, paper: Paper, told: str, now: int) -> tuple[Delivery, Paper]:
    return Rules.settle(self, state(delivery, S.SENDING), paper, told, now)


BROKEN: dict[str, Rules] = {
    # The two protocols that ordinary systems use.
    "send, then mark": mutant(
        first="mail",
        still_sends=lambda self, delivery, fence: delivery.state is S.CLAIMED,
        settle=late_settle,
    ),
    "lease, and queue again": mutant(expire=expiring(S.SENDING, requeued)),
    # Claims.
    "anybody may claim what is being sent": mutant(
        may_claim=lambda self, one, now: one.state in (S.QUEUED, S.SENDING, S.RETRY_WAIT),
        claim=lambda self, one, now: state(one, S.CLAIMED, fence=one.fence + 1, lease_until=now + protocol.LEASE),
        eligible=lambda self, paper: not (paper.held or paper.sent),
    ),
    "what is uncertain is tried again": mutant(
        may_claim=lambda self, one, now: one.state in (S.QUEUED, S.UNCERTAIN, S.RETRY_WAIT),
        claim=lambda self, one, now: state(one, S.CLAIMED, fence=one.fence + 1, lease_until=now + protocol.LEASE),
        eligible=lambda self, paper: not (paper.held or paper.sent),
    ),
    "a claim has no lease": mutant(
        claim=lambda self, one, now: attrs.evolve(protocol.claimed(one, worker="w", now=now), lease_until=None)
    ),
    # T1.
    "T1 does not look at the fence": mutant(
        still_holds=lambda self, one, fence: one.state in (S.CLAIMED, S.SENDING),
        start=lambda self, one, now: state(one, S.SENDING, lease_until=now + protocol.LEASE),
        eligible=lambda self, paper: not (paper.held or paper.sent),
    ),
    "T1 does not look at the document again": mutant(eligible=lambda self, paper: not paper.in_transit),
    "T1 does not freeze the document": mutant(freeze=lambda self, paper: paper),
    "T1 writes no lease": mutant(
        start=lambda self, one, now: attrs.evolve(Rules.start(self, one, now), lease_until=None)
    ),
    "a hold is accepted while the mail is on its way": mutant(
        hold=lambda self, paper: None if paper.sent else paper._replace(held=True, holding=True)
    ),
    # T2.
    "T2 is forgotten": mutant(
        still_sends=lambda self, one, fence: False, expire=lambda self, one, paper, now: (one, paper)
    ),
    "T2 does not mark the document": mutant(
        settle=settling("accepted", lambda one, paper: (protocol.accepted(one, at=AT, refused={}), paper))
    ),
    "T2 leaves the document in transit": mutant(
        settle=settling(
            "accepted", lambda one, paper: (protocol.accepted(one, at=AT, refused={}), paper._replace(sent=True))
        )
    ),
    "an accepted mail is tried again": mutant(settle=settling("accepted", requeued)),
    "an accepted mail fails": mutant(
        settle=settling("accepted", lambda one, paper: (state(one, S.FAILED), paper._replace(in_transit=False)))
    ),
    "a refused mail counts as sent": mutant(
        settle=settling(
            "refused",
            lambda one, paper: (protocol.accepted(one, at=AT, refused={}), paper._replace(in_transit=False, sent=True)),
        )
    ),
    "a refused mail leaves its document in transit": mutant(
        settle=settling("refused", lambda one, paper: (state(one, S.FAILED), paper))
    ),
    "no answer means not sent": mutant(
        settle=settling("unknown", lambda one, paper: (state(one, S.FAILED), paper._replace(in_transit=False)))
    ),
    "no answer means sent": mutant(
        settle=settling(
            "unknown",
            lambda one, paper: (protocol.accepted(one, at=AT, refused={}), paper._replace(in_transit=False, sent=True)),
        )
    ),
    "no answer means try again": mutant(settle=settling("unknown", requeued)),
    # Leases.
    "an old lease of SENDING fails": mutant(
        expire=expiring(S.SENDING, lambda one, paper: (state(one, S.FAILED), paper._replace(in_transit=False)))
    ),
    "an old lease of SENDING counts as sent": mutant(
        expire=expiring(S.SENDING, lambda one, paper: (state(one, S.SENT), paper._replace(in_transit=False, sent=True)))
    ),
    "an old lease of CLAIMED is left alone": mutant(expire=expiring(S.CLAIMED, lambda one, paper: (one, paper))),
    "an old lease of CLAIMED means that it was sent": mutant(
        expire=expiring(S.CLAIMED, lambda one, paper: (state(one, S.SENT), paper._replace(sent=True)))
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_protocol_is_seen(name: str) -> None:
    simulator = Simulator(BROKEN[name])
    small = begin(1, 2, crashes=1, jumps=1, holds=1, unknowns=1)

    def follow() -> None:
        for world in (small, *WORLDS.values()):
            simulator.count(world)

    with pytest.raises(Violation):
        follow()
