"""Workers let alerts ring and mail what the desk has to say: each once, however many there are. (SPEC NOTE-1, NOTE-2)"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from salespipeline import worker
from salespipeline.ports import Accepted
from salespipeline.worker import Worker, main

LONG_AGO = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def desk(sales, deal):
    """Four alerts, of which each is due three times, two changes of what Tom follows, and a note that names him."""
    sales.settings.users.edit("jane", email="jane@northgate.example")
    sales.settings.users.edit("tom", email="tom@northgate.example")
    for number in range(4):
        sales.alerts.add(deal, f"Alert {number}", at=LONG_AGO, rule="FREQ=DAILY;COUNT=3")
    sales.alerts.follow(deal, "tom")
    for words in ("first", "second"):
        sales.opportunities.edit(deal.id, note=words)
    sales.notes.add(deal, "Floor load", "@tom, please ask.")
    return sales


TOLD = {"alert": 12, "change": 2, "mention": 1}
SUBJECTS = Counter({f"Alert {number}": 3 for number in range(4)} | {"OPP/00001: edited": 2, "Floor load": 1})


def told(desk):
    """Return what was told, by its purpose; all of it was sent, and each once."""
    notices = list(desk.notices)
    assert {one.state.value for one in notices} <= {"sent"}
    assert len({one.key for one in notices}) == len({one.message_id for one in notices}) == len(notices)
    return dict(Counter(one.purpose for one in notices))


def subjects(messages):
    return [line[9:].decode().strip() for one in messages for line in one.splitlines() if line[:9] == b"Subject: "]


def test_two_workers_at_once_tell_each_thing_once(desk, url, opened):
    """With pipelines of their own where the store lets them, as two processes have."""
    shops = [desk.acting(name) if url == "memory:" else opened(url, mailer=desk.mailer) for name in ("a", "b")]
    workers = [Worker(shop, name=str(number)) for number, shop in enumerate(shops)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(Worker.work_off, workers)) == [0, 0]
    assert told(desk) == TOLD
    assert Counter(subjects(mail.content for mail in desk.mailer.sent)) == SUBJECTS
    assert sum(one.notices for one in workers) == 15
    assert {one.rings for one in desk.alerts} == {3}
    assert Worker(desk).work_off() == 0
    assert len(desk.mailer.sent) == 15


def test_two_processes_at_once_tell_each_thing_once(desk, url, tmp_path: Path):
    if url == "memory:":
        pytest.skip("lives in one process")
    box = tmp_path / "box"
    command = [
        sys.executable,
        "-m",
        "salespipeline.worker",
        url,
        "--once",
        "--log",
        "quiet",
        "--mailer",
        f"maildir:{box}",
    ]
    running = [subprocess.Popen(command, env=os.environ) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert told(desk) == TOLD
    assert Counter(subjects(file.read_bytes() for file in (box / "new").iterdir())) == SUBJECTS


def test_one_that_died_after_the_ring_leaves_the_mail_to_the_next(desk, monkeypatch):
    """The alert and what is to be told are kept together, so nothing rings twice, and nothing is lost."""

    class Killed(BaseException):
        pass

    def dies(*_args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(worker, "tell_all", dies)
        with pytest.raises(Killed):
            Worker(desk).work_off()
    assert desk.mailer.sent == []
    assert {one.rings for one in desk.alerts} == {3}
    Worker(desk).work_off()
    assert told(desk) == TOLD
    assert len(desk.mailer.sent) == 15


def test_the_desk_can_be_left_out(desk, url, tmp_path: Path):
    assert Worker(desk, desk=False).work_off() == 0
    if url != "memory:":
        assert main([url, "--mailer", f"folder:{tmp_path}", "--once", "--no-desk"]) == 0
    assert [str(one.state) for one in desk.notices] == ["queued"]  # of the note
    assert {one.rings for one in desk.alerts} == {0}


def test_without_an_address_to_send_from_notices_wait(desk):
    desk.settings.edit_organisation(email="")
    assert Worker(desk).work_off() == 0
    assert (desk.mailer.sent, {one.rings for one in desk.alerts}) == ([], {3})
    desk.settings.edit_organisation(email="sales@northgate.example")
    Worker(desk).work_off()
    assert told(desk) == TOLD


def test_it_stops_after_the_notice_that_is_on_its_way(desk):
    one = Worker(desk, beat=lambda: one.stop())
    one.work_off()
    assert (one.notices, len(desk.mailer.sent)) == (1, 1)


def test_alerts_do_not_wait_for_the_end_of_a_long_batch(desk, deal, monkeypatch):
    monkeypatch.setattr(worker, "DESK", 0.0)
    quotes = [desk.documents.draft(deal.id, "quote") for _ in range(2)]
    desk.documents.all().plan_send_all().queue()
    Worker(desk).work_off()
    order = subjects(mail.content for mail in desk.mailer.sent)
    assert [place for place, one in enumerate(order) if one.startswith("Quotation")] == [0, 16]
    assert all(desk.documents.get(one.id).sent for one in quotes)


def test_what_the_server_does_not_take_waits_and_letters_leave(desk, deal, post):
    mailer = post(Accepted(), OSError("buyer@acme.example"))
    desk.documents.draft(deal.id, "quote")
    desk.documents.all().plan_send_all().queue()
    assert Worker(desk).work_off() == 1
    assert Counter(str(one.state) for one in desk.notices) == {"uncertain": 1, "sent": 14}
    assert len(mailer.sent) == 16
