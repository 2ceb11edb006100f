"""Workers are killed at every point of the protocol, and at any moment: nothing is mailed twice, or lost. (SPEC SEND-6)"""

from __future__ import annotations

from pathlib import Path
from random import Random
from threading import Event

import pytest
from tests.faults.sending.children import POINTS
from tests.faults.sending.killing import found, queued, server

pytestmark = pytest.mark.faults
SHARE = 0.03  # of the mails meet a fault of the server


def promised(result) -> None:
    assert (result.twice, result.unmarked, result.lost) == (0, 0, 0), result
    # One worker was in flight at each kill.
    assert result.uncertain <= result.kills + result.unanswered, result


@pytest.mark.parametrize("point", POINTS)
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
