"""``sales.opportunities``. (SPEC section 2)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs

from salespipeline.collection import Collection, contact_of
from salespipeline.contacts import resolve_contact
from salespipeline.domain.checks import Checks, Verdict, aware, suggestion
from salespipeline.domain.contacts import Contact
from salespipeline.domain.items import Item
from salespipeline.domain.lines import Line
from salespipeline.domain.opportunity import Opportunity, Status
from salespipeline.domain.settings import Settings
from salespipeline.entries import Entry
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.filters import choice, day, department, identity, moment, money, percent, search, several, words
from salespipeline.listing import Shape
from salespipeline.money import decimal, product
from salespipeline.query import Cmp, OneOf, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = [
    "Opportunities",
    "as_id",
    "contact_filter",
    "expanded_lines",
    "free_reference",
    "given_contact",
    "owner_filter",
]


def as_id(_settings: Settings, value: object, path: str) -> str:
    """Return the id of a record, or the id that was given."""
    name = getattr(value, "id", value)
    if not isinstance(name, str):
        raise Invalid(Problem(path, "type", f"a record or an id is needed, not {shown(value)}"))
    return name


def _owner(settings: Settings, value: object, path: str) -> str:
    name = getattr(value, "id", value)
    user = settings.users.get(name) if isinstance(name, str) else None
    return user.id if user is not None else as_id(settings, value, path)


owner_filter = identity("owner", _owner)
contact_filter = identity("contact", as_id)


def _row(deal: Opportunity, settings: Settings, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": deal.reference,
        "subject": deal.subject,
        "contact": names.get(deal.contact_id, deal.contact_id),
        "stage": settings.stages.label(deal.stage_id),
        "probability": settings.probabilities.label(deal.probability_id),
        "status": deal.status.value,
        "value": deal.value.amount,
        "currency": str(deal.currency),
        "due": deal.due,
        "owner": settings.users.label(deal.owner_id),
        "department": settings.department_of(deal.owner_id, deal.department),
        "tags": ", ".join(settings.tags.label(tag) for tag in deal.tags),
        "created": deal.created_on,
        "closed": deal.closed_on,
    }


class Opportunities(Collection[Opportunity]):
    """Every opportunity; found by id or reference.

    >>> deal = sales.opportunities.edit(deal, stage="Quotation sent", tags=["VIP"], due="2027-01-31")
    >>> str(sales.opportunities.hold(deal).status), str(sales.opportunities.resume(deal.id).status)
    ('on_hold', 'open')
    >>> lost = sales.opportunities.lose("OPP/00001", "went to a competitor")
    >>> sales.opportunities.can(lost, "win").reason
    "Opportunity 'OPP/00001' cannot win: it is lost; reopen() it first."
    >>> str(sales.opportunities.win(sales.opportunities.reopen(lost)).status)
    'won'
    """

    cls = Opportunity
    shape = Shape(
        kind="opportunity",
        filters={
            "status": choice("status", Status),
            "stage": identity("stage", lambda settings, value, path: settings.stages[as_id(settings, value, path)].id),
            "probability": percent("probability"),
            "tags": several("tags", lambda settings, value, path: settings.tags[as_id(settings, value, path)].id),
            "source": several("sources", as_id),
            "owner": owner_filter,
            "department": department("department", "owner"),
            "contact": contact_filter,
            "person": identity("person", as_id),
            "due": day("due"),
            "created": moment("created_on", "created"),
            "closed": moment("closed_on", "closed_sort"),
            "currency": identity("currency", as_id),
            "value": money("value"),
            "reference": words("reference"),
            "subject": words("subject"),
            "text": search("text"),
        },
        orders={
            "created": "created",
            "closed": "closed_sort",
            "due": "due_sort",
            "value": "value",
            "reference": "reference",
            "subject": "subject",
        },
        default="-created",
        row=_row,
        columns=dict.fromkeys(("reference", "subject", "contact", "stage", "probability", "status"), str)
        | {"value": Decimal, "currency": str, "due": date}
        | {"owner": str, "department": str, "tags": str, "created": date, "closed": date},
        titles=contact_of,
    )

    def create(self, **given: Any) -> Opportunity:
        """Create an opportunity: contact, subject and lines are needed. (SPEC OPP-1 to OPP-7)

        *contact* is a contact, its id or its name; *lines* are ``Line`` values, mappings of their arguments, or
        mappings such as ``{"item": "GTX-PRO", "quantity": 2}``. Also: person, currency, stage, probability, tags,
        due, note, reference, custom, owner, department. *at* is when it began, now by default. Raises
        ``Invalid`` with every problem, ``Duplicate`` for a reference that is taken.

        >>> line = {"description": "Site survey", "unit_price": "450.00", "tax": "20"}
        >>> print(sales.opportunities.create(contact="Acme Ltd", subject="Survey", lines=[line]))
        OPP/00002 Survey (450.00 GBP, open)
        """
        with self._sales.work() as work:
            return work.keep(self._opened(work, given), action="created")

    def create_many(self, rows: Iterable[Mapping[str, Any]]) -> list[Opportunity]:
        """Create many in one transaction: all of them, or none. Each row holds the arguments of ``create``.

        A row may say how it ended: ``status`` ``"won"`` or ``"lost"``, with ``closed_at`` and ``lost_reason``.

        >>> row = {"contact": acme, "subject": "Shelves", "lines": deal.lines, "status": "lost", "lost_reason": "price"}
        >>> [str(made.status) for made in sales.opportunities.create_many([row, row | {"status": "open"}])]
        ['lost', 'open']
        """
        with self._sales.work() as work:
            made: list[Opportunity] = []
            entries: list[Entry] = []
            checks = Checks()
            for position, row in enumerate(rows):
                try:
                    deal = self._closed(self._opened(work, dict(row)), row, work)
                except Invalid as error:
                    checks.within(f"[{position}]", error)
                    continue
                made.append(deal)
                entries += work.entries(deal, action="created")
            checks.done(action="create many")
            work.tx.put_many(entries)
            return [attrs.evolve(deal, version=1) for deal in made]

    def _opened(self, work: Work, given: dict[str, Any]) -> Opportunity:
        at = aware(given.pop("at"), "at") if given.get("at") is not None else work.at
        import_key = given.pop("import_key", None)
        for name in ("status", "closed_at", "lost_reason"):
            given.pop(name, None)
        contact = given_contact(work, self._sales.contacts, given.get("contact"))
        expanded_lines(work, given)
        typed = given.get("reference")
        reference = typed if typed is not None else free_reference(work, "opportunity")
        return Opportunity.opened(
            given, work.settings, id=work.new_id(), reference=reference, contact=contact, at=at, by=work.by,
            import_key=import_key,
        )  # fmt: skip

    def _closed(self, deal: Opportunity, row: Mapping[str, Any], work: Work) -> Opportunity:
        status = row.get("status", "open")
        if status == "open":
            return deal
        if status not in ("won", "lost"):
            raise Invalid(Problem("status", "choice", f"a new opportunity is open, won or lost, not {shown(status)}"))
        at = aware(row["closed_at"], "closed_at") if row.get("closed_at") is not None else work.at
        on = work.settings.day_of(at)
        return deal.won(at=at, on=on) if status == "won" else deal.lost(at=at, on=on, reason=row.get("lost_reason", ""))

    def edit(self, opportunity: Opportunity | str, **given: Any) -> Opportunity:
        """Replace some values: see ``create``. A change of currency needs ``rate=`` or new lines."""

        def move(before: Opportunity, work: Work) -> Opportunity:
            chosen = given.get("contact", before.contact_id)
            contact = given_contact(work, self._sales.contacts, chosen)
            values = dict(given)
            expanded_lines(work, values)
            return before.edited(values, work.settings, contact=contact, by=work.by)

        return self._change(opportunity, move, "edited")

    def hold(self, opportunity: Opportunity | str) -> Opportunity:
        """Put it on hold."""
        return self._change(opportunity, lambda before, _work: before.held(), "put on hold")

    def resume(self, opportunity: Opportunity | str) -> Opportunity:
        """Open it again after a hold."""
        return self._change(opportunity, lambda before, _work: before.resumed(), "resumed")

    def win(self, opportunity: Opportunity | str, *, at: datetime | None = None) -> Opportunity:
        """Mark it won, now or at a given moment. (SPEC OPP-6)"""

        def move(before: Opportunity, work: Work) -> Opportunity:
            when = work.at if at is None else aware(at)
            return before.won(at=when, on=work.settings.day_of(when))

        return self._change(opportunity, move, "won")

    def lose(self, opportunity: Opportunity | str, reason: str = "", *, at: datetime | None = None) -> Opportunity:
        """Mark it lost, with the reason in words. (SPEC OPP-6)"""

        def move(before: Opportunity, work: Work) -> Opportunity:
            when = work.at if at is None else aware(at)
            return before.lost(at=when, on=work.settings.day_of(when), reason=reason)

        return self._change(opportunity, move, "lost")

    def reopen(self, opportunity: Opportunity | str) -> Opportunity:
        """Open a won or lost one again; its former probability counts again. (SPEC OPP-6)"""
        return self._change(opportunity, lambda before, _work: before.reopened(), "reopened")

    def can(self, opportunity: Opportunity | str, move: str) -> Verdict:
        """Say whether *move* (edit, hold, resume, win, lose, reopen, delete) is possible, and if not, why."""
        record = self.get(opportunity) if isinstance(opportunity, str) else opportunity
        return record.can(move)

    def delete(self, opportunity: Opportunity | str) -> None:
        """Delete it. Its history is kept; its documents stay, and still name it. (SPEC OPP-8)

        >>> sales.opportunities.delete(deal)
        >>> deal.id in sales.opportunities, sales.opportunities.history(deal)[-1].action
        (False, 'deleted')
        """
        with self._sales.work() as work:
            record = self._named(work, opportunity)
            record.refuse("delete")
            work.remove(record)


def given_contact(work: Work, contacts: Any, given: object) -> Contact:
    """Return the contact that was *given*, or raise ``Invalid``."""
    found: Contact | None = resolve_contact(work, contacts, given) if given is not None else None
    if found is None:
        what = "a contact is needed" if given is None else f"no contact is called {shown(getattr(given, 'id', given))}"
        raise Invalid(
            Problem("contact", "missing" if given is None else "unknown", f"{what}: make one with contacts.add('…')")
        )
    return found


def free_reference(work: Work, for_type: str) -> str:
    """Return the next reference of a series, passing over those that somebody typed. (SPEC SET-8)"""
    series = work.settings.series_for(for_type)
    while True:
        reference = series.reference(work.tx.next_number(series.id) + series.offset)
        if not any(
            True for _ in work.tx.find(Query(kind=for_type, where=Cmp("reference", "=", fold(reference)), limit=1))
        ):
            return reference


def expanded_lines(work: Work, given: dict[str, Any]) -> None:
    """Replace lines that name a predefined item by the lines that it stands for; a set becomes several. (SPEC OPP-3)"""
    lines = given.get("lines")
    if not isinstance(lines, Sequence) or isinstance(lines, str):
        return
    wanted = [fold(line["item"]) for line in lines if isinstance(line, Mapping) and isinstance(line.get("item"), str)]
    if not wanted:
        return
    query = Query(kind="item", where=OneOf("reference", tuple(dict.fromkeys(wanted))))
    known = {fold(item.reference): item for item in work.find(query)}
    checks, result = Checks(), []
    currency = str(given.get("currency") or work.settings.organisation.currency)
    for position, line in enumerate(lines):
        if not isinstance(line, Mapping) or "item" not in line:
            result.append(line)
            continue
        item: Item | None = known.get(fold(str(line["item"])))
        path = f"lines[{position}].item"
        if item is None:
            checks.add(
                path, "unknown", f"no item has the reference {shown(line['item'])}: {suggestion(str(line['item']), [])}"
            )
        elif item.currency != currency and "unit_price" not in line:
            message = f"item {item.reference!r} has a price in {item.currency}, not {currency}: give unit_price="
            checks.add(path, "currency", message)
        else:
            try:
                result += _lines_of(work, item, {name: value for name, value in line.items() if name != "item"})
            except Invalid as error:
                checks.within(f"lines[{position}]", error)
    checks.done()
    given["lines"] = result


def _lines_of(work: Work, item: Item, changes: dict[str, Any]) -> list[Line]:
    if not item.parts:
        return [item.line(**changes)]
    times = decimal(changes.get("quantity", 1), "quantity")
    parts = work.get_many(Item, [part.item_id for part in item.parts])
    return [parts[part.item_id].line(product(part.quantity, times)) for part in item.parts if part.item_id in parts]
