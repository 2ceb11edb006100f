"""A worker: sends what is queued, rings alerts and mails notices. ``python -m salespipeline.worker URL``

Run as many as you like: on one SQLite file, or on PostgreSQL from any number of machines. Each letter is claimed by
one of them, under a lease; one that is killed leaves its letter to the others, or, where it may have left, to a person.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from salespipeline import batches
from salespipeline.batches import Breaker
from salespipeline.claiming import Taken, open_batches
from salespipeline.delivery import Delivered, Sender
from salespipeline.domain.sending import BatchState
from salespipeline.errors import Conflict, OpenError, SalesPipelineError, StorageError
from salespipeline.following import tell_all
from salespipeline.ports import Mailer
from salespipeline.ringing import ring_all

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Worker", "main"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
BEAT = 60.0  # seconds between two lines that say that a worker lives
DESK = 10.0  # seconds for which alerts and notices may wait while letters leave
_LEVELS = {"quiet": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


class Worker:
    """Sends what is queued, until ``stop`` is called. For one thread, and a process or thread of its own.

    With *desk* it also lets alerts ring, tells who follows what has changed, and delivers the notices of these and of notes.
    *beat* is called between two letters, and whenever there is nothing to do: for whoever watches that the worker lives.
    Its log lines are an event and ``name=value`` pairs: ids and numbers, never an address or a word of a mail.

    >>> batch = sales.documents.all().plan_send_all().queue()
    >>> Worker(sales).work_off()
    1
    >>> print(sales.deliveries.report(batch))
    Sent all: 1 sent
    """

    def __init__(
        self,
        sales: Sales,
        *,
        name: str = "",
        sender: Sender | None = None,
        beat: Callable[[], object] = lambda: None,
        desk: bool = True,
    ) -> None:
        self.sales = sales = sales.unguarded()  # what waits was asked about when it was queued
        self.desk = desk
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident():x}"
        self.sender = sender if sender is not None else Sender(sales, worker=self.name)
        self.letters = 0  # how many it has carried
        self.notices = 0
        self._beat = beat
        self._beaten = monotonic()
        self._looked = monotonic()  # when it last cared for the desk
        self._wait: float | None = None  # until a batch whose pace is limited has its next turn
        self._breakers: dict[str, Breaker] = {}
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop after the letter that is on its way."""
        self._stopping.set()

    def run(self, *, idle: float = 2.0) -> None:
        """Work until ``stop`` is called; look again every *idle* seconds where nothing waits.

        A store that cannot be reached is asked again and again: the worker lives on.
        """
        log.info("started worker=%s", self.name)
        while not self._stopping.is_set():
            self._wait = None
            try:
                self.work_off()
            except StorageError as error:
                log.warning("store_away worker=%s error=%s", self.name, type(error).__name__)
            self._alive("idle")
            self._stopping.wait(idle if self._wait is None else min(idle, self._wait))
        log.info("stopped worker=%s letters=%d notices=%d", self.name, self.letters, self.notices)

    def work_off(self) -> int:
        """Send everything that waits now; return how many letters there were. What dead workers left is taken up.

        Notices are told after the letters, or between them where these take long.
        """
        before = self.letters
        self._tidy()
        passed: set[str] = set()  # letters that others were about to take
        while not self._stopping.is_set():
            try:
                done = self.sender.deliver_next(passing=passed)
            except Conflict:  # where a store lets two of us ask for the same, the second asks again
                continue
            if isinstance(done, Delivered):
                self._judge(done)
                passed.clear()
            elif done.passed:
                passed.add(done.passed)
            else:
                self._rest(done)
                break
            self._alive("busy")
            if monotonic() - self._looked >= DESK:
                self._see_to_the_desk()
        self._see_to_the_desk()
        return self.letters - before

    def _see_to_the_desk(self) -> None:
        """Let alerts ring, tell followers, and mail the notices; without a sender's address these wait."""
        self._looked = monotonic()
        if not self.desk or self._stopping.is_set():
            return
        for alert in ring_all(self.sales, self.sales.now()):
            log.info("rang alert=%s worker=%s", alert.id, self.name)
        tell_all(self.sales)
        if not self.sales.settings.organisation.email:
            return
        for notice in self.sales.notices.delivering():
            self.notices += 1
            log.info("told notice=%s worker=%s state=%s", notice.id, self.name, notice.state)
            self._alive("busy")
            if self._stopping.is_set():
                break

    def _judge(self, delivered: Delivered) -> None:
        """Count a letter, and pause its batch where the server refuses everything."""
        self.letters += 1
        batch = delivered.deliveries[0].batch_id if delivered.deliveries else ""
        trouble = self._breakers.setdefault(batch, Breaker()).trouble(delivered)
        if trouble:
            batches.close(self.sales, batch, trouble)
            self._breakers.pop(batch)
            log.warning("paused batch=%s worker=%s", batch, self.name)

    def _rest(self, taken: Taken) -> None:
        """Nothing is left to take: write down which batches are done."""
        self._wait = taken.wait
        with self.sales.work(write=False) as work:
            running = [batch.id for batch in open_batches(work) if batch.state is BatchState.RUNNING]
        for batch in running:
            batches.close(self.sales, batch)

    def _tidy(self) -> None:
        if number := self.sales.deliveries.recover():
            log.info("recovered worker=%s deliveries=%d", self.name, number)

    def _alive(self, state: str) -> None:
        self._beat()
        if monotonic() - self._beaten >= BEAT:
            self._beaten = monotonic()
            log.info("heartbeat worker=%s state=%s letters=%d notices=%d", self.name, state, self.letters, self.notices)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker from the command line; SIGTERM and SIGINT let it finish its letter."""
    from salespipeline.opening import open

    parser = argparse.ArgumentParser(prog="python -m salespipeline.worker", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="the store, such as sqlite:///deals.db or postgresql://…?workspace=acme")
    parser.add_argument("--mailer", metavar="URL", default=os.environ.get("SALESPIPELINE_MAILER", ""),
                        help="smtp://user:password@host:587, folder:PATH or maildir:PATH; "
                             "better in SALESPIPELINE_MAILER")  # fmt: skip
    parser.add_argument("--name", default="", help="what the deliveries say who sent them; host and process by default")
    parser.add_argument(
        "--idle", type=float, default=2.0, metavar="SECONDS", help="how long to wait where nothing is queued"
    )
    parser.add_argument("--no-desk", action="store_true", help="leave alerts, followers and notices to others")
    parser.add_argument("--once", action="store_true", help="stop when nothing waits any more")
    parser.add_argument(
        "--alive",
        type=Path,
        metavar="FILE",
        help="a file to touch after each letter and whenever there is nothing to do",
    )
    parser.add_argument("--log", choices=_LEVELS, default="info", help="how much to say (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=_LEVELS[chosen.log], format="%(asctime)s %(levelname)s %(message)s")
    try:
        mailer = _mailer(chosen.mailer)
        sales = open(chosen.url, actor="worker", mailer=mailer)
    except SalesPipelineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    with sales:
        beat: Callable[[], object] = chosen.alive.touch if chosen.alive is not None else lambda: None
        worker = Worker(sales, name=chosen.name, beat=beat, desk=not chosen.no_desk)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        try:
            if chosen.once:
                worker.work_off()
            else:
                worker.run(idle=chosen.idle)
        except SalesPipelineError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
    return 0


def _mailer(url: str) -> Mailer:
    from salespipeline import mail

    kind, _, path = url.partition(":")
    if kind in ("folder", "maildir") and path:
        return mail.Folder(path) if kind == "folder" else mail.Maildir(path)
    if not url:
        raise OpenError("say how to mail: --mailer smtp://… or the environment variable SALESPIPELINE_MAILER")
    return mail.Smtp(url)


if __name__ == "__main__":
    raise SystemExit(main())
