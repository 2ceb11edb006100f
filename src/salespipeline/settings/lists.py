"""What every list of the administrator can do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from salespipeline.catalog import SETTING_LISTS
from salespipeline.domain.activity import Activity
from salespipeline.domain.checks import Checks, an, suggestion
from salespipeline.domain.display import Tabular
from salespipeline.domain.fields import Answer, FieldSchema
from salespipeline.domain.listed import Listed
from salespipeline.domain.numbering import Series
from salespipeline.domain.saved import SavedFilter
from salespipeline.domain.settings import (
    Department,
    LostReason,
    NoteTag,
    Probability,
    Settings,
    Tag,
    TaxRate,
    User,
)
from salespipeline.domain.stages import Pipeline, Stage
from salespipeline.domain.templates import Template
from salespipeline.errors import Duplicate, Invalid, Problem, Refused, shown
from salespipeline.money import Money
from salespipeline.past import history_of, versions
from salespipeline.settings.uses import USES, Uses, rewritten, said, tallied, used
from salespipeline.text import fold
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["SettingList", "name_of", "refuse_unknown"]


S = TypeVar(
    "S", Pipeline, Stage, Probability, Tag, NoteTag, TaxRate, User, Department, LostReason, Series, FieldSchema, Template,
    SavedFilter,
)  # fmt: skip


class SettingList(Tabular, Generic[S]):
    """One list: iterate it, look up by id or label, add, edit, rename, move, archive, restore, delete.

    >>> stages = sales.settings.stages
    >>> stages.move("Order signed", before="Prospect")
    >>> _ = stages.edit("Prospect", label="Lead"), stages.archive("Order signed")
    >>> stages, stages.usage("Lead"), [stage.label for stage in stages.archived]
    (<2 stages: Lead, Quotation sent>, 1, ['Order signed'])
    >>> stages.restore("Order signed").archived, stages.delete("Lead", replacement="Quotation sent")
    (False, 1)
    >>> [row["label"] for row in stages.to_dicts()]
    ['Order signed', 'Quotation sent']
    >>> [activity.action for activity in stages.history("Order signed")]
    ['added', 'moved', 'edited', 'edited']
    >>> [(stage.position, stage.archived) for stage in stages.versions("Order signed")]
    [(2, False), (0, False), (0, True), (0, False)]
    """

    fixed: Mapping[str, str] = {}  # what is said once, when one is added; and what to do instead of editing it
    title: str = "label"  # the field that people call it by
    by_title: bool = False  # whether records name an entry by that, and not by its id
    alone: str = ""  # why nothing takes the place of one that is deleted

    def __init__(self, sales: Sales, cls: type[S], choose: Callable[[Settings], Listed[S]]) -> None:
        self._sales = sales
        self._cls: type[S] = cls
        self._choose: Callable[[Settings], Listed[S]] = choose

    def _listed(self) -> Listed[S]:
        with self._sales.work(write=False) as work:
            return self._choose(work.settings)

    def __iter__(self) -> Iterator[S]:
        return iter(self._listed())

    def __len__(self) -> int:
        return len(self._listed())

    def __contains__(self, name: object) -> bool:
        return name in self._listed()

    def __getitem__(self, name: str) -> S:
        return self._listed()[name]

    @property
    def archived(self) -> tuple[S, ...]:
        """Those that are archived: still shown on old records, no longer offered."""
        return tuple(record for record in self._listed().all if record.archived)

    def _add(self, work: Work, **values: Any) -> S:
        listed = self._choose(work.settings)
        values.setdefault("id", work.new_id())
        values.setdefault("position", 1 + max((record.position for record in listed.all), default=-1))
        record = self._checked(work, self._cls(**values), None)
        return self._keep(work, record, None, "added")

    def _checked(self, work: Work, after: S, before: S | None) -> S:  # noqa: ARG002  # for lists that look further
        """Return *after* with clean values, or raise ``Invalid`` with every problem."""
        return after.checked()

    def _keep(self, work: Work, after: S, before: S | None, action: str) -> S:
        try:
            kept = work.keep(after, before if before is not None and before.version else None, action=action)
        except Duplicate as error:
            message = f"{an(self.what)} called {after.label!r} exists already (it may be archived): use that one, or restore() it"
            raise Duplicate(message, kind="setting", id=after.id, fields=error.fields) from error
        work.touch_settings()
        return kept

    @property
    def what(self) -> str:
        """What it is a list of: ``stage``."""
        return SETTING_LISTS[self._cls].replace("_", " ")

    def _edit(self, record: S | str, values: Mapping[str, Any]) -> S:
        """Replace some values of one: each list says which, with their types."""
        with self._sales.work() as work:
            before = self._current(work, record)
            refuse_unknown(self.what, self._cls, values, but=self.fixed)
            kept = self._keep(work, self._checked(work, attrs.evolve(before, **values), before), before, "edited")
            if self.by_title and kept.label != before.label:
                with work.unguarded():  # also where whoever acts sees nothing of it
                    rewritten(work, self._uses(kept), before.label, kept.label, action=f"{self.what} renamed")
            return kept

    def _current(self, work: Work, record: S | str) -> S:
        """Return one as it is kept; ``Conflict`` where a record was given, and somebody changed it meanwhile."""
        kept = self._choose(work.settings)[name_of(record)]
        return kept if isinstance(record, str) or not kept.version else work.current(self._cls, record)

    def rename(self, record: S | str, name: str) -> S:
        """Call it something else. (SPEC SET-1)

        Records name it by its id, so none is touched; only pipelines and departments are written anew where they stand.

        >>> sales.settings.tags.rename("VIP", "Key account").label, sales.settings.users.rename("jane", "Jane Field").name
        ('Key account', 'Jane Field')
        """
        return self._edit(record, {self.title: name})

    def archive(self, record: S | str) -> S:
        """Offer it no longer; records that have it keep it."""
        return self._edit(name_of(record), {"archived": True})

    def restore(self, record: S | str) -> S:
        """Offer it again."""
        return self._edit(name_of(record), {"archived": False})

    def history(self, record: S | str) -> list[Activity]:
        """Return everything that happened to one, oldest first; to one that was deleted too, by its id. (SPEC OPP-9)"""
        with self._sales.work(write=False) as work:
            found = self._choose(work.settings).get(name_of(record))
            return history_of(work, "setting", found.id if found is not None else name_of(record))

    def versions(self, record: S | str) -> list[S]:
        """Return every past version of one, oldest first, made by replaying its history. (SPEC OPP-9)"""
        return [one for one in versions(self._cls, self.history(record)) if one is not None]

    def move(self, record: S | str, *, before: S | str | None = None, after: S | str | None = None) -> None:
        """Move it before or after another one."""
        if (before is None) == (after is None):
            raise Invalid(Problem("before", "choice", "say before= or after=, one of them"))
        with self._sales.work() as work:
            listed = self._choose(work.settings)
            moving = listed[name_of(record)]
            target = listed[name_of(before if before is not None else after)]
            if target.id == moving.id:
                raise Invalid(Problem("before", "choice", f"{moving.label!r} cannot stand beside itself: name another"))
            order = [one for one in listed.all if one.id != moving.id]
            order.insert(order.index(target) + (after is not None), moving)
            moved = [(attrs.evolve(one, position=at), one) for at, one in enumerate(order) if one.position != at]
            for changed, one in moved:
                if not one.version:  # one that is there without having been kept
                    work.keep(changed, action="moved")
            work.keep_many([pair for pair in moved if pair[1].version], action="moved")
            work.touch_settings()

    def usage(self, record: S | str) -> int:
        """Return how many records name it: opportunities, of a tag of notes notes, of a user documents too."""
        with self._sales.work(write=False) as work:
            one = self._choose(work.settings)[name_of(record)]
            return used(work, self._uses(one), self._called(one)).total()

    def usages(self) -> dict[str, int]:
        """Return how many records name each, archived ones too, by id: counted in one go.

        >>> stages = sales.settings.stages
        >>> {stages[id].label: number for id, number in stages.usages().items()}
        {'Prospect': 1, 'Quotation sent': 0, 'Order signed': 0}
        """
        with self._sales.work(write=False) as work:
            return self._tallied(work, self._choose(work.settings).all)

    def _tallied(self, work: Work, records: Iterable[S]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for name, number in tallied(work, USES.get(self._cls, ())).items():
            found[fold(name) if self.by_title else name] += number
        return {one.id: found[fold(one.label) if self.by_title else one.id] for one in records}

    def _uses(self, record: S) -> tuple[Uses, ...]:  # noqa: ARG002  # for lists where it is not the same for each
        """Return where records name it."""
        return USES.get(self._cls, ())

    def _called(self, record: S) -> str:
        """Return what records name it by."""
        return record.label if self.by_title else record.id

    def delete(self, record: S | str, *, replacement: S | str | None = None) -> int:
        """Delete it; one in use needs a *replacement* that its records get. Returns how many got it. (SPEC SET-1)

        Documents that were sent keep what they say.
        """
        with self._sales.work() as work:
            listed = self._choose(work.settings)
            gone = listed[name_of(record)]
            named = None if replacement is None else self._other(listed, gone, replacement)
            uses, name = self._uses(gone), self._called(gone)
            work.demand("delete", gone)
            seen = used(work, uses, name)
            with work.unguarded():  # nothing may name what is gone, also where whoever acts does not see it
                if named is None and used(work, uses, name):
                    message = f"{self.what} {gone.label!r} is used by {said(seen)}: archive() it"
                    message += "" if self.alone else ", or pass replacement="
                    raise Refused(message, record=f"{self.what} {gone.label}", action="delete")
                number = 0
                if named is not None:
                    number = rewritten(work, uses, name, self._called(named), action=f"{self.what} replaced")
            if gone.version:
                work.remove(gone)
            work.touch_settings()
            return number if work.guard is None else seen.total()

    def _other(self, listed: Listed[S], gone: S, replacement: S | str) -> S:
        """Return what takes the place of *gone*, or raise ``Invalid``."""
        if self.alone:
            raise Invalid(Problem("replacement", "unknown", self.alone))
        named = listed[listed.chosen(replacement, "replacement")]
        if named.id == gone.id:
            raise Invalid(Problem("replacement", "choice", f"{gone.label!r} cannot take its own place: name another"))
        return named

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows, with every field."""
        return [_row(record) for record in self]

    def _columns(self) -> Mapping[str, type]:
        from salespipeline.notebook import columns_of

        return columns_of(self._cls)

    def _repr_html_(self) -> str:
        from salespipeline.notebook import setting_html

        return setting_html(self)

    def __repr__(self) -> str:
        return repr(self._listed())


