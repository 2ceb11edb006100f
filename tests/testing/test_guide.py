"""The store that the guide for authors writes keeps the clauses that the guide says it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

from salespipeline.testing.clauses.numbers import Numbers
from salespipeline.testing.clauses.transactions import Transactions
from salespipeline.testing.clauses.uniques import Uniques
from salespipeline.testing.clauses.versions import Versions

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-store.md"


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """What the code of the guide defines."""
    document = Sybil(parsers=[CodeBlockParser("python", PythonEvaluator())]).parse(GUIDE)
    for example in document.examples():
        example.evaluate()
    return document.namespace


class TestTheStoreOfTheGuide(Transactions, Versions, Uniques, Numbers):
    lacks = {"second-process": "what it keeps is in the memory of one process"}

    @pytest.fixture
    def opener(self, written):
        kept = written["Kept"]()
        return lambda: written["DictStore"](kept)
