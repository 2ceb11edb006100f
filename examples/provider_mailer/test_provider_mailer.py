"""The mailer keeps what is asked of every mailer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from provider import KEY, provider
from provider_mailer import ProviderMailer

from salespipeline.testing import MailerTests, Post


class TestProviderMailer(MailerTests):
    """All of it: this provider lacks nothing."""

    @pytest.fixture
    def post(self) -> Iterator[Post]:
        """Mail to a provider of the test's own."""
        with provider() as server:
            yield Post(
                mailer=lambda: ProviderMailer(server.host, KEY),
                arrived=lambda: list(server.taken.values()),
                arrange=server.arrange,
                secrets=(KEY,),
            )
