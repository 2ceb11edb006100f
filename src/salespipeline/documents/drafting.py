"""Making a draft from what is filled in and what was given in its place, and editing one. (SPEC DOC-1, DOC-3)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from salespipeline.deal_moves import given_contact
from salespipeline.domain import moves, rules
from salespipeline.domain.approving import with_approval
from salespipeline.domain.checks import Checks, an
from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.given import discounted, in_currency
from salespipeline.domain.numbering import Series
from salespipeline.domain.rules import Move
from salespipeline.errors import Invalid
from salespipeline.exchange import ExchangeRate
from salespipeline.expanding import expanded
from salespipeline.issuing import follow, next_number
from salespipeline.stopping import warn_of_stop
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["draft_from", "edited_draft"]


def draft_from(
    sales: Sales,
    work: Work,
    kind: DocumentType,
    filled: dict[str, Any],
    given: dict[str, Any],
    *,
    series: Series | str | None = None,
    opportunity_id: str | None = None,
    source: Document | None = None,
    takes: str = "",
    deducts: tuple[str, ...] = (),
    consolidates: tuple[str, ...] = (),
) -> Document:
    """Keep a draft with what is *filled* in, and what was *given* in its place. *source* is what it was made from."""
    checks = Checks()
    owner = work.settings.users.get(filled.get("owner", ""))
    if owner is None or owner.archived:
        filled.pop("owner", None)  # whoever made the opportunity need not be a user; whoever acts owns the document
    if "contact" in given:
        filled.pop("person", None)  # somebody at the former contact does not move with the copy
    before = filled.get("currency", work.settings.organisation.currency)
    values = filled | given
    expanded(work, values, checks, before)
    rate = checks.take(exchange_of, work, values.pop("rate", None), before, values.get("currency"))
    if "lines" in filled and "lines" not in given:
        try:
            values["lines"] = in_currency(filled["lines"], before, values["currency"], rate)
            values |= _adjusted(filled, given, rate)
        except Invalid as error:  # a currency that nobody knows is found again below
            checks.problems += [problem for problem in error.problems if problem.path != "currency"]
    contact = checks.take(given_contact, work, sales.contacts, values.get("contact"))
    chosen: Series | None = checks.take(work.settings.series_for, kind.value, series)
    number, reference, run = None, None, ""
    if chosen is not None and chosen.at == "creation" and values.get("reference") is None:
        money = str(values.get("currency") or before)
        number, reference, run = next_number(work, chosen, day=work.settings.day_of(work.at), currency=money)
    document = Document.drafted(
        values,
        work.settings,
        id=work.new_id(),
        type=kind,
        series=chosen.id if chosen is not None else "",
        contact=contact,
        at=work.at,
        by=work.by,
        number=number,
        reference=reference,
        opportunity_id=opportunity_id if source is None else source.deal_id,
        source_id=None if source is None else source.id,
        takes=takes,
        deducts=deducts,
        consolidates=consolidates,
        job_id=None if source is None else source.job_id,
        exchange=(rate or _kept_rate(source, values)) if "lines" in filled and "lines" not in given else None,
        checks=checks,
    )
    document = attrs.evolve(document, run=run, approval=with_approval(document, work.settings, work.by))
    follow(work, document)
    kept = work.keep(document, action="drafted")
    warn_of_stop(contact, an(kind.value))
    return kept


def edited_draft(sales: Sales, work: Work, before: Document, given: dict[str, Any]) -> Document:
    """Return *before* with some values replaced; it is not kept yet."""
    rules.refuse(before, Move.EDIT)
    checks = Checks()
    contact = checks.take(given_contact, work, sales.contacts, given.get("contact", before.contact_id))
    expanded(work, given, checks, before.currency)
    if given.get("rate") is not None:
        given["rate"] = checks.take(exchange_of, work, given["rate"], before.currency, given.get("currency"))
    after = moves.edited(before, given, work.settings, contact=contact, by=work.by, checks=checks)
    if after != before:
        after = attrs.evolve(after, approval=with_approval(after, work.settings, work.by))
        follow(work, after)
    return after


def exchange_of(work: Work, rate: object, before: str, after: object) -> ExchangeRate | None:
    """Return *rate* as it is kept: dated, with its source. A bare number is today's, and of whoever acts."""
    if rate is None or isinstance(rate, ExchangeRate) or after is None or after == before:
        return rate  # type: ignore[return-value]
    today = work.settings.day_of(work.at)
    return ExchangeRate.of(before, str(after), rate, on=today, source=f"given by {work.by}")  # type: ignore[arg-type]


def _kept_rate(source: Document | None, values: dict[str, Any]) -> ExchangeRate | None:
    """Return the rate that the prices of *source* were converted by, where they are taken over as they are."""
    return source.exchange if source is not None and values["currency"] == source.currency else None


def _adjusted(filled: dict[str, Any], given: dict[str, Any], rate: ExchangeRate | None) -> dict[str, Any]:
    """Return the discount and charges that were filled in, in the currency of *rate*."""
    if rate is None:
        return {}
    found: dict[str, Any] = {}
    if filled.get("discount") is not None and "discount" not in given:
        found["discount"] = discounted(filled["discount"], rate.rate, rate.quote)
    if filled.get("charges") and "charges" not in given:
        found["charges"] = tuple(charge.converted(rate.rate, rate.quote) for charge in filled["charges"])
    return found
