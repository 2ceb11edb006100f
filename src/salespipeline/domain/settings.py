"""The lists that an administrator keeps, and ``Settings``: all of them as one immutable value. (SPEC section 1)

Records refer to these by id, so a rename touches no record (SPEC SET-1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import as_category, as_percent, cleaned
from salespipeline.domain.display import Labelled
from salespipeline.domain.fields import FieldSchema
from salespipeline.domain.links import Keyring
from salespipeline.domain.listed import Listed, Named
from salespipeline.domain.numbering import DEFAULT_SERIES, Series
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.saved import SavedFilter
from salespipeline.domain.stages import Pipeline, Stage, Stages, pipelines_of
from salespipeline.domain.templates import Template
from salespipeline.errors import Invalid, Problem
from salespipeline.money import Money

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = [
    "Department",
    "LostReason",
    "NoteTag",
    "Pipeline",
    "Probability",
    "Setting",
    "Settings",
    "Stage",
    "Tag",
    "TaxRate",
    "User",
]


def _label(value: str) -> str:
    return text.clean(value, "label", required=True)


class Coloured(Labelled):
    """An entry with a colour, ``#rrggbb``."""

    __slots__ = ()

    @property
    def text_colour(self: Any) -> str:
        """Black or white, whichever is read more easily on its colour: a contrast of 4.5 at least.

        >>> tags = sales.settings.tags
        >>> tags.add("Rush", colour="yellow").text_colour, tags.add("Quiet", colour="#000066").text_colour
        ('#000000', '#ffffff')
        """
        return text.readable_on(self.colour)


@attrs.frozen(kw_only=True)
class Probability(Coloured):
    """A label, a colour and a percent (0–100), independent of stages. (SPEC SET-2)"""

    id: str
    version: int = 0
    label: str
    percent: Decimal
    colour: str = "#868e96"
    position: int = 0
    archived: bool = False

    def checked(self) -> Probability:
        """Return the probability with clean values, or raise ``Invalid``."""
        return cleaned(self, label=_label, percent=as_percent, colour=lambda value: text.colour(value, "colour"))


@attrs.frozen(kw_only=True)
class Tag(Coloured):
    """A label and a colour, for opportunities. (SPEC SET-3)"""

    id: str
    version: int = 0
    label: str
    colour: str = "#868e96"
    position: int = 0
    archived: bool = False

    def checked(self) -> Tag:
        """Return the tag with clean values, or raise ``Invalid``."""
        return cleaned(self, label=_label, colour=lambda value: text.colour(value, "colour"))


@attrs.frozen(kw_only=True)
class NoteTag(Coloured):
    """A label and a colour, for notes, in a category. (SPEC SET-3)"""

    id: str
    version: int = 0
    label: str
    category: str = ""
    colour: str = "#868e96"
    position: int = 0
    archived: bool = False

    def checked(self) -> NoteTag:
        """Return the tag with clean values, or raise ``Invalid``."""
        return cleaned(
            self,
            label=_label,
            category=lambda value: text.clean(value, "category"),
            colour=lambda value: text.colour(value, "colour"),
        )


@attrs.frozen(kw_only=True)
class TaxRate(Labelled):
    """A code, a percentage, a description, and the category for electronic invoices. (SPEC SET-7)

    *reason* is why a category without tax bears none, printed on documents: words, or a code such as ``VATEX-EU-132-1I``.
    """

    id: str
    version: int = 0
    code: str
    percent: Decimal
    description: str = ""
    category: str = "S"
    reason: str = ""
    position: int = 0
    archived: bool = False

    @property
    def label(self) -> str:
        """The code: what people choose by."""
        return self.code

    def checked(self) -> TaxRate:
        """Return the rate with clean values, or raise ``Invalid``."""
        return cleaned(
            self,
            code=lambda value: text.clean(value, "code", most=20, required=True),
            percent=as_percent,
            description=lambda value: text.clean(value, "description"),
            category=as_category,
            reason=lambda value: text.clean(value, "reason", most=500),
        )


@attrs.frozen(kw_only=True)
class User(Labelled):
    """Somebody who owns opportunities. The library authenticates nobody: the host says who acts. (SPEC SET-9)"""

    id: str
    version: int = 0
    name: str
    email: str = ""
    department: str = ""
    approval_limit: Money | None = None  # up to which they may draw up and approve purchase orders (SPEC DOC-8)
    position: int = 0
    archived: bool = False

    @property
    def label(self) -> str:
        """The name."""
        return self.name

    def checked(self) -> User:
        """Return the user with clean values, or raise ``Invalid``."""
        return cleaned(
            self,
            id=lambda value: text.clean(value, "id", required=True),
            name=lambda value: text.clean(value, "name", required=True),
            email=lambda value: text.email(value, "email") if value else "",
            department=lambda value: text.clean(getattr(value, "label", value), "department"),
            approval_limit=_limit,
        )


@attrs.frozen(kw_only=True)
class LostReason(Named):
    """Why an opportunity was lost, as an administrator lists it. (SPEC OPP-6)"""


@attrs.frozen(kw_only=True)
class Department(Named):
    """A department that users, and opportunities of their own, belong to by its label. (SPEC SET-9, OPP-7)"""


def _limit(value: object) -> Money | None:
    found = None if value is None else Money.of(value, path="approval_limit")  # type: ignore[arg-type]
    if found is not None and found.amount < 0:
        raise Invalid(Problem("approval_limit", "range", f"a limit is nothing or more, not {found}"))
    return found


