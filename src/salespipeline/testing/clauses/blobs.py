"""B: blobs."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from salespipeline.errors import NotFound
from salespipeline.ports import Blobs
from salespipeline.testing.clauses.base import Clauses, needs, no_opener, opens
from salespipeline.testing.clauses.together import result_of_process, together
from salespipeline.testing.clauses.vocabulary import same

__all__ = ["BlobsClauses", "BlobsHandle"]

BlobsHandle: TypeAlias = Callable[[], Blobs]

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Halt(Exception):
    """What a clause raises in the middle of a source."""


def read(blobs: Blobs, digest: str) -> bytes:
    """Return all bytes of *digest*."""
    return b"".join(blobs.read(digest))


class BlobsClauses(Clauses):
    """Blobs: immutable bytes under the SHA-256 of their content."""

    @pytest.fixture
    def opener(self) -> BlobsHandle:
        """Return what opens a new handle on the same blobs; whoever tests blobs defines this."""
        raise no_opener(type(self))

    @pytest.fixture
    def handle(self, opener: BlobsHandle) -> Iterator[BlobsHandle]:
        """Return what opens a new handle, which is closed when the test is over if it can be."""
        opens(type(self), opener)
        opened: list[Blobs] = []

        def handle() -> Blobs:
            opened.append(opener())
            return opened[-1]

        yield handle
        for blobs in opened:
            close = getattr(blobs, "close", None)
            if close is not None:
                close()

    @pytest.fixture
    def blobs(self, handle: BlobsHandle) -> Blobs:
        """Return a handle."""
        return handle()

    def test_b01_bytes_are_named_by_their_sha256(self, blobs: Blobs) -> None:
        """Keep returns the SHA-256 of the bytes as 64 lower-case hex digits."""
        assert blobs.keep([b"abc"]) == ABC
        assert blobs.keep([]) == EMPTY

    def test_b02_bytes_come_back(self, handle: BlobsHandle) -> None:
        """A fresh handle reads the very bytes that were kept: every value of a byte, and no byte more."""
        content = bytes(range(256)) * 3 + b"\r\n\0\x1a"
        digest = handle().keep([content])
        assert same(read(handle(), digest), content)

    def test_b03_nothing_can_be_kept(self, blobs: Blobs) -> None:
        """No bytes at all can be kept and read."""
        assert blobs.keep([]) == blobs.keep([b"", b""]) == EMPTY
        assert read(blobs, EMPTY) == b""

    def test_b04_chunks_do_not_matter(self, blobs: Blobs) -> None:
        """How the bytes are cut into chunks changes neither their name nor what is read."""
        assert blobs.keep([b"a", b"", b"b", b"c"]) == ABC
        assert blobs.keep(iter([b"ab", b"c"])) == ABC
        assert read(blobs, ABC) == b"abc"

    def test_b05_keeping_again_is_fine(self, handle: BlobsHandle) -> None:
        """Bytes can be kept again, by any handle, and are still there once."""
        assert handle().keep([b"abc"]) == handle().keep([b"abc"])
        blobs = handle()
        assert read(blobs, ABC) == b"abc"
        blobs.forget(ABC)
        with pytest.raises(NotFound):
            blobs.read(ABC)

    def test_b06_what_is_not_there_is_refused_at_once(self, blobs: Blobs) -> None:
        """Read raises NotFound when it is called, not when the first chunk is taken."""
        with pytest.raises(NotFound):
            blobs.read("0" * 64)

    def test_b07_what_is_forgotten_is_gone(self, handle: BlobsHandle) -> None:
        """Forget removes the bytes for every handle, and no others."""
        blobs = handle()
        other = blobs.keep([b"other"])
        blobs.forget(blobs.keep([b"abc"]))
        with pytest.raises(NotFound):
            handle().read(ABC)
        assert read(handle(), other) == b"other"

    def test_b08_forgetting_what_is_not_there_is_fine(self, blobs: Blobs) -> None:
        """Forget of bytes that are not there does nothing."""
        blobs.forget("0" * 64)
        blobs.keep([b"abc"])
        blobs.forget(ABC)
        blobs.forget(ABC)

    def test_b09_forgotten_bytes_can_be_kept_again(self, blobs: Blobs) -> None:
        """Bytes that were forgotten can be kept again."""
        blobs.forget(blobs.keep([b"abc"]))
        assert blobs.keep([b"abc"]) == ABC
        assert read(blobs, ABC) == b"abc"

    def test_b10_a_source_that_fails_keeps_nothing(self, blobs: Blobs) -> None:
        """Where the source raises, its error propagates unchanged and nothing is kept."""
        halt = Halt("half way")

        def source() -> Iterator[bytes]:
            yield b"abc"
            raise halt

        with pytest.raises(Halt) as caught:
            blobs.keep(source())
        assert caught.value is halt
        with pytest.raises(NotFound):
            blobs.read(ABC)

    def test_b11_only_a_digest_names_bytes(self, blobs: Blobs) -> None:
        """Anything but 64 lower-case hex digits names nothing: read raises NotFound and forget does nothing."""
        blobs.keep([b"abc"])
        for name in ("", "abc", "../../etc/passwd", ABC.upper(), ABC + "\n", "é" * 64, "%" * 64):
            with pytest.raises(NotFound):
                blobs.read(name)
            blobs.forget(name)
        assert read(blobs, ABC) == b"abc"

    def test_b12_two_can_read_at_once(self, blobs: Blobs) -> None:
        """Several readers of the same bytes do not disturb each other."""
        content = b"0123456789abcdef" * 70_000
        digest = blobs.keep([content])
        one, other = blobs.read(digest), blobs.read(digest)
        first = next(one)
        assert same(b"".join(other), content)
        assert same(first + b"".join(one), content)

    def test_b13_a_source_is_read_once(self, blobs: Blobs) -> None:
        """Keep reads its source once, from a generator as well as from a list, in ever so small chunks."""
        content = bytes(value % 251 for value in range(5000))
        digest = blobs.keep(content[place : place + 1] for place in range(5000))
        assert digest == hashlib.sha256(content).hexdigest()
        assert same(read(blobs, digest), content)

    def test_b14_a_file_of_some_size(self, handle: BlobsHandle) -> None:
        """A million bytes are kept and read unchanged."""
        content = bytes(range(256)) * 4000 + b"end"
        digest = handle().keep([content])
        assert same(read(handle(), digest), content)

    @needs("large")
    def test_b15_a_large_file(self, handle: BlobsHandle) -> None:
        """Sixteen million bytes are kept and read unchanged, without a chunk that is all of them."""
        piece = bytes(range(256)) * 250
        digest = handle().keep(piece for _ in range(250))
        chunks = list(handle().read(digest))
        assert sum(map(len, chunks)) == 16_000_000
        assert hashlib.sha256(b"".join(chunks)).hexdigest() == digest

    @needs("threads")
    def test_b16_threads_keep_the_same_bytes(self, blobs: Blobs) -> None:
        """Threads that keep the same bytes at the same time all get their digest."""
        got = together(*[lambda: blobs.keep([b"a", b"bc"])] * 4)
        assert got == [ABC] * 4
        assert read(blobs, ABC) == b"abc"

    @needs("second-process")
    def test_b17_another_process_reads_the_bytes(self, opener: BlobsHandle) -> None:
        """What one process kept, another reads."""
        assert result_of_process(lambda: opener().keep([b"abc"])) == ABC
        assert result_of_process(lambda: read(opener(), ABC)) == b"abc"

    def test_b18_methods_have_the_names_of_the_contract(self, blobs: Blobs) -> None:
        """keep, read and forget take the arguments of the contract, by the same names."""
        assert isinstance(blobs, Blobs)
        for name in ("keep", "read", "forget"):
            expected = list(inspect.signature(getattr(Blobs, name)).parameters)[1:]
            assert list(inspect.signature(getattr(blobs, name)).parameters) == expected
