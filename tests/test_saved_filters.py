"""Filters that are saved under a name, and criteria as JSON. (SPEC OPP-10)"""

from __future__ import annotations

import json

import pytest

import salespipeline as sp
from salespipeline.criteria import Criteria, as_data

LINE = {"description": "Bay", "unit_price": "100.00"}


@pytest.fixture
def deals(sales):
    """Three: the first is quoted, the last two are Tom's."""
    rows = [
        {"subject": "Alpha", "stage": "Quotation sent"},
        {"subject": "Beta", "owner": "tom"},
        {"subject": "Gamma", "owner": "tom", "lines": [LINE | {"quantity": 2}], "tags": ["VIP"]},
    ]
    return sales.opportunities.create_many({"contact": "Acme Ltd", "lines": [LINE]} | row for row in rows)


def subjects(listing):
    return [deal.subject for deal in listing]


def test_the_json_is_the_same_for_ever(sales, deals):
    """Written by this version, to be read by every later one: the stage by its id, days and amounts as people write them."""
    listing = sales.opportunities.where(
        stage="quotation SENT", tags__none=[sales.settings.tags["VIP"]], value__between=("1 GBP", sp.Money(5000, "GBP")),
        created__ge=sales.now(), custom={},
    ).order("-value")  # fmt: skip
    stage, tag = sales.settings.stages["Quotation sent"].id, sales.settings.tags["VIP"].id
    assert listing.criteria().to_json() == (
        '{"format": 1, "of": "opportunity", "order": "-value", "where": '
        f'[["stage", "{stage}"], ["tags__none", ["{tag}"]], ["value__between", ["1 GBP", "5000.00 GBP"]], '
        '["created__ge", "2026-11-24T09:30:00+00:00"], ["custom", {}]]}'
    )


def test_a_saved_filter_gives_filters_and_order_and_others_narrow_it(sales, deals):
    sales.settings.filters.add("Toms", sales.opportunities.where(owner="tom").order("-value"))
    assert subjects(sales.opportunities.where(saved="toms")) == ["Gamma", "Beta"]
    assert subjects(sales.opportunities.where(saved="Toms").order("value")) == ["Beta", "Gamma"]
    assert subjects(sales.opportunities.where(saved="Toms", tags="VIP")) == ["Gamma"]
    assert subjects(sales.opportunities.where(subject="Beta").where(saved="Toms")) == ["Beta"]
    assert subjects(sales.opportunities.where(saved="Toms").page(1)) == ["Gamma"]
    assert sales.opportunities.where(saved="Toms").each().hold().count("changed") == 2
    assert [row.stage for row in sales.reports.pipeline(saved="Toms")] == ["Prospect"]


def test_a_saved_filter_survives_renaming_and_names_what_is_gone(sales, deals):
    saved = sales.settings.filters.add("Quoted", sales.opportunities.where(stage="Quotation sent"))
    sales.settings.stages.rename("Quotation sent", "Quoted")
    sales.settings.stages.archive("Quoted")
    assert subjects(sales.opportunities.where(saved=saved)) == ["Alpha"]
    sales.settings.stages.restore("Quoted")
    sales.settings.stages.delete("Quoted", replacement="Prospect")
    with pytest.raises(sp.Invalid) as caught:
        sales.opportunities.where(saved="Quoted").count()
    assert [(one.path, one.code) for one in caught.value.problems] == [("saved.stage", "unknown")]


def test_others_find_what_is_shared_and_their_own_goes_first(sales, deals):
    toms = sales.acting("tom")
    sales.settings.filters.add("Mine", sales.opportunities.where(owner="jane"))
    sales.settings.filters.add("Open", sales.opportunities.where(owner="jane"), shared=True)
    assert [one.label for one in toms.settings.filters] == ["Open"]
    with pytest.raises(sp.Invalid, match="no saved filter is called 'Mine': there are 'Open'"):
        list(toms.opportunities.where(saved="Mine"))
    assert subjects(toms.opportunities.where(saved="Open")) == ["Alpha"]
    toms.settings.filters.add("open", toms.opportunities.where(owner="tom"))
    assert sorted(subjects(toms.opportunities.where(saved="Open"))) == ["Beta", "Gamma"]
    assert subjects(sales.opportunities.where(saved="Open")) == ["Alpha"]
    for do in (lambda: toms.settings.filters.delete(sales.settings.filters["Open"].id),
               lambda: toms.settings.filters.edit(sales.settings.filters["Open"].id, shared=False),
               lambda: toms.settings.filters.archive(sales.settings.filters["Open"].id)):  # fmt: skip
        with pytest.raises(sp.Refused, match="is jane's"):
            do()
    with pytest.raises(sp.Duplicate):
        toms.settings.filters.add("OPEN", toms.opportunities.all())


