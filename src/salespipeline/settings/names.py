"""The lists whose entries are a label: pipelines, departments, reasons for losing; and the stages of pipelines."""

from __future__ import annotations

from typing import TypeVar, Unpack

import attrs

from salespipeline.arguments import NamedFacts, StageFacts
from salespipeline.domain.settings import Department, LostReason
from salespipeline.domain.stages import DEFAULT, Pipeline, Stage
from salespipeline.errors import Invalid, Problem, Refused
from salespipeline.settings.lists import SettingList, name_of
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["DepartmentList", "LostReasonList", "NamedList", "PipelineList", "StageList"]

N = TypeVar("N", Pipeline, Department, LostReason)


class NamedList(SettingList[N]):
    """A list whose entries are a label, and nothing else."""

    def add(self, *labels: str) -> tuple[N, ...]:
        """Add entries at the end, in the order given.

        >>> [str(one) for one in sales.settings.departments.add("North", "South")]
        ['North', 'South']
        """
        with self._sales.work() as work:
            return tuple(self._add(work, label=label) for label in labels)

    def edit(self, record: N | str, **values: Unpack[NamedFacts]) -> N:
        """Replace some values: label.

        >>> sales.settings.lost_reasons.add("Price") and str(sales.settings.lost_reasons.edit("Price", label="Too dear"))
        'Too dear'
        """
        return self._edit(record, values)


class LostReasonList(NamedList[LostReason]):
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


class DepartmentList(NamedList[Department]):
    """The departments: once there are some, users and opportunities belong to one of them, or to none. (SPEC SET-9, OPP-7)

    Without a list a department is words. Users who have those words already belong to the department that is added.

    >>> _ = sales.settings.departments.add("North", "South")
    >>> sales.settings.users.add("Ann Price", department="nrth")
    Traceback (most recent call last):
    salespipeline.errors.Invalid: department: no department is called 'nrth': did you mean 'North'?
    >>> sales.settings.departments.rename("North", "Northern region").label, sales.settings.users["jane"].department
    ('Northern region', 'Northern region')
    >>> sales.opportunities.where(department="Northern region").count(), sales.settings.departments.usage("Northern region")
    (1, 1)
    """

    by_title = True

    def _checked(self, work: Work, after: Department, before: Department | None) -> Department:
        after = after.checked()
        if before is None:  # whoever spelled it in another way belongs to it too
            with work.unguarded():
                for use in self._uses(after):
                    for name, _ in list(use.tally(work)):
                        if name != after.label and fold(name) == fold(after.label):
                            use.rewrite(work, name, after.label, action="department listed")
        return after


class PipelineList(NamedList[Pipeline]):
    """The pipelines: the first one is the default, which is there without asking. (SPEC SET-1)

    >>> pipelines, stages = sales.settings.pipelines, sales.settings.stages
    >>> pipelines.rename("default", "Sales").label, str(pipelines.add("Delivery")[0])
    ('Sales', 'Delivery')
    >>> [stage.path for stage in stages.add("Prospect", "Packed", pipeline="Delivery")]
    ['Delivery / Prospect', 'Delivery / Packed']
    >>> moved = sales.opportunities.edit(deal, pipeline="Delivery")
    >>> moved.stage_id == stages["Delivery / Prospect"].id, sales.opportunities.where(pipeline="Delivery").count()
    (True, 1)
    >>> [str(one) for one in stages.of("Delivery")], pipelines.usage("Sales")
    (['Prospect', 'Packed'], 3)
    """

    by_title = True

    def delete(self, record: Pipeline | str, *, replacement: Pipeline | str | None = None) -> int:
        """Delete it; its stages, with their opportunities, go to the *replacement*. Returns how many stages did."""
        if name_of(record) == DEFAULT or self[name_of(record)].id == DEFAULT:
            message = "the pipeline that is there without asking is renamed, moved or archived, and never deleted"
            raise Refused(message, record=f"pipeline {name_of(record)}", action="delete")
        return super().delete(record, replacement=replacement)


class StageList(SettingList[Stage]):
    """The stages, pipeline by pipeline, in their order. (SPEC SET-1)

    A label is unique within a pipeline. One that several have means the stage of the first of them, or, where an
    opportunity is moved, of its own; ``"Delivery / Packed"`` says which.

    >>> sales.settings.stages.rename("Order signed", "Handed over").label
    'Handed over'
    >>> sales.settings.stages.edit("Handed over", pipeline="Delivery").path
    'Delivery / Handed over'
    >>> [str(pipeline) for pipeline in sales.settings.pipelines], sales.settings.stages.of("Delivery")[0].label
    (['default', 'Delivery'], 'Handed over')
    """

    def add(self, *labels: str, pipeline: Pipeline | str | None = None) -> tuple[Stage, ...]:
        """Add stages at the end, in the order given, to the default pipeline or to another; one that is not there is added."""
        with self._sales.work() as work:
            first = next(iter(work.settings.pipelines), None)
            if pipeline is None and first is None:
                message = "every pipeline is archived: restore() one, or name another with pipeline="
                raise Invalid(Problem("pipeline", "archived", message))
            given = first if pipeline is None else pipeline
            name = getattr(given, "label", given)
            return tuple(self._add(work, label=label, pipeline=name) for label in labels)

    def edit(self, stage: Stage | str, **values: Unpack[StageFacts]) -> Stage:
        """Replace some values: label, pipeline, days. Its opportunities go with it, and none is touched. (SPEC SET-1)

        An open opportunity that has been in the stage for *days* is rotting: see ``opportunities.where(rotting=True)``.
        """
        return self._edit(stage, values)

    def of(self, pipeline: Pipeline | str) -> tuple[Stage, ...]:
        """Return those of a pipeline that are in use."""
        with self._sales.work(write=False) as work:
            pipelines = work.settings.pipelines
            return work.settings.stages.of(pipelines[name_of(pipeline)].label)

    def move(self, record: Stage | str, *, before: Stage | str | None = None, after: Stage | str | None = None) -> None:
        """Move it before or after another one of its pipeline; ``edit(stage, pipeline=…)`` moves it to another one."""
        moving, target = self[name_of(record)], before if before is not None else after
        if target is not None and fold(self[name_of(target)].pipeline) != fold(moving.pipeline):
            message = f"{self[name_of(target)].path!r} is of another pipeline: edit() the stage with pipeline= first"
            raise Invalid(Problem("before" if before is not None else "after", "pipeline", message))
        super().move(record, before=before, after=after)

    def _checked(self, work: Work, after: Stage, before: Stage | None) -> Stage:
        after = after.checked()
        if before is not None and after.pipeline == before.pipeline:
            return after
        known = work.settings.pipelines.get(after.pipeline)
        if known is None:
            (known,) = self._sales.settings.pipelines.add(after.pipeline)
        return attrs.evolve(after, pipeline=known.label)
