"""A contact that is on stop: whoever makes a document for it is warned, and goes on. (``OnStop``)"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from salespipeline.domain.contacts import Contact
from salespipeline.errors import OnStop

__all__ = ["warn_of_stop"]

PACKAGE = str(Path(__file__).parent)


def warn_of_stop(contact: Contact | None, what: str) -> None:
    """Warn where *contact* is on stop, in the name of the line outside this library that made *what*."""
    if contact is None or not contact.stopped:
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(OnStop(contact.name, contact.stop_reason, what), stacklevel=level)
