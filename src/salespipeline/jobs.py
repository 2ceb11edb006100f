"""``sales.jobs``: the work that opportunities become, to which documents are assigned. (SPEC JOB-1, DOC-11)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from salespipeline.collection import UNSEEN, Collection
from salespipeline.deal_filters import contact_filter, deal_filter
from salespipeline.deal_moves import given_contact
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.jobs import Job
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import Settings
from salespipeline.errors import Refused
from salespipeline.filters import instants, search, words
from salespipeline.issuing import next_number
from salespipeline.listing import Shape
from salespipeline.query import Cmp, Query
from salespipeline.work import Work

__all__ = ["Jobs"]


def _row(job: Job, _settings: Settings, names: Mapping[str, str]) -> dict[str, object]:
    contact = names.get(job.contact_id or "", job.contact_id)
    return {
        "reference": job.reference,
        "subject": job.subject,
        "project": job.project,
        "contact": contact,
        "created": job.created_at,
    }


class Jobs(Collection[Job]):
    """Every job; found by id or reference.

    >>> job = sales.jobs.create("Erect the racking", opportunity=deal)
    >>> [one.reference for one in sales.jobs.where(opportunity=deal, reference__contains="JOB/")]
    ['JOB/00001']
    >>> sales.jobs.unlink(job.id).opportunity_id, sales.jobs.link("JOB/00001", deal).opportunity_id == deal.id
    (None, True)
    >>> sales.jobs.edit("JOB/00001", project="Leeds 2027").project
    'Leeds 2027'
    >>> sales.jobs.delete("JOB/00001")
    """

    cls = Job
    shape = Shape(
        kind="job",
        filters={
            "opportunity": deal_filter,
            "contact": contact_filter,
            "reference": words("reference"),
            "project": words("project"),
            "text": search("text"),
            "created": instants("created"),
        },
        orders={"created": "created", "reference": "reference"},
        default="-created",
        row=_row,
        columns=dict.fromkeys(("reference", "subject", "project", "contact"), str) | {"created": datetime},
        titles=lambda job: job.contact_id,
    )

    def create(
        self,
        subject: str,
        *,
        opportunity: Opportunity | str | None = None,
        contact: Contact | str | None = None,
        project: str = "",
        reference: str | None = None,
    ) -> Job:
        """Create a job, linked to an *opportunity* and at its contact, unless another is given. (SPEC JOB-1)"""
        with self._sales.work() as work:
            deal = None if opportunity is None else self._sales.opportunities._named(work, opportunity)
            where = contact if contact is not None else (deal.contact_id if deal is not None else None)
            series = work.settings.series_for("job")
            job = Job(
                id=work.new_id(),
                reference=reference if reference is not None else "-",
                series=series.id,
                subject=subject,
                project=project,
                contact_id=None if where is None else given_contact(work, self._sales.contacts, where).id,
                opportunity_id=None if deal is None else deal.id,
                created_at=work.at,
                created_by=work.by,
            ).checked()
            if reference is None:
                settings = work.settings
                day, money = settings.day_of(work.at), settings.organisation.currency
                number, name, run = next_number(work, series, day=day, currency=money)
                job = attrs.evolve(job, number=number, reference=name, run=run)
            return work.keep(job, action="created")

    def edit(self, job: Job | str, *, subject: str | None = None, project: str | None = None) -> Job:
        """Replace its subject or its project."""
        given = {"subject": subject, "project": project}
        values = {name: value for name, value in given.items() if value is not None}
        return self._change(job, lambda one, _work: attrs.evolve(one, **values).checked(), "edited")  # type: ignore[arg-type]

    def link(self, job: Job | str, opportunity: Opportunity | str) -> Job:
        """Take an existing job, by its reference if wanted, into an opportunity. (SPEC JOB-1)"""

        def move(before: Job, work: Work) -> Job:
            return attrs.evolve(before, opportunity_id=self._sales.opportunities._named(work, opportunity).id)

        return self._change(job, move, "linked")

    def unlink(self, job: Job | str) -> Job:
        """Take it out of its opportunity; both keep everything. (SPEC JOB-1)"""
        return self._change(job, lambda one, _work: attrs.evolve(one, opportunity_id=None), "unlinked")

    def delete(self, job: Job | str) -> None:
        """Delete a job to which no document is assigned."""
        with self._sales.work() as work:
            record = self._named(work, job)
            work.demand("delete", record)
            held = Cmp("job", "=", record.id)
            assigned = list(work.find(Query(kind="document", where=held, limit=1)))
            if assigned or work.hides("document", held):
                what = (
                    f"has {_named(assigned[0])}: take it away with documents.unassign()"
                    if assigned
                    else f"stays: {UNSEEN}"
                )
                message = f"job {record.reference!r} {what}"
                raise Refused(message, record=record.reference, action="delete")
            work.remove(record)


def _named(document: Document) -> str:
    return document.name
