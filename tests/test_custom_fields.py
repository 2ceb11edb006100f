"""Custom fields: every answer type through every store and back, and every refusal. (SPEC SET-4)"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline.codec import plain, restore
from salespipeline.domain.fields import Answer, AnswerType, FieldSchema, check_answer

LINE = {"description": "Bay", "unit_price": "100.00"}
CHOICES = ("Fair", "Web", "Friend")

# type: what is given and what is kept of it | what is refused, with the code of the problem
ANSWERS = {
    "text": ([("  Café ", "Café"), ("x" * 500, "x" * 500)], [("x" * 501, "long"), ("a\nb", "lines"), (7, "type"), ("a\0", "control")]),
    "long_text": ([("a\r\nb\tc", "a\nb\tc")], [("a\ud800", "surrogate"), ("x" * 100_001, "long")]),
    "integer": ([(7, 7), ("-12", -12), (-(2**63), -(2**63))], [(1.0, "type"), (True, "type"), ("1.5", "type"), (2**63, "type")]),
    "decimal": ([("1.50", Decimal("1.50")), (3, Decimal(3))], [(0.1, "float"), ("1,5", "number"), (Decimal("NaN"), "number")]),
    "money": (
        [("5 GBP", sp.Money(5, "GBP")), (sp.Money("1.005", "KWD"), sp.Money("1.005", "KWD"))],
        [("5", "currency"), (5, "currency"), ("5 XXQ", "currency"), ("1.005 GBP", "digits")],
    ),
    "date": ([("2026-11-24", date(2026, 11, 24))], [("24/11/2026", "date"), (datetime(2026, 1, 1, tzinfo=UTC), "type"), (5, "date")]),
    "datetime": (
        [("2026-11-24T10:30:00+01:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC))],
        [("2026-11-24T10:30:00", "naive"), ("noon", "datetime"), (date(2026, 1, 1), "type")],
    ),
    "yes_no": ([(True, True), (False, False)], [("yes", "type"), (1, "type")]),
    "choice": ([("Web", "Web")], [("web", "choice"), (["Web"], "choice"), (3, "choice")]),
    "multiple_choice": ([(["Web", "Fair", "Web"], ("Web", "Fair"))], [("Web", "type"), (["Web", "Radio"], "choice"), (7, "type")]),
    "email": ([("Buyer@Acme.example", "Buyer@acme.example")], [("buyer", "email"), (7, "type")]),
    "phone": ([("+44 20 7946 0000", "+44 20 7946 0000")], [("ring me", "phone")]),
    "url": ([("https://acme.example/x", "https://acme.example/x")], [("javascript:alert(1)", "url"), ("acme.example", "url")]),
    "statement": ([], [("yes", "statement")]),
}  # fmt: skip


def choices(type):
    return CHOICES if type in ("choice", "multiple_choice") else ()


def test_there_are_fourteen_answer_types():
    assert set(ANSWERS) == {one.value for one in AnswerType}
    assert len(ANSWERS) == 14


def test_every_answer_type_goes_through_the_store_and_back_and_refuses_the_rest(sales):
    for type in ANSWERS:
        sales.settings.fields.add("opportunity", f"a_{type}", f"A {type}", type, choices=choices(type))
    deal = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE])
    for type, (taken, refused) in ANSWERS.items():
        for given_, kept in taken:
            deal = sales.opportunities.edit(deal, custom={f"a_{type}": given_})
            assert deal.custom[f"a_{type}"] == kept
            assert sales.opportunities[deal.id] == deal
        for given_, code in refused:
            with pytest.raises(sp.Invalid) as caught:
                sales.opportunities.edit(deal, custom={f"a_{type}": given_})
            problem = caught.value.problems[0]
            assert (problem.path.partition("[")[0], problem.code) == (f"custom.a_{type}", code), (type, given_)
    assert len(deal.custom) == 13


VALUES = {
    "text": st.text(max_size=40),
    "long_text": st.text(max_size=200),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.decimals("-1e15", "1e15", places=6),
    "money": st.builds(sp.Money.from_minor, st.integers(-(10**15), 10**15), st.sampled_from(["GBP", "JPY", "KWD"])),
    "date": st.dates(),
    "datetime": st.datetimes(min_value=datetime(2, 1, 2), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)),
    "yes_no": st.booleans(),
    "choice": st.sampled_from(CHOICES),
    "multiple_choice": st.lists(st.sampled_from(CHOICES)),
}


@settings(max_examples=150)
@given(st.sampled_from(sorted(VALUES)).flatmap(lambda type: st.tuples(st.just(type), VALUES[type])))
def test_what_is_taken_is_written_and_read_back_as_it_is(pair):
    type, value = pair
    schema = FieldSchema(
        id="f", record_type="opportunity", key="f", label="F", type=AnswerType(type), choices=choices(type)
    )
    try:
        kept = check_answer(schema, value, "f")
    except sp.Invalid:
        assert type in ("text", "long_text")  # a text may hold what no text may
        return
    default = attrs.evolve(schema, default=Answer("f", kept)).checked()
    assert restore(FieldSchema, "f", 1, plain(default)) == attrs.evolve(default, version=1)
    assert check_answer(schema, kept, "f") == kept  # what is kept is taken again


@pytest.fixture
def asking(sales):
    """Three fields: one mandatory, one with a default, one that takes a single answer."""
    fields = sales.settings.fields
    fields.add("opportunity", "heard", "How they found us", "choice", choices=CHOICES, mandatory=True, help="Ask them.")
    fields.add("opportunity", "visits", "Visits", "integer", default=1)
    fields.add(
        "opportunity", "vetted", "Vetted", "yes_no", required_answer=True, required_message="Vet them before you sell."
    )
    fields.add("opportunity", "read", "Please read the terms to them.", "statement")
    return sales


def create(sales, **custom):
    return sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE], custom=custom)


def problems(call, *args, **given_):
    with pytest.raises(sp.Invalid) as caught:
        call(*args, **given_)
    return [(one.path, one.code, one.message) for one in caught.value.problems]


def test_mandatory_default_and_required_answers_all_problems_at_once(asking):
    assert problems(create, asking, visits="many", vetted=False, reed=1) == [
        ("custom.reed", "unknown", "no custom field is called 'reed': did you mean 'read'?"),
        ("custom.heard", "missing", "'How they found us' needs an answer (choice)"),
        ("custom.visits", "type", "a whole number is needed, not 'many'"),
        ("custom.vetted", "required", "Vet them before you sell."),
    ]
    deal = create(asking, heard="Web")
    assert deal.custom == {"heard": "Web", "visits": 1}
    assert asking.opportunities.edit(deal, custom={"visits": None}).custom == {
        "heard": "Web"
    }  # a default may be taken back
    assert problems(asking.opportunities.edit, deal.id, custom={"heard": None}) == [
        ("custom.heard", "missing", "'How they found us' needs an answer (choice)")
    ]


def test_answers_stand_in_the_order_of_the_fields_and_moving_one_moves_them(asking):
    deal = create(asking, vetted=True, visits=2, heard="Web")
    assert list(deal.custom) == ["heard", "visits", "vetted"]
    asking.settings.fields.move("Vetted", before="How they found us")
    assert list(asking.opportunities.edit(deal, custom={"visits": 3}).custom) == ["vetted", "heard", "visits"]


def test_archiving_keeps_the_answers_and_deleting_erases_them(asking):
    deal = create(asking, heard="Web", visits=5)
    create(asking, heard="Fair", visits=None)
    asking.settings.fields.archive("Visits")
    assert problems(asking.opportunities.edit, deal, custom={"visits": 6})[0][:2] == ("custom.visits", "unknown")
    deal = asking.opportunities.edit(deal, note="untouched")
    assert deal.custom == {"heard": "Web", "visits": 5}
    assert asking.opportunities.where(custom={"visits": 5}).count() == 1  # archived, and still found by
    asking.settings.fields.restore("Visits")
    assert asking.settings.fields.delete("Visits") == 2
    assert asking.opportunities[deal.id].custom == {"heard": "Web"}
    assert asking.opportunities.versions(deal)[-2].custom == {"heard": "Web", "visits": 5}  # the history is kept


def test_a_field_that_cannot_be_meant_is_refused_with_every_problem(sales):
    add = sales.settings.fields.add
    assert [(path, code) for path, code, _ in problems(add, "letter", "No Key", "", "colour", mandatory="yes")] == [
        ("record_type", "choice"),
        ("key", "key"),
        ("label", "empty"),
        ("type", "choice"),
    ]
    for facts, path, code in [
        ({"type": "choice"}, "choices", "choice"),
        ({"type": "text", "choices": ["a"]}, "choices", "choice"),
        ({"type": "choice", "choices": ["a", "A"]}, "choices", "duplicate"),
        ({"type": "statement", "mandatory": True}, "type", "statement"),
        ({"type": "integer", "default": "x"}, "default", "type"),
        ({"type": "choice", "choices": ["a"], "required_answer": "b"}, "required_answer", "choice"),
        ({"type": "text", "mandatory": 1}, "mandatory", "type"),
        ({"type": "text", "colour": 1}, "colour", "unknown"),
    ]:
        assert [one[:2] for one in problems(add, "opportunity", "k", "K", **facts)] == [(path, code)], facts
    sales.settings.fields.add("opportunity", "k", "K", "text")
    with pytest.raises(sp.Duplicate):
        sales.settings.fields.add("opportunity", "k", "Other", "text")
    assert problems(sales.settings.fields.edit, "K", type="integer")[0][:2] == ("type", "unknown")


def test_documents_have_fields_of_their_own(sales, deal):
    sales.settings.fields.add("quote", "po", "Their order number", "text", mandatory=True)
    assert problems(sales.documents.draft, deal, "quote")[0][:2] == ("custom.po", "missing")
    quote = sales.documents.draft(deal, "quote", custom={"po": "4711"})
    assert sales.documents.where(custom={"po": "4711"}).ids() == [quote.id]
    assert sales.documents.draft(deal, "invoice").custom == {}
