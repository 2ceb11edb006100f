"""Sixteen workers at once, that are killed, on a server that crashes; sixteen people who press at once. (SPEC SEND-6)"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic

import psycopg
import pytest
from tests.faults.sending.killing import Children, found, mails, queued, server
from tests.stores.postgres_server import fresh, with_options

import salespipeline as sp
from salespipeline.errors import Unavailable

pytestmark = pytest.mark.faults
WORKERS = 16
LEASE = 20.0  # seconds


def left(url: str) -> int:
    """Return how many deliveries are not over."""
    states = ["queued", "claimed", "prepared", "sending", "waiting to retry"]
    try:
        with sp.open(url) as sales:
            return sum(sales.deliveries.where(state=state).count() for state in states)
    except Unavailable:  # the server is about to be back
        return 1


def crash(url: str) -> None:
    """Crash the server: one of its processes is killed, and it ends all others and recovers from its log."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url.partition("&workspace")[0]) as connection:
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        os.kill(pid, signal.SIGKILL)
        connection.execute("SELECT 1")


class Crowd:
    """So many workers, each replaced when it dies."""

    def __init__(self, children: Children, url: str, mailer: str) -> None:
        self.children = children
        self.start = lambda: children.start("send", url=url, mailer=mailer, lease=LEASE, stay=True)
        self.pids = [self.start() for _ in range(WORKERS)]

    def kill(self, place: int) -> None:
        self.children.kill(self.pids[place])
        self.pids[place] = self.start()

    def stop(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
        for pid in self.pids:
            self.children.ended(pid)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for pid in self.pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("faults", [False, True], ids=["no faults", "faults"])
def test_sixteen_workers(durable_postgres, faults, tmp_path: Path, children, scaled, enter) -> None:
    url, taken, chance = with_options(durable_postgres, workspace=fresh()), tmp_path / "taken", Random(16)
    documents, most, crashes = scaled(10_000), scaled(500) if faults else 0, scaled(20) if faults else 0
    queued(url, documents)
    clock, kills, crashed, begun = Event(), 0, 0, monotonic()
    looks, seldom = count(), 20 if faults else 1  # to ask how many are left costs as much as a mail
    with server(taken, 0.03 if faults else 0.0, 16) as mailer, Crowd(children, url, mailer) as crowd:
        while next(looks) % seldom or left(url):
            clock.wait(0.05 if faults else 0.5)
            done = mails(taken).total() / documents  # the faults are spread over the whole
            while kills < min(most, most * done * 1.2):
                crowd.kill(chance.randrange(WORKERS))
                kills += 1
            if crashed < min(crashes, crashes * done * 1.2):
                crash(url)
                crashed += 1
        took = monotonic() - begun
        crowd.stop()
    result = found(url, taken, kills)
    name = (
        f"{WORKERS} workers, {crashed} server crashes"
        if faults
        else f"{WORKERS} workers, {documents / took:.0f} mails/s"
    )
    enter(f"{name} · postgresql", 1, result)
    assert (result.twice, result.unmarked, result.lost) == (0, 0, 0), result
    assert result.uncertain <= kills + result.unanswered + crashed * WORKERS
    assert (kills, crashed) == (most, crashes)
    if not faults:
        assert result.mails == documents


def test_sixteen_presses_at_once(faults_url, tmp_path: Path, children, scaled, enter) -> None:
    taken, gate, rounds, clock = tmp_path / "taken", tmp_path / "gate", scaled(100), Event()
    with server(taken) as mailer:
        for _ in range(rounds):
            ids = queued(faults_url, 2, queue=False)
            gate.write_bytes(b"")
            with gate.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                pids = [children.start("press", url=faults_url, mailer=mailer, gate=str(gate)) for _ in range(WORKERS)]
                while gate.stat().st_size < WORKERS:
                    clock.wait(0.01)
                fcntl.flock(file, fcntl.LOCK_UN)
            for pid in pids:
                assert children.ended(pid) == 0
            with sp.open(faults_url) as sales:
                for id in ids:
                    states = [one.state.name for one in sales.deliveries.where(document=id)]
                    assert states.count("SENT") == 1, states
                    assert set(states) <= {"SENT", "SKIPPED"}, states
    result = found(faults_url, taken, 0)
    enter(f"{WORKERS} presses at once · {faults_url.partition(':')[0]}", rounds, result)
    assert (result.mails, result.violations, result.uncertain) == (result.documents, 0, 0), result
