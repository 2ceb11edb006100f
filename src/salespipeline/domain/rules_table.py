"""The table of what may follow what, as people read it: the docs print it, and a test keeps it so. (SPEC DOC-3)"""

from __future__ import annotations

from salespipeline.domain.document import DocumentType
from salespipeline.domain.rules import CONVERSIONS, RULES, Bar, Move, Phase

__all__ = ["markdown"]


def markdown() -> str:
    """Return both tables, of the moves and of the conversions, in Markdown.

    >>> print(markdown().splitlines()[2])
    | edit | all | draft | it was cancelled · another document took its place |
    """
    lines = ["| move | types | while | not where |", "| --- | --- | --- | --- |"]
    for move in Move:
        rule = RULES[move]
        phases = " · ".join(phase.replace("_", " ") for phase in Phase if phase in rule.phases)
        bars = " · ".join(_short(bar) for bar in Bar if bar in rule.unless)
        lines.append(f"| {move.replace('_', ' ')} | {_types(rule.types)} | {phases} | {bars or '–'} |")
    lines += ["", "| from | into |", "| --- | --- |"]
    for type in DocumentType:
        into = ", ".join(one.words for one in DocumentType if one in CONVERSIONS[type])
        lines.append(f"| {type.words} | {into or '–'} |")
    return "\n".join(lines) + "\n"


def _short(bar: Bar) -> str:
    return bar.value.split(";")[0].split(" (")[0].replace(", such as a later revision,", "")


def _types(types: frozenset[DocumentType]) -> str:
    if len(types) == len(DocumentType):
        return "all"
    missing = [type.words for type in DocumentType if type not in types]
    if len(missing) < len(types):
        return f"all but {', '.join(missing)}"
    return ", ".join(type.words for type in DocumentType if type in types)
