"""The examples for embedders: in each of them a deal and the host's own row are kept together, or not at all."""

from __future__ import annotations

import contextlib
import importlib
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from tests.stores.postgres_server import fresh

import salespipeline as sp

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "embedding"
LINES = [sp.Line("Racking, bay", quantity=40, unit_price="210.00")]


@attrs.frozen
class Host:
    """An application with a database of its own, seen through one of the examples."""

    setup: Callable[[Callable[[sp.Sales], Any]], Any]  # do something with the pipeline, and commit
    win: Callable[[str], sp.Opportunity]
    orders: Callable[[], list[tuple[str, str]]]  # what somebody else sees
    book: Callable[[str], None]  # an order that is there already, so that winning is refused by the host


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """The URL of a database in PostgreSQL that is the test's own."""
    import psycopg

    name = fresh()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    yield re.sub(r"(?<=/)\w*(?=\?|$)", name, postgres, count=1)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def on_sqlite(example: Callable[[str], ModuleType], tmp_path: Path) -> Iterator[Host]:
    module = example("with_sqlite")
    path = tmp_path / "host.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(module.ORDERS)
        sales = module.pipeline(connection, "jane", sp.blobs.Memory())

        def setup(work: Callable[[sp.Sales], Any]) -> Any:
            with connection:
                return work(sales)

        def orders() -> list[tuple[str, str]]:
            with contextlib.closing(sqlite3.connect(path)) as other:
                return other.execute("SELECT deal, value FROM orders").fetchall()

        def book(id: str) -> None:
            with connection:
                connection.execute("INSERT INTO orders VALUES (?, 'booked before')", (id,))

        yield Host(setup, lambda reference: module.win(connection, sales, reference), orders, book)


@contextlib.contextmanager
def on_psycopg(example: Callable[[str], ModuleType], database: str) -> Iterator[Host]:
    import psycopg

    module = example("with_psycopg")
    with psycopg.connect(database, autocommit=True) as other, psycopg.connect(database) as connection:
        other.execute(module.ORDERS)
        sales = module.pipeline(connection, "jane")
        connection.commit()

        def setup(work: Callable[[sp.Sales], Any]) -> Any:
            with connection.transaction():
                return work(sales)

        yield Host(
            setup,
            lambda reference: module.win(connection, sales, reference),
            lambda: other.execute("SELECT deal, value FROM orders").fetchall(),
            lambda id: other.execute("INSERT INTO orders VALUES (%s, 'booked before')", (id,)),  # type: ignore[arg-type,return-value]
        )


@contextlib.contextmanager
def on_sqlalchemy(example: Callable[[str], ModuleType], url: str) -> Iterator[Host]:
    from sqlalchemy import create_engine, select
    from sqlalchemy.orm import Session

    module, files = example("with_sqlalchemy"), sp.blobs.Memory()
    engine = create_engine(url)
    module.Base.metadata.create_all(engine)

    def setup(work: Callable[[sp.Sales], Any]) -> Any:
        with Session(engine) as session, session.begin():
            return work(module.pipeline(session, "jane", files))

    def win(reference: str) -> sp.Opportunity:
        with Session(engine) as session, session.begin():
            return module.win(session, files, reference, actor="jane")

    def orders() -> list[tuple[str, str]]:
        with Session(engine) as session:
            return [tuple(row) for row in session.execute(select(module.Order.deal, module.Order.value))]  # type: ignore[misc]

    def book(id: str) -> None:
        with Session(engine) as session, session.begin():
            session.add(module.Order(deal=id, value="booked before"))

    yield Host(setup, win, orders, book)
    engine.dispose()


@pytest.fixture(scope="module")
def django() -> Iterator[Any]:
    """Django without a project, set up once: a process has one configuration."""
    pytest.importorskip("django", reason="pip install django")
    import django
    from django.conf import settings

    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
    django.setup()
    from django.db import connections

    assert "default" in connections.settings
    assert connections["default"] is not None
    yield connections
    connections.close_all()


