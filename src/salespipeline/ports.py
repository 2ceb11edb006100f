"""The protocols that storage backends, mailers and renderers implement, and the values that cross them.

Nothing here is concrete: a store, a mailer and a renderer know these classes, ``query`` and ``errors``, and
nothing of sales. (SPEC EXT-1)
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Protocol, TypeAlias, runtime_checkable

import attrs

from salespipeline.entries import Catalog, Entry, Scalar, Stored
from salespipeline.exchange import ExchangeRate
from salespipeline.money import Currency, Money
from salespipeline.query import Group, Measure, Query

__all__ = [
    "CONTRACT",
    "Accepted",
    "Blobs",
    "Clock",
    "DocumentView",
    "Explained",
    "Explanation",
    "Ids",
    "LineView",
    "Mail",
    "Mailer",
    "NotSent",
    "Outcome",
    "PartyView",
    "Rates",
    "Rendered",
    "Renderer",
    "Store",
    "SumView",
    "TaxView",
    "Transaction",
    "Unknown",
    "Upkeep",
]


# --- storage ----------------------------------------------------------------------------------------------
CONTRACT = 1  # docs/storage-contract.md says what changes it


class Transaction(Protocol):
    """One unit of work on a store: five primitives, and methods that ``stores.base`` gives.

    Inside, you read your own writes; outside, nobody sees half of them. What is refused changes nothing.
    """

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        ...

    def put(self, entry: Entry) -> None:
        """Keep *entry* as version ``entry.version + 1``.

        Raises ``Conflict`` where the kept version is not ``entry.version`` (0: it must not exist), and
        ``Duplicate`` where a unique is taken. If both are broken, ``Conflict`` wins.
        """
        ...

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""
        ...

    def amend(self, entry: Entry) -> None:
        """Replace index and body of what is kept as ``entry.version``, which stays its version.

        For upkeep alone: what the entry says is the same, written anew. Raises as ``put`` does.
        """
        ...

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, by id. ``Entry.version`` is the kept version."""
        ...

    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*: taken back by a rollback, never given twice, no gap. (SPEC DOC-6)"""
        ...

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for: the meaning of its predicate is ``query.matches``, ``id`` breaks ties."""
        ...

    def claim(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for, as ``find`` does, to be put by this transaction and nobody else.

        Whoever claims at the same time gets others, or waits until this transaction ends; with it the claim ends. For
        workers that share a queue, in a transaction that writes.
        """
        ...

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield these index fields (or ``"id"``) of what the query asks for; ``None`` where one is missing."""
        ...

    def tally(
        self, query: Query, by: Sequence[Group], measures: Sequence[Measure]
    ) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield one tuple a group, the keys and then the measures, in the order of the keys.

        A missing value is a group of its own (``None``), first. Under a ``many`` field an entry counts once
        for each of its values. No group is yielded for nothing, except that an empty *by* always yields
        exactly one tuple. Order, cursor and limit of the query are ignored.
        """
        ...

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those of *ids* that exist."""
        ...

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Put every entry in turn, as ``put`` does one. What the iterable raises propagates."""
        ...

    def now(self) -> int:
        """Return the store's clock, in microseconds since 1970 UTC: the one that leases are measured with."""
        ...


class Store(Protocol):
    """A storage backend: a place for entries that knows nothing of sales."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*: idempotent and additive.

        What an older version of the store or of the catalog's format has written is refused with
        ``UpgradeNeeded``, unless *upgrade* allows to change it for good; what a newer one has written is always
        refused, with ``NewerFormat``.
        """
        ...

    def transaction(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """Open a transaction. A clean exit commits; any exception rolls everything back and propagates.

        With ``write=False`` it is one consistent view, and writing raises ``ReadOnly``. A second one in the
        same thread raises ``TransactionOpen``.
        """
        ...

    def close(self) -> None:
        """Release everything. Using the store afterwards raises ``StoreClosed``; closing twice is fine."""
        ...


@attrs.frozen
class Explanation:
    """How a database answers a query: in its own *words*, and whether it searches an index instead of reading all."""

    words: str
    indexed: bool


@runtime_checkable
class Explained(Protocol):
    """What a transaction may offer beyond the contract, where statements are run for it: to look at them."""

    def explain(self, query: Query) -> Explanation:
        """Return how ``find`` would answer *query*."""
        ...

    def traced(self) -> AbstractContextManager[list[str]]:
        """Return a block in which every statement of this transaction is written down as it is run."""
        ...


@runtime_checkable
class Upkeep(Protocol):
    """What a store may offer beyond the contract; the servers of databases have tools of their own for it."""

    def check(self) -> Iterator[str]:
        """Yield a sentence for everything that is wrong with how the entries are kept."""
        ...

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy everything, as it is at one moment, to a new file, while others go on writing."""
        ...

    def vacuum(self) -> None:
        """Give back the room of what was deleted, and renew what queries are planned by."""
        ...


@runtime_checkable
class Blobs(Protocol):
    """Immutable byte strings under the SHA-256 of their content. Any ``Blobs`` goes with any ``Store``."""

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes durably and return their SHA-256 as 64 hex digits. Keeping them again is fine."""
        ...

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks. Raises ``NotFound`` at once, ``Corrupt`` where they were changed."""
        ...

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        ...


# --- mail -------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Mail:
    """A finished message and its envelope. *content* are the bytes that leave; BCC is in *recipients* only."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


@attrs.frozen(kw_only=True)
class Accepted:
    """The server took the message for at least one recipient; *refused* says why it did not for the others."""

    reply: str = ""
    refused: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class NotSent:
    """The message certainly did not leave. A *temporary* one may be tried again.

    *reason* is for people. *everything* says that no other message can leave either (authentication failed,
    nobody listens), so that a batch should pause.
    """

    reason: str
    code: int | None = None
    temporary: bool = False
    everything: bool = False


@attrs.frozen(kw_only=True)
class Unknown:
    """Nobody can know whether the message was taken: the line dropped after the last byte. (SPEC SEND-6)"""

    reason: str


Outcome: TypeAlias = Accepted | NotSent | Unknown


class Mailer(Protocol):
    """Something that mails. It never raises for a mail that was refused: it answers. (SPEC SEND-6)"""

    def send(self, mail: Mail) -> Outcome:
        """Try once to send *mail*, and say truly what became of it."""
        ...

    def close(self) -> None:
        """Release the connection, if one is kept. Sending again opens a new one."""
        ...


# --- rendering --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PartyView:
    """A seller or buyer as printed: a name, lines of an address, and ids such as ``("VAT", "GB123")``."""

    name: str
    address: tuple[str, ...] = ()
    person: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    ids: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class LineView:
    """A line as printed. *discount* is text such as ``4%`` or a ``Money``; *net* is the rounded line total."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Money
    reference: str = ""
    unit: str = ""
    discount_percent: Decimal | None = None
    discount_amount: Money | None = None
    tax_percent: Decimal = Decimal(0)


@attrs.frozen(kw_only=True)
class TaxView:
    """One row of the tax table: *tax* is rounded once on *net*. (SPEC MON-3)"""

    percent: Decimal
    net: Money
    tax: Money
    code: str = ""
    category: str = ""  # of UNTDID 5305
    reason: str = ""  # why there is none: exempt, reverse charge


@attrs.frozen(kw_only=True)
class SumView:
    """A step from the sum of the lines to the net: a discount or a charge of the whole document.

    *label* is a key of the catalogue (``lines_net``, ``discount``) or the words of a charge; a discount is negative.
    """

    label: str
    amount: Money
    percent: Decimal | None = None


@attrs.frozen(kw_only=True)
class DocumentView:
    """Everything a renderer or template may show of a financial document: plain data, nothing that acts.

    *type* is one of ``quote pro_forma invoice purchase_order credit_note delivery_note
    application_for_payment``. *locale* is a language tag such as ``en_GB``, ``fr_FR`` or ``de_DE``.
    *draft* asks for a visible mark (SPEC DOC-10). *logo* are the bytes of a PNG or JPEG. *due* is the date
    to pay an invoice by, or the last day a quote is valid.
    """

    type: str
    reference: str
    locale: str
    seller: PartyView
    buyer: PartyView
    lines: tuple[LineView, ...]
    taxes: tuple[TaxView, ...]
    net: Money
    tax: Money
    total: Money
    steps: tuple[SumView, ...] = ()  # from the lines to the net; nothing where they are the same
    exchange: str = ""  # the rate that its prices were converted by
    subject: str = ""
    date: dt.date | None = None
    due: dt.date | None = None
    related: tuple[tuple[str, str], ...] = ()  # such as (("opportunity", "OPP-7"), ("customer_reference", "PO 5"))
    note: str = ""
    terms: str = ""
    payment: tuple[tuple[str, str], ...] = ()  # such as (("bank", "…"), ("iban", "…"), ("bic", "…"))
    draft: bool = False
    logo: bytes | None = None
    created_at: dt.datetime | None = None  # stamped into the file, so that the same input gives the same bytes


@attrs.frozen(kw_only=True)
class Rendered:
    """A drawn document. *missing_glyphs* are characters that no font of the renderer could show."""

    content: bytes
    media_type: str
    missing_glyphs: tuple[str, ...] = ()
    pages: int = 1


class Renderer(Protocol):
    """Something that draws a document. Same view, same bytes. Raises ``RenderError`` only."""

    def render(self, view: DocumentView) -> Rendered:
        """Draw *view*."""
        ...


# --- what the host gives ----------------------------------------------------------------------------------


class Clock(Protocol):
    """Says what time it is: an aware instant. (SPEC EXT-3)"""

    def __call__(self) -> dt.datetime:
        """Return now."""
        ...


class Rates(Protocol):
    """Knows rates of exchange: those of a central bank, a table, a service. (SPEC EXT-3)"""

    def __call__(self, base: Currency, quote: Currency, on: dt.date) -> ExchangeRate | None:
        """Return the rate that held on that day, or ``None`` where it is not known."""
        ...


class Ids(Protocol):
    """Gives a new id: a short text that sorts by time, such as a UUID version 7. (SPEC EXT-3)"""

    def __call__(self) -> str:
        """Return an id that was never given before."""
        ...
