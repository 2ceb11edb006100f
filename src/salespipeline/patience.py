"""Writing what must not be lost: where the store is away for a moment, or somebody was faster, it is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import attrs

from salespipeline.errors import Conflict, Unavailable

__all__ = ["PAUSES", "Patience"]

R = TypeVar("R")
PAUSES = (0.05, 0.2, 1.0, 3.0, 5.0, 10.0)  # seconds between two tries: a server that starts anew is back by then
MOST_CONFLICTS = 50


@attrs.frozen
class Patience:
    """Calls what writes until it has written, or it is no use any more.

    >>> errors = [Conflict("somebody was faster", kind="delivery", id="1"), Unavailable("the server starts anew")]
    >>> def write():
    ...     if errors:
    ...         raise errors.pop()
    ...     return "written"
    >>> Patience(print, lambda: 0.5)(write)
    0.05
    0.01
    'written'
    """

    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random

    def __call__(self, write: Callable[[], R]) -> R:
        """Return what *write* returns."""
        pauses = iter(PAUSES)
        for _ in range(MOST_CONFLICTS):
            try:
                return write()
            except Conflict:
                self.sleep(0.02 * self.chance())  # so that two who met do not meet again
            except Unavailable as error:
                pause = next(pauses, None)
                if pause is None or not error.retry:
                    raise
                self.sleep(pause)
        return write()
