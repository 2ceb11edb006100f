"""Where an export stands: a folder, or a ZIP. It is written beside its name and gets it when it is whole."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from salespipeline.errors import Invalid, OpenError, Problem
from salespipeline.files import on_disk

__all__ = ["CHUNK", "Reading", "Writing", "reading", "writing"]

CHUNK = 256 * 1024
_MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in a ZIP: the same content gives the same bytes


class Writing(Protocol):
    """What an export is written to."""

    def add(self, name: str, *, text: bool = True) -> IO[bytes]:
        """Return a new file, to be closed before the next one is begun."""
        ...


class Reading(Protocol):
    """What an export is read from."""

    def open(self, name: str) -> IO[bytes]:
        """Return a file; raises ``Invalid`` where it is not there."""
        ...

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has, or ``None`` where it is not there."""
        ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, name: str, *, text: bool = True) -> IO[bytes]:  # noqa: ARG002 - a ZIP wants to know
        target = self.path / name
        target.parent.mkdir(exist_ok=True)
        return target.open("xb")

    def open(self, name: str) -> IO[bytes]:
        try:
            return (self.path / name).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            raise _absent(name) from None

    def size(self, name: str) -> int | None:
        target = self.path / name
        return target.stat().st_size if target.is_file() else None


class _Zip:
    def __init__(self, archive: zipfile.ZipFile, *, compress: bool = False) -> None:
        self.archive = archive
        self.compress = compress

    def add(self, name: str, *, text: bool = True) -> IO[bytes]:
        entry = zipfile.ZipInfo(name, _MOMENT)
        entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
        if self.compress and text:
            entry.compress_type = zipfile.ZIP_DEFLATED
        return self.archive.open(entry, "w", force_zip64=True)

    def open(self, name: str) -> IO[bytes]:
        try:
            return self.archive.open(name)
        except KeyError:
            raise _absent(name) from None

    def size(self, name: str) -> int | None:
        try:
            return self.archive.getinfo(name).file_size
        except KeyError:
            return None


def _absent(name: str) -> Invalid:
    return Invalid(Problem(name, "missing", "the file is not there: the export is cut, make it anew"), action="import")


@contextmanager
def writing(path: Path, *, compress: bool = False) -> Iterator[Writing]:
    """Write an export: a ZIP where the name ends in ``.zip``, a folder otherwise. It appears whole or not at all."""
    if path.exists():
        raise OpenError(f"{path} is there already, and an export writes over nothing: choose another name")
    part = path.with_name(f".{path.name}.part")
    with on_disk(path):
        if part.is_dir():  # what a run that was killed has left
            shutil.rmtree(part)
        part.unlink(missing_ok=True)
        try:
            if path.suffix.lower() == ".zip":
                with zipfile.ZipFile(part, "x") as archive:
                    yield _Zip(archive, compress=compress)
            else:
                part.mkdir()
                yield _Folder(part)
            part.replace(path)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            part.unlink(missing_ok=True)
            raise


@contextmanager
def reading(path: Path) -> Iterator[Reading]:
    """Read an export; raises ``OpenError`` where there is none."""
    with on_disk(path):
        if path.is_dir():
            yield _Folder(path)
            return
        if not path.exists():
            raise OpenError(f"there is no export {path}; check the name")
        try:
            with zipfile.ZipFile(path) as archive:
                yield _Zip(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            message = f"it is no ZIP, or it was cut or changed ({error}): make the export anew"
            raise Invalid(Problem(path.name, "zip", message), action="import") from None
