"""The rules of the opportunity through the face, on every store. (SPEC OPP-1 to OPP-8, EXT-3)"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline.domain.opportunity import MOVES

LINE = {"description": "Bay", "unit_price": "100.00", "quantity": 2}


def create(sales, **given):
    return sales.opportunities.create(**({"contact": "Acme Ltd", "subject": "Shed", "lines": [LINE]} | given))


def test_opp_1_the_currency_is_the_organisations_unless_said_and_changes_only_with_a_rate(sales):
    assert create(sales).currency == "GBP"
    sales.settings.edit_organisation(currency="KWD")
    deal = create(sales, lines=[LINE | {"discount": "1.5", "cost": "60.001"}])
    assert (deal.currency, str(deal.value)) == ("KWD", "198.500 KWD")
    with pytest.raises(sp.Invalid, match="1 KWD = rate JPY"):
        sales.opportunities.edit(deal, currency="JPY")
    for rate in (0, -1, "x", 1.5):
        with pytest.raises(sp.Invalid):
            sales.opportunities.edit(deal, currency="JPY", rate=rate)
    yen = sales.opportunities.edit(deal, currency="JPY", rate="489.125")
    line = yen.lines[0]
    assert (str(yen.value), line.unit_price, line.discount.amount, line.cost) == ("97,092 JPY", 48913, 734, 29348)
    euros = sales.opportunities.edit(yen, currency="EUR", lines=[LINE])
    assert str(euros.value) == "200.00 EUR"
    assert create(sales, currency="USD").currency == "USD"


def test_opp_2_there_is_always_a_line(sales, deal):
    with pytest.raises(sp.Invalid, match="at least one line item is needed: add"):
        create(sales, lines=[])
    with pytest.raises(sp.Invalid, match="at least one line item"):
        sales.opportunities.edit(deal, lines=())


def test_opp_3_lines_are_free_or_copied_from_items_and_sets_and_later_changes_touch_none(sales):
    items = sales.settings.items
    rate = sales.settings.tax_rates.add("T1", "20")
    items.add("BAY", "Racking, bay", price="210", cost="120.50", tax="T1", unit="pc", group="Racking")
    items.add("FIT", "Installation", price="45", tax=rate)
    items.add("KIT", "Bay, installed", parts=[("BAY", 2), ("FIT", "1.5")])
    deal = create(
        sales, lines=[LINE, {"item": "bay", "quantity": 3, "discount": "10%"}, {"item": "KIT", "quantity": 2}]
    )
    told = [
        (one.source, one.description, str(one.quantity), str(one.unit_price), str(one.tax.percent))
        for one in deal.lines
    ]
    assert told == [
        ("free", "Bay", "2", "100.00", "0"),
        ("item", "Racking, bay", "3", "210", "20"),
        ("item", "Racking, bay", "4", "210", "20"),
        ("item", "Installation", "3.0", "45", "20"),
    ]
    assert (deal.lines[1].cost, deal.lines[1].unit, deal.lines[1].source_id) == (120.5, "pc", items["BAY"].id)
    items.edit("BAY", price="999", description="Other")
    items.delete("KIT")
    items.edit("FIT", archived=True)
    assert sales.opportunities[deal.id].lines == deal.lines
    with pytest.raises(sp.Invalid, match="'FIT' is archived"):
        create(sales, lines=[{"item": "FIT"}])
    items.add("EUR", "In euros", price="5", currency="EUR")
    with pytest.raises(sp.Invalid, match="price in EUR, not GBP"):
        create(sales, lines=[{"item": "EUR"}])
    assert str(create(sales, lines=[{"item": "EUR", "unit_price": "4.40"}]).value) == "4.40 GBP"


def test_set_7_a_line_may_name_its_tax_by_the_code_of_a_rate_or_give_a_free_percentage(sales):
    rate = sales.settings.tax_rates.add("T1", "17.5", description="Reduced")
    deal = create(sales, lines=[LINE | {"tax": "t1"}, LINE | {"tax": "17.5%"}, sp.Line("x", unit_price=1, tax=rate)])
    assert [(str(one.tax.percent), one.tax.code) for one in deal.lines] == [
        ("17.5", "T1"),
        ("17.5", ""),
        ("17.5", "T1"),
    ]
    sales.settings.tax_rates.archive(rate)
    with pytest.raises(sp.Invalid, match=r"lines\[0\].tax: the tax rate 'T1' is archived"):
        create(sales, lines=[LINE | {"tax": "T1"}])


def test_opp_4_a_person_belongs_to_the_contact_and_stays_behind_when_it_changes(sales):
    acme = sales.contacts.add_person("Acme Ltd", "Zoë Field")
    sales.contacts.add("Harlow Foods")
    deal = create(sales, person="zoe field")
    assert deal.person_id == acme.persons[0].id
    moved = sales.opportunities.edit(deal, contact="Harlow Foods")
    assert (moved.contact_id, moved.person_id) == (sales.contacts["Harlow Foods"].id, None)
    with pytest.raises(sp.Invalid, match="nobody called 'Zoë Field' is known at Harlow Foods"):
        sales.opportunities.edit(moved, person="Zoë Field")


def test_opp_5_a_typed_reference_may_come_at_any_time_and_archived_choices_stay_with_who_has_them(sales):
    deal = create(sales, stage="Quotation sent", probability="Cold 10%", tags=["VIP", "Rush", "VIP"])
    assert len(deal.tags) == 2
    deal = sales.opportunities.edit(deal, reference="Ålesund 7")
    assert sales.opportunities["alesund 7"] == deal
    for kind, label in (("stages", "Quotation sent"), ("probabilities", "Cold 10%"), ("tags", "VIP")):
        getattr(sales.settings, kind).archive(label)
    kept = sales.opportunities.edit(deal, stage="Quotation sent", probability="Cold 10%", tags=["VIP"])
    assert (kept.stage_id, kept.tags) == (deal.stage_id, deal.tags[:1])
    for given in ({"stage": "Quotation sent"}, {"probability": "Cold 10%"}, {"tags": ["VIP"]}):
        with pytest.raises(sp.Invalid, match="is archived"):
            create(sales, **given)
    cleared = sales.opportunities.edit(kept, probability=None, due=None, tags=[])
    assert (cleared.probability_id, cleared.due, cleared.tags) == (None, None, ())


FROM = {
    "open": {"edit", "hold", "win", "lose", "delete"},
    "on_hold": {"edit", "resume", "win", "lose", "delete"},
    "won": {"edit", "reopen", "delete"},
    "lost": {"edit", "reopen", "delete"},
}


def in_status(sales, status):
    deal = create(sales)
    move = {"on_hold": sales.opportunities.hold, "won": sales.opportunities.win, "lost": sales.opportunities.lose}
    return move[status](deal) if status in move else deal


@pytest.mark.parametrize("status", FROM)
def test_opp_6_can_and_the_move_itself_agree_in_every_status(sales, status):
    do = sales.opportunities
    for move in MOVES:
        deal = in_status(sales, status)
        verdict = do.can(deal, move)
        assert bool(verdict) == (move in FROM[status]) == bool(do.can(deal.reference, move))
        before = whole(sales)
        change = {"note": "x"} if move == "edit" else {}
        if verdict:
            getattr(do, move)(deal, **change)
        else:
            with pytest.raises(sp.NotAllowed) as caught:
                getattr(do, move)(deal)
            assert str(caught.value) == verdict.reason
            assert deal.reference in verdict.reason
            assert whole(sales) == before
    with pytest.raises(sp.Invalid, match="'fly' is not one of edit, hold"):
        do.can(create(sales), "fly")


def test_opp_6_closing_stamps_the_local_day_and_reopening_restores_the_estimate(sales, clock):
    sales.settings.edit_organisation(time_zone="Pacific/Auckland")
    deal = create(sales, probability="Hot 75%")
    assert deal.created_on == date(2026, 11, 24)
    clock.forward(hours=3)
    lost = sales.opportunities.lose(deal, "too dear\nfor them")
    assert (lost.closed_at, lost.closed_on, lost.lost_reason) == (clock.now, date(2026, 11, 25), "too dear\nfor them")
    settings = sales.settings.snapshot
    assert [int(one.percent(settings)) for one in (deal, lost)] == [75, 0]
    again = sales.opportunities.reopen(lost)
    assert (again.closed_at, again.closed_on, again.lost_reason, again.percent(settings)) == (None, None, "", 75)
    assert (again.stage_id, again.probability_id) == (deal.stage_id, deal.probability_id)
    with pytest.raises(sp.Invalid, match="before it was created"):
        sales.opportunities.win(again, at=deal.created_at - timedelta(seconds=1))
    with pytest.raises(sp.Invalid, match="naive"):
        sales.opportunities.win(again, at=datetime(2027, 1, 1))


def test_opp_7_the_creator_owns_unless_another_is_named_and_the_department_is_the_owners(sales):
    settings = sales.settings.snapshot
    deal = create(sales)
    assert (deal.owner_id, settings.department_of(deal.owner_id, deal.department)) == ("jane", "North")
    toms = create(sales.acting("tom"))
    assert (toms.owner_id, toms.created_by) == ("tom", "tom")
    given = sales.opportunities.edit(deal, owner="Tom Okafor")
    assert sales.opportunities.where(department="South").count() == 2
    own = sales.opportunities.edit(given, department="North")
    assert sales.opportunities.where(department="North").ids() == [own.id]
    sales.settings.users.edit("tom", department="West")
    assert sales.opportunities.where(department="West").ids() == [toms.id]
    stranger = create(sales.acting("robot"))
    assert stranger.owner_id == "robot"  # the host says who acts, known to the settings or not


def test_opp_8_what_is_deleted_leaves_its_history_and_its_documents(sales, deal):
    quote = sales.documents.draft(deal, "quote")
    sales.opportunities.delete(deal)
    with pytest.raises(sp.NotFound):
        sales.opportunities.get(deal.reference)
    assert sales.documents[quote.id].opportunity_id == deal.id
    assert [one.action for one in sales.opportunities.history(deal.id)] == ["created", "deleted"]


def test_a_record_conflicts_where_it_is_stale_and_an_id_or_a_reference_never(sales, deal):
    do = sales.opportunities
    do.edit(deal, note="first")
    before = whole(sales)
    for call in (
        lambda: do.edit(deal, note="second"),
        lambda: do.win(deal),
        lambda: do.hold(deal),
        lambda: do.delete(deal),
    ):
        with pytest.raises(sp.Conflict, match="you have version 1, version 2 is kept"):
            call()
    assert whole(sales) == before
    assert do.edit(deal.id, note="by id").version == 3
    assert do.edit("opp/00001", note="by reference").version == 4
    assert do.edit(do["OPP/00001"], note="by reference").version == 4  # nothing changed: nothing was written


def test_ext_3_the_same_inputs_give_the_same_bytes(url, opened, tmp_path, postgres_again):
    def story(sales):
        sales.settings.stages.add("Prospect", "Signed")
        sales.settings.tags.add("VIP", colour="red")
        sales.settings.fields.add("opportunity", "staff", "Staff", "integer")
        sales.contacts.add("Acme Ltd")
        deal = create(sales, tags=["VIP"], custom={"staff": 3}, at=datetime(2026, 1, 2, tzinfo=UTC))
        sales.opportunities.win(sales.opportunities.edit(deal, stage="Signed"))
        quote = sales.documents.draft(deal.id, "quote")
        sales.documents.mark_sent(quote)
        return whole(sales), sales.reports.pipeline().to_dicts(), sales.reports.conversion().to_dicts()

    def counting():
        counter = itertools.count(1)
        return lambda: f"id{next(counter):08d}"

    first = story(opened(url, ids=counting()))
    second = story(opened(postgres_again(url), ids=counting()))
    assert first == second


@pytest.fixture
def postgres_again(tmp_path):
    """Say where a second store of the same sort begins empty."""

    def again(url):
        if url.startswith("postgresql"):
            from tests.stores.postgres_server import fresh, with_options

            return with_options(url, workspace=fresh())
        return url if url == "memory:" else f"sqlite:///{tmp_path / 'again.db'}"

    return again