Setting: TypeAlias = (
    Pipeline
    | Stage
    | Probability
    | Tag
    | NoteTag
    | TaxRate
    | User
    | Department
    | LostReason
    | Organisation
    | Series
    | FieldSchema
    | Template
    | SavedFilter
    | Keyring
)


#: The lists that stand for themselves: the name in ``Settings``, the class, and what one is called.
_LISTS: Mapping[str, tuple[type[Any], str]] = {
    "probabilities": (Probability, "probability"),
    "tags": (Tag, "tag"),
    "note_tags": (NoteTag, "note tag"),
    "tax_rates": (TaxRate, "tax rate"),
    "users": (User, "user"),
    "departments": (Department, "department"),
    "lost_reasons": (LostReason, "lost reason"),
    "series": (Series, "series"),
    "fields": (FieldSchema, "custom field"),
    "templates": (Template, "template"),
    "filters": (SavedFilter, "saved filter"),
}


@attrs.frozen(kw_only=True, slots=False, eq=False)
class Settings:
    """Every list of the administrator as one value, as it stood at one moment."""

    pipelines: Listed[Pipeline] = attrs.field(factory=lambda: Listed("pipeline"))
    stages: Stages = attrs.field(factory=Stages)
    probabilities: Listed[Probability] = attrs.field(factory=lambda: Listed("probability"))
    tags: Listed[Tag] = attrs.field(factory=lambda: Listed("tag"))
    note_tags: Listed[NoteTag] = attrs.field(factory=lambda: Listed("note tag"))
    tax_rates: Listed[TaxRate] = attrs.field(factory=lambda: Listed("tax rate"))
    users: Listed[User] = attrs.field(factory=lambda: Listed("user"))
    departments: Listed[Department] = attrs.field(factory=lambda: Listed("department"))
    lost_reasons: Listed[LostReason] = attrs.field(factory=lambda: Listed("lost reason"))
    series: Listed[Series] = attrs.field(factory=lambda: Listed("series"))
    fields: Listed[FieldSchema] = attrs.field(factory=lambda: Listed("custom field"))
    templates: Listed[Template] = attrs.field(factory=lambda: Listed("template"))
    filters: Listed[SavedFilter] = attrs.field(factory=lambda: Listed("saved filter"))
    organisation: Organisation = attrs.field(factory=Organisation)
    keyring: Keyring = attrs.field(factory=Keyring)
    version: int = 0

    @classmethod
    def of(cls, records: Iterable[Setting], version: int = 0) -> Settings:
        """Sort *records* into their lists."""
        found: dict[type, list[Setting]] = {}
        for record in records:
            found.setdefault(type(record), []).append(record)
        organisation, keyring = found.get(Organisation, []), found.get(Keyring, [])
        lists: dict[str, Any] = {name: Listed(what, found.get(kind, [])) for name, (kind, what) in _LISTS.items()}
        stages: list[Any] = found.get(Stage, [])
        lists["pipelines"] = Listed("pipeline", pipelines_of(found.get(Pipeline, []), stages))  # type: ignore[arg-type]
        return cls(
            **lists,
            stages=Stages(stages, lists["pipelines"]),
            organisation=organisation[0] if organisation else Organisation(),  # type: ignore[arg-type]
            keyring=keyring[0] if keyring else Keyring(),  # type: ignore[arg-type]
            version=version,
        )

    @cached_property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        from zoneinfo import ZoneInfo  # not before somebody asks which day it is

        return ZoneInfo(self.organisation.time_zone)

    def day_of(self, moment: datetime) -> date:
        """Return the day of *moment* where the organisation is."""
        return moment.astimezone(self.zone).date()

    def schemas(self, record_type: str) -> tuple[FieldSchema, ...]:
        """Return the custom fields of a record type, archived ones too, in their order."""
        return tuple(schema for schema in self.fields.all if schema.record_type == record_type)

    def filters_for(self, actor: str, of: str | None = None) -> Listed[SavedFilter]:
        """Return the saved filters that *actor* may use: their own, and those that others share; their own go first."""
        found = [one for one in self.filters.all if one.shared or one.owner_id == actor]
        several = [one for one in found if of in (None, one.of)]
        return Listed("saved filter", several, order=lambda one: one.owner_id != actor)

    def series_for(self, for_type: str, name: Series | str | None = None) -> Series:
        """Return the series that numbers this type: the named one, the first of its type, or the default one."""
        if name is not None:
            series = self.series[self.series.chosen(name, "series")]
            if series.for_type != for_type:
                message = f"series {series.label!r} numbers {series.for_type.replace('_', ' ')}s: choose another"
                raise Invalid(Problem("series", "choice", message))
            return series
        for series in self.series:
            if series.for_type == for_type:
                return series
        return DEFAULT_SERIES[for_type]

    def pipeline_of(self, stage_id: str | None) -> str:
        """Return the label of the pipeline that a stage is of."""
        stage = self.stages.get(stage_id) if stage_id is not None else None
        return stage.pipeline if stage is not None else ""

    def department(self, given: object, path: str, *, kept: str | None = None) -> str:
        """Return the department called *given* as the list spells it; words where there is no list.

        An archived one is refused, except the one that the record has already (*kept*).
        """
        name = text.clean(getattr(given, "label", given), path)  # type: ignore[arg-type]
        if not name or not self.departments.all:
            return name
        former = self.departments.get(kept) if kept else None
        chosen = self.departments.chosen(name, path, kept=former.id if former is not None else None)
        return self.departments.label(chosen)

    def department_of(self, owner_id: str, own: str | None) -> str:
        """Return the department of a record: its own, or else its owner's. (SPEC OPP-7)"""
        if own is not None:
            return own
        user = self.users.get(owner_id)
        return user.department if user is not None else ""
