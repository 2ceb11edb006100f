"""Upkeep of a pipeline: check, back up, export and import, upgrade what an older version has written, index anew.

Opening never upgrades: it raises ``UpgradeNeeded``, which says to call ``upgrade``. Everything here may be killed at
any moment and called again. From a shell::

    python -m salespipeline.maintenance check sqlite:///deals.db
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from salespipeline.catalog import CATALOG, KEPT, index_of
from salespipeline.codec import decode
from salespipeline.entries import Scalar, Stored
from salespipeline.errors import Corrupt, OpenError, Refused, StorageError, Unfinished
from salespipeline.exports.loading import Imported, import_from
from salespipeline.exports.writing import Exported, export_to
from salespipeline.opening import open as open_pipeline
from salespipeline.opening import open_store
from salespipeline.ports import Blobs, Store, Transaction, Upkeep
from salespipeline.rewriting import check_index, rewrite
from salespipeline.sales import Sales

__all__ = ["backup", "check", "export", "import_", "main", "reindex", "upgrade", "vacuum"]

Target = Sales | Store | str | os.PathLike[str]
Progress = Callable[[str, int], object]


def check(target: Target) -> list[str]:
    """Return a sentence for everything that is wrong: none for a sound pipeline.

    The store looks at how things are kept; then every record is read, and its index compared with what the record
    says. Raises ``StorageError`` where the pipeline cannot even be opened.

    >>> import salespipeline as sp
    >>> check(sp.demo())
    []
    """
    with _Opened(target, prepared=True) as store:
        found = list(store.check()) if isinstance(store, Upkeep) else []
        for kept in KEPT:
            try:
                with store.transaction(write=False) as tx:
                    found.extend(_faults(tx, kept.kind.name))
            except Corrupt as error:  # the other kinds may be sound
                found.append(str(error))
    return list(dict.fromkeys(found))


def _faults(tx: Transaction, kind: str) -> Iterator[str]:
    for entry in tx.scan(kind):
        try:
            record = decode(kind, Stored(entry.id, entry.version, entry.body))
        except StorageError as error:
            yield str(error)
            continue
        wanted = {name: _set(value) for name, value in index_of(record).items() if value != ()}
        wrong = sorted(
            name for name in wanted.keys() | entry.index.keys() if wanted.get(name) != _set(entry.index.get(name))
        )
        if wrong:
            yield f"{kind} {entry.id!r} is found by a wrong {' and '.join(wrong)}: call maintenance.reindex()"


def _set(value: Scalar | tuple[Scalar, ...] | None) -> Scalar | frozenset[Scalar] | None:
    return frozenset(value) if isinstance(value, tuple) else value


def backup(target: Target, path: str | os.PathLike[str]) -> Path:
    """Copy the whole store, as it is at one moment, to a new file; others may go on writing. Returns its path.

    Raises ``StorageError`` where the file is there already, or where the store leaves backups to its server's tools.
    """
    with _Opened(target) as store:
        _upkeep(store).backup(path)
    return Path(path)


def export(
    target: Target,
    path: str | os.PathLike[str],
    *,
    compress: bool = False,
    blobs: Blobs | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write everything, as it is at one moment, to a new folder, or to a ZIP where *path* ends in ``.zip``. (SPEC EXT-5)

    Lines of JSON, and the files that records name: ``import_`` makes the same of them in any other store. The same
    content gives the same bytes; with *compress* a ZIP is smaller, and its bytes depend on the library that packs it.
    *blobs* is where files are kept, where that is not the store itself or what a ``Sales`` was opened with. It holds what
    the store holds, keys that sign links too: keep it as a backup is kept.

    >>> import salespipeline as sp, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> exported = export(sp.demo(), folder / "monday.zip")
    >>> fresh = sp.open("memory:")
    >>> import_(fresh, folder / "monday.zip").records == exported.records, fresh.opportunities.count()
    (True, 120)
    """
    if isinstance(target, Sales):
        target = target.overseeing("export everything")
    with _Opened(target, prepared=True) as store:
        return export_to(Path(path), store, _blobs(target, store, blobs), compress=compress, progress=progress)


