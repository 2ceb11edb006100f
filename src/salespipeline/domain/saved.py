"""A filter that somebody saved under a name: for themselves, or for all. (SPEC OPP-10)"""

from __future__ import annotations

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import as_flag, cleaned
from salespipeline.domain.display import Labelled

__all__ = ["SavedFilter"]


@attrs.frozen(kw_only=True)
class SavedFilter(Labelled):
    """What a list is asked, as JSON, under a name.

    *of* is the kind of record that is listed. Others find it where it is *shared*; only its owner changes it.
    """

    id: str
    version: int = 0
    label: str
    of: str = "opportunity"
    criteria: str
    owner_id: str
    shared: bool = False
    position: int = 0
    archived: bool = False

    def checked(self) -> SavedFilter:
        """Return it with clean texts, or raise ``Invalid``."""
        return cleaned(
            self,
            label=lambda value: text.clean(value, "label", required=True),
            shared=lambda value: as_flag(value, "shared"),
        )
