"""Transmitters that come with the library: into a folder, where other programs fetch them, and into memory, for tests.

One for a platform is an object with ``transmit``: see ``transmission.Transmitter``.
"""

from __future__ import annotations

from salespipeline.transmitters.folder import Folder
from salespipeline.transmitters.memory import Memory

__all__ = ["Folder", "Memory"]
