"""Run the suites on the store at a URL, outside of anybody's test session, and say what became of every clause."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs
import hypothesis.configuration
import pytest

from salespipeline.entries import Catalog
from salespipeline.ports import CONTRACT
from salespipeline.testing.fresh import Opener, fresh, without_password

# Nothing of the suite itself is imported here: pytest must be the first to do that, and rewrites its assertions.
if TYPE_CHECKING:
    from salespipeline.testing.clauses.base import Clause
    from salespipeline.testing.speed import Speed

__all__ = ["Outcome", "Report", "examined"]

_SUITES = Path(__file__).with_name("at_url.py")
_FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # what would mix somebody else's session into this one


@attrs.frozen
class Outcome:
    """What became of a clause: *state* is ``passed``, ``lacked``, ``skipped`` or ``failed``, and *why* it is."""

    clause: Clause
    state: str
    why: str = ""


@attrs.frozen
class Report:
    """What the suites found out about the store at *url*."""

    url: str
    store: str
    lacks: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    speeds: tuple[Speed, ...] = ()
    contract: int = CONTRACT

    def of(self, state: str) -> list[Outcome]:
        """Return the outcomes in this state."""
        return [outcome for outcome in self.outcomes if outcome.state == state]

    def plain(self) -> dict[str, object]:
        """Return everything as what JSON can hold."""
        lacked = {
            name: {
                "reason": reason,
                "clauses": [one.clause.id for one in self.of("lacked") if name in one.clause.needs],
            }
            for name, reason in self.lacks.items()
        }
        return {
            "contract": self.contract,
            "url": self.url,
            "store": self.store,
            "passed": [one.clause.id for one in self.of("passed")],
            "lacked": lacked,
            "skipped": {one.clause.id: one.why for one in self.of("skipped")},
            "failed": [
                {"id": one.clause.id, "sentence": one.clause.sentence, "error": one.why} for one in self.of("failed")
            ],
            "speed": [attrs.asdict(speed) for speed in self.speeds],
        }


def examined(
    url: str, only: Sequence[str] = (), *, timed: bool = True, progress: Callable[[str], object] | None = None
) -> Report:
    """Hold the store at *url* to the contract, in places of its own.

    *only* are clauses (``T-01``) or families (``C``) instead of all. Raises ``OpenError`` or ``StorageError`` where not
    even a first handle can be opened and prepared, and ``LookupError`` where *only* names what is not there. *progress*
    is told how far this is.
    """
    with fresh(url) as opener:
        store = opener()
        store.prepare(Catalog(()))
        lacks: Mapping[str, str] = getattr(store, "lacks", {})
        session = _Session(url, lacks, only, files=hasattr(store, "blobs"), progress=progress)
        name = type(store).__name__
    said = io.StringIO()
    with TemporaryDirectory() as folder, _alone(Path(folder)) as arguments, contextlib.redirect_stdout(said):
        code = pytest.main([*arguments, str(_SUITES)], plugins=[session])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if session.refused is not None:
        raise session.refused
    outcomes = tuple(session.outcomes[name] for name in session.clauses if name in session.outcomes)
    if len(outcomes) < max(1, len(session.clauses)):
        raise RuntimeError(f"{len(outcomes)} of {len(session.clauses)} clauses were run. {said.getvalue()}")
    report = Report(without_password(url), name, lacks, outcomes)
    if not timed:
        return report
    from salespipeline.testing.speed import speeds

    if progress is not None:
        progress("how fast it is")
    return attrs.evolve(report, speeds=speeds(url))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[list[str]]:
    """Yield the arguments of a pytest that reads nobody's settings and leaves nothing behind."""
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    before = {name: os.environ.pop(name) for name in _FOREIGN if name in os.environ}
    autoload = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    hypothesis.configuration.set_hypothesis_home_dir(str(folder / "hypothesis"))
    hypothesis.settings.register_profile("salespipeline.testing", database=None, derandomize=True)
    hypothesis.settings.load_profile("salespipeline.testing")
    try:
        yield [
            *("-c", str(settings), "--rootdir", str(folder), "--confcutdir", str(folder), "--capture", "sys"),
            *("-p", "no:cacheprovider", "-p", "salespipeline.testing.plugin", "--tb", "short"),
        ]
    finally:
        hypothesis.settings.load_profile("default")
        hypothesis.configuration.set_hypothesis_home_dir(None)
        os.environ.update(before)
        if autoload is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = autoload


class _Session:
    """A pytest plugin that gives the clauses their places, and writes down what becomes of them."""

    def __init__(
        self,
        url: str,
        lacks: Mapping[str, str],
        only: Sequence[str],
        *,
        files: bool,
        progress: Callable[[str], object] | None,
    ) -> None:
        self.url, self.lacks, self.only, self.files, self.progress = url, lacks, only, files, progress
        self.clauses: dict[str, Clause] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.refused: Exception | None = None

    @pytest.fixture
    def place(self) -> Iterator[Opener]:
        """Return what opens handles on data of the clause's own."""
        with fresh(self.url) as opener:
            yield opener

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Tell the class what the store lacks, before the clause is marked for it."""
        item.getparent(pytest.Class).obj.lacks = self.lacks  # type: ignore[union-attr]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the clauses that are wanted, in the order of the contract."""
        from salespipeline.testing.clauses.base import check_lacks, clauses_of
        from salespipeline.testing.suite import BlobsTests, StoreTests

        every = [*clauses_of(StoreTests), *(clauses_of(BlobsTests) if self.files else ())]
        self.clauses = {
            one.name: one for one in every if not self.only or one.id in self.only or one.id[0] in self.only
        }
        found = {item.name: item for item in items}
        items[:] = [found[name] for name in self.clauses]
        known = {one.id for one in every} | {one.id[0] for one in every}
        unknown = [one for one in self.only if one not in known]
        try:
            if unknown:
                raise LookupError(f"there is no clause and no family {', '.join(unknown)}")
            check_lacks("the store", self.lacks)
        except (LookupError, TypeError) as error:
            self.refused, items[:] = error, []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down what became of a clause; the first thing that goes wrong counts."""
        name = report.nodeid.rpartition("::")[2]
        known = self.outcomes.get(name)
        if known is not None and (known.state == "failed" or report.when != "call") and not report.failed:
            return
        clause = self.clauses[name]
        if report.failed:
            self.outcomes[name] = Outcome(clause, "failed", _crash(report))
        elif report.skipped and hasattr(report, "wasxfail"):
            self.outcomes[name] = Outcome(clause, "lacked", report.wasxfail)
        elif report.skipped:
            self.outcomes[name] = Outcome(clause, "skipped", _reason(report))
        elif report.when == "call":
            self.outcomes[name] = Outcome(clause, "passed")

    def pytest_runtest_logfinish(self) -> None:
        """Tell how far this is."""
        if self.progress is not None:
            self.progress(f"{len(self.outcomes)} of {len(self.clauses)} clauses")


def _crash(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(report.longrepr) if crash is None else str(crash.message)


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
