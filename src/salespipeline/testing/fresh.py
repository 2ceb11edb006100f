"""New, empty places beside the one that a URL names: the suite fills them, and nothing that is there is touched."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from salespipeline.errors import OpenError, StorageError, shown
from salespipeline.opening import GROUP as STORES
from salespipeline.opening import open_store
from salespipeline.ports import Store
from salespipeline.stores.memory import MemoryStore

__all__ = ["GROUP", "Opener", "Place", "fresh", "without_password"]

Opener: TypeAlias = Callable[[], Store]
Place: TypeAlias = Callable[[str], AbstractContextManager[Opener]]

GROUP = "salespipeline.testing"  # entry points, by scheme, of those that make a Place


@contextmanager
def fresh(url: str) -> Iterator[Opener]:
    """Yield what opens handles on new data beside that of *url*; handles and data are gone after the block.

    Raises ``OpenError`` where that cannot be done without touching what is there.

    >>> with fresh("memory:") as opener:
    ...     opener(), opener()
    (<MemoryStore: not prepared>, <MemoryStore: not prepared>)
    """
    opened: list[Store] = []
    with _place(url) as opener:

        def tracked() -> Store:
            store = opener()
            opened.append(store)
            return store

        try:
            yield tracked
        finally:
            for store in opened:
                with suppress(StorageError):
                    store.close()


def _place(url: str) -> AbstractContextManager[Opener]:
    scheme, found, _ = url.partition(":")
    if not found or len(scheme) < 2:  # a path, on Windows perhaps with a drive
        return _beside_file(f"sqlite:///{quote(url)}")
    if not metadata.entry_points(group=STORES, name=scheme):
        open_store(url)  # which says so
    for entry in metadata.entry_points(group=GROUP, name=scheme):
        place: Place = entry.load()
        return place(url)
    return _PLACES.get(scheme, _beside_file)(url)


@contextmanager
def _in_memory(url: str) -> Iterator[Opener]:
    first = open_store(url)
    yield (lambda: MemoryStore(beside=first)) if isinstance(first, MemoryStore) else (lambda: open_store(url))


@contextmanager
def _beside_file(url: str) -> Iterator[Opener]:
    parts = urlsplit(url)
    path = Path(unquote(parts.path.removeprefix("/")))
    if parts.netloc or not path.name:
        message = f"{shown(without_password(url))} names no file beside which there is room for new data: "
        raise OpenError(message + f"its package can make room with an entry point in the group {GROUP}")
    if path.exists():
        raise OpenError(f"{path} is there already, and the suite never touches what is: name a file that is not there")
    if not path.parent.is_dir():
        raise OpenError(f"there is no folder {path.parent}: the suite makes its files in it, and takes them away again")
    with TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as folder:
        target = quote(str(Path(folder, path.name)))
        options = f"?{parts.query}" if parts.query else ""
        yield lambda: open_store(f"{parts.scheme}:///{target}{options}")


@contextmanager
def _in_a_schema(url: str) -> Iterator[Opener]:
    schema = f"salespipeline_testing_{secrets.token_hex(6)}"
    base, _, options = url.partition("?")
    given = dict(parse_qsl(options, keep_blank_values=True))
    own = {"timeout": "10", **given, "schema": schema, "workspace": "testing"}
    yield lambda: open_store(f"{base}?{urlencode(own, quote_via=quote)}")
    import psycopg

    ours = ("workspace", "schema", "timeout", "pool", "prepared")
    theirs = urlencode([(name, value) for name, value in given.items() if name not in ours], quote_via=quote)
    with psycopg.connect(f"{base}?{theirs}".rstrip("?"), autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("SET lock_timeout = '10s'")
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")  # of our own making


_PLACES: dict[str, Place] = {"memory": _in_memory, "postgresql": _in_a_schema, "postgres": _in_a_schema}


def without_password(url: str) -> str:
    """Return *url* as it may be shown.

    >>> without_password("postgresql://jane:secret@db/deals?password=secret&pool=2")
    'postgresql://jane:***@db/deals?password=***&pool=2'
    """
    base, mark, query = url.partition("?")
    head, at, rest = base.rpartition("@")
    scheme, slashes, user = head.partition("://")
    if at and ":" in user:
        base = f"{scheme}{slashes}{user.partition(':')[0]}:***@{rest}"
    pairs = [
        f"{pair.partition('=')[0]}=***" if "password" in pair.partition("=")[0] else pair for pair in query.split("&")
    ]
    return base + mark + "&".join(pairs)
