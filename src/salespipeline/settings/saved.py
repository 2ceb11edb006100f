"""``sales.settings.filters``: what lists are asked again and again, under a name. (SPEC OPP-10)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from salespipeline.criteria import Criteria
from salespipeline.domain.checks import suggestion
from salespipeline.domain.saved import SavedFilter
from salespipeline.errors import Invalid, Problem, Refused, shown
from salespipeline.settings.lists import SettingList, name_of

if TYPE_CHECKING:
    from salespipeline.listing import Listing
    from salespipeline.sales import Sales

__all__ = ["FilterList"]


# The kinds of records, and where they are listed.
_LISTS = {
    "opportunity": "opportunities", "document": "documents", "contact": "contacts", "job": "jobs", "note": "notes",
    "attachment": "attachments", "alert": "alerts", "activity": "activities",
}  # fmt: skip


class Asked(Protocol):
    """What is asked something, such as a list."""

    def criteria(self) -> Criteria:
        """Return what is asked."""
        ...


class FilterEdits(TypedDict, total=False):
    """What can be edited of a saved filter."""

    label: str
    criteria: Asked | Criteria | str
    shared: bool


class FilterList(SettingList[SavedFilter]):
    """The saved filters that whoever acts may use: their own, and those that others share.

    >>> hot = sales.opportunities.where(probability__ge=75, value__ge="1000 GBP").order("-value")
    >>> print(sales.settings.filters.add("Hot", hot, shared=True))
    Hot
    >>> sales.opportunities.where(saved="Hot").ids() == [deal.id], sales.acting("tom").settings.filters
    (True, <1 saved filter: Hot>)
    >>> sales.settings.filters.edit("Hot", label="Hot ones", criteria=hot.where(stage="Prospect")).version
    2
    >>> sales.acting("tom").settings.filters.delete("Hot ones")
    Traceback (most recent call last):
    salespipeline.errors.Refused: saved filter 'Hot ones' is jane's: save it under a name of your own instead
    """

    fixed = dict.fromkeys(("owner_id", "of"), "said once, when it is saved: save another one")
    alone = "nothing takes the place of a saved filter: save another one"

    def __init__(self, sales: Sales) -> None:
        super().__init__(sales, SavedFilter, lambda settings: settings.filters_for(sales.actor))

    def add(self, label: str, criteria: Asked | Criteria | str, *, shared: bool = False) -> SavedFilter:
        """Save what a list is asked, filters and order, under a name: a list, its criteria, or their JSON.

        Everything is checked now: ``Invalid`` says all that is wrong. With *shared* others may use it too.
        """
        found = self._criteria(criteria)
        with self._sales.work() as work:
            return self._add(
                work, label=label, of=found.of, criteria=found.to_json(), owner_id=self._sales.actor, shared=shared
            )

    def edit(self, saved: SavedFilter | str, **values: Unpack[FilterEdits]) -> SavedFilter:
        """Replace some values: label, criteria, shared."""
        given: dict[str, Any] = dict(values)
        if "criteria" in values:
            given["criteria"] = self._criteria(values["criteria"], self[name_of(saved)].of).to_json()
        return self._edit(saved, given)

    def delete(self, record: SavedFilter | str, *, replacement: SavedFilter | str | None = None) -> int:
        """Delete it; only its owner does."""
        self._own(self[name_of(record)])
        return super().delete(record, replacement=replacement)

    def _current(self, work: Any, record: SavedFilter | str) -> SavedFilter:
        return self._own(super()._current(work, record))

    def _own(self, saved: SavedFilter) -> SavedFilter:
        if saved.owner_id != self._sales.actor:
            message = f"saved filter {saved.label!r} is {saved.owner_id}'s: save it under a name of your own instead"
            raise Refused(message, record=f"saved filter {saved.label}", action="edit")
        return saved

    def _criteria(self, given: Asked | Criteria | str, of: str | None = None) -> Criteria:
        """Return criteria that were tried: the list of that kind takes them."""
        criteria = Criteria.read(given) if isinstance(given, str) else given
        if not isinstance(criteria, Criteria):
            criteria = criteria.criteria()
        kind = of or criteria.of
        if kind not in _LISTS:
            message = f"no filters of {shown(kind)} are saved: {suggestion(kind, _LISTS)}"
            raise Invalid(Problem("of", "unknown", message))
        listing: Listing[Any] = getattr(self._sales, _LISTS[kind]).all()
        return listing.fitting(criteria).criteria()
