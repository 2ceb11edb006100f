"""``Sales``: the front door. It opens transactions, calls the domain, and puts what comes back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from salespipeline import text
from salespipeline.acting import Acting
from salespipeline.catalog import CATALOG
from salespipeline.domain.checks import as_date, aware
from salespipeline.errors import Invalid, NotFound, OpenError, Problem, Refused
from salespipeline.exchange import ExchangeRate
from salespipeline.files import Scanner
from salespipeline.money import Currency
from salespipeline.ports import Blobs, Clock, Ids, Mailer, Rates, Renderer, Store
from salespipeline.rewriting import check_index
from salespipeline.work import SettingsCache, Work

if TYPE_CHECKING:
    from salespipeline.activities import Activities, Subscriber
    from salespipeline.alerts import Alerts
    from salespipeline.attachments import Attachments
    from salespipeline.contacts import Contacts
    from salespipeline.deliveries import Deliveries
    from salespipeline.documents import Documents
    from salespipeline.jobs import Jobs
    from salespipeline.mail import Inbox
    from salespipeline.notes import Notes
    from salespipeline.notices import Notices
    from salespipeline.opportunities import Opportunities
    from salespipeline.permissions import Policy
    from salespipeline.report import Reports
    from salespipeline.settings import SettingsDesk

__all__ = ["Sales", "new_id", "utc_now"]


def utc_now() -> datetime:
    """Return this machine's time: the clock that is used unless another is injected. (SPEC EXT-3)"""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a UUID version 7: unique, and in the order of time."""
    from uuid_utils import uuid7

    return str(uuid7())


