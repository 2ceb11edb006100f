"""Every mailer of ours, and the one of the examples, keeps what ``MailerTests`` asks. (SPEC EXT-1, SEND-6)"""

from __future__ import annotations

import importlib.util
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from salespipeline.mail import Folder, Maildir, Memory, Smtp
from salespipeline.ports import Accepted, Mail, Mailer, NotSent, Outcome, Unknown
from salespipeline.testing import Arrived, MailerTests, Post, Trouble
from salespipeline.testing.clauses.base import check_lacks, clauses_of
from salespipeline.testing.clauses.posting import ABILITIES

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "provider_mailer"
NOTHING_BETWEEN = "nothing stands between the mailer and where it writes"


class TestMemory(MailerTests):
    lacks = {"idempotent": "it keeps every try"}

    @pytest.fixture
    def post(self) -> Post:
        next_: list[Trouble] = []

        def answer(mail: Mail) -> Outcome:
            match next_.pop() if next_ else None:
                case Trouble.REFUSED:
                    return NotSent(reason="no such mailbox", code=550)
                case Trouble.LATER:
                    return NotSent(reason="try later", code=451, temporary=True)
                case Trouble.LOCKED_OUT:
                    return NotSent(reason="wrong password", code=535, everything=True)
                case Trouble.NOBODY:
                    return NotSent(reason="nobody listens", temporary=True, everything=True)
                case Trouble.PARTLY:
                    return Accepted(refused={mail.recipients[0]: "no such mailbox"})
                case Trouble.LOST:
                    mailer.sent.append(mail)
                    return Unknown(reason="no answer")
                case Trouble.DROPPED:
                    return Unknown(reason="no answer")
            return Accepted()

        mailer = Memory(answer)
        return Post(
            mailer=lambda: mailer,
            arrived=lambda: [Arrived(one.content, one.recipients) for one in mailer.sent],
            arrange=next_.append,
        )


def cannot(trouble: Trouble) -> None:
    raise NotImplementedError(trouble)


WRITES = {
    "envelope": "a file holds the message alone",
    "refusals": "a folder takes every mail",
    "partial": "a folder takes every mail",
    "lock-out": "there is nobody to ask",
    "lost-answers": NOTHING_BETWEEN,
}


def written(where: Path, mailer: Callable[[Path], Mailer], pattern: str) -> Post:
    """Mail into a folder by *mailer*; its mails are the files of *pattern*."""
    home = [where / "mails"]

    def arrange(trouble: Trouble) -> None:
        if trouble is not Trouble.NOBODY:
            cannot(trouble)
        home[0] = where / "file" / "mails"
        (where / "file").write_text("in the way")

    return Post(
        mailer=lambda: mailer(home[0]),
        arrived=lambda: [Arrived(file.read_bytes()) for file in (where / "mails").glob(pattern)],
        arrange=arrange,
    )


class TestFolder(MailerTests):
    lacks = WRITES

    @pytest.fixture
    def post(self, tmp_path: Path) -> Post:
        return written(tmp_path, Folder, "*.eml")


class TestMaildir(MailerTests):
    lacks = WRITES

    @pytest.fixture
    def post(self, tmp_path: Path) -> Post:
        return written(tmp_path, Maildir, "new/*")


class Inbox:
    """A server's handler: keeps what it takes, and gets into the trouble that was arranged."""

    def __init__(self) -> None:
        self.taken: list[Arrived] = []
        self.trouble: Trouble | None = None

    def meets(self, *troubles: Trouble) -> bool:
        met = self.trouble in troubles
        if met:
            self.trouble = None
        return met

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):  # noqa: N802
        if self.meets(Trouble.REFUSED, Trouble.PARTLY):
            return "550 no such mailbox"
        if self.meets(Trouble.LATER):
            return "451 try later"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        dropped = self.meets(Trouble.DROPPED)
        if not dropped:
            self.taken.append(Arrived(bytes(envelope.content or b""), tuple(envelope.rcpt_tos)))
        if dropped or self.meets(Trouble.LOST):
            server.transport.abort()
        return "250 taken"


