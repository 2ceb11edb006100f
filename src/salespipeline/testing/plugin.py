"""The pytest plugin: the suite's mark, what a store lacks as strict expected failures, and the clause that failed."""

from __future__ import annotations

from collections.abc import Generator

import pytest

__all__ = ["pytest_configure", "pytest_itemcollected", "pytest_runtest_makereport"]

pytest.register_assert_rewrite("salespipeline.testing.clauses", "salespipeline.testing.machine")


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite's mark."""
    config.addinivalue_line("markers", "needs(capability): the clause speaks of an optional capability of a store")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Expect a clause to fail, strictly, where the class says that its store lacks what the clause needs."""
    lacks = getattr(getattr(item, "cls", None), "lacks", {})
    for mark in item.iter_markers("needs"):
        reason = lacks.get(mark.args[0])
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=f"lacks {mark.args[0]}: {reason}", strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the sentence of a clause that failed."""
    report = yield
    if report.failed and hasattr(getattr(item, "cls", None), "lacks"):
        if isinstance(report.longrepr, str) and report.longrepr.startswith("[XPASS"):
            needed = " and ".join(repr(mark.args[0]) for mark in item.iter_markers("needs"))
            report.longrepr += f"\nThe store has what its test says that it lacks: take {needed} out of lacks."
        function = getattr(item, "function", None)
        _, number, *_ = [*item.name.split("_", 2), ""]
        sentence = " ".join((getattr(function, "__doc__", None) or "").split())
        report.sections.append(("clause", f"{number[:1].upper()}-{number[1:]}: {sentence}"))
    return report