def test_what_is_saved_is_changed_archived_and_told_of(sales, deals):
    filters = sales.settings.filters
    saved = filters.add("Toms", sales.opportunities.where(owner="tom"))
    filters.edit("Toms", criteria=sales.opportunities.where(owner="jane"), shared=True)
    assert subjects(sales.opportunities.where(saved="Toms")) == ["Alpha"]
    with pytest.raises(sp.Conflict):
        filters.edit(saved, label="Late")
    filters.archive("Toms")
    assert (len(filters), subjects(sales.opportunities.where(saved="Toms"))) == (0, ["Alpha"])
    assert [one.action for one in filters.history(saved)] == ["added", "edited", "edited"]
    filters.delete("Toms")
    with pytest.raises(sp.Invalid, match="no saved filter is called"):
        list(sales.opportunities.where(saved=saved))


def test_each_kind_of_list_has_filters_of_its_own(sales, deals):
    sales.documents.draft(deals[0], "quote")
    sales.settings.filters.add("Quotes", sales.documents.where(type="quote", sent=False))
    assert sales.documents.where(saved="Quotes").count() == 1
    with pytest.raises(sp.Invalid, match="no saved filter is called 'Quotes'"):
        list(sales.opportunities.where(saved="Quotes"))
    with pytest.raises(sp.Invalid, match="these criteria are of a document, and an opportunity is listed"):
        sales.opportunities.all().fitting(sales.documents.all().criteria())


def test_everything_that_is_wrong_is_said_when_it_is_saved(sales):
    filters = sales.settings.filters
    text = json.dumps(
        {
            "format": 1,
            "of": "opportunity",
            "order": "size",
            "where": [["stage", "Nowhere"], ["due__ge", "soon"], ["wait", 1]],
        }
    )
    with pytest.raises(sp.Invalid) as caught:
        filters.add("Wrong", text)
    assert [(one.path, one.code) for one in caught.value.problems] == [
        ("order", "unknown"), ("stage", "unknown"), ("due__ge", "date"), ("wait", "unknown"),
    ]  # fmt: skip
    assert len(filters) == 0


FORMS = {
    "not JSON": ("{", ["json"]),
    "no object": ("[]", ["type"]),
    "a newer format": ('{"format": 2, "of": "opportunity"}', ["newer"]),
    "nothing": ("{}", ["format", "type"]),
    "pairs": ('{"format": 1, "of": "job", "where": [["a"], 3, ["a", 1, 2], [1, 2]]}', ["type"] * 4),
    "a mapping": ('{"format": 1, "of": 5, "where": {"a": 1}, "order": 4, "x": 1}', ["unknown", "type", "type", "type"]),
    "no number": ('{"format": NaN, "of": "job"}', ["json"]),
    "deep": ("[" * 100_000, ["json"]),
    "long": (" " * 200_000, ["long"]),
    "NUL": ('{"format": 1, "of": "job", "\\u0000": 1}', ["unknown"]),
    "bytes": (b"{}", ["type"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_json_of_another_form_is_refused_with_every_problem(form):
    text, codes = FORMS[form]
    with pytest.raises(sp.Invalid) as caught:
        Criteria.read(text)
    assert [one.code for one in caught.value.problems] == codes


def test_values_of_another_type_in_json_are_refused_like_any(sales):
    for value in (1.5, [["a"]], {"a": 1}, True):
        text = json.dumps(
            {"format": 1, "of": "opportunity", "where": [["stage", value], ["due", value], ["tags__any", value]]}
        )
        with pytest.raises(sp.Invalid):
            sales.opportunities.all().fitting(text).count()


def test_a_slice_is_not_saved(sales):
    with pytest.raises(sp.Invalid, match="not a slice of it"):
        sales.opportunities.all()[:5].criteria()


@pytest.mark.parametrize("value", [object(), 1.5, b"x", [object()], {"a": [1.5]}])
def test_what_no_json_can_hold_is_refused(value):
    with pytest.raises(sp.Invalid, match="cannot be kept in a saved filter"):
        as_data(value, "x")
