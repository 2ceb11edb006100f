"""A worker: takes what is queued for mailing, from any batch, and sends it. ``python -m salespipeline.worker URL``

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
from collections.abc import Sequence
from typing import TYPE_CHECKING

from salespipeline import batches
from salespipeline.batches import Breaker
from salespipeline.delivery import Sender
from salespipeline.domain.sending import BatchState, DeliveryState
from salespipeline.errors import Conflict, OpenError, SalesPipelineError, StorageError, Unavailable
from salespipeline.ports import Mailer
from salespipeline.query import All, Cmp, Not, OneOf, Query

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Worker", "main"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
AHEAD = 32  # how many letters are looked at together, so that workers who look at once do not all take the same one
SWEEP = 30.0  # seconds between two looks for what a dead worker has left


class Worker:
    """Sends what is queued, until ``stop`` is called. For one thread, and a process or thread of its own.

    >>> batch = sales.documents.all().plan_send_all().queue()
    >>> Worker(sales).work_off()
    1
    >>> print(sales.deliveries.report(batch))
    Sent all: 1 sent
    """

    def __init__(self, sales: Sales, *, name: str = "", sender: Sender | None = None) -> None:
        self.sales = sales
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident():x}"
        self.sender = sender if sender is not None else Sender(sales, worker=self.name)
        self._breakers: dict[str, Breaker] = {}
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop after the letter that is on its way."""
        self._stopping.set()

    def run(self, *, idle: float = 2.0) -> None:
        """Work until ``stop`` is called; look again every *idle* seconds where nothing waits.

        A store that cannot be reached is asked again and again: the worker lives on.
        """
        log.info("worker %s started", self.name)
        swept = 0.0
        while not self._stopping.is_set():
            try:
                done = self.work_off()
                if swept >= SWEEP:
                    swept = 0.0
                    self.sales.deliveries.recover()
            except StorageError as error:
                log.warning("worker %s: %s", self.name, type(error).__name__)
                done = 0
            if not done:
                log.debug("worker %s is idle", self.name)  # the heartbeat
                swept += idle
                self._stopping.wait(idle)
        log.info("worker %s stopped", self.name)

    def work_off(self) -> int:
        """Send everything that waits now; return how many letters there were."""
        number = 0
        self.sales.deliveries.recover()
        while not self._stopping.is_set():
            letters = self._due()
            if not letters:
                return number
            taken = 0
            for letter, batch in letters:
                if self._stopping.is_set():
                    break
                taken += self._deliver(letter, batch)
            number += taken
            if not taken:  # all of them are in the hands of others, or of batches that pause
                return number
        return number

    def _deliver(self, letter: str, batch: str) -> int:
        try:
            delivered = self.sender.deliver(letter)
        except (Conflict, Unavailable):  # another worker was faster
            return 0
        if not any(one.worker == self.name for one in delivered.deliveries):
            return 0
        trouble = self._breakers.setdefault(batch, Breaker()).trouble(delivered)
        batches.close(self.sales, batch, trouble)
        if trouble:
            self._breakers.pop(batch)
            log.warning("batch %s paused: the server refuses everything", batch)
        return 1

    def _due(self) -> list[tuple[str, str]]:
        """Return some letters that may be taken now, with their batches, in an order of this worker's own."""
        with self.sales.work(write=False) as work:
            now = work.tx.now()
            paused = [
                one.id for one in work.find(Query(kind="batch", where=Cmp("state", "=", BatchState.PAUSED.value)))
            ]
            free = Not(OneOf("batch", tuple(paused)))
            again = All((Cmp("state", "=", DeliveryState.RETRY_WAIT.value), Cmp("retry_at", "<=", now), free))
            new = All((Cmp("state", "=", DeliveryState.QUEUED.value), free))
            rows = [
                row
                for where in (again, new)
                for row in work.tx.columns(
                    Query(kind="delivery", where=where, order=("planned", "position"), limit=AHEAD), ("letter", "batch")
                )
            ]
        found = list(dict.fromkeys((str(letter), str(batch)) for letter, batch in rows))
        start = hash(self.name) % len(found) if found else 0
        return found[start:] + found[:start]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker from the command line; SIGTERM and SIGINT let it finish its letter."""
    from salespipeline.opening import open

    parser = argparse.ArgumentParser(prog="python -m salespipeline.worker", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="the store, such as sqlite:///deals.db or postgresql://…?workspace=acme")
    parser.add_argument("--mailer", metavar="URL", default=os.environ.get("SALESPIPELINE_MAILER", ""),
                        help="smtp://user:password@host:587, or folder:PATH; better in SALESPIPELINE_MAILER")  # fmt: skip
    parser.add_argument(
        "--idle", type=float, default=2.0, metavar="SECONDS", help="how long to wait where nothing is queued"
    )
    parser.add_argument("--once", action="store_true", help="stop when nothing waits any more")
    parser.add_argument("--verbose", action="store_true", help="log every delivery, by its id")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if chosen.verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        mailer = _mailer(chosen.mailer)
        sales = open(chosen.url, actor="worker", mailer=mailer)
    except SalesPipelineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    with sales:
        worker = Worker(sales)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        if chosen.once:
            worker.work_off()
        else:
            worker.run(idle=chosen.idle)
    return 0


def _mailer(url: str) -> Mailer:
    from salespipeline import mail

    if url.startswith("folder:"):
        return mail.Folder(url.removeprefix("folder:"))
    if not url:
        raise OpenError("say how to mail: --mailer smtp://… or the environment variable SALESPIPELINE_MAILER")
    return mail.Smtp(url)


if __name__ == "__main__":
    raise SystemExit(main())
