"""*Send all* from end to end: planning, the cost of a document beside its PDF and SMTP, memory, and mails a second.

The costs of a document and of planning are this process's own time on SQLite, so run with ``--clock cpu`` where others use the
machine; the mailer takes everything at once. With ``--stores postgres`` sixteen processes send to one server process
that takes everything: wall time, the PDFs and SMTP included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from _common import CLOCKS, Row, _chosen, arguments, limit, show

import salespipeline as sp
from salespipeline.ports import Accepted, Mail, Rendered
from salespipeline.worker import Worker

WORKERS = 16
SINK = """
import asyncio
class Sink(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest, self.body = transport, b"", False
        transport.write(b"220 sink\\r\\n")
    def data_received(self, data):
        self.rest += data
        while True:
            if self.body:
                end = self.rest.find(b"\\r\\n.\\r\\n")
                if end < 0:
                    return
                self.rest, self.body = self.rest[end + 5:], False
                self.transport.write(b"250 taken\\r\\n")
            line, found, rest = self.rest.partition(b"\\r\\n")
            if not found:
                return
            self.rest = rest
            verb = line[:4].upper()
            self.body = verb == b"DATA"
            self.transport.write(b"354 go on\\r\\n" if self.body else b"221 bye\\r\\n" if verb == b"QUIT" else b"250 fine\\r\\n")
async def main():
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Taking:
    """A mailer that takes everything and keeps nothing."""

    def send(self, mail: Mail) -> Accepted:
        del mail
        return Accepted(reply="250 taken")

    def close(self) -> None:
        """Nothing is open."""


class Drawn:
    """A renderer that has drawn already: a PDF of 30 kB for every document."""

    PDF = b"%PDF-1.7 " + b"x" * 30_000

    def render(self, view: object) -> Rendered:
        del view
        return Rendered(content=self.PDF, media_type="application/pdf")


def filled(url: str, documents: int) -> None:
    """Draft so many quotes and invoices, each with three lines, for a hundred contacts."""
    with sp.open(url, actor="jane") as sales:
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example", address="1 Quay\nLeeds")
        contacts = [sales.contacts.add(f"Client {n}", email=f"buyer@client{n}.example") for n in range(100)]
        for start in range(0, documents, 500):
            with sales.transaction():
                for n in range(start, min(documents, start + 500)):
                    lines = [
                        sp.Line(f"Racking, bay {n}-{k}", quantity=k + 1, unit_price="210.00", tax="20")
                        for k in range(3)
                    ]
                    type = ("quote", "invoice")[n % 2]
                    sales.documents.draft(contacts[n % 100], type, subject=f"Warehouse {n}", lines=lines)


def told(name: str, figure: float, unit: str) -> Row:
    """Return the row of a figure that has no goal."""
    return Row(name, figure, figure, "", 1.0, unit, "")


def clock() -> float:
    return CLOCKS[_chosen[0]]()


def alone(documents: int) -> list[Row]:
    """Measure one worker on SQLite: what a document costs beside its PDF and SMTP, and whether memory stays flat."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/a.db?synchronous=NORMAL"
        filled(url, documents)
        with sp.open(url, actor="jane", mailer=Taking(), renderer=Drawn()) as sales:
            start = clock()
            plan = sales.documents.order("created").plan_send_all()
            planning = clock() - start
            start = clock()
            plan.queue()
            queueing = clock() - start
            worker, peaks = Worker(sales), []
            start = clock()
            steps = 0
            while not isinstance(done := worker.sender.deliver_next(), _taken()):
                steps += 1
                if steps in (documents // 5, documents):
                    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
                del done
            sending = clock() - start
            report = sales.deliveries.report(sales.deliveries.batches()[0])
            assert sum(row.state == "sent" for row in report) == documents
    share = documents / 10_000
    return [
        limit(f"planning {documents} documents", planning, 2.0 * share, "s", f"{2.0 * share:g} s"),
        told(f"queueing {documents} documents", queueing, "s"),
        limit("a document, without PDF and SMTP", sending / documents * 1e3, 5.0, "ms", "5 ms"),
        limit(f"peak memory after {documents}", peaks[-1], peaks[0] * 1.05, "MB", "1.05 x that after a fifth"),
    ]


def _taken() -> type:
    from salespipeline.claiming import Taken

    return Taken


@contextmanager
def sink() -> Iterator[str]:
    """Run a server that takes everything."""
    with subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"smtp://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def crowd(documents: int) -> list[Row]:
    """Measure sixteen worker processes on PostgreSQL."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.stores.postgres_server import fresh, running, with_options

    with running(("fsync=off", "full_page_writes=off", "max_connections=100")) as server, sink() as mailer:
        url = with_options(server, workspace=fresh())
        filled(url, documents)
        with sp.open(url, actor="jane") as sales:
            sales.documents.order("created").plan_send_all().queue()
            command = [
                sys.executable,
                "-m",
                "salespipeline.worker",
                url,
                "--mailer",
                mailer,
                "--once",
                "--log",
                "quiet",
            ]
            start, used = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            workers = [subprocess.Popen(command) for _ in range(WORKERS)]
            for worker in workers:
                assert worker.wait() == 0
            took = perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            assert sales.deliveries.where(state="sent").count() == documents
        cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return [
        limit(f"{WORKERS} workers, {documents} mails", took, documents / 200, "s", "200 mails/s"),
        told("own time of the workers, a mail", cpu / documents * 1e3, "ms"),
    ]


def main() -> None:
    """Measure what was asked for."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--documents", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--stores", default="sqlite,postgres", help="which of sqlite, postgres (default: %(default)s)")
    chosen = parser.parse_args()
    rows: list[Row] = []
    if "sqlite" in chosen.stores:
        rows += alone(chosen.documents)
    if "postgres" in chosen.stores:
        rows += crowd(chosen.documents)
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
