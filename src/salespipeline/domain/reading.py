"""Lines and charges as people give them, read with every problem kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from salespipeline.domain.checks import Checks
from salespipeline.domain.lines import LARGEST, Line
from salespipeline.domain.totals import Charge, totals
from salespipeline.errors import Invalid, shown

__all__ = ["as_charges", "as_lines"]

MOST_LINES = 10_000
MOST_CHARGES = 100

Expand: TypeAlias = Callable[[Mapping[str, object]], Sequence[Line]]


def as_lines(
    given: object, checks: Checks, currency: str | None, path: str = "lines", *, expand: Expand | None = None
) -> tuple[Line, ...]:
    """Return *given* as lines, keeping every problem: each is a ``Line`` or a mapping of its arguments.

    *expand* turns a mapping into the lines that it stands for: it may name an item, or a tax by its code.
    """
    if isinstance(given, str | bytes | Mapping | Line) or not isinstance(given, Iterable):
        checks.add(path, "type", f"a list of lines is needed, not {shown(given)}")
        return ()
    lines: list[Line] = []
    for position, item in enumerate(given):
        where = f"{path}[{position}]"
        if max(position, len(lines)) >= MOST_LINES:
            checks.add(path, "range", f"at most {MOST_LINES:,} lines; split the record")
            break
        if isinstance(item, Line):
            lines.append(item)
        elif isinstance(item, Mapping):
            try:
                lines += [Line(**item)] if expand is None else expand(item)
            except Invalid as error:
                checks.within(where, error)
            except TypeError as error:
                checks.add(where, "type", str(error).replace("Line.__init__() ", ""))
        else:
            checks.add(where, "type", f"a Line, or a mapping of its values, is needed, not {shown(item)}")
    if currency is not None and not checks.problems:
        try:
            if abs(totals(lines, currency).total.minor) > LARGEST:
                checks.add(path, "range", "the total has more than 18 digits")
        except Invalid as error:
            checks.within(path, error)
    return tuple(lines)


def as_charges(given: object, checks: Checks, path: str = "charges") -> tuple[Charge, ...]:
    """Return *given* as charges, keeping every problem: each is a ``Charge`` or a mapping of its arguments."""
    if isinstance(given, str | bytes | Mapping | Charge) or not isinstance(given, Iterable):
        checks.add(path, "type", f"a list of charges is needed, not {shown(given)}")
        return ()
    charges: list[Charge] = []
    for position, item in enumerate(given):
        if position >= MOST_CHARGES:
            checks.add(f"{path}[{position}]", "range", f"at most {MOST_CHARGES} charges; make lines of them")
            break
        try:
            charges.append(item if isinstance(item, Charge) else Charge(**item))
        except Invalid as error:
            checks.within(f"{path}[{position}]", error)
        except TypeError as error:
            message = str(error).replace("salespipeline.domain.totals.", "").replace("Charge.__init__() ", "")
            checks.add(f"{path}[{position}]", "type", message)
    return tuple(charges)
