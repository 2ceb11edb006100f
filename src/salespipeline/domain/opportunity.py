"""The opportunity and its moves. (SPEC section 2)

A move is a method that takes facts and returns the new value; nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, Verdict, as_date
from salespipeline.domain.contacts import Contact
from salespipeline.domain.display import Displayed
from salespipeline.domain.fields import Answer, AnswerValue
from salespipeline.domain.given import shared_values
from salespipeline.domain.lines import Line
from salespipeline.domain.losing import why_lost
from salespipeline.domain.settings import Settings
from salespipeline.domain.totals import Totals, net, totals
from salespipeline.errors import Invalid, NotAllowed, Problem, shown
from salespipeline.money import Currency, Money

__all__ = ["GIVEN", "MOVES", "Opportunity", "Status"]

GIVEN = frozenset(
    [
        "subject",
        "contact",
        "person",
        "currency",
        "rate",
        "lines",
        "stage",
        "pipeline",
        "probability",
        "tags",
        "due",
        "note",
        "reference",
        "custom",
        "owner",
        "department",
        "next_step",
        "next_step_on",
    ]
)


class Status(StrEnum):
    """Where an opportunity stands; independent of its stage, never inferred from a probability. (SPEC OPP-6)

    >>> deal.status is Status.OPEN, deal.status == "open"
    (True, True)
    """

    OPEN = "open"
    ON_HOLD = "on_hold"
    WON = "won"
    LOST = "lost"


_OPEN, _HELD, _WON, _LOST = Status.OPEN, Status.ON_HOLD, Status.WON, Status.LOST
MOVES: Mapping[str, tuple[frozenset[Status], str]] = {
    # move: (from which status, what to do where it is not possible)
    "edit": (frozenset(Status), ""),
    "hold": (frozenset({_OPEN}), "only an open opportunity can be put on hold"),
    "resume": (frozenset({_HELD}), "only an opportunity on hold can be resumed"),
    "win": (frozenset({_OPEN, _HELD}), "reopen() it first"),
    "lose": (frozenset({_OPEN, _HELD}), "reopen() it first"),
    "reopen": (frozenset({_WON, _LOST}), "only a won or lost opportunity can be reopened"),
    "delete": (frozenset(Status), ""),
}


@attrs.frozen(kw_only=True, order=False)
class Opportunity(Displayed):
    """A possible sale, from the first enquiry until it is won or lost.

    Ids refer to settings and contacts, so a rename there touches no opportunity. *probability_id* is kept when
    the opportunity is closed, so that reopening restores the former estimate (SPEC OPP-6). *created_on* and
    *closed_on* are days where the organisation is, decided once. *merged* are the ids of the duplicates that went into it.
    *next_step* is what is to be done next, *next_step_on* by when. *stage_since* is when it came to its stage, or was opened
    again there; ``None`` while it has always been there.

    >>> settings = sales.settings.snapshot
    >>> deal.value, deal.percent(settings)
    (Money('8400.00', 'GBP'), Decimal('75'))
    >>> won = deal.held().resumed().won(at=deal.created_at, on=deal.created_on)
    >>> won.status, won.percent(settings), won.reopened().percent(settings)
    (<Status.WON: 'won'>, Decimal('100'), Decimal('75'))
    >>> deal.edited({"tags": ["VIP"]}, settings, contact=acme, by="jane").tags == (settings.tags["VIP"].id,)
    True
    >>> deal.tagged(["VIP"], settings).untagged(["vip"], settings) == deal
    True
    >>> bool(deal.can("win"))
    True
    >>> deal.lost(at=deal.created_at, on=deal.created_on, reason="price").refuse("win")
    Traceback (most recent call last):
    salespipeline.errors.NotAllowed: Opportunity 'OPP/00001' cannot win: it is lost; reopen() it first.
    """

    id: str
    version: int = 0
    reference: str
    subject: str
    contact_id: str
    person_id: str | None = None
    currency: Currency
    lines: tuple[Line, ...]
    stage_id: str
    stage_since: datetime | None = None
    probability_id: str | None = None
    tags: tuple[str, ...] = ()
    due: date | None = None
    note: str = ""
    next_step: str = ""
    next_step_on: date | None = None
    answers: tuple[Answer, ...] = ()
    status: Status = Status.OPEN
    closed_at: datetime | None = None
    closed_on: date | None = None
    lost_reason_id: str | None = None
    lost_reason: str = ""
    owner_id: str
    department: str | None = None
    merged: tuple[str, ...] = ()
    import_key: str | None = None
    created_at: datetime
    created_on: date
    created_by: str

    @classmethod
    def opened(
        cls,
        given: Mapping[str, object],
        settings: Settings,
        *,
        id: str,
        reference: str,
        contact: Contact | None,
        at: datetime,
        by: str,
        import_key: str | None = None,
        checks: Checks | None = None,
    ) -> Opportunity:
        """Return a new opportunity with the *given* values, or raise ``Invalid`` with every problem.

        *checks* holds what was found already, such as why there is no *contact*.

        >>> given = {"subject": "Shed", "lines": [{"description": "Shed", "unit_price": "950"}]}
        >>> facts = {"id": "1", "reference": "S-1", "contact": acme, "at": deal.created_at, "by": "jane"}
        >>> print(Opportunity.opened(given, sales.settings.snapshot, **facts))
        S-1 Shed (950.00 GBP, open)
        """
        checks = checks or Checks()
        if "subject" not in given:
            checks.add("subject", "missing", "a subject is needed: a few words that say what it is about")
        values = _values(given, settings, checks, contact=contact, before=None, by=by)
        if "stage_id" not in values:
            first = next(iter(settings.stages), None)
            if first is None:
                checks.add("stage", "missing", "no stage exists yet: add some with settings.stages.add('…')")
            else:
                values["stage_id"] = first.id
        if import_key is not None:
            import_key = checks.take(text.clean, import_key, "import_key", required=True)
        checks.done(record=f"opportunity {reference}", action="create")
        values.setdefault("reference", reference)
        values.setdefault("owner_id", by)  # (SPEC OPP-7)
        facts = {"created_at": at, "created_on": settings.day_of(at), "created_by": by, "import_key": import_key}
        return cls(id=id, **facts, **values)  # type: ignore[arg-type]

    def edited(
        self,
        given: Mapping[str, object],
        settings: Settings,
        *,
        contact: Contact | None,
        by: str,
        at: datetime | None = None,
        checks: Checks | None = None,
    ) -> Opportunity:
        """Return the opportunity with the *given* values replaced, or raise ``Invalid`` with every problem.

        *contact* is the contact that it will have; *checks* holds what was found already; *at* is when it came to another
        stage, if it does. A change of currency needs ``rate=`` or new lines (SPEC OPP-1).
        """
        checks = checks or Checks()
        values = _values(given, settings, checks, contact=contact, before=self, by=by)
        checks.done(record=f"opportunity {self.reference}", action="edit")
        if at is not None and values.get("stage_id", self.stage_id) != self.stage_id:
            values["stage_since"] = at
        return attrs.evolve(self, **values)

    def tagged(self, tags: Iterable[object], settings: Settings) -> Opportunity:
        """Return it with these *tags* too."""
        return attrs.evolve(self, tags=tuple(dict.fromkeys((*self.tags, *self._chosen(tags, settings)))))

    def untagged(self, tags: Iterable[object], settings: Settings) -> Opportunity:
        """Return it without these *tags*."""
        gone = self._chosen(tags, settings)
        return attrs.evolve(self, tags=tuple(tag for tag in self.tags if tag not in gone))

    def _chosen(self, tags: Iterable[object], settings: Settings) -> tuple[str, ...]:
        checks = Checks()
        chosen = _tags(tags, settings, checks, self)
        checks.done(record=f"opportunity {self.reference}", action="tag")
        return chosen

    def held(self) -> Opportunity:
        """Return it put on hold."""
        self.refuse("hold")
        return attrs.evolve(self, status=Status.ON_HOLD)

    def resumed(self) -> Opportunity:
        """Return it open again after a hold."""
        self.refuse("resume")
        return attrs.evolve(self, status=Status.OPEN)

    def won(self, *, at: datetime, on: date) -> Opportunity:
        """Return it won; *at* stamps the closing time, *on* the day where the organisation is."""
        self.refuse("win")
        return attrs.evolve(self, status=Status.WON, **self._closing(at, on))

    def lost(
        self, *, at: datetime, on: date, reason: object = "", note: str = "", settings: Settings | None = None
    ) -> Opportunity:
        """Return it lost: *reason* is one of those of the *settings*, where there are any, and words otherwise."""
        self.refuse("lose")
        why = why_lost(reason, note, settings or Settings())
        return attrs.evolve(self, status=Status.LOST, **why, **self._closing(at, on))

    def reopened(self, *, at: datetime | None = None) -> Opportunity:
        """Return it open again: the closing time is cleared, the former probability counts, its days in the stage begin anew."""
        self.refuse("reopen")
        nothing: dict[str, Any] = {"closed_at": None, "closed_on": None, "lost_reason_id": None, "lost_reason": ""}
        return attrs.evolve(self, status=Status.OPEN, stage_since=at or self.stage_since, **nothing)

    @property
    def in_stage_since(self) -> datetime:
        """When it came to its stage, or was opened again there."""
        return self.stage_since or self.created_at

    def rots_at(self, settings: Settings) -> datetime | None:
        """Return from when on it is rotting, as its stage says; ``None`` where it does not, or is not open.

        >>> _ = sales.settings.stages.edit("Prospect", days=14)
        >>> (deal.rots_at(sales.settings.snapshot) - deal.created_at).days
        14
        """
        stage = settings.stages.get(self.stage_id)
        if stage is None or stage.days is None or self.status is not Status.OPEN:
            return None
        return self.in_stage_since + timedelta(days=stage.days)

    def can(self, move: str) -> Verdict:
        """Say whether *move* (a key of ``MOVES``) is possible, and if not, why.

        >>> sorted(MOVES)
        ['delete', 'edit', 'hold', 'lose', 'reopen', 'resume', 'win']
        """
        if move not in MOVES:
            raise Invalid(Problem("move", "unknown", f"{shown(move)} is not one of {', '.join(MOVES)}"))
        possible, instead = MOVES[move]
        if self.status in possible:
            return Verdict(True)
        status = self.status.replace("_", " ")
        return Verdict(False, f"Opportunity {self.reference!r} cannot {move}: it is {status}; {instead}.")

    def refuse(self, move: str) -> None:
        """Raise ``NotAllowed`` where *move* is not possible."""
        verdict = self.can(move)
        if not verdict:
            raise NotAllowed(verdict.reason, record=f"opportunity {self.reference}", action=move)

    def _closing(self, at: datetime, on: date) -> dict[str, Any]:
        if at < self.created_at:
            message = f"it cannot be closed at {at.isoformat()}, before it was created at {self.created_at.isoformat()}"
            raise Invalid(Problem("at", "range", message), record=f"opportunity {self.reference}")
        return {"closed_at": at, "closed_on": on}

    @property
    def totals(self) -> Totals:
        """Net, tax and total of the lines. (SPEC MON-3)"""
        return totals(self.lines, self.currency)

    @property
    def value(self) -> Money:
        """What it is worth: the net total of its lines."""
        return net(self.lines, self.currency)

    @property
    def custom(self) -> dict[str, AnswerValue]:
        """The answers to custom fields, by key."""
        return {answer.key: answer.value for answer in self.answers}

    def percent(self, settings: Settings) -> Decimal:
        """Return how likely it is, 0–100: its probability while open, 100 when won, 0 when lost."""
        if self.status is Status.WON:
            return Decimal(100)
        probability = settings.probabilities.get(self.probability_id) if self.probability_id else None
        return probability.percent if probability is not None and self.status is not Status.LOST else Decimal(0)

    def __str__(self) -> str:
        return f"{self.reference} {self.subject} ({self.value}, {self.status.replace('_', ' ')})"


def _values(
    given: Mapping[str, object],
    settings: Settings,
    checks: Checks,
    *,
    contact: Contact | None,
    before: Opportunity | None,
    by: str,
) -> dict[str, Any]:
    values = shared_values(
        given, settings, checks, record_type="opportunity", allowed=GIVEN, contact=contact, before=before, by=by
    )
    if given.get("stage") is not None or given.get("pipeline") is not None:
        kept = before.stage_id if before is not None else None
        stage, pipeline = given.get("stage"), given.get("pipeline")
        values["stage_id"] = checks.take(settings.stages.placed, stage, pipeline, kept=kept)
    if "probability" in given:
        chosen = given["probability"]
        kept = before.probability_id if before is not None else None
        values["probability_id"] = (
            None if chosen is None else checks.take(settings.probabilities.chosen, chosen, "probability", kept=kept)
        )
    if "tags" in given:
        values["tags"] = _tags(given["tags"], settings, checks, before)
    if "next_step" in given:
        values["next_step"] = checks.take(text.clean, given["next_step"], "next_step", most=500)  # type: ignore[arg-type]
    if "next_step_on" in given:
        day = given["next_step_on"]
        values["next_step_on"] = None if day is None else checks.take(as_date, day, "next_step_on")
    if "department" in given:
        named = given["department"]
        kept = before.department if before is not None else None
        values["department"] = (
            None if named is None else checks.take(settings.department, named, "department", kept=kept)
        )
    return values


def _tags(given: object, settings: Settings, checks: Checks, before: Opportunity | None) -> tuple[str, ...]:
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        checks.add("tags", "type", f"a list of tags is needed, not {shown(given)}")
        return ()
    kept = before.tags if before is not None else ()
    chosen: dict[str, None] = {}
    for position, tag in enumerate(given):
        name = getattr(tag, "id", tag)
        known = settings.tags.get(name[:1000]) if isinstance(name, str) else None
        had = known.id if known is not None and known.id in kept else None
        id = checks.take(settings.tags.chosen, name, f"tags[{position}]", kept=had)
        if id is not None:
            chosen[id] = None
    return tuple(chosen)
