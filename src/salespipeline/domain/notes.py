"""Notes: what was said and done, on any record, in threads; calls and mails are notes too. (SPEC NOTE-1)"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.display import Displayed
from salespipeline.errors import Invalid, NotAllowed, Problem, shown

__all__ = ["FLAGS", "LONGEST", "Call", "Mention", "Note", "NoteKind", "NoteStatus", "as_call", "mentioned"]

LONGEST = 100_000
FLAGS = ("important", "pinned", "follow_up")
MOST_MENTIONS = 50


class NoteStatus(StrEnum):
    """Where a note stands."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class NoteKind(StrEnum):
    """What a note tells of."""

    NOTE = "note"
    CALL = "call"
    MAIL_OUT = "mail_out"  # a mail to the client
    MAIL_IN = "mail_in"  # a reply that came by mail


class Call(StrEnum):
    """What became of a call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    BUSY = "busy"
    CALL_BACK = "call_back"
    WRONG_NUMBER = "wrong_number"


@attrs.frozen(kw_only=True)
class Mention:
    """Somebody whom a note concerns: a *kind* of person (user, person, contact), who, and where mail reaches them."""

    kind: str
    id: str
    name: str
    email: str = ""


@attrs.frozen(kw_only=True, order=False)
class Note(Displayed):
    """A note on a record. *thread_id* is the note that a thread began with, its own id where it did.

    *author* is who says it: a user's id, or the name of a person who replied by mail. *opportunity_id* is the
    opportunity that its record belonged to when it was written. *message_id* is that of the mail that it came by.

    >>> note = sales.notes.add(deal, "Floor load", "Ask for the drawing.")
    >>> print(note)
    note 'Floor load' (open)
    >>> str(note.completed().status), str(note.completed().reopened().status)
    ('completed', 'open')
    """

    id: str
    version: int = 0
    kind: NoteKind = NoteKind.NOTE
    record_kind: str
    record_id: str
    opportunity_id: str | None = None
    thread_id: str
    reply_to: str | None = None
    subject: str
    text: str = ""
    author: str
    owner_id: str
    status: NoteStatus = NoteStatus.OPEN
    tags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    call: Call | None = None
    called: Mention | None = None
    minutes: int | None = None
    message_id: str | None = None
    created_at: datetime
    created_by: str

    def checked(self) -> Note:
        """Return the note with clean values, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            subject=lambda value: text.clean(value, "subject", required=True),
            text=lambda value: text.clean(value, "text", most=LONGEST, lines=True),
            flags=_as_flags,
            call=lambda value: None if value is None else as_call(value),
            minutes=_as_minutes,
        )

    def _moved(self, status: NoteStatus, verb: str) -> Note:
        if (self.status is NoteStatus.OPEN) == (status is NoteStatus.OPEN):
            hint = "it is open already" if status is NoteStatus.OPEN else "reopen() it first"
            message = f"note {self.subject!r} cannot {verb}: it is {self.status.value}; {hint}"
            raise NotAllowed(message, record=f"note {self.id}", action=verb)
        return attrs.evolve(self, status=status)

    def completed(self) -> Note:
        """Return it done."""
        return self._moved(NoteStatus.COMPLETED, "complete")

    def cancelled(self) -> Note:
        """Return it given up."""
        return self._moved(NoteStatus.CANCELLED, "cancel")

    def reopened(self) -> Note:
        """Return it open again."""
        return self._moved(NoteStatus.OPEN, "reopen")

    def __str__(self) -> str:
        return f"{self.kind.value.replace('_', ' ')} {self.subject!r} ({self.status.value})"


def _as_flags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise Invalid(Problem("flags", "type", f"a list of flags is needed, not {shown(value)}"))
    checks = Checks()
    given = tuple(value)
    for one in given:
        if one not in FLAGS:
            checks.add("flags", "choice", f"no flag is called {shown(one)}: {suggestion(str(one)[:200], FLAGS)}")
    checks.done()
    return tuple(flag for flag in FLAGS if flag in given)


def as_call(value: Any) -> Call:
    """Return what became of a call, or raise ``Invalid``."""
    if value not in tuple(Call):
        message = f"a call ends as one of {', '.join(Call)}, not {shown(value)}"
        raise Invalid(Problem("outcome", "choice", message))
    return Call(value)


def _as_minutes(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 0 <= value <= 1440):
        raise Invalid(Problem("minutes", "range", f"a call lasts 0 to 1,440 minutes, not {shown(value)}"))
    return value


_AT = re.compile(r"(?<![\w@.])@(?=\w)")
_WORD = re.compile(r"[\w.\-’']+")
_MOST_WORDS = 6


def mentioned(said: str, known: Iterable[Mention]) -> tuple[Mention, ...]:
    """Return whom *said* mentions with ``@``, each once, in their order; raises ``Invalid`` where that can be several.

    After the ``@`` stands an id, a name, or a name without its spaces, in any case and without accents; the longest
    one that fits is meant. What fits nobody is text.

    >>> jane = Mention(kind="user", id="jane", name="Jane Whitfield")
    >>> zoe = Mention(kind="person", id="p1", name="Zoë Field")
    >>> [one.name for one in mentioned("@zoe field asks, @JaneWhitfield; mail x@jane.example", [jane, zoe])]
    ['Zoë Field', 'Jane Whitfield']
    """
    names: dict[str, dict[tuple[str, str], Mention]] = {}
    for one in known:
        for name in {one.id if one.kind == "user" else "", one.name, *_joined(one.name)} - {""}:
            names.setdefault(text.fold(name), {})[one.kind, one.id] = one
    checks, found = Checks(), dict[tuple[str, str], Mention]()
    for start in _AT.finditer(said):
        key = _longest(said[start.end() : start.end() + 300], names)
        if key is None:
            continue
        several = names[key]
        if len(several) > 1:
            who = " or ".join(sorted(f"{one.kind} {one.id}" for one in several.values()))
            checks.add("text", "several", f"@{key} is the name of {who}: write the id of the user, or who in full")
            continue
        found |= several
    if len(found) > MOST_MENTIONS:
        checks.add("text", "range", f"a note mentions at most {MOST_MENTIONS} people, not {len(found)}")
    checks.done()
    return tuple(found.values())


def _joined(name: str) -> set[str]:
    words = name.split()
    return {mark.join(words) for mark in ("", ".", "_", "-")}


def _longest(rest: str, names: dict[str, dict[tuple[str, str], Mention]]) -> str | None:
    """Return the longest of *names* that *rest* begins with."""
    ends: list[int] = []
    for word in _WORD.finditer(rest):
        if len(ends) == _MOST_WORDS or (ends and rest[ends[-1] : word.start()] != " "):
            break
        ends.append(word.end())
    for end in reversed(ends):
        for key in (text.fold(rest[:end]), text.fold(rest[:end].rstrip(".-’'"))):
            if key in names:
                return key
    return None
