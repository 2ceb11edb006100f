"""What cannot be meant is refused with a typed error that names field and value, all at once; nothing is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline.money import allocate

LINE = {"description": "Bay", "unit_price": "100.00"}
HUGE = "x" * 10_000_000

# given to opportunities.create beside a contact, a subject and lines: (path, code, words of the message) of each problem
OPPORTUNITY = [
    ({"subject": ""}, [("subject", "empty", "may not be empty")]),
    ({"subject": None}, [("subject", "type", "None")]),
    ({"subject": "a\0b"}, [("subject", "control", r"'\x00'")]),
    ({"subject": "a\ud800b"}, [("subject", "surrogate", r"'\ud800'")]),
    ({"subject": "Shed\nBarn"}, [("subject", "lines", r"'\n'")]),
    ({"subject": "Shed\u202egnp"}, [("subject", "bidi", r"'\u202e'")]),
    ({"subject": HUGE}, [("subject", "long", "10,000,000")]),
    ({"note": HUGE}, [("note", "long", "10,000,000")]),
    ({"lines": []}, [("lines", "missing", "at least one line item")]),
    ({"lines": None}, [("lines", "type", "None")]),
    ({"lines": "Bay"}, [("lines", "type", "'Bay'")]),
    ({"lines": [LINE, 7]}, [("lines[1]", "type", "7")]),
    ({"lines": [LINE | {"unit_price": 0.1}]}, [("lines[0].unit_price", "float", "0.1")]),
    ({"lines": [LINE | {"quantity": 2.0}]}, [("lines[0].quantity", "float", "2.0")]),
    ({"lines": [LINE | {"quantity": "1,5"}]}, [("lines[0].quantity", "number", "'1,5'")]),
    ({"lines": [LINE | {"unit_price": Decimal("NaN")}]}, [("lines[0].unit_price", "number", "NaN")]),
    ({"lines": [LINE | {"unit_price": sp.Money(5, "EUR")}]}, [("lines[0].unit_price", "type", "EUR")]),
    ({"lines": [LINE | {"discount": "101%"}]}, [("lines[0].discount", "range", "101%")]),
    ({"lines": [LINE | {"tax": "T1"}]}, [("lines[0].tax", "tax", "'T1'")]),
    ({"lines": [LINE | {"price": 5}]}, [("lines[0]", "type", "price")]),
    ({"lines": [{"item": "NONE"}]}, [("lines[0].item", "unknown", "'NONE'")]),
    ({"lines": [LINE | {"quantity": 10**17, "unit_price": 10**17}]}, [("lines.amount", "range", "18 digits")]),
    ({"lines": [LINE] * 10_001}, [("lines", "range", "10,000")]),
    ({"currency": "XXQ"}, [("currency", "currency", "'XXQ'")]),
    ({"currency": "gbp"}, [("currency", "currency", "did you mean 'GBP'")]),
    ({"currency": 826}, [("currency", "currency", "826")]),
    ({"stage": "Prospekt"}, [("stage", "unknown", "did you mean 'Prospect'")]),
    ({"stage": 7}, [("stage", "unknown", "7")]),
    ({"probability": "Hot 75"}, [("probability", "unknown", "did you mean 'Hot 75%'")]),
    ({"tags": ["VIP", "Vip!", None]}, [("tags[1]", "unknown", "'Vip!'"), ("tags[2]", "unknown", "None")]),
    ({"tags": "VIP"}, [("tags", "type", "'VIP'")]),
    ({"due": datetime(2026, 1, 1, tzinfo=UTC)}, [("due", "type", "plain date")]),
    ({"due": "1/12/2026"}, [("due", "date", "'1/12/2026'")]),
    ({"due": "2026-02-30"}, [("due", "date", "'2026-02-30'")]),
    ({"at": datetime(2026, 1, 1)}, [("at", "naive", "2026-01-01")]),
    ({"at": date(2026, 1, 1)}, [("at", "type", "datetime.date(2026, 1, 1)")]),
    ({"contact": None}, [("contact", "missing", "contacts.add")]),
    ({"contact": "Acme"}, [("contact", "unknown", "'Acme'")]),
    ({"person": "Zoë"}, [("person", "unknown", "'Zoë'")]),
    ({"owner": "tim"}, [("owner", "unknown", "'tim'")]),
    ({"department": 3}, [("department", "type", "3")]),
    ({"reference": "\t"}, [("reference", "empty", "may not be empty")]),
    ({"reference": "R" * 61}, [("reference", "long", "61")]),
    ({"custom": {"heard": "Radio"}}, [("custom.heard", "choice", "'Radio'")]),
    ({"custom": {"herd": "Fair"}}, [("custom.herd", "unknown", "did you mean 'heard'")]),
    ({"custom": ["Fair"]}, [("custom", "type", "['Fair']")]),
    ({"custom": {"staff": 1.5, "heard": 3}}, [("custom.heard", "choice", "3"), ("custom.staff", "type", "1.5")]),
    ({"sujbect": "Shed"}, [("sujbect", "unknown", "did you mean 'subject'")]),
    ({"rate": 2}, [("rate", "unknown", "leave it out")]),
    ({"import_key": ""}, [("import_key", "empty", "may not be empty")]),
    (
        {"subject": "", "stage": "x", "currency": "XXQ", "due": "soon", "owner": 5, "lines": [{"description": "x"}]},
        [
            ("lines[0]", "type", "unit_price"),
            ("subject", "empty", ""),
            ("due", "date", "'soon'"),
            ("owner", "unknown", "5"),
            ("currency", "currency", "'XXQ'"),
            ("stage", "unknown", "'x'"),
        ],
    ),
]  # fmt: skip


@pytest.fixture
def asking(sales):
    sales.settings.fields.add("opportunity", "heard", "How they found us", "choice", choices=["Fair", "Web"])
    sales.settings.fields.add("opportunity", "staff", "Staff", "integer")
    return sales


def refused(call, *args, **given):
    with pytest.raises(sp.Invalid) as caught:
        call(*args, **given)
    for problem in caught.value.problems:
        assert f"{problem.path}: {problem.message}" in str(caught.value)
    return caught.value.problems


def agree(problems, expected):
    assert [(one.path, one.code) for one in problems] == [(path, code) for path, code, _ in expected]
    for problem, (_, _, words) in zip(problems, expected, strict=True):
        assert words in problem.message


def test_an_opportunity_that_cannot_be_meant_is_refused_and_nothing_is_written(asking):
    before = whole(asking)
    for given, expected in OPPORTUNITY:
        given = {"contact": "Acme Ltd", "subject": "Shed", "lines": [LINE]} | given
        agree(refused(asking.opportunities.create, **given), expected)
    assert whole(asking) == before
    made = asking.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE])
    assert made.reference == "OPP/00001"  # no number was used up


def test_an_edit_that_cannot_be_meant_changes_nothing(asking):
    deal = asking.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE])
    before = whole(asking)
    for given, expected in OPPORTUNITY:
        if not given.keys() & {"at", "import_key"}:
            agree(refused(asking.opportunities.edit, deal, **given), expected)
    assert whole(asking) == before


def test_one_bad_row_of_many_leaves_no_row(asking):
    good = {"contact": "Acme Ltd", "subject": "Shed", "lines": [LINE]}
    before = whole(asking)
    problems = refused(
        asking.opportunities.create_many,
        [good, good | {"stage": "x", "due": "soon"}, "row", good | {"status": "won", "closed_at": datetime(2027, 1, 1)},
         good | {"reference": "A"}, good | {"reference": "a"}],
    )  # fmt: skip
    assert [one.path for one in problems] == [
        "[1].due", "[1].stage", "[2]", "[3].closed_at", "[5].reference",
    ]  # fmt: skip
    assert whole(asking) == before


def test_a_taken_reference_is_named(asking):
    asking.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE], reference="Köln-1")
    before = whole(asking)
    with pytest.raises(sp.Duplicate, match="koln-1"):
        asking.opportunities.create(contact="Acme Ltd", subject="Barn", lines=[LINE], reference="KOLN-1")
    assert whole(asking) == before


CONTACT = [
    ({"name": ""}, "name", "empty"),
    ({"name": "A\0"}, "name", "control"),
    ({"name": HUGE}, "name", "long"),
    ({"email": "not an address"}, "email", "email"),
    ({"email": "a@b@c"}, "email", "email"),
    ({"phone": "call me"}, "phone", "phone"),
    ({"website": "javascript:alert(1)"}, "website", "url"),
    ({"address": 7}, "address", "type"),
    ({"ids": ["VAT"]}, "ids", "type"),
    ({"locale": "en GB!"}, "locale", "locale"),
    ({"note": "a\ud800"}, "note", "surrogate"),
    ({"fax": "1"}, "fax", "unknown"),
    ({"persons": ["Zoë"]}, "persons", "unknown"),
]


def test_a_contact_that_cannot_be_meant_is_refused(sales):
    before = whole(sales)
    for given, path, code in CONTACT:
        problems = refused(sales.contacts.add, **({"name": "Harlow Foods"} | given))
        assert [(one.path, one.code) for one in problems] == [(path, code)]
    everything = refused(sales.contacts.add, "", email="x", phone="x", website="x", fax="1")
    assert [one.path for one in everything] == ["name", "email", "phone", "website", "fax"]
    assert whole(sales) == before


SETTINGS = [
    (lambda desk: desk.stages.add(""), "label", "empty"),
    (lambda desk: desk.stages.add("New", "a\0b"), "label", "control"),
    (lambda desk: desk.stages.move("Prospect"), "before", "choice"),
    (lambda desk: desk.stages.move("Prospect", after="prospect"), "before", "choice"),
    (lambda desk: desk.users.add("Ann", approval_limit=500.0), "approval_limit", "float"),
    (lambda desk: desk.users.add("Ann", approval_limit="500"), "approval_limit", "currency"),
    (lambda desk: desk.tax_rates.add("T1", 17.5), "percent", "float"),
    (lambda desk: desk.items.add("BAY", "Bay", cost=1.5), "cost", "float"),
    (lambda desk: desk.items.add("BAY", "Bay", tax=0.2), "tax", "float"),
    (lambda desk: desk.probabilities.add("Warm", percent=0.5), "percent", "float"),
    (lambda desk: desk.probabilities.add("Warm", percent=101), "percent", "range"),
    (lambda desk: desk.probabilities.add("Warm"), "percent", "missing"),
    (lambda desk: desk.probabilities.add("Warm 50%", colour="octarine"), "colour", "colour"),
    (lambda desk: desk.tags.add("T", colour="#12345"), "colour", "colour"),
    (lambda desk: desk.tax_rates.add("T1", "abc"), "percent", "tax"),
    (lambda desk: desk.tax_rates.add("T1", "20", category="Q"), "category", "choice"),
    (lambda desk: desk.users.add("Ann", email="ann"), "email", "email"),
    (lambda desk: desk.users.add("Ann", id=""), "id", "empty"),
    (lambda desk: desk.series.add("S", "quote", pattern="0.0"), "pattern", "format"),
    (lambda desk: desk.series.add("S", "letter"), "for_type", "choice"),
    (lambda desk: desk.lost_reasons.add(""), "label", "empty"),
    (lambda desk: desk.edit_organisation(lost_reason_needed=1), "lost_reason_needed", "type"),
    (lambda desk: desk.series.add("S", "invoice", at="creation"), "at", "choice"),
    (lambda desk: desk.items.add("", "Bay"), "reference", "empty"),
    (lambda desk: desk.items.add("BAY", "Bay", price=1.5), "price", "float"),
    (lambda desk: desk.items.add("KIT", "Kit", parts=[("NONE", 1)]), "parts[0]", "unknown"),
    (lambda desk: desk.items.edit("NONE", price=1), None, None),
    (lambda desk: desk.edit_organisation(time_zone="Mars/Olympus"), "time_zone", "unknown"),
    (lambda desk: desk.edit_organisation(currency="XXQ"), "currency", "currency"),
    (lambda desk: desk.edit_organisation(colour="red"), "colour", "unknown"),
    (lambda desk: desk.stages.edit("Prospect", colour="red"), "colour", "unknown"),
    (lambda desk: desk.stages["Prospekt"], None, None),
]


def test_a_setting_that_cannot_be_meant_is_refused(sales):
    before = whole(sales)
    for number, (call, path, code) in enumerate(SETTINGS):
        if path is None:
            with pytest.raises(sp.NotFound):
                call(sales.settings)
            continue
        problems = refused(call, sales.settings)
        assert [(one.path, one.code) for one in problems] == [(path, code)], number
    assert whole(sales) == before


def test_a_stale_setting_conflicts_and_what_counts_numbers_is_not_edited(sales):
    series = sales.settings.series.add("Quotes", "quote", prefix="Q-")
    sales.settings.series.edit(series, prefix="R-")
    before = whole(sales)
    with pytest.raises(sp.Conflict, match="version 1, version 2 is kept"):
        sales.settings.series.edit(series, prefix="S-")
    for name, instead in (
        ("offset", "set_next"),
        ("jumps", "set_next"),
        ("starts", "set_next"),
        ("for_type", "another"),
    ):
        (problem,) = refused(sales.settings.series.edit, "Quotes", **{name: 7})
        assert (problem.path, problem.code) == (name, "unknown")
        assert instead in problem.message
    assert whole(sales) == before


NO_RECORD = [None, 7, ["OPP/00001"], b"OPP/00001"]


def test_what_is_no_record_is_refused_wherever_one_is_asked_for(sales, deal):
    quote = sales.documents.draft(deal, "quote")
    before = whole(sales)
    for given in (*NO_RECORD, quote):
        for call in (
            sales.opportunities.get, sales.opportunities.edit, sales.opportunities.win, sales.opportunities.delete,
            sales.opportunities.history, sales.opportunities.versions, lambda one: sales.opportunities.can(one, "win"),
        ):  # fmt: skip
            with pytest.raises(sp.Invalid, match="an opportunity, its id or its reference is needed, and") as caught:
                call(given)
            assert caught.value.problems[0].path == "opportunity"
    for given in NO_RECORD:
        for call in (sales.documents.pdf, sales.documents.mark_sent, lambda one: sales.documents.can(one, "edit")):
            with pytest.raises(sp.Invalid, match="a document, its id or its reference is needed, and"):
                call(given)
        with pytest.raises(sp.Invalid, match="an opportunity, its id or its reference is needed, and"):
            sales.documents.draft(given, "quote")
        with pytest.raises(sp.Invalid, match="a contact, its id or its name is needed, and"):
            sales.contacts.edit(given, phone="")
    with pytest.raises(TypeError, match="counted or sliced"):
        sales.opportunities.all()["OPP/00001"]
    with pytest.raises(sp.OpenError, match="not None"):
        sp.open(None)
    assert whole(sales) == before


FLOATS = [
    lambda sales, deal: sp.Line("x", unit_price=1.5),
    lambda sales, deal: sp.Line("x", unit_price=1, quantity=1.5),
    lambda sales, deal: sp.Line("x", unit_price=1, discount=1.5),
    lambda sales, deal: sp.Line("x", unit_price=1, discount=sp.Discount(percent=1.5)),
    lambda sales, deal: sp.Line("x", unit_price=1, discount=sp.Discount(amount=1.5)),
    lambda sales, deal: sp.Line("x", unit_price=1, tax=1.5),
    lambda sales, deal: sp.Line("x", unit_price=1, tax=sp.Tax(percent=1.5)),
    lambda sales, deal: sp.Line("x", unit_price=1, cost=1.5),
    lambda sales, deal: sp.Charge("x", amount=1.5),
    lambda sales, deal: sp.Charge("x", percent=1.5),
    lambda sales, deal: sp.Money(1.5, "GBP"),
    lambda sales, deal: sp.Money.of(1.5, "GBP"),
    lambda sales, deal: sp.Money.of(1.5),
    lambda sales, deal: sp.Money.rounded(1.5, "GBP"),
    lambda sales, deal: allocate(sp.Money(1, "GBP"), [1.5, 1]),
    lambda sales, deal: sales.opportunities.edit(deal, currency="EUR", rate=1.5),
    lambda sales, deal: sales.opportunities.where(value__ge=1.5).count(),
    lambda sales, deal: sales.opportunities.where(probability__ge=1.5).count(),
    lambda sales, deal: sales.documents.draft(deal, "quote", discount=1.5),
    lambda sales, deal: sales.documents.draft(deal, "quote", charges=[{"description": "x", "amount": 1.5}]),
    lambda sales, deal: sales.documents.deposit(sales.documents.draft(deal, "quote"), 1.5),
    lambda sales, deal: sales.settings.fields.add("opportunity", "f", "F", "decimal", default=1.5),
    lambda sales, deal: sales.settings.fields.add("opportunity", "f", "F", "money", default=1.5),
    lambda sales, deal: sales.settings.items.add("KIT", "Kit", parts=[(sales.settings.items.add("A", "A"), 1.5)]),
]


@pytest.mark.parametrize("call", FLOATS)
def test_a_float_is_refused_wherever_a_number_is_asked_for(sales, deal, call):
    assert [(one.code, "write it as text, '1.5'" in one.message) for one in refused(call, sales, deal)] == [
        ("float", True)
    ]


def test_smallest_units_are_whole_and_other_peoples_numbers_are_told_apart():
    class Half(float):
        def __repr__(self):
            return "elsewhere.float64(1.5)"

    assert "'1.5'" in str(refused(sp.Money, Half(1.5), "GBP")[0])
    for minor in (150.0, "150", True, Decimal(150)):
        assert refused(sp.Money.from_minor, minor, "GBP")[0].path == "minor"
    assert refused(sp.Currency, None)[0].message.startswith("None is not")
    assert refused(allocate, sp.Money(1, "GBP"), ["x"])[0].path == "weights[0]"


def test_a_taken_label_is_refused_in_any_case(sales):
    before = whole(sales)
    for call in (lambda: sales.settings.stages.add("New", "PROSPECT"), lambda: sales.settings.tags.add("vip")):
        with pytest.raises(sp.Duplicate, match="exists already"):
            call()
    assert whole(sales) == before


def test_half_a_transaction_is_no_transaction(sales, deal):
    before = whole(sales)

    def several():
        with sales.transaction():
            sales.opportunities.edit(deal, note="first")
            sales.contacts.add("Harlow Foods")
            sales.opportunities.edit(deal.id, stage="Nowhere")

    agree(refused(several), [("stage", "unknown", "'Nowhere'")])
    assert whole(sales) == before


def test_a_place_that_is_named_after_what_was_given_is_short_and_plain(sales, deal):
    for key, path in (("k" * 10_000_000, 200), ("a\0b", 20), ("a\ud800\u202eb", 40)):
        (problem,) = refused(sales.opportunities.edit, deal, custom={key: 1})
        assert problem.path.startswith("custom.")
        assert problem.path.isprintable()
        assert len(problem.path) <= path + 1
        assert len(str(problem)) < 500


def test_a_misspelt_currency_is_refused_and_never_finds_nothing(sales, deal):
    assert sales.opportunities.where(currency="GBP").count() == 1
    for wrong in ("gbp", "XXQ", 826, "G\0P"):
        (problem,) = refused(sales.opportunities.where(currency=wrong).count)
        assert (problem.path, problem.code) == ("currency", "currency")
    assert refused(sales.opportunities.where(currency__in=["GBP", "EURO"]).count)[0].path == "currency__in"
    sales.documents.draft(deal, "quote")
    assert [sales.documents.where(currency=one).count() for one in ("GBP", "EUR")] == [1, 0]


def test_every_problem_of_a_user_and_of_pairs_is_named(sales):
    problems = refused(sales.settings.users.add, "", id="a\0", email="x", approval_limit=1.5)
    assert [one.path for one in problems] == ["id", "name", "email", "approval_limit"]
    problems = refused(sales.settings.edit_organisation, ids={"a\0": "b\0", "VAT": "c\0"})
    assert [one.path for one in problems] == ["ids", "ids", "ids.VAT"]
