"""One change of many opportunities: by the rules of a single one, with what became of each. (SPEC OPP-5 to OPP-9)"""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import each as module
from salespipeline.errors import StorageFull, Unavailable

LINE = sp.Line("Racking, bay", quantity=2, unit_price="210.00", tax="20")


@pytest.fixture
def deals(sales):
    """Seven of them: the third is lost, the fifth is on hold."""
    rows = [{"contact": "Acme Ltd", "subject": f"Bay {number}", "lines": [LINE]} for number in range(1, 8)]
    made = sales.opportunities.create_many(rows)
    made[2] = sales.opportunities.lose(made[2], "price")
    made[4] = sales.opportunities.hold(made[4])
    return made


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Take the opportunities three at a time."""
    monkeypatch.setattr(module, "CHUNK", 3)


def outcomes(report):
    return [str(row.outcome) for row in report]


def ask(sales):
    return sales.opportunities.all().order("reference")


def told(sales, deal):
    return [(one.action, one.by, one.changes, one.title) for one in sales.opportunities.history(deal)]


MOVES = {
    "edit": {"stage": "Order signed", "owner": "tom", "custom": {}, "note": "Café"},
    "hold": {},
    "resume": {},
    "win": {},
    "lose": {"reason": "price", "note": ""},
    "reopen": {},
}


@pytest.mark.parametrize("verb", [*MOVES, "tag", "untag"])
def test_each_move_does_to_many_what_it_does_to_one(sales, deals, verb):
    """SPEC OPP-9: the same records, and the same entries in the history."""
    names = ("VIP", "Rush") if verb in ("tag", "untag") else ()
    if verb == "untag":
        deals[0] = sales.opportunities.tag(deals[0], "VIP")
    facts = MOVES.get(verb, {})
    singly, why = [], []
    try:
        with sales.transaction():
            for deal in deals:
                try:
                    after = getattr(sales.opportunities, verb)(deal, *names, **facts)
                    singly.append((after, told(sales, deal)))
                    why.append("unchanged" if after == deal else "changed")
                except sp.Refused as error:
                    singly.append((deal, told(sales, deal)))
                    why.append(str(error))
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    report = getattr(ask(sales).each(), verb)(*names, **facts)
    assert [(sales.opportunities[deal.id], told(sales, deal)) for deal in deals] == singly
    assert [row.reason or str(row.outcome) for row in report] == why
    assert [row.id for row in report] == [deal.id for deal in deals]
    assert "changed" in why


def test_deleting_many_is_deleting_each(sales, deals):
    report = sales.opportunities.where(status="open").each().delete()
    assert (report.count("changed"), report.ok, len(sales.opportunities)) == (5, True, 2)
    assert sales.opportunities.history(deals[0])[-1].action == "deleted"
    assert {deal.id for deal in sales.opportunities.deleted()} == {row.id for row in report}


def test_the_ones_that_fit_are_read_once_though_the_change_makes_them_fit_no_longer(sales, deals):
    report = sales.opportunities.where(status="open").order("reference")[1:].each().hold()
    assert [row.reference for row in report] == ["OPP/00002", "OPP/00004", "OPP/00006", "OPP/00007"]
    assert sales.opportunities.where(status="on_hold").count() == 5


def test_a_refusal_leaves_the_others_alone(sales, deals):
    report = ask(sales).each().win()
    assert outcomes(report) == ["changed", "changed", "refused", "changed", "changed", "changed", "changed"]
    assert report.rows[2].reason == "Opportunity 'OPP/00003' cannot win: it is lost; reopen() it first."
    assert not report.ok
    assert sales.opportunities.where(status="won").count() == 6


def test_abort_stops_behind_the_first_refusal_and_keeps_what_was_before(sales, deals):
    report = ask(sales).each(on_error="abort").win()
    assert outcomes(report) == ["changed", "changed", "refused", "left", "left", "left", "left"]
    assert report.stopped == f"stopped at the first refusal: {report.rows[2].reason}"
    assert sales.opportunities.where(status="won").count() == 2


def test_undo_keeps_nothing_where_one_is_refused_and_says_all_that_are(sales, deals):
    sales.opportunities.win(deals[6])
    before = whole(sales)
    report = ask(sales).each(on_error="undo").win()
    assert outcomes(report) == ["undone", "undone", "refused", "undone", "undone", "undone", "refused"]
    assert report.stopped == "nothing was kept, for 2 of 7 were refused"
    assert whole(sales) == before
    assert outcomes(ask(sales).each(on_error="undo").edit(owner="tom")) == ["changed"] * 7
    assert sales.opportunities.where(owner="tom").count() == 7


def test_what_is_wrong_with_the_values_is_said_of_each_with_every_problem(sales, deals):
    before = whole(sales)
    report = ask(sales).each().edit(stage="Prospekt", due="tomorrow", tags=["VIP", "Vop"])
    assert outcomes(report) == ["refused"] * 7
    assert [(one.path, one.code) for one in report.rows[6].problems] == [
        ("due", "date"),
        ("stage", "unknown"),
        ("tags[1]", "unknown"),
    ]
    assert whole(sales) == before


@pytest.mark.parametrize("on_error", ["continue", "undo"])
def test_a_reference_that_is_taken_is_refused_to_all_but_one(sales, deals, on_error):
    """The store finds it only when it puts them: the others of that transaction are kept all the same."""
    report = ask(sales).each(on_error=on_error).edit(reference="X-1", note="new")
    kept = "changed" if on_error == "continue" else "undone"
    assert outcomes(report) == [kept] + ["refused"] * 6
    assert "another opportunity has the reference 'x-1' already" in report.rows[1].reason
    references = {deal.reference for deal in sales.opportunities}
    assert ("X-1" in references) == (on_error == "continue")
    activities = sum(len(sales.opportunities.history(deal)) for deal in deals)
    assert activities == 9 + (on_error == "continue")


def test_exactly_these_may_be_named(sales, deals):
    stale = deals[0]
    sales.opportunities.edit(stale, note="meanwhile")
    report = sales.opportunities.each([stale, deals[1], "opp/00004", deals[5].id, "OPP/99999", "OPP/00007"]).hold()
    assert outcomes(report) == ["refused", "changed", "changed", "changed", "refused", "changed"]
    assert "version 1, version 2 is kept" in report.rows[0].reason.replace("you have ", "")
    assert report.rows[4].reason == "no opportunity has the id or reference 'OPP/99999'"
    again = sales.opportunities.each([deals[1].id, "OPP/00002", deals[1].id]).resume()
    assert [(str(row.outcome), row.reason) for row in again] == [
        ("changed", ""),
        ("unchanged", "it was named before"),
        ("unchanged", "it was named before"),
    ]


@pytest.mark.parametrize("wrong", ["OPP/00001", 7, None, ["OPP/00001", 7, None]])
def test_what_names_no_opportunities_is_refused_at_once(sales, wrong):
    with pytest.raises(sp.Invalid) as caught:
        sales.opportunities.each(wrong)
    assert {problem.code for problem in caught.value.problems} == {"type"}
    assert len(caught.value.problems) == (2 if isinstance(wrong, list) else 1)


def test_progress_is_told_of_what_is_kept(sales, deals):
    seen = []

    def progress(done, total, row):
        seen.append((done, total, row.reference, str(row.outcome), sales.opportunities[row.id].owner_id))

    ask(sales)[:5].each(progress=progress).edit(owner="tom")
    assert seen == [(number, 5, f"OPP/0000{number}", "changed", "tom") for number in range(1, 6)]


def test_in_a_transaction_of_the_caller_the_whole_of_it_decides(sales, deals):
    before = whole(sales)
    reports = []

    def spoilt():
        with sales.transaction():
            reports.append(ask(sales).each().edit(reference="X-1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spoilt()
    assert outcomes(reports[0]) == ["changed"] + ["refused"] * 6
    assert whole(sales) == before
    with sales.transaction():
        with pytest.raises(sp.Invalid, match="'undo' takes a whole transaction back"):
            ask(sales).each(on_error="undo").hold()
        ask(sales).each().edit(reference="X-1")
    assert "X-1" in sales.opportunities


def test_an_unknown_choice_is_refused(sales):
    with pytest.raises(sp.Invalid, match="on_error is 'continue', 'abort' or 'undo'"):
        sales.opportunities.all().each(on_error="skip")


def test_a_store_that_fails_on_the_way_leaves_what_is_kept_and_the_rest_is_said(sales, deals, monkeypatch):
    """What was kept before is kept; where nothing was, the error itself comes out."""
    real, opened = type(sales.store).transaction, []

    @contextmanager
    def full_later(store, *, write=True):
        with real(store, write=write) as tx:
            opened.append(write)
            if opened.count(True) > room:
                raise StorageFull("the disk is full")
            yield tx

    monkeypatch.setattr(type(sales.store), "transaction", full_later)
    room = 2
    report = ask(sales).each().edit(owner="tom")
    assert outcomes(report) == ["changed"] * 6 + ["left"]
    assert report.stopped == "storage: the disk is full"
    opened.clear()
    room = 0
    with pytest.raises(StorageFull):
        ask(sales).each().edit(owner="jane")


def test_who_was_in_the_way_is_waited_for(sales, deals, monkeypatch):
    real, failing = type(sales.store).transaction, [True, True]

    @contextmanager
    def busy(store, *, write=True):
        with real(store, write=write) as tx:
            yield tx
            if write and failing:
                failing.pop()
                raise Unavailable("busy", retry=True)

    monkeypatch.setattr(type(sales.store), "transaction", busy)
    assert outcomes(ask(sales).each().edit(owner="tom")) == ["changed"] * 7
    assert [len(sales.opportunities.history(deal)) for deal in deals] == [2, 2, 3, 2, 3, 2, 2]


def test_the_report_says_it_in_rows_and_in_words(sales, deals):
    report = ask(sales).each().win()
    assert str(report) == (
        "Won: 6 changed, 1 refused\n"
        "  refused: OPP/00003: Opportunity 'OPP/00003' cannot win: it is lost; reopen() it first."
    )
    assert report.to_dicts()[2] == {
        "reference": "OPP/00003",
        "subject": "Bay 3",
        "outcome": "refused",
        "reason": "Opportunity 'OPP/00003' cannot win: it is lost; reopen() it first.",
    }
    assert report._repr_html_().index("refused") < report._repr_html_().index("Bay 1")
    assert str(sales.opportunities.where(owner="nobody").each().hold()) == "Put on hold: nothing to do"
