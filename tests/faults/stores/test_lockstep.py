"""The suite's state machine for longer than anybody waits for: hundreds of sequences of steps beside the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from salespipeline.testing.clauses.lockstep import Lockstep
from salespipeline.testing.fresh import Opener, fresh

pytestmark = pytest.mark.faults


class TestMemory(Lockstep):
    examples = 200

    @pytest.fixture
    def opener(self) -> Iterator[Opener]:
        with fresh("memory:") as opener:
            yield opener


class TestSqlite(Lockstep):
    examples = 200

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Iterator[Opener]:
        with fresh(f"sqlite:///{tmp_path / 'deals.db'}?synchronous=NORMAL") as opener:
            yield opener


class TestPostgres(Lockstep):
    examples = 100

    @pytest.fixture
    def opener(self, postgres: str) -> Iterator[Opener]:
        with fresh(postgres) as opener:
            yield opener
