"""The lists, each with what is special to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Unpack

import attrs

from salespipeline.arguments import (
    NoteTagFacts,
    ProbabilityFacts,
    SeriesFacts,
    TagFacts,
    TaxRateFacts,
    UserFacts,
)
from salespipeline.domain.checks import Checks
from salespipeline.domain.lines import Tax
from salespipeline.domain.numbering import DEFAULT_SERIES, Series, counter
from salespipeline.domain.settings import Department, NoteTag, Probability, Tag, TaxRate, User
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Amount, Money
from salespipeline.numbers import highest
from salespipeline.query import AnyOf, Cmp, Predicate, starts_with
from salespipeline.settings.lists import SettingList, name_of
from salespipeline.settings.uses import Use, tallied
from salespipeline.work import Work

__all__ = [
    "NoteTagList",
    "ProbabilityList",
    "SeriesList",
    "TagList",
    "TaxRateList",
    "UserList",
]


class ProbabilityList(SettingList[Probability]):
    """The probabilities. (SPEC SET-2)

    >>> sales.settings.probabilities.edit("Hot 75%", label="Hot 80%", percent="80").percent
    Decimal('80')
    """

    def add(self, label: str, *, percent: Amount | None = None, colour: str = "grey") -> Probability:
        """Add one; without *percent* it is read from a label such as ``"Hot 75%"``."""
        if percent is None:
            words = [word for word in str(label).split() if word.endswith("%")]
            if len(words) != 1:
                raise Invalid(
                    Problem("percent", "missing", f"how likely is {shown(label)}? Pass percent=, from 0 to 100")
                )
            percent = words[0]
        with self._sales.work() as work:
            return self._add(work, label=label, percent=percent, colour=colour)

    def edit(self, probability: Probability | str, **values: Unpack[ProbabilityFacts]) -> Probability:
        """Replace some values: label, percent, colour."""
        return self._edit(probability, values)


class TagList(SettingList[Tag]):
    """The tags of opportunities. (SPEC SET-3)

    >>> sales.settings.tags.edit("VIP", colour="teal").colour
    '#099268'
    """

    def add(self, label: str, *, colour: str = "grey") -> Tag:
        """Add a tag; *colour* is ``#rrggbb`` or a name of the palette."""
        with self._sales.work() as work:
            return self._add(work, label=label, colour=colour)

    def edit(self, tag: Tag | str, **values: Unpack[TagFacts]) -> Tag:
        """Replace some values: label, colour."""
        return self._edit(tag, values)


class NoteTagList(SettingList[NoteTag]):
    """The tags of notes, in categories. (SPEC SET-3)

    >>> tag = sales.settings.note_tags.add("Complaint", category="Service", colour="red")
    >>> sales.settings.note_tags.edit(tag, colour="orange").colour
    '#d9480f'
    >>> list(sales.settings.note_tags.by_category())
    ['Service']
    """

    def add(self, label: str, *, category: str = "", colour: str = "grey") -> NoteTag:
        """Add a tag; *colour* is ``#rrggbb`` or a name of the palette."""
        with self._sales.work() as work:
            return self._add(work, label=label, category=category, colour=colour)

    def edit(self, tag: NoteTag | str, **values: Unpack[NoteTagFacts]) -> NoteTag:
        """Replace some values: label, category, colour."""
        return self._edit(tag, values)

    def by_category(self) -> dict[str, tuple[NoteTag, ...]]:
        """Return those in use, by their category, in the order of the list."""
        found: dict[str, tuple[NoteTag, ...]] = {}
        for tag in self:
            found[tag.category] = (*found.get(tag.category, ()), tag)
        return found


class TaxRateList(SettingList[TaxRate]):
    """The tax rates. (SPEC SET-7)

    >>> rate = sales.settings.tax_rates.add("T1", "20", description="Standard rate")
    >>> sp.Line("Shed", unit_price="950", tax=rate).tax.code
    'T1'
    >>> sales.settings.tax_rates.edit("T1", percent="22").percent, rate.percent
    (Decimal('22'), Decimal('20'))
    """

    title = "code"
    alone = "lines and items have a rate copied into them: what they say stays, and nothing takes its place"

    def add(
        self, code: str, percent: Amount, *, description: str = "", category: str | None = None, reason: str = ""
    ) -> TaxRate:
        """Add a rate; pass it as ``tax=`` of a line. *reason* is why a category without tax bears none."""
        with self._sales.work() as work:
            found = category if category is not None else Tax.of(percent, "percent").category
            return self._add(work, code=code, percent=percent, description=description, category=found, reason=reason)

    def edit(self, rate: TaxRate | str, **values: Unpack[TaxRateFacts]) -> TaxRate:
        """Replace some values: code, percent, description, category, reason. Lines that have it keep theirs."""
        return self._edit(rate, values)


