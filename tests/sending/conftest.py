"""A mailer that answers as it is told, for pipelines that are about to send."""

from __future__ import annotations

import pytest
from tests.sending.letters import tokens, words

from salespipeline.ports import Accepted, Mail, Outcome


class Scripted:
    """Answers as it is told, and keeps what it was given."""

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> Outcome:
        self.sent.append(mail)
        answer = self.answers.pop(0) if self.answers else Accepted()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
def post(sales):
    """Let *sales* mail through a scripted mailer."""

    def script(*answers):
        sales._mailer = Scripted(*answers)
        return sales._mailer

    return script


@pytest.fixture
def states():
    return lambda report: [(row.reference, row.state.name, row.reason) for row in report]


@pytest.fixture
def page(sales):
    sales.settings.edit_organisation(accept_url="https://sales.example/accept/{token}", time_zone="Europe/Paris")


@pytest.fixture
def sent(sales, deal, page, post):
    """A quote that was mailed, and the token that its mail shows."""
    mailer = post()
    quote = sales.documents.draft(deal, "quote")
    sales.documents.where(type="quote").plan_send_all().run()
    (token,) = tokens(words(mailer.sent[0]))
    assert tokens(words(mailer.sent[0], "html")) == [token]
    mailer.sent.clear()
    return sales.documents.get(quote.id), token
