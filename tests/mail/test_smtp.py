"""SMTP against a real server: TLS and its certificates, ways to authenticate, limits, and secrets that stay secret."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from salespipeline.errors import OpenError
from salespipeline.mail import Attachment, Smtp
from salespipeline.mail.wire import Reply, Wire
from salespipeline.ports import Accepted, Mail, NotSent

PASSWORD = "pass w0rd/@:ü"
QUOTED = "pass%20w0rd%2F%40%3A%C3%BC"
TOKEN = "ya29.a0AfH6SMBsecret-token"


class Inbox:
    """What a real server took, and by whom it was given."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.sessions: list[Session] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        self.sessions.append(session)
        return "250 taken"


class WithTokens(SMTP):
    """The server of the test library, with XOAUTH2 as well."""

    async def auth_XOAUTH2(self, _: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        if base64.b64decode(args[1]) == f"user=jane\1auth=Bearer {TOKEN}\1\1".encode():
            return AuthResult(success=True, auth_data=b"jane")
        assert await self.challenge_auth(b'{"status":"401"}', encode_to_b64=True) == b""
        return AuthResult(success=False, handled=False)


class Server(Controller):
    def factory(self) -> SMTP:
        return WithTokens(self.handler, loop=self.loop, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        """Start without the trial connection: with TLS it would be one more handshake."""
        self._factory_invoked.set()
        self.smtpd = self.factory()


def knows(_: SMTP, __: Session, ___: Envelope, mechanism: str, login: Any) -> AuthResult:
    right = isinstance(login, LoginPassword) and (login.login, login.password) == (b"jane", PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=(mechanism, right))


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def certified(ca: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Inbox, int]]]:
    running: list[Server] = []

    def start(**options: Any) -> tuple[Inbox, int]:
        inbox = Inbox()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        running.append(Server(inbox, hostname="127.0.0.1", port=port, server_hostname="mail.example", **options))
        running[-1].start()
        return inbox, port

    yield start
    for server in running:
        server.stop()


# --- one mail, whole ----------------------------------------------------------------------------------------


def test_a_mail_arrives_byte_for_byte_with_its_envelope(
    serve: Callable[..., tuple[Inbox, int]], mail: Callable[..., Mail]
) -> None:
    inbox, port = serve()
    sent = mail(
        to=["one@client.example", "two@client.example"],
        bcc="archive@acme.example",
        text=".\n..\n.hidden\n" + "x" * 5000,
        attachments=[Attachment("a.bin", bytes(range(256)) * 2000)],
    )
    with Smtp(f"smtp://127.0.0.1:{port}") as mailer:
        assert mailer.send(sent) == Accepted(reply="250 taken")
    (taken,) = inbox.mails
    assert taken.content == sent.content
    assert taken.mail_from == "sales@acme.example"
    assert tuple(taken.rcpt_tos) == sent.recipients
    assert f"SIZE={len(sent.content)}" in taken.mail_options


def test_a_batch_goes_over_one_connection(
    serve: Callable[..., tuple[Inbox, int]], mail: Callable[..., Mail], ca: trustme.CA, trusting: ssl.SSLContext
) -> None:
    inbox, port = serve(tls_context=certified(ca, "localhost"), require_starttls=True)
    with Smtp(f"smtp://localhost:{port}", tls=trusting) as mailer:
        for number in range(10):
            assert isinstance(mailer.send(mail(number)), Accepted)
    assert [taken.content for taken in inbox.mails] == [mail(number).content for number in range(10)]
    assert len({session.peer for session in inbox.sessions}) == 1