class UserList(SettingList[User]):
    """The users. (SPEC SET-9)

    >>> sales.settings.users.edit("jane", department="South", approval_limit="5000 GBP").approval_limit
    Money('5000.00', 'GBP')
    """

    title = "name"

    def add(
        self,
        name: str,
        *,
        email: str = "",
        department: Department | str = "",
        approval_limit: Money | str | None = None,
        id: str | None = None,
    ) -> User:
        """Add a user; *id* is what the host calls them when they act, *approval_limit* such as ``"5000 GBP"``. (SPEC DOC-8)"""
        values: dict[str, Any] = {"name": name, "email": email, "department": department}
        values["approval_limit"] = approval_limit
        if id is not None:
            values["id"] = id
        with self._sales.work() as work:
            return self._add(work, **values)

    def edit(self, user: User | str, **values: Unpack[UserFacts]) -> User:
        """Replace some values: name, email, department, approval_limit."""
        return self._edit(user, values)

    def _checked(self, work: Work, after: User, before: User | None) -> User:
        checks = Checks()
        cleaned = checks.take(after.checked)
        kept = before.department if before is not None else None
        name = checks.take(work.settings.department, after.department, "department", kept=kept)
        problems = {(one.path, one.message): one for one in checks.problems}  # what is no text is found by both
        checks.problems[:] = problems.values()
        checks.done(action="save")
        return attrs.evolve(cleaned, department=name)


class SeriesList(SettingList[Series]):
    """The series of references. (SPEC SET-8)

    >>> series = sales.settings.series.add("Quotes", "quote", prefix="Q-", pattern="0000")
    >>> sales.settings.series.edit(series, pattern="00-00").reference(118)
    'Q-01-18'
    """

    fixed = dict.fromkeys(("offset", "starts", "jumps"), "set_next() says from where it goes on") | {
        "for_type": "numbers were given in it; add another series"
    }
    alone = "numbers were given in it, which documents keep: archive() it, and add another"

    def _uses(self, record: Series) -> tuple[Use, ...]:  # noqa: ARG002  # the same for each
        return (_NUMBERED,)

    def _tallied(self, work: Work, records: Iterable[Series]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for run, number in tallied(work, (_NUMBERED,)).items():
            found[run.partition("|")[0]] += number
        return {one.id: found[one.id] for one in records}

    def add(self, label: str, for_type: str, *, prefix: str = "", pattern: str = "", at: str | None = None) -> Series:
        """Add a series; the first one of a type takes the place of the default."""
        when = at if at is not None else getattr(DEFAULT_SERIES.get(for_type), "at", "creation")
        with self._sales.work() as work:
            return self._add(work, label=label, for_type=for_type, prefix=prefix, pattern=pattern, at=when)

    def edit(self, series: Series | str, **values: Unpack[SeriesFacts]) -> Series:
        """Replace some values: label, prefix, pattern, at. References that were given stay as they are. (SPEC SET-8)"""
        return self._edit(series, values)

    def set_next(self, series: Series | str, number: int, *, run: str = "") -> Series:
        """Make *number* the next one; never one that was used, by a document that was deleted either. (SPEC DOC-5, SET-8)

        *run* is the filled prefix, such as ``"INV-2026-"``, where the prefix of the series has places such as ``{year}``.
        """
        if type(number) is not int or number < 0:
            raise Invalid(Problem("number", "range", f"a number is 0 or more, not {shown(number)}"))
        with self._sales.work() as work:
            before = self._choose(work.settings)[name_of(series)]
            if bool(run) != ("{" in before.prefix):
                example = "run='INV-2026-'" if not run else f"no run: its prefix is always {before.prefix!r}"
                raise Invalid(Problem("run", "choice", f"series {before.label!r} takes {example}"))
            used = highest(work, before.id, run)
            if used is not None and number <= used:
                raise Invalid(Problem("number", "range", f"{number} is not free: numbers up to {used} were used"))
            taken = work.next_number(counter(before.id, run))  # the counter itself only ever grows
            jump = (run, taken + before.offset_of(run), number)
            after = attrs.evolve(before, jumps=(*before.jumps, jump))
            if run:
                after = attrs.evolve(after, starts=tuple((dict(before.starts) | {run: number - taken - 1}).items()))
            else:
                after = attrs.evolve(after, offset=number - taken - 1)
            return self._keep(work, after, before, "next number set")


class _Numbered(Use):
    """The documents that have a number of a series, in any of its runs."""

    def where(self, name: str) -> Predicate:
        return AnyOf((Cmp(self.index, "=", name), starts_with(self.index, f"{name}|")))


_NUMBERED = _Numbered(kind="document", index="series", field="series")
