"""What transactions that run statements share: where they begin and end, and that a broken one does nothing more."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from salespipeline.entries import Entry
from salespipeline.errors import StorageError
from salespipeline.stores.base import BaseTransaction
from salespipeline.stores.kinds import not_open, not_prepared, read_only

__all__ = ["Session", "SessionTransaction", "Sessions", "ended"]


class Session(Protocol):
    """A connection while a transaction is open on it."""

    @property
    def run(self) -> Callable[..., Any]:
        """Run a statement and return its cursor."""
        ...

    @property
    def sound(self) -> bool:
        """Whether the transaction can go on: some errors make the database end it."""
        ...


S = TypeVar("S", bound=Session)


class Sessions(Protocol[S]):
    """What begins and ends transactions, and puts the driver's errors into our words."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""
        ...

    def begin(self, *, write: bool) -> S:
        """Begin a transaction and return its session."""
        ...

    def end(self, session: S, *, commit: bool) -> None:
        """End the transaction."""
        ...

    def translated(self, error: Exception) -> StorageError:
        """Return the error of ours for one of the driver's."""
        ...


@contextlib.contextmanager
def ended(source: Sessions[S], session: S) -> Iterator[S]:
    """End the transaction with the block: what it did is kept, or taken back where the block raises."""
    try:
        yield session
    except BaseException as error:
        source.end(session, commit=False)
        if isinstance(error, source.failures):
            raise source.translated(error) from error
        raise
    source.end(session, commit=True)


Source = TypeVar("Source", bound=Sessions[Any])
Table = TypeVar("Table")


class SessionTransaction(BaseTransaction, Generic[Source, S, Table]):
    """A transaction in a session of *source*, on *tables* by kind."""

    __slots__ = ("_broken", "_run", "_session", "_source", "_tables", "_write")

    def __init__(self, source: Source, tables: Mapping[str, Table], *, write: bool) -> None:
        self._source = source
        self._tables = tables
        self._write = write
        self._session: S | None = None
        self._broken: StorageError | None = None
        self._run: Callable[..., Any] = _not_open

    def __enter__(self) -> Self:
        session: S = self._source.begin(write=self._write)
        self._session, self._broken, self._run = session, None, session.run
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        if session is None:
            raise not_open()
        self._session, self._run = None, _not_open
        self._source.end(session, commit=kind is None and self._broken is None)
        if kind is None and self._broken is not None:
            raise self._broken

    def put(self, entry: Entry) -> None:
        """Keep *entry* as version ``entry.version + 1``, or raise ``Conflict`` or ``Duplicate``."""
        self._keep(entry, entry.version + 1)

    def amend(self, entry: Entry) -> None:
        """Replace index and body of what is kept as ``entry.version``, which stays its version."""
        self._keep(entry, entry.version)

    @abstractmethod
    def _keep(self, entry: Entry, becomes: int) -> None: ...

    def _opened(self) -> S:
        if self._session is None:
            raise not_open()
        return self._session

    def _table(self, kind: str) -> Table:
        if self._session is None:
            raise not_open()
        try:
            return self._tables[kind]
        except KeyError:
            raise not_prepared(kind) from None

    def _writable(self, kind: str) -> Table:
        if not self._write:
            raise read_only()
        return self._table(kind)

    def _rows(self, text: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            return self._run(text, values).fetchall()  # type: ignore[no-any-return]
        except self._source.failures as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StorageError:
        """Return the error of ours; where the database has ended the transaction, nothing more can be done in it."""
        failure = self._source.translated(error)
        if self._session is not None and not self._session.sound:
            self._give_up(failure)
        return failure

    def _give_up(self, failure: StorageError) -> None:
        # Going on might keep each statement alone, and what was done before is gone already.
        self._run, self._broken = _not_open, failure


def _not_open(*_: object, **__: object) -> Any:
    raise not_open()
