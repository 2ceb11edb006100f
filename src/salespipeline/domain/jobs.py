"""Jobs: the work that an opportunity becomes, to which documents are assigned. (SPEC JOB-1, DOC-11)"""

from __future__ import annotations

from datetime import datetime

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.display import Displayed
from salespipeline.domain.numbering import check_reference

__all__ = ["Job"]


@attrs.frozen(kw_only=True, order=False)
class Job(Displayed):
    """A piece of work at a contact. *project* is the name that jobs of one project share.

    >>> job = sales.jobs.create("Erect the racking", opportunity=deal, project="Leeds 2027")
    >>> print(job)
    JOB/00001 Erect the racking (Leeds 2027)
    """

    id: str
    version: int = 0
    reference: str
    number: int | None = None
    series: str = ""
    run: str = ""
    subject: str
    project: str = ""
    contact_id: str | None = None
    opportunity_id: str | None = None
    created_at: datetime
    created_by: str

    def checked(self) -> Job:
        """Return the job with clean texts, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            reference=check_reference,
            subject=lambda value: text.clean(value, "subject", required=True),
            project=lambda value: text.clean(value, "project", most=200),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.subject}" + (f" ({self.project})" if self.project else "")
