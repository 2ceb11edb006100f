"""What was not written by the codec is not read by it: it is refused whole, as ``Corrupt``. (SPEC EXT-5)"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

import salespipeline as sp
from salespipeline.codec import decode, encode
from salespipeline.domain.fields import Answer
from salespipeline.domain.opportunity import Opportunity
from salespipeline.entries import Stored
from salespipeline.money import Currency

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LINE = {"description": "Racking", "quantity": "2", "unit_price": "210.00", "tax": {"percent": "20"}}
DEAL = Opportunity(
    id="1",
    version=3,
    reference="OPP/00001",
    subject="New warehouse",
    contact_id="acme",
    currency=Currency("GBP"),
    lines=(sp.Line("Racking", quantity=2, unit_price="210.00", tax="20"),),
    stage_id="prospect",
    due=date(2027, 1, 31),
    answers=(Answer("bays", 4), Answer("deposit", sp.Money("12.50", "GBP")), Answer("sides", ("north", "east"))),
    owner_id="jane",
    created_at=AT,
    created_on=AT.date(),
    created_by="jane",
)
BODY = json.loads(encode(DEAL).body)


def read(**changes):
    return decode("opportunity", Stored("1", 3, json.dumps({**BODY, **changes})))


def test_what_was_written_is_read():
    assert read() == DEAL


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("surprise", 1),
        ("id", "2"),
        ("version", 2),
        ("subject", None),
        ("subject", ["New", "warehouse"]),
        ("tags", "vip"),
        ("tags", {"vip": 1}),
        ("tags", [1]),
        ("status", "unheard of"),
        ("status", 1),
        ("currency", "gbp"),
        ("due", "2027-01-31T00:00"),
        ("due", 20270131),
        ("created_at", "2026-11-24T09:30:00"),
        ("created_at", "2026-11-24T09:30:00+01:00"),
        ("lines", "ab"),
        ("lines", {}),
        ("lines", [5]),
        ("lines", ["ab"]),
        ("lines", [{"description": "Racking"}]),
        ("lines", [LINE | {"surprise": 1}]),
        ("lines", [LINE | {"quantity": 2}]),
        ("lines", [LINE | {"quantity": "two"}]),
        ("lines", [LINE | {"quantity": "NaN"}]),
        ("lines", [LINE | {"quantity": " 2"}]),
        ("lines", [LINE | {"quantity": "1_0"}]),
        ("lines", [LINE | {"tax": "20"}]),
        ("lines", [LINE | {"tax": []}]),
        ("lines", [LINE | {"tax": {"percent": 20}}]),
        ("lines", [LINE | {"tax": {"percent": ["20"]}}]),
        ("lines", [LINE | {"tax": {"percent": "20", "surprise": ""}}]),
        ("lines", [LINE | {"discount": {"percents": "4"}}]),
        ("answers", {"bays": 4}),
        ("answers", ["abc"]),
        ("answers", [["bays", "integer"]]),
        ("answers", [["bays", "integer", "4"]]),
        ("answers", [["bays", "integer", True]]),
        ("answers", [["bays", "boolean", 1]]),
        ("answers", [["bays", "text", 4]]),
        ("answers", [["bays", "decimal", 4]]),
        ("answers", [["bays", "money", "4"]]),
        ("answers", [["bays", "choices", "north"]]),
        ("answers", [["bays", "choices", [4]]]),
        ("answers", [["bays", "unheard of", 4]]),
        ("answers", [["bays", [], 4]]),
        ("answers", [[4, "integer", 4]]),
    ],
)
def test_what_cannot_have_been_written_is_corrupt(field, value):
    with pytest.raises(sp.errors.Corrupt, match="cannot be read"):
        read(**{field: value})


@pytest.mark.parametrize("number", ["1.5", "NaN", "Infinity", "1e3"])
def test_a_floating_point_number_is_corrupt(number):
    body = encode(DEAL).body.replace('"integer",4', f'"integer",{number}')
    with pytest.raises(sp.errors.Corrupt, match="floating-point"):
        decode("opportunity", Stored("1", 3, body))


def test_equal_taxes_of_a_million_lines_are_one():
    one, other = read(lines=[LINE, LINE]).lines
    assert one.tax is other.tax
    assert (
        read(lines=[LINE | {"tax": {"percent": "20.0"}}]).lines[0].tax.percent.as_tuple() != one.tax.percent.as_tuple()
    )
