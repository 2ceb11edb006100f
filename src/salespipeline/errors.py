"""Every error that the library raises.

::

    SalesPipelineError
    ├── Refused                     the rules say no; nothing was written
    │   ├── Invalid(ValueError)     .problems: every problem, with path and code
    │   ├── NotEditable             sent, or being sent
    │   ├── NotAllowed              no such move from here
    │   ├── NotSendable             .reasons
    │   ├── Denied                  the policy of the host says no: .actor, .reason
    │   └── LinkRefused             the link by which a client answers: LinkInvalid, LinkExpired, LinkAnswered, LinkWithdrawn
    ├── NotFound(LookupError)       no such record
    ├── StorageError                always with the driver's error as __cause__
    │   ├── Conflict                somebody else changed the record meanwhile
    │   ├── Duplicate               another record has this unique value
    │   ├── Overflow                an exact sum left the 64-bit range
    │   ├── Unavailable             .retry says whether trying again can help
    │   ├── Corrupt                 what was read cannot be what was written
    │   ├── ForeignFile             the file belongs to another application
    │   ├── NewerFormat             written by a newer version of the library
    │   ├── UpgradeNeeded           written by an older one; call its upgrade
    │   ├── Unfinished              an import into it was interrupted; call it again
    │   ├── StorageFull             no room left; nothing was written
    │   ├── ReadOnly                the medium cannot be written
    │   ├── StoreClosed             the handle was closed (or inherited by a fork)
    │   └── TransactionOpen         transactions do not nest
    ├── OpenError(ValueError)       unknown scheme, bad URL, missing part
    ├── RenderError                 a document could not be drawn
    ├── TemplateError               a template could not be read or filled
    └── MailError                   a mailer was given something it cannot mail

Messages say what was refused, which value, why, and what to do instead. Every
class carries its facts as attributes and survives pickling. (SPEC EXT-4)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "Conflict", "Corrupt", "Duplicate", "ForeignFile", "Invalid", "LinkAnswered", "LinkExpired", "LinkInvalid",
    "LinkRefused", "LinkWithdrawn", "MailError", "NewerFormat", "NotAllowed", "NotEditable", "NotFound",
    "NotSendable", "OnStop", "OpenError", "Overflow", "Problem", "ReadOnly", "Refused", "RenderError", "SalesPipelineError",
    "StorageError", "StorageFull", "StoreClosed", "TemplateError", "TransactionOpen", "Unavailable", "Unfinished",
    "UpgradeNeeded", "shown",
]  # fmt: skip


def shown(value: object, limit: int = 80) -> str:
    """Return *value* as it may stand in a message: its repr, cut to *limit* characters.

    >>> shown("x" * 200, limit=12)
    "'xxxxxxxxxx…"
    """
    if isinstance(value, str):  # never build the repr of ten megabytes to show eighty characters
        value = value[: limit + 1]
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


_LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was given.

    *path* names the place (``lines[2].tax``), *code* is stable and meant for programs
    (``float``, ``unknown``, ``missing``), *message* is a sentence for people.

    >>> try:
    ...     sp.Line("", unit_price=0.1)
    ... except sp.Invalid as error:
    ...     [(problem.path, problem.code) for problem in error.problems]
    [('description', 'empty'), ('unit_price', 'float')]
    """

    path: str
    code: str
    message: str

    def __post_init__(self) -> None:
        # A path may hold what was given, such as the key of an answer: it is shown, and never as it came.
        if len(self.path) > _LONGEST_PATH or not self.path.isprintable():
            plain = self.path[:_LONGEST_PATH].encode("unicode_escape").decode("ascii")
            object.__setattr__(self, "path", plain if len(self.path) <= _LONGEST_PATH else plain + "…")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SalesPipelineError(Exception):
    """The root: catch this to catch everything that the library raises.

    >>> try:
    ...     sales.contacts["Acne Ltd"]
    ... except sp.SalesPipelineError as error:
    ...     print(f"{type(error).__name__}: {error}")
    NotFound: no contact has the id or name 'Acne Ltd'
    """


