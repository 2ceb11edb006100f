"""Mailers that need no server: a folder of ``.eml`` files, and memory; and the lazy names of all three."""

from __future__ import annotations

import email
import email.policy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline.mail import Address, Folder, Memory, Smtp
from salespipeline.ports import Accepted, Mail, NotSent, Outcome, Unknown

# --- a folder -----------------------------------------------------------------------------------------------


def test_a_mail_is_a_file_that_every_mail_program_opens(tmp_path: Path, mail: Callable[..., Mail]) -> None:
    folder = Folder(tmp_path / "deep" / "mails")
    sent = mail(subject="Angebot: 12 % für Köln/Bonn", text="Grüße\n", to=Address("b@client.example", "Jörg"))
    outcome = folder.send(sent)
    (file,) = (tmp_path / "deep" / "mails").iterdir()
    assert outcome == Accepted(reply=f"250 written as {file.name}")
    assert file.name.startswith("b@client.example Angebot_ 12 % für Köln-Bonn ")
    assert file.suffix == ".eml"
    assert file.read_bytes() == sent.content
    read = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert read["Subject"] == "Angebot: 12 % für Köln/Bonn"
    assert read.get_content().splitlines() == ["Grüße"]


def test_two_mails_that_look_alike_are_two_files_and_one_mail_twice_is_one(
    tmp_path: Path, mail: Callable[..., Mail]
) -> None:
    folder = Folder(tmp_path)
    for number in (1, 2, 1, 3, 2):
        assert isinstance(folder.send(mail(number)), Accepted)
    assert sorted(file.read_bytes() for file in tmp_path.iterdir()) == [mail(n).content for n in (1, 2, 3)]
    again = Folder(tmp_path)
    assert isinstance(again.send(mail(1)), Accepted)
    assert len(list(tmp_path.iterdir())) == 3


def test_it_knows_what_it_wrote(tmp_path: Path, mail: Callable[..., Mail]) -> None:
    folder = Folder(tmp_path / "mails")
    assert not folder.lookup("<1@acme.example>")
    folder.send(mail(1))
    assert folder.lookup("<1@acme.example>")
    assert not folder.lookup("<2@acme.example>")
    assert Folder(tmp_path / "mails").lookup("<1@acme.example>")
    folder.close()
    assert isinstance(folder.send(mail(2)), Accepted)


heads = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=80).map(lambda text: b"Subject: " + text.encode(errors="surrogatepass") + b"\r\n\r\n"),
    st.sampled_from(
        [
            b"Subject: =?utf-8?b?a?=\r\n\r\n",
            b"Subject: =?nonsense?q?a?=\r\n\r\n",
            b"Subject: =?utf-8?q?=FF?=\r\n\r\n",
            b"Subject: =?utf-8?q?a=00=2F..=2F=0D=0A?=\r\n\r\n",
            b"Subject: \xff\xfe\r\n\r\n",
            b"Subject: =?utf-16?b?/w==?=\r\n\r\n",
            b"Subject:\r\n ../../x\r\n\r\n",
        ]
    ),
)


@given(heads, st.lists(st.text(max_size=300), max_size=2), st.text(max_size=40))
def test_whatever_a_mail_holds_it_is_written_into_the_folder_and_nowhere_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, recipients: list[str], message_id: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    sent = Mail(message_id=message_id, sender="", recipients=tuple(recipients), content=content)
    outcome = Folder(home / "mails", sync=False).send(sent)
    assert isinstance(outcome, Accepted)
    (file,) = (path for path in home.rglob("*") if path.is_file())
    assert file.parent == home / "mails"
    assert file.read_bytes() == content
    assert len(file.name.encode()) <= 255


