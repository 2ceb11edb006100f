"""What other documents take from one: credit notes, delivery notes, deposits; never more than is left. (SPEC DOC-4)

The source keeps a share for each, so that both who take from it at once put the same record, and one of them gets
``Conflict`` and looks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.facts import Share
from salespipeline.errors import Invalid, Problem
from salespipeline.money import EXACT, Money

__all__ = ["kinds", "left_to_deliver", "share_of", "with_share", "without_share"]

T = DocumentType


def kinds(document: Document) -> dict[str, str]:
    """Return the ids of the documents that *document* takes from, each with how: credit, delivery, deposit, deduction."""
    found = dict.fromkeys(document.deducts, "deduction")
    if document.source_id is not None and document.takes:
        found[document.source_id] = document.takes
    return found


def share_of(document: Document, kind: str) -> Share:
    """Return what *document* takes."""
    totals = document.totals
    quantities: dict[int, Decimal] = {}
    for line in document.lines:
        if line.of is not None:
            quantities[line.of] = EXACT.add(quantities.get(line.of, Decimal(0)), line.quantity)
    return Share(
        document_id=document.id,
        kind=kind,
        sent=document.sent,
        total=totals.total,
        rates=tuple((tax.percent, tax.category, tax.net, tax.tax) for tax in totals.taxes),
        quantities=tuple(sorted(quantities.items())),
    )


def with_share(source: Document, document: Document, kind: str) -> Document:
    """Return *source* with the share of *document*, or raise ``Invalid`` where that is more than is left."""
    share = share_of(document, kind)
    others = tuple(one for one in source.taken if one.document_id != document.id)
    same = [one for one in others if one.kind == kind]
    if document.currency != source.currency:
        message = f"it takes from {source.name}, which is in {source.currency}: keep that currency"
        raise Invalid(Problem("currency", "mixed", message), record=document.name)
    problem = {"credit": _credit, "delivery": _delivery, "deposit": _deposit, "deduction": _deduction}[kind](
        source, share, same
    )
    if problem is not None:
        raise Invalid(problem, record=document.name)
    return attrs.evolve(source, taken=(*others, share))


def without_share(source: Document, document_id: str) -> Document:
    """Return *source* without the share of a document that was cancelled or deleted."""
    return attrs.evolve(source, taken=tuple(one for one in source.taken if one.document_id != document_id))


def left_to_deliver(source: Document) -> dict[int, Decimal]:
    """Return the quantity of each line that no delivery note has yet; lines that take something back are none."""
    left = {place: line.quantity for place, line in enumerate(source.lines) if line.quantity > 0}
    for share in source.taken:
        if share.kind == "delivery":
            for place, quantity in share.quantities:
                if place in left:
                    left[place] = EXACT.subtract(left[place], quantity)
    return left


def _credit(source: Document, share: Share, others: Iterable[Share]) -> Problem | None:
    nothing = Money.zero(source.currency)
    left = {(tax.percent, tax.category): (tax.net, tax.tax) for tax in source.totals.taxes}
    for other in others:
        for percent, category, net, tax in other.rates:
            has = left.get((percent, category), (nothing, nothing))
            left[percent, category] = has[0] + net, has[1] + tax
    for percent, category, net, tax in share.rates:
        has = left.get((percent, category), (nothing, nothing))
        # Net, and net with its tax: the taxes of parts are rounded one by one, and must not add up to more either.
        for name, is_left, taken in (("net", has[0], net), ("total", has[0] + has[1], net + tax)):
            if not _within(-taken, is_left):
                message = (
                    f"a {name} of {-taken} at {percent}% ({category}) cannot be credited: {is_left} of it is left on "
                    f"{source.name}"
                )
                return Problem("lines", "left", message)
    return None


def _within(taken: Money, left: Money) -> bool:
    """Whether *taken* goes from *left* towards nothing, and not beyond."""
    return (
        Money.zero(left.currency) <= taken <= left if left.amount >= 0 else left <= taken <= Money.zero(left.currency)
    )


def _delivery(source: Document, share: Share, others: Iterable[Share]) -> Problem | None:
    left = left_to_deliver(attrs.evolve(source, taken=tuple(others)))
    for place, quantity in share.quantities:
        if place not in left or not 0 <= quantity <= left[place]:
            text = source.lines[place].description if place < len(source.lines) else f"line {place}"
            message = f"{quantity} of {text!r} cannot be delivered: {left.get(place, 0)} of it is left on {source.name}"
            return Problem("lines", "left", message)
    return None


def _deposit(source: Document, share: Share, others: Iterable[Share]) -> Problem | None:
    left = source.total - Money.total((other.total for other in others), source.currency)
    if not _within(share.total, left):
        return Problem(
            "lines", "left", f"a deposit of {share.total} is more than the {left} that is left of {source.name}"
        )
    return None


def _deduction(source: Document, share: Share, others: Iterable[Share]) -> Problem | None:
    del share
    if any(True for _ in others):
        return Problem("deduct", "left", f"{source.name} is deducted on another invoice already")
    if not source.sent:
        return Problem("deduct", "left", f"{source.name} was not sent yet, so there is nothing to deduct")
    return None
