"""The suite is proven by sabotage: each spoilt store is rejected by the clause meant for it, and the sound one is not."""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mutants.table import MUTANTS, Mutant, table

from salespipeline.errors import StorageError
from salespipeline.testing.clauses.base import clauses_of

HERE = Path(__file__).parent
SLIPS = (AttributeError, KeyError, NameError, TypeError)  # what a mutant raises that was written carelessly


def rejecting(test: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a clause round: it must fail."""

    @functools.wraps(test)
    def rejects(*args: Any, **kwargs: Any) -> None:
        try:
            test(*args, **kwargs)
        except pytest.skip.Exception:
            raise
        except (Exception, pytest.fail.Exception) as error:
            *_, (frame, _) = traceback.walk_tb(error.__traceback__)
            if isinstance(error, SLIPS) and Path(frame.f_code.co_filename).parent == HERE:
                raise  # that is no proof
            return
        pytest.fail("the mutant lives: the clause that is meant for it did not notice")

    return rejects


def trial(mutant: Mutant, *, guilty: bool) -> type:
    """Return a test class that holds one clause, and the spoilt store or the sound one."""
    clause, sabotage = mutant.clause, mutant.sabotage if guilty else mutant.sound
    members: dict[str, Any] = {other.name: None for other in clauses_of(clause.family) if other.name != clause.name}
    test = getattr(clause.family, clause.name)
    members[clause.name] = rejecting(test) if guilty else test

    def opener(self: object, request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
        opens, opened = mutant.over(request, sabotage), []

        def opener() -> Any:
            opened.append(opens())
            return opened[-1]

        yield opener
        for store in opened:  # a clause that fails half way has closed nothing
            with contextlib.suppress(StorageError, AttributeError):  # files have no close
                store.close()

    members["opener"] = pytest.fixture(opener)
    return type(sabotage.__name__, (clause.family,), members)


for _mutant in MUTANTS:
    _id = _mutant.clause.id.replace("-", "")
    globals()[f"Test{_mutant.name}IsRejectedBy{_id}"] = trial(_mutant, guilty=True)
    _place = f"Test{_mutant.sound.__name__}Over{_mutant.over.__name__.title()}Passes{_id}"
    globals()[_place] = trial(_mutant, guilty=False)


def test_what_other_suites_let_pass_is_among_them() -> None:
    """The sabotage that a suite for stores must not let pass."""
    expected = {
        "VersionIgnored", "VersionNotBumped", "DeleteIgnoresVersion", "TagsLeftBehind", "TagsAppended",
        "UniqueNotEnforced", "CommitOnError", "CaseFoldingOrder", "InclusiveCursor", "NoIdTieBreak", "ThreeValuedNot",
        "FloatSums", "NumberSurvivesRollback", "MissingGroupDropped", "LostUpdate", "DirtyRead", "CursorByOffset",
        "BodyTruncated", "BodyComposed", "DigestNotChecked", "KeptTwice", "FileTruncated", "ForgetsAnother",
    }  # fmt: skip
    assert expected <= {mutant.name for mutant in MUTANTS}


def test_the_table_is_written_anew() -> None:
    """README.md tells what is wrong with each mutant, and which clause rejects it: python -m tests.mutants."""
    assert (HERE / "README.md").read_text(encoding="utf-8") == table()