class Refused(SalesPipelineError):
    """The rules say no. Nothing was written.

    >>> sales.contacts.delete(acme)
    Traceback (most recent call last):
    salespipeline.errors.Refused: contact 'Acme Ltd' cannot be deleted: 1 opportunity names it; delete or move them first
    """

    def __init__(self, message: str, *, record: str | None = None, action: str | None = None) -> None:
        super().__init__(message)
        self.record = record
        self.action = action


class Invalid(Refused, ValueError):
    """What was given breaks one or more rules; ``problems`` lists all of them.

    >>> try:
    ...     sales.opportunities.edit(deal, stage="Prospekt", due="tomorrow")
    ... except sp.Invalid as error:
    ...     print(error)
    due: 'tomorrow' is not a date; write for example '2026-11-24'
    stage: no stage is called 'Prospekt': did you mean 'Prospect'?
    """

    def __init__(
        self, problems: Iterable[Problem] | Problem, *, record: str | None = None, action: str | None = None
    ) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), record=record, action=action)
        self.args = (self.problems,)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class NotEditable(Refused):
    """The document was sent, or is being sent: its content is locked for ever. (SPEC DOC-3)

    >>> sent = sales.documents.mark_sent(quote)
    >>> try:
    ...     sales.documents.edit(sent, subject="Cheaper")
    ... except sp.NotEditable as error:
    ...     print(error)
    Quote 'QUO/00001' cannot be edited: it was sent on ...; make a revision with documents.revise(), or ...
    """


class NotAllowed(Refused):
    """The record cannot make this move from where it is.

    >>> try:
    ...     sales.opportunities.win(sales.opportunities.lose(deal, "price"))
    ... except sp.NotAllowed as error:
    ...     print(error)
    Opportunity 'OPP/00001' cannot win: it is lost; reopen() it first.
    """


class OnStop(UserWarning):
    """A document was made for a contact that is on stop. It is a warning: the document is there.

    ``warnings.filterwarnings("error", category=sp.OnStop)`` has it refused.

    >>> import warnings
    >>> _ = sales.contacts.stop("Acme Ltd", "two invoices are overdue")
    >>> with warnings.catch_warnings(record=True, action="always") as warned:
    ...     _ = sales.documents.draft(deal, "quote")
    >>> print(warned[0].message)
    contact 'Acme Ltd' is on stop (two invoices are overdue), and a quote was made for it
    """

    def __init__(self, contact: str, reason: str, what: str) -> None:
        super().__init__(contact, reason, what)
        self.contact, self.reason, self.what = contact, reason, what

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"contact {self.contact!r} is on stop{why}, and {self.what} was made for it"


class NotSendable(Refused):
    """The document may not be mailed; ``reasons`` says why. (SPEC SEND-2)

    >>> sp.NotSendable("quote 'QUO/00001' is not mailed: on hold", reasons=("on hold",)).reasons
    ('on hold',)
    """

    def __init__(
        self, message: str, *, reasons: tuple[str, ...] = (), record: str | None = None, action: str | None = None
    ) -> None:
        super().__init__(message, record=record, action=action)
        self.reasons = reasons


class Denied(Refused):
    """The policy of the host application does not let *actor* do this to what may be read; *reason* is what it said.

    What may not even be read is ``NotFound``, as if it were not there.

    >>> tom = sp.open(sales.store, actor="tom", policy=lambda actor, action, record: action == "read" or sp.deny("ask Jane"))
    >>> tom.opportunities.delete("OPP/00001")
    Traceback (most recent call last):
    salespipeline.errors.Denied: tom may not delete opportunity 'OPP/00001': ask Jane
    """

    def __init__(
        self, message: str, *, actor: str = "", reason: str = "", record: str | None = None, action: str | None = None
    ) -> None:
        super().__init__(message, record=record, action=action)
        self.actor = actor
        self.reason = reason


class LinkRefused(Refused):
    """A link does not let a client answer, for one of the reasons below. (SPEC DOC-9)

    >>> try:
    ...     sales.documents.offered("no such token")
    ... except sp.LinkRefused as error:
    ...     print(type(error).__name__)
    LinkInvalid
    """


class LinkInvalid(LinkRefused):
    """It was changed on its way, is for something else, or is signed with a key that was revoked."""


class LinkExpired(LinkRefused):
    """The last day of the quote is over."""


