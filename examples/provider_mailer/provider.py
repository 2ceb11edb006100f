"""A provider for the tests: a real HTTP server on this machine, which gets into the troubles that it is told to."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import unquote

from salespipeline.testing import Arrived, Trouble

KEY = "key-of-the-example"


class Provider(ThreadingHTTPServer):
    """Keeps what it takes; ``trouble`` is for the next mail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.host = f"127.0.0.1:{self.server_port}"
        self.taken: dict[str, Arrived] = {}
        self.trouble: Trouble | None = None
        self.lock = Lock()

    def arrange(self, trouble: Trouble) -> None:
        """Get into *trouble* at the next mail."""
        if trouble is Trouble.NOBODY:
            self.host = "127.0.0.1:1"
        self.trouble = trouble

    def handle_error(self, *_: object) -> None:
        """Say nothing of a connection that was dropped."""


class Conversation(BaseHTTPRequestHandler):
    """One request."""

    server: Provider

    def do_POST(self) -> None:
        """Take a message."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            trouble, self.server.trouble = self.server.trouble, None
            if self.headers["Authorization"] != f"Bearer {KEY}" or trouble is Trouble.LOCKED_OUT:
                return self.answer(401, {"error": "this key is not valid"})
            if trouble is Trouble.REFUSED or not request["to"]:
                return self.answer(422, {"error": "no such mailbox"})
            if trouble is Trouble.LATER:
                return self.answer(429, {"error": "too many messages"})
            rejected = {request["to"][0]: "no such mailbox"} if trouble is Trouble.PARTLY else {}
            if trouble is not Trouble.DROPPED:
                to = tuple(one for one in request["to"] if one not in rejected)
                arrived = Arrived(base64.b64decode(request["raw"]), to)
                self.server.taken.setdefault(self.headers["Idempotency-Key"], arrived)
            if trouble in (Trouble.LOST, Trouble.DROPPED):
                self.close_connection = True
                return None  # the connection ends without an answer
        return self.answer(202, {"id": "m1", "rejected": rejected})

    def do_GET(self) -> None:
        """Say whether a message was taken."""
        known = unquote(self.path.removeprefix("/messages/")) in self.server.taken
        self.answer(200 if known else 404, {})

    def answer(self, status: int, what: dict[str, object]) -> None:
        """Answer in JSON."""
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider."""
    server = Provider()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
