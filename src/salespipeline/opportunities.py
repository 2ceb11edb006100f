"""``sales.opportunities``. (SPEC section 2)"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from salespipeline import deal_moves
from salespipeline.arguments import NewOpportunity, OpportunityFacts
from salespipeline.collection import contact_of
from salespipeline.deal_filters import (
    answered,
    as_currency,
    as_id,
    contact_filter,
    free_text,
    in_list,
    owner_filter,
    pipeline_filter,
    searched,
    stage_filter,
    with_documents,
)
from salespipeline.deal_listing import OpportunityListing, row_of
from salespipeline.deal_moves import given_contact
from salespipeline.deal_references import free_reference, untaken
from salespipeline.domain.checks import Checks, Verdict, aware
from salespipeline.domain.contacts import Contact
from salespipeline.domain.likeness import Likeness
from salespipeline.domain.merging import Difference
from salespipeline.domain.merging_deals import merged_deals
from salespipeline.domain.opportunity import Opportunity, Status
from salespipeline.domain.settings import LostReason, Tag
from salespipeline.duplicates import best, checked_limits, deals_like, every_deal_pair
from salespipeline.each import Each, OnError, Progress, named
from salespipeline.endings import ENDING, closed
from salespipeline.errors import Invalid, shown
from salespipeline.expanding import expanded
from salespipeline.filters import choice, day, department, identity, moment, money, percent, several, words
from salespipeline.listing import Shape
from salespipeline.merging import Mergeable
from salespipeline.past import deleted, last_before_deletion
from salespipeline.person_filter import person_filter
from salespipeline.ranking import CONTACT, DEPARTMENT, OWNER, PROBABILITY, STAGE
from salespipeline.rotting import rotting_filter
from salespipeline.survivors import refuse_taken
from salespipeline.text import fold
from salespipeline.work import Work

if TYPE_CHECKING:
    pass

__all__ = ["Opportunities", "OpportunityListing"]


class Opportunities(Mergeable[Opportunity]):
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
            "stage": stage_filter,
            "pipeline": pipeline_filter,
            "probability": percent("probability"),
            "lost_reason": identity("lost_reason", in_list(lambda settings: settings.lost_reasons)),
            "tags": several("tags", in_list(lambda settings: settings.tags)),
            "source": several("sources", as_id),
            "owner": owner_filter,
            "department": department("department", "owner"),
            "contact": contact_filter,
            "person": person_filter,
            "due": day("due"),
            "next_step": day("next_on"),
            "rotting": rotting_filter,
            "created": moment("created_on", "created"),
            "closed": moment("closed_on", "closed_sort"),
            "currency": identity("currency", as_currency),
            "value": money("value"),
            "reference": words("reference"),
            "subject": words("subject"),
            "text": free_text(),
            "search": searched(),
            "custom": answered(["opportunity"]),
            "documents": with_documents(),
        },
        orders={
            "created": "created",
            "closed": "closed_sort",
            "due": "due_sort",
            "next_step": "next_sort",
            "value": "value",
            "reference": "reference",
            "subject": "subject",
            "status": "status",
            "currency": "currency",
            "stage": STAGE,
            "probability": PROBABILITY,
            "contact": CONTACT,
            "owner": OWNER,
            "department": DEPARTMENT,
        },
        default="-created",
        row=row_of,
        columns=dict.fromkeys(("reference", "subject", "contact", "stage", "probability", "tags", "status"), str)
        | {"value": Decimal, "currency": str, "due": date, "next_step": str, "next_step_on": date}
        | {"owner": str, "department": str, "created": date, "closed": date, "rots": date, "lost_reason": str},
        titles=contact_of,
    )

    def all(self) -> OpportunityListing:
        """Return all of them, as a listing."""
        return OpportunityListing(self._sales, self.shape)

    def search(self, text: str, *, most: int = 20) -> list[Opportunity]:
        """Return those that hold the words of *text*, the best first: see ``OpportunityListing.search``.

        >>> sales.opportunities.search("opp/00001") == [deal], sales.opportunities.search("opp 2")
        (True, [])
        """
        return self.all().search(text, most=most)

    def where(self, **filters: object) -> OpportunityListing:
        """Return the opportunities that fit: see ``Listing.where``."""
        return self.all().where(**filters)

    def each(
        self,
        opportunities: Iterable[Opportunity | str],
        *,
        on_error: OnError = "continue",
        progress: Progress | None = None,
    ) -> Each:
        """Return the moves of an opportunity for exactly these: records, ids or references. See ``OpportunityListing.each``.

        A record that somebody changed meanwhile is refused, as a single one would be.

        >>> sales.opportunities.each([deal, "OPP/99999"], on_error="undo").win()
        <Won: 1 refused, 1 undone (nothing was kept, for 1 of 2 were refused)>
        """
        targets = named(opportunities)
        return Each(self._sales, lambda: targets, on_error=on_error, progress=progress)

    def create(self, **given: Unpack[NewOpportunity]) -> Opportunity:
        """Create an opportunity: contact, subject and lines are needed. (SPEC OPP-1 to OPP-7)

        *contact* is a contact, its id or its name; *lines* are ``Line`` values, mappings of their arguments, or
        mappings such as ``{"item": "GTX-PRO", "quantity": 2}``. Also: person, currency, stage, probability, tags,
        due, next_step, next_step_on, note, reference, custom, owner, department. *at* is when it began, now by default. Raises
        ``Invalid`` with every problem, ``Duplicate`` for a reference that is taken.

        >>> line = {"description": "Site survey", "unit_price": "450.00", "tax": "20"}
        >>> print(sales.opportunities.create(contact="Acme Ltd", subject="Survey", lines=[line]))
        OPP/00002 Survey (450.00 GBP, open)
        """
        with self._sales.work() as work:
            deal = self._opened(work, dict(given))
            refuse_taken(work, "opportunity", deal.reference, deal.id)
            return work.keep(deal, action="created")

    def create_many(self, rows: Iterable[Mapping[str, object]]) -> list[Opportunity]:
        """Create many in one transaction: all of them, or none. Each row holds the arguments of ``create``.

        A row may say how it ended: ``status`` ``"won"`` or ``"lost"``, with ``closed_at``, and ``lost_reason`` and
        ``lost_note`` as ``lose`` takes them. Raises ``Invalid`` with every problem of every row, those of references that are taken too.

        >>> row = {"contact": acme, "subject": "Shelves", "lines": deal.lines}
        >>> lost = row | {"status": "lost", "lost_reason": "price"}
        >>> [str(made.status) for made in sales.opportunities.create_many([row, lost])]
        ['open', 'lost']
        """
        with self._sales.work() as work:
            made: dict[int, Opportunity] = {}
            checks = Checks()
            several: list[Mapping[str, object]] = list(rows)
            typed = {
                fold(reference[:1000])
                for row in several
                if isinstance(row, Mapping) and isinstance(reference := row.get("reference"), str)
            }
            for position, row in enumerate(several):
                if not isinstance(row, Mapping):
                    checks.add(f"[{position}]", "type", f"a mapping of arguments is needed, not {shown(row)}")
                    continue
                given = dict(row)
                ending: dict[str, Any] = {name: given.pop(name) for name in ENDING if name in given}
                try:
                    made[position] = closed(self._opened(work, given, typed), ending, work)
                except Invalid as error:
                    checks.within(f"[{position}]", error)
            untaken(work, made, checks)
            checks.done(action="create many")
            work.keep_new(made.values(), action="created")
            return [attrs.evolve(deal, version=1) for deal in made.values()]

    def _opened(self, work: Work, given: dict[str, Any], typed: Container[str] = ()) -> Opportunity:
        checks = Checks()
        at = given.pop("at", None)
        at = work.at if at is None else checks.take(aware, at)
        import_key = given.pop("import_key", None)
        contact = checks.take(given_contact, work, self._sales.contacts, given.get("contact"))
        expanded(work, given, checks, work.settings.organisation.currency)
        reference = given.get("reference")
        if reference is None:
            reference = free_reference(work, typed=typed)
        return Opportunity.opened(
            given, work.settings, id=work.new_id(), reference=reference, contact=contact, at=at, by=work.by,
            import_key=import_key, checks=checks,
        )  # fmt: skip

    def edit(self, opportunity: Opportunity | str, **given: Unpack[OpportunityFacts]) -> Opportunity:
        """Replace some values: see ``create``. A change of currency needs ``rate=`` or new lines."""
        return self._moved(opportunity, deal_moves.edit(self._sales.contacts, given))

    def tag(self, opportunity: Opportunity | str, *tags: Tag | str) -> Opportunity:
        """Put tags on, beside those that it has.

        >>> sales.opportunities.tag(deal, "VIP").tags == (sales.settings.tags["VIP"].id,)
        True
        """
        return self._moved(opportunity, deal_moves.tag(tags))

    def untag(self, opportunity: Opportunity | str, *tags: Tag | str) -> Opportunity:
        """Take tags off, where it has them.

        >>> sales.opportunities.untag(sales.opportunities.tag(deal, "VIP"), "VIP").tags
        ()
        """
        return self._moved(opportunity, deal_moves.untag(tags))

    def hold(self, opportunity: Opportunity | str) -> Opportunity:
        """Put it on hold."""
        return self._moved(opportunity, deal_moves.hold())

    def resume(self, opportunity: Opportunity | str) -> Opportunity:
        """Open it again after a hold."""
        return self._moved(opportunity, deal_moves.resume())

    def win(self, opportunity: Opportunity | str, *, at: datetime | None = None) -> Opportunity:
        """Mark it won, now or at a given moment. (SPEC OPP-6)"""
        return self._moved(opportunity, deal_moves.win(at))

    def lose(
        self,
        opportunity: Opportunity | str,
        reason: LostReason | str = "",
        *,
        note: str = "",
        at: datetime | None = None,
    ) -> Opportunity:
        """Mark it lost. *reason* is one of ``settings.lost_reasons``, or words where there is none; *note* says more. (SPEC OPP-6)"""
        return self._moved(opportunity, deal_moves.lose(reason, note, at))

    def reopen(self, opportunity: Opportunity | str) -> Opportunity:
        """Open a won or lost one again; its former probability counts again. (SPEC OPP-6)"""
        return self._moved(opportunity, deal_moves.reopen())

    def _moved(self, opportunity: Opportunity | str, move: deal_moves.Move) -> Opportunity:
        def made(before: Opportunity, work: Work) -> Opportunity:
            after = move.make(before, work, {})
            assert after is not None  # noqa: S101  # nothing is made only to delete
            return after

        return self._change(opportunity, made, move.action)

    def can(self, opportunity: Opportunity | str, move: str) -> Verdict:
        """Say whether *move* (edit, hold, resume, win, lose, reopen, delete) is possible, and if not, why."""
        self._expect(opportunity)
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

    def duplicates(
        self, opportunity: Opportunity | str | None = None, *, least: int = 60, limit: int = 100
    ) -> list[Likeness[Opportunity]]:
        """Return the pairs of opportunities that may be the same sale, of one or of all, the surest first.

        Those of one contact, or of two that may be the same, with subjects or lines that are alike. *least* is from which
        score (1 to 100) on a pair is listed; ``merge`` makes one of the two.

        >>> other = sales.opportunities.create(contact=acme, subject="New warehouses", lines=deal.lines)
        >>> [(one.score, one.reasons[0]) for one in sales.opportunities.duplicates(other)]
        [(80, 'the same contact')]
        """
        checked_limits(least, limit)
        with self._sales.work(write=False) as work:
            found = every_deal_pair(work) if opportunity is None else deals_like(work, self._named(work, opportunity))
            return best(found, least, limit)

    def _together(
        self, work: Work, kept: Opportunity, other: Opportunity, take: Mapping[str, str], rate: object
    ) -> tuple[Opportunity, tuple[Difference, ...]]:
        contacts = work.get_many(Contact, {kept.contact_id, other.contact_id})
        return merged_deals(kept, other, work.settings, contacts, take=take, rate=rate)

    def deleted(self) -> list[Opportunity]:
        """Return what was deleted and not restored, as it was last, the latest first.

        >>> sales.opportunities.delete(deal)
        >>> [gone.reference for gone in sales.opportunities.deleted()]
        ['OPP/00001']
        """
        with self._sales.work(write=False) as work:
            return deleted(work, "opportunity", Opportunity)

    def restore(self, opportunity: Opportunity | str, *, contact: Contact | str | None = None) -> Opportunity:
        """Keep a deleted one again, by its id or reference, with everything that it was and its history.

        *contact* takes the place of one that is gone. Raises ``Duplicate`` where its reference was taken meanwhile.

        >>> sales.opportunities.delete(deal)
        >>> sales.opportunities.restore("OPP/00001").subject
        'New warehouse'
        """
        with self._sales.work() as work:
            name = opportunity if isinstance(opportunity, str) else opportunity.id
            before: Opportunity = last_before_deletion(work, "opportunity", Opportunity, name)
            found = given_contact(work, self._sales.contacts, contact or before.contact_id)
            if found.id != before.contact_id:
                before = attrs.evolve(before, contact_id=found.id, person_id=None)
            return work.revive(before)
