"""The lists that an administrator keeps, and ``Settings``: all of them as one immutable value. (SPEC section 1)

Records refer to these by id, so a rename touches no record (SPEC SET-1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

import attrs

from salespipeline import text
from salespipeline.domain.checks import counted, suggestion
from salespipeline.domain.cleaning import as_category, as_percent, cleaned
from salespipeline.domain.display import Labelled
from salespipeline.domain.fields import FieldSchema
from salespipeline.domain.links import Keyring
from salespipeline.domain.numbering import DEFAULT_SERIES, Series
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.templates import Template
from salespipeline.errors import Invalid, NotFound, Problem, shown
from salespipeline.money import Money

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = [
    "Listed",
    "LostReason",
    "NoteTag",
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


@attrs.frozen(kw_only=True)
class Stage(Labelled):
    """A step of the pipeline, freely named and ordered. (SPEC SET-1)"""

    id: str
    version: int = 0
    label: str
    position: int = 0
    pipeline: str = "default"
    archived: bool = False

    def checked(self) -> Stage:
        """Return the stage with clean texts, or raise ``Invalid``."""
        return cleaned(self, label=_label, pipeline=lambda value: text.clean(value, "pipeline", required=True))


@attrs.frozen(kw_only=True)
class Probability(Labelled):
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
class Tag(Labelled):
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
class NoteTag(Labelled):
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
            department=lambda value: text.clean(value, "department"),
            approval_limit=_limit,
        )


@attrs.frozen(kw_only=True)
class LostReason(Labelled):
    """Why an opportunity was lost, as an administrator lists it. (SPEC OPP-6)"""

    id: str
    version: int = 0
    label: str
    position: int = 0
    archived: bool = False

    def checked(self) -> LostReason:
        """Return the reason with clean texts, or raise ``Invalid``."""
        return cleaned(self, label=_label)


def _limit(value: object) -> Money | None:
    found = None if value is None else Money.of(value, path="approval_limit")  # type: ignore[arg-type]
    if found is not None and found.amount < 0:
        raise Invalid(Problem("approval_limit", "range", f"a limit is nothing or more, not {found}"))
    return found


Setting: TypeAlias = (
    Stage
    | Probability
    | Tag
    | NoteTag
    | TaxRate
    | User
    | LostReason
    | Organisation
    | Series
    | FieldSchema
    | Template
    | Keyring
)


class _Labelled(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def archived(self) -> bool: ...


L = TypeVar("L", bound=_Labelled)


class Listed(Generic[L]):
    """An immutable, ordered list of settings, looked up by id or by label (in any case).

    Iterating gives those in use; archived ones are still found, so that old records can be shown.
    """

    def __init__(self, what: str, records: Iterable[L] = ()) -> None:
        self.what = what
        self.all: tuple[L, ...] = tuple(sorted(records, key=lambda record: (record.position, record.id)))
        self._by_id = {record.id: record for record in self.all}
        self._by_label = {text.fold(record.label): record for record in reversed(self.all)}
        self._by_label |= {text.fold(record.label): record for record in reversed(self.all) if not record.archived}

    def __iter__(self) -> Iterator[L]:
        return (record for record in self.all if not record.archived)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __getitem__(self, name: str) -> L:
        record = self.get(name)
        if record is None:
            hint = suggestion(str(name), [record.label for record in self])
            raise NotFound(f"no {self.what} is called {shown(name)}: {hint}", kind=self.what, key=str(name))
        return record

    def get(self, name: str) -> L | None:
        """Return the record with this id or label, or ``None``."""
        return self._by_id.get(name) or self._by_label.get(text.fold(name))

    def label(self, id: str | None) -> str:
        """Return the label of *id*; the id itself where nothing is known of it, and ``""`` for ``None``."""
        record = self._by_id.get(id) if id is not None else None
        return record.label if record is not None else id or ""

    def chosen(self, given: object, path: str, *, kept: str | None = None) -> str:
        """Return the id of what was *given* (a record, an id or a label), or raise ``Invalid`` naming *path*.

        An archived one is refused, except the one that the record has already (*kept*).
        """
        name = getattr(given, "id", given)
        record = self.get(name) if isinstance(name, str) and len(name) < 1000 else None
        if record is None:
            hint = suggestion(str(name)[:200], [record.label for record in self])
            message = f"no {self.what} is called {shown(name)}: {hint}"
            raise Invalid(Problem(path, "unknown", message))
        if record.archived and record.id != kept:
            message = f"the {self.what} {record.label!r} is archived: restore it, or choose another"
            raise Invalid(Problem(path, "archived", message))
        return record.id

    def __repr__(self) -> str:
        return f"<{counted(len(self), self.what)}: {', '.join(record.label for record in self) or 'none yet'}>"


@attrs.frozen(kw_only=True, slots=False, eq=False)
class Settings:
    """Every list of the administrator as one value, as it stood at one moment."""

    stages: Listed[Stage] = attrs.field(factory=lambda: Listed("stage"))
    probabilities: Listed[Probability] = attrs.field(factory=lambda: Listed("probability"))
    tags: Listed[Tag] = attrs.field(factory=lambda: Listed("tag"))
    note_tags: Listed[NoteTag] = attrs.field(factory=lambda: Listed("note tag"))
    tax_rates: Listed[TaxRate] = attrs.field(factory=lambda: Listed("tax rate"))
    users: Listed[User] = attrs.field(factory=lambda: Listed("user"))
    lost_reasons: Listed[LostReason] = attrs.field(factory=lambda: Listed("lost reason"))
    series: Listed[Series] = attrs.field(factory=lambda: Listed("series"))
    fields: Listed[FieldSchema] = attrs.field(factory=lambda: Listed("custom field"))
    templates: Listed[Template] = attrs.field(factory=lambda: Listed("template"))
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
        return cls(
            stages=Listed("stage", found.get(Stage, [])),  # type: ignore[arg-type]
            probabilities=Listed("probability", found.get(Probability, [])),  # type: ignore[arg-type]
            tags=Listed("tag", found.get(Tag, [])),  # type: ignore[arg-type]
            note_tags=Listed("note tag", found.get(NoteTag, [])),  # type: ignore[arg-type]
            tax_rates=Listed("tax rate", found.get(TaxRate, [])),  # type: ignore[arg-type]
            users=Listed("user", found.get(User, [])),  # type: ignore[arg-type]
            lost_reasons=Listed("lost reason", found.get(LostReason, [])),  # type: ignore[arg-type]
            series=Listed("series", found.get(Series, [])),  # type: ignore[arg-type]
            fields=Listed("custom field", found.get(FieldSchema, [])),  # type: ignore[arg-type]
            templates=Listed("template", found.get(Template, [])),  # type: ignore[arg-type]
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

    def department_of(self, owner_id: str, own: str | None) -> str:
        """Return the department of a record: its own, or else its owner's. (SPEC OPP-7)"""
        if own is not None:
            return own
        user = self.users.get(owner_id)
        return user.department if user is not None else ""
