"""One change of many opportunities: each by the rules of a single one, with what became of it. (SPEC section 2)

They are changed some hundreds in a transaction. What the store refuses among those (a reference that is taken, somebody who was
faster) takes them all back, and they are tried again one by one, so that it is one that is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, Unpack

import attrs

from salespipeline import deal_moves
from salespipeline.arguments import OpportunityFacts
from salespipeline.change_report import ChangeReport, ChangeRow, Outcome
from salespipeline.collection import retried
from salespipeline.deal_moves import Move
from salespipeline.domain.contacts import Contact
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import LostReason, Tag
from salespipeline.entries import Entry
from salespipeline.errors import Conflict, Duplicate, Invalid, NotFound, Problem, Refused, StorageError, shown
from salespipeline.query import OneOf, Query
from salespipeline.text import fold
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Each", "OnError", "Progress", "Target", "named"]

CHUNK = 500
OnError: TypeAlias = Literal["continue", "abort", "undo"]
Progress: TypeAlias = Callable[[int, int, ChangeRow], None]
Target: TypeAlias = Opportunity | str
_REFUSALS = (Refused, NotFound, Conflict, Duplicate)


class _Undone(Exception):
    """One was refused, and so nothing is to be kept."""


class Each:
    """The moves of an opportunity, for many at once: see ``OpportunityListing.each``.

    >>> report = sales.opportunities.where(stage="Prospect").each().edit(stage="Quotation sent", due="2027-01-31")
    >>> print(report)
    Edited: 1 changed
    >>> each = sales.opportunities.all().each()
    >>> each.tag("VIP").count("changed"), each.tag("VIP").count("unchanged"), each.untag("VIP").count("changed")
    (1, 1, 1)
    >>> [str(report.rows[0].outcome) for report in (each.hold(), each.resume(), each.win(), each.reopen())]
    ['changed', 'changed', 'changed', 'changed']
    >>> each.lose("went to a competitor").ok
    True
    >>> print(each.win())
    Won: 1 refused
      refused: OPP/00001: Opportunity 'OPP/00001' cannot win: it is lost; reopen() it first.
    >>> print(each.delete())
    Deleted: 1 changed
    """

    def __init__(
        self,
        sales: Sales,
        targets: Callable[[], Sequence[Target]],
        *,
        on_error: OnError = "continue",
        progress: Progress | None = None,
    ) -> None:
        if on_error not in ("continue", "abort", "undo"):
            message = f"on_error is 'continue', 'abort' or 'undo', not {shown(on_error)}"
            raise Invalid(Problem("on_error", "choice", message))
        self._sales = sales
        self._targets = targets
        self._on_error = on_error
        self._progress = progress

    def edit(self, **given: Unpack[OpportunityFacts]) -> ChangeReport:
        """Replace some values of each: see ``Opportunities.edit``."""
        return self._run(deal_moves.edit(self._sales.contacts, given))

    def tag(self, *tags: Tag | str) -> ChangeReport:
        """Put tags on each, beside those that it has."""
        return self._run(deal_moves.tag(tags))

    def untag(self, *tags: Tag | str) -> ChangeReport:
        """Take tags off each that has them."""
        return self._run(deal_moves.untag(tags))

    def hold(self) -> ChangeReport:
        """Put each on hold."""
        return self._run(deal_moves.hold())

    def resume(self) -> ChangeReport:
        """Open each again after a hold."""
        return self._run(deal_moves.resume())

    def win(self, *, at: datetime | None = None) -> ChangeReport:
        """Mark each won, now or at a given moment."""
        return self._run(deal_moves.win(at))

    def lose(self, reason: LostReason | str = "", *, note: str = "", at: datetime | None = None) -> ChangeReport:
        """Mark each lost: see ``Opportunities.lose``."""
        return self._run(deal_moves.lose(reason, note, at))

    def reopen(self) -> ChangeReport:
        """Open each that was won or lost again."""
        return self._run(deal_moves.reopen())

    def delete(self) -> ChangeReport:
        """Delete each; their histories are kept."""
        return self._run(deal_moves.delete())

    def __repr__(self) -> str:
        return f"<each of several opportunities, on error {self._on_error}>"

    # --- running ---

    def _run(self, move: Move) -> ChangeReport:
        if self._on_error == "undo":
            return self._all_or_nothing(move)
        targets = self._targets()
        waiting, rows, stopped = iter(targets), list[ChangeRow](), ""
        while not stopped and (chunk := list(islice(waiting, CHUNK))):
            try:
                made = self._tried(chunk, move)
            except StorageError as error:
                if not rows:
                    raise
                stopped = f"storage: {error}"  # what was kept before is kept: say so, and what was not tried
                break
            rows += made
            self._tell(rows, made, len(targets))
            if self._on_error == "abort" and made[-1].outcome is Outcome.REFUSED:
                stopped = f"stopped at the first refusal: {made[-1].reason}"
        rows += [ChangeRow.left(target) for target in targets[len(rows) :]]
        return ChangeReport(tuple(rows), action=move.action, stopped=stopped)

    def _tried(self, chunk: Sequence[Target], move: Move) -> list[ChangeRow]:
        """Change some in a transaction of their own; or in the caller's, where nothing can be taken back alone."""
        if not self._sales.in_transaction:
            try:
                return retried(self._sales, partial(self._changed, targets=chunk, move=move, singly=False))
            except (Conflict, Duplicate):
                pass
        return retried(self._sales, partial(self._changed, targets=chunk, move=move, singly=True))

    def _all_or_nothing(self, move: Move) -> ChangeReport:
        if self._sales.in_transaction:
            message = "'undo' takes a whole transaction back, and this one is yours: say 'abort', and raise where it is not ok"
            raise Invalid(Problem("on_error", "transaction", message))
        rows: list[ChangeRow] = []

        def do(work: Work, *, singly: bool) -> None:
            rows.clear()
            waiting = iter(self._targets())
            while chunk := list(islice(waiting, CHUNK)):
                rows.extend(self._changed(work, chunk, move, singly=singly))
            if any(row.outcome is Outcome.REFUSED for row in rows):
                raise _Undone

        refused = ""
        try:
            try:
                retried(self._sales, partial(do, singly=False))
            except (Conflict, Duplicate):
                retried(self._sales, partial(do, singly=True))
        except _Undone:
            number = sum(row.outcome is Outcome.REFUSED for row in rows)
            refused = f"nothing was kept, for {number:,} of {len(rows):,} were refused"
            rows = [attrs.evolve(row, outcome=Outcome.UNDONE) if row.changed else row for row in rows]
        for done in range(1, len(rows) + 1):
            self._tell(rows[:done], rows[done - 1 : done], len(rows))
        return ChangeReport(tuple(rows), action=move.action, stopped=refused)

    def _tell(self, rows: Sequence[ChangeRow], made: Sequence[ChangeRow], total: int) -> None:
        if self._progress is not None:
            for done, row in enumerate(made, len(rows) - len(made) + 1):
                self._progress(done, total, row)

    # --- inside a transaction ---

    def _changed(self, work: Work, targets: Sequence[Target], move: Move, *, singly: bool) -> list[ChangeRow]:
        """Change each of *targets* and return a row for each, up to the first refusal where that aborts."""
        rows: list[ChangeRow] = []
        waiting: list[tuple[Entry, ...]] = []
        seen: set[str] = set()
        before = _found(work, targets)
        deals = [one for one in before if isinstance(one, Opportunity)]
        known = work.get_many(Contact, {deal.contact_id for deal in deals})
        for target, deal in zip(targets, before, strict=True):
            try:
                if not isinstance(deal, Opportunity):
                    _refuse(target, deal)
                if deal.id in seen:
                    rows.append(ChangeRow.of(deal, Outcome.UNCHANGED, "it was named before"))
                    continue
                seen.add(deal.id)
                after = move.make(deal, work, known)
                if after is None:
                    work.remove(deal)
                    rows.append(ChangeRow.of(deal, Outcome.CHANGED))
                    continue
                if singly:
                    changed = work.keep(after, deal, action=move.action).version > deal.version
                else:
                    entries = work.entries(after, deal, action=move.action)
                    waiting.append(entries)
                    changed = bool(entries)
                rows.append(ChangeRow.of(after, Outcome.CHANGED if changed else Outcome.UNCHANGED))
            except _REFUSALS as error:
                rows.append(ChangeRow.refused(target, deal if isinstance(deal, Opportunity) else None, error))
                if self._on_error == "abort":
                    break
        work.keep_entries(waiting)
        return rows


