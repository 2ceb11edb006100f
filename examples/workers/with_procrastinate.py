"""The mails of *send all* carried out by a task engine that the application has already: procrastinate, on PostgreSQL.

The engine says when, and the queue of the pipeline says what: a task is *work off what waits*, and not *send this mail*.
However often the engine runs it, on however many machines, each letter is claimed once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

import salespipeline as sp
from salespipeline.sending_report import Plan
from salespipeline.worker import Worker

QUEUE = "mail"


def engine(url: str, pipeline: Callable[[], sp.Sales]) -> App:
    """Return the application of the engine at *url*; *pipeline* opens ours, with a mailer."""
    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(queue=QUEUE, name="work_off")
    def work_off() -> int:
        """Send everything that waits now."""
        with pipeline() as sales:
            return Worker(sales).work_off()

    @app.periodic(cron="* * * * *")
    @app.task(queue=QUEUE, name="look_again", queueing_lock="look_again")
    def look_again(timestamp: int) -> int:  # noqa: ARG001 - the engine says for which minute
        """Once a minute: what is to be tried again, and what a dead process has left."""
        return work_off()

    return app


def send_all(app: App, plan: Plan, *, key: str | None = None) -> str:
    """Queue the mails of *plan*, and ask the engine to work them off; a task that waits already will do.

    Returns the id of the batch.
    """
    batch = plan.queue(key=key)
    with suppress(AlreadyEnqueued):
        app.configure_task("work_off", queue=QUEUE, queueing_lock="work_off").defer()
    return batch
