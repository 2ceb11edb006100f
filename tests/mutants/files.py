"""Mutants that keep files wrongly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from tests.mutants.harness import rejected_by

from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.errors import NotFound


@rejected_by("B-01")
class NamedBySha1(MemoryBlobs):
    """A file is named by another digest."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        return hashlib.sha1(b"".join(chunks), usedforsecurity=False).hexdigest()


@rejected_by("B-02")
class LineEndsOfTheMachine(MemoryBlobs):
    """A file is written as text."""

    def read(self, digest: str) -> Iterator[bytes]:
        return iter([b"".join(super().read(digest)).replace(b"\r\n", b"\n")])


@rejected_by("B-03")
class EmptyNotKept(MemoryBlobs):
    """A file of no bytes is no file."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        digest = super().keep(chunks)
        if not self._contents[digest]:
            self.forget(digest)
        return digest


@rejected_by("B-04")
class NamedByItsBeginning(MemoryBlobs):
    """A file is named by its first chunk."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        content = list(chunks)
        digest = super().keep(content[:1])
        self._contents[digest] = b"".join(content)
        return digest


@rejected_by("B-05")
class KeptTwice(MemoryBlobs):
    """A file that is kept twice must be forgotten twice."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, int] = {}

    def keep(self, chunks: Iterable[bytes]) -> str:
        digest = super().keep(chunks)
        self.times[digest] = self.times.get(digest, 0) + 1
        return digest

    def forget(self, digest: str) -> None:
        self.times[digest] = self.times.get(digest, 0) - 1
        if self.times[digest] <= 0:
            super().forget(digest)


@rejected_by("B-06")
class NotFoundTooLate(MemoryBlobs):
    """That a file is not there turns out when its first chunk is taken."""

    def read(self, digest: str) -> Iterator[bytes]:
        yield from super().read(digest)


@rejected_by("B-07")
class ForgetsAnother(MemoryBlobs):
    """Forget removes the file that was kept first."""

    def forget(self, digest: str) -> None:
        super().forget(next(iter(self._contents), digest))


@rejected_by("B-08")
class ForgettingNothingFails(MemoryBlobs):
    """Forget of what is not there is an error."""

    def forget(self, digest: str) -> None:
        if digest not in self._contents:
            raise NotFound(digest)
        super().forget(digest)


@rejected_by("B-09")
class ForgottenForGood(MemoryBlobs):
    """What was forgotten is never kept again."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[str] = set()

    def keep(self, chunks: Iterable[bytes]) -> str:
        digest = super().keep(chunks)
        if digest in self.gone:
            super().forget(digest)
        return digest

    def forget(self, digest: str) -> None:
        self.gone.add(digest)
        super().forget(digest)


@rejected_by("B-10")
class HalfAFileKept(MemoryBlobs):
    """A source that fails half way leaves the half."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        got = []
        try:
            for chunk in chunks:
                got.append(chunk)
        finally:
            digest = super().keep(got)
        return digest


@rejected_by("B-11")
class DigestNotChecked(MemoryBlobs):
    """Whatever is nearly a digest will do."""

    def read(self, digest: str) -> Iterator[bytes]:
        return super().read(digest.strip().lower())


@rejected_by("B-12")
class OneReaderAtATime(MemoryBlobs):
    """All who read the same file share one place in it."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[str, Iterator[bytes]] = {}

    def read(self, digest: str) -> Iterator[bytes]:
        if digest not in self.readers:
            content = b"".join(super().read(digest))
            self.readers[digest] = iter([content[:1000], content[1000:]])
        return self.readers[digest]


@rejected_by("B-13")
class SourceReadTwice(MemoryBlobs):
    """The source is read once for the digest and once for the bytes."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
        super().keep(chunks)
        return digest.hexdigest()


@rejected_by("B-14")
class FileTruncated(MemoryBlobs):
    """A file ends after a million bytes, silently."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        digest = super().keep(chunks)
        self._contents[digest] = self._contents[digest][:1_000_000]
        return digest


@rejected_by("B-18")
class OtherNames(MemoryBlobs):
    """The arguments have names of their own."""

    def forget(self, name: str) -> None:
        super().forget(name)
