"""``sales.settings.fields``: what is asked of each type of record. (SPEC SET-4)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Unpack

import attrs

from salespipeline.arguments import FieldEdits, FieldFacts
from salespipeline.domain.checks import Checks
from salespipeline.domain.fields import Answer, FieldSchema
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.query import Cmp
from salespipeline.settings.lists import SettingList, name_of, refuse_unknown
from salespipeline.settings.uses import DRAFTS, Use, rewritten, tallied, used
from salespipeline.work import Work

__all__ = ["FieldList"]


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

    def add_many(self, record_type: str, rows: Iterable[Mapping[str, object]]) -> tuple[FieldSchema, ...]:
        """Add fields of one record type in one go, each a mapping of what ``add`` takes: all of them, or none.

        Raises ``Invalid`` with every problem, each with the place of its row.

        >>> asked = sales.settings.fields.add_many("quote", [
        ...     {"key": "floor", "label": "Floor load", "type": "integer"},
        ...     {"key": "safe", "label": "Inspected", "type": "yes_no", "mandatory": True},
        ... ])
        >>> [field.label for field in asked]
        ['Floor load', 'Inspected']
        """
        checks = Checks()
        with self._sales.work() as work:
            kept = self._choose(work.settings).all
            known = {one.key for one in kept if one.record_type == record_type}
            start = 1 + max((one.position for one in kept), default=-1)
            made = []
            for at, row in enumerate(rows):
                schema = checks.at(f"[{at}]", _schema_of, work.new_id(), record_type, row, start + at)
                if schema is not None and schema.key in known:
                    checks.add(f"[{at}].key", "duplicate", f"another field of {record_type} is called {schema.key!r}")
                elif schema is not None:
                    known.add(schema.key)
                    made.append(schema)
            checks.done(action="add")
            if made:
                work.keep_new(made, action="added")
                work.touch_settings()
            return tuple(attrs.evolve(one, version=1) for one in made)

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
            work.demand("delete", field)
            seen = used(work, self._uses(field), field.key).total()
            with work.unguarded():
                number = rewritten(work, self._uses(field), field.key, None, action="custom field deleted")
            work.remove(field)
            work.touch_settings()
            return number if work.guard is None else seen

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


def _answers_to(record_type: str) -> tuple[Use, ...]:
    if record_type == "opportunity":
        return (_Answered(kind="opportunity", index="answers", field="answers", many=True),)
    among = Cmp("type", "=", record_type)
    return (_Answered(kind="document", index="answers", field="answers", many=True, among=among, free=DRAFTS),)


def _schema_of(id: str, record_type: str, row: object, position: int) -> FieldSchema:
    if not isinstance(row, Mapping):
        raise Invalid(Problem("", "type", f"a mapping with key, label and type is needed, not {shown(row)}"))
    lacking = [name for name in ("key", "label", "type") if name not in row]
    if lacking:
        raise Invalid(Problem(name, "missing", f"a field needs its {name}") for name in lacking)
    facts: dict[str, Any] = dict(row)
    key, label, type = (facts.pop(name) for name in ("key", "label", "type"))
    refuse_unknown(
        "custom field", FieldSchema, facts, but=FieldList.fixed | {"label": "", "position": "the rows are in order"}
    )
    values = _with_answers(key, facts)
    return FieldSchema(
        id=id, record_type=record_type, key=key, label=label, type=type, position=position, **values
    ).checked()


def _with_answers(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* with the plain values of answers as answers."""
    found = dict(values)
    for name in ("default", "required_answer"):
        value = found.get(name)
        if value is not None and not isinstance(value, Answer):
            found[name] = Answer(key, value)
    return found
