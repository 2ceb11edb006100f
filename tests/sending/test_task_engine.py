"""The recipe for a task engine works on a real one. (SPEC SEND-7)"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import psycopg
import pytest
from tests.stores.postgres_server import fresh, with_options

import salespipeline as sp
from salespipeline.mail import Memory
from salespipeline.ports import NotSent

RECIPE = Path(__file__).parents[2] / "examples" / "workers" / "with_procrastinate.py"


def test_procrastinate_carries_out_what_is_queued(postgres: str) -> None:
    pytest.importorskip("procrastinate", reason="pip install procrastinate")
    spec = importlib.util.spec_from_file_location("with_procrastinate", RECIPE)
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)

    with psycopg.connect(postgres, autocommit=True) as connection:
        name = fresh()
        connection.execute(f"CREATE DATABASE {name}")
    own = postgres.replace("/postgres?", f"/{name}?")
    url, mailer = with_options(own, workspace="acme"), Memory([NotSent(reason="no such user", code=550)])
    app = recipe.engine(own, lambda: sp.open(url, actor="engine", mailer=mailer))
    with app.open(), sp.open(url, actor="jane") as sales:
        app.schema_manager.apply_schema()
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        for _ in range(3):
            sales.documents.draft(acme, "quote", subject="Racking", lines=[sp.Line("Bay", unit_price="10")])
        plan = sales.documents.order("reference").plan_send_all()
        batch = recipe.send_all(app, plan, key="monday")
        assert recipe.send_all(app, plan, key="monday") == batch  # one batch, and one task
        app.run_worker(queues=["mail"], wait=False, install_signal_handlers=False, listen_notify=False)
        assert [row.state.name for row in sales.deliveries.report(batch)] == ["FAILED", "SENT", "SENT"]
        with psycopg.connect(own) as connection:
            jobs = connection.execute("SELECT task_name, status FROM procrastinate_jobs ORDER BY id").fetchall()
        assert ("work_off", "succeeded") in jobs
        assert [name for name, _ in jobs].count("work_off") == 1
    assert len(mailer.sent) == 2
