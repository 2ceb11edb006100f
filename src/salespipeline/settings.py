"""``sales.settings``: the lists that an administrator keeps. (SPEC section 1)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from salespipeline import text
from salespipeline.catalog import SETTING_LISTS
from salespipeline.collection import Collection
from salespipeline.domain.fields import Answer, FieldSchema
from salespipeline.domain.items import Item, Part
from salespipeline.domain.lines import Tax
from salespipeline.domain.numbering import DEFAULT_SERIES, Series
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.settings import Listed, Probability, Settings, Stage, Tag, TaxRate, User
from salespipeline.errors import Duplicate, Invalid, NotFound, Problem, Refused, shown
from salespipeline.filters import flag, search, words
from salespipeline.listing import Shape
from salespipeline.money import decimal
from salespipeline.query import Cmp, Count, Has, Predicate, Query
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Items", "SettingList", "SettingsDesk"]

S = TypeVar("S", Stage, Probability, Tag, TaxRate, User, Series, FieldSchema)
_USED_BY: Mapping[type[Any], Callable[[str], Predicate]] = {
    Stage: lambda id: Cmp("stage", "=", id),
    Probability: lambda id: Cmp("probability", "=", id),
    Tag: lambda id: Has("tags", id),
    User: lambda id: Cmp("owner", "=", id),
}


class SettingList(Generic[S]):
    """One list: iterate it, look up by id or label, add, edit, rename, move, archive, restore, delete.

    >>> stages = sales.settings.stages
    >>> stages.move("Order signed", before="Prospect")
    >>> _ = stages.edit("Prospect", label="Lead"), stages.archive("Order signed")
    >>> stages, stages.usage("Lead"), [stage.label for stage in stages.archived]
    (<2 stage: Lead, Quotation sent>, 1, ['Order signed'])
    >>> stages.restore("Order signed").archived, stages.delete("Lead", replacement="Quotation sent")
    (False, 1)
    >>> [row["label"] for row in stages.to_dicts()]
    ['Order signed', 'Quotation sent']
    """

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
        record: S = self._cls(**values).checked()
        return self._keep(work, record, None, "added")

    def _keep(self, work: Work, after: S, before: S | None, action: str) -> S:
        try:
            kept = work.keep(after, before, action=action)
        except Duplicate as error:
            message = f"a {self.what} called {after.label!r} exists already (it may be archived): use that one, or restore() it"
            raise Duplicate(message, kind="setting", id=after.id, fields=error.fields) from error
        work.touch_settings()
        return kept

    @property
    def what(self) -> str:
        """What it is a list of: ``stage``."""
        return SETTING_LISTS[self._cls].replace("_", " ")

    def edit(self, record: S | str, **values: Any) -> S:
        """Replace some values of one; a rename touches no record. (SPEC SET-1)"""
        with self._sales.work() as work:
            before = self._choose(work.settings)[record if isinstance(record, str) else record.id]
            if refused := values.keys() - {field.name for field in attrs.fields(self._cls)} | values.keys() & {
                "id",
                "version",
            }:
                names = ", ".join(sorted(refused))
                raise Invalid(Problem(names, "unknown", f"a {self.what} has no {names} to edit"))
            return self._keep(work, attrs.evolve(before, **values).checked(), before, "edited")

    def archive(self, record: S | str) -> S:
        """Offer it no longer; records that have it keep it."""
        return self.edit(record, archived=True)

    def restore(self, record: S | str) -> S:
        """Offer it again."""
        return self.edit(record, archived=False)

    def move(self, record: S | str, *, before: S | str | None = None, after: S | str | None = None) -> None:
        """Move it before or after another one."""
        if (before is None) == (after is None):
            raise Invalid(Problem("before", "choice", "say before= or after=, one of them"))
        with self._sales.work() as work:
            listed = self._choose(work.settings)
            moving = listed[_name(record)]
            target = listed[_name(before if before is not None else after)]
            order = [one for one in listed.all if one.id != moving.id]
            order.insert(order.index(target) + (after is not None), moving)
            for position, one in enumerate(order):
                if one.position != position:
                    work.keep(attrs.evolve(one, position=position), one, action="moved")
            work.touch_settings()

    def usage(self, record: S | str) -> int:
        """Return how many opportunities have it."""
        with self._sales.work(write=False) as work:
            return self._usage(work, self._choose(work.settings)[_name(record)].id)

    def _usage(self, work: Work, id: str) -> int:
        used = _USED_BY.get(self._cls)
        if used is None:
            return 0
        ((number,),) = work.tx.tally(Query(kind="opportunity", where=used(id)), (), (Count(),))
        return int(number or 0)

    def delete(self, record: S | str, *, replacement: S | str | None = None) -> int:
        """Delete it; one in use needs a *replacement* that its opportunities get. Returns how many got it. (SPEC SET-1)"""
        with self._sales.work() as work:
            listed = self._choose(work.settings)
            gone = listed[_name(record)]
            number = self._usage(work, gone.id)
            if number and replacement is None:
                message = (
                    f"{self.what} {gone.label!r} is used by {number} opportunities: archive() it, or pass replacement="
                )
                raise Refused(message, record=f"{self.what} {gone.label}", action="delete")
            if number:
                self._replace(work, gone.id, listed[_name(replacement)].id)
            work.remove(gone)
            work.touch_settings()
            return number

    def _replace(self, work: Work, old: str, new: str) -> None:
        field = {Stage: "stage_id", Probability: "probability_id", Tag: "tags", User: "owner_id"}[self._cls]
        for deal in list(work.find(Query(kind="opportunity", where=_USED_BY[self._cls](old)))):
            value: Any = new
            if field == "tags":
                value = tuple(dict.fromkeys(new if tag == old else tag for tag in deal.tags))
            work.keep(attrs.evolve(deal, **{field: value}), deal, action=f"{self.what} replaced")

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows, with every field."""
        return [attrs.asdict(record, recurse=False) for record in self]

    def _repr_html_(self) -> str:
        from salespipeline.notebook import setting_html

        return setting_html(self)

    def __repr__(self) -> str:
        return repr(self._listed())