def import_(
    target: Target,
    path: str | os.PathLike[str],
    *,
    blobs: Blobs | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read what ``export`` wrote into a store that is new and empty; a file that a URL names is made.

    All of it or nothing: raises ``Invalid`` with everything that is wrong, each with its file and line, and ``Refused``
    where the store is not empty. Killed, it goes on when it is called again; until it is done, opening the store raises
    ``Unfinished``.
    """
    if isinstance(target, Sales):
        target = target.overseeing("import everything")
    with _Opened(target, new=True) as store:
        store.prepare(CATALOG)
        with suppress(Unfinished):  # what is not finished may be this one
            check_index(store)
        return import_from(Path(path), store, _blobs(target, store, blobs), progress=progress)


def _blobs(target: Target, store: Store, given: Blobs | None) -> Blobs | None:
    if given is not None:
        return given
    return target.blobs if isinstance(target, Sales) else getattr(store, "blobs", None)


def vacuum(target: Target) -> None:
    """Give back the room of what was deleted, and renew what queries are planned by."""
    with _Opened(target) as store:
        _upkeep(store).vacuum()


def upgrade(
    target: Store | str | os.PathLike[str],
    *,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Path | None:
    """Bring what an older version has written up to this one, after a backup to *keep*; returns the backup's path.

    *keep* defaults to the file's own name with the moment added; a store that has no backup of its own is upgraded
    without one, so make it with the server's tools first. What is up to date already is left alone.
    """
    with _Opened(target) as store:
        saved = None
        if isinstance(store, Upkeep):
            saved = Path(keep) if keep is not None else _beside(target)
            store.backup(saved)
        store.prepare(CATALOG, upgrade=True)
        reindex(store, progress=progress)
    return saved


def _beside(target: object) -> Path:
    name = (isinstance(target, str | os.PathLike) and _file(target)) or "store"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = Path(f"{name}.{moment}.backup")
    numbered = (path.with_suffix(f".{number}.backup") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())


def _file(target: str | os.PathLike[str]) -> Path | None:
    """Return the file that a path or a URL names, or ``None`` where it names a server or nothing at all."""
    text = os.fspath(target)
    if text.startswith("sqlite:"):
        return Path(unquote(urlsplit(text).path.removeprefix("/")))
    return Path(text) if isinstance(target, os.PathLike) or ":" not in text else None


def reindex(target: Target, *, progress: Progress | None = None) -> int:
    """Write every record anew, in this version's format and with this version's index; returns how many.

    In chunks of 500, each a transaction of its own that also notes how far it came: where it was stopped, the next
    call goes on. Versions stay as they are. *progress* is told the kind and the number done.
    """
    done = 0
    with _Opened(target, prepared=True) as store:
        while (chunk := rewrite(store)) is not None:
            kind, written = chunk
            done += written
            if progress is not None:
                progress(kind, done)
    return done


class _Opened:
    """The store of a target; one that was opened from a URL for this is closed again.

    *prepared* asks for one whose records can be read; a store that is given is so already. A *new* file may be made.
    """

    def __init__(self, target: Target, *, prepared: bool = False, new: bool = False) -> None:
        self._own = isinstance(target, str | os.PathLike)
        self._store: Sales | Store
        if not isinstance(target, str | os.PathLike):
            self._store = target
        elif not new and (file := _file(target)) is not None and not file.exists():
            raise StorageError(f"there is no file {file}: upkeep makes none; check the name")
        elif prepared:
            self._store = open_pipeline(target)
        else:
            self._store = open_store(target)

    def __enter__(self) -> Store:
        if isinstance(self._store, Sales):
            return self._store.overseeing("keep up the store").store
        return self._store

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._store.close()


def _upkeep(store: Store) -> Upkeep:
    if not isinstance(store, Upkeep):
        raise StorageError(f"{store!r} leaves this to the tools of its server")
    return store


def main(arguments: list[str] | None = None) -> int:
    """Do one of these on a URL or path, and return 0; 1 where ``check`` found something, 2 where it could not be done.

    >>> main(["check", "memory:"])
    memory: is sound
    0
    """
    parser = argparse.ArgumentParser(prog="python -m salespipeline.maintenance", description=_DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, help in _VERBS.items():
        verb = verbs.add_parser(name, help=help, description=help)
        verb.add_argument("url", metavar="URL", help="such as sqlite:///deals.db, or a path")
        if name == "backup":
            verb.add_argument("path", metavar="PATH", help="the new file, which must not exist")
        if name in ("export", "import"):
            verb.add_argument("path", metavar="PATH", help="a folder, or a file that ends in .zip")
            verb.add_argument("--files", metavar="FOLDER", help="where files are kept, if not in the store")
        if name == "export":
            verb.add_argument("--compress", action="store_true", help="pack the lines of a ZIP")
        if name == "upgrade":
            verb.add_argument("--keep", metavar="PATH", help="where the backup goes; beside the file by default")
    given = parser.parse_args(arguments)
    try:
        return _done(given)
    except (StorageError, OpenError, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return 2


_DESCRIPTION = "Upkeep of a pipeline. Everything may be killed at any moment and called again."
_VERBS = {
    "check": "say what is wrong with how things are kept",
    "backup": "copy everything to a new file, while others write",
    "export": "write everything as lines of JSON, to a new folder or ZIP",
    "import": "read an export into a new store",
    "upgrade": "bring what an older version has written up to this one, after a backup",
    "reindex": "write every record anew, with this version's index",
    "vacuum": "give back the room of what was deleted",
}


def _folder(given: argparse.Namespace) -> Blobs | None:
    from salespipeline.blobs.folder import FolderBlobs

    return None if given.files is None else FolderBlobs(given.files)


def _done(given: argparse.Namespace) -> int:
    def progress(kind: str, done: int) -> None:
        sys.stderr.write(f"{kind}: {done:,} done\n")

    match given.verb:
        case "check":
            found = check(given.url)
            said = found or [f"{given.url} is sound"]
        case "backup":
            found, said = [], [f"kept as {backup(given.url, given.path)}"]
        case "export":
            exported = export(given.url, given.path, compress=given.compress, blobs=_folder(given), progress=progress)
            found, said = list(exported.missing), [str(exported)]
        case "import":
            found, said = [], [str(import_(given.url, given.path, blobs=_folder(given), progress=progress))]
        case "upgrade":
            saved = upgrade(given.url, keep=given.keep, progress=progress)
            found, said = [], [f"upgraded; as it was before: {saved}" if saved else "upgraded, without a backup"]
        case "reindex":
            found, said = [], [f"{reindex(given.url, progress=progress)} records written anew"]
        case _:
            vacuum(given.url)
            found, said = [], ["done"]
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
