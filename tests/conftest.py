"""One pipeline for the tests, on every store: same clock, same ids, same actor."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.stores.postgres_server import NoServer, fresh, running, with_options

import salespipeline as sp
from salespipeline.mail import Memory

pytest.register_assert_rewrite("tests.stores.kills", "tests.stores.sqlite_deaths")

settings.register_profile("house", deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
settings.load_profile("house")


class Hands:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server: the one that was named, or one that is started now."""
    pytest.importorskip("psycopg_pool", reason="pip install 'salespipeline[postgres]'")
    try:
        with running() as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":  # a workspace of its own: as good as a database of its own, and there at once
        return with_options(request.getfixturevalue("postgres"), workspace=fresh())
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'sales.db'}"


@pytest.fixture
def opened(clock: Hands) -> Iterator[Callable[..., sp.Sales]]:
    """Open pipelines that are closed when the test is over."""
    made: list[sp.Sales] = []
    counter = itertools.count(1)

    def opener(url: str, **options: object) -> sp.Sales:
        facts: dict[str, object] = {"actor": "jane", "mailer": Memory(), "clock": clock}
        facts |= {"ids": lambda: f"id{next(counter):08d}"} | options
        made.append(sp.open(url, **facts))
        return made[-1]

    yield opener
    for sales in made:
        sales.close()


@pytest.fixture
def bare(url: str, opened: Callable[..., sp.Sales]) -> sp.Sales:
    """An empty pipeline."""
    return opened(url)


@pytest.fixture
def sales(bare: sp.Sales) -> sp.Sales:
    """A pipeline with an organisation, stages, probabilities, tags, users and a contact."""
    desk = bare.settings
    desk.edit_organisation(name="Northgate Ltd", email="sales@northgate.example", address="1 Quay\nLeeds")
    desk.stages.add("Prospect", "Quotation sent", "Order signed")
    desk.probabilities.add("Cold 10%")
    desk.probabilities.add("Hot 75%", colour="orange")
    desk.tags.add("VIP", colour="red")
    desk.tags.add("Rush")
    desk.users.add("Jane Whitfield", id="jane", department="North")
    desk.users.add("Tom Okafor", id="tom", department="South")
    bare.contacts.add("Acme Ltd", email="buyer@acme.example")
    return bare


@pytest.fixture
def deal(sales: sp.Sales) -> sp.Opportunity:
    line = sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")
    return sales.opportunities.create(contact="Acme Ltd", subject="New warehouse", lines=[line], probability="Hot 75%")