class Sales(Acting):
    """A sales pipeline on a store: its settings, contacts, opportunities, documents and reports.

    Make one with ``salespipeline.open``. It may be shared between threads; after a fork, open a new one. *actor*
    is who acts, as the host application says: every change records it (SPEC SET-9).
    """

    def __init__(
        self,
        store: Store,
        *,
        actor: str = "system",
        blobs: Blobs | None = None,
        mailer: Mailer | None = None,
        renderer: Renderer | None = None,
        clock: Clock = utc_now,
        ids: Ids = new_id,
        rates: Rates | None = None,
        scanner: Scanner | None = None,
        inbox: Inbox | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Prepare *store* and remember the rest. *blobs* default to those that the store brings along."""
        self.store = store
        self.actor = text.clean(actor, "actor", required=True)
        self.clock = clock
        self.ids = ids
        self.scanner = scanner
        self.inbox = inbox
        self.subscribers: list[Subscriber] = []
        self.opened_by = os.getpid()  # a forked child is told apart by it
        self._rates = rates
        self._blobs = blobs if blobs is not None else getattr(store, "blobs", None)
        self._mailer = mailer
        self._renderer = renderer
        self.policy = policy
        self._free = False
        self._verb = None
        self._cache = SettingsCache()
        self._local = threading.local()
        store.prepare(CATALOG)
        check_index(store)

    @cached_property
    def settings(self) -> SettingsDesk:
        """The lists that an administrator keeps. (SPEC section 1)"""
        from salespipeline.settings import SettingsDesk

        return SettingsDesk(self)

    @cached_property
    def contacts(self) -> Contacts:
        """Clients and sites, with the persons dealt with there. (SPEC OPP-4)"""
        from salespipeline.contacts import Contacts

        return Contacts(self)

    @cached_property
    def opportunities(self) -> Opportunities:
        """The opportunities. (SPEC section 2)"""
        from salespipeline.opportunities import Opportunities

        return Opportunities(self)

    @cached_property
    def documents(self) -> Documents:
        """The financial documents. (SPEC section 3)"""
        from salespipeline.documents import Documents

        return Documents(self)

    @cached_property
    def jobs(self) -> Jobs:
        """The jobs that opportunities become. (SPEC JOB-1)"""
        from salespipeline.jobs import Jobs

        return Jobs(self)

    @cached_property
    def activities(self) -> Activities:
        """Everything that happened: the timeline, the change feed. (SPEC OPP-9)"""
        from salespipeline.activities import Activities

        return Activities(self)

    @cached_property
    def alerts(self) -> Alerts:
        """What is due when, and who follows what. (SPEC NOTE-2)"""
        from salespipeline.alerts import Alerts

        return Alerts(self)

    @cached_property
    def attachments(self) -> Attachments:
        """Files at any record, and who may see them. (SPEC ATT-1)"""
        from salespipeline.attachments import Attachments

        return Attachments(self)

    @cached_property
    def notes(self) -> Notes:
        """What was said and done, on any record. (SPEC NOTE-1)"""
        from salespipeline.notes import Notes

        return Notes(self)

    @cached_property
    def notices(self) -> Notices:
        """The mails of the desk itself: mentions, mails from notes, alerts. (SPEC NOTE-1, NOTE-2)"""
        from salespipeline.notices import Notices

        return Notices(self)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What *send all* did with each document. (SPEC section 6)"""
        from salespipeline.deliveries import Deliveries

        return Deliveries(self)

    @cached_property
    def reports(self) -> Reports:
        """Conversion, performance and what is coming. (SPEC section 7)"""
        from salespipeline.report import Reports

        return Reports(self)

    @property
    def blobs(self) -> Blobs:
        """Where files are kept; raises ``OpenError`` where the store has no place of its own and none was given."""
        if self._blobs is None:
            raise OpenError("this store has no place for files: pass blobs=salespipeline.blobs.Folder('…') to open()")
        return self._blobs

    @property
    def mailer(self) -> Mailer:
        """What mails; raises ``OpenError`` where none was given."""
        if self._mailer is None:
            raise OpenError("no mailer was given: pass mailer=salespipeline.mail.Smtp('smtp://…') to open()")
        return self._mailer

    @property
    def has_mailer(self) -> bool:
        """Whether there is something that mails."""
        return self._mailer is not None

    def need_inbox(self) -> Inbox:
        """Return the inbox; raises ``OpenError`` where none was given.

        >>> sales.need_inbox()
        Traceback (most recent call last):
        salespipeline.errors.OpenError: no inbox was given: pass inbox=salespipeline.mail.Inbox('replies@…', secret=…) to open()
        """
        if self.inbox is None:
            raise OpenError("no inbox was given: pass inbox=salespipeline.mail.Inbox('replies@…', secret=…) to open()")
        return self.inbox

    @property
    def renderer(self) -> Renderer:
        """What draws documents: the PDF renderer of this library, unless another was given."""
        if self._renderer is None:
            from salespipeline.render import PdfRenderer

            self._renderer = PdfRenderer()
        return self._renderer

    def exchange_rate(self, base: str, quote: str, *, on: date | None = None) -> ExchangeRate:
        """Return the rate of a day, today's by default, from the injected ``rates``; pass it as ``rate=``. (SPEC EXT-3)

        Nothing is ever converted without a rate that was passed. Raises ``NotFound`` where none is known.

        >>> bank = lambda base, quote, on: sp.ExchangeRate.of(base, quote, "1.17", on=on, source="ECB")
        >>> shop = sp.open("memory:", rates=bank)
        >>> print(shop.exchange_rate("GBP", "EUR", on=datetime(2026, 11, 24).date()))
        1 GBP = 1.17 EUR on 2026-11-24 (ECB)
        """
        if self._rates is None:
            raise OpenError("no rates were given: pass rates=… to open(), or a rate that you know as rate='1.17'")
        day = self.settings.snapshot.day_of(self.now()) if on is None else as_date(on, "on")
        found = self._rates(Currency(base), Currency(quote), day)
        if found is None:
            raise NotFound(f"no rate from {base} to {quote} is known for {day}", kind="rate", key=f"{base}/{quote}")
        return found

    def now(self) -> datetime:
        """Return what the injected clock says, in UTC.

        >>> sp.open("memory:", clock=lambda: datetime.fromisoformat("2026-11-24T10:30:00+01:00")).now().hour
        9
        """
        return aware(self.clock(), "clock")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do several things as one: all of them, or, where an exception leaves the block, none.

        A step that fails halfway spoils the whole: ``Refused`` where its error was caught inside the block.

        >>> import salespipeline as sp
        >>> sales = sp.open("memory:")
        >>> with sales.transaction():
        ...     _ = sales.settings.stages.add("Enquiry", "Quoted")
        ...     _ = sales.contacts.add("Acme Ltd")
        """
        with self.work():
            yield

    @contextmanager
    def work(self, *, write: bool = True) -> Iterator[Work]:
        """Open a unit of work, or join the one that is open in this thread. For extensions; see ``transaction``.

        >>> with sales.work(write=False) as work:
        ...     work.need(type(deal), deal.id) == deal
        True
        """
        current: Work | None = getattr(self._local, "work", None)
        if current is not None:
            guard = current.guard
            if guard is not None and guard.asking:  # the policy itself looks something up
                if write:
                    raise Refused("a policy says what may be done, and does nothing itself", action="transaction")
                yield current
                return
            if current.by != self.actor:
                message = f"{self.actor!r} cannot join a transaction of {current.by!r}: finish that one first"
                raise Invalid(Problem("actor", "transaction", message))
            if guard is None and self.asks:
                message = "a transaction that asks no policy is open: what is asked cannot be a part of it"
                raise Refused(message, action="transaction")
            done = current.writes
            try:
                with (
                    nullcontext() if guard is None else guard.lift() if self.policy is None else guard.doing(self._verb)
                ):
                    yield current
            except BaseException as error:
                if current.writes != done:  # half a step is there: what is open around it must not be committed
                    current.broken = current.broken or error
                raise
            return
        # What was written on a lent connection may yet be rolled back by the host, unknown to us.
        cache = SettingsCache() if getattr(self.store, "lent", False) else self._cache
        with self.store.transaction(write=write) as tx:
            work = Work(tx, cache=cache, at=self.now(), by=self.actor, ids=self.ids)
            self._local.work = work
            try:
                if self.policy is not None:
                    work.asking(self.policy, self._verb, asked=self.asks, write=write)
                yield work
                if work.broken is not None:
                    message = (
                        f"a step of this transaction failed after it had written something ({work.broken}), so nothing of "
                        "the transaction was kept: let the error leave the block, or do that step in a transaction of its own"
                    )
                    raise Refused(message, action="transaction") from work.broken
            except BaseException:
                if work.settings_changed:
                    self._cache.forget()
                raise
            finally:
                self._local.work = None
        if self.subscribers and work.told:
            from salespipeline.activities import tell

            tell(self.subscribers, work.told)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open in this thread."""
        return getattr(self._local, "work", None) is not None

    def close(self) -> None:
        """Close the store, and the mailer if there is one; ``with`` does it too.

        >>> with sp.open("memory:") as shop:
        ...     _ = shop.contacts.add("Acme Ltd")
        """
        if self._mailer is not None:
            self._mailer.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repr_html_(self) -> str:
        from salespipeline.notebook import sales_html

        return sales_html(self)

    def __repr__(self) -> str:
        return f"<Sales on {self.store!r} as {self.actor!r}>"
