"""Workers are killed at every point of the protocol, and at any write: nothing is mailed twice, or lost. (SPEC SEND-6)"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.faults.sending.killed_worker import POINTS
from tests.faults.sending.killing import Found, found, queued, server, work
from tests.stores.postgres_server import fresh, with_options

RUNS, DOCUMENTS = 6, 8


@pytest.fixture(params=["sqlite", "postgres"])
def faults_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return with_options(request.getfixturevalue("postgres"), workspace=fresh())
    return f"sqlite:///{tmp_path / 'faults.db'}?synchronous=NORMAL"


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
def test_killed_again_and_again(faults_url: str, point: str, tmp_path: Path) -> None:
    chance, taken, kills = Random(point), tmp_path / "taken", 0
    queued(faults_url, DOCUMENTS)
    with server(taken, 0.03, chance.randrange(1000)) as mailer:
        for _ in range(RUNS):
            kills += work(faults_url, mailer, point, chance.randint(1, 12))
        for _ in range(30):  # what was refused for now waits; the clock of the store cannot be moved
            assert not work(faults_url, mailer)
            result = found(faults_url, taken, kills)
            if result.lost == 0:
                break
    print(f"\n{point}: {result}")
    assert result == Found(kills, result.mails, 0, 0, 0, result.uncertain)
    assert result.uncertain <= kills + DOCUMENTS * 0.2
