"""The same pipeline for somebody else, for a purpose, or with nobody asked."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Self

from salespipeline import text

if TYPE_CHECKING:
    from salespipeline.permissions import Policy, Verb
    from salespipeline.work import Work

__all__ = ["Acting"]

# What a pipeline has in common with the same one for somebody else, or for some purpose.
_SHARED = (
    "store", "actor", "clock", "ids", "scanner", "inbox", "subscribers", "_rates", "_blobs", "_mailer", "_renderer",
    "_policy", "_verb", "_cache", "_local",
)  # fmt: skip


class Acting:
    """What a pipeline does with who acts; the examples are those of ``Sales``."""

    _policy: Policy | None
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

    def doing(self, verb: Verb) -> Self:
        """Return the same pipeline for a purpose, for which the policy is asked beside reading. For extensions.

        >>> sales.doing("export") is sales  # without a policy there is nobody to ask
        True
        """
        return self if self._policy is None else self._again(_verb=verb)

    def unguarded(self) -> Self:
        """Return the same pipeline with nobody asked: for the host itself, and for its workers. See ``Work.unguarded``.

        >>> bobs = sp.open(sales.store, actor="bob", policy=lambda actor, action, record: False)
        >>> bobs.opportunities.count(), bobs.unguarded().opportunities.count()
        (0, 1)
        """
        return self if self._policy is None else self._again(_policy=None, _verb=None)

    def overseeing(self, what: str) -> Self:
        """Return it unguarded, if who acts may oversee the whole store, which *what* does; raises ``Denied``. For extensions.

        >>> bobs = sp.open(sales.store, actor="bob", policy=lambda actor, action, record: action == "read")
        >>> bobs.overseeing("verify numbers")
        Traceback (most recent call last):
        salespipeline.errors.Denied: bob may not oversee the whole store: the policy of this application says no
        """
        if self._policy is not None:
            from salespipeline.permissions import Action

            with self.work(write=False) as work:
                if work.guard is not None:
                    work.guard.demand(Action("oversee", move=what), None)
        return self.unguarded()
