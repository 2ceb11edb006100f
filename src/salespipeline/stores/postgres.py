"""Entries in PostgreSQL: one schema for many workspaces, each of which sees nothing of the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg

from salespipeline.blobs.postgres import PostgresBlobs
from salespipeline.entries import Catalog, Kind
from salespipeline.errors import OpenError, shown
from salespipeline.stores.kinds import check_catalog, merged, older_format
from salespipeline.stores.postgres_layout import keep_kinds, kept_kinds
from salespipeline.stores.postgres_pool import Pool
from salespipeline.stores.postgres_session import Lent, Session, Source
from salespipeline.stores.postgres_tables import Place, Table
from salespipeline.stores.postgres_transaction import PostgresTransaction

__all__ = ["PostgresStore", "open_postgres"]

_OPTIONS = ("workspace", "schema", "timeout", "pool", "prepared")
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ANSWERS = {"yes": True, "no": False}


def open_postgres(url: str, **options: Any) -> PostgresStore:
    """Open the store at a URL: ``postgresql://user@host/database?workspace=acme``.

    ``workspace``, ``schema``, ``timeout``, ``pool`` and ``prepared`` are those of ``PostgresStore``; every
    other part is libpq's. Raises ``OpenError`` for a URL that cannot be meant. No message shows a password.
    """
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise OpenError("the options of this PostgreSQL URL cannot be read: write ?name=value&name=value") from error
    if parts.scheme not in ("postgresql", "postgres"):
        raise OpenError("this is not a PostgreSQL URL: write postgresql://user@host/database?workspace=acme")
    for name, value in given:
        if name in ("workspace", "schema"):
            options[name] = value
        elif name in ("timeout", "pool"):
            options[name] = _number(name, value)
        elif name in _OPTIONS:
            if value not in _ANSWERS:
                raise OpenError(f"{name} is yes or no, not {shown(value)}")
            options[name] = _ANSWERS[value]
    rest = urlencode([pair for pair in given if pair[0] not in _OPTIONS], quote_via=quote)
    return PostgresStore(f"{url.partition('?')[0]}?{rest}".rstrip("?"), **options)


def _number(name: str, value: str) -> float:
    try:
        return int(value) if name == "pool" else float(value)
    except ValueError as error:
        raise OpenError(f"{name} is a number, not {shown(value)}") from error


class PostgresStore:
    """Entries in a PostgreSQL database, in tables of their own schema, which is made if it is not there.

    *workspace* names the customer whose entries these are: every row carries it, every statement asks for it, and
    row-level security hides all others from a role that is no superuser. *timeout* is how many seconds to wait for a
    connection or a lock, *pool* how many connections there may be. ``prepared=False`` is for a pooler that gives each
    transaction another session. *now* is the store's clock
    in microseconds: the database's own, unless given. Files go to ``blobs``, in the same schema.

    May be shared between threads, each of which has a connection while its transaction is open; not with a forked
    child, where it raises ``StoreClosed``: open a new one there.

    A transaction is never run again by the store: where it lost against another one, ``Unavailable`` with ``retry``
    says that running it again can help. What the store runs again by itself is what is wholly its own: connecting,
    preparing, and keeping or forgetting a file.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        workspace: str = "main",
        schema: str = "salespipeline",
        timeout: float = 30.0,
        pool: int = 10,
        prepared: bool = True,
        now: Callable[[], int] | None = None,
    ) -> None:
        place = _place(workspace, schema)
        if not 0 < timeout <= 86_400:
            raise OpenError(f"timeout is a number of seconds up to a day, not {shown(timeout)}")
        if not 1 <= pool <= 1000:
            raise OpenError(f"pool is how many connections there may be, 1 to 1000, not {shown(pool)}")
        try:
            psycopg.conninfo.conninfo_to_dict(conninfo)
        except psycopg.ProgrammingError:
            # libpq's words may quote the whole URL, and with it a password.
            raise OpenError("this PostgreSQL URL cannot be read: write postgresql://user@host/database") from None
        self._use(Pool(conninfo, place, size=pool, timeout=timeout, prepared=prepared), now)

    def _use(self, source: Source[Any], now: Callable[[], int] | None) -> None:
        self._source = source
        self._now = now
        self._tables: dict[str, Table] = {}
        self.blobs = PostgresBlobs(source)

    @classmethod
    def around(
        cls,
        connection: psycopg.Connection[Any],
        *,
        workspace: str = "main",
        schema: str = "salespipeline",
        now: Callable[[], int] | None = None,
    ) -> Self:
        """Return a store on a connection that the host lends.

        Its transactions are savepoints in the host's own: what is kept is kept when the host commits, and gone when the
        host rolls back. The host's isolation level counts: a reading transaction is one view under REPEATABLE READ. The
        connection stays open when the store is closed. It has one transaction at a time, whichever thread began it.
        Writing raises ``StorageError`` where the connection commits by itself and the host has begun no transaction.
        """
        store = cls.__new__(cls)
        store._use(Lent(connection, _place(workspace, schema)), now)
        return store

    @property
    def lent(self) -> bool:
        """Whether the host may still roll back what a transaction of this store has kept."""
        return isinstance(self._source, Lent)

    def __repr__(self) -> str:
        return f"<PostgresStore {self._source}: workspace {self._source.place.workspace}>"

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*: new tables, columns and indexes; nothing is ever taken away.

        Raises ``StorageError`` where a field changes its type, ``NewerFormat`` where the entries of this workspace were
        written by a newer program, ``UpgradeNeeded`` where by an older one, unless *upgrade* is given. Where nothing is
        new this only reads.
        """
        check_catalog(catalog)
        if upgrade:
            self._source.upgrade()
        place = self._source.place
        with self._source.transaction(write=False) as session:
            kept, number = kept_kinds(session.run, place, catalog)
            kinds = [merged(kept.get(kind.name), kind) for kind in catalog.kinds]
            tables = self._made(session, kinds)
        if number is not None and number < catalog.format and not upgrade:
            raise older_format(number, catalog.format)
        if number != catalog.format or any(kind != kept.get(kind.name) for kind in kinds):

            def keep() -> dict[str, Table]:
                with self._source.transaction(write=True) as session:
                    return self._made(session, keep_kinds(session.run, place, catalog))

            tables = self._source.again(keep)
        self._tables = self._tables | tables

    def _made(self, session: Session, kinds: list[Kind]) -> dict[str, Table]:
        # COPY is for a role that row-level security does not bind; for others the same entries go as INSERTs.
        place = self._source.place
        numbers = place.table("_numbers")
        (bound,) = session.run("SELECT row_security_active(%s)", (numbers,)).fetchone() or (True,)
        return {kind.name: Table(kind, place, copies=not bound) for kind in kinds}

    def transaction(self, *, write: bool = True) -> PostgresTransaction:
        """Return a transaction; it begins where its ``with`` block does.

        To write it is READ COMMITTED, with a lock on each row that it has written until it ends. To read it is one
        snapshot, taken with the first question.
        """
        return PostgresTransaction(self._source, self._tables, self._now, write=write)

    def close(self) -> None:
        """Close the connections. One with a transaction open in another thread is closed when that ends."""
        self._source.close()


def _place(workspace: str, schema: str) -> Place:
    if not _WORKSPACE.fullmatch(workspace):
        message = (
            f"a workspace is named by up to 63 letters, digits, dots, hyphens and underscores, not {shown(workspace)}"
        )
        raise OpenError(message)
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        message = f"a schema is named by up to 63 lower-case letters, digits and underscores, not {shown(schema)}"
        raise OpenError(message)
    return Place(workspace=workspace, schema=schema)
