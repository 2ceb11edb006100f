"""Workers: who takes what, what is given back, what they say, and how they stop. (SPEC SEND-6, SEND-7)"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

import salespipeline as sp
from salespipeline import claiming, delivery
from salespipeline.delivery import Sender
from salespipeline.domain import protocol
from salespipeline.errors import Conflict, Unavailable
from salespipeline.patience import PAUSES
from salespipeline.ports import Accepted, NotSent
from salespipeline.work import Work
from salespipeline.worker import Worker


@pytest.fixture
def drafts(sales, deal):
    return [sales.documents.draft(deal, "quote") for _ in range(4)]


@pytest.fixture
def queue(sales, drafts):
    return lambda **facts: sales.documents.order("reference").plan_send_all(**facts.pop("plan", {})).queue(**facts)


def names(sales, batch):
    return [row.state.name for row in sales.deliveries.report(batch)]


def test_workers_take_turns_through_one_queue_the_oldest_first(sales, post, queue):
    mailer = post()
    batch = queue()
    one, two = (Sender(sales, worker=name) for name in ("one", "two"))
    taken = [sender.deliver_next() for sender in (one, two, two, one)]
    assert [done.deliveries[0].document_reference for done in taken] == [f"QUO/0000{n}" for n in (1, 2, 3, 4)]
    assert isinstance(one.deliver_next(), claiming.Taken)
    assert names(sales, batch) == ["SENT"] * 4
    assert [row.worker for row in sales.deliveries.of_batch(batch)] == ["one", "two", "two", "one"]
    assert len(mailer.sent) == 4


def test_what_is_tried_again_comes_first(sales, post, queue):
    post(NotSent(reason="not now", code=451, temporary=True, everything=True))  # which may go again at once
    queue()
    sender = Sender(sales)
    order = [sender.deliver_next().deliveries[0].document_reference for _ in range(3)]
    assert order == ["QUO/00001", "QUO/00001", "QUO/00002"]


def test_a_letter_of_several_documents_is_taken_by_whoever_holds_its_first(sales, post, queue, monkeypatch):
    """As on PostgreSQL, where the second of two workers is given the next row: here the first row is passed over."""
    mailer = post()
    queue(plan={"together": True})
    first = sales.deliveries.of_batch(sales.deliveries.batches()[0])[0]
    inner = Work.claim

    def another(work, query):
        return (one for one in inner(work, claiming.attrs.evolve(query, limit=9)) if one.id != first.id)

    with monkeypatch.context() as patch, sales.work() as work:
        patch.setattr(Work, "claim", another)
        taken = claiming.take(work, worker="two")
    assert (taken.held, taken.passed) == ((), first.letter)
    assert Sender(sales).deliver_next(passing=[first.letter]) == claiming.Taken()
    assert len(Sender(sales).deliver_next().deliveries) == 4
    assert len(mailer.sent) == 1


def test_a_worker_asks_again_where_another_was_faster(sales, post, queue, monkeypatch):
    post()
    batch = queue()
    claimed, failures = delivery.take, [Conflict("somebody was faster", kind="delivery", id="x")] * 2

    def take(*args: object, **facts: object) -> object:
        if failures:
            raise failures.pop()
        return claimed(*args, **facts)

    monkeypatch.setattr(delivery, "take", take)
    assert Worker(sales).work_off() == 4
    assert names(sales, batch) == ["SENT"] * 4


def test_workers_that_come_to_the_end_of_a_batch_at_once_both_go_on(sales, post, queue, monkeypatch):
    """Where a store lets both ask whether anything is left, the second finds it written down already."""
    post()
    batch = queue()
    keep, failures = Work.keep, [Conflict("somebody was faster", kind="batch", id=batch)] * 2

    def kept(work: Work, after: object, *args: object, action: str) -> object:
        if action == "done" and failures:
            raise failures.pop()
        return keep(work, after, *args, action=action)

    monkeypatch.setattr(Work, "keep", kept)
    assert Worker(sales).work_off() == 4
    assert failures == []
    assert sales.deliveries.batches()[0].state == "done"


def test_a_paced_batch_holds_up_nobody(sales, post, queue, deal):
    post()
    slow = queue(per_second=0.01)
    quick = sales.documents.draft(deal, "quote", subject="Quick")
    other = sales.documents.where(text="quick").plan_send_all().queue()
    worker = Worker(sales)
    assert worker.work_off() == 2
    assert names(sales, slow) == ["SENT", "QUEUED", "QUEUED", "QUEUED"]
    assert names(sales, other) == ["SENT"]
    assert sales.documents.get(quick.id).sent
    assert 90 < worker._wait <= 100
    assert [batch.state for batch in sales.deliveries.batches()] == ["done", "running"]
    assert not any(one.lease_until for one in sales.deliveries), "nothing is held while a turn is waited for"


# --- what the store loses sight of ----------------------------------------------------------------------------


def failing(function, times, error):
    """Return *function*, which fails so many times before it works."""
    left = [error] * times

    def call(*args: object, **facts: object) -> object:
        if left:
            raise left.pop()
        return function(*args, **facts)

    return call


@pytest.mark.parametrize("error", [Unavailable("the server starts anew"), Conflict("", kind="document", id="x")])
def test_what_became_of_a_mail_is_written_even_if_the_store_is_away_for_a_moment(
    sales, post, queue, monkeypatch, error
):
    mailer, waits = post(), []
    batch = queue()
    monkeypatch.setattr(delivery, "settle", failing(delivery.settle, 3, error))
    done = Sender(sales, sleep=waits.append, chance=lambda: 0.5).deliver_next()
    assert [one.state.name for one in done.deliveries] == ["SENT"]
    assert waits == (list(PAUSES[:3]) if isinstance(error, Unavailable) else [0.01] * 3)
    assert names(sales, batch) == ["SENT", "QUEUED", "QUEUED", "QUEUED"]
    assert len(mailer.sent) == 1


def test_a_store_that_stays_away_leaves_it_uncertain(sales, post, queue, monkeypatch):
    post()
    batch = queue()
    monkeypatch.setattr(delivery, "settle", failing(delivery.settle, 99, Unavailable("the server is gone")))
    with pytest.raises(Unavailable):
        Sender(sales, sleep=lambda _: None).deliver_next()
    assert names(sales, batch)[0] == "SENDING"
    assert sales.deliveries.recover() == 0, "the lease runs"


@pytest.mark.parametrize("error", [Unavailable("away"), Conflict("", kind="document", id="x")])
def test_a_claim_is_given_back_where_the_store_fails_before_the_mail_leaves(sales, post, queue, monkeypatch, error):
    mailer = post()
    batch = queue()
    monkeypatch.setattr(protocol, "started", failing(protocol.started, 1, error))
    sender = Sender(sales, sleep=lambda _: None)
    if isinstance(error, Unavailable):
        with pytest.raises(Unavailable):
            sender.deliver_next()
    else:
        assert [one.state.name for one in sender.deliver_next().deliveries] == ["QUEUED"]
    assert names(sales, batch) == ["QUEUED"] * 4
    assert mailer.sent == []
    assert Worker(sales).work_off() == 4
    assert names(sales, batch) == ["SENT"] * 4


def test_a_lost_answer_to_t1_is_no_mail(sales, post, queue, monkeypatch, drafts):
    """The intent was committed, the answer to the commit lost: nothing left, and it goes again at once."""
    mailer = post()
    batch = queue()
    start = Sender._start

    def lost(*args: object) -> object:
        start(*args)
        raise Unavailable("the line dropped at the commit")

    monkeypatch.setattr(Sender, "_start", lost)
    with pytest.raises(Unavailable):
        Sender(sales).deliver_next()
    monkeypatch.undo()
    assert names(sales, batch)[0] == "RETRY_WAIT"
    assert sales.documents.get(drafts[0].id).in_transit is None
    assert mailer.sent == []
    assert Worker(sales).work_off() == 4
    assert len(mailer.sent) == 4


def test_cancelling_while_workers_work_leaves_out_all_that_has_not_left(sales, post, queue, monkeypatch):
    mailer = post()
    batch = queue()

    def cancelling(mail: object) -> Accepted:
        if len(mailer.sent) == 2:
            sales.deliveries.cancel(batch, why="wrong prices")
        return Accepted()

    inner = mailer.send
    monkeypatch.setattr(mailer, "send", lambda mail: (inner(mail), cancelling(mail))[1], raising=False)
    assert Worker(sales).work_off() == 2
    assert names(sales, batch) == ["SENT", "SENT", "SKIPPED", "SKIPPED"]
    assert sales.deliveries.batches()[0].state == "done"


# --- what they say, and how they stop --------------------------------------------------------------------------


def test_it_stops_after_the_letter_that_is_on_its_way(sales, post, queue):
    mailer = post()
    batch = queue()
    worker = Worker(sales, beat=lambda: worker.stop())
    worker.run()
    assert names(sales, batch) == ["SENT", "QUEUED", "QUEUED", "QUEUED"]
    assert len(mailer.sent) == worker.letters == 1


def test_it_lives_on_while_the_store_is_away(sales, post, queue, monkeypatch, caplog):
    post()
    batch = queue()
    monkeypatch.setattr(delivery, "take", failing(delivery.take, 2, Unavailable("the server starts anew: secret")))
    worker = Worker(sales, name="w1")

    def beat() -> None:
        if "QUEUED" not in names(sales, batch):
            worker.stop()

    worker._beat = beat
    with caplog.at_level("INFO", logger="salespipeline.worker"):
        worker.run(idle=0.001)
    assert names(sales, batch) == ["SENT"] * 4
    assert caplog.messages == [
        "started worker=w1",
        "store_away worker=w1 error=Unavailable",
        "store_away worker=w1 error=Unavailable",
        "stopped worker=w1 letters=4 notices=0",
    ]


def test_the_log_names_ids_and_nothing_else(sales, post, queue, caplog, monkeypatch):
    from salespipeline import worker

    monkeypatch.setattr(worker, "BEAT", 0.0)
    post(NotSent(reason="550 no buyer@acme.example here", code=550), RuntimeError("buyer@acme.example"))
    batch = queue()
    with caplog.at_level("DEBUG", logger="salespipeline"):
        Worker(sales, name="w1").work_off()
    assert names(sales, batch) == ["FAILED", "UNCERTAIN", "SENT", "SENT"]
    lines = [line for line in caplog.messages if line.startswith(("settled", "heartbeat"))]
    assert len(lines) == 8
    pairs = r"[a-z_]+( (delivery|batch|worker|state|letters|deliveries|notices)=[\w-]+)+"
    assert all(re.fullmatch(pairs, line) for line in lines), lines
    assert not any("acme" in line or "warehouse" in line.lower() for line in caplog.messages)


def test_a_worker_from_the_shell_works_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    """A process of its own: it sends what is queued into a Maildir, says that it lives, and ends on SIGTERM."""
    url, box, alive = f"sqlite:///{tmp_path / 'sales.db'}", tmp_path / "box", tmp_path / "alive"
    with sp.open(url, actor="jane") as sales:
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        sales.documents.draft(acme, "quote", subject="Racking", lines=[sp.Line("Bay", unit_price="10")])
        batch = sales.documents.all().plan_send_all().queue()
        command = [sys.executable, "-m", "salespipeline.worker", url, "--name", "w1", "--alive", str(alive)]
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=os.environ | {"SALESPIPELINE_MAILER": f"maildir:{box}"}
        ) as process:
            assert process.stderr is not None
            lines = [process.stderr.readline()]
            while "settled" not in lines[-1]:
                lines.append(process.stderr.readline())
                assert lines[-1], lines
            process.send_signal(signal.SIGTERM)
            lines += process.stderr.readlines()
        assert process.returncode == 0
        assert lines[0].endswith("INFO started worker=w1\n")
        assert lines[-1].endswith("INFO stopped worker=w1 letters=1 notices=0\n")
        assert names(sales, batch) == ["SENT"]
    assert alive.exists()
    assert len(list((box / "new").iterdir())) == 1


def test_workers_that_settle_at_once_make_one_chain_of_seals(sales, post, queue, url, opened, drafts):
    """Where writers do not take turns, the second waits for the first, and does not meet its Conflict. (SPEC DOC-7)"""
    if url == "memory:":
        pytest.skip("writers take turns")
    post()
    batch = queue()
    errors, waits = [], []

    def work(number):
        try:
            other = opened(url, ids=lambda: uuid.uuid4().hex)
            sender = Sender(other, worker=str(number), sleep=waits.append)
            while isinstance(sender.deliver_next(), delivery.Delivered):
                pass
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, waits) == ([], [])
    assert names(sales, batch) == ["SENT"] * 4
    seals = sorted((sales.documents.get(one.id).seal for one in drafts), key=lambda seal: seal.position)
    assert [seal.position for seal in seals] == [1, 2, 3, 4]
    assert [seal.previous for seal in seals[1:]] == [seal.link for seal in seals[:-1]]
