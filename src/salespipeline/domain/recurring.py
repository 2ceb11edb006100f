"""When something happens again: rules of iCalendar (RRULE), in the local time of a zone. (SPEC NOTE-2)

A rule is followed on the clock on the wall: what happens daily at 9 happens at 9, in summer too. A time that the change
to summer time leaves out (02:30) is as much later as the clock was put forward; one that comes twice is the first.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from salespipeline.errors import Invalid, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

__all__ = ["as_rule", "occurrence_after"]

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_KEYS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYWEEKNO", "BYYEARDAY", "WKST",
         "BYHOUR", "BYMINUTE")  # fmt: skip
_PART = re.compile(r"([A-Z]{3,10})=([A-Z0-9,+\-]{1,100})", re.ASCII)
_LONGEST = 200
_MOST = {"INTERVAL": 1000, "COUNT": 10_000}
_AHEAD = timedelta(days=366 * 50)  # as far as anybody looks for the next time
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)


def _wrong(message: str) -> Invalid:
    example = "write a rule of iCalendar such as 'FREQ=WEEKLY;BYDAY=MO' or 'FREQ=MONTHLY;BYMONTHDAY=-1'"
    return Invalid(Problem("rule", "rule", f"{message}; {example}"))


def as_rule(value: object, starts: datetime, zone: str) -> str:
    """Return a rule as it is kept, or raise ``Invalid``. *starts* is the first time, on the wall of *zone*.

    Days, weeks, months and years are counted; nothing rings by the hour.

    >>> as_rule("rrule:freq=weekly;byday=mo,th", datetime(2026, 11, 24, 9), "Europe/London")
    'FREQ=WEEKLY;BYDAY=MO,TH'
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _wrong(f"{shown(value)} is no rule")
    parts: list[tuple[str, str]] = []
    for part in value.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        found = _PART.fullmatch(part)
        if found is None or found[1] not in _KEYS or found[1] in dict(parts):
            raise _wrong(f"{shown(part)} is no part of a rule that is known here, or stands twice")
        parts.append((found[1], found[2]))
    given = dict(parts)
    if given.get("FREQ") not in _FREQUENCIES:
        raise _wrong(f"FREQ is one of {', '.join(_FREQUENCIES)}, not {shown(given.get('FREQ'))}")
    for name, most in _MOST.items():
        if name in given and not (given[name].isdigit() and 1 <= int(given[name]) <= most):
            raise _wrong(f"{name} is 1 to {most:,}, not {shown(given[name])}")
    if "UNTIL" in given:
        if "COUNT" in given:
            raise _wrong("a rule ends by COUNT or by UNTIL, not by both")
        given["UNTIL"] = _until(given["UNTIL"], zone)
    rule = ";".join(f"{name}={value}" for name, value in given.items())
    try:
        first = next(iter(_times(starts, rule.replace(f";COUNT={given.get('COUNT')}", ""), starts)), None)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise _wrong(f"{shown(value)} cannot be followed: {error}") from None
    if first is None:
        raise _wrong(f"what {shown(value)} says never happens from {starts:%Y-%m-%d} on")
    return rule


def _until(value: str, zone: str) -> str:
    """Return the last time on the wall of *zone*; a day alone is included."""
    from zoneinfo import ZoneInfo

    found = _UNTIL.fullmatch(value)
    try:
        if found is None:
            raise ValueError(value)
        if found[2] is None:
            return datetime.strptime(found[1], "%Y%m%d").strftime("%Y%m%dT235959")  # noqa: DTZ007 - on the wall
        moment = datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 - on the wall
        if found[3]:
            moment = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        return moment.strftime("%Y%m%dT%H%M%S")
    except (ValueError, OverflowError):
        raise _wrong(f"UNTIL is a day or a moment such as 20270131 or 20270131T170000Z, not {shown(value)}") from None


def _times(starts: datetime, rule: str, after: datetime) -> Iterator[datetime]:
    """Yield the times on the wall from *after* on."""
    rules = _dateutil()
    made = rules.rrulestr(rule, dtstart=starts)
    if "COUNT=" not in rule and "UNTIL=" not in rule:
        made = made.replace(until=max(starts, after) + _AHEAD)  # what never happens again is not looked for without end
    yield from made.xafter(after, inc=True)


def _dateutil() -> Any:
    try:
        from dateutil import rrule
    except ImportError as error:
        raise ImportError("alerts that repeat need python-dateutil: pip install 'salespipeline[alerts]'") from error
    return rrule


def occurrence_after(starts: datetime, zone: str, rule: str, after: datetime | None = None) -> datetime | None:
    """Return the first moment behind *after*, or the very first; ``None`` where there is none any more.

    >>> starts = datetime(2027, 3, 27, 9)
    >>> first = occurrence_after(starts, "Europe/London", "FREQ=DAILY")
    >>> str(first), str(occurrence_after(starts, "Europe/London", "FREQ=DAILY", first))  # summer time begins in between
    ('2027-03-27 09:00:00+00:00', '2027-03-28 08:00:00+00:00')
    """
    from zoneinfo import ZoneInfo

    wall = ZoneInfo(zone)
    if not rule:
        moment = _moment(starts, wall)
        return moment if after is None or moment > after else None
    begin = starts if after is None else after.astimezone(wall).replace(tzinfo=None) - timedelta(days=1)
    for time in _times(starts, rule, max(begin, starts)):
        moment = _moment(time, wall)
        if after is None or moment > after:
            return moment
    return None


def _moment(time: datetime, zone: ZoneInfo) -> datetime:
    return time.replace(tzinfo=zone, fold=0).astimezone(UTC)
