"""Attachments: files put to a record, and who may see them. (SPEC ATT-1)"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.display import Displayed
from salespipeline.errors import Invalid, NotAllowed, Problem, Refused, shown

__all__ = ["VIEWERS", "Attachment", "Audience", "Scan", "as_audience", "as_viewer"]


class Audience(StrEnum):
    """Who may see a file; there is no default. (SPEC ATT-1)"""

    WEB = "web"  # users of the web
    RESOURCES = "resources"  # field staff
    BOTH = "both"


class Scan(StrEnum):
    """What a scanner said of a file. Only an ``unscanned`` or a ``clean`` one can be read."""

    UNSCANNED = "unscanned"  # there is no scanner
    PENDING = "pending"  # it has not answered yet
    CLEAN = "clean"
    INFECTED = "infected"


VIEWERS = ("web", "resources", "everyone")
_AUDIENCES = tuple(one.value for one in Audience)


@attrs.frozen(kw_only=True, order=False)
class Attachment(Displayed):
    """A file at a record. *digest* is the SHA-256 of its bytes, under which the blobs keep them, *crc32* their CRC-32.

    *opportunity_id* is the opportunity in whose tab it is shown; *finding* is what a scanner found.

    >>> plan = sales.attachments.add(deal, "Plan.txt", b"forty bays", audience="both")
    >>> print(plan)
    Plan.txt (text/plain, 10 bytes, for both)
    """

    id: str
    version: int = 0
    record_kind: str
    record_id: str
    opportunity_id: str | None = None
    name: str
    media_type: str
    size: int
    digest: str
    crc32: int | None = None
    audience: Audience
    scan: Scan = Scan.UNSCANNED
    finding: str = ""
    comment: str = ""
    created_at: datetime
    created_by: str

    def checked(self) -> Attachment:
        """Return the attachment with clean texts, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            name=lambda value: text.clean(value, "name", required=True),
            audience=as_audience,
            comment=lambda value: text.clean(value, "comment", most=2000, lines=True),
        )

    def seen_by(self, viewer: str) -> bool:
        """Say whether *viewer* (web, resources, everyone) may see it.

        >>> sales.attachments.add(deal, "Costs.txt", b"6,000", audience="resources").seen_by("web")
        False
        """
        return viewer == "everyone" or self.audience in (Audience.BOTH, viewer)

    @property
    def quarantined(self) -> bool:
        """Whether it is kept away until a scanner, or a person, has said that it is clean."""
        return self.scan in (Scan.PENDING, Scan.INFECTED)

    def refuse_reading(self) -> None:
        """Raise ``Refused`` where it is in quarantine."""
        if self.quarantined:
            why = f"{self.finding} was found in it" if self.finding else "it has not been scanned yet"
            message = f"attachment {self.name!r} is in quarantine: {why}; scan() it again, or release() it after a look"
            raise Refused(message, record=f"attachment {self.id}", action="read")

    def released(self) -> Attachment:
        """Return it out of quarantine: a person has looked."""
        if not self.quarantined:
            raise NotAllowed(
                f"attachment {self.name!r} is not in quarantine", record=f"attachment {self.id}", action="release"
            )
        return attrs.evolve(self, scan=Scan.CLEAN)

    def __str__(self) -> str:
        return f"{self.name} ({self.media_type}, {self.size:,} bytes, for {self.audience.value})"


def as_audience(value: object) -> Audience:
    """Return who may see a file, or raise ``Invalid``: it must be said."""
    if value not in _AUDIENCES:
        message = f"say who may see the file: one of {', '.join(_AUDIENCES)}, not {shown(value)}"
        raise Invalid(Problem("audience", "choice", message))
    return Audience(value)


def as_viewer(value: object) -> str:
    """Return who looks, or raise ``Invalid``: it must be said."""
    if value not in VIEWERS:
        message = f"say who gets the files: one of {', '.join(VIEWERS)}, not {shown(value)}"
        raise Invalid(Problem("audience", "choice", message))
    return str(value)
