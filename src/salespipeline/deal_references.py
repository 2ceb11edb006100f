"""Which references and import keys of opportunities are free. (SPEC SET-8)"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from salespipeline.domain.checks import Checks
from salespipeline.domain.opportunity import Opportunity
from salespipeline.errors import shown
from salespipeline.query import All, Cmp, OneOf, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["free_reference", "untaken"]


def free_reference(work: Work, *, typed: Container[str] = ()) -> str:
    """Return the next reference of opportunities, passing over those that somebody *typed*, before or just now. (SPEC SET-8)"""
    series = work.settings.series_for("opportunity")
    while True:
        reference = series.reference(work.next_number(series.id) + series.offset)
        if fold(reference) not in typed and not _known(work, "reference", [fold(reference)]):
            return reference


def _known(work: Work, field: str, values: Iterable[str]) -> set[str]:
    """Return those of *values* that opportunities have already, those that were merged into others too."""
    several = tuple(values)
    name = "name" if field == "reference" else field  # what went into another has it still: it leads there
    merged = All((Cmp("kind", "=", "opportunity"), OneOf(name, several)))
    with work.unguarded():  # what nobody else may see is taken, too
        found = {str(row[0]) for row in work.columns(Query(kind="opportunity", where=OneOf(field, several)), (field,))}
        return found | {str(row[0]) for row in work.columns(Query(kind="merger", where=merged), (name,))}


def untaken(work: Work, made: Mapping[int, Opportunity], checks: Checks) -> None:
    """Keep a problem for each reference or import key that another one has, of those *made* or those kept."""
    for field, value_of in (("reference", _reference), ("import_key", _import_key)):
        values = {position: value for position, deal in made.items() if (value := value_of(deal)) is not None}
        taken = _known(work, field, dict.fromkeys(values.values()))
        first: dict[str, int] = {}
        for position, value in values.items():
            if value in taken or value in first:
                where = f"row {first[value]}" if value in first else "another opportunity"
                message = f"{where} has the {field.replace('_', ' ')} {shown(value)} already: choose another"
                checks.add(f"[{position}].{field}", "duplicate", message)
            first.setdefault(value, position)


def _reference(deal: Opportunity) -> str:
    return fold(deal.reference)


def _import_key(deal: Opportunity) -> str | None:
    return deal.import_key
