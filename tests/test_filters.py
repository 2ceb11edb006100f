"""Every filter and every order of the opportunities, on every store. (SPEC OPP-10)"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "100.00"}


@pytest.fixture
def five(sales, clock):
    """Five opportunities that differ in everything a list can ask for; called 1 to 5 by their references."""
    desk = sales.settings
    desk.tags.add("Late")
    fields = desk.fields
    fields.add("opportunity", "heard", "How they found us", "choice", choices=["Fair", "Web", "Friend"])
    fields.add("opportunity", "wants", "What they want", "multiple_choice", choices=["Speed", "Price", "Care"])
    fields.add("opportunity", "staff", "How many work there", "integer")
    fields.add("opportunity", "score", "Score", "decimal")
    fields.add("opportunity", "budget", "Budget", "money")
    fields.add("opportunity", "visited", "Visited on", "date")
    fields.add("opportunity", "called", "Called at", "datetime")
    fields.add("opportunity", "vetted", "Vetted", "yes_no")
    fields.add("opportunity", "site", "Site", "text")
    fields.add("opportunity", "plan", "Plan", "long_text")
    desk.lost_reasons.add("Price", "No budget")
    sales.contacts.add("Béatrice & Fils", email="b@fils.example")
    sales.contacts.add_person("Béatrice & Fils", "Zoë Field")
    rows = [
        {
            "subject": "Alpha",
            "stage": "Quotation sent",
            "probability": "Hot 75%",
            "tags": ["VIP"],
            "due": "2026-12-01",
            "next_step_on": "2026-12-02",
            "custom": {"heard": "Fair", "wants": ["Speed", "Price"], "staff": -3, "site": "Leeds, North"},
        },
        {
            "subject": "Béta",
            "owner": "tom",
            "lines": [LINE | {"quantity": 50}],
            "tags": ["VIP", "Rush"],
            "contact": "Béatrice & Fils",
            "person": "Zoë Field",
            "custom": {"heard": "Web", "staff": 9, "score": "-0.5", "budget": "900 GBP", "visited": "2026-01-31"},
        },
        {
            "subject": "Gamma",
            "currency": "EUR",
            "lines": [LINE | {"quantity": 99}],
            "department": "South",
            "custom": {"staff": 10, "score": "0.25", "budget": "1000 GBP", "vetted": True, "site": "LEEDS"},
        },
        {
            "subject": "Delta",
            "probability": "Cold 10%",
            "due": "2027-03-01",
            "next_step_on": "2026-12-05",
            "note": "Ring the süd gate",
            "custom": {"budget": "950 EUR", "vetted": False, "called": "2026-11-24T09:30:00+01:00"},
        },
        {"subject": "Epsilon", "reference": "X-1", "tags": ["Late"], "custom": {"plan": "Dig\n" + "deep " * 100}},
    ]
    sales.settings.stages.edit("Prospect", days=3)
    for row in rows:
        sales.opportunities.create(**({"contact": "Acme Ltd", "lines": [LINE]} | row))
        clock.forward(days=1)
    sales.opportunities.win("OPP/00003")
    sales.opportunities.lose("OPP/00004", "price")
    sales.opportunities.hold("X-1")
    sales.documents.draft("OPP/00001", "quote")
    sales.documents.draft("OPP/00001", "quote")
    sales.documents.draft("OPP/00001", "invoice")
    sales.documents.draft("OPP/00002", "quote")
    sales.documents.draft(sales.contacts["Acme Ltd"], "quote", lines=[LINE])  # which is no opportunity's
    return sales


FILTERS = {
    "status": [("3", {"status": "won"}), ("5", {"status": "On hold"}), ("1245", {"status__not": "won"}),
               ("34", {"status__in": ["won", sp.Status.LOST]})],
    "stage": [("1", {"stage": "quotation sent"}), ("2345", {"stage__not": "Quotation sent"}),
              ("12345", {"stage__in": ["Prospect", "Quotation sent"]})],
    "pipeline": [("12345", {"pipeline": "Default"}), ("", {"pipeline__not": "default"}),
              ("12345", {"pipeline__in": ["default"]})],
    "probability": [("1", {"probability": "hot 75%"}), ("235", {"probability": None}), ("14", {"probability__ge": 10}),
                    ("4", {"probability__lt": "75"}), ("1", {"probability__gt": 10}), ("4", {"probability__le": 10})],
    "tags": [("12", {"tags": "vip"}), ("125", {"tags__any": ["VIP", "Late"]}), ("2", {"tags__all": ["VIP", "Rush"]}),
             ("345", {"tags__none": ["VIP", "Rush"]}), ("34", {"tags": None}), ("", {"tags__any": []}),
             ("12345", {"tags__all": [], "tags__none": []})],
    "source": [("12345", {"source": "free"}), ("", {"source__any": ["item", "stock"]})],
    "owner": [("2", {"owner": "tom"}), ("1345", {"owner": "Jane Whitfield"}), ("1345", {"owner__not": "tom"}),
              ("12345", {"owner__in": ["jane", "Tom Okafor"]}), ("", {"owner": "nobody"})],
    "department": [("23", {"department": "south"}), ("145", {"department": "North"}), ("", {"department": "East"})],
    "contact": [("2", {"contact": "beatrice & fils"}), ("1345", {"contact__not": "Béatrice & Fils"}),
          ("", {"contact": None}),
                ("12345", {"contact__in": ["acme LTD", "Béatrice & Fils"]}), ("", {"contact": "Nobody Ltd"})],
    "person": [("1345", {"person": None}), ("2", {"person__not": None}), ("2", {"person": "ZOE field"}),
               ("1345", {"person__not": "Zoë Field"}), ("2", {"person__in": ["Nobody", "zoë field"]})],
    "next step": [("1", {"next_step": "2026-12-02"}), ("235", {"next_step": None}), ("4", {"next_step__gt": "2026-12-02"})],
    "rotting": [("2", {"rotting": True}), ("1345", {"rotting": False})],
    "search": [("2", {"search": "beta"}), ("", {"search": "nothing"})],
    "due": [("1", {"due": date(2026, 12, 1)}), ("235", {"due": None}), ("14", {"due__ge": "2026-12-01"}),
            ("4", {"due__gt": "2026-12-01"}), ("1", {"due__lt": "2027-01-01"}), ("1", {"due__le": "2026-12-01"}),
            ("14", {"due__between": ("2026-12-01", "2027-03-01")})],
    "created": [("1", {"created": date(2026, 11, 24)}), ("345", {"created__ge": "2026-11-26"}),
                ("23", {"created__between": ("2026-11-25", "2026-11-26")}),
                ("12", {"created__le": datetime(2026, 11, 25, 9, 30, tzinfo=UTC)})],
    "closed": [("34", {"closed": date(2026, 11, 29)}), ("125", {"closed": None}), ("34", {"closed__gt": "2026-11-28"}),
               ("", {"closed__lt": datetime(2026, 11, 29, 9, 30, tzinfo=UTC)})],
    "currency": [("3", {"currency": "EUR"}), ("1245", {"currency__not": "EUR"}),
          ("12345", {"currency__in": ["EUR", "GBP"]})],
    "value": [("2", {"value__ge": "5000 GBP"}), ("145", {"value": "100.00 GBP"}),
          ("3", {"value__gt": sp.Money(0, "EUR")}),
              ("145", {"value__between": ("99.99 GBP", "100 GBP")}), ("", {"value__lt": "5 JPY"})],
    "reference": [("5", {"reference": "x-1"}), ("1234", {"reference__startswith": "opp/"}),
          ("5", {"reference__contains": "-"}),
                  ("25", {"reference__in": ["opp/00002", "X-1"]})],
    "subject": [("2", {"subject": "BETA"}), ("24", {"subject__contains": "TA"}), ("12345", {"subject__contains": ""}),
                ("134", {"subject__in": ["alpha", "GAMMA", "Delta"]}), ("5", {"subject__startswith": "EPS"})],
    "text": [("2", {"text": "beta"}), ("4", {"text": "SUD ring"}), ("2", {"text": "zoe béta"}),
          ("1345", {"text": "acme"}),
             ("13", {"text": "leeds"}), ("5", {"text": "dig deep"}), ("1", {"text": "speed"}),
          ("", {"text": "acme zoe"}),
             ("12345", {"text": ""})],
    "documents": [("12", {"documents": "quote"}), ("1", {"documents": "invoice"}),
          ("12", {"documents__any": ["quote", "invoice"]}),
                  ("1", {"documents__all": ["quote", "invoice"]}), ("345", {"documents__none": ["quote", "invoice"]}),
                  ("345", {"documents": None}), ("12345", {"documents__none": ["Credit note"]}),
                  ("2345", {"documents__none": [sp.DocumentType("invoice")]})],
    "choice": [("1", {"custom": {"heard": "Fair"}}), ("12", {"custom": {"heard__in": ["Fair", "Web"]}}),
               ("345", {"custom": {"heard": None}}), ("12", {"custom": {"heard__not": None}}),
          ("2345", {"custom": {"heard__not": "Fair"}})],
    "multiple choice": [("1", {"custom": {"wants": "Price"}}), ("2345", {"custom": {"wants__not": "Price"}}),
          ("", {"custom": {"wants": "Care"}})],
    "integer": [("2", {"custom": {"staff": 9}}), ("23", {"custom": {"staff__ge": 9}}),
          ("3", {"custom": {"staff__gt": "9"}}),
                ("1", {"custom": {"staff__lt": 9}}), ("12", {"custom": {"staff__le": 9}}),
          ("13", {"custom": {"staff__in": [-3, 10]}}),
                ("12", {"custom": {"staff__between": (-3, 9)}})],
    "decimal": [("2", {"custom": {"score": Decimal("-0.50")}}), ("3", {"custom": {"score__gt": "-0.5"}}),
          ("23", {"custom": {"score__le": "0.25"}})],
    "money": [("23", {"custom": {"budget__ge": "900 GBP"}}), ("2", {"custom": {"budget__lt": "1000 GBP"}}),
          ("4", {"custom": {"budget__gt": "1 EUR"}}),
              ("3", {"custom": {"budget": sp.Money(1000, "GBP")}}),
          ("23", {"custom": {"budget__between": ("900 GBP", "1000 GBP")}})],
    "date": [("2", {"custom": {"visited__le": date(2026, 1, 31)}}), ("", {"custom": {"visited__lt": "2026-01-31"}})],
    "datetime": [("4", {"custom": {"called": "2026-11-24T08:30:00Z"}}),
          ("", {"custom": {"called__gt": "2026-11-24T08:30:00Z"}})],
    "yes or no": [("3", {"custom": {"vetted": True}}), ("4", {"custom": {"vetted": False}}),
          ("125", {"custom": {"vetted": None}})],
    "text answer": [("3", {"custom": {"site": "Leeds"}}), ("13", {"custom": {"site__startswith": "leeds"}})],
    "long text": [("5", {"custom": {"plan": "dig " + "deep " * 100}}),
          ("", {"custom": {"plan": "dig " + "deep " * 99 + "end"}})],
    "lost reason": [("4", {"lost_reason": "price"}), ("", {"lost_reason": "No budget"}), ("1235", {"lost_reason": None}),
          ("4", {"lost_reason__in": ["Price", "No budget"]}), ("1235", {"lost_reason__not": "Price"})],
    "several": [("2", {"tags": "VIP", "owner": "tom", "custom": {"staff__ge": 9, "heard": "Web"}}),
          ("", {"status": "won", "documents": "quote"})],
}  # fmt: skip


def numbers(listing):
    return "".join(sorted({"X-1": "5"}.get(deal.reference, deal.reference[-1]) for deal in listing))


def test_each_filter_finds_exactly_what_it_says(five):
    for expected, filters in [one for several in FILTERS.values() for one in several]:
        found = five.opportunities.where(**filters)
        assert (numbers(found), found.count()) == (expected, len(expected)), filters


def test_every_filter_that_is_offered_is_tested(five):
    asked = {path.partition("__")[0] for several in FILTERS.values() for _, filters in several for path in filters}
    assert asked == set(five.opportunities.shape.filters)


ASKED = st.tuples(
    st.lists(st.sampled_from([filters for several in FILTERS.values() for _, filters in several]), max_size=4),
    st.sampled_from([None, *(sign + name for name in ("created", "value", "stage", "contact") for sign in ("", "-"))]),
)


@settings(max_examples=40)
@given(ASKED)
def test_what_is_asked_comes_back_from_json_with_the_same_list(five, asked):
    """A law: to JSON and back is the same list, and the same text; under a name too."""
    several, order = asked
    listing = five.opportunities.all()
    for filters in several:
        listing = listing.where(**filters)
    listing = listing if order is None else listing.order(order)
    text = listing.criteria().to_json()
    again = five.opportunities.all().fitting(text)
    assert again.criteria().to_json() == text
    assert again.ids() == listing.ids()
    saved = five.settings.filters.add("law", listing)
    try:
        named = five.opportunities.where(saved="law")
        assert ([deal.id for deal in named], named.count()) == (listing.ids(), listing.count())
    finally:
        five.settings.filters.delete(saved)


WRONG = {
    "stagee": ({"stagee": "Prospect"}, "did you mean 'stage'"),
    "stage": ({"stage": "Prospekt"}, "did you mean 'Prospect'"),
    "tags[1]": ({"tags__any": ["VIP", "Vop"]}, "did you mean 'VIP'"),
    "status": ({"status": "closed"}, "open, on_hold, won, lost"),
    "due": ({"due__ge": datetime(2026, 1, 1, tzinfo=UTC)}, "plain date"),
    "created": ({"created__ge": datetime(2026, 1, 1)}, "naive"),
    "value": ({"value__ge": 5000}, "currency"),
    "mixed": ({"value__between": ("1 GBP", "2 EUR")}, "one currency"),
    "operator": ({"status__contains": "o"}, "status__not"),
    "documents": ({"documents": "quota"}, "did you mean 'quote'"),
    "custom": ({"custom": {"herd": "Fair"}}, "did you mean 'heard'"),
    "choice": ({"custom": {"heard": "Radio"}}, "'Radio' is not offered"),
    "comparison": ({"custom": {"heard__ge": "Fair"}}, "not offered for a choice"),
    "float": ({"custom": {"score__ge": 0.5}}, "float"),
    "list": ({"owner__in": "jane"}, "a list is needed"),
    "flood": ({"tags__none": ["VIP"] * 201}, "200 conditions"),
}


def test_a_filter_that_cannot_be_meant_is_refused_with_what_to_write(five):
    for filters, words in WRONG.values():
        with pytest.raises(sp.Invalid, match=words):
            list(five.opportunities.where(**filters))


def test_all_wrong_filters_are_named_at_once(five):
    with pytest.raises(sp.Invalid) as caught:
        five.opportunities.where(stage="x", owner__in=3, custom={"heard": "x", "staff__ge": 1.5}, nothing=1).count()
    assert [one.path for one in caught.value.problems] == [
        "stage",
        "owner__in",
        "custom.heard",
        "custom.staff__ge",
        "nothing",
    ]


ORDERS = {
    "created": "12345",
    "closed": "34125",  # those that are not closed come last
    "due": "14235",
    "next_step": "14235",
    "value": "14523",
    "reference": "12345",
    "subject": "12453",
    "status": "45123",  # lost, on hold, open, won
    "currency": "31245",
    "stage": "23451",
    "probability": "41235",  # cold, hot, none
    "contact": "13452",
    "owner": "13452",
    "department": "14523",  # North, then South: Tom's, and the one that names it
}


def test_each_order_sorts_both_ways_and_pages_alike(five):
    assert set(ORDERS) == set(five.opportunities.shape.orders)

    def told(deals):
        return "".join({"X-1": "5"}.get(deal.reference, deal.reference[-1]) for deal in deals)

    for name in ORDERS:
        forwards = five.opportunities.order(name)
        assert told(forwards) == ORDERS[name]
        assert told(five.opportunities.order(f"-{name}")) == ORDERS[name][::-1]
        seen, cursor = "", None
        while cursor is not None or not seen:
            page = forwards.page(2, after=cursor)
            seen, cursor = seen + told(page), page.next
        assert seen == ORDERS[name]


def test_a_renamed_contact_is_found_by_its_new_name_alone(five):
    five.contacts.edit("Béatrice & Fils", name="Renard SA")
    assert numbers(five.opportunities.where(contact="renard sa")) == "2"
    assert numbers(five.opportunities.where(text="renard")) == "2"
    assert numbers(five.opportunities.where(text="beatrice")) == ""


def test_a_deleted_document_is_had_no_longer(five):
    (invoice,) = five.documents.where(type="invoice")
    five.documents.delete(invoice)
    assert numbers(five.opportunities.where(documents="invoice")) == ""
    assert numbers(five.opportunities.where(documents="quote")) == "12"


def test_deleting_a_field_erases_its_answers_and_says_how_many(five):
    history = len(five.opportunities.history("OPP/00001"))
    assert five.settings.fields.delete("How they found us") == 2
    assert five.opportunities["OPP/00001"].custom == {"wants": ("Speed", "Price"), "staff": -3, "site": "Leeds, North"}
    assert len(five.opportunities.history("OPP/00001")) == history + 1
    with pytest.raises(sp.Invalid, match="heard"):
        five.opportunities.where(custom={"heard": "Fair"}).count()
