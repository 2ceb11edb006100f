"""Batches: asked for once, paused, gone on with, cancelled, at a pace. (SPEC SEND-3, SEND-6, SEND-7)"""

from __future__ import annotations

import pytest

import salespipeline as sp
from salespipeline.delivery import Sender
from salespipeline.errors import RenderError
from salespipeline.ports import NotSent, Unknown
from salespipeline.worker import Worker, main


@pytest.fixture
def drafts(sales, deal):
    return [sales.documents.draft(deal, "quote") for _ in range(4)]


def plan(sales):
    return sales.documents.order("reference").plan_send_all()


def names(report):
    return [row.state.name for row in report]


@pytest.mark.usefixtures("drafts")
def test_a_key_is_used_once(sales, post):
    mailer = post()
    first = plan(sales)
    report = first.run(key="monday")
    again = first.run(key="monday")
    assert again.batch_id == report.batch_id
    assert names(again) == ["SENT"] * 4
    assert len(mailer.sent) == 4
    assert len(sales.deliveries.batches()) == 1


def test_the_report_lists_every_planned_document_once_for_ever(sales, drafts, post, opened):
    post()
    sales.documents.hold(drafts[1])
    report = plan(sales).run()
    assert [(row.reference, row.state.name) for row in report] == [
        ("QUO/00001", "SENT"),
        ("QUO/00002", "SKIPPED"),
        ("QUO/00003", "SENT"),
        ("QUO/00004", "SENT"),
    ]
    assert list(sales.deliveries.report(report.batch_id)) == list(report)
    assert sales.deliveries.batches()[0].state == "done"


@pytest.mark.usefixtures("drafts")
def test_a_mail_that_cannot_be_made_costs_no_mail(sales, post, monkeypatch):
    mailer = post()
    drawn = sales.renderer.render

    def broken(view):
        if view.reference == "QUO/00003":
            raise RenderError("the logo is broken", document=view.reference, part="logo")
        return drawn(view)

    monkeypatch.setattr(sales.renderer, "render", broken, raising=False)
    report = plan(sales).run(on_error="abort")
    assert report.paused == "nothing was sent: the logo is broken"
    assert names(report) == ["QUEUED"] * 4
    assert mailer.sent == []
    sales.deliveries.cancel(report.batch_id)
    report = plan(sales).run()
    assert names(report) == ["SENT", "SENT", "FAILED", "SENT"]
    assert report.rows[2].reason == "the logo is broken"


@pytest.fixture
def broken(sales, monkeypatch):
    """One of the four documents cannot be drawn; called, it can."""
    drawn = sales.renderer.render

    def render(view):
        if view.reference == "QUO/00003":
            raise RenderError("the logo is broken", document=view.reference, part="logo")
        return drawn(view)

    monkeypatch.setattr(sales.renderer, "render", render, raising=False)
    return monkeypatch.undo


@pytest.mark.usefixtures("drafts")
def test_whoever_goes_on_after_a_trial_that_failed_tries_again_first(sales, post, broken):
    mailer = post()
    batch = plan(sales).run(on_error="abort").batch_id
    assert sales.deliveries.resume(batch, on_error="abort").paused == "nothing was sent: the logo is broken"
    assert mailer.sent == []
    broken()
    assert names(sales.deliveries.resume(batch, on_error="abort")) == ["SENT"] * 4


@pytest.mark.usefixtures("drafts", "broken")
def test_going_on_all_the_same_reports_the_one_that_cannot_be_made_before_the_first_leaves(sales, post):
    mailer = post()
    batch = plan(sales).run(on_error="abort").batch_id
    left: list[str] = []
    report = sales.deliveries.resume(batch, progress=lambda _done, _total, row: left.append(row.reference))
    assert names(report) == ["SENT", "SENT", "FAILED", "SENT"]
    assert left == ["QUO/00001", "QUO/00002", "QUO/00004"]
    assert len(mailer.sent) == 3


@pytest.mark.usefixtures("drafts")
def test_a_trial_that_broke_off_is_made_again_and_one_that_went_through_is_not(sales, post, monkeypatch):
    post()
    drawn, made = sales.renderer.render, []

    def render(view):
        made.append(view.reference)
        if len(made) == 2:
            raise KeyboardInterrupt
        return drawn(view)

    monkeypatch.setattr(sales.renderer, "render", render, raising=False)
    with pytest.raises(KeyboardInterrupt):
        plan(sales).run()
    (batch,) = sales.deliveries.batches()
    made[:] = ["as many as it takes"] * 3

    def stop(done, _total, _row):
        if done == 1:
            sales.deliveries.pause(batch.id)

    assert names(sales.deliveries.resume(batch.id, progress=stop)) == ["SENT", "QUEUED", "QUEUED", "QUEUED"]
    assert len(made) - 3 == 4 + 1
    assert names(sales.deliveries.resume(batch.id)) == ["SENT"] * 4
    assert len(made) - 3 == 4 + 4
    with pytest.raises(sp.Invalid, match="on_error"):
        sales.deliveries.resume(batch.id, on_error="stop")