def _name(record: Any) -> str:
    return record if isinstance(record, str) else record.id


class StageList(SettingList[Stage]):
    """The stages, in their order. (SPEC SET-1)

    >>> sales.settings.stages.rename("Order signed", "Handed over").label
    'Handed over'
    """

    def add(self, *labels: str, pipeline: str = "default") -> tuple[Stage, ...]:
        """Add stages at the end, in the order given."""
        with self._sales.work() as work:
            return tuple(self._add(work, label=label, pipeline=pipeline) for label in labels)

    def rename(self, stage: Stage | str, label: str) -> Stage:
        """Give it another name; no opportunity is touched."""
        return self.edit(stage, label=label)


class ProbabilityList(SettingList[Probability]):
    """The probabilities. (SPEC SET-2)"""

    def add(self, label: str, *, percent: Any = None, colour: str = "grey") -> Probability:
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


class TagList(SettingList[Tag]):
    """The tags of opportunities. (SPEC SET-3)"""

    def add(self, label: str, *, colour: str = "grey") -> Tag:
        """Add a tag; *colour* is ``#rrggbb`` or a name of the palette."""
        with self._sales.work() as work:
            return self._add(work, label=label, colour=colour)


class TaxRateList(SettingList[TaxRate]):
    """The tax rates. (SPEC SET-7)

    >>> rate = sales.settings.tax_rates.add("T1", "20", description="Standard rate")
    >>> sp.Line("Shed", unit_price="950", tax=rate).tax.code
    'T1'
    """

    def add(self, code: str, percent: Any, *, description: str = "", category: str | None = None) -> TaxRate:
        """Add a rate; pass it as ``tax=`` of a line."""
        with self._sales.work() as work:
            found = category if category is not None else ("Z" if str(percent) in ("0", "0%") else "S")
            return self._add(work, code=code, percent=percent, description=description, category=found)


class UserList(SettingList[User]):
    """The users. (SPEC SET-9)"""

    def add(self, name: str, *, email: str = "", department: str = "", id: str | None = None) -> User:
        """Add a user; *id* is what the host calls them when they act."""
        values: dict[str, Any] = {"name": name, "email": email, "department": department}
        if id is not None:
            values["id"] = text.clean(id, "id", required=True)
        with self._sales.work() as work:
            return self._add(work, **values)


class SeriesList(SettingList[Series]):
    """The series of references. (SPEC SET-8)"""

    def add(self, label: str, for_type: str, *, prefix: str = "", pattern: str = "", at: str | None = None) -> Series:
        """Add a series; the first one of a type takes the place of the default."""
        when = at if at is not None else getattr(DEFAULT_SERIES.get(for_type), "at", "creation")
        with self._sales.work() as work:
            return self._add(work, label=label, for_type=for_type, prefix=prefix, pattern=pattern, at=when)

    def set_next(self, series: Series | str, number: int) -> Series:
        """Make *number* the next one."""
        if type(number) is not int or number < 0:
            raise Invalid(Problem("number", "range", f"a number is 0 or more, not {shown(number)}"))
        with self._sales.work() as work:
            before = self._choose(work.settings)[_name(series)]
            taken = work.tx.next_number(before.id)  # the counter itself only ever grows
            return self._keep(work, attrs.evolve(before, offset=number - taken - 1), before, "next number set")


