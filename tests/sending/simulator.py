"""Every order of the steps of the protocol: workers, crashes, lost connections, holds, leases that run out.

The moves are those of ``domain.protocol``; what stands here is the order in which ``delivery.Sender`` makes them, a
server that takes mails or not, and what can go wrong in between. States are values, so that two schedules that lead
to the same state are followed once and still counted twice. (SPEC SEND-5, SEND-6)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from random import Random
from typing import NamedTuple, TypeAlias

from salespipeline.domain import protocol
from salespipeline.domain.sending import LIVE, Delivery, DeliveryState

S = DeliveryState
AT = datetime(2026, 11, 24, tzinfo=UTC)
MOST_CLAIMS = 9
OVER = protocol.LEASE * 2  # a jump of the clock after which every lease, and every wait, is over


class Violation(AssertionError):
    """The promise is broken."""


class Paper(NamedTuple):
    """What the protocol knows of a document; *forbidden* is set where a hold was accepted."""

    held: bool = False
    in_transit: bool = False
    sent: bool = False
    mails: int = 0  # how many the server took
    holding: bool = False  # a hold was accepted while nothing was on its way


class Hand(NamedTuple):
    """A worker: what it is about to do, with which delivery, under which fence, and what the server answered."""

    step: str = "idle"
    place: int = -1
    fence: int = -1
    answer: str = ""


class State(NamedTuple):
    """Everything there is, and how much may still go wrong."""

    now: int
    deliveries: tuple[Delivery, ...]
    papers: tuple[Paper, ...]
    hands: tuple[Hand, ...]
    crashes: int
    jumps: int
    holds: int
    unknowns: int


Move: TypeAlias = Callable[[], State]


class Rules:
    """The protocol, with everything that a mutant may change."""

    def may_claim(self, delivery: Delivery, now: int) -> bool:
        return protocol.due(delivery, now=now)

    def claim(self, delivery: Delivery, now: int) -> Delivery:
        return protocol.claimed(delivery, worker="w", now=now)

    def still_holds(self, delivery: Delivery, fence: int) -> bool:
        return delivery.fence == fence and delivery.state is S.CLAIMED

    def eligible(self, paper: Paper) -> bool:
        return not (paper.held or paper.in_transit or paper.sent)

    def freeze(self, paper: Paper) -> Paper:
        return paper._replace(in_transit=True)

    def start(self, delivery: Delivery, now: int) -> Delivery:
        return protocol.started(
            delivery, now=now, document_version=1, document_reference="", subject="", message_id="", mail="", pdf="", content=""
        )  # fmt: skip

    def still_sends(self, delivery: Delivery, fence: int) -> bool:
        return delivery.fence == fence and delivery.state is S.SENDING

    def settle(self, delivery: Delivery, paper: Paper, answer: str, now: int) -> tuple[Delivery, Paper]:
        if answer == "accepted":
            return protocol.accepted(delivery, at=AT, refused={}), paper._replace(in_transit=False, sent=True)
        if answer in ("refused", "later"):
            after = protocol.not_sent(
                delivery, reason=answer, again=answer == "later", at_once=False, now=now, age=0, jitter=0.5, document_version=1
            )  # fmt: skip
            return after, paper._replace(in_transit=False)
        return protocol.uncertain(delivery, why=""), paper

    def expire(self, delivery: Delivery, paper: Paper, now: int) -> tuple[Delivery, Paper]:
        return protocol.expired(delivery, now=now) or delivery, paper

    def hold(self, paper: Paper) -> Paper | None:
        return None if paper.in_transit or paper.sent else paper._replace(held=True, holding=True)

    # What comes first: "intent", or, in a weak protocol, "mail".
    first = "intent"


def begin(
    documents: int, workers: int, *, crashes: int = 0, jumps: int = 0, holds: int = 0, unknowns: int = 0
) -> State:
    """Return the state in which everything is queued."""
    deliveries = tuple(
        Delivery(id=str(n), batch_id="b", position=n, letter=str(n), document_id=str(n), document_version=1,
                 to=("x",), planned_at=AT)
        for n in range(documents)
    )  # fmt: skip
    hands = tuple(Hand() for _ in range(workers))
    return State(0, deliveries, tuple(Paper() for _ in deliveries), hands, crashes, jumps, holds, unknowns)


def _with(values: tuple, place: int, value: object) -> tuple:
    return (*values[:place], value, *values[place + 1 :])


class Simulator:
    """Follows every schedule from a state; ``count`` says how many there were."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.count: Callable[[State], int] = cache(self._count)
        self._path: set[State] = set()

    def _count(self, state: State) -> int:
        self.check(state)
        if state in self._path:
            raise Violation("the steps go round in circles")
        following = list(self.following(state))
        if not following:
            self.drain(state)
            return 1
        self._path.add(state)
        number = sum(self.count(after) for after in following)
        self._path.remove(state)
        return number

    def wander(self, state: State, chance: Random) -> None:
        """Follow one schedule, chosen by chance, to its end."""
        while True:
            self.check(state)
            moves = list(self.moves(state))
            if not moves:
                self.drain(state)
                return
            state = chance.choice(moves)()

    # --- what may happen next ---------------------------------------------------------------------------------

    def following(self, state: State) -> Iterator[State]:
        """Yield every state that may come next."""
        return (move() for move in self.moves(state))

    def moves(self, state: State) -> Iterator[Move]:
        """Yield what may happen next: most is never looked at where one schedule of many is followed."""
        idle_seen = False
        for who, hand in enumerate(state.hands):
            if hand.step == "idle":
                if idle_seen:
                    continue  # which of two idle workers goes on makes no difference
                idle_seen = True
            yield from self.steps(state, who, hand)
            if state.crashes and hand.step != "idle":
                yield partial(self.dead, state, who)
                if hand.step == "mail":
                    yield partial(self.dead, state, who, hand.place)
        if state.holds:
            for place, paper in enumerate(state.papers):
                held = self.rules.hold(paper)
                if held is not None and not paper.held:
                    yield partial(self.holding, state, place, held)
        if state.jumps:
            yield partial(self.jumped, state)

    @staticmethod
    def holding(state: State, place: int, held: Paper) -> State:
        """Somebody holds a document."""
        return state._replace(papers=_with(state.papers, place, held), holds=state.holds - 1)

    def jumped(self, state: State) -> State:
        """Time goes by, until every lease is over."""
        return self.swept(state._replace(now=state.now + OVER, jumps=state.jumps - 1))

    def swept(self, state: State) -> State:
        """Return the state after somebody looked for leases that are over."""
        pairs = [
            self.rules.expire(one, paper, state.now) for one, paper in zip(state.deliveries, state.papers, strict=True)
        ]
        return state._replace(deliveries=tuple(one for one, _ in pairs), papers=tuple(paper for _, paper in pairs))

    def steps(self, state: State, who: int, hand: Hand) -> Iterator[Move]:
        """Yield what a worker may do next."""
        if hand.step == "idle":
            for place, one in enumerate(state.deliveries):
                if self.rules.may_claim(one, state.now):
                    yield partial(self.claim, state, who, place)
        elif hand.step == "start":
            yield partial(self.start, state, who, hand)
        elif hand.step == "mail":
            for answer in ("accepted", "refused", "later", *(("lost", "lost before") if state.unknowns else ())):
                yield partial(self.answered, state, who, hand, answer)
        else:
            yield partial(self.settle, state, who, hand)

    def claim(self, state: State, who: int, place: int) -> State:
        """A worker claims a delivery."""
        claimed = self.rules.claim(state.deliveries[place], state.now)
        step = "start" if self.rules.first == "intent" else "mail"
        return state._replace(
            deliveries=_with(state.deliveries, place, claimed),
            hands=_with(state.hands, who, Hand(step, place, claimed.fence)),
        )

    def answered(self, state: State, who: int, hand: Hand, answer: str) -> State:
        """The server answers, or the line is lost, with the mail taken or not."""
        after = self.mailed(state, hand.place) if answer in ("accepted", "lost") else state
        told = "unknown" if answer.startswith("lost") else answer
        return after._replace(
            hands=_with(state.hands, who, hand._replace(step="settle", answer=told)),
            unknowns=state.unknowns - answer.startswith("lost"),
        )

    def start(self, state: State, who: int, hand: Hand) -> State:
        """T1."""
        rules, place = self.rules, hand.place
        one, paper = state.deliveries[place], state.papers[place]
        idle = _with(state.hands, who, Hand())
        if not rules.still_holds(one, hand.fence):
            return state._replace(hands=idle)
        if not rules.eligible(paper):
            return state._replace(
                hands=idle, deliveries=_with(state.deliveries, place, protocol.skipped(one, reason="held"))
            )
        return state._replace(
            deliveries=_with(state.deliveries, place, rules.start(one, state.now)),
            papers=_with(state.papers, place, rules.freeze(paper)),
            hands=_with(state.hands, who, hand._replace(step="mail")),
        )

    def mailed(self, state: State, place: int) -> State:
        """The server takes the mail."""
        paper = state.papers[place]
        if paper.holding:
            raise Violation("a mail left after a hold had been accepted")
        return state._replace(papers=_with(state.papers, place, paper._replace(mails=paper.mails + 1)))

    def settle(self, state: State, who: int, hand: Hand) -> State:
        """T2."""
        place = hand.place
        one, paper = state.deliveries[place], state.papers[place]
        idle = _with(state.hands, who, Hand())
        if not self.rules.still_sends(one, hand.fence):
            return state._replace(hands=idle)
        after, written = self.rules.settle(one, paper, hand.answer, state.now)
        return state._replace(
            hands=idle, deliveries=_with(state.deliveries, place, after), papers=_with(state.papers, place, written)
        )

    def dead(self, state: State, who: int, mailed: int | None = None) -> State:
        """A worker is killed: before what it was about to do, or, where it mails, after the server took the mail."""
        dead = state._replace(hands=_with(state.hands, who, Hand()), crashes=state.crashes - 1)
        return dead if mailed is None else self.mailed(dead, mailed)

    # --- what must hold ---------------------------------------------------------------------------------------

    @staticmethod
    def check(state: State) -> None:
        """Raise ``Violation`` where the promise is broken already."""
        for one, paper in zip(state.deliveries, state.papers, strict=True):
            if one.fence > MOST_CLAIMS:
                raise Violation("a delivery is claimed again and again")
            if paper.mails > 1:
                raise Violation("a document was mailed twice")
            if paper.mails and one.state in (S.FAILED, S.SKIPPED, S.QUEUED, S.RETRY_WAIT):
                raise Violation(f"a mail was taken, and its delivery is {one.state.value}")
            if one.state is S.SENT and not paper.mails:
                raise Violation("a document is marked as sent, and no mail was taken")
            if (one.state is S.SENT) != paper.sent:
                raise Violation("the delivery and the document disagree about what was sent")
            if one.state in (S.FAILED, S.SKIPPED, S.SENT) and paper.in_transit:
                raise Violation("a document stays in transit for ever")

    def drain(self, state: State) -> None:
        """When faults stop, one worker brings everything to an end; raise ``Violation`` where something stays stuck."""
        state = state._replace(crashes=0, holds=0, jumps=0, unknowns=0)
        for _ in range(60):
            self.check(state)
            if all(one.state not in LIVE or one.state is S.UNCERTAIN for one in state.deliveries):
                return
            # The first thing that a worker may do, with a server that takes everything; else time goes by.
            after = next(self.following(state), None)
            if after is None:
                after = self.swept(state._replace(now=state.now + OVER))
            state = after
        raise Violation(f"stuck: {[one.state.value for one in state.deliveries]}")
