"""Every move of every type in every state through the façade, on every store: what ``can`` says is what happens. (SPEC EXT-4)"""

from __future__ import annotations

import attrs
import pytest

import salespipeline as sp
from salespipeline.domain.rules import RULES, Move
from salespipeline.errors import NotAllowed, NotEditable

LINES = [sp.Line("Desk", quantity=4, unit_price="100.00", tax="20")]


class Undone(Exception):
    """Takes back what a try has done."""


def sent(desk, one):
    return desk.mark_sent(one)


def in_transit(desk, one):
    """Return it as a delivery has it in hand."""
    with desk._sales.work() as work:
        return work.keep(attrs.evolve(one, in_transit="the delivery"), one, action="taken")


def revised(desk, one):
    desk.revise(one)
    return desk.get(one.id)


def taken(desk, one):
    TAKEN[one.type](desk, one)
    return desk.get(one.id)


TAKEN = {
    sp.DocumentType.INVOICE: lambda desk, one: desk.convert(one, "credit note", quantities={0: 1}),
    sp.DocumentType.PURCHASE_ORDER: lambda desk, one: desk.convert(one, "delivery note", quantities={0: 1}),
    sp.DocumentType.QUOTE: lambda desk, one: desk.deposit(one, "10%"),
    sp.DocumentType.PRO_FORMA: lambda desk, one: desk.deposit(one, "10%"),
}
STATES = {
    "draft": lambda desk, one: one,
    "held": lambda desk, one: desk.hold(one),
    "pending": lambda desk, one: desk.request_approval(one),
    "approved": lambda desk, one: desk.approve(desk.request_approval(one)),
    "refused": lambda desk, one: desk.refuse(desk.request_approval(one)),
    "cancelled": lambda desk, one: desk.cancel(one),
    "assigned": lambda desk, one: desk.assign(one, new="Erect"),
    "sent": sent,
    "sent and held": lambda desk, one: desk.hold(sent(desk, one)),
    "accepted": lambda desk, one: desk.accept(sent(desk, one)),
    "rejected": lambda desk, one: desk.reject(sent(desk, one)),
    "sent and cancelled": lambda desk, one: desk.cancel(sent(desk, one)),
}
LATER = {  # what only some types come to
    "in transit": (lambda desk, one: in_transit(desk, one), frozenset(sp.DocumentType)),
    "part paid": (lambda desk, one: desk.pay(sent(desk, one), "1.00"), RULES[Move.PAY].types),
    "paid": (lambda desk, one: desk.pay(sent(desk, one), "480.00"), RULES[Move.PAY].types),
    "superseded": (lambda desk, one: revised(desk, sent(desk, one)), RULES[Move.REVISE].types),
    "taken from": (lambda desk, one: taken(desk, sent(desk, one)), frozenset(TAKEN)),
}
CASES = [(type, state) for type in sp.DocumentType for state in STATES]
CASES += [(type, state) for state, (_, types) in LATER.items() for type in sorted(types)]
MOVES = {
    Move.EDIT: lambda desk, one: desk.edit(one, note="Edited"),
    Move.HOLD: lambda desk, one: desk.hold(one),
    Move.RELEASE: lambda desk, one: desk.release(one),
    Move.REQUEST_APPROVAL: lambda desk, one: desk.request_approval(one),
    Move.APPROVE: lambda desk, one: desk.approve(one),
    Move.REFUSE: lambda desk, one: desk.refuse(one),
    Move.SEND: lambda desk, one: desk.mark_sent(one),
    Move.ACCEPT: lambda desk, one: desk.accept(one),
    Move.REJECT: lambda desk, one: desk.reject(one),
    Move.PAY: lambda desk, one: desk.pay(one, "1.00"),
    Move.CANCEL: lambda desk, one: desk.cancel(one),
    Move.DELETE: lambda desk, one: desk.delete(one, force=True),
    Move.DUPLICATE: lambda desk, one: desk.duplicate(one),
    Move.REVISE: lambda desk, one: desk.revise(one),
    Move.DEPOSIT: lambda desk, one: desk.deposit(one, "10%"),
    Move.CONSOLIDATE: lambda desk, one: desk.consolidate([one, twin(desk, one)]),
    Move.ASSIGN: lambda desk, one: desk.assign(one, new="Erect"),
    Move.UNASSIGN: lambda desk, one: desk.unassign(one),
}


def twin(desk, one):
    return desk.draft(desk._sales.contacts.get(one.contact_id), one.type, lines=LINES)


@pytest.fixture
def make(sales):
    acme = sales.contacts.where(text="acme").one()
    ways = STATES | {state: way for state, (way, _) in LATER.items()}
    return lambda type, state: ways[state](sales.documents, sales.documents.draft(acme, type, lines=LINES))


@pytest.mark.parametrize(("type", "state"), CASES)
def test_what_can_says_is_what_happens(sales, make, type, state):
    one, desk = make(type, state), sales.documents
    attempts = dict(MOVES.items())
    for move in Move:
        if move is Move.CONVERT:
            for into in sp.DocumentType:
                part = {0: 1} if (state, into) == ("taken from", "credit_note") else None  # three are left
                verdict = desk.can(one, move, into=into)
                hold_to(sales, one, verdict, lambda into=into, part=part: desk.convert(one, into, quantities=part))
        else:
            hold_to(sales, one, desk.can(one, move), lambda move=move: attempts[move](desk, one))
    assert desk.get(one.id) == one


def undone(sales, attempt):
    with sales.transaction():
        attempt()
        raise Undone


def hold_to(sales, one, verdict, attempt):
    before = sales.documents.count()
    expected = Undone if verdict else (NotAllowed, NotEditable)
    with pytest.raises(expected) as caught:
        undone(sales, attempt)
    if not verdict:
        assert str(caught.value) == verdict.reason
    assert sales.documents.count() == before
