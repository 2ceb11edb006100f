"""Numbers and issue: what a document gets when it is created, and when it leaves. (SPEC DOC-6)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

import attrs

from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.numbering import DEFAULT_SERIES, Series, counter
from salespipeline.domain.settings import Settings
from salespipeline.domain.taking import kinds, with_share, without_share
from salespipeline.errors import Duplicate, Refused
from salespipeline.query import Cmp, OneOf, Query
from salespipeline.text import fold
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["as_issued", "expected", "follow", "foreseen", "issue", "next_number", "tried"]


_CHUNK = 150  # references that are looked for at once


class _TakenBack(Exception):
    """Ends a transaction in which something was only tried."""


@contextmanager
def tried(sales: Sales) -> Iterator[Work]:
    """Open a unit of work in which something is only tried: all that it writes is taken back at its end.

    Not inside a transaction, which could not take back a part of itself: ``Refused``.
    """
    if sales.in_transaction:
        message = (
            "this is tried and taken back, which a part of a transaction cannot be: do it outside of the transaction"
        )
        raise Refused(message, action="try")
    try:
        with sales.work() as work:
            yield work
            raise _TakenBack
    except _TakenBack:
        return


def next_number(work: Work, series: Series, *, day: date, currency: str) -> tuple[int, str, str]:
    """Take the next number of *series*, passing over references that somebody typed: number, reference and run.

    *day* and *currency* are what a prefix with places is filled with.
    """
    run = _run(series, day, currency)
    while True:
        number = work.next_number(counter(series.id, run)) + series.offset_of(run)
        reference = series.reference(number, run)
        if not _taken(work, series, reference):
            return number, reference, run
        if series.at == "issue":  # passing over it would leave a gap: somebody must say where the series goes on
            message = (
                f"the next number of the series {series.label!r} is {number}, but another document has the reference "
                f"{reference!r} already: give a series its own prefix, or call settings.series.set_next()"
            )
            raise Duplicate(message, kind="document", fields=("reference",))


def _taken(work: Work, series: Series, reference: str) -> bool:
    kind = series.for_type if series.for_type in ("opportunity", "job") else "document"
    query = Query(kind=kind, where=Cmp("reference", "=", fold(reference)), limit=1)
    with work.unguarded():  # what nobody else may see is taken, too
        return any(True for _ in work.columns(query, ("id",)))


def issue(work: Work, document: Document, at: datetime, contact: Contact | None = None) -> Document:
    """Return *document* as it is issued at this moment: numbered if it has no number yet, dated, with its parties.

    *contact* is its contact as it stands in *work*, where the caller has it already.
    """
    if document.seller is not None:
        return document
    settings = work.settings
    if contact is None or contact.id != document.client_id:
        contact = work.need(Contact, document.client_id)
    day = settings.day_of(at)
    if document.reference is None:
        series = _series_of(settings, document)
        number, reference, run = next_number(work, series, day=day, currency=document.currency)
        document = attrs.evolve(document, number=number, reference=reference, run=run)
    return document.issued(settings, contact, on=day)


def foreseen(work: Work, documents: Iterable[Document], contact: Contact | None = None) -> list[Document] | None:
    """Return *documents* as they would be issued now; ``None`` where some would need a number, which only ``tried`` finds."""
    listed = list(documents)
    if any(one.seller is None and one.reference is None for one in listed):
        return None
    return [issue(work, one, work.at, contact) for one in listed]


def as_issued(sales: Sales, documents: Iterable[Document]) -> list[Document]:
    """Return *documents* as they would be issued now, with the numbers that are next; none is taken."""
    listed = list(documents)
    if all(one.seller is not None for one in listed):
        return listed
    with tried(sales) as work:
        return [issue(work, one, work.at) for one in listed]


def expected(sales: Sales, documents: Sequence[Document]) -> list[str]:
    """Return the references that *documents*, which have none, would get now, in their order; none is taken.

    A counter is asked once, and counted on from there: that is what ``as_issued`` finds, unless one of them stands in
    the way, which somebody typed.
    """
    with tried(sales) as work:
        settings, day = work.settings, work.settings.day_of(work.at)
        counted: dict[str, int] = {}
        found = []
        for document in documents:
            series = _series_of(settings, document)
            run = _run(series, day, document.currency)
            key = counter(series.id, run)
            counted[key] = counted[key] + 1 if key in counted else work.next_number(key) + series.offset_of(run)
            found.append(series.reference(counted[key], run))
        free = not _any_taken(work, found)
    return found if free else [document.reference or "" for document in as_issued(sales, documents)]


def _any_taken(work: Work, references: Sequence[str]) -> bool:
    for at in range(0, len(references), _CHUNK):
        several = OneOf("reference", tuple(map(fold, references[at : at + _CHUNK])))
        if any(True for _ in work.columns(Query(kind="document", where=several, limit=1), ("id",))):
            return True
    return False


def _run(series: Series, day: date, currency: str) -> str:
    """Return the run of *series* on a *day*: what a prefix with places is filled with."""
    names = {"year": f"{day:%Y}", "yy": f"{day:%y}", "month": f"{day:%m}", "currency": str(currency)}
    return series.run(names)


def _series_of(settings: Settings, document: Document) -> Series:
    return settings.series.get(document.series) or DEFAULT_SERIES[document.type.value]


def follow(work: Work, document: Document, *, gone: bool = False) -> None:
    """Keep what *document* takes on the documents that it takes from, or, once it is *gone*, that it takes no more.

    Raises ``Invalid`` where it takes more than is left.
    """
    with work.unguarded():  # whoever may do the one has done the other
        for id, kind in kinds(document).items():
            source = work.get(Document, id)
            if source is not None:
                after = without_share(source, document.id) if gone else with_share(source, document, kind)
                work.keep(after, source, action=f"{kind} taken back" if gone else f"{kind} taken")
