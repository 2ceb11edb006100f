"""What a policy can rely on, and what can rely on it."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Hands

import salespipeline as sp
from salespipeline.catalog import index_of
from salespipeline.codec import encode
from salespipeline.domain.document import Document
from salespipeline.domain.opportunity import Opportunity
from salespipeline.importing import import_opportunities
from salespipeline.permissions import Action, Verdict
from salespipeline.query import Query

LINE = {"description": "Racking", "unit_price": "100"}
Opened = Callable[..., sp.Sales]


class South:
    """bob sees what bob owns; whoever else acts sees and does everything. *told* is what it was asked."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def __call__(self, actor: str, action: Action, record: Any) -> Any:
        self.told.append((actor, str(action), type(record).__name__))
        if actor != "bob":
            return True
        return action in ("read", "report") and (
            not isinstance(record, Opportunity | Document) or record.owner_id == "bob"
        )


class SouthByFilters(South):
    def filters(self, actor: str, _action: Action, kind: str) -> Any:
        return {"owner": "bob"} if actor == "bob" and kind in ("opportunity", "document") else {}


POLICIES = pytest.mark.parametrize("policy", [South, SouthByFilters])


def filled(sales: sp.Sales, number: int = 0) -> sp.Sales:
    """Return *sales* with stages, users, and *number* deals, of which every third is bob's."""
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    sales.settings.stages.add("Prospect", "Quoted")
    for name in ("jane", "bob"):
        sales.settings.users.add(name.title(), id=name, email=f"{name}@northgate.example")
    acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
    rows = [
        {"contact": acme, "subject": f"Deal {at:03}", "lines": [LINE | {"quantity": at + 1}], "owner": ("bob", "jane", "jane")[at % 3]}
        for at in range(number)
    ]  # fmt: skip
    sales.opportunities.create_many(rows)
    return sales


# --- reading --------------------------------------------------------------------------------------------------------


@POLICIES
def test_pages_counts_and_sums_are_of_what_is_seen(url: str, opened: Opened, policy: type[South]) -> None:
    sales = filled(opened(url, policy=policy()), 60)
    bob = sales.acting("bob")
    deals = bob.opportunities.order("-value")
    first = deals.page(7)
    pages, after = [len(first)], first.next
    subjects = [deal.subject for deal in first]
    sales.opportunities.create(contact="Acme Ltd", subject="New on top", lines=[LINE | {"quantity": 1000}], owner="bob")
    while after is not None:
        page = deals.page(7, after)
        pages.append(len(page))
        subjects += [deal.subject for deal in page]
        after = page.next
    assert pages == [7, 7, 6]
    assert subjects == [f"Deal {at:03}" for at in range(57, -1, -3)]
    assert bob.opportunities.count() == len(bob.opportunities) == 21
    (row,) = bob.reports.pipeline()
    assert (row.count, str(row.value)) == (21, "159,000.00 GBP")  # 100 × (1 + 4 + … + 58), and 100,000


def test_a_cursor_of_somebody_else_shows_nothing_more(opened: Opened) -> None:
    sales = filled(opened("memory:", policy=SouthByFilters()), 30)
    of_jane = sales.opportunities.order("created").page(4).next
    assert [deal.owner_id for deal in sales.acting("bob").opportunities.order("created").page(3, of_jane)] == [
        "bob"
    ] * 3


def test_filters_are_answered_by_the_store_and_nothing_is_judged(opened: Opened) -> None:
    policy = SouthByFilters()
    sales = filled(opened("memory:", policy=policy), 30)
    bob = sales.acting("bob")
    policy.told.clear()
    assert bob.opportunities.count() == 10
    assert len(bob.opportunities.page(5)) == 5
    assert bob.documents.count() == 0
    assert policy.told == []


def test_a_function_is_asked_about_each_record_once_in_a_transaction(opened: Opened) -> None:
    policy = South()
    sales = filled(opened("memory:", policy=policy), 6)
    deal = sales.opportunities.where(owner="bob").first()
    for at in range(5):
        sales.notes.add(deal, f"Note {at}")
    policy.told.clear()
    bob = sales.acting("bob")
    with bob.work(write=False) as work:
        assert len(list(work.find(Query(kind="note")))) == 5
        assert len(list(work.find(Query(kind="note")))) == 5
    assert policy.told.count(("bob", "read", "Opportunity")) == 1


