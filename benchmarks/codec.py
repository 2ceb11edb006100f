"""The codec beside a hand-written one for the opportunity: the same body, the same records, with no checks at all.

An opportunity has 3 lines, 0 to 3 tags and 2 custom answers. ``entry`` is what a write pays: the body and the index.
"""

from __future__ import annotations

import json
import random
from datetime import date, datetime
from decimal import Decimal

from _common import arguments, compare, show
from _sample import model

from salespipeline.catalog import FORMAT, index_of
from salespipeline.codec import body_of, decode, encode
from salespipeline.domain.fields import Answer
from salespipeline.domain.lines import Discount, Line, Tax
from salespipeline.domain.opportunity import Opportunity, Status
from salespipeline.domain.sortable import answer_marks, instant
from salespipeline.entries import Entry, Stored
from salespipeline.indexes import LAST_DAY, NEVER
from salespipeline.money import Currency
from salespipeline.text import fold

WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
READ = json.JSONDecoder().decode
ONE = Decimal(1)


def tax_in(value: dict[str, str]) -> Tax:
    """Return the tax that was written."""
    return Tax(
        percent=Decimal(value.get("percent", "0")), code=value.get("code", ""), category=value.get("category", "S")
    )


def discount_in(value: dict[str, str]) -> Discount:
    """Return the discount that was written."""
    percent, amount = value.get("percent"), value.get("amount")
    return Discount(
        percent=None if percent is None else Decimal(percent), amount=None if amount is None else Decimal(amount)
    )


NO_TAX = Tax()


def line_in(value: dict) -> Line:
    """Return the line that was written."""
    get = value.get
    line = Line.__new__(Line)
    discount, tax, cost = get("discount"), get("tax"), get("cost")
    line.__attrs_init__(
        value["description"],
        Decimal(value["quantity"]),
        Decimal(value["unit_price"]),
        None if discount is None else discount_in(discount),
        NO_TAX if tax is None else tax_in(tax),
        None if cost is None else Decimal(cost),
        get("reference", ""),
        get("unit", ""),
        get("source", "free"),
        get("source_id"),
    )
    return line


ANSWERS_IN = {
    "text": str,
    "integer": int,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "boolean": bool,
}


def hand_decode(stored: Stored) -> Opportunity:
    """Return the opportunity that was kept."""
    values = READ(stored.body)
    get = values.get
    due, closed_at, closed_on = get("due"), get("closed_at"), get("closed_on")
    return Opportunity(
        id=stored.id,
        version=stored.version,
        reference=values["reference"],
        subject=values["subject"],
        contact_id=values["contact_id"],
        person_id=get("person_id"),
        currency=Currency(values["currency"]),
        lines=tuple([line_in(line) for line in values["lines"]]),
        stage_id=values["stage_id"],
        probability_id=get("probability_id"),
        tags=tuple(get("tags", ())),
        due=None if due is None else date.fromisoformat(due),
        note=get("note", ""),
        answers=tuple([Answer(key, ANSWERS_IN[tag](value)) for key, tag, value in get("answers", ())]),
        status=Status(get("status", "open")),
        closed_at=None if closed_at is None else datetime.fromisoformat(closed_at),
        closed_on=None if closed_on is None else date.fromisoformat(closed_on),
        lost_reason=get("lost_reason", ""),
        owner_id=values["owner_id"],
        department=get("department"),
        import_key=get("import_key"),
        created_at=datetime.fromisoformat(values["created_at"]),
        created_on=date.fromisoformat(values["created_on"]),
        created_by=values["created_by"],
    )


def line_out(line: Line) -> dict:
    """Return the line as plain values, without what is default."""
    out: dict = {
        "description": line.description,
        "quantity": str(line.quantity),
        "unit_price": str(line.unit_price),
    }
    if line.discount is not None:
        percent, amount = line.discount.percent, line.discount.amount
        out["discount"] = {"percent": str(percent)} if percent is not None else {"amount": str(amount)}
    if line.tax != NO_TAX:
        tax = out["tax"] = {}
        if line.tax.percent != NO_TAX.percent:
            tax["percent"] = str(line.tax.percent)
        if line.tax.code:
            tax["code"] = line.tax.code
        if line.tax.category != "S":
            tax["category"] = line.tax.category
    if line.cost is not None:
        out["cost"] = str(line.cost)
    if line.reference:
        out["reference"] = line.reference
    if line.unit:
        out["unit"] = line.unit
    if line.source != "free":
        out["source"] = line.source
    if line.source_id is not None:
        out["source_id"] = line.source_id
    return out


ANSWERS_OUT = {
    str: lambda answer: [answer.key, "text", answer.value],
    int: lambda answer: [answer.key, "integer", answer.value],
    bool: lambda answer: [answer.key, "boolean", answer.value],
    Decimal: lambda answer: [answer.key, "decimal", str(answer.value)],
    date: lambda answer: [answer.key, "date", answer.value.isoformat()],
    datetime: lambda answer: [answer.key, "datetime", instant(answer.value)],
}


