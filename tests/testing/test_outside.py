"""The suite in the project of an author: a test file, strict settings, and nothing of this repository."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SETTINGS = """
[pytest]
addopts = --strict-markers --strict-config -p no:cacheprovider
filterwarnings = error
xfail_strict = true
"""
GOOD = """
import pytest
from salespipeline.stores.memory import MemoryStore
from salespipeline.testing import StoreTests

class TestMine(StoreTests):
    lacks = {"fork": "a child has a copy", "open-after-fork": "a child has a copy", "second-process": "it is in memory"}

    @pytest.fixture
    def opener(self):
        first = MemoryStore()
        return lambda: MemoryStore(beside=first)
"""


@pytest.fixture
def author(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(SETTINGS)
    return pytester


def run(author: pytest.Pytester, text: str, *arguments: str) -> pytest.RunResult:
    author.makepyfile(test_mine=text)
    return author.runpytest_subprocess("-q", "-p", "no:randomly", *arguments)


def test_a_good_store_passes_with_what_it_lacks(author: pytest.Pytester) -> None:
    result = run(author, GOOD, "-rx", "-k", "t01 or v01 or n03 or c15 or x01 or x13 or m02 or x14")
    result.assert_outcomes(passed=6, xfailed=2)
    result.stdout.fnmatch_lines(["XFAIL*test_x13_*lacks fork: a child has a copy"])


def test_a_clause_that_fails_says_its_sentence(author: pytest.Pytester) -> None:
    bad = GOOD.replace("return lambda: MemoryStore(beside=first)", "return MemoryStore")
    result = run(author, bad, "-k", "t01 or n02")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["E*assert None is not None*", "T-01: A clean exit commits: a fresh handle reads what was put."]
    )


def test_what_is_lacked_must_be_lacking(author: pytest.Pytester) -> None:
    modest = GOOD.replace('"fork"', '"threads": "not tried", "fork"')
    result = run(author, modest, "-k", "c14")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*XPASS(strict)*lacks threads: not tried*", "The store has what*: take 'threads' out of lacks."]
    )


def test_what_cannot_be_lacked_is_said_when_the_file_is_read(author: pytest.Pytester) -> None:
    result = run(author, GOOD.replace('"fork"', '"atomicity"'))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*TestMine cannot lack 'atomicity': only second-process, fork, *"])


def test_a_missing_opener_is_asked_for(author: pytest.Pytester) -> None:
    text = "from salespipeline.testing import StoreTests, BlobsTests\nclass TestMine(StoreTests): ...\nclass TestFiles(BlobsTests): ...\n"
    result = run(author, text, "-k", "t01 or b01")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*TestMine needs a fixture 'opener'*", "*def opener(self, tmp_path):*"])


def test_an_opener_that_is_no_function_is_told(author: pytest.Pytester) -> None:
    result = run(author, GOOD.replace("return lambda: MemoryStore(beside=first)", "return first"), "-k", "t01")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the fixture 'opener' of TestMine returned <MemoryStore*return a function*"])


def test_the_suite_itself_is_not_collected_where_it_is_imported(author: pytest.Pytester) -> None:
    result = run(author, "from salespipeline.testing import StoreTests, BlobsTests\n")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
