"""What can go wrong while a mail leaves, one fault at a time: the server, the store, the renderer. (SPEC SEND-5, SEND-6)

The long runs are in ``tests/faults``; crashes at every point are there, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import attrs
import pytest
from tests.mail.conftest import GOOD, Do, Scripted

import salespipeline as sp
from salespipeline.delivery import Sender
from salespipeline.domain import protocol
from salespipeline.domain.sending import Delivery, DeliveryState
from salespipeline.errors import StorageError, StorageFull, Unavailable
from salespipeline.mail import Memory, Smtp
from salespipeline.ports import Rendered
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.wrap import FailingAt
from salespipeline.worker import Worker

S = DeliveryState


class Fault(NamedTuple):
    """What a server does with the first mail, what that mail then is, and whether the server has it."""

    script: dict[str, object]
    states: set[str]
    taken: int = 0
    paused: bool = False


TLS = b"250-mail.example\r\n250-STARTTLS\r\n250 HELP\r\n"
FAULTS = {
    "hangs up before it greets": Fault({"banner": Do.CLOSE}, {"RETRY_WAIT"}),
    "421 as a greeting": Fault({"banner": b"421 busy\r\n"}, {"RETRY_WAIT"}),
    "554 as a greeting": Fault({"banner": b"554 go away\r\n"}, {"RETRY_WAIT"}, paused=True),
    "TLS that fails": Fault({"EHLO": TLS, "STARTTLS": b"454 not now\r\n"}, {"RETRY_WAIT"}),
    "535 to the password": Fault({"AUTH": b"535 wrong\r\n"}, {"RETRY_WAIT"}, paused=True),
    "450 to the sender: a rate limit": Fault({"MAIL": b"450 4.7.1 too many\r\n"}, {"RETRY_WAIT"}),
    "421 to the sender": Fault({"MAIL": b"421 shutting down\r\n"}, {"RETRY_WAIT"}),
    "450 to the recipients": Fault({"RCPT": [b"450 mailbox busy\r\n"] * 2 + [GOOD["RCPT"]]}, {"RETRY_WAIT"}),
    "451 to the recipients": Fault({"RCPT": [b"451 try later\r\n"] * 2 + [GOOD["RCPT"]]}, {"RETRY_WAIT"}),
    "452 to the recipients": Fault({"RCPT": [b"452 full\r\n"] * 2 + [GOOD["RCPT"]]}, {"RETRY_WAIT"}),
    "550 to one of two": Fault({"RCPT": [GOOD["RCPT"], b"550 nobody\r\n", GOOD["RCPT"]]}, {"SENT_PARTIAL"}, 1),
    "550 to both": Fault({"RCPT": [b"550 nobody\r\n"] * 2 + [GOOD["RCPT"]]}, {"FAILED"}),
    "554 to DATA": Fault({"DATA": b"554 no\r\n"}, {"FAILED"}),
    "hangs up at DATA": Fault({"DATA": Do.CLOSE}, {"RETRY_WAIT"}),
    "resets in the middle of the message": Fault({"content": Do.RESET}, {"RETRY_WAIT", "UNCERTAIN"}),
    "hangs up after the dot": Fault({"dot": Do.CLOSE}, {"UNCERTAIN"}, 1),
    "resets after the dot": Fault({"dot": Do.RESET}, {"UNCERTAIN"}, 1),
    "says nothing after the dot": Fault({"dot": Do.STALL}, {"UNCERTAIN"}, 1),
    "451 after the dot": Fault({"dot": b"451 not now\r\n"}, {"RETRY_WAIT"}, 1),
    "552 after the dot": Fault({"dot": b"552 too much\r\n"}, {"FAILED"}, 1),
    "nonsense after the dot": Fault({"dot": b"hello\r\n"}, {"UNCERTAIN"}, 1),
    "354 after the dot": Fault({"dot": b"354 go on\r\n"}, {"UNCERTAIN"}, 1),
    "an odd 250": Fault({"dot": b"250\r\n"}, {"SENT"}, 1),
    "an answer in drips": Fault({"dot": (b"2", b"5", b"0 o", b"k\r\n")}, {"SENT"}, 1),
    "421 between two mails": Fault({"RSET": b"421 idle\r\n"}, {"SENT"}, 1),
    "hangs up between two mails": Fault({"RSET": Do.CLOSE}, {"SENT"}, 1),
    "a goodbye that fails": Fault({"QUIT": Do.RESET}, {"SENT"}, 1),
}
ACCEPTED_BY_SCRIPT = {"451 after the dot", "552 after the dot"}  # the script hears such a mail, and refuses it


@pytest.fixture
def quotes(sales, deal):
    return [sales.documents.draft(deal, "quote") for _ in range(2)]


def names(sales, batch):
    return [row.state.name for row in sales.deliveries.report(batch)]


@pytest.mark.usefixtures("quotes")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_server_mails_nothing_twice_and_loses_nothing(sales, name, monkeypatch):
    """The first mail meets the fault; afterwards the server is well, and both documents come to an end."""
    monkeypatch.setattr(protocol, "BACK_OFF", 0)
    fault = FAULTS[name]
    once = {
        verb: step if isinstance(step, list) else [step, GOOD.get(verb, b"")] for verb, step in fault.script.items()
    }
    server = Scripted(once)
    sales._mailer = Smtp(f"smtp://jane:secret@127.0.0.1:{server.port}", timeout=5, final_timeout=0.3)
    batch = sales.documents.order("reference").plan_send_all(cc="boss@acme.example").queue()
    try:
        first = Sender(sales).deliver_next().deliveries[0]
        assert first.state.name in fault.states
        assert len(server.taken) == fault.taken
        for _ in range(3):
            if sales.deliveries.report(batch).paused:
                sales.deliveries.resume(batch)
            Worker(sales).work_off()
        sales._mailer.close()
    finally:
        server.close()
    final, second = names(sales, batch)
    assert final == (first.state.name if first.state.name != "RETRY_WAIT" else "SENT")
    assert second == "SENT"
    heard = 1 + fault.taken if name in ACCEPTED_BY_SCRIPT else fault.taken
    assert len(server.taken) == (heard if name == "552 after the dot" else max(heard, final == "SENT") + 1)
    marked = [sales.documents.get(one.document_id).sent for one in sales.deliveries.of_batch(batch)]
    assert marked == [final in ("SENT", "SENT_PARTIAL"), True]


# --- the store fails at the n-th call --------------------------------------------------------------------------


class Failing(FailingAt):
    """Fails with another error."""

    error: StorageError = Unavailable("away")
    hit = False

    def before(self, call: str) -> None:
        try:
            super().before(call)
        except Unavailable:
            self.hit = True
            raise self.error from None


def shops(error: StorageError) -> Iterator[tuple[Failing, sp.Sales, Memory]]:
    """Yield pipelines whose store fails at the first, the second … call of a worker with one letter."""
    number = 1
    while True:
        inner = MemoryStore()
        with sp.open(inner, actor="jane", blobs=sp.blobs.Memory()) as sales:
            sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
            acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
            sales.documents.draft(acme, "invoice", subject="Racking", lines=[sp.Line("Bay", unit_price="10")])
            sales.documents.all().plan_send_all().queue()
            store = Failing(10**9, inner)
            store.error = error
            mailer = Memory()
            shop = sp.open(store, actor="worker", mailer=mailer, blobs=sales.blobs)
            store.calls, store.number = 0, number
            yield store, shop, mailer
            if not store.hit:
                return
        number += 1


@pytest.mark.parametrize("error", [Unavailable("away"), StorageFull("the disk is full")], ids=["away", "full"])
def test_a_store_that_fails_at_any_call_mails_nothing_twice_and_loses_nothing(error, monkeypatch):
    monkeypatch.setattr(protocol, "LEASE", -1)
    ends, runs = set(), 0
    for store, shop, mailer in shops(error):
        runs += 1
        worker = Worker(shop, sender=Sender(shop, worker="one", sleep=lambda _: None))
        try:
            worker.work_off()
        except StorageError:
            pass
        else:
            assert not store.hit or isinstance(error, Unavailable), "an error was swallowed"
        store.number = 10**9  # the store is well again
        Worker(shop).work_off()
        (delivery,) = shop.deliveries
        (invoice,) = shop.documents
        assert len(mailer.sent) <= 1
        assert delivery.state in (S.SENT, S.UNCERTAIN), (store.calls, delivery)
        assert (delivery.state is S.UNCERTAIN) <= (len(mailer.sent) == 1), "uncertain, and nothing ever left"
        assert invoice.sent == (delivery.state is S.SENT)
        assert invoice.reference == "INV/00001"
        assert shop.deliveries.batches()[0].state == "done"
        ends.add(delivery.state)
    assert runs > 60
    assert ends == ({S.SENT} if isinstance(error, Unavailable) else {S.SENT, S.UNCERTAIN})


# --- a worker that was away too long, a renderer that is none ----------------------------------------------------


@pytest.mark.usefixtures("quotes")
def test_a_worker_that_was_away_past_its_lease_finds_that_another_has_sent(sales, post, monkeypatch):
    mailer = post()
    batch = sales.documents.order("reference").plan_send_all().queue()
    drawn, away = sales.renderer.render, []

    def render(view):
        pdf = drawn(view)
        if not away:
            away.append(True)
            with sales.work() as work:
                held = next(one for one in work.find(sp_query()) if one.state is S.CLAIMED)
                work.keep(attrs.evolve(held, lease_until=1), held, action="time goes by")
            assert sales.deliveries.recover() == 1
            assert Worker(sales).work_off() == 2
        return pdf

    monkeypatch.setattr(sales.renderer, "render", render, raising=False)
    Sender(sales, worker="sleeper").deliver_next()
    assert names(sales, batch) == ["SENT", "SENT"]
    assert len(mailer.sent) == 2


def sp_query():
    from salespipeline.query import EVERYTHING, Query

    return Query(kind="delivery", where=EVERYTHING)


@pytest.mark.usefixtures("quotes")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: None, "the renderer failed with AttributeError"),
        (lambda: 1 // 0, "the renderer failed with ZeroDivisionError"),
        (lambda: Rendered(content=b"", media_type="application/pdf"), "the renderer returned nothing"),
    ],
)
def test_a_renderer_that_is_none_fails_its_document_and_no_other(sales, post, monkeypatch, answer, words):
    mailer = post()
    batch = sales.documents.order("reference").plan_send_all().queue()
    drawn, calls = sales.renderer.render, []

    def render(view):
        calls.append(view.reference)
        return answer() if view.reference == "QUO/00001" else drawn(view)

    monkeypatch.setattr(sales.renderer, "render", render, raising=False)
    assert Worker(sales).work_off() == 2
    assert names(sales, batch) == ["FAILED", "SENT"]
    assert sales.deliveries.report(batch).rows[0].reason == words
    assert len(mailer.sent) == 1
    assert not sales.documents.get("QUO/00001").in_transit
    assert isinstance(sales.deliveries.of_batch(batch)[0], Delivery)