def smtp(mailer: type[Smtp]) -> Iterator[Post]:
    """Mail to a real server by *mailer*."""
    inbox = Inbox()

    def admits(*_: object) -> AuthResult:
        return AuthResult(success=not inbox.meets(Trouble.LOCKED_OUT), handled=False, auth_data="jane")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = [probe.getsockname()[1]]
    server = Controller(inbox, hostname="127.0.0.1", port=port[0], authenticator=admits, auth_require_tls=False)
    server.start()

    def arrange(trouble: Trouble) -> None:
        inbox.trouble = trouble
        if trouble is Trouble.NOBODY:
            port[0] = 1

    yield Post(
        mailer=lambda: mailer(f"smtp://jane:s3cret-word@127.0.0.1:{port[0]}"),
        arrived=lambda: list(inbox.taken),
        arrange=arrange,
        secrets=("s3cret-word", "czNjcmV0"),
    )
    server.stop()


class TestSmtp(MailerTests):
    lacks = {
        "lookup": "SMTP has no question for it",
        "idempotent": "a server takes a message as often as it is given one",
    }

    @pytest.fixture
    def post(self) -> Iterator[Post]:
        yield from smtp(Smtp)


def _example() -> type:
    sys.path.insert(0, str(EXAMPLE))
    try:
        spec = importlib.util.spec_from_file_location("test_provider_mailer", EXAMPLE / "test_provider_mailer.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found: type = module.TestProviderMailer
        return found
    finally:
        sys.path.remove(str(EXAMPLE))


TestProviderMailer = _example()


# --- the suite itself -----------------------------------------------------------------------------------------


class Guessing(Smtp):
    """Says that what it did not hear was not sent."""

    def send(self, mail: Mail) -> Outcome:
        outcome = super().send(mail)
        return NotSent(reason=outcome.reason, temporary=True) if isinstance(outcome, Unknown) else outcome


class Hopeful(Smtp):
    """Says that what it did not hear was taken."""

    def send(self, mail: Mail) -> Outcome:
        outcome = super().send(mail)
        return Accepted() if isinstance(outcome, Unknown) else outcome


class Raising(Smtp):
    """Raises where a mail was refused."""

    def send(self, mail: Mail) -> Outcome:
        outcome = super().send(mail)
        if isinstance(outcome, NotSent):
            raise TypeError(outcome.reason)
        return outcome


class Forgetful(Smtp):
    """Does not say who was refused."""

    def send(self, mail: Mail) -> Outcome:
        outcome = super().send(mail)
        return Accepted() if isinstance(outcome, Accepted) else outcome


class Twice(Smtp):
    """Sends twice, to be sure."""

    def send(self, mail: Mail) -> Outcome:
        super().send(mail)
        return super().send(mail)


class Patient(Smtp):
    """Takes every refusal for one of this mail alone."""

    def send(self, mail: Mail) -> Outcome:
        outcome = super().send(mail)
        return NotSent(reason=outcome.reason, temporary=True) if isinstance(outcome, NotSent) else outcome


BROKEN = {
    Guessing: {"k01"},
    Hopeful: {"k02"},
    Raising: {"r01", "r02", "r03", "r04", "r05", "r06"},
    Forgetful: {"m07"},
    Twice: {"m01", "m04"},
    Patient: {"r01", "r03", "r04"},
}


@pytest.mark.parametrize("mailer", BROKEN, ids=lambda mailer: mailer.__name__)
def test_a_mailer_that_breaks_a_clause_is_told(mailer: type[Smtp], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""
        import pytest
        from tests.mail import test_mailer_suite as whole

        class TestBroken(whole.TestSmtp):
            @pytest.fixture
            def post(self):
                for post in whole.smtp(whole.{mailer.__name__}):
                    yield post
    """)
    pytester.syspathinsert(ROOT)
    wanted = BROKEN[mailer]
    result = pytester.runpytest_inprocess("-q", "--no-header", "-k", " or ".join(sorted(wanted)))
    failed = {line.split("::test_")[1][:3] for line in result.outlines if line.startswith("FAILED")}
    assert failed == wanted, result.outlines


def test_only_what_is_optional_can_be_lacked() -> None:
    check_lacks("TestMine", {"partial": "it cannot"}, ABILITIES)
    with pytest.raises(TypeError, match="TestMine cannot lack 'truth': only envelope, refusals"):
        type("TestMine", (MailerTests,), {"lacks": {"truth": "too hard"}})


def test_every_clause_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "write-a-mailer.md").read_text("utf-8")
    for clause in clauses_of(MailerTests):
        needs = "".join(f" *({one})*" for one in clause.needs)
        assert f"- **{clause.id}** {clause.sentence.replace('``', '`')}{needs}\n" in page
    for name, meaning in ABILITIES.items():
        assert f"| `{name}` | {meaning} |\n" in page
