"""What became of each of many records that were changed at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum

import attrs

from salespipeline.domain.display import Tabular
from salespipeline.domain.opportunity import Opportunity
from salespipeline.errors import Invalid, Problem

__all__ = ["ChangeReport", "ChangeRow", "Outcome"]

SHOWN = 20
COLUMNS = dict.fromkeys(("reference", "subject", "outcome", "reason"), str)


class Outcome(StrEnum):
    """What became of one record.

    >>> [str(outcome) for outcome in Outcome]
    ['changed', 'unchanged', 'refused', 'undone', 'left']
    """

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # it was so already: nothing was written
    REFUSED = "refused"
    UNDONE = "undone"  # it could be changed, and was not kept because another one was refused
    LEFT = "left"  # it was not tried: the run had stopped before


@attrs.frozen(kw_only=True)
class ChangeRow:
    """What became of one record, and why. *problems* are those of a refusal, for programs."""

    id: str
    reference: str = ""
    subject: str = ""
    outcome: Outcome
    reason: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it was changed."""
        return self.outcome is Outcome.CHANGED

    @classmethod
    def of(cls, deal: Opportunity, outcome: Outcome, reason: str = "") -> ChangeRow:
        """Return the row of a record."""
        return cls(id=deal.id, reference=deal.reference, subject=deal.subject, outcome=outcome, reason=reason)

    @classmethod
    def refused(cls, target: Opportunity | str, deal: Opportunity | None, error: Exception) -> ChangeRow:
        """Return the row of what was refused: *deal* as it is kept, or else what was asked for."""
        problems = error.problems if isinstance(error, Invalid) else ()
        row = cls.left(target) if deal is None else cls.of(deal, Outcome.REFUSED)
        return attrs.evolve(row, outcome=Outcome.REFUSED, reason=" ".join(str(error).split()), problems=problems)

    @classmethod
    def left(cls, target: Opportunity | str) -> ChangeRow:
        """Return the row of what was not tried."""
        if isinstance(target, Opportunity):
            return cls.of(target, Outcome.LEFT)
        return cls(id=target, outcome=Outcome.LEFT)


class ChangeReport(Tabular):
    """What became of every record that was to be changed. *stopped* says why not all were tried, or kept.

    >>> report = sales.opportunities.each(["OPP/00001", "OPP/99999"]).edit(stage="Quotation sent")
    >>> print(report)
    Edited: 1 changed, 1 refused
      refused: OPP/99999: no opportunity has the id or reference 'OPP/99999'
    >>> report.ok, report.count("changed"), [row.id for row in report.refused]
    (False, 1, ['OPP/99999'])
    >>> report.to_dicts()[0]["outcome"], report.to_csv().count("refused"), report.to_html().count("<tr>")
    ('changed', 1, 3)
    >>> len(report), list(report.to_pandas()["outcome"]) == list(report.to_polars()["outcome"])
    (2, True)
    """

    def __init__(self, rows: tuple[ChangeRow, ...], *, action: str, stopped: str = "") -> None:
        self.rows = rows
        self.action = action
        self.stopped = stopped

    @property
    def ok(self) -> bool:
        """Whether every record is now as it was to become."""
        return all(row.outcome in (Outcome.CHANGED, Outcome.UNCHANGED) for row in self.rows)

    @property
    def changed(self) -> tuple[ChangeRow, ...]:
        """Those that were changed."""
        return tuple(row for row in self.rows if row.changed)

    @property
    def refused(self) -> tuple[ChangeRow, ...]:
        """Those that were refused."""
        return tuple(row for row in self.rows if row.outcome is Outcome.REFUSED)

    def count(self, outcome: Outcome | str) -> int:
        """Return how many came to this outcome."""
        wanted = Outcome(outcome)
        return sum(row.outcome is wanted for row in self.rows)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return plain rows."""
        return [
            {"reference": row.reference or row.id, "subject": row.subject, "outcome": str(row.outcome), "reason": row.reason}
            for row in self.rows
        ]  # fmt: skip

    def to_html(self) -> str:
        """Return a table of every record, to show in a page or to keep; a notebook shows the first ones only."""
        from salespipeline.notebook import changed_html

        return changed_html(self, most=None)

    def _columns(self) -> Mapping[str, type]:
        return COLUMNS

    def __iter__(self) -> Iterator[ChangeRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def headline(self) -> str:
        """How many came to which outcome."""
        counts = Counter(row.outcome for row in self.rows)
        said = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome if counts[outcome])
        stopped = f" ({self.stopped})" if self.stopped else ""
        return f"{self.action[:1].upper()}{self.action[1:]}: {said or 'nothing to do'}{stopped}"

    def _repr_html_(self) -> str:
        from salespipeline.notebook import changed_html

        return changed_html(self)

    def __str__(self) -> str:
        lines = [self.headline]
        lines += [f"  refused: {row.reference or row.id}: {row.reason}" for row in self.refused[:SHOWN]]
        if len(self.refused) > SHOWN:
            lines.append(f"  … and {len(self.refused) - SHOWN:,} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self.headline}>"