@POLICIES
def test_what_belongs_to_a_record_is_seen_with_it_alone(url: str, opened: Opened, policy: type[South]) -> None:
    sales = filled(opened(url, policy=policy()), 2)
    his, hers = (sales.opportunities.where(owner=owner).one() for owner in ("bob", "jane"))
    for deal in (his, hers):
        quote = sales.documents.draft(deal, "quote", owner="bob")
        sales.attachments.add(quote, f"{deal.subject}.txt", b"...", audience="both")
        sales.jobs.create(deal.subject, opportunity=deal)
    bob = sales.acting("bob")
    assert [file.name for file in bob.attachments] == [f"{his.subject}.txt"]
    assert [quote.subject for quote in bob.documents] == [his.subject]
    assert [job.subject for job in bob.jobs] == [his.subject]
    assert {did.opportunity_id for did in bob.activities.where(kind="attachment")} == {his.id}
    sales.jobs.unlink(sales.jobs.where(opportunity=hers).one())
    assert bob.jobs.count() == 2  # it belongs to nothing any more


@POLICIES
def test_what_was_deleted_is_told_to_whoever_could_see_it(opened: Opened, policy: type[South]) -> None:
    sales = filled(opened("memory:", policy=policy()), 3)
    for deal in list(sales.opportunities):
        sales.opportunities.delete(deal)
    bob = sales.acting("bob")
    (gone,) = bob.opportunities.deleted()
    assert (gone.subject, len(bob.opportunities.history(gone))) == ("Deal 000", 2)
    assert [deal.subject for deal in bob.opportunities.as_of(sales.now() - timedelta(days=1))] == []
    hers = next(deal for deal in sales.opportunities.deleted() if deal.owner_id == "jane")
    assert bob.opportunities.history(hers.id) == []
    with pytest.raises(sp.NotFound, match="no deleted opportunity"):
        bob.opportunities.restore(hers.id)


def test_reports_are_asked_for_beside_reading(opened: Opened) -> None:
    def policy(_actor: str, action: Action, record: Any) -> bool:
        return action != "report" or record.owner_id == "bob"

    sales = filled(opened("memory:", policy=policy), 6)
    assert sales.opportunities.count() == 6
    assert [row.count for row in sales.reports.pipeline()] == [2]


def test_exports_are_asked_for_beside_reading(opened: Opened) -> None:
    def policy(_actor: str, action: Action, record: Any) -> bool:
        return action != "export" or (isinstance(record, Opportunity) and record.owner_id == "bob")

    sales = filled(opened("memory:", policy=policy), 3)
    for listed in (sales.opportunities, sales.opportunities.order("subject")):
        assert [line.count("Deal") for line in listed.to_csv().splitlines()] == [0, 1]
    assert (len(sales.contacts.to_dicts()), len(sales.contacts.to_csv().splitlines())) == (1, 1)
    assert len(sales.activities.to_csv().splitlines()) == 1 + sum(
        did.record_id == sales.opportunities.where(owner="bob").one().id or did.record_kind == "setting"
        for did in sales.activities
    )


def test_a_file_is_downloaded_only_where_that_is_allowed(opened: Opened) -> None:
    def policy(_actor: str, action: Action, _record: Any) -> bool:
        return action != "download"

    sales = filled(opened("memory:", policy=policy), 1)
    deal = sales.opportunities.all().one()
    file = sales.attachments.add(deal, "plan.txt", b"...", audience="both")
    assert sales.attachments.of(deal).count() == 1
    with pytest.raises(sp.NotFound):
        sales.attachments.content(file)


# --- denying --------------------------------------------------------------------------------------------------------