class LinkWithdrawn(LinkRefused):
    """The quote was cancelled, or a later revision took its place."""


class LinkAnswered(LinkRefused):
    """The client has answered already: *accepted* or not, *at* a moment."""

    def __init__(
        self,
        message: str,
        *,
        accepted: bool = False,
        at: object = None,
        record: str | None = None,
        action: str | None = None,
    ) -> None:
        super().__init__(message, record=record, action=action)
        self.accepted = accepted
        self.at = at


class NotFound(SalesPipelineError, LookupError):
    """No record of this kind has this id, reference or name.

    >>> sales.opportunities["OPP/99999"]
    Traceback (most recent call last):
    salespipeline.errors.NotFound: no opportunity has the id or reference 'OPP/99999'
    """

    def __init__(self, message: str, *, kind: str | None = None, key: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.key = key


class StorageError(SalesPipelineError):
    """The store could not do what it was asked; the driver's error is ``__cause__``.

    >>> sales.close()
    >>> try:
    ...     len(sales.contacts)
    ... except sp.StorageError as error:
    ...     print(f"{type(error).__name__}: {error}")
    StoreClosed: ...
    """


class Conflict(StorageError):
    """Somebody else changed or deleted the record since it was read. Read it again.

    >>> _ = sales.opportunities.edit(deal, subject="New warehouse, Leeds")
    >>> try:
    ...     sales.opportunities.win(deal)  # what was read before is not what is there
    ... except sp.Conflict:
    ...     sales.opportunities.win(deal.id).subject
    'New warehouse, Leeds'
    """

    def __init__(self, message: str, *, kind: str | None = None, id: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.id = id


class Duplicate(StorageError):
    """Another record of this kind already has this unique value.

    >>> try:
    ...     sales.opportunities.create(contact=acme, subject="Shed", lines=deal.lines, reference="opp/00001")
    ... except sp.Duplicate as error:
    ...     print(error.fields)
    ('reference',)
    """

    def __init__(
        self, message: str, *, kind: str | None = None, id: str | None = None, fields: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.id = id
        self.fields = fields


class Overflow(StorageError):
    """An exact sum left the range of a signed 64-bit integer; it is never rounded."""


class Unavailable(StorageError):
    """The store cannot be reached or is busy; ``retry`` says whether trying again can help."""

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


class Corrupt(StorageError):
    """What was read cannot be what was written. Restore from a backup."""


class ForeignFile(StorageError):
    """The file, or the schema of a database, is another application's and no store of this library."""


class NewerFormat(StorageError):
    """The data was written by a newer version of the library. Upgrade the library."""


class UpgradeNeeded(StorageError):
    """The data was written by an older version; the message says how to upgrade it."""


class Unfinished(StorageError):
    """An import into the store was interrupted; the message says how to go on with it."""


class StorageFull(StorageError):
    """The medium is full. The transaction was rolled back."""


class ReadOnly(StorageError):
    """The medium, or the transaction, cannot be written."""


class StoreClosed(StorageError):
    """The handle was closed, or belongs to the parent of a forked process. Open a new one."""


class TransactionOpen(StorageError):
    """A transaction is already open in this thread; transactions do not nest."""


class OpenError(SalesPipelineError, ValueError):
    """The URL given to ``open`` has an unknown scheme or is malformed, or a needed part was not given.

    >>> sp.open("mongodb://localhost")
    Traceback (most recent call last):
    salespipeline.errors.OpenError: no store is registered for 'mongodb': there is ...; is its package installed?
    """


class RenderError(SalesPipelineError):
    """A document could not be drawn. ``document`` names it, ``part`` the part that failed."""

    def __init__(self, message: str, *, document: str | None = None, part: str | None = None) -> None:
        super().__init__(message)
        self.document = document
        self.part = part


class TemplateError(SalesPipelineError):
    """A template could not be read or filled. ``template``, ``part`` (subject, text, html, css) and ``line`` say where."""

    def __init__(
        self, message: str, *, template: str | None = None, part: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.template = template
        self.part = part
        self.line = line


class MailError(SalesPipelineError):
    """A mailer was given something that it cannot mail. Nothing was sent."""
