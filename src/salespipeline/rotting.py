"""Opportunities that have been in their stage for too long, as a filter: ``rotting=True``."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from salespipeline.catalog import instant
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.filters import Filter
from salespipeline.query import All, AnyOf, Cmp, Not, OneOf, Predicate

__all__ = ["rotting_filter"]


@attrs.frozen
class _Asked:
    """What was asked, and when."""

    value: object
    at: datetime


def _make(_operator: str, asked: object, settings: Settings, path: str) -> Predicate:
    """Return what is true of those that rot: for each number of days, its stages and the moment so long ago."""
    if not isinstance(asked, _Asked):
        message = "what is rotting depends on the moment, which nothing says here: ask for a stage"
        raise Invalid(Problem(path, "moment", message))
    if type(asked.value) is not bool:
        raise Invalid(Problem(path, "type", f"True or False is needed, not {shown(asked.value)}"))
    stages: dict[int, list[str]] = {}
    for stage in settings.stages.all:
        if stage.days is not None:
            stages.setdefault(stage.days, []).append(stage.id)
    late = AnyOf(
        tuple(
            All((OneOf("stage", tuple(ids)), Cmp("stage_since", "<=", instant(asked.at - timedelta(days=days)))))
            for days, ids in stages.items()
        )
    )
    found = All((Cmp("status", "=", "open"), late))
    return found if asked.value else Not(found)


rotting_filter = Filter(("",), _make, ask=lambda work, value: _Asked(value, work.at))
