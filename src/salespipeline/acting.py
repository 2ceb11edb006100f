"""The same pipeline for somebody else, for a purpose, or with nobody asked."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Self, TypeVar

from salespipeline import text
from salespipeline.catalog import KIND_OF

if TYPE_CHECKING:
    from salespipeline.permissions import Policy, Verb
    from salespipeline.work import Work

__all__ = ["Acting"]

R = TypeVar("R")

# What a pipeline has in common with the same one for somebody else, or for some purpose.
_SHARED = (
    "store", "actor", "clock", "ids", "scanner", "inbox", "subscribers", "_rates", "_blobs", "_mailer", "_renderer",
    "policy", "opened_by", "_free", "_verb", "_cache", "_local",
)  # fmt: skip


class Acting:
    """What a pipeline does with who acts; the examples are those of ``Sales``."""

    policy: Policy | None
    _free: bool  # whether nobody is asked, though there is a policy
    _verb: Verb | None

    if TYPE_CHECKING:

        def work(self, *, write: bool = True) -> AbstractContextManager[Work]:
            """Open a unit of work: see ``Sales.work``."""
            ...

    def acting(self, actor: str) -> Self:
        """Return the same pipeline with somebody else acting: one for each request of a web application.

        >>> toms = sales.acting("tom")
        >>> toms.opportunities.edit(deal, note="Called back.") == sales.opportunities[deal.id]
        True
        >>> [(activity.by, activity.action) for activity in sales.opportunities.history(deal)]
        [('jane', 'created'), ('tom', 'edited')]
        """
        return self._again(actor=text.clean(actor, "actor", required=True))

    def _again(self, **changes: object) -> Self:
        """Return the same pipeline, but for what is said here."""
        other = type(self).__new__(type(self))
        other.__dict__.update({name: self.__dict__[name] for name in _SHARED} | changes)
        return other

    # --- permissions ------------------------------------------------------------------------------------------

    @property
    def asks(self) -> bool:
        """Whether there is a policy, and it is asked."""
        return self.policy is not None and not self._free

    def doing(self, verb: Verb) -> Self:
        """Return the same pipeline for a purpose, for which the policy is asked beside reading. For extensions.

        >>> sales.doing("export") is sales  # without a policy there is nobody to ask
        True
        """
        return self._again(_verb=verb) if self.asks else self

    def unguarded(self) -> Self:
        """Return the same pipeline with nobody asked: for the host itself, and for its workers. See ``Work.unguarded``.

        >>> bobs = sp.open(sales.store, actor="bob", policy=lambda actor, action, record: False)
        >>> bobs.opportunities.count(), bobs.unguarded().opportunities.count()
        (0, 1)
        """
        return self._again(_free=True, _verb=None) if self.asks else self

    def overseeing(self, what: str) -> Self:
        """Return it unguarded, if who acts may oversee the whole store, which *what* does; raises ``Denied``. For extensions.

        >>> bobs = sp.open(sales.store, actor="bob", policy=lambda actor, action, record: action == "read")
        >>> bobs.overseeing("verify numbers")
        Traceback (most recent call last):
        salespipeline.errors.Denied: bob may not oversee the whole store: the policy of this application says no
        """
        if self.asks:
            with self.work(write=False) as work:
                work.demand("oversee", None, move=what)
        return self.unguarded()

    def seen_of(self, cls: type[R], records: Iterable[R]) -> list[R]:
        """Return those of *records* that who acts may read: of what was done for everybody. For extensions.

        >>> sales.seen_of(type(deal), [deal]) == [deal]
        True
        """
        listed = list(records)
        if not self.asks or not listed:
            return listed
        with self.work(write=False) as work:
            return listed if work.guard is None else work.guard.seen(KIND_OF[cls].kind.name, listed)
