"""What the world may do while mails leave: clocks that jump, a fork, files that are replaced, edits. (SPEC SEND-5, SEND-6)"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import salespipeline as sp
from salespipeline.mail import Attachment
from salespipeline.worker import Worker

DAY = 86_400


@pytest.fixture
def queue(sales, deal):
    """Two quotes that wait."""
    for _ in range(2):
        sales.documents.draft(deal, "quote")
    return sales.documents.order("reference").plan_send_all().queue()


def names(sales, batch):
    return [row.state.name for row in sales.deliveries.report(batch)]


@pytest.fixture
def jump(sales, clock, monkeypatch):
    """Let the clock of the store, and that of the pipeline, jump."""
    moments = [1_800_000_000 * 1_000_000]
    monkeypatch.setattr(sales.store, "_now", lambda: moments[0])

    def forward(seconds):
        moments[0] += seconds * 1_000_000
        clock.forward(seconds=seconds)

    return forward


@pytest.mark.parametrize("seconds", [3 * DAY, -3 * DAY], ids=["forward", "back"])
@pytest.mark.parametrize("moment", ["it draws", "the server talks"])
def test_a_clock_that_jumps_while_a_letter_is_carried(sales, queue, post, jump, moment, seconds, monkeypatch):
    """Another worker comes by at once. Forward, every lease seems over; back, none for days."""
    mailer, others = post(), []

    def jumps():
        if not others:
            others.append(Worker(sales, name="other"))
            jump(seconds)
            others[0].work_off()

    drawn, taken = sales.renderer.render, mailer.send
    if moment == "it draws":
        monkeypatch.setattr(sales.renderer, "render", lambda view: (drawn(view), jumps())[0], raising=False)
    else:
        monkeypatch.setattr(mailer, "send", lambda mail: (taken(mail), jumps())[0], raising=False)
    Worker(sales, name="one").work_off()
    unsure = moment == "the server talks" and seconds > 0  # by then the other one had to think that we were dead
    assert names(sales, queue) == ["UNCERTAIN" if unsure else "SENT", "SENT"]
    assert len({mail.message_id for mail in mailer.sent}) == len(mailer.sent) == 2
    assert sales.documents.where(sent=True).count() == 2 - unsure
    jump(DAY)
    assert Worker(sales).work_off() == 0


FORKS = """
import os, sys
import salespipeline as sp
from salespipeline.worker import Worker

url, box = sys.argv[1:]
sales = sp.open(url, actor="parent", mailer=sp.mail.Maildir(box))
if url == "memory:":
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
    for number in range(8):
        sales.documents.draft(acme, "quote", subject=str(number), lines=[sp.Line("Bay", unit_price="10")])
    sales.documents.all().plan_send_all().queue()
Worker(sales).sender.deliver_next()  # connections are open, something was sent
child = os.fork()
if child == 0:
    try:
        Worker(sales).work_off()
    except sp.SalesPipelineError as error:
        print(type(error).__name__, flush=True)
    if url != "memory:":
        with sp.open(url, actor="child", mailer=sp.mail.Maildir(box)) as own:
            Worker(own).work_off()
    os._exit(0)
Worker(sales).work_off()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
sent = sales.documents.where(sent=True).count()
sales.close()
print(sent)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nobody forks there")
def test_a_fork_sends_nothing_twice(url, opened, tmp_path: Path):
    """The child may not send with what it has from its parent; with a pipeline of its own it sends beside it."""
    box = tmp_path / "box"
    if url != "memory:":
        sales = opened(url)
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        for number in range(8):
            sales.documents.draft(acme, "quote", subject=str(number), lines=[sp.Line("Bay", unit_price="10")])
        sales.documents.all().plan_send_all().queue()
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS, url, str(box)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said == ["Refused" if url == "memory:" else "StoreClosed", "8"]
    mails = [file.read_bytes() for file in (box / "new").iterdir()]
    assert len({mail.partition(b"Message-ID: ")[2].splitlines()[0] for mail in mails}) == len(mails) == 8


def test_a_file_that_is_replaced_while_the_batch_leaves_goes_as_it_was_planned(sales, deal, post, monkeypatch):
    """Those of the words and those of the plan alike: a batch names the bytes, and not the place where they lay."""
    old, new = (Attachment("terms.pdf", b"%PDF-" + words, "application/pdf") for words in (b"old terms", b"new terms"))
    words = {"subject": "Invoice {{ document.reference }}", "text": "Please find it attached."}
    sales.settings.templates.add("Ours", "invoice", attachments=[old], **words)
    kept = sales.attachments.add(deal, "plan.txt", b"old plan", audience="both")
    drawing = Attachment(kept.name, b"".join(sales.attachments.read(kept)), "text/plain")
    for _ in range(2):
        sales.documents.draft(deal, "invoice")
    batch = sales.documents.order("reference").plan_send_all(attachments=[drawing]).queue()
    mailer = post()
    taken = mailer.send

    def replacing(mail):
        if not mailer.sent:
            sales.settings.templates.edit("Ours", attachments=[new])
            sales.attachments.delete(kept)
            sales.attachments.add(deal, "plan.txt", b"new plan", audience="both")
        return taken(mail)

    monkeypatch.setattr(mailer, "send", replacing, raising=False)
    Worker(sales).work_off()
    assert names(sales, batch) == ["SENT", "SENT"]
    files = [files_of(mail) for mail in mailer.sent]
    assert files == [{"terms.pdf": old.content, "plan.txt": b"old plan"}] * 2
    sales.documents.draft(deal, "invoice")
    sales.documents.where(sent=False).plan_send_all().run()
    assert files_of(mailer.sent[2]) == {"terms.pdf": new.content}


def files_of(mail):
    import email
    from email import policy

    message = email.message_from_bytes(mail.content, policy=policy.default)
    parts = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    return {
        name: content.encode() if isinstance(content, str) else content
        for name, content in parts.items()
        if not name.startswith("INV-")
    }


def test_a_document_that_is_edited_while_the_batch_leaves_does_not_leave_as_planned(sales, queue, post, monkeypatch):
    """Nor can the one that is on its way be changed."""
    mailer = post()
    taken, refused = mailer.send, []

    def editing(mail):
        for name in ("QUO/00001", "QUO/00002"):
            try:
                sales.documents.edit(name, subject="Other")
            except sp.NotEditable as error:
                refused.append(str(error))
        return taken(mail)

    monkeypatch.setattr(mailer, "send", editing, raising=False)
    Worker(sales).work_off()
    assert names(sales, queue) == ["SENT", "SKIPPED"]
    assert [row.reason for row in sales.deliveries.report(queue)] == ["", "changed since it was planned"]
    assert len(refused) == 1
    assert "QUO/00001" in refused[0]
    assert [sales.documents.get(name).subject for name in ("QUO/00001", "QUO/00002")] == ["New warehouse", "Other"]
