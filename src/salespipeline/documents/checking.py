"""``verify``, ``verify_seals`` and ``verify_numbers``: whether what is kept is what left. (SPEC DOC-6, DOC-7)"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from salespipeline.codec import decode
from salespipeline.collection import Collection
from salespipeline.domain.checks import Verdict
from salespipeline.domain.document import Document
from salespipeline.domain.facts import Chain
from salespipeline.domain.numbering import DEFAULT_SERIES, Series, counter
from salespipeline.errors import Corrupt, Invalid, Problem
from salespipeline.issuing import tried
from salespipeline.numbers import Spent, spent
from salespipeline.query import EVERYTHING, Query
from salespipeline.sealing import problems_of
from salespipeline.work import Work

__all__ = ["Checking", "NumbersRow", "SealsRow"]


@attrs.frozen(kw_only=True)
class NumbersRow:
    """One series, or one run of it: *problems* are unexplained, *explained* are holes that are as they should be."""

    series: str
    run: str
    first: int | None
    last: int | None
    documents: int
    problems: tuple[str, ...]
    explained: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is nothing that nobody can explain."""
        return not self.problems


@attrs.frozen(kw_only=True)
class SealsRow:
    """The chain of one series: how many links, the last one, and what is wrong with it."""

    series: str
    documents: int
    link: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every sent document is there as it left."""
        return not self.problems


class Checking(Collection[Document]):
    """What shows that nothing was lost or changed; the examples are those of ``Documents``."""

    def verify(self, document: Document | str) -> Verdict:
        """Say whether a sent document still is what the client saw: content, PDF, history, every column. (SPEC DOC-7)"""
        with self._sales.work(write=False) as work:
            record = self._named(work, document) if isinstance(document, str) else document
            if record.seal is None:
                message = f"{record.name} was not sent, so nothing is sealed yet"
                raise Invalid(Problem("document", "unsealed", message))
            kept = work.get(Document, record.id)
            if kept is None:
                return Verdict(False, f"{record.name} is not there any more")
            found = problems_of(work, kept, self._sales.blobs)
        return Verdict(not found, "" if not found else f"{kept.name}: {'; '.join(found)}")

    def verify_seals(self) -> list[SealsRow]:
        """Follow the chain of each series: a sent document that was changed, or is gone, is found. (SPEC DOC-7)

        One that was deleted by force is explained by the change log, which keeps its link. A document that a delivery is
        sending right now is no link yet. What cannot be read at all is listed too.

        >>> sent = sales.documents.mark_sent(quote)
        >>> [(row.series, row.documents, row.ok) for row in sales.documents.verify_seals()]
        [('default-quote', 1, True)]
        """
        with self._sales.overseeing("verify seals").work(write=False) as work:
            documents, unread = _sealed(work)
            chains = {chain.id: chain for chain in work.find(Query(kind="chain", where=EVERYTHING))}
            gone = [one for one in spent(work) if one.link]
            series = {one.series for one in documents if one.sent} | {one.series for one in gone}
            return [
                self._chain(work, name, documents, gone, chains.get(name), unread.get(name, ()))
                for name in sorted({*series, *chains, *unread})
            ]

    def _chain(
        self,
        work: Work,
        series: str,
        documents: Iterable[Document],
        gone: Iterable[Spent],
        chain: Chain | None,
        unread: Iterable[str],
    ) -> SealsRow:
        problems = list(unread)
        links: dict[int, list[tuple[str, str, str]]] = {}
        number = 0
        for one in documents:
            if one.series != series or not one.sent:
                continue
            number += 1
            problems += [f"{one.name}: {problem}" for problem in problems_of(work, one, self._sales.blobs)]
            if one.seal is None or one.seal.position is None:
                problems.append(f"{one.name}: it is no link of the chain")
            else:
                links.setdefault(one.seal.position, []).append((one.name, one.seal.previous, one.seal.link))
        for deleted in gone:
            if deleted.series == series:
                links.setdefault(deleted.position, []).append((deleted.reference, deleted.previous, deleted.link))
        end, last = (chain.position, chain.link) if chain is not None else (0, "")
        before = ""
        for position in range(1, max([end, *links]) + 1):
            here = links.get(position, [])
            if len(here) != 1:
                what = ", ".join(name for name, _, _ in here) or "no document"
                problems.append(f"link {position}: {what}, where there was one")
            if here:
                if before is not None and here[0][1] != before:
                    problems.append(f"link {position}: {here[0][0]} does not follow the link before it")
                before = here[0][2]
            else:
                before = None  # type: ignore[assignment]
        if before is not None and before != last:
            problems.append("the chain does not end where its end was written down")
        return SealsRow(series=series, documents=number, link=last, problems=tuple(problems))

    def verify_numbers(self) -> list[NumbersRow]:
        """List what is wrong with the numbers of each series: gaps, duplicates, dates that go back. (SPEC DOC-6)

        A hole that a deleted document left, a reference that somebody typed, or a next number that somebody set is explained.
        Numbers are drawn to see where the counters stand, and given back.

        >>> sales.documents.delete(sales.documents.draft(deal, "quote"))
        >>> (row,) = sales.documents.verify_numbers()
        >>> row.first, row.last, row.documents, row.ok, row.explained
        (1, 2, 1, True, ('2 was QUO/00002, deleted by jane on ...',))
        """
        with tried(self._sales.overseeing("verify numbers")) as work:
            return list(self._numbers(work))

    def _numbers(self, work: Work) -> Iterable[NumbersRow]:
        documents = list(work.find(Query(kind="document", where=EVERYTHING)))
        gone = list(spent(work))
        references = {one.reference for one in documents}
        known = {one.id: one for one in (*DEFAULT_SERIES.values(), *work.settings.series.all)}
        keys = {(one.series, one.run) for one in (*documents, *gone) if one.number is not None}
        for series, run in sorted(keys):
            mine = sorted(
                (
                    one
                    for one in documents
                    if (one.series, one.run) == (series, run) and one.number is not None and not one.revision
                ),
                key=lambda one: (one.number, one.id),
            )
            deleted = {
                one.number: one for one in gone if (one.series, one.run) == (series, run) and one.number is not None
            }
            about = known.get(series, Series(id=series, label=series, for_type="quote"))
            last = work.next_number(counter(series, run)) - 1 + about.offset_of(run)
            yield _row(about, run, mine, deleted, last, references)


def _sealed(work: Work) -> tuple[list[Document], dict[str, list[str]]]:
    """Return the documents that were sent or sealed, and, by series, what is said of those that cannot be read."""
    documents: list[Document] = []
    broken: dict[str, str] = {}
    for stored in work.tx.find(Query(kind="document", where=EVERYTHING)):
        try:
            one: Document = decode("document", stored)
        except Corrupt as error:
            broken[stored.id] = str(error)
            continue
        if one.sent or one.seal is not None:
            documents.append(one)
    unread: dict[str, list[str]] = {}
    if broken:  # of these only the columns are left to tell where they belong
        rows = work.columns(Query(kind="document", where=EVERYTHING), ("id", "series", "reference"))
        for id, counted, reference in rows:
            if id in broken:
                name, _, _ = str(counted or "").partition("|")
                unread.setdefault(name, []).append(f"document {str(reference or id).upper()}: {broken[str(id)]}")
    return documents, unread


def _start(series: Series, run: str) -> int:
    """Return the first number of a run: 1, or the one that was set before there was any."""
    start = 1
    for _, jump_from, to in (jump for jump in series.jumps if jump[0] == run):
        start = to if jump_from <= start or to < start else start
    return start


def _row(
    series: Series, run: str, mine: list[Document], deleted: dict[int, Spent], last: int, references: set[str | None]
) -> NumbersRow:
    problems: list[str] = []
    explained: list[str] = []
    numbers = [one.number for one in mine if one.number is not None]
    for position, one in enumerate(mine[1:], start=1):
        if one.number == mine[position - 1].number:
            problems.append(f"{one.number} stands on {mine[position - 1].name} and on {one.name}")
    latest = None
    for one in mine:
        if series.at == "issue" and one.date is not None:
            if latest is not None and latest.date is not None and one.date < latest.date:
                problems.append(f"{one.name} of {one.date} comes after {latest.name} of {latest.date}")
            latest = one if latest is None or latest.date is None or one.date >= latest.date else latest
    every = [*numbers, *deleted]
    for number in range(min([_start(series, run), *every]), max([last, *every]) + 1):
        if number in numbers:
            continue
        jump = next((one for one in series.jumps if one[0] == run and one[1] <= number < one[2]), None)
        if number in deleted:
            explained.append(f"{number} was {deleted[number].said}")
        elif jump is not None:
            explained.append(f"{number} was passed over when the next number was set to {jump[2]}")
        elif series.reference(number, run) in references:
            explained.append(f"{number} was passed over: somebody typed {series.reference(number, run)}")
        else:
            problems.append(f"{number} is missing, and nothing tells why")
    return NumbersRow(
        series=series.label,
        run=run,
        first=min(every),
        last=max(every),
        documents=len(mine),
        problems=tuple(problems),
        explained=tuple(explained),
    )
