"""How long the long runs are."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--scale", type=float, default=1.0, help="how much of the long runs to run, such as 0.01")


@pytest.fixture(scope="session")
def scaled(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return what is left of a size at the scale that was asked for."""
    scale = request.config.getoption("--scale", default=1.0)
    return lambda size: max(1, round(size * scale))
