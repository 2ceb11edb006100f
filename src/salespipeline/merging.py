"""Two records of the same thing become one, and nothing is lost: first a plan to look at, then the merge. (SPEC OPP-8)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from salespipeline.collection import Collection
from salespipeline.domain.checks import counted
from salespipeline.domain.display import Tabular
from salespipeline.domain.merging import Difference, Merger
from salespipeline.moving import counted_moves, move_all
from salespipeline.past import MERGED
from salespipeline.survivors import keep_merger
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.exchange import ExchangeRate
    from salespipeline.money import Amount

__all__ = ["MergePlan", "Mergeable"]

R = TypeVar("R")


class MergePlan(Tabular, Generic[R]):
    """What a merge would do: where the two differ and which side is taken, what goes along, and what comes of it.

    >>> other = sales.opportunities.create(contact=acme, subject="Warehouse", lines=deal.lines, due="2027-01-31")
    >>> _ = sales.notes.add(other, "Floor load", "Ask for the drawing.")
    >>> plan = sales.opportunities.plan_merge(deal, other)
    >>> print(plan)
    Merge OPP/00002 Warehouse (8,400.00 GBP, open) into OPP/00001 New warehouse (8,400.00 GBP, open)
      subject: 'New warehouse' is taken, 'Warehouse' is not
      1 note goes along
    >>> plan.choose(subject="other").run().subject, plan.moves
    ('Warehouse', {'note': 1})
    """

    def __init__(
        self,
        collection: Mergeable[R],
        *,
        kept: R,
        other: R,
        result: R,
        differences: tuple[Difference, ...],
        moves: Mapping[str, int],
        take: Mapping[str, str],
        rate: object,
    ) -> None:
        self._collection = collection
        self._take = dict(take)
        self._rate = rate
        self.kept = kept
        self.other = other
        self.result = result
        self.differences = differences
        self.moves = dict(moves)

    def choose(self, take: Mapping[str, str] | None = None, /, **more: str) -> MergePlan[R]:
        """Return the plan with other sides taken: ``choose(due="other", note="kept")``; nothing is written.

        A field whose name is no word of Python stands in a mapping: ``choose({"custom.roof": "other"})``.
        """
        return self._collection._planned(self.kept, self.other, self._take | dict(take or {}) | more, self._rate)

    def run(self) -> R:
        """Merge them, in one transaction. Raises ``Conflict`` where somebody changed one of them since it was planned."""
        return self._collection._merge(self.kept, self.other, self._take, self._rate)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return a row for each field in which the two differ."""
        return [
            {"field": one.field, "kept": one.kept, "other": one.other, "take": one.take} for one in self.differences
        ]

    def _columns(self) -> Mapping[str, type]:
        return dict.fromkeys(("field", "kept", "other", "take"), str)

    def _repr_html_(self) -> str:
        from salespipeline.notebook import table_html

        return table_html(str(self).splitlines()[0], self.to_dicts())

    def __str__(self) -> str:
        said = [f"Merge {self.other} into {self.kept}", *(f"  {_said(one)}" for one in self.differences)]
        if self.moves:
            number = sum(self.moves.values())
            there = ", ".join(counted(many, kind) for kind, many in self.moves.items())
            said.append(f"  {there} {'goes' if number == 1 else 'go'} along")
        return "\n".join(said)

    def __repr__(self) -> str:
        return str(self)


def _said(one: Difference) -> str:
    kept, other = one.kept or "nothing", one.other or "nothing"
    match one.take:
        case "kept":
            return f"{one.field}: {kept!r} is taken, {other!r} is not"
        case "other":
            return f"{one.field}: {other!r} is taken, {kept!r} is not"
    return f"{one.field}: {one.take} of {kept!r} and {other!r}"


class Mergeable(Collection[R]):
    """A collection whose records can be merged."""

    def _together(
        self, work: Work, kept: R, other: R, take: Mapping[str, str], rate: object
    ) -> tuple[R, tuple[Difference, ...]]:
        """Return what *kept* is with everything of *other*, and where they differ."""
        raise NotImplementedError

    def plan_merge(
        self,
        kept: R | str,
        other: R | str,
        *,
        take: Mapping[str, str] | None = None,
        rate: Amount | ExchangeRate | None = None,
    ) -> MergePlan[R]:
        """Return what would come of merging *other* into *kept*, field by field; nothing is written.

        Where they differ, *kept* wins unless *take* says otherwise: ``take={"due": "other", "note": "kept"}``. Lines in
        another currency need a *rate*: 1 of theirs is so many of those that are kept. Raises ``Invalid`` with every problem.
        """
        with self._sales.work(write=False) as work:
            return self._planned(self._named(work, kept), self._named(work, other), take or {}, rate)

    def merge(
        self,
        kept: R | str,
        other: R | str,
        *,
        take: Mapping[str, str] | None = None,
        rate: Amount | ExchangeRate | None = None,
    ) -> R:
        """Merge *other* into *kept*, as ``plan_merge`` would plan it, and return what stays.

        Everything that is at *other* goes along. By its id, and by what it was called, one comes to the one that stays; its
        own history, and every version that it had, can still be read.

        >>> other = sales.opportunities.create(contact=acme, subject="Warehouse, Leeds", lines=deal.lines, due="2027-01-31")
        >>> kept = sales.opportunities.merge(deal, other, take={"subject": "other"})
        >>> kept.reference, kept.subject, str(kept.due), sales.opportunities["OPP/00002"] == kept
        ('OPP/00001', 'Warehouse, Leeds', '2027-01-31', True)
        """
        return self._merge(kept, other, take or {}, rate)

    def _planned(self, kept: R, other: R, take: Mapping[str, str], rate: object) -> MergePlan[R]:
        with self._sales.work(write=False) as work:
            result, differences = self._together(work, kept, other, take, rate)
            moves = counted_moves(work, self.shape.kind, other.id)  # type: ignore[attr-defined]
        return MergePlan(
            self, kept=kept, other=other, result=result, differences=differences, moves=moves, take=take, rate=rate
        )

    def _merge(self, kept: R | str, other: R | str, take: Mapping[str, str], rate: object) -> R:
        kind = self.shape.kind

        def do(work: Work) -> R:
            before: Any = self._named(work, kept)
            gone: Any = self._named(work, other)
            after, _ = self._together(work, before, gone, take, rate)
            work.remove(gone, action=MERGED)
            name = gone.reference if hasattr(gone, "reference") else gone.name
            key = getattr(gone, "import_key", None)
            merger = Merger(
                id=gone.id,
                record_kind=kind,
                name=name,
                import_key=key if key != getattr(after, "import_key", None) else None,
                into_id=before.id,
                created_at=work.at,
                created_by=work.by,
            )
            with work.unguarded():  # everything that is there goes along, whoever may see it
                keep_merger(work, merger)
                move_all(work, kind, gone.id, after)
            stays: R = work.keep(after, before, action="merged")
            return stays

        return self._tried(do, again=isinstance(kept, str) and isinstance(other, str))
