"""The lists, each with what is special to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Unpack

import attrs

from salespipeline.arguments import (
    FieldEdits,
    FieldFacts,
    LostReasonFacts,
    NoteTagFacts,
    ProbabilityFacts,
    SeriesFacts,
    StageFacts,
    TagFacts,
    TaxRateFacts,
    UserFacts,
)
from salespipeline.domain.fields import Answer, FieldSchema
from salespipeline.domain.lines import Tax
from salespipeline.domain.numbering import DEFAULT_SERIES, Series, counter
from salespipeline.domain.settings import LostReason, NoteTag, Probability, Stage, Tag, TaxRate, User
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Amount, Money
from salespipeline.numbers import highest
from salespipeline.query import AnyOf, Cmp, Predicate, starts_with
from salespipeline.settings.lists import SettingList, name_of, refuse_unknown
from salespipeline.settings.uses import DRAFTS, Use, rewritten, tallied
from salespipeline.work import Work

__all__ = [
    "FieldList",
    "LostReasonList",
    "NoteTagList",
    "ProbabilityList",
    "SeriesList",
    "StageList",
    "TagList",
    "TaxRateList",
    "UserList",
]


class StageList(SettingList[Stage]):
    """The stages, in their order. (SPEC SET-1)

    >>> sales.settings.stages.rename("Order signed", "Handed over").label
    'Handed over'
    >>> sales.settings.stages.edit("Handed over", pipeline="Delivery").pipeline
    'Delivery'
    """

    def add(self, *labels: str, pipeline: str = "default") -> tuple[Stage, ...]:
        """Add stages at the end, in the order given."""
        with self._sales.work() as work:
            return tuple(self._add(work, label=label, pipeline=pipeline) for label in labels)

    def edit(self, stage: Stage | str, **values: Unpack[StageFacts]) -> Stage:
        """Replace some values: label, pipeline. A rename touches no opportunity. (SPEC SET-1)"""
        return self._edit(stage, values)


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
        department: str = "",
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


class LostReasonList(SettingList[LostReason]):
    """Why opportunities are lost: once there are some, ``opportunities.lose`` takes one of them. (SPEC OPP-6)

    >>> _ = sales.settings.lost_reasons.add("Price", "Went to a competitor", "No budget")
    >>> lost = sales.opportunities.lose(deal, "price", note="Ten percent too dear.")
    >>> sales.opportunities.where(lost_reason="Price").one() == lost, sales.settings.lost_reasons.usage("Price")
    (True, 1)
    >>> _ = sales.settings.edit_organisation(lost_reason_needed=True)
    >>> sales.opportunities.lose(sales.opportunities.reopen(lost))
    Traceback (most recent call last):
    salespipeline.errors.Invalid: reason: a reason is needed to lose an opportunity: there are 'Price', 'Went to a ...
    >>> print(sales.settings.lost_reasons.edit("Price", label="Too dear"))
    Too dear
    """

    def add(self, *labels: str) -> tuple[LostReason, ...]:
        """Add reasons at the end, in the order given."""
        with self._sales.work() as work:
            return tuple(self._add(work, label=label) for label in labels)

    def edit(self, reason: LostReason | str, **values: Unpack[LostReasonFacts]) -> LostReason:
        """Replace some values: label."""
        return self._edit(reason, values)


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


class FieldList(SettingList[FieldSchema]):
    """The custom fields of every record type. (SPEC SET-4)

    >>> field = sales.settings.fields.add("opportunity", "staff", "Staff", "integer")
    >>> sales.settings.fields.edit(field, label="Members of staff", default=10).default.value
    10
    """

    fixed = dict.fromkeys(("record_type", "key", "type"), "answers were given to it; archive it, and add another field")

    def add(self, record_type: str, key: str, label: str, type: str, **facts: Unpack[FieldFacts]) -> FieldSchema:
        """Add a field. *facts*: mandatory, help, default, choices, required_answer, required_message."""
        refuse_unknown("custom field", FieldSchema, facts, but=self.fixed)
        values = _with_answers(key, facts)
        with self._sales.work() as work:
            return self._add(work, record_type=record_type, key=key, label=label, type=type, **values)

    def edit(self, field: FieldSchema | str, **values: Unpack[FieldEdits]) -> FieldSchema:
        """Replace some values of one; *default* and *required_answer* are plain values, as in ``add``."""
        return self._edit(field, _with_answers(self[name_of(field)].key, values))

    alone = "the answers to a custom field are erased, never moved: archive() it to keep them"

    def delete(self, record: FieldSchema | str, *, replacement: FieldSchema | str | None = None) -> int:
        """Delete it, erase the answers to it, and return how many there were. (SPEC SET-4)

        What was sent is locked: the answers in sent documents stay. Archive the field to keep all of them.
        """
        with self._sales.work() as work:
            listed = self._choose(work.settings)
            field = listed[name_of(record)]
            if replacement is not None:
                self._other(listed, field, replacement)
            number = rewritten(work, self._uses(field), field.key, None, action="custom field deleted")
            work.remove(field)
            work.touch_settings()
            return number

    def _uses(self, record: FieldSchema) -> tuple[Use, ...]:
        return _answers_to(record.record_type)

    def _called(self, record: FieldSchema) -> str:
        return record.key

    def _tallied(self, work: Work, records: Iterable[FieldSchema]) -> dict[str, int]:
        listed = tuple(records)
        found = {type: tallied(work, _answers_to(type)) for type in {one.record_type for one in listed}}
        return {one.id: found[one.record_type][one.key] for one in listed}


class _Answered(Use):
    """The answers to the fields of one type of record; they are taken out, and nothing comes in their place."""

    def changed(self, record: Any, old: str, new: str | None) -> Any:  # noqa: ARG002  # nothing ever comes
        return attrs.evolve(record, answers=tuple(answer for answer in record.answers if answer.key != old))


class _Numbered(Use):
    """The documents that have a number of a series, in any of its runs."""

    def where(self, name: str) -> Predicate:
        return AnyOf((Cmp(self.index, "=", name), starts_with(self.index, f"{name}|")))


_NUMBERED = _Numbered(kind="document", index="series", field="series")


def _answers_to(record_type: str) -> tuple[Use, ...]:
    if record_type == "opportunity":
        return (_Answered(kind="opportunity", index="answers", field="answers", many=True),)
    among = Cmp("type", "=", record_type)
    return (_Answered(kind="document", index="answers", field="answers", many=True, among=among, free=DRAFTS),)


def _with_answers(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* with the plain values of answers as answers."""
    found = dict(values)
    for name in ("default", "required_answer"):
        value = found.get(name)
        if value is not None and not isinstance(value, Answer):
            found[name] = Answer(key, value)
    return found