def _refuse(target: Target, error: Exception | None) -> NoReturn:
    if error is not None:
        raise error
    name = target if isinstance(target, str) else target.id
    raise NotFound(f"no opportunity has the id or reference {shown(name)}", kind="opportunity", key=name)


def _found(work: Work, targets: Sequence[Target]) -> list[Opportunity | Exception | None]:
    """Return each of *targets* as it is kept, what is wrong with it, or nothing where there is none."""
    kept = work.get_many(Opportunity, [_name(target) for target in targets])
    others = {fold(name[:1000]) for name in map(_name, targets) if name not in kept}
    by_reference: dict[str, Opportunity] = {}
    if others:
        found: Iterator[Opportunity] = work.find(Query(kind="opportunity", where=OneOf("reference", tuple(others))))
        by_reference = {fold(deal.reference): deal for deal in found}
    return [_one(work, target, kept, by_reference) for target in targets]


def _one(
    work: Work, target: Target, kept: dict[str, Opportunity], by_reference: dict[str, Opportunity]
) -> Opportunity | Exception | None:
    if isinstance(target, str):
        return kept.get(target) or by_reference.get(fold(target[:1000]))
    deal = kept.get(target.id)
    try:
        return None if deal is None else work.same(target, deal)
    except Conflict as error:
        return error


def _name(target: Target) -> str:
    return target if isinstance(target, str) else target.id


def named(targets: Iterable[Target]) -> list[Target]:
    """Return the *targets*, or raise ``Invalid`` for whatever is no opportunity, no id and no reference."""
    if isinstance(targets, str) or not isinstance(targets, Iterable):
        message = f"a list of opportunities, ids or references is needed, not {shown(targets)}"
        raise Invalid(Problem("opportunities", "type", message))
    several = list(targets)
    wrong = [(at, one) for at, one in enumerate(several) if not isinstance(one, Opportunity | str)]
    if wrong:
        what = "an opportunity, its id or its reference is needed, not"
        raise Invalid(Problem(f"opportunities[{at}]", "type", f"{what} {shown(one)}") for at, one in wrong)
    return several
