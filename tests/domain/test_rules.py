"""What may follow what, for documents and opportunities. (SPEC OPP-6, DOC-2 to DOC-5)"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import attrs
import pytest

import salespipeline as sp
from salespipeline.domain import rules
from salespipeline.domain.document import Approval, ClientAnswer, Document, Fact, Payment
from salespipeline.domain.facts import Share
from salespipeline.domain.opportunity import MOVES
from salespipeline.domain.rules import Move, Phase
from salespipeline.domain.sending import Reason, reasons
from salespipeline.errors import NotAllowed, NotEditable

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FACT = Fact(at=AT, by="jane")
PHASES = {Phase.DRAFT: {}, Phase.IN_TRANSIT: {"in_transit": "d7"}, Phase.SENT: {"sent_at": AT, "sent_by": "jane"}}


def document(type: str = "quote", **facts: object) -> Document:
    values = {"id": "1", "series": "s", "number": 17, "reference": "QUO/00017", "contact_id": "c", "owner_id": "jane"}
    values |= {
        "currency": sp.Currency("GBP"),
        "lines": (sp.Line("x", unit_price=5),),
        "created_at": AT,
        "created_by": "jane",
    }
    return Document(type=sp.DocumentType(type), **(values | facts))


# The table again, in the words of the rules: which phases of which types each move starts from.
D, S = Phase.DRAFT, Phase.SENT
EVERY = set(sp.DocumentType)
PAYABLE = {"invoice", "pro_forma", "purchase_order", "credit_note"}
EXPECTED = {
    Move.EDIT: (EVERY, {D}),
    Move.HOLD: (EVERY, {D, S}),
    Move.REQUEST_APPROVAL: (EVERY, {D}),
    Move.SEND: (EVERY, {D}),
    Move.ACCEPT: (EVERY, {S}),
    Move.REJECT: (EVERY, {S}),
    Move.PAY: (PAYABLE, {S}),
    Move.CANCEL: (EVERY, {D, S}),
    Move.DELETE: (EVERY, {D, S}),
    Move.DUPLICATE: (EVERY - {"purchase_order"}, set(Phase)),
    Move.REVISE: (EVERY - {"invoice", "credit_note"}, {S}),
    Move.CONVERT: (EVERY, {D, S}),
    Move.DEPOSIT: ({"quote", "pro_forma"}, {D, S}),
    Move.CONSOLIDATE: ({"invoice"}, {D}),
    Move.ASSIGN: (EVERY, {D, S}),
    Move.UNASSIGN: (set(), set()),
    Move.RELEASE: (set(), set()),
    Move.APPROVE: (set(), set()),
    Move.REFUSE: (set(), set()),
}


@pytest.mark.parametrize(("move", "type", "phase"), list(itertools.product(Move, sp.DocumentType, Phase)))
def test_every_move_of_every_type_in_every_phase(move, type, phase):
    one = document(type, **PHASES[phase])
    types, phases = EXPECTED[move]
    verdict = rules.can(one, move)
    assert bool(verdict) == (type in types and phase in phases)
    if verdict:
        rules.refuse(one, move)
    else:
        with pytest.raises((NotAllowed, NotEditable)) as caught:
            rules.refuse(one, move)
        assert str(caught.value) == verdict.reason


# What stands in the way of what, beside the phase: the table once more, by facts.
FACTS = {
    "held": {"held": FACT},
    "pending": {"approval": Approval.PENDING},
    "refused": {"approval": Approval.REFUSED},
    "approved": {"approval": Approval.APPROVED},
    "accepted": {"answer": ClientAnswer(accepted=True, at=AT, by="client")},
    "rejected": {"answer": ClientAnswer(accepted=False, at=AT, by="client")},
    "cancelled": {"cancelled": FACT},
    "superseded": {"superseded_by": "2"},
    "part paid": {"payments": (Payment(amount=sp.Money("1.00", "GBP"), on=date(2026, 11, 24), by="jane"),)},
    "paid": {"payments": (Payment(amount=sp.Money("5.00", "GBP"), on=date(2026, 11, 24), by="jane"),)},
    "taken from": {"taken": (Share(document_id="3", kind="credit", total=sp.Money("-1.00", "GBP")),)},
    "assigned": {"job_id": "j"},
}
STOPS = {
    Move.EDIT: {"cancelled", "superseded"},
    Move.HOLD: {"held", "cancelled", "superseded"},
    Move.REQUEST_APPROVAL: {"pending", "cancelled"},
    Move.SEND: {"held", "pending", "refused", "rejected", "cancelled", "superseded"},
    Move.ACCEPT: {"accepted", "cancelled", "superseded"},
    Move.REJECT: {"rejected", "cancelled", "superseded"},
    Move.PAY: {"cancelled", "superseded", "paid"},
    Move.CANCEL: {"cancelled", "part paid", "paid", "taken from"},
    Move.DELETE: {"taken from"},
    Move.DUPLICATE: set(),
    Move.REVISE: {"cancelled", "superseded", "taken from"},
    Move.CONVERT: {"rejected", "cancelled", "superseded"},
    Move.DEPOSIT: {"rejected", "cancelled", "superseded"},
    Move.CONSOLIDATE: {"held", "cancelled", "superseded", "taken from"},
    Move.ASSIGN: set(),
}
NEEDS = {Move.RELEASE: ("held", EVERY, {D, S}), Move.APPROVE: ("pending", EVERY, {D}),
         Move.REFUSE: ("pending", EVERY, {D}), Move.UNASSIGN: ("assigned", EVERY, {D, S})}  # fmt: skip


@pytest.mark.parametrize("fact", list(FACTS))
@pytest.mark.parametrize("move", list(Move))
def test_every_fact_stops_what_it_should_and_nothing_else(move, fact):
    for type, phase in itertools.product(sp.DocumentType, Phase):
        one = document(type, **PHASES[phase], **FACTS[fact])
        if move in NEEDS:
            needed, types, phases = NEEDS[move]
            expected = fact == needed and type in types and phase in phases
        else:
            types, phases = EXPECTED[move]
            expected = type in types and phase in phases and fact not in STOPS[move]
        assert bool(rules.can(one, move)) == expected, (type, phase)


def test_the_table_knows_every_move_and_every_type():
    assert set(rules.RULES) == set(Move) == set(EXPECTED)
    assert set(rules.CONVERSIONS) == EVERY


# Which type becomes which, when it was sent; a draft becomes no credit note.
BECOMES = {
    "quote": {"pro_forma", "invoice", "purchase_order", "delivery_note", "application_for_payment"},
    "pro_forma": {"invoice", "delivery_note"},
    "purchase_order": {"delivery_note"},
    "delivery_note": {"invoice"},
    "application_for_payment": {"invoice"},
    "invoice": {"credit_note", "delivery_note"},
    "credit_note": set(),
}


@pytest.mark.parametrize(("one", "into"), list(itertools.product(sp.DocumentType, repeat=2)))
def test_every_conversion(one, into):
    assert bool(rules.can(document(one, sent_at=AT), "convert", into=into)) == (into in BECOMES[one])
    drafted = into in BECOMES[one] and into != "credit_note"
    assert bool(rules.can(document(one), "convert", into=into)) == drafted


def test_a_refusal_names_the_way_out():
    with pytest.raises(NotEditable) as caught:
        rules.refuse(document(sent_at=AT), Move.EDIT)
    assert str(caught.value) == (
        "Quote 'QUO/00017' cannot be edited: it was sent on 2026-11-24; make a revision with documents.revise(), "
        "or a new one with documents.duplicate()."
    )


@pytest.mark.parametrize("move", [Move.HOLD, Move.EDIT, Move.CANCEL])
def test_a_document_in_transit_names_its_delivery(move):
    with pytest.raises(NotEditable, match="delivery d7"):
        rules.refuse(document(in_transit="d7"), move)


BARS = {
    "held": {"held": FACT},
    "pending": {"approval": Approval.PENDING},
    "refused": {"approval": Approval.REFUSED},
    "rejected": {"answer": ClientAnswer(accepted=False, at=AT, by="client")},
    "cancelled": {"cancelled": FACT},
    "superseded": {"superseded_by": "2"},
}


@pytest.mark.parametrize("facts", list(BARS.values()), ids=list(BARS))
def test_what_is_held_refused_rejected_or_cancelled_is_never_sent(facts):
    one = document(**facts)
    assert not rules.can(one, Move.SEND)
    assert reasons(one, today=date(2026, 11, 24), recipient=True)


def test_an_approval_that_nobody_knows_is_not_eligible():
    strange = attrs.evolve(document(), approval="someday")
    assert Reason.APPROVAL_REFUSED in reasons(strange, today=date(2026, 11, 24), recipient=True)


def test_reasons_are_all_given():
    one = document(held=FACT, cancelled=FACT, sent_at=AT, due=date(2026, 11, 23))
    assert reasons(one, today=date(2026, 11, 24), recipient=False) == (
        Reason.HELD,
        Reason.CANCELLED,
        Reason.ALREADY_SENT,
        Reason.EXPIRED,
        Reason.NO_ADDRESS,
    )


def test_the_word_shown_is_derived_from_the_facts():
    today = date(2026, 11, 24)
    paid = (Payment(amount=sp.Money("5.00", "GBP"), on=today, by="jane"),)
    assert document().state(today) == "draft"
    assert document(sent_at=AT).state(today) == "sent"
    assert document(sent_at=AT, due=date(2026, 11, 23)).state(today) == "expired"
    assert document(sent_at=AT, held=FACT).state(today) == "on hold"
    assert document("invoice", sent_at=AT, payments=paid).state(today) == "paid"
    assert document(sent_at=AT, cancelled=FACT).state(today) == "cancelled"


def test_opportunity_moves_agree_with_can(sales, deal):
    possible = {
        "open": {"edit", "hold", "win", "lose", "delete"},
        "on_hold": {"edit", "resume", "win", "lose", "delete"},
        "won": {"edit", "reopen", "delete"},
        "lost": {"edit", "reopen", "delete"},
    }
    for status in sp.Status:
        one = attrs.evolve(deal, status=status)
        assert {move for move in MOVES if one.can(move)} == possible[status]
