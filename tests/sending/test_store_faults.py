"""What a real store may do while a mail leaves: no room, no writes, a lost connection, a lost race. (SPEC SEND-6)

SQLite is told how many pages it may have, or that it is only read. PostgreSQL raises the very errors of a full disk, a
standby or a race from a trigger; its sessions are ended by the server; and a deadlock is a deadlock. What is only in memory
knows none of these: there, the store fails at every call (``test_faults``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from tests.stores.postgres_server import blocked, fresh, with_options

from salespipeline import delivery
from salespipeline.delivery import Sender
from salespipeline.domain import protocol
from salespipeline.errors import ReadOnly, StorageError, StorageFull
from salespipeline.patience import PAUSES
from salespipeline.worker import Worker

MOMENTS = {"T1": (Sender, "_start"), "T2": (Sender, "_settle")}


@pytest.fixture
def name() -> str:
    """The workspace, and the application that its sessions say they belong to: nobody else's."""
    return fresh()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path, name) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sales.db'}"
    return with_options(request.getfixturevalue("postgres"), workspace=name, application_name=name)


BOTH = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
POSTGRES = pytest.mark.parametrize("url", ["postgres"], indirect=True)


@pytest.fixture
def queue(sales, deal):
    """Two quotes that wait."""
    for _ in range(2):
        sales.documents.draft(deal, "quote")
    return sales.documents.order("reference").plan_send_all().queue()


@pytest.fixture
def admin(postgres) -> Callable[..., list[tuple]]:
    """Say something to the server on a session of its own."""
    import psycopg

    def say(text: str, *values: object) -> list[tuple]:
        with psycopg.connect(postgres, autocommit=True) as connection:
            cursor = connection.execute(text, values)
            return cursor.fetchall() if cursor.description else []

    return say


def triggered(admin, name, code, times=10**9):
    """Let the server answer with this error, so many times, to whoever writes down what becomes of a delivery."""
    fails = f"salespipeline.fails_{name}"
    admin(f"CREATE SEQUENCE {fails}_turn")
    admin(
        f"CREATE FUNCTION {fails}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('{fails}_turn') <= {times} "
        f"THEN RAISE EXCEPTION 'as told' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$"
    )
    admin(
        f"CREATE TRIGGER fails_{name} BEFORE UPDATE ON salespipeline.delivery FOR EACH ROW "
        f"WHEN (NEW.workspace = '{name}' AND NEW.state IN ('sending', 'sent')) EXECUTE FUNCTION {fails}()"
    )
    return lambda: admin(f"DROP FUNCTION {fails} CASCADE; DROP SEQUENCE {fails}_turn")


def pragma(sales, text):
    with sales.store._file.transaction(write=False) as connection:
        return connection.execute(f"PRAGMA {text}").fetchone()


FAULTS = {
    "no room": (StorageFull, "53100", lambda sales: pragma(sales, f"max_page_count = {pragma(sales, 'page_count')[0]}"),
                lambda sales: pragma(sales, "max_page_count = 1000000")),
    "no writes": (ReadOnly, "25006", lambda sales: pragma(sales, "query_only = ON"), lambda sales: pragma(sales, "query_only = OFF")),
}  # fmt: skip


@contextmanager
def broken(sales, url, fault, request) -> Iterator[None]:
    """Break the store until the end of the block."""
    _, code, breaks, mends = FAULTS[fault]
    if url.startswith("postgres"):
        mend = triggered(request.getfixturevalue("admin"), request.getfixturevalue("name"), code)
    else:
        breaks(sales)
        mend = partial(mends, sales)
    try:
        yield
    finally:
        mend()


def names(sales, batch):
    return [row.state.name for row in sales.deliveries.report(batch)]


def numbers(sales):
    """Every mail that left, by the number of its document, and those that are marked as sent."""
    sent = sorted(one.reference for one in sales.documents.where(sent=True))
    return sorted(one.content.partition(b"Subject: Quotation ")[2][:9].decode() for one in sales.mailer.sent), sent


@BOTH
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_store_that_cannot_write_at_t1_or_t2(sales, url, deal, moment, fault, monkeypatch, request):
    """Where T1 cannot be written nothing leaves; where T2 cannot, the mail is uncertain: never twice, never forgotten.

    A letter with many documents, so that there is more to write than the pages of a file have room for.
    """
    monkeypatch.setattr(protocol, "LEASE", -1)
    quotes = [sales.documents.draft(deal, "quote") for _ in range(12)]
    batch = sales.documents.all().plan_send_all(together=True).queue()
    owner, call = MOMENTS[moment]
    step = getattr(owner, call)
    with monkeypatch.context() as patch:

        def breaking(*args):
            with broken(sales, url, fault, request):
                return step(*args)

        patch.setattr(owner, call, breaking)
        with pytest.raises(FAULTS[fault][0]):
            Sender(sales, sleep=lambda _: None).deliver_next()
    assert len(sales.mailer.sent) == (moment == "T2")
    Worker(sales).work_off()
    assert len(sales.mailer.sent) == 1
    assert set(names(sales, batch)) == {"UNCERTAIN" if moment == "T2" else "SENT"}
    assert {sales.documents.get(one.id).sent for one in quotes} == {moment == "T1"}


