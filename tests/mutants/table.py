"""Every mutant, and the table of them: ``python -m tests.mutants > tests/mutants/README.md``."""

from __future__ import annotations

from tests.mutants import databases, files, handles, links, queries, tallies, texts, transactions, versions, words
from tests.mutants.harness import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "table"]

_FILES = (versions, transactions, queries, tallies, texts, handles, links, words, databases, files)

_HEAD = """# Sabotaged stores

Each is a real store or place for files, spoilt in one small place. The clause beside it is meant to reject it, and does;
the same store without the sabotage passes that clause. `nox -s mutants` shows it, and so does every run of the tests.
This table is written by `python -m tests.mutants`.

| Sabotage | What is wrong | Over | Rejected by |
| --- | --- | --- | --- |
"""


def table() -> str:
    """Return the table of all mutants, file by file."""
    names = [module.__name__ for module in _FILES]
    inside = sorted(MUTANTS, key=lambda mutant: names.index(mutant.sabotage.__module__))
    rows = [f"| {one.name} | {one.sentence} | {one.over.__name__} | {one.clause.id} |" for one in inside]
    return _HEAD + "\n".join(rows) + "\n"
