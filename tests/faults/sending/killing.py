"""Kill workers, and count what the server took against what the store says. (SPEC SEND-6)"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import attrs

import salespipeline as sp
from salespipeline.catalog import Stamp
from salespipeline.codec import encode
from salespipeline.domain.sending import DeliveryState

HERE = Path(__file__).parent
S = DeliveryState
OVER = (S.SENT, S.SENT_PARTIAL, S.UNCERTAIN, S.FAILED, S.SKIPPED)


class Found(NamedTuple):
    """What a run came to."""

    documents: int = 0
    kills: int = 0
    mails: int = 0
    twice: int = 0
    unmarked: int = 0
    lost: int = 0
    uncertain: int = 0
    unanswered: int = 0  # mails that the server dropped after the final dot: each leaves a delivery uncertain

    @property
    def violations(self) -> int:
        """How often the promise was broken."""
        return self.twice + self.unmarked + self.lost


class Children:
    """The process that forks workers; see ``children.py``."""

    def __init__(self, folder: Path) -> None:
        self.errors = folder / "errors"
        command = [sys.executable, str(HERE / "children.py"), str(self.errors)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _say(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, job: str, **arguments: object) -> int:
        """Start a child, and return its pid."""
        return self._say(f"start {json.dumps({'job': job, **arguments})}")

    def wait(self, pid: int) -> int:
        """Wait for a child to end; return its exit code, or the number of the signal, negative."""
        return self._say(f"wait {pid}")

    def kill(self, pid: int) -> bool:
        """Kill a child; say whether it was killed, and had not ended by itself."""
        os.kill(pid, signal.SIGKILL)  # it is still there, dead or alive, until it is waited for
        return self.ended(pid) == -signal.SIGKILL

    def ended(self, pid: int) -> int:
        """Wait for a child that ends by itself or by a signal of ours."""
        code = self.wait(pid)
        assert code in (0, -signal.SIGKILL), self.errors.read_text()
        return code

    def work(self, url: str, mailer: str, point: str = "", turn: int = 1, *, job: str = "send", **more: object) -> bool:
        """Let a worker work until it has nothing to do, or dies; say whether it died. Or let somebody do another *job*."""
        return self.ended(self.start(job, url=url, mailer=mailer, point=point, turn=turn, **more)) != 0

    def close(self) -> None:
        """End the process that forks."""
        self._process.communicate()


@contextlib.contextmanager
def server(taken: Path, share: float = 0.0, seed: int = 0) -> Iterator[str]:
    """Give the URL of a real mail server that writes what it takes to *taken*."""
    command = [sys.executable, str(HERE / "mail_server.py"), str(taken), str(share), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"smtp://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def queued(url: str, documents: int, *, queue: bool = True) -> list[str]:
    """Draft so many quotes and invoices, in a new pipeline or beside those that are there, and queue them."""
    with sp.open(url, actor="jane") as sales:
        if not sales.settings.organisation.email:
            sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
            sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        acme = sales.contacts["Acme Ltd"]
        ids = []
        for start in range(0, documents, 500):
            with sales.transaction():
                for number in range(start, min(documents, start + 500)):
                    line = sp.Line("Racking", quantity=number % 97 + 1, unit_price="10", tax="20")
                    type = ("quote", "invoice")[number % 2]
                    ids.append(sales.documents.draft(acme, type, subject=f"No. {number}", lines=[line]).id)
        if queue:
            going = sales.documents.where(sent=False, held=False, cancelled=False)  # and not all that was ever stopped
            going.order("created").plan_send_all().queue()
        return ids


def aged(url: str) -> None:
    """Make a store older: its deliveries know no purpose by which they are found, and all asks to be written anew."""
    with sp.open(url) as sales, sales.work() as work:
        work.tx.put(encode(attrs.evolve(work.need(Stamp, "index"), number=0, done=None)))
    if url.startswith("postgres"):
        import psycopg

        server, _, schema = url.partition("&schema=")
        connection, place, values = psycopg.connect(server), f"{schema}.", "definition = %s WHERE name = %s"
    else:
        connection, place, values = sqlite3.connect(url[10:].partition("?")[0]), "", "definition = ? WHERE name = ?"  # type: ignore[assignment]
    kinds = f"{place}_kinds"
    (definition,) = connection.execute(f"SELECT definition FROM {kinds} WHERE name = 'delivery'").fetchone()
    facts = json.loads(definition)
    facts["fields"] = [field for field in facts["fields"] if field[0] != "purpose"]
    connection.execute(f"UPDATE {kinds} SET {values}", (json.dumps(facts), "delivery"))
    connection.execute(f"ALTER TABLE {place}delivery DROP COLUMN purpose")
    connection.commit()
    connection.close()


def mails(taken: Path) -> Counter[str]:
    """Return how many mails the server took, by letter."""
    lines = taken.read_text().splitlines() if taken.exists() else []
    return Counter(line.removeprefix("<").removesuffix("@northgate.example>") for line in lines)


def found(url: str, taken: Path, kills: int) -> Found:
    """Count what the server took against what the store says."""
    took = mails(taken)
    with sp.open(url) as sales:
        deliveries = {one.id: one for one in sales.deliveries}
        documents = {one.id: one for one in sales.documents}
        numbers = [int(one.reference[-5:]) for one in documents.values() if one.type == "invoice" and one.reference]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))  # SPEC DOC-6
        for one in documents.values():
            assert not one.sent or sales.documents.verify(one)
    sent = {one.document_id for one in deliveries.values() if one.state is S.SENT}
    assert {one.id for one in documents.values() if one.sent} == sent
    took_of = Counter(deliveries[letter].document_id for letter in took.elements())
    uncertain = {one.document_id for one in deliveries.values() if one.state is S.UNCERTAIN}
    return Found(
        documents=len(documents),
        kills=kills,
        mails=took.total(),
        twice=sum(number > 1 for number in took_of.values()),
        unmarked=len(took_of.keys() - sent - uncertain),
        lost=len(sent - took_of.keys()) + sum(one.state not in OVER for one in deliveries.values()),
        uncertain=len(uncertain),
        unanswered=mails(taken.with_name(f"{taken.name}.unanswered")).total(),
    )
