"""A link answers once, whoever presses, in whatever process, on every store. (SPEC DOC-7)"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

import salespipeline as sp
from salespipeline.errors import LinkAnswered


def test_it_is_accepted_once(sales, sent):
    quote, token = sent
    sales.documents.accept_by_token(token, name="Zoë Field")
    for again in (
        lambda: sales.documents.accept_by_token(token, name="Zoë Field"),
        lambda: sales.documents.reject_by_token(token, name="Zoë Field"),
        lambda: sales.documents.offered(token),
    ):
        with pytest.raises(LinkAnswered, match="was accepted already, on 2026-11-24; one link answers once") as caught:
            again()
        assert caught.value.accepted
        assert caught.value.at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
        assert caught.value.record == "quote 'QUO/00001'"
    assert len([one for one in sales.documents.history(quote) if one.action == "accepted by link"]) == 1


def test_many_who_press_at_once_are_one(sales, sent):
    _, token = sent
    ends: list[str] = []
    start = threading.Barrier(8)

    def press(number):
        start.wait()
        try:
            sales.documents.accept_by_token(token, name=f"Number {number}")
            ends.append("accepted")
        except sp.SalesPipelineError as error:
            ends.append(type(error).__name__)

    threads = [threading.Thread(target=press, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["LinkAnswered"] * 7 + ["accepted"]


def test_another_process_knows_the_links(sales, sent, url, opened):
    if url == "memory:":
        pytest.skip("lives in one process")
    quote, token = sent
    portal = opened(url, actor="portal")
    assert portal.documents.accept_by_token(token, name="Zoë Field").reference == quote.reference
    assert sales.documents.history(quote)[-1].by == "portal"
