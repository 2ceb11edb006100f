"""Every move of every type in every state through the façade, on every store: what ``can`` says is what happens. (SPEC EXT-4)"""

from __future__ import annotations

import pytest

import salespipeline as sp
from salespipeline.domain.rules import CONVERSIONS, Move
from salespipeline.errors import NotAllowed, NotEditable

LINES = [sp.Line("Desk", quantity=4, unit_price="100.00", tax="20")]


class Undone(Exception):
    """Takes back what a try has done."""


def sent(desk, one):
    return desk.mark_sent(one)


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
    return lambda type, state: STATES[state](sales.documents, sales.documents.draft(acme, type, lines=LINES))


@pytest.mark.parametrize("state", list(STATES))
@pytest.mark.parametrize("type", list(sp.DocumentType))
def test_what_can_says_is_what_happens(sales, make, type, state):
    one, desk = make(type, state), sales.documents
    attempts = dict(MOVES.items())
    for move in Move:
        if move is Move.CONVERT:
            for into in sp.DocumentType:
                if into in CONVERSIONS[type] or into == "quote":
                    hold_to(sales, one, desk.can(one, move, into=into), lambda into=into: desk.convert(one, into))
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
