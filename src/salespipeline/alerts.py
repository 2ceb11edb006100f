"""``sales.alerts``: what is due when, on any record, told to whom; and who follows what. (SPEC NOTE-2)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from salespipeline.collection import Collection
from salespipeline.deal_filters import as_id, deal_filter
from salespipeline.domain.alerts import Alert, Follow
from salespipeline.domain.checks import Checks, aware
from salespipeline.domain.cleaning import as_time_zone
from salespipeline.domain.notes import Mention
from salespipeline.domain.notices import Notice
from salespipeline.domain.recurring import as_rule, occurrence_after
from salespipeline.domain.settings import Settings, User
from salespipeline.errors import shown
from salespipeline.filters import flag, identity, moment, search, several, values_of
from salespipeline.following import begin, tell_all
from salespipeline.listing import Shape
from salespipeline.note_people import people
from salespipeline.query import All, Cmp, Query
from salespipeline.ringing import due_at, ring_all
from salespipeline.subjects import Subject, subject_of
from salespipeline.work import Work

__all__ = ["Alerts"]


def _row(one: Alert, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "message": one.message,
        "next": one.next_at,
        "rule": one.rule,
        "zone": one.zone,
        "recipients": ", ".join(who.name for who in one.recipients),
        "rings": one.rings,
        "created": one.created_at,
    }


class Alerts(Collection[Alert]):
    """Every alert; found by id or by its message.

    >>> alert = sales.alerts.add(deal, "Call back", at=datetime.fromisoformat("2026-12-03T09:00+00:00"))
    >>> later = datetime.fromisoformat("2026-12-03T09:01+00:00")
    >>> [one.message for one in sales.alerts.due(later)], [one.rings for one in sales.alerts.deliver(later)]
    (['Call back'], [1])
    >>> again = datetime.fromisoformat("2026-12-03T10:00+00:00")
    >>> alert = sales.alerts.snooze(alert.id, again, now=later)
    >>> [one.message for one in sales.alerts.deliver(later)], [one.message for one in sales.alerts.deliver(again)]
    ([], ['Call back'])
    >>> sales.alerts.dismiss(alert.id).next_at is None
    True
    """

    cls = Alert
    key = "message"
    shape = Shape(
        kind="alert",
        filters={
            "opportunity": deal_filter,
            "record": identity("record", as_id),
            "recipients": several("recipients", as_id),
            "ringing": flag("ringing"),
            "next": moment("next", "next"),
            "text": search("message"),
            "created": moment("created", "created"),
        },
        orders={"next": "next", "created": "created"},
        default="next",
        row=_row,
        columns={"message": str, "next": datetime, "rule": str, "zone": str, "recipients": str, "rings": int, "created": datetime},
    )  # fmt: skip

    def add(
        self,
        record: object,
        message: str,
        *,
        at: datetime,
        to: Iterable[User | str] | None = None,
        rule: str = "",
        zone: str | None = None,
    ) -> Alert:
        """Say what shall be told when: *at* is an aware moment, the first one where a *rule* lets it repeat.

        *rule* is an RRULE of iCalendar, followed on the clock of *zone*, the organisation's by default: what rings at 9
        rings at 9 in summer too. *to* are users, or persons at the contact, by id or name; by default who acts.

        >>> alert = sales.alerts.add(
        ...     deal, "Send the figures", at=datetime.fromisoformat("2026-11-30T08:00+00:00"), rule="FREQ=MONTHLY;BYMONTHDAY=-1"
        ... )
        >>> str(alert.next_at)
        '2026-11-30 08:00:00+00:00'
        """
        from zoneinfo import ZoneInfo

        with self._sales.work() as work:
            about, checks = subject_of(work, record), Checks()
            place = checks.take(as_time_zone, work.settings.organisation.time_zone if zone is None else zone)
            first = checks.take(aware, at, "at")
            told = checks.take(_recipients, work, about, to)
            checks.done(action="add")
            starts = first.astimezone(ZoneInfo(place)).replace(tzinfo=None)
            kept_rule = checks.take(as_rule, rule, starts, place) if rule else ""
            checks.done(action="add")
            alert = Alert(
                id=work.new_id(),
                record_kind=about.kind,
                record_id=about.id,
                opportunity_id=about.opportunity_id,
                message=message,
                recipients=told,
                starts=starts.isoformat(),
                zone=place,
                rule=kept_rule,
                occurs_at=occurrence_after(starts, place, kept_rule) if kept_rule else first,
                created_at=work.at,
                created_by=work.by,
            )
            return work.keep(alert.checked(), action="created")

    def due(self, now: datetime | None = None) -> list[Alert]:
        """Return what shall ring at *now*, by the pipeline's clock unless it is given, the earliest first."""
        moment = self._sales.now() if now is None else aware(now, "now")
        with self._sales.work(write=False) as work:
            return list(work.find(due_at(moment)))

    def deliver(self, now: datetime | None = None) -> list[Alert]:
        """Let everything ring that is due, and mail it to its recipients; return what rang, once for each time.

        Each time of each alert is delivered once, however many workers do this: the alert and the notices are kept in one
        transaction. What was due while nobody worked is delivered late, and not lost. Without a mailer, or inside a
        transaction, the mails wait for ``notices.deliver``.
        """
        moment = self._sales.now() if now is None else aware(now, "now")
        rang = list(ring_all(self._sales.unguarded(), moment))
        if rang:
            self._send()
        return self._sales.seen_of(Alert, rang)

    def _send(self) -> None:
        lent = getattr(self._sales.store, "lent", False)
        if self._sales.has_mailer and not lent and not self._sales.in_transaction:
            self._sales.notices.deliver()

    def snooze(self, alert: Alert | str, until: datetime, *, now: datetime | None = None) -> Alert:
        """Let one that rang, or is due, ring again at a later moment."""
        later, moment = aware(until, "until"), self._sales.now() if now is None else aware(now, "now")
        return self._change(alert, lambda one, _work: one.snoozed(later, now=moment), "snoozed")

    def dismiss(self, alert: Alert | str, *, now: datetime | None = None) -> Alert:
        """Be done with one that rang, or is due; one that repeats rings again at its next time."""
        moment = self._sales.now() if now is None else aware(now, "now")
        return self._change(alert, lambda one, _work: one.dismissed(now=moment), "dismissed")

    def stop(self, alert: Alert | str) -> Alert:
        """End it: it never rings again.

        >>> alert = sales.alerts.add(deal, "Water the plants", at=sales.now(), rule="FREQ=WEEKLY")
        >>> sales.alerts.stop(alert).next_at is None
        True
        """
        return self._change(alert, lambda one, _work: one.stopped(), "stopped")

    # --- followers --------------------------------------------------------------------------------------------

    def follow(self, record: object, user: User | str | None = None) -> None:
        """Tell *user*, by default who acts, of every change of a record that somebody else makes. Twice is once.

        >>> sales.alerts.follow(deal)
        >>> [user.name for user in sales.alerts.followers(deal)]
        ['Jane Whitfield']
        >>> _ = sales.settings.users.edit("jane", email="jane@northgate.example")
        >>> _ = sales.acting("tom").opportunities.edit(deal.id, due="2027-01-31")
        >>> [notice.text.splitlines()[1] for notice in sales.alerts.tell_followers()]
        ['- due: nothing → 2027-01-31']
        >>> sales.alerts.unfollow(deal.id)
        """
        with self._sales.work() as work:
            about, who = subject_of(work, record), self._user(work, user)
            if _follow(work, about, who) is not None:
                return
            begin(work)
            follow = Follow(
                id=work.new_id(), record_kind=about.kind, record_id=about.id, opportunity_id=about.opportunity_id, user_id=who,
                from_version=about.record.version, created_at=work.at, created_by=work.by,
            )  # fmt: skip
            work.keep(follow, action="followed")

    def unfollow(self, record: object, user: User | str | None = None) -> None:
        """Tell them no more."""
        with self._sales.work() as work:
            found = _follow(work, subject_of(work, record), self._user(work, user))
            if found is not None:
                work.remove(found, action="unfollowed")

    def followers(self, record: object) -> list[User]:
        """Return who follows a record, in the order in which they began."""
        with self._sales.work(write=False) as work:
            where = Cmp("record", "=", subject_of(work, record).id)
            found = work.find(Query(kind="follow", where=where, order=("created",)))
            users = (work.settings.users.get(one.user_id) for one in found)
            return [user for user in users if user is not None]

    def tell_followers(self) -> list[Notice]:
        """Tell who follows what has changed since the last time; return what was sent, or failed. Run it now and then."""
        tell_all(self._sales)
        return self._sales.notices.deliver() if self._sales.has_mailer else []

    def _user(self, work: Work, user: User | str | None) -> str:
        return work.settings.users.chosen(work.by if user is None else user, "user")


def _follow(work: Work, about: Subject, user_id: str) -> Follow | None:
    where = All((Cmp("record", "=", about.id), Cmp("user", "=", user_id)))
    return next(iter(work.find(Query(kind="follow", where=where, limit=1))), None)


def _recipients(work: Work, about: Subject, to: Iterable[User | str] | None) -> tuple[Mention, ...]:
    known = people(work, about.contact_id)
    checks, found = Checks(), {}
    for place, given in enumerate([work.by] if to is None else values_of(to, "to")):
        name = getattr(given, "id", given)
        who = next((one for one in known if name in (one.id, one.name)), None)
        if who is None:
            hint = ", ".join(one.name for one in known[:10]) or "nobody: add users with settings.users.add()"
            checks.add(
                f"to[{place}]",
                "unknown",
                f"no user, and nobody at the contact, is called {shown(name)}; there is {hint}",
            )
            continue
        found[who.kind, who.id] = who
    if not found and not checks.problems:
        checks.add("to", "missing", "an alert is for somebody: say to= whom")
    checks.done()
    return tuple(found.values())