@contextlib.contextmanager
def on_django(example: Callable[[str], ModuleType], django: Any, settings: dict[str, str]) -> Iterator[Host]:
    from django.db import connection, transaction

    module, files = example("with_django"), sp.blobs.Memory()
    django.settings.update(django.configure_settings({"default": settings}))
    del django["default"]  # it is made anew, for this database
    with connection.schema_editor() as editor:
        editor.create_model(module.Order)

    def setup(work: Callable[[sp.Sales], Any]) -> Any:
        with transaction.atomic():
            return work(module.pipeline("jane", files))

    yield Host(
        setup,
        lambda reference: module.win(files, reference, actor="jane"),
        lambda: list(module.Order.objects.values_list("deal", "value")),
        lambda id: module.Order.objects.create(deal=id, value="booked before"),
    )
    connection.close()


@pytest.fixture(
    params=["sqlite", "psycopg", "sqlalchemy-sqlite", "sqlalchemy-postgres", "django-sqlite", "django-postgres"]
)
def host(request: pytest.FixtureRequest, example: Callable[[str], ModuleType], tmp_path: Path) -> Iterator[Host]:
    name = request.param
    if name.startswith("sqlalchemy"):
        pytest.importorskip("sqlalchemy", minversion="2", reason="pip install sqlalchemy")
    if name == "sqlite":
        chosen = on_sqlite(example, tmp_path)
    elif name == "psycopg":
        chosen = on_psycopg(example, request.getfixturevalue("database"))
    elif name == "sqlalchemy-sqlite":
        chosen = on_sqlalchemy(example, f"sqlite:///{tmp_path / 'host.db'}")
    elif name == "sqlalchemy-postgres":
        url = re.sub(r"^postgres(ql)?", "postgresql+psycopg", request.getfixturevalue("database"))
        chosen = on_sqlalchemy(example, url)
    elif name == "django-sqlite":
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "host.db")}
        chosen = on_django(example, request.getfixturevalue("django"), settings)
    else:
        import psycopg

        facts = psycopg.conninfo.conninfo_to_dict(request.getfixturevalue("database"))
        settings = {name.upper(): str(facts.get(name, "")) for name in ("user", "password", "host", "port")}
        settings |= {"ENGINE": "django.db.backends.postgresql", "NAME": str(facts["dbname"])}
        chosen = on_django(example, request.getfixturevalue("django"), settings)
    with chosen as host:
        yield host


def begun(sales: sp.Sales) -> sp.Opportunity:
    sales.settings.stages.add("Prospect")
    return sales.opportunities.create(contact=sales.contacts.add("Acme Ltd"), subject="Warehouse", lines=LINES)


def test_a_won_deal_and_the_hosts_order_are_kept_together(host: Host) -> None:
    deal = host.setup(begun)
    won = host.win(deal.reference)
    assert won.status == "won"
    assert host.orders() == [(deal.id, "8,400.00 GBP")]
    assert host.setup(lambda sales: sales.opportunities[deal.id].status) == "won"


def test_what_the_host_refuses_leaves_the_deal_as_it_was(host: Host) -> None:
    deal = host.setup(begun)
    host.book(deal.id)
    with pytest.raises(Exception, match=r"(?i)unique"):  # each driver has an error of its own
        host.win(deal.reference)
    assert host.setup(lambda sales: sales.opportunities[deal.id]) == deal
    assert host.orders() == [(deal.id, "booked before")]


def test_what_the_pipeline_refuses_books_no_order(host: Host) -> None:
    deal = host.setup(begun)
    host.setup(lambda sales: sales.opportunities.lose(deal.id, "price"))
    with pytest.raises(sp.NotAllowed):
        host.win(deal.reference)
    assert host.orders() == []


@pytest.mark.parametrize("name", ["with_sqlite", "with_psycopg", "with_sqlalchemy", "with_django"])
def test_each_example_runs_by_itself(name: str, request: pytest.FixtureRequest) -> None:
    library = {"with_sqlite": "sqlite3", "with_psycopg": "psycopg"}.get(name, name.removeprefix("with_"))
    pytest.importorskip(library, reason=f"pip install {library}")
    arguments = [request.getfixturevalue("database")] if name == "with_psycopg" else []
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("won ")
    assert "8,400.00 GBP" in done.stdout


def test_the_page_shows_every_example() -> None:
    page = (ROOT / "docs" / "embedding.md").read_text("utf-8")
    shown = re.findall(r"\{literalinclude\} \.\./examples/embedding/(\w+\.py)", page)
    assert sorted(set(shown)) == sorted(path.name for path in EXAMPLES.glob("*.py"))
