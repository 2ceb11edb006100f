"""Whichever call to the store fails, a move of the façade is done whole or not at all. (SPEC EXT-1)"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline.errors import Unavailable
from salespipeline.opening import open_store
from salespipeline.ports import Store
from salespipeline.stores.wrap import FailingAt

NEVER = 0


LINES = [sp.Line("Bench", quantity=2, unit_price="90.00", tax="20")]


def create(sales: sp.Sales) -> None:
    sales.opportunities.create(contact="Acme Ltd", subject="Benches", lines=LINES, tags=["VIP", "Rush"])


def create_many(sales: sp.Sales) -> None:
    sales.opportunities.create_many(
        [{"contact": "Acme Ltd", "subject": f"Deal {number}", "lines": LINES} for number in range(3)]
    )


def send(sales: sp.Sales) -> None:
    with sales.transaction():  # by itself it is tried again, where others sell the same piece
        sales.documents.mark_sent(draft(sales))


def together(sales: sp.Sales) -> None:
    with sales.transaction():
        contact = sales.contacts.add("Birch Ltd", email="desk@birch.example")
        deal = sales.opportunities.create(contact=contact, subject="Doors", lines=LINES)
        sales.documents.draft(deal, "quote")


MOVES: dict[str, Callable[[sp.Sales], object]] = {
    "add a contact": lambda sales: sales.contacts.add("Cedar Ltd", email="desk@cedar.example"),
    "edit a contact": lambda sales: sales.contacts.edit(acme(sales), phone="0113 496 0000"),
    "create an opportunity": create,
    "create several": create_many,
    "edit an opportunity": lambda sales: sales.opportunities.edit(deal(sales), subject="A newer warehouse"),
    "win it": lambda sales: sales.opportunities.win(deal(sales)),
    "lose it": lambda sales: sales.opportunities.lose(deal(sales), "price"),
    "hold it": lambda sales: sales.opportunities.hold(deal(sales)),
    "draft a document": lambda sales: sales.documents.draft(deal(sales), "invoice"),
    "edit a document": lambda sales: sales.documents.edit(draft(sales), note="By lorry."),
    "send a document": send,
    "revise a document": lambda sales: sales.documents.revise(sent(sales)),
    "accept a document": lambda sales: sales.documents.accept(sent(sales)),
    "convert a document": lambda sales: sales.documents.convert(sent(sales), "invoice"),
    "delete a document": lambda sales: sales.documents.delete(draft(sales)),
    "add settings": lambda sales: sales.settings.tags.add("Fresh"),
    "edit the organisation": lambda sales: sales.settings.edit_organisation(name="Southgate Ltd"),
    "do several things together": together,
}


def acme(sales: sp.Sales) -> sp.Contact:
    return sales.contacts.get("Acme Ltd")


def deal(sales: sp.Sales) -> sp.Opportunity:
    (found,) = sales.opportunities.where(subject="New warehouse")
    return found


def draft(sales: sp.Sales) -> sp.Document:
    return next(iter(sales.documents.where(sent=False)))


def sent(sales: sp.Sales) -> sp.Document:
    return next(iter(sales.documents.where(sent=True)))


@pytest.fixture(params=["memory", "sqlite"])
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on which the pipelines of a test stand."""
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'sales.db'}?synchronous=NORMAL"
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def sound(inner: Store, opened: Callable[..., sp.Sales]) -> sp.Sales:
    """A pipeline with a deal, a quote that was sent and one that was not."""
    sales = opened(inner)
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example", address="1 Quay\nLeeds")
    sales.settings.stages.add("Prospect", "Order signed")
    sales.settings.tags.add("VIP")
    sales.settings.tags.add("Rush")
    sales.contacts.add("Acme Ltd", email="buyer@acme.example")
    lines = [sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")]
    made = sales.opportunities.create(contact="Acme Ltd", subject="New warehouse", lines=lines)
    sales.documents.mark_sent(sales.documents.draft(made, "quote"))
    sales.documents.draft(made, "quote")
    return sales


@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_done_whole_or_not_at_all(
    name: str, inner: Store, sound: sp.Sales, opened: Callable[..., sp.Sales]
) -> None:
    failing = FailingAt(NEVER, inner)
    sales = opened(failing, ids=sound.ids)
    before = whole(sound)
    for number in range(1, 200):
        failing.calls, failing.number = 0, number
        try:
            MOVES[name](sales)
        except Unavailable:
            assert whole(sound) == before, f"half of it was kept when call {number} failed"
            assert not sales.in_transaction
            continue
        finally:
            failing.number = NEVER
        break
    else:
        pytest.fail("the move never came to its end")
    assert number > 3
    assert failing.calls < number  # nothing failed, and nothing hid that it did
    assert whole(sound) != before
    history = [entry.id for entry in whole(sound)["activity"]]
    assert len(history) > len(before["activity"]), "what was done was not written down"


def test_a_move_that_names_its_record_is_tried_again_and_done_once(
    inner: Store, sound: sp.Sales, opened: Callable[..., sp.Sales]
) -> None:
    failing = FailingAt(NEVER, inner)
    sales = opened(failing, ids=sound.ids)
    for number in range(1, 5):
        failing.calls, failing.number = 0, number
        before = acme(sound)
        after = sales.contacts.edit("Acme Ltd", phone=f"0113 496 000{number}")
        assert failing.failed
        assert (after.version, acme(sound)) == (before.version + 1, after)
        assert len(sound.contacts.history(after)) == after.version


def test_numbers_that_failures_took_are_not_missing(
    inner: Store, sound: sp.Sales, opened: Callable[..., sp.Sales]
) -> None:
    failing = FailingAt(NEVER, inner)
    sales = opened(failing, ids=sound.ids)
    for turn in range(3):
        for number in range(1, 200):
            failing.calls, failing.number = 0, number
            try:
                sales.opportunities.create(contact="Acme Ltd", subject=f"Deal {turn}", lines=LINES)
            except Unavailable:
                continue
            finally:
                failing.number = NEVER
            break
    references = sorted(one.reference for one in sound.opportunities.all())
    numbers = [int("".join(filter(str.isdigit, reference))) for reference in references]
    assert numbers == [1, 2, 3, 4], references