def test_what_may_be_read_and_not_changed_is_denied_with_action_record_and_reason(opened: Opened) -> None:
    def policy(_actor: str, action: Action, _record: Any) -> Any:
        return action == "read" or sp.deny("only Jane does that")

    sales = opened("memory:", policy=policy)
    deal = filled(sales.unguarded(), 1).opportunities.all().one()
    with pytest.raises(sp.Denied, match="jane may not change opportunity 'OPP/00001': only Jane does that") as caught:
        sales.opportunities.win(deal)
    told = pickle.loads(pickle.dumps(caught.value))
    assert (told.actor, told.action, told.record, told.reason) == (
        "jane", "change", "opportunity 'OPP/00001'", "only Jane does that",
    )  # fmt: skip
    assert isinstance(told, sp.Refused)
    assert sales.opportunities[deal.id] == deal


def test_the_action_says_what_the_history_will_call_it_and_what_would_be(opened: Opened) -> None:
    asked: list[tuple[str, str, object]] = []

    def policy(_actor: str, action: Action, record: Any) -> bool:
        if action not in ("read", "create") and isinstance(record, Opportunity):
            asked.append((str(action), action.move, getattr(action.after, "status", None)))
        return True

    sales = filled(opened("memory:", policy=policy), 1)
    sales.opportunities.win("OPP/00001")
    sales.opportunities.delete(sales.opportunities.reopen("OPP/00001"))
    assert [(verb, move, str(status)) for verb, move, status in asked] == [
        ("change", "won", "won"), ("change", "reopened", "open"), ("delete", "deleted", "None"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer", [None, 1, "yes", Verdict(1), False, Verdict(False), RuntimeError("secret"), NotImplemented]
)
def test_whatever_is_no_answer_denies(opened: Opened, caplog: pytest.LogCaptureFixture, answer: Any) -> None:
    def policy(_actor: str, _action: Action, _record: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    sales = opened("memory:", policy=policy)
    filled(sales.unguarded(), 3)
    with caplog.at_level(logging.ERROR):
        assert sales.opportunities.count() == 0
        assert list(sales.contacts) == []
        with pytest.raises(sp.NotFound):
            sales.opportunities.get("OPP/00001")
        with pytest.raises(sp.Denied):
            sales.contacts.add("New Ltd")
    assert "secret" not in caplog.text
    assert ("RuntimeError" in caplog.text) == isinstance(answer, Exception)


@pytest.mark.parametrize("filters", [{"nobody": 1}, 7, [None], {"owner__near": "bob"}, ValueError("secret")])
def test_filters_that_are_none_hide_everything(opened: Opened, caplog: pytest.LogCaptureFixture, filters: Any) -> None:
    class Broken(South):
        def filters(self, _actor: str, _action: Action, kind: str) -> Any:
            if isinstance(filters, Exception):
                raise filters
            return filters if kind == "opportunity" else {}

    sales = opened("memory:", policy=Broken())
    filled(sales.unguarded(), 3)
    assert (sales.opportunities.count(), list(sales.opportunities)) == (0, [])
    assert "it is hidden" in caplog.text
    assert "secret" not in caplog.text


def test_no_filters_see_nothing_and_several_any_of_them(opened: Opened) -> None:
    class Lists(South):
        given: Any = ()

        def filters(self, _actor: str, _action: Action, kind: str) -> Any:
            return self.given if kind == "opportunity" else {}

    policy = Lists()
    sales = filled(opened("memory:", policy=policy), 3)
    assert sales.opportunities.count() == 0
    policy.given = [{"owner": "bob"}, {"subject": "Deal 001"}]
    assert sales.opportunities.order("subject").ids() == [deal.id for deal in sales.opportunities.order("subject")]
    assert sales.opportunities.count() == 2
    policy.given = [{"owner": "bob"}, {}]
    assert sales.opportunities.count() == 3


def test_a_policy_may_itself_look_things_up_and_change_nothing(opened: Opened) -> None:
    sales: sp.Sales

    def policy(actor: str, _action: Action, record: Any) -> bool:
        department = sales.settings.users[actor].department
        assert sales.opportunities.count() == 3
        with pytest.raises(sp.Refused, match="does nothing itself"):
            sales.contacts.add("From a policy")
        return not isinstance(record, Opportunity) or record.department == department

    sales = opened("memory:", policy=policy)
    free = filled(sales.unguarded(), 3)
    free.settings.users.edit("jane", department="North")
    for at, deal in enumerate(free.opportunities.order("subject")):
        free.opportunities.edit(deal, department=("North", "South", "North")[at])
    assert sales.opportunities.count() == 2


def test_whatever_is_put_past_the_facade_is_asked(url: str, opened: Opened) -> None:
    sales = opened(url, policy=South())
    deal = filled(sales, 2).opportunities.where(owner="jane").one()
    his = sales.opportunities.where(owner="bob").one()
    bob = sales.acting("bob")
    for write in (
        lambda tx: tx.put(encode(his)),
        lambda tx: tx.put_many([encode(his)]),
        lambda tx: tx.amend(encode(his)),
        lambda tx: tx.delete("opportunity", his.id, his.version),
    ):
        with pytest.raises(sp.Denied), bob.work() as work:
            write(work.tx)
    with bob.work() as work:
        assert work.tx.get("opportunity", deal.id) is None
        assert [entry.id for entry in work.tx.scan("opportunity")] == [his.id]
        assert list(work.tx.get_many("opportunity", [deal.id, his.id])) == [his.id]
    assert sales.opportunities[his.id] == his


# --- the rules hold for what is hidden, too -------------------------------------------------------------------------


def test_a_reference_that_is_taken_says_no_more_than_that(url: str, opened: Opened) -> None:
    sales = opened(
        url, policy=lambda actor, action, record: actor != "bob" or getattr(record, "owner_id", "bob") == "bob"
    )
    filled(sales, 2)
    bob = sales.acting("bob")
    row = {"contact": "Acme Ltd", "subject": "Mine", "lines": [LINE], "owner": "bob"}
    hers = sales.opportunities.where(owner="jane").one()
    with pytest.raises(sp.Duplicate) as caught:
        bob.opportunities.create(**row, reference=hers.reference)
    assert str(caught.value).startswith("another opportunity has the reference 'opp/00002' already")
    assert hers.id not in repr(vars(caught.value))
    with pytest.raises(sp.Invalid, match="another opportunity has the reference 'opp/00002' already"):
        bob.opportunities.create_many([row | {"reference": hers.reference}])
    assert bob.opportunities.create(**row).reference == "OPP/00003"  # the numbers go on behind hers


def test_rows_of_a_file_do_not_reach_what_is_hidden(opened: Opened, tmp_path: Path) -> None:
    sales = opened(
        "memory:", policy=lambda actor, action, record: actor != "bob" or getattr(record, "owner_id", "bob") == "bob"
    )
    filled(sales, 1)
    line = {"lines": lambda _row: [LINE], "contact": lambda _row: "Acme Ltd", "owner": lambda _row: "jane"}
    mapping = {"subject": "what", "reference": "ref", **line}
    file = tmp_path / "deals.csv"
    file.write_text("no,what,ref\n7,Hers,ZEPHYR/1\n", encoding="utf-8")
    assert import_opportunities(sales, file, mapping, key="no").created == 1
    hers = sales.opportunities["ZEPHYR/1"]
    file.write_text("no,what,ref\n7,Mine,MINE/1\n8,Mine,ZEPHYR/1\n9,Mine,MINE/2\n", encoding="utf-8")
    bob = sales.acting("bob")
    report = import_opportunities(bob, file, mapping | {"owner": lambda _row: "bob"}, key="no", on_error="skip")
    assert (report.created, report.known) == (1, 0)
    assert [(row.line, row.code) for row in report.bad] == [(2, "duplicate"), (3, "duplicate")]
    told = " ".join(row.reason for row in report.bad)
    assert "another opportunity has the" in told
    assert "Hers" not in told
    assert hers.id not in told
    assert sales.opportunities["ZEPHYR/1"] == hers


def test_what_is_in_use_where_one_cannot_see_stays(opened: Opened) -> None:
    sales = filled(
        opened("memory:", policy=lambda actor, action, record: actor != "bob" or not isinstance(record, Opportunity)), 1
    )
    bob = sales.acting("bob")
    with pytest.raises(sp.Refused, match="contact 'Acme Ltd' cannot be deleted: it is in use where you cannot see it"):
        bob.contacts.delete("Acme Ltd")
    with pytest.raises(sp.Refused, match="is used by records that you do not see"):
        bob.settings.stages.delete("Prospect")
    assert bob.settings.stages.usage("Prospect") == 0
    assert bob.settings.stages.delete("Prospect", replacement="Quoted") == 0
    assert sales.settings.stages["Quoted"].id == sales.opportunities.all().one().stage_id


# --- what comes of it -----------------------------------------------------------------------------------------------


@POLICIES
def test_nobody_is_mailed_of_what_they_may_not_read(opened: Opened, clock: Hands, policy: type[South]) -> None:
    sales = filled(opened("memory:", policy=policy()), 2)
    his, hers = (sales.opportunities.where(owner=owner).one() for owner in ("bob", "jane"))
    for deal in (his, hers):
        sales.notes.add(deal, f"To bob: {deal.subject}", "@bob, look.")
        sales.alerts.add(deal, f"Ring: {deal.subject}", at=clock.now, to=["bob"])
        sales.alerts.follow(deal, "bob")
    for deal in (his, hers):
        sales.opportunities.edit(deal, due="2027-01-31")
    sales.alerts.deliver(clock.now)
    sales.alerts.tell_followers()
    told = {(notice.purpose, notice.record_id) for notice in sales.notices if notice.to.id == "bob"}
    assert {record for _, record in told} == {his.id}
    assert {purpose for purpose, _ in told} >= {"alert", "change"}


def test_a_subscriber_hears_what_may_be_read_by_who_subscribed(opened: Opened) -> None:
    sales = filled(opened("memory:", policy=South()), 2)
    heard: list[Any] = []
    everything: list[Any] = []
    sales.acting("bob").activities.subscribe(heard.extend)
    sales.activities.subscribe(everything.extend)
    for deal in list(sales.opportunities.order("subject")):
        sales.opportunities.edit(deal, due="2027-01-31")
    assert [(did.title, did.action) for did in heard] == [("OPP/00001", "edited")]
    assert len(everything) == 2


def test_a_worker_carries_out_what_was_allowed_when_it_was_queued(opened: Opened) -> None:
    class Sellers(South):
        def __call__(self, actor: str, action: Action, record: Any) -> Any:
            return actor != "worker" and (actor != "bob" or action != "send" or sp.deny("bob sends nothing"))

    from salespipeline.worker import Worker

    sales = filled(opened("memory:", policy=Sellers()), 1)
    sales.documents.draft("OPP/00001", "quote")
    with pytest.raises(sp.Denied, match="bob may not send document 'QUO/00001': bob sends nothing"):
        sales.acting("bob").documents.all().plan_send_all().run()
    assert sales.deliveries.batches() == []
    batch = sales.documents.all().plan_send_all().queue()
    assert Worker(sales.acting("worker")).work_off() == 1
    assert len(sales.deliveries.report(batch).sent) == 1
    assert sales.acting("worker").documents.count() == 0


def test_a_batch_of_others_is_gone_on_with_by_whoever_may(opened: Opened) -> None:
    def policy(actor: str, action: Action, _record: Any) -> bool:
        return actor != "bob" or action == "read"

    sales = filled(opened("memory:", policy=policy), 1)
    sales.documents.draft("OPP/00001", "quote")
    batch = sales.documents.all().plan_send_all().queue()
    with pytest.raises(sp.Denied, match="bob may not change batch"):
        sales.acting("bob").deliveries.resume(batch)
    assert len(sales.deliveries.report(batch).sent) == 0


# --- what it costs --------------------------------------------------------------------------------------------------


def test_without_a_policy_nothing_of_this_is_loaded() -> None:
    script = (
        "import sys, salespipeline as sp; sales = sp.open('memory:'); sales.contacts.add('Acme Ltd'); sales.contacts.count();"
        "print([name for name in ('permissions', 'guard', 'guarding', 'sights') if f'salespipeline.{name}' in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout == "[]\n"


def test_a_transaction_that_asks_nobody_does_not_take_in_one_that_asks(opened: Opened) -> None:
    sales = filled(opened("memory:", policy=South()), 1)
    with sales.unguarded().transaction(), pytest.raises(sp.Refused, match="asks no policy"):
        sales.opportunities.count()
    with sales.acting("bob").transaction():
        assert sales.acting("bob").unguarded().opportunities.count() == 1
    assert index_of(sales.opportunities.all().one())["owner"] == "bob"
