"""An SMTP server that says what a test tells it to, byte for byte, and remembers what it was told."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from threading import Event, Thread

import pytest

from salespipeline.mail import build_mail
from salespipeline.ports import Mail


class Do(Enum):
    """What a server may do beside answering."""

    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"  # neither say nor hear anything more
    SHUT = "shut"  # say nothing more, but go on listening


Step = bytes | Do | Sequence[bytes | Do]

GOOD: dict[str, Step] = {
    "banner": b"220 mail.example ready\r\n",
    "EHLO": b"250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250-8BITMIME\r\n250 HELP\r\n",
    "HELO": b"250 mail.example\r\n",
    "AUTH": b"235 welcome\r\n",
    "MAIL": b"250 sender fine\r\n",
    "RCPT": b"250 recipient fine\r\n",
    "DATA": b"354 go on\r\n",
    "content": b"",  # after the first bytes of a message, before the rest of it
    "dot": b"250 taken as 17\r\n",
    "RSET": b"250 forgotten\r\n",
    "QUIT": b"221 goodbye\r\n",
}


class _Over(Exception):
    """The conversation is."""


class Scripted:
    """Answers each connection by a script of its own: the first by *scripts*[0], and so on; then like a good server."""

    def __init__(self, *scripts: Mapping[str, Step | list[Step]]) -> None:
        self.scripts = [dict(script) for script in scripts]
        self.said: list[list[str]] = []
        self.taken: list[bytes] = []  # what came with its final dot, whatever was answered to it
        self._listener = socket.socket()
        # A small window: the other side cannot have sent megabytes before they are read.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._closed = Event()
        self._threads = [Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def verbs(self) -> list[list[str]]:
        return [[line.partition(" ")[0].upper() for line in lines] for lines in self.said]

    def close(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number = len(self.said)
            self.said.append([])
            script = {verb: list(step) if isinstance(step, list) else [step] for verb, step in GOOD.items()}
            for verb, step in (self.scripts[number] if number < len(self.scripts) else {}).items():
                script[verb] = list(step) if isinstance(step, list) else [step]
            conversation = _Conversation(connection, script, self.said[number], self.taken, self._closed)
            self._threads.append(Thread(target=conversation.hold, daemon=True))
            self._threads[-1].start()


class _Conversation:
    def __init__(
        self,
        connection: socket.socket,
        script: dict[str, list[Step]],
        said: list[str],
        taken: list[bytes],
        closed: Event,
    ) -> None:
        self.connection, self.script, self.said, self.taken, self.closed = connection, script, said, taken, closed
        self.file = connection.makefile("rb")

    def hold(self) -> None:
        with self.connection, self.file, suppress(_Over, OSError):
            self.answer("banner")
            while line := self.file.readline():
                self.said.append(line.decode(errors="replace").strip())
                verb = self.said[-1].partition(" ")[0].upper()
                step = self.answer(verb if verb in self.script else "AUTH")
                if verb == "DATA" and step.startswith(b"354"):
                    self.take()
                if verb == "QUIT":
                    return

    def take(self) -> None:
        lines = [self.file.readline()]
        self.answer("content")
        while lines[-1] and lines[-1] != b".\r\n":
            lines.append(self.file.readline())
        if lines[-1]:
            self.taken.append(b"".join(line.removeprefix(b".") for line in lines[:-1]))
            self.answer("dot")

    def answer(self, verb: str) -> bytes:
        steps = self.script[verb]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        whole = b""
        for act in (step,) if isinstance(step, bytes | Do) else step:
            if isinstance(act, bytes):
                self.connection.sendall(act)
                whole += act
            elif act is Do.SHUT:
                self.connection.shutdown(socket.SHUT_WR)
            elif act is Do.STALL:
                self.closed.wait()
                raise _Over
            else:
                if act is Do.RESET:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise _Over
        return whole


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    made: list[Scripted] = []

    def serve(*scripts: Mapping[str, Step | list[Step]]) -> Scripted:
        made.append(Scripted(*scripts))
        return made[-1]

    yield serve
    for server in made:
        server.close()


@pytest.fixture
def mail() -> Callable[..., Mail]:
    """Make a mail, each with a number of its own."""
    return make_mail


def make_mail(number: int = 1, **facts: object) -> Mail:
    whole: dict[str, object] = {
        "message_id": f"<{number}@acme.example>",
        "date": datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        "sender": "sales@acme.example",
        "to": "buyer@client.example",
        "subject": "Your quotation",
        "text": "Here it is.\n.\n..\nRegards\n",
    }
    return build_mail(**whole | facts)  # type: ignore[arg-type]


@pytest.fixture
def fault(scripted: Callable[..., Scripted]) -> Callable[..., Scripted]:
    """Serve one fault at one phase, once: acts are bytes, or the name of something to do."""

    def serve(phase: str, *acts: bytes | str) -> Scripted:
        step = tuple(act if isinstance(act, bytes) else Do[act] for act in acts)
        script = {phase: [step, GOOD[phase]]}
        return scripted(script | ({"HELO": step} if phase == "EHLO" else {}))

    return serve
