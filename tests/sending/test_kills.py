"""A worker is killed at a point of the protocol, once; the next one goes on. The long run is in ``tests/faults``. (SPEC SEND-6)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.sending.killing import Children, aged, found, queued, server

POINTS = ["while it draws", "inside T1", "after the dot", "inside T2", "after T2"]
MAY_HAVE_LEFT = {"after the dot", "inside T2"}


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    made = Children(tmp_path_factory.mktemp("children"))
    yield made
    made.close()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_mails_nothing_twice_and_loses_nothing(point: str, tmp_path: Path, children: Children) -> None:
    url, taken = f"sqlite:///{tmp_path / 'sales.db'}", tmp_path / "taken"
    queued(url, 2)
    with server(taken) as mailer:
        assert children.work(url, mailer, point)
        assert not children.work(url, mailer)
    result = found(url, taken, 1)
    assert (result.twice, result.unmarked, result.lost) == (0, 0, 0)
    assert result.uncertain == (point in MAY_HAVE_LEFT)
    assert result.mails >= 1


@pytest.mark.parametrize("point", ["before the plan's commit", "after the plan's commit"])
def test_one_who_is_killed_while_pressing_presses_again_with_the_same_key(
    point: str, tmp_path: Path, children: Children
) -> None:
    url, taken = f"sqlite:///{tmp_path / 'sales.db'}", tmp_path / "taken"
    queued(url, 2, queue=False)
    with server(taken) as mailer:
        assert children.work(url, mailer, point, job="queue", key="monday")
        assert not children.work(url, mailer, job="queue", key="monday")
        assert not children.work(url, mailer)
    result = found(url, taken, 1)
    assert (result.mails, result.violations, result.uncertain) == (2, 0, 0)


def test_an_upgrade_that_is_killed_goes_on_and_so_do_the_deliveries(tmp_path: Path, children: Children) -> None:
    url, taken = f"sqlite:///{tmp_path / 'sales.db'}", tmp_path / "taken"
    queued(url, 2)
    with server(taken) as mailer:
        assert children.work(url, mailer, "after T1")
        aged(url)
        assert children.work(url, mailer, "while it writes all anew", 2, job="upgrade")
        assert not children.work(url, mailer, job="upgrade")
        assert not children.work(url, mailer)
    result = found(url, taken, 2)
    assert (result.mails, result.violations, result.uncertain) == (1, 0, 1)
