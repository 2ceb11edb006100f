"""A transmitter that keeps what it is given: for tests, and to look before anything leaves."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from salespipeline.ports import Accepted, Outcome
from salespipeline.transmission import EInvoice

__all__ = ["Memory"]


class Memory:
    """Keeps accepted invoices in *sent*; *outcomes* script the answers, afterwards everything is accepted.

    May be shared between threads.

    >>> from salespipeline.ports import NotSent
    >>> platform = Memory([NotSent(reason="closed", temporary=True)])
    >>> invoice = EInvoice(reference="INV-1", content=b"", media_type="", name="", format="cii", profile="", xml=b"")
    >>> platform.transmit(invoice).reason, platform.transmit(invoice).reply, len(platform.sent)
    ('closed', 'kept as 1', 1)
    """

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self.sent: list[EInvoice] = []
        self._outcomes = iter(outcomes)
        self._lock = Lock()

    def transmit(self, invoice: EInvoice) -> Outcome:
        """Answer as scripted, and keep *invoice* where the answer is ``Accepted``."""
        with self._lock:
            outcome = next(self._outcomes, None) or Accepted(reply=f"kept as {len(self.sent) + 1}")
            if isinstance(outcome, Accepted):
                self.sent.append(invoice)
            return outcome

    def __repr__(self) -> str:
        return f"<transmitters.Memory: {len(self.sent)} sent>"
