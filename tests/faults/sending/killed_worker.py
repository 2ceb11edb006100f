"""A worker that kills itself at a point of the protocol: ``killed_worker.py URL MAILER POINT TURN``.

The leases are over at once, so that whoever comes next may take up what this one left.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import salespipeline as sp
from salespipeline import delivery
from salespipeline.blobs.sqlite import SqliteBlobs
from salespipeline.domain import protocol
from salespipeline.mail.wire import Wire
from salespipeline.render.pdf import PdfRenderer
from salespipeline.work import Work
from salespipeline.worker import Worker

SEND = delivery.Sender
# Where it may die: what is called there, and whether before or after.
POINTS: dict[str, tuple[Any, str, bool]] = {
    "before the claim": (SEND, "_claim", False),
    "after the claim": (SEND, "_claim", True),
    "inside the claim": (protocol, "claimed", True),
    "while it draws": (PdfRenderer, "render", True),
    "while it keeps the bytes": (SqliteBlobs, "keep", True),
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


def main() -> None:
    url, mailer, point, turn = sys.argv[1:5]
    protocol.LEASE = -1
    if point != "none":
        owner, name, after = POINTS[point]
        setattr(owner, name, deadly(getattr(owner, name), int(turn), after=after))
    with sp.open(url, actor="worker", mailer=sp.mail.Smtp(mailer)) as sales:
        Worker(sales).work_off()


if __name__ == "__main__":
    main()
