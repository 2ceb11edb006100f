"""Where the faults are tried: the stores that several processes can share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stores.postgres_server import fresh, with_options


@pytest.fixture(params=["sqlite", "postgres"])
def faults_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return with_options(request.getfixturevalue("postgres"), workspace=fresh())
    return f"sqlite:///{tmp_path / 'faults.db'}?synchronous=NORMAL"
