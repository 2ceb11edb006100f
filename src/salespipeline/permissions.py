"""Who may do what, as the host application says: the policy that ``open(policy=…)`` takes.

A policy is a function, or an object that is called like one: ``policy(actor, action, record)`` is asked about every record
before it is shown, counted, summed or changed. Where it also has a method ``filters``, what may be read is part of the
query instead. What it denies to read looks exactly like what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, Self, TypeAlias, runtime_checkable

from salespipeline.domain.alerts import Alert, Follow
from salespipeline.domain.attachments import Attachment
from salespipeline.domain.checks import Verdict
from salespipeline.domain.contacts import Contact
from salespipeline.domain.display import Labelled
from salespipeline.domain.document import Document
from salespipeline.domain.items import Item
from salespipeline.domain.jobs import Job
from salespipeline.domain.links import Keyring
from salespipeline.domain.notes import Note
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.sending import Batch
from salespipeline.domain.stock import StockItem
from salespipeline.domain.templates import Template

__all__ = ["Action", "Filtering", "Filters", "Policy", "Record", "Verb", "Verdict", "deny"]

Verb: TypeAlias = Literal["read", "report", "export", "download", "create", "change", "delete", "send", "oversee"]
Setting: TypeAlias = Labelled | Template | Organisation | Keyring  # an entry of a list, or what there is one of
Record: TypeAlias = (
    Opportunity | Document | Contact | Job | Note | Attachment | Alert | Follow | Item | StockItem | Batch | Setting
)
Filters: TypeAlias = Mapping[str, object] | Sequence[Mapping[str, object]]


class Action(str):
    """What somebody wants to do: a word of ``Verb``. *move* is what the history will call it, *after* what it would make.

    >>> Action("change", move="won") == "change", Action("change", move="won").move
    (True, 'won')
    """

    __slots__ = ("after", "move")
    move: str
    after: Record | None

    def __new__(cls, verb: Verb, *, move: str = "", after: Record | None = None) -> Self:
        """Return the word with what is known beside it."""
        action = super().__new__(cls, verb)
        action.move = move
        action.after = after
        return action


class Policy(Protocol):
    """Says whether *actor* may do something with a record."""

    def __call__(self, actor: str, action: Action, record: Record | None, /) -> Verdict | bool:
        """Return ``True``, or ``deny("why")``. Whatever else is returned, or raised, denies.

        *record* is what is kept, and for ``create`` what would be; ``None`` for ``oversee``, which asks for the whole store.
        """
        ...


@runtime_checkable
class Filtering(Protocol):
    """What a policy may offer beside being called: which records of a kind may be read, as filters of its lists."""

    def filters(self, actor: str, action: Action, kind: str, /) -> Filters | None:
        """Return filters as ``where`` takes them, several mappings for any of them, or ``None`` to be asked for each record.

        ``{}`` lets everything be read, and an empty list nothing. *action* is ``read``, ``report``, ``export`` or ``download``.
        """
        ...


def deny(reason: str = "") -> Verdict:
    """Return what a policy answers where something is denied, and why.

    >>> deny("only managers delete")
    Verdict(allowed=False, reason='only managers delete')
    """
    return Verdict(False, reason)
