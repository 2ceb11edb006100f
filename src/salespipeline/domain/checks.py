"""Collecting problems, so that a refusal names all of them and not the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import ParamSpec, TypeVar

import attrs

from salespipeline.errors import Invalid, Problem, shown

__all__ = ["Checks", "Verdict", "an", "as_date", "aware", "counted", "suggestion"]

P = ParamSpec("P")
T = TypeVar("T")


class Checks:
    """A list of problems that grows while input is checked, and is raised at the end.

    >>> from salespipeline.money import decimal
    >>> checks = Checks()
    >>> checks.take(decimal, 0.1, "price"), checks.take(decimal, "1", "quantity")
    (None, Decimal('1'))
    >>> [problem.path for problem in checks.problems]
    ['price']
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def take(self, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what *check* returns, or keep its problems and return ``None``.

        The type does not say ``None``: ``done`` raises before anybody can use one.
        """
        try:
            return check(*args, **kwargs)
        except Invalid as error:
            self.problems.extend(error.problems)
            return None  # type: ignore[return-value]

    def at(self, path: str, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what *check* returns, or keep its problems as those of the part called *path*, and return ``None``."""
        try:
            return check(*args, **kwargs)
        except Invalid as error:
            self.within(path, error)
            return None

    def within(self, path: str, error: Invalid) -> None:
        """Keep the problems of *error* as problems of the part called *path*."""
        for problem in error.problems:
            joined = f"{path}.{problem.path}" if problem.path else path
            self.problems.append(Problem(joined, problem.code, problem.message))

    def add(self, path: str, code: str, message: str) -> None:
        """Keep one problem."""
        self.problems.append(Problem(path, code, message))

    def done(self, *, record: str | None = None, action: str | None = None) -> None:
        """Raise ``Invalid`` with everything that was found, if anything was."""
        if self.problems:
            raise Invalid(self.problems, record=record, action=action)


def an(noun: str) -> str:
    """Return *noun* as a sentence says it, with its article.

    >>> an("opportunity"), an("pro_forma")
    ('an opportunity', 'a pro forma')
    """
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun.replace('_', ' ')}"  # no u: a user, a unit


def counted(number: int, noun: str) -> str:
    """Return how many there are of something.

    >>> counted(2_000, "opportunity"), counted(1, "stage"), counted(0, "series")
    ('2,000 opportunities', '1 stage', '0 series')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun if noun.endswith("s") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def suggestion(name: str, known: Iterable[str], *, most: int = 8) -> str:
    """Return a hint for a name that is not known: the nearest one, or what there is."""
    import difflib  # only when something went wrong

    known = list(known)
    near = difflib.get_close_matches(name.casefold()[:200], [option.casefold() for option in known[:2000]], n=1)
    for option in known:
        if near and option.casefold() == near[0]:
            return f"did you mean {option!r}?"
    if not known:
        return "none exists yet"
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"there are {', '.join(repr(option) for option in known[:most])}{more}"


def aware(value: datetime, path: str = "at") -> datetime:
    """Return *value* in UTC, or raise ``Invalid`` for a naive datetime: nobody knows which moment it means.

    The first and the last year of the calendar are refused: in another time zone they may have no such day.
    """
    from datetime import UTC

    if not isinstance(value, datetime):
        raise Invalid(
            Problem(path, "type", f"a moment is needed, such as datetime(2026, 11, 24, tzinfo=UTC), not {shown(value)}")
        )
    if value.tzinfo is None or value.utcoffset() is None:
        message = f"{value.isoformat()} is naive: give it a time zone, such as datetime(..., tzinfo=UTC)"
        raise Invalid(Problem(path, "naive", message))
    if not 1 < value.year < 9999:
        raise Invalid(Problem(path, "range", f"{value.isoformat()} is not a moment of the years 2 to 9998"))
    return value.astimezone(UTC)


def as_date(value: object, path: str) -> date:
    """Return a plain date, from a date or from ISO text such as ``"2026-11-24"``; a moment is refused."""
    if isinstance(value, datetime):
        message = f"a plain date is needed, not the moment {value.isoformat()}: say which day, with .date()"
        raise Invalid(Problem(path, "type", message))
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            if len(value) == 10:
                return date.fromisoformat(value)
        except ValueError:
            pass
    raise Invalid(Problem(path, "date", f"{shown(value)} is not a date; write for example '2026-11-24'"))


@attrs.frozen
class Verdict:
    """What ``can(...)`` answers: true or false, and the reason in words. (SPEC EXT-4)"""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed
