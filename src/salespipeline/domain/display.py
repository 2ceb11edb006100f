"""What lets a record show itself in a notebook; how it does is decided in ``salespipeline.notebook``."""

from __future__ import annotations

from typing import Any

__all__ = ["Displayed"]


class Displayed:
    """A record that a notebook shows as a table of its lines, rather than as the text of its fields."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        from salespipeline.notebook import record_html

        return record_html(self)
