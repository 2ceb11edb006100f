"""The contract is what its clauses say, and its page is written from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from salespipeline import OpenError
from salespipeline.opening import open_store
from salespipeline.ports import CONTRACT
from salespipeline.stores.memory import MemoryStore
from salespipeline.testing import BlobsTests, StoreTests
from salespipeline.testing.clauses.base import CAPABILITIES, clauses_of
from salespipeline.testing.contract import written

CLAUSES = clauses_of(StoreTests)
PAGE = Path(__file__).parents[2] / "docs" / "storage-contract.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")
def test_the_page_is_what_the_clauses_say() -> None:
    assert PAGE.read_text("utf-8") == written(), "python -m salespipeline.testing --contract > docs/storage-contract.md"


def test_every_clause_is_one_numbered_sentence() -> None:
    every = CLAUSES + clauses_of(BlobsTests)
    ids = [clause.id for clause in every]
    assert len(ids) == len(set(ids))
    for clause in every:
        assert re.fullmatch(
            r"[A-Z`].{10,140}\.|(get_many|put_many|get|find|keep|prepare)[, ].{10,140}\.", clause.sentence
        ), clause
        assert ". " not in clause.sentence, clause
        assert set(clause.needs) <= set(CAPABILITIES)
    tests = {name for suite in (StoreTests, BlobsTests) for name in dir(suite) if name.startswith("test")}
    assert tests == {clause.name for clause in every}


def test_numbers_have_no_gap() -> None:
    letters = {clause.id[0] for clause in CLAUSES}
    for letter in letters:
        numbers = sorted(int(clause.id[2:]) for clause in CLAUSES if clause.id[0] == letter)
        assert numbers == list(range(1, len(numbers) + 1)), letter


def test_the_contract_speaks_of_many_writers() -> None:
    many = [clause for clause in CLAUSES if clause.id[0] in "CIX"]
    assert len(CLAUSES) >= 120
    assert len(many) >= 25


def test_what_matters_cannot_be_lacked() -> None:
    assert len(CAPABILITIES) <= 7
    for clause in CLAUSES:
        if clause.id[0] in "TVUPQGNRI":
            assert clause.needs == (), clause


def test_only_what_is_optional_can_be_lacked_and_only_with_a_reason() -> None:
    with pytest.raises(TypeError, match="cannot lack 'uniques': only second-process, fork"):
        type("TestBad", (StoreTests,), {"lacks": {"uniques": "too hard"}})
    with pytest.raises(TypeError, match="lacks 'threads': say in a sentence why"):
        type("TestBad", (StoreTests,), {"lacks": {"threads": " "}})


def test_a_store_of_another_contract_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryStore, "contract", CONTRACT + 1, raising=False)
    with pytest.raises(OpenError, match=f"keeps storage contract {CONTRACT + 1} and this library has {CONTRACT}"):
        open_store("memory:")
    monkeypatch.setattr(MemoryStore, "contract", CONTRACT)
    open_store("memory:").close()
