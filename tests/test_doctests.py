"""Every example in a docstring runs, and nothing public is without one.

The examples go on from the one of the package itself: ``sales``, ``acme``, ``deal`` and ``quote`` are what it made.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import salespipeline as sp
from salespipeline.render import labels

PACKAGE = Path(sp.__file__).parent
NAMES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)
# Beside what ``salespipeline`` names itself: what people hold in their hands when they use it.
# On the right is how examples reach them.
FACE = {
    "activities:Activities": "sales.activities",
    "alerts:Alerts": "sales.alerts",
    "attachments:Attachments": "sales.attachments",
    "change_report:ChangeReport": "",
    "collection:Collection": "",
    "contacts:Contacts": "sales.contacts",
    "deliveries:Deliveries": "sales.deliveries",
    "documents.listing:DocumentListing": "",
    "documents.desk:Documents": "sales.documents",
    "each:Each": "",
    "importing:ImportReport": "",
    "importing:import_opportunities": "",
    "jobs:Jobs": "sales.jobs",
    "listing:Listing": "",
    "listing:Page": "",
    "merging:MergePlan": "",
    "merging:Mergeable": "sales.opportunities",
    "notes:Notes": "sales.notes",
    "notices:Notices": "sales.notices",
    "opportunities:Opportunities": "sales.opportunities",
    "opportunities:OpportunityListing": "",
    "render:MailTemplate": "",
    "render:PdfRenderer": "",
    "report:Reports": "sales.reports",
    "reports.rows:Report": "",
    "sales:Sales": "sales",
    "sending_report:Plan": "",
    "sending_report:SendReport": "",
    "settings.fields:FieldList": "sales.settings.fields",
    "criteria:Criteria": "",
    "settings.saved:FilterList": "sales.settings.filters",
    "settings.goods:Goods": "",
    "settings.items:Items": "sales.settings.items",
    "settings.stock:Stock": "sales.settings.stock",
    "settings.names:LostReasonList": "sales.settings.lost_reasons",
    "settings.names:DepartmentList": "sales.settings.departments",
    "settings.names:PipelineList": "sales.settings.pipelines",
    "settings.kinds:NoteTagList": "sales.settings.note_tags",
    "settings.kinds:ProbabilityList": "sales.settings.probabilities",
    "settings.kinds:SeriesList": "sales.settings.series",
    "settings.lists:SettingList": "",
    "settings.desk:SettingsDesk": "sales.settings",
    "settings.names:StageList": "sales.settings.stages",
    "settings.kinds:TagList": "sales.settings.tags",
    "settings.kinds:TaxRateList": "sales.settings.tax_rates",
    "settings.kinds:UserList": "sales.settings.users",
    "settings.templates:TemplateList": "sales.settings.templates",
}
FLAGS = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE


def story() -> dict[str, Any]:
    """Return what the example of the package makes."""
    (example,) = doctest.DocTestFinder(recurse=False).find(sp, "salespipeline", globs={})
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    assert runner.run(example, clear_globs=False).failed == 0
    return example.globs


def examples(module: ModuleType) -> Iterator[doctest.DocTest]:
    """Yield the examples of *module*, each on a fresh story if it needs one."""
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__):
        if module is not sp and re.search(
            r"\b(sales|acme|deal|quote)\b", "".join(one.source for one in example.examples)
        ):
            example.globs = story() | example.globs
        elif module is not sp:
            example.globs["sp"] = sp
        if example.examples:
            yield example


@pytest.fixture(autouse=True)
def _no_label_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What an example adds to the languages of this process is gone when it is over."""
    monkeypatch.setattr(labels, "_added", {})
    yield
    labels._labels.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_run(name: str) -> None:
    module = importlib.import_module(name)
    said: list[str] = []
    for example in examples(module):
        result = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
        assert result.failed == 0, "".join(said)
        if isinstance(opened := example.globs.get("sales"), sp.Sales):
            opened.close()


def public() -> Iterator[tuple[str, Any, str]]:
    """Yield (name, object, how to reach it) for what the package, blobs and mail name, and for the face."""
    for name in sp.__all__:
        found = getattr(sp, name)
        if isinstance(found, ModuleType) and callable(found):  # demo: the module stands for its function
            yield name, getattr(found, name), ""
        elif isinstance(found, ModuleType):
            yield from ((f"{name}.{one}", getattr(found, one), "") for one in found.__all__)
        elif f"sales:{name}" not in FACE:
            yield name, found, ""
    for place, reached in FACE.items():
        module, _, name = place.partition(":")
        yield name, getattr(importlib.import_module(f"salespipeline.{module}"), name), reached


def without_example() -> Iterator[str]:
    """Yield the public callables that no example shows.

    What is shown is called in an example of its own docstring or of its class's, or by its path in any other.
    """
    everything = "\n".join(
        code(example.docstring) for name in NAMES for example in examples(importlib.import_module(name))
    )
    for name, found, reached in public():
        if not inspect.isclass(found):
            yield from [] if code(found.__doc__) else [name]
            continue
        own = {
            one: "\n".join(map(code, (one.__doc__, *(raw.__doc__ for raw in vars(one).values()))))
            for one in found.__mro__[:-1]
        }
        if not any(own.values()) and not (reached and f"{reached}." in everything):
            yield name
        for method, raw in vars(found).items():
            if method.startswith("_") or not inspect.isfunction(getattr(raw, "__func__", raw)):
                continue
            called = re.compile(rf"\b{method}\(")
            by_path = re.compile(rf"\b{re.escape(reached)}\.{method}\(")
            if any(called.search(shown) for one, shown in own.items() if method in vars(one)):
                continue
            if not reached or not by_path.search(everything):
                yield f"{name}.{method}"


def code(docstring: str | None) -> str:
    """Return the code of the examples in *docstring*."""
    return "".join(example.source for example in doctest.DocTestParser().get_examples(docstring or ""))


def test_everything_public_has_an_example() -> None:
    assert sorted(set(without_example())) == []


@pytest.mark.parametrize("method", ["win", "edit", "nothing_calls_this"])
def test_a_method_without_example_is_seen(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    from salespipeline.sending_report import Plan

    def idle(self: Plan) -> None:
        """Do nothing."""

    monkeypatch.setattr(Plan, method, idle, raising=False)
    assert list(without_example()) == [f"Plan.{method}"]