def hand_body(deal: Opportunity) -> str:
    """Return the body of *deal*."""
    out: dict = {
        "format": FORMAT,
        "reference": deal.reference,
        "subject": deal.subject,
        "contact_id": deal.contact_id,
        "currency": str(deal.currency),
        "lines": [line_out(line) for line in deal.lines],
        "stage_id": deal.stage_id,
        "owner_id": deal.owner_id,
        "created_at": instant(deal.created_at),
        "created_on": deal.created_on.isoformat(),
        "created_by": deal.created_by,
    }
    if deal.person_id is not None:
        out["person_id"] = deal.person_id
    if deal.probability_id is not None:
        out["probability_id"] = deal.probability_id
    if deal.tags:
        out["tags"] = deal.tags
    if deal.due is not None:
        out["due"] = deal.due.isoformat()
    if deal.note:
        out["note"] = deal.note
    if deal.answers:
        out["answers"] = [ANSWERS_OUT[type(answer.value)](answer) for answer in deal.answers]
    if deal.status is not Status.OPEN:
        out["status"] = str(deal.status)
    if deal.closed_at is not None:
        out["closed_at"] = instant(deal.closed_at)
    if deal.closed_on is not None:
        out["closed_on"] = deal.closed_on.isoformat()
    if deal.lost_reason:
        out["lost_reason"] = deal.lost_reason
    if deal.department is not None:
        out["department"] = deal.department
    if deal.import_key is not None:
        out["import_key"] = deal.import_key
    return WRITE(out)


def hand_index(deal: Opportunity) -> dict:
    """Return the index of *deal*."""
    texts = [answer.value for answer in deal.answers if type(answer.value) is str]
    reference, subject, created = fold(deal.reference), fold(deal.subject), instant(deal.created_at)
    index: dict = {
        "reference": reference,
        "subject": subject,
        "text": fold(" ".join([deal.reference, deal.subject, deal.note, *texts])),
        "contact": deal.contact_id,
        "owner": deal.owner_id,
        "stage": deal.stage_id,
        "status": str(deal.status),
        "tags": deal.tags,
        "answers": tuple(answer_marks(deal.answers)),
        "sources": tuple({line.source: None for line in deal.lines}),
        "currency": str(deal.currency),
        "value": deal.value.minor,
        "due_sort": LAST_DAY,
        "created": created,
        "created_on": deal.created_on.isoformat(),
        "closed_sort": NEVER,
    }
    if deal.import_key is not None:
        index["import_key"] = deal.import_key
    if deal.person_id is not None:
        index["person"] = deal.person_id
    if deal.department is not None:
        index["department"] = deal.department
    if deal.probability_id is not None:
        index["probability"] = deal.probability_id
    if deal.due is not None:
        index["due"] = index["due_sort"] = deal.due.isoformat()
    if deal.closed_at is not None and deal.closed_on is not None:
        index["closed_sort"] = instant(deal.closed_at)
        index["closed_on"] = deal.closed_on.isoformat()
        index["cycle"] = int((deal.closed_at - deal.created_at).total_seconds())
    return index


def hand_encode(deal: Opportunity) -> Entry:
    """Return the entry that keeps *deal*."""
    return Entry("opportunity", deal.id, deal.version, hand_index(deal), hand_body(deal))


def main() -> None:
    """Check that both say the same, then time them in turns."""
    chosen = arguments(__doc__ or "").parse_args()
    deals = [model(random.Random(seed), seed) for seed in range(50)]
    entries = [encode(deal) for deal in deals]
    stored = [Stored(entry.id, entry.version, entry.body) for entry in entries]
    for deal, entry, one in zip(deals, entries, stored, strict=True):
        assert decode("opportunity", one) == hand_decode(one) == deal
        assert json.loads(hand_body(deal)) == json.loads(entry.body)
        assert hand_index(deal) == entry.index

    pairs = (
        (
            "decode",
            lambda: [decode("opportunity", one) for one in stored],
            lambda: [hand_decode(one) for one in stored],
            "<= 1.4",
        ),
        (
            "encode: body",
            lambda: [body_of(deal) for deal in deals],
            lambda: [hand_body(deal) for deal in deals],
            "<= 1.2",
        ),
        (
            "encode: index",
            lambda: [index_of(deal) for deal in deals],
            lambda: [hand_index(deal) for deal in deals],
            "<= 1.2",
        ),
        (
            "encode: entry",
            lambda: [encode(deal) for deal in deals],
            lambda: [hand_encode(deal) for deal in deals],
            "<= 1.2",
        ),
    )
    rows = [
        compare(
            name, ours, hand, peer_name="by hand, unchecked", goal=goal, rounds=chosen.rounds, calls=5, per=len(deals)
        )
        for name, ours, hand, goal in pairs
    ]
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