class FieldList(SettingList[FieldSchema]):
    """The custom fields of every record type. (SPEC SET-4)"""

    def add(self, record_type: str, key: str, label: str, type: str, **facts: Any) -> FieldSchema:
        """Add a field. *facts*: mandatory, help, default, choices, required_answer, required_message."""
        for name in ("default", "required_answer"):
            if facts.get(name) is not None:
                facts[name] = Answer(key, facts[name])
        if "choices" in facts:
            facts["choices"] = tuple(facts["choices"])
        with self._sales.work() as work:
            return self._add(work, record_type=record_type, key=key, label=label, type=type, **facts)


def _item_row(item: Item, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": item.reference,
        "description": item.description,
        "group": item.group,
        "price": item.price,
        "cost": item.cost,
        "currency": str(item.currency),
        "tax": item.tax.percent,
    }


class Items(Collection[Item]):
    """The predefined items, and sets of them; found by id or reference. (SPEC SET-5)

    >>> items = sales.settings.items
    >>> _ = items.add("BAY", "Racking, bay", price="210"), items.add("FIT", "Installation, per bay", price="45")
    >>> _ = items.edit("FIT", price="48.50"), items.add("KIT", "Bay, installed", parts=[("BAY", 1), ("FIT", 1)])
    >>> sales.opportunities.edit(deal, lines=[{"item": "KIT", "quantity": 4}]).value
    Money('1034.00', 'GBP')
    >>> items.delete("KIT")
    """

    cls = Item
    shape = Shape(
        kind="item",
        filters={
            "reference": words("reference"),
            "group": words("group"),
            "text": search("text"),
            "archived": flag("archived"),
        },
        orders={"reference": "reference", "group": "group"},
        default="reference",
        row=_item_row,
        columns=dict.fromkeys(("reference", "description", "group"), str)
        | {"price": Decimal, "cost": Decimal, "currency": str, "tax": Decimal},
    )

    def add(
        self, reference: str, description: str, *, price: Any = 0, parts: Iterable[tuple[str, Any]] = (), **facts: Any
    ) -> Item:
        """Add an item. *facts*: cost, currency, tax, group, unit, nominal_code, department_code.

        *parts* make it a set: pairs of an item's reference and a quantity.
        """
        with self._sales.work() as work:
            facts.setdefault("currency", work.settings.organisation.currency)
            if isinstance(facts.get("tax"), str) and facts["tax"] in work.settings.tax_rates:
                facts["tax"] = Tax.of(work.settings.tax_rates[facts["tax"]])
            made = tuple(Part(item_id=self._named(work, name).id, quantity=decimal(number)) for name, number in parts)
            item = Item(
                id=work.new_id(), reference=reference, description=description, price=price, parts=made, **facts
            )
            return work.keep(item.checked(), action="added")

    def edit(self, item: Item | str, **values: Any) -> Item:
        """Replace some values; lines made from it before keep theirs. (SPEC OPP-3)"""
        return self._change(item, lambda before, _work: attrs.evolve(before, **values).checked(), "edited")

    def delete(self, item: Item | str) -> None:
        """Delete it; lines made from it keep their values."""
        with self._sales.work() as work:
            work.remove(self._named(work, item))


class SettingsDesk:
    """Every list of the administrator, to look at and to change."""

    def __init__(self, sales: Sales) -> None:
        self._sales = sales
        self.stages = StageList(sales, Stage, lambda settings: settings.stages)
        self.probabilities = ProbabilityList(sales, Probability, lambda settings: settings.probabilities)
        self.tags = TagList(sales, Tag, lambda settings: settings.tags)
        self.tax_rates = TaxRateList(sales, TaxRate, lambda settings: settings.tax_rates)
        self.users = UserList(sales, User, lambda settings: settings.users)
        self.series = SeriesList(sales, Series, lambda settings: settings.series)
        self.fields = FieldList(sales, FieldSchema, lambda settings: settings.fields)
        self.items = Items(sales)

    @property
    def snapshot(self) -> Settings:
        """All lists as one immutable value, as they stand now."""
        with self._sales.work(write=False) as work:
            return work.settings

    @property
    def organisation(self) -> Organisation:
        """Who sells: name, address, currency, locale, time zone."""
        return self.snapshot.organisation

    def edit_organisation(self, *, logo: bytes | None = None, **values: Any) -> Organisation:
        """Replace some facts of the organisation; *logo* are the bytes of a PNG or JPEG."""
        known = {field.name for field in attrs.fields(Organisation)} - {"id", "version", "logo"}
        if unknown := values.keys() - known:
            raise NotFound(f"an organisation has no {', '.join(sorted(unknown))}: there is {', '.join(sorted(known))}")
        if logo is not None:
            values["logo"] = self._sales.blobs.keep([logo])
        with self._sales.work() as work:
            before = work.settings.organisation
            after = attrs.evolve(before, **values).checked()
            kept = work.keep(after, before if before.version else None, action="edited")
            work.touch_settings()
            return kept

    def __repr__(self) -> str:
        return f"<settings: {self.stages!r}, {self.probabilities!r}, {self.tags!r}, {self.users!r}>"