def test_threads_may_share_a_mailer(serve: Callable[..., tuple[Inbox, int]], mail: Callable[..., Mail]) -> None:
    inbox, port = serve()
    outcomes: list[object] = []
    with Smtp(f"smtp://127.0.0.1:{port}") as mailer:
        threads = [
            threading.Thread(target=lambda n=number: outcomes.append(mailer.send(mail(n)))) for number in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == [Accepted(reply="250 taken")] * 12
    assert {taken.content for taken in inbox.mails} == {mail(number).content for number in range(12)}


def test_an_address_in_unicode_needs_a_server_that_takes_such(
    serve: Callable[..., tuple[Inbox, int]], mail: Callable[..., Mail]
) -> None:
    sent = mail(to="用户@client.example")
    inbox, port = serve()
    with Smtp(f"smtp://127.0.0.1:{port}") as mailer:
        assert isinstance(mailer.send(sent), Accepted)
        assert isinstance(mailer.send(mail(2)), Accepted)
    assert inbox.mails[0].rcpt_tos == ["用户@client.example"]
    assert inbox.mails[0].content == sent.content
    assert [taken.smtp_utf8 for taken in inbox.mails] == [True, False]
    _, old = serve(enable_SMTPUTF8=False)
    with Smtp(f"smtp://127.0.0.1:{old}") as mailer:
        outcome = mailer.send(sent)
        assert isinstance(outcome, NotSent)
        assert (outcome.temporary, outcome.everything) == (False, False)
        assert "SMTPUTF8" in outcome.reason
        assert isinstance(mailer.send(mail(2)), Accepted)


def test_a_mail_beyond_the_servers_limit_does_not_leave(
    serve: Callable[..., tuple[Inbox, int]], mail: Callable[..., Mail]
) -> None:
    large = mail(attachments=[Attachment("a.bin", b"x" * 4000)])
    inbox, port = serve(data_size_limit=len(large.content) - 1)
    with Smtp(f"smtp://127.0.0.1:{port}") as mailer:
        outcome = mailer.send(large)
        assert isinstance(outcome, NotSent)
        assert (outcome.temporary, outcome.everything) == (False, False)
        assert isinstance(mailer.send(mail(2)), Accepted)
    assert len(inbox.mails) == 1


@pytest.mark.parametrize(("limit", "takes"), [("-1", False), ("+0", True), ("none", True), ("", True), ("0", True)])
def test_the_limit_is_what_the_server_says(
    limit: str, takes: bool, scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    if limit[:1] in ("-", "+"):
        limit = str(len(mail().content) + int(limit))
    server = scripted({"EHLO": f"250-mail.example\r\n250 SIZE {limit}\r\n".encode()})
    with Smtp(server.url) as mailer:
        assert isinstance(mailer.send(mail()), Accepted) is takes
    assert ("MAIL" in server.verbs[0]) is takes


@pytest.mark.parametrize(
    "facts",
    [
        {"recipients": ()},
        {"recipients": ("a@x.example\r\nRCPT TO:<evil@y.example>",)},
        {"recipients": ("a@x.example> NOTIFY=NEVER",)},
        {"recipients": ("a@x.example", "")},
        {"recipients": ("nobody",)},
        {"recipients": ("\ud800@x.example",)},
        {"sender": "a@x.example\n"},
        {"content": b"Subject: x\n\nbare line ends\n"},
        {"content": b"Subject: x\r\n\r\n\r.\r\r\n"},
        {"content": b"Subject: x\r\n\r\n\n.\nMAIL FROM:<evil@y.example>\r\n"},
        {"content": b"Subject: x\r\n\r\n\0\r\n"},
    ],
)
def test_what_would_say_something_else_on_the_wire_is_not_said(
    facts: dict[str, Any], scripted: Callable[..., Any]
) -> None:
    whole: dict[str, Any] = {
        "message_id": "<1@x.example>",
        "sender": "s@x.example",
        "recipients": ("a@x.example",),
        "content": b"Subject: x\r\n\r\nx\r\n",
    }
    server = scripted()
    with Smtp(server.url) as mailer:
        outcome = mailer.send(Mail(**whole | facts))
    assert isinstance(outcome, NotSent)
    assert not outcome.temporary
    assert server.said == []


# --- TLS ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["smtps://{}", "smtp://{}", "smtp://{}?starttls=require"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_line_is_encrypted_where_the_certificate_is_of_the_host(
    form: str,
    host: str,
    serve: Callable[..., tuple[Inbox, int]],
    mail: Callable[..., Mail],
    ca: trustme.CA,
    trusting: ssl.SSLContext,
) -> None:
    server = certified(ca, host)
    implicit = form.startswith("smtps")
    options = {"ssl_context": server} if implicit else {"tls_context": server, "require_starttls": True}
    inbox, port = serve(**options)
    with Smtp(form.format(f"{host}:{port}"), tls=trusting) as mailer:
        assert isinstance(mailer.send(mail()), Accepted)
    if not implicit:
        assert inbox.sessions[0].ssl is not None


@pytest.mark.parametrize("form", ["smtps://{}", "smtp://{}"])
@pytest.mark.parametrize("case", ["another host", "unknown authority"])
def test_a_certificate_that_proves_nothing_is_refused_and_nothing_is_said(
    form: str,
    case: str,
    serve: Callable[..., tuple[Inbox, int]],
    mail: Callable[..., Mail],
    ca: trustme.CA,
    trusting: ssl.SSLContext,
) -> None:
    names, context = (["other.example"], trusting) if case == "another host" else (["localhost"], None)
    server = certified(ca, *names)
    inbox, port = serve(**({"ssl_context": server} if form.startswith("smtps") else {"tls_context": server}))
    with Smtp(form.format(f"jane:{QUOTED}@localhost:{port}"), tls=context, timeout=5) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.temporary, outcome.everything) == (False, True)
    assert "certificate of localhost is not trusted" in outcome.reason
    assert inbox.mails == []