def test_a_file_appears_whole_or_not_at_all(
    tmp_path: Path, mail: Callable[..., Mail], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        assert list(tmp_path.glob("*.eml")) == [], "nothing has its name before the disk has it"
        raise OSError(28, "No space left on device")

    folder = Folder(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    outcome = folder.send(mail(1))
    assert outcome == NotSent(
        reason=f"the folder {str(tmp_path)!r} cannot be written: No space left on device",
        temporary=True,
        everything=True,
    )
    assert list(tmp_path.iterdir()) == [], "no half of it is left behind"
    monkeypatch.undo()
    assert isinstance(folder.send(mail(1)), Accepted)


def test_a_file_whose_name_may_be_lost_is_unknown(
    tmp_path: Path, mail: Callable[..., Mail], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def second_fails(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", second_fails)
    assert isinstance(Folder(tmp_path).send(mail(1)), Unknown)
    assert len(list(tmp_path.glob("*.eml"))) == 1


def test_a_place_that_is_no_folder_is_answered(tmp_path: Path, mail: Callable[..., Mail]) -> None:
    (tmp_path / "file").write_text("")
    outcome = Folder(tmp_path / "file" / "mails").send(mail())
    assert isinstance(outcome, NotSent)
    assert (outcome.temporary, outcome.everything) == (True, True)


def test_a_folder_that_went_away_is_made_again(tmp_path: Path, mail: Callable[..., Mail]) -> None:
    folder = Folder(tmp_path / "mails")
    folder.send(mail(1))
    (tmp_path / "mails").rename(tmp_path / "archive")
    assert isinstance(folder.send(mail(2)), NotSent)
    assert isinstance(folder.send(mail(2)), Accepted)
    assert folder.lookup(mail(2).message_id)


def test_threads_may_share_a_folder(tmp_path: Path, mail: Callable[..., Mail]) -> None:
    folders = [Folder(tmp_path, sync=False), Folder(tmp_path, sync=False)]
    outcomes: list[Outcome] = []
    mails = [mail(number % 10) for number in range(40)]
    threads = [Thread(target=lambda f=folders[n % 2], m=one: outcomes.append(f.send(m))) for n, one in enumerate(mails)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert sorted(file.read_bytes() for file in tmp_path.iterdir()) == sorted({one.content for one in mails})


# --- memory -------------------------------------------------------------------------------------------------


def test_memory_keeps_what_it_accepted_and_what_was_tried(mail: Callable[..., Mail]) -> None:
    later = NotSent(reason="450 later", code=450, temporary=True)
    unknown = Unknown(reason="dropped")
    memory = Memory([later, unknown, Accepted(reply="250 ok", refused={"a": "550"})])
    outcomes = [memory.send(mail(number)) for number in range(4)]
    assert outcomes == [later, unknown, Accepted(reply="250 ok", refused={"a": "550"}), Accepted(reply="250 kept")]
    assert memory.tried == [mail(number) for number in range(4)]
    assert memory.sent == [mail(2), mail(3)]
    assert [memory.lookup(mail(number).message_id) for number in range(4)] == [False, False, True, True]
    memory.close()
    assert isinstance(memory.send(mail(4)), Accepted)
    assert repr(memory) == "<MemoryMailer: 3 sent>"


def test_memory_may_answer_by_the_mail(mail: Callable[..., Mail]) -> None:
    memory = Memory(lambda one: NotSent(reason="no") if one.message_id == "<1@acme.example>" else Accepted())
    assert [type(memory.send(mail(number))) for number in (1, 2)] == [NotSent, Accepted]
    assert memory.sent == [mail(2)]


# --- names --------------------------------------------------------------------------------------------------


def test_the_names_lead_to_the_mailers(tmp_path: Path) -> None:
    from salespipeline.mail.folder import FolderMailer
    from salespipeline.mail.memory import MemoryMailer
    from salespipeline.mail.smtp import SmtpMailer

    assert (sp.mail.Smtp, sp.mail.Folder, sp.mail.Memory) == (SmtpMailer, FolderMailer, MemoryMailer)
    assert (Smtp, Folder, Memory) == (SmtpMailer, FolderMailer, MemoryMailer)
    for mailer in (Smtp("smtp://localhost"), Folder(tmp_path), Memory()):
        mailer.close()
    assert set(sp.mail.__all__) <= set(dir(sp.mail))
    for name in sp.mail.__all__:
        assert getattr(sp.mail, name).__name__
    with pytest.raises(AttributeError, match="Sendmail"):
        sp.mail.Sendmail  # noqa: B018


@pytest.mark.parametrize(
    ("name", "unneeded"),
    [
        ("", ["email", "smtplib", "ssl", "email_validator"]),
        ("Memory", ["email", "smtplib", "ssl", "email_validator"]),
        ("Smtp", ["email_validator"]),
    ],
)
def test_a_name_loads_only_what_it_needs(name: str, unneeded: list[str]) -> None:
    code = f"import sys, salespipeline as sp; sp.mail{name and '.' + name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(unneeded) & set(done.stdout.split())


def test_every_mailer_answers_and_takes_a_goodbye_twice(
    tmp_path: Path, scripted: Callable[..., Any], mail: Callable[..., Mail]
) -> None:
    for mailer in (Memory(), Folder(tmp_path), Smtp(scripted().url)):
        assert isinstance(mailer.send(mail(1)), Accepted)
        mailer.close()
        mailer.close()
        assert isinstance(mailer.send(mail(2)), Accepted)
        mailer.close()
