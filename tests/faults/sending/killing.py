"""Kill workers, and count what the server took against what the store says. (SPEC SEND-6)"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import salespipeline as sp
from salespipeline.domain.sending import DeliveryState

HERE = Path(__file__).parent
S = DeliveryState


class Found(NamedTuple):
    """What a run came to."""

    kills: int
    mails: int
    twice: int
    unmarked: int
    lost: int
    uncertain: int


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


def queued(url: str, documents: int) -> None:
    """Queue so many quotes and invoices in a new pipeline."""
    with sp.open(url, actor="jane") as sales:
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        with sales.transaction():
            for number in range(documents):
                line = sp.Line("Racking", quantity=number + 1, unit_price="10", tax="20")
                sales.documents.draft(acme, ("quote", "invoice")[number % 2], subject=f"No. {number}", lines=[line])
        sales.documents.order("created").plan_send_all().queue()


def work(url: str, mailer: str, point: str = "none", turn: int = 1) -> bool:
    """Let a worker work until it has nothing to do, or dies; say whether it died."""
    command = [sys.executable, str(HERE / "killed_worker.py"), url, mailer, point, str(turn)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def found(url: str, taken: Path, kills: int) -> Found:
    """Count what the server took against what the store says."""
    lines = taken.read_text().splitlines() if taken.exists() else []
    mails = Counter(re.fullmatch(r"<(.+)@northgate\.example> .*", line)[1] for line in lines)  # type: ignore[index]
    with sp.open(url) as sales:
        deliveries = {one.letter: one for one in sales.deliveries}
        documents = {one.id: one for one in sales.documents}
        numbers = [int(one.reference[-5:]) for one in documents.values() if one.type == "invoice" and one.reference]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))  # SPEC DOC-6
        for one in documents.values():
            assert not one.sent or sales.documents.verify(one)
    sent = {key for key, one in deliveries.items() if one.state is S.SENT}
    for key, one in deliveries.items():
        assert documents[one.document_id].sent == (key in sent)
    uncertain = {key for key, one in deliveries.items() if one.state is S.UNCERTAIN}
    settled = {key for key, one in deliveries.items() if one.state in (S.SENT, S.UNCERTAIN, S.FAILED)}
    return Found(
        kills=kills,
        mails=sum(mails.values()),
        twice=sum(number > 1 for number in mails.values()),
        unmarked=len(mails.keys() - sent - uncertain),
        lost=len(sent - mails.keys()) + len(deliveries.keys() - settled),
        uncertain=len(uncertain),
    )
