"""A walk through everything that can be done with documents, on every store: the rules hold after each step. (SPEC DOC-2 to DOC-7)"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import salespipeline as sp
from salespipeline.domain.rules import CONVERSIONS, Move
from salespipeline.errors import Refused
from salespipeline.mail import Memory

LINES = [
    sp.Line("Desk", quantity=4, unit_price="99.99", tax="20"),
    sp.Line("Book", quantity=2, unit_price="7", tax="0"),
]
SIMPLE = [Move.HOLD, Move.RELEASE, Move.REQUEST_APPROVAL, Move.APPROVE, Move.REFUSE, Move.SEND, Move.ACCEPT, Move.REJECT,
          Move.CANCEL, Move.DELETE, Move.DUPLICATE, Move.REVISE, Move.UNASSIGN]  # fmt: skip
CALLED = {Move.SEND: "mark_sent", Move.REFUSE: "refuse"}
picks = st.integers(0, 10_000)


class Walk(RuleBasedStateMachine):
    """One pipeline; each step takes a document that is there, and does with it what the dice say."""

    opener = None

    @initialize()
    def begin(self) -> None:
        self.sales = type(self).opener()
        self.sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        self.acme = self.sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        self.desk = self.sales.documents
        self.contents: dict[str, tuple[object, ...]] = {}

    def teardown(self) -> None:
        if hasattr(self, "sales"):
            self.sales.close()

    def pick(self, number: int) -> sp.Document | None:
        found = list(self.desk.order("created"))
        return found[number % len(found)] if found else None

    def attempt(self, one: sp.Document, verdict: object, do: object) -> None:
        """Do it: what ``can`` refuses is refused, in the same words; what it allows may still ask for more than is left."""
        refusal = None
        try:
            do()
        except Refused as error:
            refusal = error
        if not verdict:
            assert str(refusal) == verdict.reason
        elif isinstance(refusal, sp.Invalid):
            assert {problem.code for problem in refusal.problems} <= {"left", "range"}
        elif refusal is not None:
            assert "delivered in full" in str(refusal)

    @rule(type=st.sampled_from(sp.DocumentType))
    def draft(self, type: sp.DocumentType) -> None:
        self.desk.draft(self.acme, type, lines=LINES)

    @rule(number=picks, move=st.sampled_from(SIMPLE))
    def do(self, number: int, move: Move) -> None:
        one = self.pick(number)
        if one is not None:
            call = getattr(self.desk, CALLED.get(move, move.value))
            more = {"force": True} if move is Move.DELETE else {}
            self.attempt(one, self.desk.can(one, move), lambda: call(one, **more))

    @rule(number=picks, into=st.sampled_from(sp.DocumentType), quantity=st.sampled_from([None, 1, 3]))
    def convert(self, number: int, into: sp.DocumentType, quantity: int | None) -> None:
        one = self.pick(number)
        if one is not None and (into in CONVERSIONS[one.type] or quantity is None):
            part = None if quantity is None else {0: quantity}
            self.attempt(
                one, self.desk.can(one, "convert", into=into), lambda: self.desk.convert(one, into, quantities=part)
            )

    @rule(number=picks, amount=st.sampled_from(["0.01", "100", "493.96"]))
    def pay(self, number: int, amount: str) -> None:
        one = self.pick(number)
        if one is not None:
            self.attempt(one, self.desk.can(one, "pay"), lambda: self.desk.pay(one, amount))

    @rule(number=picks)
    def edit(self, number: int) -> None:
        one = self.pick(number)
        if one is not None:
            self.attempt(
                one, self.desk.can(one, "edit"), lambda: self.desk.edit(one, note="Edited", lines=one.lines[:1])
            )

    @rule()
    def consolidate(self) -> None:
        drafts = [one for one in self.desk.where(type="invoice", sent=False) if not one.takes and not one.deducts]
        drafts = [one for one in drafts if self.desk.can(one, "consolidate")]
        if len(drafts) > 1:
            self.desk.consolidate(drafts[:3])

    @rule()
    def send_all(self) -> None:
        self.desk.where(sent=False).plan_send_all().run()

    @invariant()
    def the_rules_hold(self) -> None:
        if not hasattr(self, "sales"):
            return
        documents = list(self.desk.all())
        for one in documents:
            if one.sent:  # the content of what was sent never changes
                content = (one.lines, one.reference, one.date, one.buyer, one.sent_at, one.seal)
                assert self.contents.setdefault(one.id, content) == content
            if one.type == "invoice":
                notes = [note for note in documents if note.source_id == one.id and note.takes == "credit"]
                credited = sp.Money.total((note.total for note in notes if note.cancelled is None), one.currency)
                assert one.total.amount >= 0
                assert -credited.amount <= one.total.amount
        roots = [one.root_id or one.id for one in documents if one.superseded_by is None]
        assert len(roots) == len(set(roots))
        assert [problem for row in self.desk.verify_numbers() for problem in row.problems] == []
        assert [problem for row in self.desk.verify_seals() for problem in row.problems] == []


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
def test_whatever_is_done_the_rules_hold(kind, request, tmp_path, clock):
    from tests.stores.postgres_server import fresh, with_options

    counter = itertools.count(1)

    def opener() -> sp.Sales:
        url = "memory:"
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path / f'{next(counter)}.db'}?synchronous=NORMAL"
        elif kind == "postgres":
            url = with_options(request.getfixturevalue("postgres"), workspace=fresh())
        ids = itertools.count(1)
        return sp.open(url, actor="jane", mailer=Memory(), clock=clock, ids=lambda: f"id{next(ids):08d}")

    walk = type("Walk", (Walk,), {"opener": staticmethod(opener)})
    examples = 12 if kind == "memory" else 3
    run_state_machine_as_test(walk, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None))