def _row(record: attrs.AttrsInstance) -> dict[str, object]:
    """Return a record as a plain row: an amount has its currency in a column of its own."""
    row: dict[str, object] = {}
    for field in attrs.fields(type(record)):
        value = getattr(record, field.name)
        if isinstance(value, Money):
            row["currency"], value = str(value.currency), value.amount
        row[field.name] = _plain(value)
    return row


def _plain(value: object) -> object:
    """Return what stands in a row for *value*: choices are one text, an answer is what was answered."""
    if value is None or isinstance(value, int | Decimal):
        return value
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value.value if isinstance(value, Answer) else value)


def name_of(record: object) -> str:
    """Return the id of a record, or the name that was given for one; raises ``Invalid`` for anything else."""
    name = getattr(record, "id", record)
    if not isinstance(name, str):
        raise Invalid(Problem("record", "type", f"a record, its id or its label is needed, not {shown(record)}"))
    return name


def refuse_unknown(what: str, cls: type[Any], values: Mapping[str, object], *, but: Mapping[str, str]) -> None:
    """Raise where *values* names what a record does not have, or what is not edited."""
    checks = Checks()
    known = [field.name for field in attrs.fields(cls) if field.name not in ("id", "version", *but)]
    for name in values:
        if name not in known:
            hint = but.get(name) or suggestion(name, known)
            checks.add(name, "unknown", f"{an(what)} has no {shown(name)} to edit: {hint}")
    checks.done(action="edit")