def test_starttls_that_is_required_and_not_offered_ends_it(
    scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = scripted()
    with Smtp(f"{server.url}?starttls=require") as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert outcome.everything
    assert server.verbs == [["EHLO"]]


@pytest.mark.parametrize("reply", [b"454 4.7.0 not now\r\n", b"501 no\r\n", b"220 go on\r\n250 injected\r\n"])
def test_starttls_that_fails_is_never_followed_by_a_clear_line(
    reply: bytes, scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = scripted({"EHLO": b"250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "STARTTLS": reply})
    with Smtp(server.url.replace("//", f"//jane:{QUOTED}@"), timeout=5) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert outcome.everything
    assert server.verbs[0][:2] == ["EHLO", "STARTTLS"]
    assert not {"AUTH", "MAIL"} & set(server.verbs[0])


# --- who asks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offered", "used"), [((), "PLAIN"), (("PLAIN",), "LOGIN")])
def test_a_password_is_shown_by_plain_or_login(
    offered: tuple[str, ...],
    used: str,
    serve: Callable[..., tuple[Inbox, int]],
    mail: Callable[..., Mail],
    ca: trustme.CA,
    trusting: ssl.SSLContext,
) -> None:
    inbox, port = serve(
        tls_context=certified(ca, "localhost"),
        authenticator=knows,
        auth_required=True,
        auth_exclude_mechanism=offered,
    )
    with Smtp(f"smtp://jane:{QUOTED}@localhost:{port}", tls=trusting) as mailer:
        assert isinstance(mailer.send(mail()), Accepted)
    assert inbox.sessions[0].auth_data == (used, True)


@pytest.mark.parametrize("offered", [(), ("PLAIN",)])
def test_a_wrong_password_pauses_everything(
    offered: tuple[str, ...],
    serve: Callable[..., tuple[Inbox, int]],
    mail: Callable[..., Mail],
    ca: trustme.CA,
    trusting: ssl.SSLContext,
) -> None:
    server = certified(ca, "localhost")
    inbox, port = serve(ssl_context=server, authenticator=knows, auth_exclude_mechanism=offered, auth_require_tls=False)
    with Smtp(f"smtps://jane:wrong@localhost:{port}", tls=trusting) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.code, outcome.temporary, outcome.everything) == (535, False, True)
    assert inbox.mails == []


def test_a_token_is_asked_for_at_each_connection(
    serve: Callable[..., tuple[Inbox, int]], mail: Callable[..., Mail], ca: trustme.CA, trusting: ssl.SSLContext
) -> None:
    inbox, port = serve(tls_context=certified(ca, "localhost"), auth_required=True)
    tokens = iter(["expired-one", TOKEN, TOKEN])
    with Smtp(f"smtp://jane@localhost:{port}", tls=trusting, token=lambda: next(tokens)) as mailer:
        outcome = mailer.send(mail(1))
        assert isinstance(outcome, NotSent)
        assert (outcome.code, outcome.temporary, outcome.everything) == (535, False, True)
        assert isinstance(mailer.send(mail(1)), Accepted)
        assert isinstance(mailer.send(mail(2)), Accepted)
        mailer.close()
        assert isinstance(mailer.send(mail(3)), Accepted)
    assert list(tokens) == []
    assert len(inbox.mails) == 3


def failing() -> str:
    message = f"could not refresh {TOKEN}"
    raise RuntimeError(message)


@pytest.mark.parametrize("token", [failing, lambda: "", lambda: None, lambda: f"{TOKEN}\r\nMAIL", lambda: "é"])
def test_a_token_that_cannot_be_had_is_answered_and_not_repeated(
    token: Callable[[], str], scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = scripted({"EHLO": b"250-mail.example\r\n250 AUTH XOAUTH2\r\n"})
    with Smtp(server.url.replace("//", "//jane@"), token=token) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert outcome.everything
    assert outcome.temporary is (token is failing)
    assert TOKEN not in outcome.reason
    assert server.verbs[0] == ["EHLO"]


@pytest.mark.parametrize("token", [None, lambda: TOKEN])
def test_a_server_that_offers_no_way_we_know_is_told_nothing(
    token: Callable[[], str] | None, scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = scripted({"EHLO": b"250-mail.example\r\n250 AUTH GSSAPI NTLM\r\n"})
    user = "jane" if token else f"jane:{QUOTED}"
    with Smtp(server.url.replace("//", f"//{user}@"), token=token) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.temporary, outcome.everything) == (False, True)
    assert server.verbs[0] == ["EHLO"]


@pytest.fixture
def elsewhere(scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A server that any host name leads to, so that it is not this machine by its name."""
    connect = socket.create_connection

    def serve(*scripts: Any) -> Any:
        server = scripted(*scripts)
        there = ("127.0.0.1", server.port)
        monkeypatch.setattr(
            "salespipeline.mail.wire.socket.create_connection", lambda _, patience: connect(there, patience)
        )
        return server

    return serve


@pytest.mark.parametrize(
    "host", ["mail.example", "127.evil.example", "localhost.evil.example", "10.0.0.1", "[2001:db8::1]"]
)
@pytest.mark.parametrize("token", [None, lambda: TOKEN])
def test_no_secret_goes_over_a_clear_line(
    host: str, token: Callable[[], str] | None, elsewhere: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = elsewhere({"EHLO": b"250-mail.example\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n"})
    user = "jane" if token else f"jane:{QUOTED}"
    with Smtp(f"smtp://{user}@{host}:25", token=token) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.temporary, outcome.everything) == (False, True)
    assert "not sent in the clear" in outcome.reason
    assert server.verbs == [["EHLO"]]


def test_a_secret_goes_over_a_clear_line_where_that_was_asked_for(
    elsewhere: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = elsewhere()
    with Smtp(f"smtp://jane:{QUOTED}@mail.example:25?starttls=never") as mailer:
        assert isinstance(mailer.send(mail()), Accepted)
    assert server.verbs[0][:2] == ["EHLO", "AUTH"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_this_machine_may_be_told_in_the_clear(
    host: str, elsewhere: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = elsewhere()
    with Smtp(f"smtp://jane:{QUOTED}@{host}:25") as mailer:
        assert isinstance(mailer.send(mail()), Accepted)
    assert server.verbs[0][:2] == ["EHLO", "AUTH"]


PLAIN = base64.b64encode(f"\0jane\0{PASSWORD}".encode())
LOGIN = base64.b64encode(PASSWORD.encode())
BEARER = base64.b64encode(f"user=jane\1auth=Bearer {TOKEN}\1\1".encode())


@pytest.mark.parametrize("phase", ["AUTH", "MAIL", "RCPT", "DATA", "dot", "RSET"])
@pytest.mark.parametrize("secret", [PASSWORD.encode(), PLAIN, LOGIN, TOKEN.encode(), BEARER])
@pytest.mark.parametrize(
    "reply", [b"535 %s is wrong\r\n", b"what is %s\r\n", b"550-no\r\n550 " + b"x" * 288 + b"%s\r\n"]
)
def test_a_server_that_repeats_a_secret_is_not_repeated(
    phase: str,
    secret: bytes,
    reply: bytes,
    scripted: Callable[..., Any],
    mail: Callable[..., Mail],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    ways = b"XOAUTH2" if secret in (TOKEN.encode(), BEARER) else b"PLAIN"
    server = scripted({"EHLO": b"250-mail.example\r\n250 AUTH " + ways + b"\r\n", phase: reply % secret})
    if ways == b"PLAIN":
        mailer = Smtp(server.url.replace("//", f"//jane:{QUOTED}@"), timeout=5)
    else:
        mailer = Smtp(server.url.replace("//", "//jane@"), timeout=5, token=lambda: TOKEN)
    with mailer:
        seen = f"{mailer.send(mail(1))!r} {mailer.send(mail(2))!r} {mailer!r} {vars(mailer)!r} {caplog.text}"
    for text in (PASSWORD, PLAIN.decode(), LOGIN.decode(), TOKEN, BEARER.decode(), QUOTED, PASSWORD[:8], TOKEN[:8]):
        assert text not in seen


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://jane:s3cret@mail.example",
        "smtp://",
        "smtp://jane:s3cret@",
        "smtp://jane:s3cret@mail.example:99999",
        "smtp://jane:s3cret@mail.example:0",
        "smtp://jane:s3cret@mail.example/path",
        "smtp://jane:s3cret@mail.example?starttls=maybe",
        "smtp://jane:s3cret@mail.example?password=s3cret",
        "smtps://jane:s3cret@mail.example?starttls=never",
        "smtp://jane@mail.example",
        "smtp://:s3cret@mail.example",
        "smtp://jane:s3cret%00@mail.example",
        "smtp://jane%0d%0aMAIL:s3cret@mail.example",
        "smtp://jane:s3cret%ff@mail.example",
        "smtp://jane:s3cret\ud800@mail.example",
        "smtp://jane:s3cret@mail..example",
        "smtp://jane:s3cret@" + "x" * 64 + ".example",
        "smtp://jane:s3cret@mail example",
        "smtp://jane:s3cret@[not-an-address]",
        "smtp://jane:s3cret/word@mail.example",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(OpenError) as refused:
        Smtp(url)
    shown = "".join(traceback.format_exception(refused.value)) + repr(pickle.loads(pickle.dumps(refused.value)))
    assert "s3cret" not in shown
    assert "smtp://" in str(refused.value)


@pytest.mark.parametrize("url", ["smtp://mail.example", f"smtp://jane:{QUOTED}@mail.example"])
def test_a_token_belongs_to_a_user_without_a_password(url: str) -> None:
    with pytest.raises(OpenError, match="token"):
        Smtp(url, token=lambda: TOKEN)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": "5"},
        {"timeout": None},
        {"final_timeout": float("nan")},
        {"final_timeout": float("inf")},
        {"local_hostname": ""},
        {"local_hostname": "a\r\nMAIL FROM:<x>"},
        {"local_hostname": "ü.example"},
        {"local_hostname": 7},
    ],
)
def test_options_that_cannot_be_used_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(OpenError, match=next(iter(options))):
        Smtp("smtp://mail.example", **options)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("smtp://mail.example", "smtp://mail.example:25"),
        (f"smtp://jane:{QUOTED}@mail.example", "smtp://jane@mail.example:587"),
        (f"smtps://jane:{QUOTED}@mail.example", "smtps://jane@mail.example:465"),
        ("smtp://[::1]:2525", "smtp://[::1]:2525"),
        ("smtp://mail.example?starttls=require", "smtp://mail.example:25?starttls=require"),
        ("smtp://müller.example", "smtp://müller.example:25"),
    ],
)
def test_a_mailer_shows_its_server_and_no_password(url: str, shown: str) -> None:
    assert repr(Smtp(url)) == f"SmtpMailer('{shown}')"


@pytest.mark.parametrize(("given", "said"), [(None, "[127.0.0.1]"), ("app.acme.example", "app.acme.example")])
def test_the_greeting_names_us_without_asking_a_name_server(
    given: str | None, said: str, scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = scripted()
    with Smtp(server.url, local_hostname=given) as mailer:
        mailer.send(mail())
    assert server.said[0][0] == f"ehlo {said}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork_the_child_speaks_on_a_line_of_its_own(
    scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    server = scripted()
    with Smtp(server.url) as mailer:
        assert isinstance(mailer.send(mail(1)), Accepted)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if isinstance(mailer.send(mail(2)), Accepted) else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert isinstance(mailer.send(mail(3)), Accepted)
    assert server.taken == [mail(number).content for number in (1, 2, 3)]
    assert [lines.count("DATA") for lines in server.verbs] == [2, 1]


def test_the_wait_after_the_dot_is_ten_minutes_unless_said_otherwise(
    scripted: Callable[..., Any], mail: Callable[..., Mail], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 5321, 4.5.3.2.6: whoever waits less makes mails uncertain that were taken."""
    waits: list[float] = []
    dot = Wire.dot

    def waiting(self: Wire, patience: float) -> Reply:
        waits.append(patience)
        return dot(self, patience)

    monkeypatch.setattr(Wire, "dot", waiting)
    server = scripted()
    for options in ({}, {"final_timeout": 700.0}):
        with Smtp(server.url, **options) as mailer:
            assert isinstance(mailer.send(mail()), Accepted)
    assert waits == [600.0, 700.0]