@BOTH
def test_a_store_that_takes_no_writes_mails_nothing(sales, url, queue, opened, monkeypatch):
    """A worker on a standby, or on a file that it may not write."""
    if url.startswith("postgres"):
        other = opened(with_options(url, options="-c%20default_transaction_read_only=on"), mailer=sales.mailer)
    else:
        other = opened(url, mailer=sales.mailer)
        pragma(other, "query_only = ON")
    with pytest.raises(ReadOnly):
        Worker(other).work_off()
    assert (sales.mailer.tried, names(sales, queue)) == ([], ["QUEUED", "QUEUED"])
    Worker(sales).work_off()
    assert numbers(sales) == (["QUO/00001", "QUO/00002"],) * 2


# --- PostgreSQL ---------------------------------------------------------------------------------------------------

STEPS = {
    "the claim": (delivery, "take"),
    "inside the claim": (protocol, "claimed"),
    "the drawing": (Sender, "_prepare"),
    "T1": (Sender, "_start"),
    "inside T1": (protocol, "started"),
    "T2": (Sender, "_settle"),
    "inside T2": (delivery, "settle"),
}


@POSTGRES
@pytest.mark.parametrize("step", STEPS)
def test_a_backend_that_is_killed_loses_nothing(sales, queue, admin, name, step, monkeypatch):
    """The server ends the sessions of a worker before a step, or in the middle of its transaction."""
    owner, call = STEPS[step]
    inner, ended = getattr(owner, call), []

    def cut(*args, **facts):
        if not ended:
            ended.extend(
                admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", name)
            )
        return inner(*args, **facts)

    monkeypatch.setattr(owner, call, cut)
    waits: list[float] = []
    worker = Worker(sales, sender=Sender(sales, worker="one", sleep=waits.append))
    for _ in range(2):
        try:
            worker.work_off()
        except StorageError as error:
            assert error.retry  # noqa: PT017 - whether a step finds the line dead, the pool decides
    assert ended
    assert all(done for (done,) in ended)
    assert names(sales, queue) == ["SENT", "SENT"]
    assert numbers(sales) == (["QUO/00001", "QUO/00002"],) * 2


@POSTGRES
@pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialization failure", "deadlock"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_race_that_is_lost_at_t1_or_t2_is_run_again(sales, queue, admin, name, moment, code, monkeypatch):
    owner, call = MOMENTS[moment]
    step, waits, mends = getattr(owner, call), [], []

    def losing(*args):
        if not waits:
            waits.append(0.0)
            mends.append(triggered(admin, name, code, times=2))
        return step(*args)

    monkeypatch.setattr(owner, call, losing)
    worker = Worker(sales, sender=Sender(sales, worker="one", sleep=waits.append))
    for _ in range(3):
        try:
            worker.work_off()
        except StorageError as error:
            assert moment == "T1"  # there the claim is given back, and nothing was lost
            assert error.retry  # noqa: PT017
    assert names(sales, queue) == ["SENT", "SENT"]
    assert numbers(sales) == (["QUO/00001", "QUO/00002"],) * 2
    assert waits == ([0.0, *PAUSES[:2]] if moment == "T2" else [0.0])
    mends[0]()


HELD = "SELECT 1 FROM salespipeline.{} WHERE workspace = %s AND id = %s FOR UPDATE"


@POSTGRES
def test_a_deadlock_while_a_mail_is_settled_is_run_again(sales, queue, postgres, name, monkeypatch):
    """Somebody holds the delivery and waits for its document, which T2 holds while it waits for the delivery."""
    import psycopg

    step, waits, errors = Sender._settle, [], []

    def crossing(other, first):
        try:
            blocked(postgres)
            other.execute(HELD.format("document"), (name, first.document_id))
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)
        finally:
            other.close()

    def settle(self, sending, outcome):
        if waits or threads:
            return step(self, sending, outcome)
        other = psycopg.connect(postgres)
        other.execute("SET deadlock_timeout = '60s'")  # so that it is the worker who finds out, and loses
        other.execute(HELD.format("delivery"), (name, sending[0].id))
        threads.append(threading.Thread(target=crossing, args=(other, sending[0])))
        threads[0].start()
        return step(self, sending, outcome)

    threads: list[threading.Thread] = []
    monkeypatch.setattr(Sender, "_settle", settle)
    Worker(sales, sender=Sender(sales, worker="one", sleep=waits.append)).work_off()
    threads[0].join()
    assert errors == []
    assert waits == [PAUSES[0]]
    assert names(sales, queue) == ["SENT", "SENT"]
    assert numbers(sales) == (["QUO/00001", "QUO/00002"],) * 2