@pytest.mark.usefixtures("drafts")
def test_abort_pauses_at_the_first_refusal(sales, post):
    post(NotSent(reason="no such user", code=550))
    report = plan(sales).run(on_error="abort")
    assert names(report) == ["FAILED", "QUEUED", "QUEUED", "QUEUED"]
    assert report.paused == "stopped at the first failure: 550 no such user"
    assert names(sales.deliveries.resume(report.batch_id)) == ["FAILED", "SENT", "SENT", "SENT"]


@pytest.mark.usefixtures("drafts")
def test_five_lost_connections_in_a_row_pause_and_four_do_not(sales, deal, post):
    sales.documents.draft(deal, "quote")
    sales.documents.draft(deal, "quote")
    lost = NotSent(reason="nobody listens", temporary=True, everything=True)
    mailer = post(lost, lost, lost, lost)
    report = plan(sales).run()
    assert not report.paused
    assert names(report) == ["RETRY_WAIT"] * 4 + ["SENT"] * 2
    sales.deliveries.cancel(report.batch_id)
    mailer.answers = [lost] * 5
    for _ in range(2):
        sales.documents.draft(deal, "quote")
    report = plan(sales).run()
    assert report.paused == "nobody listens"
    assert names(report).count("RETRY_WAIT") == 5


@pytest.mark.usefixtures("drafts")
def test_whoever_pauses_stops_the_run_after_the_mail_that_is_on_its_way(sales, post):
    post()

    def stop(done, _total, _row):
        if done == 2:
            sales.deliveries.pause(sales.deliveries.batches()[0], why="wait for the boss")

    report = plan(sales).run(progress=stop)
    assert names(report) == ["SENT", "SENT", "QUEUED", "QUEUED"]
    assert report.paused == "wait for the boss"
    assert Worker(sales).work_off() == 0
    assert names(sales.deliveries.resume(report.batch_id)) == ["SENT"] * 4


@pytest.mark.usefixtures("drafts")
def test_cancelling_leaves_out_the_rest_and_frees_it(sales, post):
    mailer = post()
    batch = plan(sales).queue()
    report = sales.deliveries.cancel(batch, why="wrong prices")
    assert {(row.state.name, row.reason) for row in report} == {("SKIPPED", "the batch was cancelled: wrong prices")}
    assert Worker(sales).work_off() == 0
    assert names(plan(sales).run()) == ["SENT"] * 4
    assert len(mailer.sent) == 4


@pytest.mark.usefixtures("drafts")
def test_a_pace_is_kept_by_all_who_send(sales, post):
    post()
    batch = plan(sales).queue(per_second=0.01)
    waits: list[float] = []
    senders = [Sender(sales, worker=name, sleep=waits.append) for name in ("one", "two")]
    letters = [delivery.letter for delivery in sales.deliveries.of_batch(batch)]
    for place, letter in enumerate(letters):
        senders[place % 2].deliver(letter)
    # Nobody slept, so that all turns were taken at almost the same moment: a hundred seconds from each to the next.
    assert [round(wait / 100) for wait in waits] == [1, 2, 3]


@pytest.mark.parametrize("pace", [0, -1, "fast", True, float("nan")])
def test_a_pace_is_a_number(sales, pace, post, drafts):
    post()
    with pytest.raises(sp.Invalid, match="per_second"):
        plan(sales).run(per_second=pace)


def test_a_mailer_that_can_tell_decides_about_uncertain_mails(sales, drafts, post):
    mailer = post(Unknown(reason="dropped"), Unknown(reason="dropped"), Unknown(reason="dropped"))
    report = plan(sales).run()
    ids = [row.delivery_id for row in report]
    known = {sales.deliveries.get(ids[0]).message_id: True, sales.deliveries.get(ids[1]).message_id: False}
    mailer.lookup = known.get
    assert sales.deliveries.look_up() == 2
    assert names(sales.deliveries.report(report.batch_id)) == ["SENT", "RETRY_WAIT", "UNCERTAIN", "SENT"]
    assert names(sales.deliveries.resume(report.batch_id)) == ["SENT", "SENT", "UNCERTAIN", "SENT"]
    assert mailer.sent[1].content == mailer.sent[4].content


def test_another_process_sends_with_the_words_that_were_planned(sales, drafts, url, opened, tmp_path):
    if url == "memory:":
        pytest.skip("lives in one process")
    batch = plan(sales).queue()
    sales.settings.edit_organisation(name="Somebody Else")
    folder = tmp_path / "mails"
    assert main([url, "--mailer", f"folder:{folder}", "--once"]) == 0
    assert names(sales.deliveries.report(batch)) == ["SENT"] * 4
    assert len(list(folder.glob("*.eml"))) == 4


def test_the_worker_says_what_it_needs(capsys):
    assert main(["memory:"]) == 2
    assert "SALESPIPELINE_MAILER" in capsys.readouterr().err
