"""Opportunities, documents, settings and reports through the face, on every store."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline.demo import demo

LINE = {"description": "Bay", "unit_price": "100.00"}


def create(sales, **given):
    return sales.opportunities.create(**({"contact": "Acme Ltd", "subject": "Shed", "lines": [LINE]} | given))


def test_every_problem_is_named_at_once_and_nothing_is_written(sales):
    with pytest.raises(sp.Invalid) as caught:
        create(
            sales, subject="", stage="Prospekt", tags=["VIP", "vop"], due=datetime(2026, 1, 1), lines=[], currency="XXQ"
        )
    assert [problem.path for problem in caught.value.problems] == [
        "subject",
        "due",
        "currency",
        "lines",
        "stage",
        "tags[1]",
    ]
    assert len(sales.opportunities) == 0
    assert create(sales).reference == "OPP/00001"  # the number was given back


def test_a_stale_record_conflicts_and_an_id_does_not(sales, deal):
    sales.opportunities.edit(deal, note="first")
    with pytest.raises(sp.Conflict):
        sales.opportunities.edit(deal, note="second")
    assert sales.opportunities.edit(deal.reference, note="second").note == "second"


def test_references_are_unique_in_any_case_and_automatic_ones_pass_over_typed_ones(sales):
    create(sales, reference="opp/00002")
    assert [create(sales).reference for _ in range(2)] == ["OPP/00001", "OPP/00003"]
    with pytest.raises(sp.Duplicate, match="opp/00002"):
        create(sales, reference="OPP/00002")


def test_winning_stamps_the_time_and_reopening_restores_the_estimate(sales, deal, clock):
    clock.forward(days=3)
    won = sales.opportunities.win(deal)
    assert (won.status, won.closed_at, won.percent(sales.settings.snapshot)) == (sp.Status.WON, clock.now, 100)
    again = sales.opportunities.reopen(won)
    assert (again.status, again.closed_at, again.percent(sales.settings.snapshot)) == (sp.Status.OPEN, None, 75)


def test_a_currency_changes_only_with_a_rate(sales, deal):
    with pytest.raises(sp.Invalid, match="rate="):
        sales.opportunities.edit(deal, currency="EUR")
    assert str(sales.opportunities.edit(deal, currency="EUR", rate="1.1725").value) == "9,849.20 EUR"


def test_filters_find_what_they_say(sales):
    create(sales, subject="Alpha", stage="Quotation sent", tags=["VIP"], due="2026-12-01", probability="Hot 75%")
    create(sales, subject="Béta", owner="tom", lines=[LINE | {"quantity": 50}], tags=["VIP", "Rush"])
    create(sales, subject="Gamma", currency="EUR", lines=[LINE | {"quantity": 99}], department="South")
    sales.opportunities.win("OPP/00003")
    expected = {
        "1": [
            {"stage": "quotation sent"},
            {"due__le": date(2026, 12, 31)},
            {"probability__ge": 50},
            {"subject": "ALPHA"},
        ],
        "2": [{"owner": "tom"}, {"value__ge": "5000 GBP"}, {"text": "beta"}, {"tags__all": ["VIP", "Rush"]}],
        "3": [{"status": "won"}, {"tags": None}, {"currency": "EUR"}, {"closed": date(2026, 11, 24)}],
        "12": [{"tags__any": ["VIP"]}, {"status__not": "won"}, {"closed": None}],
        "23": [{"department": "south"}, {"due": None}, {"reference__in": ["OPP/00002", "opp/00003"]}],
        "123": [{"contact": sales.contacts.get("acme ltd")}, {"reference__startswith": "opp/"}],
        "": [{"tags__none": ["VIP"], "status": "open"}, {"value__lt": "5 JPY"}],
    }
    for numbers, several in expected.items():
        for filters in several:
            found = sales.opportunities.where(**filters).order("reference")
            assert "".join(deal.reference[-1] for deal in found) == numbers, filters
            assert found.count() == len(numbers)


def test_pages_neither_skip_nor_repeat_while_others_insert(sales):
    for number in range(7):
        create(sales, subject=f"{number}", lines=[LINE | {"quantity": 1 + number % 3}])
    seen, cursor = [], None
    while True:
        page = sales.opportunities.order("-value").page(2, after=cursor)
        seen += [deal.subject for deal in page]
        create(sales, subject="late", lines=[LINE | {"quantity": 9}])  # it belongs before the first page
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == list("0123456")
    with pytest.raises(sp.Invalid, match="cursor"):
        sales.opportunities.order("created").page(2, after="xyz")


def test_a_stage_in_use_is_replaced_or_archived_never_just_deleted(sales, deal):
    with pytest.raises(sp.Refused, match="is used by 1 opportunity: archive"):
        sales.settings.stages.delete("Prospect")
    assert sales.settings.stages.delete("Prospect", replacement="Order signed") == 1
    assert sales.opportunities.get(deal.id).stage_id == sales.settings.stages["Order signed"].id
    sales.settings.stages.rename("Order signed", "Signed")
    sales.settings.stages.move("Signed", before="Quotation sent")
    assert [stage.label for stage in sales.settings.stages] == ["Signed", "Quotation sent"]
    assert sales.opportunities.where(stage="signed").count() == 1


def test_numbers_at_issue_have_no_gap_and_a_series_can_be_set(sales, deal):
    series = sales.settings.series.add("Invoices", "invoice", prefix="R-", pattern="000")
    sales.settings.series.set_next(series, 41)
    drafts = [sales.documents.draft(deal, "invoice") for _ in range(3)]
    sales.documents.delete(drafts[0])
    assert [sales.documents.mark_sent(one).reference for one in drafts[1:]] == ["R-041", "R-042"]


def test_a_credit_note_mirrors_its_invoice_and_a_revision_supersedes(sales, deal):
    quote = sales.documents.mark_sent(sales.documents.draft(deal, "quote"))
    revision = sales.documents.revise(quote, subject="Cheaper")
    assert (revision.reference, revision.revision, revision.subject) == ("QUO/00001-R1", 1, "Cheaper")
    with pytest.raises(sp.NotAllowed, match="later revision"):
        sales.documents.revise(quote.id)
    invoice = sales.documents.mark_sent(sales.documents.convert(revision, "invoice"))
    credit = sales.documents.convert(invoice, "credit_note")
    assert str(invoice.total + credit.total) == "0.00 GBP"
    assert sales.documents.get(sales.documents.pay(invoice.id, "80.00 GBP").id).balance == sp.Money("10000.00", "GBP")


def test_documents_are_copies_and_a_sent_one_is_deleted_only_by_force(sales, deal):
    quote = sales.documents.draft(deal, "quote")
    sales.documents.edit(quote, lines=[LINE])
    assert sales.opportunities.get(deal.id).lines == deal.lines
    sent = sales.documents.mark_sent(quote.id)
    with pytest.raises(sp.NotAllowed, match="force=True"):
        sales.documents.delete(sent)
    sales.documents.delete(sent, force=True)
    assert [one.action for one in sales.documents.history(sent.id)] == ["drafted", "edited", "marked sent", "deleted"]


moves = st.lists(st.sampled_from(["edit", "hold", "resume", "win", "lose", "reopen", "tag", "lines"]), max_size=12)


@given(moves)
def test_replaying_the_history_gives_every_past_version(steps):
    """(SPEC OPP-9)"""
    sales = demo(opportunities=1)
    deal = next(iter(sales.opportunities.where()))
    expected = list(sales.opportunities.versions(deal))
    assert expected[-1] == deal
    changes = {"edit": {"note": "n", "due": None}, "tag": {"tags": ["Rush"]}, "lines": {"lines": [LINE]}}
    for step, number in zip(steps, range(99), strict=False):
        if step in changes:
            after = sales.opportunities.edit(
                deal, **(changes[step] | ({"note": str(number)} if step == "edit" else {}))
            )
        elif sales.opportunities.can(deal, step):
            after = getattr(sales.opportunities, step)(deal)
        else:
            continue
        if after.version != deal.version:
            expected.append(after)
        deal = after
    assert sales.opportunities.versions(deal) == expected


def test_reports_never_add_currencies_and_count_exactly(sales, clock):
    start = clock.now
    for owner, status, quantity, currency in (
        ("jane", "won", 3, "GBP"),
        ("jane", "lost", 1, "GBP"),
        ("tom", "won", 2, "GBP"),
        ("tom", "won", 7, "EUR"),
    ):
        deal = create(sales, owner=owner, lines=[LINE | {"quantity": quantity}], currency=currency)
        move = sales.opportunities.win if status == "won" else sales.opportunities.lose
        move(deal, at=start + timedelta(days=2))
    create(sales, probability="Cold 10%", due="2027-01-15", lines=[LINE | {"unit_price": "99.99"}])
    assert [(r.name, r.won, r.lost, str(r.won_value), str(r.rate)) for r in sales.reports.conversion("owner")] == [
        ("Jane Whitfield", 1, 1, "300.00 GBP", "50.00"),
        ("Tom Okafor", 1, 0, "700.00 EUR", "100.00"),
        ("Tom Okafor", 1, 0, "200.00 GBP", "100.00"),
    ]
    coming = sales.reports.coming()
    assert [(row.month, row.count, str(row.value), str(row.weighted)) for row in coming] == [
        ("2027-01", 1, "99.99 GBP", "10.00 GBP")
    ]
    south = sales.reports.performance("department", department="South", currency="GBP")
    assert [(row.name, row.won, str(row.cycle_days)) for row in south] == [("South", 1, "2.00")]


def test_rows_are_escaped_in_a_notebook(sales):
    create(sales, subject="<img src=x onerror=alert(1)>")
    html = sales.opportunities._repr_html_()
    assert "&lt;img" in html
    assert "<img" not in html
    assert "<script" not in html
