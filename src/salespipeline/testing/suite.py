"""The suites: every family of clauses in one class."""

from __future__ import annotations

from salespipeline.testing.clauses.blobs import BlobsClauses
from salespipeline.testing.clauses.claims import Claims
from salespipeline.testing.clauses.cost import Cost
from salespipeline.testing.clauses.forks import Forks
from salespipeline.testing.clauses.handles import Handles
from salespipeline.testing.clauses.hostile import Hostile
from salespipeline.testing.clauses.interleavings import Interleavings
from salespipeline.testing.clauses.lockstep import Lockstep
from salespipeline.testing.clauses.mailing import Living, NotKnowing, Refusing, Taking
from salespipeline.testing.clauses.numbers import Numbers
from salespipeline.testing.clauses.pages import Pages
from salespipeline.testing.clauses.predicates import Predicates
from salespipeline.testing.clauses.preparing import Preparing
from salespipeline.testing.clauses.processes import Processes
from salespipeline.testing.clauses.refusals import Refusals, Signatures, StoreClock
from salespipeline.testing.clauses.tallies import Tallies
from salespipeline.testing.clauses.threads import Threads
from salespipeline.testing.clauses.transactions import Transactions
from salespipeline.testing.clauses.uniques import Uniques
from salespipeline.testing.clauses.versions import Versions
from salespipeline.testing.clauses.words import TextWords

__all__ = ["BlobsTests", "MailerTests", "StoreTests"]


class StoreTests(
    Transactions,
    Versions,
    Uniques,
    Predicates,
    TextWords,
    Pages,
    Tallies,
    Numbers,
    Preparing,
    Hostile,
    Handles,
    Threads,
    Interleavings,
    Claims,
    Processes,
    Forks,
    Lockstep,
    Cost,
    Refusals,
    StoreClock,
    Signatures,
):
    """The storage contract as tests: subclass it and say how a handle is opened.

    ::

        class TestMyStore(StoreTests):
            lacks = {"second-process": "it lives in one process"}

            @pytest.fixture
            def opener(self, tmp_path):
                return lambda: MyStore(tmp_path / "data")  # each call: a new handle on the same data

    What one handle wrote is read through a fresh one. ``lacks`` names the optional capabilities that the store does
    not have, each with a reason; their clauses are then expected to fail, strictly.
    """


class BlobsTests(BlobsClauses):
    """The contract of blobs as tests: subclass it and say how a handle is opened, as for ``StoreTests``."""


class MailerTests(Taking, Refusing, NotKnowing, Living):
    """What is asked of a mailer as tests: subclass it and say where it mails to.

    ::

        class TestMyMailer(MailerTests):
            lacks = {"partial": "the provider takes a mail for all of its recipients or for none"}

            @pytest.fixture
            def post(self):
                provider = MyProviderForTests()
                yield Post(mailer=lambda: MyMailer(provider.url), arrived=provider.mails, arrange=provider.arrange)
                provider.stop()

    ``lacks`` names what the mailer does not have, or what its author's test cannot arrange, each with a reason; those
    clauses are then expected to fail, strictly. That it answers truly cannot be lacked.
    """
