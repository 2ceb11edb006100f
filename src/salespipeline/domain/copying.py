"""What a document made from another starts with: a duplicate, a revision, another type, a part. (SPEC DOC-4)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from salespipeline.domain.checks import Checks
from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.lines import Discount, Line, Tax
from salespipeline.domain.rules import Move, refuse
from salespipeline.domain.taking import left_to_deliver
from salespipeline.domain.totals import Charge, net, totals
from salespipeline.errors import Invalid, NotAllowed, Problem, shown
from salespipeline.money import EXACT, ROUNDING, Amount, Money, allocate, decimal, product, round_half_up

__all__ = ["deposit_lines", "less", "merged", "revision_of", "superseded", "takes_of", "values_of"]

T = DocumentType


def superseded(document: Document, *, by_id: str, move: Move = Move.REVISE) -> Document:
    """Return it with another document in its place."""
    refuse(document, move)
    return attrs.evolve(document, superseded_by=by_id)


def revision_of(document: Document, *, id: str, at: datetime, by: str) -> Document:
    """Return the draft of the next revision: same root reference, revision number + 1. (SPEC DOC-4)

    >>> sales.documents.revise(sales.documents.mark_sent(quote), note="As agreed on the phone").reference
    'QUO/00001-R1'
    """
    refuse(document, Move.REVISE)
    root = (document.reference or "").removesuffix(f"-R{document.revision}")
    return Document(
        id=id,
        series=document.series,
        number=document.number,
        reference=f"{root}-R{document.revision + 1}",
        root_id=document.root_id or document.id,
        revision=document.revision + 1,
        opportunity_id=document.deal_id,
        source_id=document.id,
        job_id=document.job_id,
        created_at=at,
        created_by=by,
        **_content(document) | {"contact_id": document.client_id},
    )


def takes_of(document: Document, into: DocumentType) -> str:
    """Return how a document of the type *into* takes from *document*: ``credit``, ``delivery``, or not at all."""
    if into is T.CREDIT_NOTE and document.type is T.INVOICE:
        return "credit"
    return "delivery" if into is T.DELIVERY_NOTE else ""


def values_of(document: Document, into: DocumentType, quantities: Mapping[int, Amount] | None = None) -> dict[str, Any]:
    """Return the values that a duplicate of *document*, or one converted to the type *into*, starts with. (SPEC DOC-4)

    A credit note mirrors its invoice exactly; a delivery note has what is left to deliver. *quantities* say how many of
    which line, by its position, make up a part; a part has its share of the document's discount, and no charges.
    """
    charges: tuple[Charge, ...] = ()
    takes = takes_of(document, into) if into is not document.type else ""
    parts = _quantities(document, quantities) if quantities is not None else None
    if takes == "delivery":
        lines, discount = _delivered(document, parts), None
    elif parts is not None and takes == "credit":
        lines = tuple(_part(document, place, number).negated() for place, number in parts.items())
        discount = _negated(_share_of_discount(document, lines))
    elif parts is not None:
        lines = tuple(_part(document, place, number) for place, number in parts.items())
        discount = _share_of_discount(document, lines)
    elif takes == "credit":
        lines = tuple(attrs.evolve(line.negated(), of=place) for place, line in enumerate(document.lines))
        discount, charges = _negated(document.discount), tuple(charge.negated() for charge in document.charges)
    else:
        lines = tuple(attrs.evolve(line, of=None) if line.of is not None else line for line in document.lines)
        discount, charges = document.discount, document.charges
    return {
        "subject": document.subject,
        "currency": document.currency,
        "lines": lines,
        "discount": discount,
        "charges": charges,
        "note": document.note,
        "delivered": document.delivered,
        "customer_reference": document.customer_reference,
        "locale": document.locale,
        "owner": document.owner_id,
        "contact": document.client_id,
        "person": document.person_id,
    }


def _quantities(document: Document, given: Mapping[int, Amount]) -> dict[int, Decimal]:
    checks, found = Checks(), {}
    if not isinstance(given, Mapping) or not given:
        checks.add("quantities", "type", f"a mapping of positions to quantities is needed, not {shown(given)}")
        checks.done(record=document.name)
    for place, amount in given.items():
        path = f"quantities[{place}]"
        if type(place) is not int or not 0 <= place < len(document.lines):
            checks.add(
                path, "unknown", f"{document.name} has the lines 0 to {len(document.lines) - 1}, and no {shown(place)}"
            )
            continue
        number, whole = checks.take(decimal, amount, path), document.lines[place].quantity
        if number is None:
            continue
        if not number or (number > 0) != (whole > 0) or abs(number) > abs(whole):
            checks.add(path, "range", f"{number} is not a part of the {whole} on line {place}")
        found[place] = number
    checks.done(record=document.name)
    return found


def _part(document: Document, place: int, number: Decimal) -> Line:
    line = document.lines[place]
    discount = line.discount
    if discount is not None and discount.amount is not None and number != line.quantity:
        exact = ROUNDING.divide(product(discount.amount, number), line.quantity)
        discount = Discount(amount=round_half_up(exact, document.currency.digits))
    return attrs.evolve(line, quantity=number, discount=discount, of=place)


def _delivered(document: Document, parts: Mapping[int, Decimal] | None) -> tuple[Line, ...]:
    wanted = left_to_deliver(document) if parts is None else parts
    lines = tuple(_part(document, place, number) for place, number in wanted.items() if number)
    if not lines:
        message = f"{document.name} is delivered in full: cancel or delete a delivery note first, or draft() a free one"
        raise NotAllowed(message, record=document.name, action="convert")
    return lines


def _share_of_discount(document: Document, lines: Iterable[Line]) -> Discount | None:
    discount = document.discount
    if discount is None or discount.amount is None:
        return discount
    whole, part = net(document.lines, document.currency).amount, abs(net(lines, document.currency).amount)
    if not whole:
        return None
    exact = ROUNDING.divide(product(discount.amount, part), abs(whole))
    amount = round_half_up(exact, document.currency.digits)
    return Discount(amount=amount) if amount else None


def deposit_lines(document: Document, share: Amount, words: str) -> tuple[Line, ...]:
    """Return a line for each tax of *document*: a percentage of its net, or an amount split by them. (SPEC MON-3)"""
    taxes = [tax for tax in document.totals.taxes if tax.net.amount > 0]
    if isinstance(share, str) and share.rstrip().endswith("%"):
        percent = decimal(share.rstrip()[:-1].rstrip(), "share")
        if not 0 < percent <= 100:
            raise Invalid(Problem("share", "range", f"a deposit is more than 0% and at most 100%, not {percent}%"))
        nets = [product(tax.net.amount, percent).scaleb(-2, context=EXACT) for tax in taxes]
        parts = [Money.rounded(round_half_up(net, document.currency.digits), document.currency) for net in nets]
    else:
        amount = Money.of(share, document.currency, path="share")  # type: ignore[arg-type]
        if not 0 < amount.amount <= document.totals.net.amount:
            message = f"a deposit is more than nothing and at most the net of {document.totals.net}, not {amount}"
            raise Invalid(Problem("share", "range", message))
        parts = list(allocate(amount, [tax.net.minor for tax in taxes]))
    return tuple(
        Line(
            words,
            unit_price=part.amount,
            tax=Tax(percent=one.percent, category=one.category, code=one.code, reason=one.reason),
        )
        for one, part in zip(taxes, parts, strict=True)
        if part
    )


def _deduction_lines(deposit: Document) -> tuple[Line, ...]:
    """Return the lines that take a deposit off again, each named after it."""
    words = f" ({deposit.reference})"
    return tuple(attrs.evolve(line.negated(), description=line.description + words, of=None) for line in deposit.lines)


def less(filled: Mapping[str, Any], deposits: Iterable[Document]) -> dict[str, Any]:
    """Return the values *filled* in, less *deposits*.

    What is deducted bears no discount and no percentage again, so those of the whole are settled before it is.
    """
    settled = _settled(filled["lines"], filled["currency"], filled["discount"], filled["charges"])
    lines = [line for deposit in deposits for line in _deduction_lines(deposit)]
    return {**filled, **settled, "lines": (*settled["lines"], *lines)} if lines else dict(filled)


def merged(documents: Iterable[Document]) -> dict[str, Any]:
    """Return the lines and charges of several documents as those of one; a discount becomes lines of its own."""
    lines: list[Line] = []
    charges: list[Charge] = []
    for document in documents:
        settled = _settled(document.lines, document.currency, document.discount, document.charges)
        lines += [attrs.evolve(line, of=None) for line in settled["lines"]]
        charges += settled["charges"]
    return {"lines": tuple(lines), "charges": tuple(charges)}


def _settled(
    lines: tuple[Line, ...], currency: str, discount: Discount | None, charges: tuple[Charge, ...]
) -> dict[str, Any]:
    """Return the same sums without a discount or a percentage of the whole: lines of their own, and amounts."""
    found = totals(lines, currency, discount=discount, charges=charges)
    taken = [
        Line(
            "Discount",
            quantity=-1,
            unit_price=tax.discount.amount,
            tax=Tax(percent=tax.percent, category=tax.category, code=tax.code, reason=tax.reason),
        )
        for tax in found.taxes
        if tax.discount
    ]
    fixed = [attrs.evolve(one, amount=one.net(found.lines).amount, percent=None) for one in charges]
    return {"lines": (*lines, *taken), "discount": None, "charges": tuple(fixed)}


def _negated(discount: Discount | None) -> Discount | None:
    if discount is None or discount.amount is None:
        return discount  # a percentage is of lines that are negated themselves
    return Discount(amount=EXACT.minus(discount.amount))


def _content(document: Document) -> dict[str, Any]:
    names = [
        "type",
        "contact_id",
        "person_id",
        "currency",
        "lines",
        "discount",
        "charges",
        "exchange",
        "subject",
        "due",
        "delivered",
        "customer_reference",
        "note",
        "terms",
        "locale",
        "answers",
        "owner_id",
    ]
    return {name: getattr(document, name) for name in names}
