"""Whatever a server does, at whatever moment, the answer says exactly what can be known (SPEC SEND-6, SEND-7).

Before the final dot nothing was sent. After it, only a reply tells; without one the answer is ``Unknown``, never
``NotSent``, because a second try might be a second mail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from salespipeline.mail import Attachment, Smtp
from salespipeline.ports import Accepted, NotSent, Unknown

BEFORE_THE_MAIL = ["banner", "EHLO", "AUTH"]
PHASES = [*BEFORE_THE_MAIL, "MAIL", "RCPT", "DATA", "dot"]

REFUSALS = {
    "421": (b"421 4.3.2 shutting down\r\n", "CLOSE"),
    "temporary": (b"451 4.3.0 try later\r\n",),
    "temporary in lines": (b"451-4.3.0 try\r\n451-\r\n451 later\r\n",),
    "permanent": (b"554 5.7.1 go away\r\n",),
    "permanent without words": (b"554\r\n",),
    "permanent with a bare line end": (b"554 5.7.1 go away\n",),
}
CODES = {"421": 421, "temporary": 451, "temporary in lines": 451}

FAULTS = {
    "closed": ("CLOSE",),
    "reset": ("RESET",),
    "silence": ("STALL",),
    "half a code": (b"25", "CLOSE"),
    "half a line": (b"250 o", "CLOSE"),
    "half a line and silence": (b"250 o", "STALL"),
    "half of many lines": (b"250-one\r\n250-two\r\n", "CLOSE"),
    "half a refusal": (b"554-5.7.1 go\r\n", "CLOSE"),
    "a line without end": (b"250 " + b"x" * 100_000, "STALL"),
    "lines without end": (b"250-and\r\n" * 20_000, "STALL"),
    "two codes in one reply": (b"250-yes\r\n554 no\r\n", "STALL"),
    "garbage": (b"\x00\xff\xfe\x80\r\n", "STALL"),
    "no code": (b"hello there\r\n", "STALL"),
    "a code of two digits": (b"25 yes\r\n", "STALL"),
    "a code of four digits": (b"2500 yes\r\n", "STALL"),
    "a code that is none": (b"999 what\r\n", "STALL"),
    "a code of progress": (b"150 wait\r\n", "STALL"),
    "an empty line": (b"\r\n", "STALL"),
    "a page of the web": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "CLOSE"),
}


def mailer_for(server: Any) -> Smtp:
    url = server.url.replace("//", "//jane:s3cret-word@")
    return Smtp(url, timeout=0.15 if server.scripts else 5, final_timeout=0.15)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_a_refusal_at_every_moment(
    phase: str, refusal: str, fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = fault(phase, *REFUSALS[refusal])
    with mailer_for(server) as mailer:
        outcome = mailer.send(mail(1))
        assert isinstance(outcome, NotSent)
        assert outcome.code == CODES.get(refusal, 554)
        assert outcome.temporary is (refusal in CODES)
        assert outcome.everything is (phase in BEFORE_THE_MAIL)
        assert len(server.taken) == (phase == "dot")
        assert mailer.send(mail(2)) == Accepted(reply="250 taken as 17")
    assert server.taken[-1] == mail(2).content


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("what", FAULTS)
def test_without_a_reply_nothing_was_sent_before_the_dot_and_nobody_knows_after_it(
    phase: str, what: str, fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = fault(phase, *FAULTS[what])
    with mailer_for(server) as mailer:
        outcome = mailer.send(mail(1))
        if phase == "dot":
            assert isinstance(outcome, Unknown)
            assert server.taken == [mail(1).content]
        else:
            assert isinstance(outcome, NotSent)
            assert (outcome.temporary, outcome.code) == (True, None)
            assert outcome.everything is (phase in BEFORE_THE_MAIL)
            assert server.taken == []
        assert len(outcome.reason) < 500
        assert outcome.reason.isprintable()
        assert mailer.send(mail(2)) == Accepted(reply="250 taken as 17"), "the next mail finds a new connection"
    assert len(server.said) == 2
    assert server.taken[-1] == mail(2).content


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        ("MAIL", b"354 go on\r\n"),
        ("RCPT", b"354 go on\r\n"),
        ("RCPT", b"334 \r\n"),
        ("DATA", b"250 fine\r\n"),
        ("DATA", b"220 fine\r\n"),
        ("DATA", b"354 go on\r\n250 taken before it came\r\n"),
        ("MAIL", b"250 fine\r\n250 fine again\r\n"),
        ("RCPT", b"250 fine\r\n250 fine again\r\n"),
        ("AUTH", b"235 welcome\r\n250 fine\r\n"),
        ("banner", b"220 ready\r\n250 fine\r\n"),
    ],
)
def test_a_reply_to_something_else_is_no_reply(
    phase: str, reply: bytes, fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = fault(phase, reply)
    with mailer_for(server) as mailer:
        outcome = mailer.send(mail(1))
        assert isinstance(outcome, NotSent)
        assert outcome.temporary
        assert server.taken == []
        assert isinstance(mailer.send(mail(2)), Accepted)
    assert server.taken == [mail(2).content]


def test_a_reply_to_the_dot_that_is_neither_yes_nor_no_leaves_it_open(
    fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    with mailer_for(fault("dot", b"354 go on\r\n")) as mailer:
        assert isinstance(mailer.send(mail(1)), Unknown)
        assert isinstance(mailer.send(mail(2)), Accepted)


@pytest.mark.parametrize(
    ("acts", "code", "temporary"),
    [
        (("CLOSE",), None, True),
        (("RESET",), None, True),
        (("STALL",), None, True),
        (("SHUT",), None, True),
        ((b"552 5.3.4 too large\r\n",), 552, False),
        ((b"421 4.3.2 shutting down\r\n",), 421, True),
        ((b"250 taken before it came\r\n",), 250, True),
        ((b"552 5.3.4 too lar", "SHUT"), None, True),
    ],
)
def test_while_the_message_is_being_sent_nothing_was_sent(
    acts: tuple[bytes | str, ...],
    code: int | None,
    temporary: bool,
    fault: Callable[..., Any],
    mail: Callable[..., Any],
) -> None:
    """The message is larger than all that lies between the two, so that the server acts before the dot can leave."""
    server = fault("content", *acts)
    large = mail(1, attachments=[Attachment("a.bin", b"x" * 9_000_000)])
    with Smtp(server.url, timeout=0.3 if "STALL" in acts else 30) as mailer:
        outcome = mailer.send(large)
        assert isinstance(outcome, NotSent)
        assert (outcome.code, outcome.temporary, outcome.everything) == (code, temporary, False)
        assert server.taken == []
        assert isinstance(mailer.send(mail(2)), Accepted)
    assert server.taken == [mail(2).content]


# --- several recipients -------------------------------------------------------------------------------------

THREE = ("one@client.example", "two@client.example", "three@client.example")
FINE, LATER, NEVER, ELSEWHERE = b"250 fine\r\n", b"450 4.2.1 busy\r\n", b"550 5.1.1 unknown\r\n", b"251 forwarded\r\n"


@pytest.mark.parametrize(
    ("replies", "refused"),
    [
        ([FINE, FINE, FINE], {}),
        ([FINE, ELSEWHERE, b"252 cannot say\r\n"], {}),
        ([FINE, NEVER, FINE], {THREE[1]: "550 5.1.1 unknown"}),
        ([LATER, FINE, FINE], {THREE[0]: "450 4.2.1 busy"}),
        ([NEVER, LATER, FINE], {THREE[0]: "550 5.1.1 unknown", THREE[1]: "450 4.2.1 busy"}),
    ],
)
def test_some_recipients_refused_is_accepted_for_the_others(
    replies: list[bytes], refused: dict[str, str], scripted: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = scripted({"RCPT": replies})
    with Smtp(server.url) as mailer:
        assert mailer.send(mail(to=THREE)) == Accepted(reply="250 taken as 17", refused=refused)
    assert [line for line in server.said[0] if line.startswith("RCPT")] == [f"RCPT TO:<{one}>" for one in THREE]
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("replies", "code", "temporary"),
    [
        ([NEVER, NEVER, b"553 5.1.3 bad\r\n"], 550, False),
        ([NEVER, LATER, NEVER], 450, True),
        ([LATER, LATER, LATER], 450, True),
        ([FINE, b"421 shutting down\r\n", FINE], 421, True),
        ([FINE, FINE, b"what?\r\n"], None, True),
    ],
)
def test_all_recipients_refused_is_not_sent_and_one_that_may_do_later_keeps_it_alive(
    replies: list[bytes], code: int | None, temporary: bool, scripted: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = scripted({"RCPT": replies})
    with Smtp(server.url) as mailer:
        outcome = mailer.send(mail(to=THREE))
    assert isinstance(outcome, NotSent)
    assert (outcome.code, outcome.temporary, outcome.everything) == (code, temporary, False)
    assert "DATA" not in server.verbs[0]


@pytest.mark.parametrize("code", [530, 534, 535, 538])
@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA"])
def test_who_is_not_let_in_need_not_try_another_mail(
    code: int, phase: str, fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    with mailer_for(fault(phase, f"{code} 5.7.0 authenticate first\r\n".encode())) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.code, outcome.everything) == (code, True)


# --- between the mails of a batch ---------------------------------------------------------------------------


def test_a_batch_goes_over_one_connection(scripted: Callable[..., Any], mail: Callable[..., Any]) -> None:
    server = scripted()
    with Smtp(server.url) as mailer:
        assert [type(mailer.send(mail(number))) for number in range(20)] == [Accepted] * 20
    assert server.taken == [mail(number).content for number in range(20)]
    assert server.verbs == [["EHLO", *["MAIL", "RCPT", "DATA", "RSET"] * 19, "MAIL", "RCPT", "DATA", "QUIT"]]


@pytest.mark.parametrize("what", ["closed", "reset", "silence", "garbage", "half a line"])
def test_a_connection_lost_between_two_mails_loses_no_mail(
    what: str, fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = fault("RSET", *FAULTS[what])
    with mailer_for(server) as mailer:
        assert isinstance(mailer.send(mail(1)), Accepted)
        assert isinstance(mailer.send(mail(2)), Accepted)
    assert server.taken == [mail(1).content, mail(2).content]
    assert len(server.said) == 2


@pytest.mark.parametrize("reply", [b"421 idle too long\r\n", b"500 what is RSET\r\n"])
def test_a_server_that_will_not_begin_anew_is_left(
    reply: bytes, fault: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = fault("RSET", reply)
    with mailer_for(server) as mailer:
        assert [type(mailer.send(mail(number))) for number in (1, 2)] == [Accepted, Accepted]
    assert len(server.said) == 2


def test_a_server_that_says_goodbye_after_it_took_a_mail_took_it(
    scripted: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = scripted({"dot": b"250 taken as 1\r\n421 too many\r\n"})
    with Smtp(server.url) as mailer:
        assert mailer.send(mail(1)) == Accepted(reply="250 taken as 1")
        assert mailer.send(mail(2)) == Accepted(reply="250 taken as 17")
    assert server.taken == [mail(1).content, mail(2).content]


@pytest.mark.parametrize("what", ["closed", "reset", "silence", "garbage"])
def test_a_bad_goodbye_changes_nothing(what: str, fault: Callable[..., Any], mail: Callable[..., Any]) -> None:
    mailer = mailer_for(fault("QUIT", *FAULTS[what]))
    assert isinstance(mailer.send(mail()), Accepted)
    mailer.close()
    mailer.close()


def test_nobody_there_is_temporary_and_pauses_everything(
    scripted: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    server = scripted()
    server.close()
    outcome = Smtp(server.url).send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.temporary, outcome.everything, outcome.code) == (True, True, None)
    assert "refused" in outcome.reason


def test_an_old_server_that_knows_only_helo_will_do(scripted: Callable[..., Any], mail: Callable[..., Any]) -> None:
    server = scripted({"EHLO": b"502 5.5.1 what is EHLO\r\n"})
    with Smtp(server.url) as mailer:
        assert isinstance(mailer.send(mail()), Accepted)
    assert server.verbs[0][:3] == ["EHLO", "HELO", "MAIL"]


def test_long_answers_in_many_lines_are_read_to_their_end(
    scripted: Callable[..., Any], mail: Callable[..., Any]
) -> None:
    script = {"banner": b"220-" + b"x" * 500 + b"\r\n" + b"220-more\r\n" * 500 + b"220 ready\r\n"}
    server = scripted(script | {"dot": b"250-taken\r\n" * 100 + b"250 as 17\r\n"})
    with Smtp(server.url) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, Accepted)
    assert len(outcome.reply) <= 310


def test_a_reply_that_drips_has_one_deadline_and_not_one_for_each_byte(
    scripted: Callable[..., Any], mail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 100_000, 2))  # each look at the clock is two seconds later
    monkeypatch.setattr("salespipeline.mail.wire.monotonic", lambda: float(next(now)))
    server = scripted({"dot": b"250-still busy\r\n" * 3000 + b"250 taken\r\n"})
    with Smtp(server.url, timeout=10, final_timeout=10) as mailer:
        outcome = mailer.send(mail())
    assert isinstance(outcome, Unknown)
    assert "timed out" in outcome.reason
