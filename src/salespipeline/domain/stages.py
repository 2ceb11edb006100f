"""Stages, and the pipelines that they stand in. (SPEC SET-1)

A stage names its pipeline by its label, and a label is unique among the stages of one pipeline. The first pipeline is the
default one; it exists without asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from salespipeline import text
from salespipeline.domain.checks import suggestion
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.display import Labelled
from salespipeline.domain.listed import Listed, Named
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.text import fold

__all__ = ["DEFAULT", "Pipeline", "Stage", "Stages", "pipelines_of"]

DEFAULT = "default"


def _label(value: str) -> str:
    return text.clean(value, "label", required=True)


@attrs.frozen(kw_only=True)
class Pipeline(Named):
    """A way that opportunities go, with stages of its own; the first one is the default. (SPEC SET-1)"""


@attrs.frozen(kw_only=True)
class Stage(Labelled):
    """A step of a pipeline, freely named and ordered. (SPEC SET-1)

    An open opportunity that has been in it for *days* is rotting; ``None`` is for a stage in which none does.
    """

    id: str
    version: int = 0
    label: str
    position: int = 0
    pipeline: str = DEFAULT
    days: int | None = None
    archived: bool = False

    @property
    def path(self) -> str:
        """Its pipeline and its label: how it is named where another pipeline has a stage of that label too."""
        return f"{self.pipeline} / {self.label}"

    def checked(self) -> Stage:
        """Return the stage with clean texts, or raise ``Invalid``."""
        return cleaned(
            self,
            label=_label,
            pipeline=lambda value: text.clean(getattr(value, "label", value), "pipeline", required=True),
            days=_as_limit,
        )


def _as_limit(value: object) -> int | None:
    """Return after how many days an opportunity rots: one or more."""
    if value is not None and (type(value) is not int or not 1 <= value <= 3650):
        raise Invalid(
            Problem("days", "range", f"a number of days from 1 to 3650, or None, is needed, not {shown(value)}")
        )
    return value


def pipelines_of(kept: Iterable[Pipeline], stages: Iterable[Stage]) -> list[Pipeline]:
    """Return the pipelines that are kept, those that a stage names, and the one that exists without asking."""
    pipelines = list(kept)
    known = {one.id for one in pipelines} | {fold(one.label) for one in pipelines}
    for position, name in enumerate((DEFAULT, *dict.fromkeys(one.pipeline for one in stages))):
        if name not in known and fold(name) not in known:
            known.add(fold(name))
            pipelines.append(Pipeline(id=name, label=name, position=position - 1))
    return pipelines


class Stages(Listed[Stage]):
    """The stages, pipeline by pipeline. A label that several pipelines have means the stage of the first of them.

    >>> stages = Stages([Stage(id="1", label="Won", pipeline="Shop"), Stage(id="2", label="Won")], Listed("pipeline"))
    >>> stages["won"].id, stages["Shop / Won"].id, stages.label("2")
    ('1', '1', 'default / Won')
    """

    def __init__(self, records: Iterable[Stage] = (), pipelines: Listed[Pipeline] | None = None) -> None:
        self.pipelines: Listed[Pipeline] = pipelines if pipelines is not None else Listed("pipeline")
        places = {fold(one.label): place for place, one in enumerate(self.pipelines.all)}
        super().__init__("stage", records, order=lambda one: places.get(fold(one.pipeline), len(places)))
        self._by_path = {(fold(one.pipeline), fold(one.label)): one for one in self.all}
        self._closed = frozenset(fold(one.label) for one in self.pipelines.all if one.archived)
        labels = [fold(one.label) for one in self.all]
        self._several = (
            {label for label in labels if labels.count(label) > 1} if len(self._by_label) < len(labels) else ()
        )

    def __iter__(self) -> Iterator[Stage]:
        return (one for one in super().__iter__() if fold(one.pipeline) not in self._closed)

    def of(self, pipeline: str) -> tuple[Stage, ...]:
        """Return those in use of a pipeline, by its label."""
        return tuple(one for one in self if fold(one.pipeline) == fold(pipeline))

    def get(self, name: str) -> Stage | None:
        """Return the stage with this id, label, or path such as ``"Delivery / Packed"``; or ``None``."""
        found = super().get(name)
        if found is None and "/" in name[:1000]:
            parts = name[:1000].split("/")
            halves = (("/".join(parts[:at]), "/".join(parts[at:])) for at in range(1, len(parts)))
            found = next((one for pair in halves if (one := self.within(*pair)) is not None), None)
        return found

    def within(self, pipeline: str, label: str) -> Stage | None:
        """Return the stage of a pipeline that is called *label*, or ``None``."""
        return self._by_path.get((fold(pipeline), fold(label)))

    def label(self, id: str | None) -> str:
        """Return the label of *id*; with its pipeline, where another one has a stage of that label too."""
        label = super().label(id)
        record = self._by_id.get(id) if id is not None else None
        return record.path if record is not None and fold(label) in self._several else label

    def chosen(self, given: object, path: str, *, kept: str | None = None) -> str:
        """Return the id of what was *given*; a label is looked for in the pipeline of *kept* first."""
        here = self._by_id.get(kept) if kept is not None else None
        if here is not None and isinstance(given, str) and len(given) < 1000 and given not in self._by_id:
            given = self.within(here.pipeline, given) or given
        id = super().chosen(given, path, kept=kept)
        pipeline = self._by_id[id].pipeline
        if fold(pipeline) in self._closed and id != kept:
            message = f"the pipeline {pipeline!r} is archived: restore it, or choose another stage"
            raise Invalid(Problem(path, "archived", message))
        return id

    def placed(self, stage: object, pipeline: object, *, kept: str | None = None) -> str:
        """Return the id of a *stage* in a *pipeline*, where either may be ``None``, for a record at *kept*.

        Without a stage it is the one that is called as that of *kept*, or else the first one of the pipeline.
        """
        if pipeline is None:
            return self.chosen(stage, "stage", kept=kept)
        chosen = self.pipelines.label(self.pipelines.chosen(pipeline, "pipeline"))
        there = self.of(chosen)
        if stage is not None:
            named = self.within(chosen, stage) if isinstance(stage, str) and len(stage) < 1000 else None
            id = self.chosen(named or stage, "stage", kept=kept)
            if fold(self._by_id[id].pipeline) != fold(chosen):
                hint = suggestion(str(stage)[:200], [one.label for one in there])
                message = f"the pipeline {chosen!r} has no stage called {shown(getattr(stage, 'label', stage))}: {hint}"
                raise Invalid(Problem("stage", "unknown", message))
            return id
        here = self._by_id.get(kept) if kept is not None else None
        if here is not None and fold(here.pipeline) == fold(chosen):
            return here.id
        like = self.within(chosen, here.label) if here is not None else None
        if like is not None and not like.archived:
            return like.id
        if not there:
            message = f"the pipeline {chosen!r} has no stage yet: settings.stages.add('…', pipeline={chosen!r})"
            raise Invalid(Problem("pipeline", "empty", message))
        return there[0].id
