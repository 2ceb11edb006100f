"""A report on a store as a table that people read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from salespipeline.testing.clauses.base import CAPABILITIES, told
from salespipeline.testing.running import Outcome, Report

__all__ = ["table"]

_WIDTH = 100


def table(report: Report) -> str:
    """Return the report in lines: clauses by family, capabilities, what failed, and how fast the store is."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    states = ("passed", "lacked", "skipped", "failed")
    yield f"{report.store} at {report.url}, storage contract {report.contract}"
    yield ""
    yield f"{'clauses':36}" + "".join(f"{state:>9}" for state in states)
    families = {outcome.clause.family: None for outcome in report.outcomes}
    for family in families:
        yield _counts(told(family)[0], [one for one in report.outcomes if one.clause.family is family], states)
    yield _counts("all", list(report.outcomes), states)
    yield ""
    yield "capabilities"
    for name in CAPABILITIES:
        yield from _wrapped(f"  {name:34}", _capability(name, report))
    for state in ("skipped", "failed"):
        if report.of(state):
            yield ""
            yield state
        for outcome in report.of(state):
            yield from _wrapped(f"  {outcome.clause.id}  ", outcome.clause.sentence)
            for line in outcome.why.splitlines()[:8]:
                yield f"        {line[: _WIDTH - 8]}"
    if report.speeds:
        yield ""
        yield f"{'a second':36}{'this store':>12}{'SQLite':>12}{'ratio':>8}"
        for speed in report.speeds:
            ratio = speed.store / speed.sqlite
            yield f"  {speed.what:34}{speed.store:>12,.0f}{speed.sqlite:>12,.0f}{ratio:>8.2f}"


def _counts(name: str, outcomes: list[Outcome], states: tuple[str, ...]) -> str:
    counts = [sum(one.state == state for one in outcomes) for state in states]
    return f"  {name:34}" + "".join(f"{count or '':>9}" for count in counts)


def _capability(name: str, report: Report) -> str:
    if name in report.lacks:
        return f"lacked: {report.lacks[name]}"
    needing = [one for one in report.outcomes if name in one.clause.needs]
    if any(one.state == "failed" for one in needing):
        return f"claimed, but {', '.join(one.clause.id for one in needing if one.state == 'failed')} failed"
    if not any(one.state == "passed" for one in needing):
        return "not tried"
    return f"yes: {CAPABILITIES[name]}"


def _wrapped(first: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=" " * len(first)) or [first.rstrip()]
