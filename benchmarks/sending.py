"""*Send all* from end to end: planning, the cost of a document beside its PDF and SMTP, memory, and mails a second.

The costs of a document and of planning are this process's own time on SQLite, so run with ``--clock cpu`` where others use the
machine; the PDF is drawn already, and the mailer takes everything at once. What a PDF and SMTP cost beside that is told in rows
of their own. With ``--stores postgres`` sixteen processes send to one server process that takes everything: wall time, the
PDFs and SMTP included, and the start of the workers too.
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

import mail
from _common import CLOCKS, Row, _chosen, arguments, compare, limit, show

import salespipeline as sp
from salespipeline.claiming import Taken
from salespipeline.ports import Accepted, Mail, Rendered
from salespipeline.worker import Worker

WORKERS = 16
LINES = [sp.Line(f"Racking, bay {k}", quantity=k + 1, unit_price="210.00", tax="20") for k in range(3)]
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
            while not isinstance(worker.sender.deliver_next(), Taken):
                steps += 1
                if steps in (documents // 5, documents):
                    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            sending = clock() - start
            assert sales.deliveries.where(state="sent").count() == documents
        rest = beside(url)
    share = documents / 10_000
    return [
        limit(f"planning {documents} documents", planning, 2.0 * share, "s", f"{2.0 * share:g} s"),
        told(f"queueing {documents} documents", queueing, "s"),
        limit("a document, without PDF and SMTP", sending / documents * 1e3, 5.0, "ms", "5 ms"),
        *rest,
        limit(f"peak memory after {documents}", peaks[-1], peaks[0] * 1.05, "MB", "1.05 x that after a fifth"),
    ]


def beside(url: str, times: int = 100) -> list[Row]:
    """Measure what a document costs beside that: its PDF, and SMTP on one connection, both in this process alone."""
    with sink() as server, sp.open(url, actor="jane", mailer=sp.mail.Smtp(server)) as sales:
        client = sales.contacts["Client 1"]
        drafts = [sales.documents.draft(client, "quote", subject=f"Bay {n}", lines=LINES) for n in range(times)]
        sales.documents.pdf(drafts[0])
        start = clock()
        for draft in drafts:
            sales.documents.pdf(draft)
        drawing = clock() - start
        letter = mail.ours(mail.HTML, mail.PDF)
        sales.mailer.send(letter)
        start = clock()
        for _ in range(times):
            assert isinstance(sales.mailer.send(letter), Accepted)
        mailing = clock() - start
    return [told("a PDF", drawing / times * 1e3, "ms"), told("a mail by SMTP", mailing / times * 1e3, "ms")]


def building(rounds: int) -> Row:
    """Measure how a mail is built beside the shortest way to do so."""
    ours, peer = lambda: mail.ours(mail.HTML, mail.PDF), lambda: mail.peer(mail.HTML, mail.PDF)
    name = "mail: text, HTML and a PDF of 30 kB"
    return compare(name, ours, peer, peer_name="EmailMessage", goal="<= 1.2", rounds=rounds, calls=20)


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
            starting, idle = worked(command)
            sales.documents.order("created").plan_send_all().queue()
            took, used = worked(command)
            assert sales.deliveries.where(state="sent").count() == documents
    return [
        limit(f"{WORKERS} workers, {documents} mails", took, documents / 200, "s", "200 mails/s"),
        told(f"{WORKERS} workers that find nothing", starting, "s"),
        told("own time of the workers, a mail", (used - idle) / documents * 1e3, "ms"),
    ]


def worked(command: list[str]) -> tuple[float, float]:
    """Let the workers work until nothing waits; return how long it took, and how much time of their own they used."""
    start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    workers = [subprocess.Popen(command) for _ in range(WORKERS)]
    for worker in workers:
        assert worker.wait() == 0
    took, after = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure what was asked for."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--documents", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--stores", default="sqlite,postgres", help="which of sqlite, postgres (default: %(default)s)")
    chosen = parser.parse_args()
    rows: list[Row] = [building(chosen.rounds)]
    if "sqlite" in chosen.stores:
        rows += alone(chosen.documents)
    if "postgres" in chosen.stores:
        rows += crowd(chosen.documents)
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
