"""Workers are killed at every point of the protocol, and at any moment: nothing is mailed twice, or lost. (SPEC SEND-6)"""

from __future__ import annotations

from pathlib import Path
from random import Random
from threading import Event

import pytest
from tests.faults.sending.children import JOB_OF, POINTS
from tests.faults.sending.killing import aged, found, mails, queued, server
from tests.stores.postgres_server import fresh, with_options

import salespipeline as sp
from salespipeline import maintenance

pytestmark = pytest.mark.faults
SHARE = 0.03  # of the mails meet a fault of the server


def promised(result) -> None:
    assert (result.twice, result.unmarked, result.lost) == (0, 0, 0), result
    # One worker was in flight at each kill.
    assert result.uncertain <= result.kills + result.unanswered, result


@pytest.mark.parametrize("point", [point for point in POINTS if point not in JOB_OF])
def test_killed_at_a_point(faults_url, point, tmp_path: Path, children, scaled, enter) -> None:
    chance, taken, kills, runs = Random(point), tmp_path / "taken", 0, scaled(50)
    queued(faults_url, runs)
    with server(taken, SHARE, chance.randrange(1000)) as mailer:
        while kills < runs:
            most = 12 if point in ("any write", "after MAIL, RCPT", "after the dot") else 2
            if children.work(faults_url, mailer, point, chance.randint(1, most)):
                kills += 1
            else:  # it had nothing more to do
                queued(faults_url, runs // 2 + 1)
                if point == "while it sweeps":  # which is only met after another death
                    children.work(faults_url, mailer, "inside T1")
                    kills += 1
        assert not children.work(faults_url, mailer)
    result = found(faults_url, taken, kills)
    enter(f"{point} · {faults_url.partition(':')[0]}", runs, result)
    promised(result)


def test_killed_at_any_moment(faults_url, tmp_path: Path, children, scaled, enter) -> None:
    chance, taken, kills, runs = Random("any moment"), tmp_path / "taken", 0, scaled(1000)
    clock = Event()
    with server(taken, SHARE, 1) as mailer:
        queued(faults_url, 50)
        while kills < runs:
            worker = children.start("send", url=faults_url, mailer=mailer)
            clock.wait(chance.uniform(0.01, 0.25))
            if children.kill(worker):
                kills += 1
            else:
                queued(faults_url, 50)
        assert not children.work(faults_url, mailer)
    result = found(faults_url, taken, kills)
    enter(f"any moment · {faults_url.partition(':')[0]}", runs, result)
    promised(result)


def points(*jobs: str) -> list[str]:
    return [point for point, job in JOB_OF.items() if job in jobs]


@pytest.mark.parametrize("point", points("queue", "attach"))
def test_killed_before_anything_leaves(faults_url, point, tmp_path: Path, children, scaled, enter) -> None:
    """Somebody who presses, or keeps a file, dies; whoever presses again with the same key starts nothing twice."""
    chance, taken, runs, job = Random(point), tmp_path / "taken", scaled(50), JOB_OF[point]
    with server(taken) as mailer:
        for number in range(runs):
            (document,) = queued(faults_url, 1, queue=False)
            more = {"to": document} if job == "attach" else {"key": str(number)}
            turn = chance.randint(1, 2) if point == "while it keeps the files of the plan" else 1
            assert children.work(faults_url, mailer, point, turn, job=job, **more)
            with sp.open(faults_url) as sales:
                assert len(sales.deliveries.batches()) == number + (point == "after the plan's commit")
                assert sales.attachments.all().count() == 0
            assert not children.work(faults_url, mailer, job="queue", key=str(number))
        assert not children.work(faults_url, mailer)
    with sp.open(faults_url) as sales:
        assert len(sales.deliveries.batches()) == runs
        assert maintenance.check(sales) == []
    result = found(faults_url, taken, runs)
    enter(f"{point} · {faults_url.partition(':')[0]}", runs, result)
    promised(result)
    assert (result.mails, result.uncertain) == (runs, 0)


@pytest.mark.parametrize("point", points("go_on"))
def test_killed_while_a_batch_that_paused_goes_on(faults_url, point, tmp_path: Path, children, scaled, enter) -> None:
    chance, taken, kills, runs = Random(point), tmp_path / "taken", 0, scaled(50)
    with server(taken, SHARE, 2) as mailer:
        while kills < runs:
            queued(faults_url, 2)
            with sp.open(faults_url, actor="tom") as sales:
                sales.deliveries.pause(sales.deliveries.batches()[0], why="lunch")
            turn = chance.randint(1, 12) if point == "while it goes on" else 1
            if children.work(faults_url, mailer, point, turn, job="go_on"):
                kills += 1
            assert not children.work(faults_url, mailer, job="go_on")
    result = found(faults_url, taken, kills)
    enter(f"{point} · {faults_url.partition(':')[0]}", runs, result)
    promised(result)


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("point", points("upgrade"))
def test_killed_in_an_upgrade_with_deliveries_in_flight(
    store, point, tmp_path: Path, children, scaled, enter, request
) -> None:
    """Two workers have died, one of them while it sent; the upgrade dies, is begun again, and the next worker goes on."""
    chance, taken, kills, runs = Random(point), tmp_path / "taken", 0, scaled(20)
    url = f"sqlite:///{tmp_path / 'faults.db'}?synchronous=NORMAL"
    if store == "postgres":
        url = with_options(request.getfixturevalue("durable_postgres"), schema=fresh())
    with server(taken) as mailer:
        while kills < runs:
            queued(url, 3)
            assert children.work(url, mailer, "after T1")
            assert children.work(url, mailer, "after the claim")
            aged(url)
            before = mails(taken)
            turn = 1 if point == "while it changes the layout" else chance.randint(1, 9)
            kills += children.work(url, mailer, point, turn, job="upgrade")
            assert not children.work(url, mailer, job="upgrade")
            assert mails(taken) == before
            assert not children.work(url, mailer)
            with sp.open(url) as sales:
                assert sales.deliveries.where(purpose="send").count() == len(sales.deliveries)
    result = found(url, taken, kills)
    enter(f"{point} · {store}ql" if store == "postgres" else f"{point} · {store}", runs, result)
    promised(result)
