"""Notices leave at most once, whatever a mailer or the store does. (SPEC NOTE-1, NOTE-2)"""

from __future__ import annotations

import pytest

from salespipeline import notices
from salespipeline.errors import Conflict, Unavailable
from salespipeline.mail import Memory
from salespipeline.patience import PAUSES, Patience
from salespipeline.ports import NotSent, Unknown
from salespipeline.posting import post


class Foreign(Memory):
    """Does something else than to answer, once."""

    def __init__(self, does):
        super().__init__()
        self.does = [does]

    def send(self, mail):
        return self.does.pop()() if self.does else super().send(mail)


@pytest.fixture
def desk(sales, deal):
    sales.settings.users.edit("tom", email="tom@northgate.example")
    for number in range(3):
        sales.notes.add(deal, f"Note {number}", "@tom")
    return sales


@pytest.fixture
def waits(monkeypatch):
    """How long was waited, where nobody waits."""
    slept = []
    monkeypatch.setattr(notices, "Patience", lambda: Patience(slept.append, lambda: 0.5))
    return slept


def states(desk):
    return sorted(one.state.value for one in desk.notices)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (lambda: 1 // 0, "the mailer failed with ZeroDivisionError"),
        (lambda: None, "the mailer answered with NoneType, which says nothing"),
        (lambda: True, "the mailer answered with bool, which says nothing"),
    ],
)
def test_what_a_foreign_mailer_does_instead_of_answering_makes_one_uncertain(desk, deal, does, reason):
    assert post(Foreign(does), None) == Unknown(reason=reason)
    desk._mailer = Foreign(does)
    desk.notices.deliver()
    assert states(desk) == ["sent", "sent", "uncertain"]
    assert [one.reason for one in desk.notices.where(state="uncertain")] == [reason]
    desk._mailer = Foreign(does)
    desk.documents.draft(deal, "quote")
    (row,) = desk.documents.where(type="quote").plan_send_all().run()
    assert (row.state.value, row.reason) == ("uncertain", reason)


@pytest.mark.parametrize("error", [Unavailable("the server starts anew"), Conflict("", kind="notice", id="x")])
def test_what_became_of_one_is_written_even_if_the_store_is_away_for_a_moment(desk, waits, monkeypatch, error):
    settle, failures = notices.Notices._settle, [error] * 3

    def failing(*args):
        if failures:
            raise failures.pop()
        return settle(*args)

    monkeypatch.setattr(notices.Notices, "_settle", failing)
    desk.notices.deliver()
    assert states(desk) == ["sent"] * 3
    assert waits == (list(PAUSES[:3]) if isinstance(error, Unavailable) else [0.01] * 3)
    assert len(desk.mailer.sent) == 3


def test_an_answer_that_comes_after_the_lease_changes_nothing(desk, monkeypatch):
    """By then it is uncertain, or a person has decided, and it may be on its way again."""
    monkeypatch.setattr("salespipeline.domain.notices.LEASE", -1)
    send, late = desk.mailer.send, []

    def slow(mail):
        outcome = send(mail)
        if not late:
            (found,) = desk.notices.recover()
            late.append(found.state.value)
            desk.notices.resolve(found, "not_sent")
        return outcome

    monkeypatch.setattr(desk.mailer, "send", slow, raising=False)
    assert [one.state.value for one in desk.notices.deliver()] == ["failed", "sent", "sent"]
    assert late == ["uncertain"]


def test_a_server_that_takes_nothing_is_asked_once_and_loses_nothing(desk):
    desk._mailer = Memory([NotSent(reason="wrong password", code=535, everything=True)])
    (one,) = desk.notices.deliver()
    assert (one.state.value, one.reason) == ("queued", "wrong password")
    assert len(desk.mailer.tried) == 1
    assert states(desk) == ["queued"] * 3
    assert len(desk.notices.deliver()) == 2  # the first waits for its time
    assert states(desk) == ["queued", "sent", "sent"]


def test_a_file_that_cannot_be_read_for_a_moment_puts_it_off(sales, deal, monkeypatch):
    plan = sales.attachments.add(deal, "Plan.txt", b"forty bays", audience="both")
    sales.notes.mail(deal, "The plan", "Here it is.", files=[plan])

    def away(_digest):
        raise Unavailable("the server starts anew")

    with monkeypatch.context() as patch:
        patch.setattr(sales.blobs, "read", away, raising=False)
        (one,) = sales.notices.deliver()
    assert (one.state.value, one.reason, sales.mailer.tried) == ("queued", "the server starts anew", [])
