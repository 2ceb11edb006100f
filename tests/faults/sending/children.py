"""Processes that send and may be killed, forked from one that has loaded everything: a thousand of them in minutes.

``python children.py`` reads a command a line: ``start {…}`` forks and prints the pid, ``wait PID`` prints the exit code.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import salespipeline as sp
from salespipeline import batches, delivery, maintenance, rewriting, starting
from salespipeline.blobs.sqlite import SqliteBlobs
from salespipeline.domain import protocol
from salespipeline.mail.wire import Wire
from salespipeline.patience import Patience
from salespipeline.render.pdf import PdfRenderer
from salespipeline.stores import sqlite_layout
from salespipeline.work import Work
from salespipeline.worker import Worker

SEND = delivery.Sender
# Where a worker may die: what is called there, and whether before or after.
POINTS: dict[str, tuple[Any, str, bool]] = {
    "before the claim": (delivery, "take", False),
    "inside the claim": (protocol, "claimed", True),
    "after the claim": (SEND, "_carry", False),
    "while it draws": (PdfRenderer, "render", True),
    "while it keeps the bytes": (SqliteBlobs, "keep_all", True),
    "after it prepared": (SEND, "_prepare", True),
    "inside T1": (protocol, "started", True),
    "after T1": (SEND, "_start", True),
    "while it connects": (Wire, "dial", True),
    "after MAIL, RCPT": (Wire, "say", True),
    "mid DATA": (Wire, "body", True),
    "before the dot": (Wire, "dot", False),
    "after the dot": (Wire, "send", True),
    "after the reply": (Wire, "dot", True),
    "before T2": (SEND, "_settle", False),
    "inside T2": (delivery, "settle", True),
    "after T2": (SEND, "_settle", True),
    "while it sweeps": (protocol, "expired", True),
    "any write": (Work, "_put", True),
    # And where somebody may die who presses, goes on, keeps a file or upgrades the store, while deliveries are on their way.
    "before the plan's commit": (Work, "keep_new", True),
    "after the plan's commit": (starting, "start", True),
    "while it keeps the files of the plan": (SqliteBlobs, "keep", True),
    "while it keeps an attachment": (SqliteBlobs, "keep", True),
    "while it names an attachment": (Work, "_put", False),
    "while it goes on": (Work, "_put", True),
    "after it went on": (batches, "go_on", True),
    "while it changes the layout": (sqlite_layout, "dumped", True),
    "while it writes all anew": (rewriting, "_chunk", True),
}
# Which job meets which of these; all others are for those who send.
JOB_OF = {
    "before the plan's commit": "queue",
    "after the plan's commit": "queue",
    "while it keeps the files of the plan": "queue",
    "while it keeps an attachment": "attach",
    "while it names an attachment": "attach",
    "while it goes on": "go_on",
    "after it went on": "go_on",
    "while it changes the layout": "upgrade",
    "while it writes all anew": "upgrade",
}


def deadly(function: Callable[..., Any], turn: int, *, after: bool) -> Callable[..., Any]:
    """Return *function*, which kills the process at its *turn*-th call."""
    left = turn

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def doom(url: str, point: str, turn: int) -> None:
    """Let this process die when it comes to *point* for the so many-th time."""
    if not point:
        return
    owner, name, after = POINTS[point]
    if url.startswith("postgres") and owner in (SqliteBlobs, sqlite_layout):
        from salespipeline.blobs.postgres import PostgresBlobs
        from salespipeline.stores import postgres_layout

        owner = PostgresBlobs if owner is SqliteBlobs else postgres_layout
    setattr(owner, name, deadly(getattr(owner, name), turn, after=after))


def hurry(lease: float = -1e-6) -> None:
    """Let nobody wait for a second try, nor for a lease longer than so many seconds."""
    protocol.LEASE = int(lease * 1_000_000)  # type: ignore[misc]
    protocol.BACK_OFF = 0  # type: ignore[misc]


def send(url: str, mailer: str, *, point: str = "", turn: int = 1, lease: float = -1e-6, stay: bool = False) -> None:
    """Work until nothing is left to do, or, with *stay*, until SIGTERM; or die at a point of the protocol.

    A lease is over at once unless *lease* says how many seconds it is: whoever comes next may take up what was left.
    """
    hurry(lease)
    doom(url, point, turn)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing was begun
    # Where the server crashes at this very moment, whoever watches over workers would start it again.
    with Patience()(partial(sp.open, url, actor="worker", mailer=sp.mail.Smtp(mailer))) as sales:
        worker = Worker(sales)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run(idle=0.2) if stay else worker.work_off()


def press(url: str, mailer: str, *, gate: str) -> None:
    """Press *send all* for everything, at the same moment as others: when the *gate* opens."""
    with sp.open(url, actor="jane", mailer=sp.mail.Smtp(mailer)) as sales, open(gate, "ab") as ready:  # noqa: PTH123
        plan = sales.documents.where(sent=False).order("created").plan_send_all()
        ready.write(b".")
        ready.flush()
        fcntl.flock(ready, fcntl.LOCK_SH)
        plan.run()


def queue(url: str, mailer: str, *, key: str, point: str = "", turn: int = 1) -> None:
    """Press *send all* for everything that was not sent, with two files of its own, and leave it to workers."""
    files = [
        sp.mail.Attachment(f"{name}.txt", f"{name} of {key}".encode() * 99, "text/plain") for name in ("terms", "plan")
    ]
    with sp.open(url, actor="jane", mailer=sp.mail.Smtp(mailer)) as sales:
        doom(url, point, turn)
        sales.documents.where(sent=False).order("created").plan_send_all(attachments=files).queue(key=key)


def attach(url: str, mailer: str, *, to: str, point: str = "", turn: int = 1) -> None:
    """Keep a file at a document."""
    with sp.open(url, actor="jane", mailer=sp.mail.Smtp(mailer)) as sales:
        doom(url, point, turn)
        sales.attachments.add(sales.documents.get(to), "plan.txt", f"plan of {to}".encode() * 99, audience="both")


def go_on(url: str, mailer: str, *, point: str = "", turn: int = 1) -> None:
    """Go on with everything that pauses, here and now."""
    hurry()
    with sp.open(url, actor="jane", mailer=sp.mail.Smtp(mailer)) as sales:
        doom(url, point, turn)
        for batch in sales.deliveries.batches():
            if batch.state != "done":
                sales.deliveries.resume(batch)


def upgrade(url: str, mailer: str, *, point: str = "", turn: int = 1) -> None:
    """Bring the store up to this version, in small steps."""
    del mailer
    rewriting.CHUNK = 3  # type: ignore[misc]
    doom(url, point, turn)
    with tempfile.TemporaryDirectory() as folder:
        maintenance.upgrade(url, keep=Path(folder, "before.db"))


JOBS = {"send": send, "press": press, "queue": queue, "attach": attach, "go_on": go_on, "upgrade": upgrade}


def warm() -> None:
    """Load what every child needs, so that none pays for it."""
    with sp.open("memory:", actor="jane", mailer=sp.mail.Memory()) as sales:
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        sales.documents.draft(acme, "quote", subject="Warm", lines=[sp.Line("Racking", unit_price="10")])
        sales.documents.all().plan_send_all().run()


def child(errors: str, job: str, arguments: dict[str, Any]) -> None:
    try:
        JOBS[job](**arguments)
    except BaseException:  # noqa: BLE001 - it is written down, and told by the exit code
        with Path(errors).open("a") as file:
            traceback.print_exc(file=file)
        os._exit(1)
    os._exit(0)


def main() -> None:
    errors = sys.argv[1]
    logging.disable(logging.CRITICAL)
    warm()
    for line in sys.stdin:
        verb, _, rest = line.partition(" ")
        if verb == "wait":
            print(os.waitstatus_to_exitcode(os.waitpid(int(rest), 0)[1]), flush=True)
            continue
        command = json.loads(rest)
        pid = os.fork()
        if pid == 0:
            os.close(0)
            child(errors, command.pop("job"), command)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
