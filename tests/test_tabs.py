"""The page that maps every tab and field to the calls that serve it is true, and nothing is missing from it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

import salespipeline as sp
from salespipeline.collection import Collection
from salespipeline.domain import (
    alerts,
    attachments,
    contacts,
    fields,
    items,
    jobs,
    lines,
    notes,
    notices,
    numbering,
    organisation,
    saved,
    sending,
    settings,
    stages,
    stock,
    tagging,
    templates,
)
from salespipeline.domain.activity import Activity
from salespipeline.listing import Listing
from salespipeline.settings import SettingsDesk
from salespipeline.settings.lists import SettingList

PAGE = Path(__file__).parent.parent / "docs" / "tabs.md"
RECORDS = {
    "deal": sp.Opportunity, "document": sp.Document, "line": lines.Line, "contact": contacts.Contact,
    "person": contacts.Person, "job": jobs.Job, "note": notes.Note, "alert": alerts.Alert, "follow": alerts.Follow,
    "file": attachments.Attachment, "activity": Activity, "mark": tagging.TagMark, "delivery": sending.Delivery,
    "batch": sending.Batch, "notice": notices.Notice, "organisation": organisation.Organisation,
    "pipeline": stages.Pipeline, "stage": stages.Stage, "probability": settings.Probability, "tag": settings.Tag,
    "note_tag": settings.NoteTag, "rate": settings.TaxRate, "user": settings.User, "department": settings.Department,
    "reason": settings.LostReason, "series": numbering.Series, "field": fields.FieldSchema,
    "template": templates.Template, "saved": saved.SavedFilter, "item": items.Item, "piece": stock.StockItem,
}  # fmt: skip
COLLECTIONS = (
    "contacts", "opportunities", "documents", "jobs", "activities", "alerts", "attachments", "notes", "notices",
    "deliveries", "reports",
)  # fmt: skip
EVERYWHERE = {"id", "version"}  # what each record has
IN_LISTS = {"position", "archived"}  # what each entry of a list has: said once, of tags
PLUMBING = {"cls", "shape", "key", "fixed", "alone", "title", "by_title"}  # how a class is made


def spans(text: str) -> list[str]:
    """Return the code in the tables of the page, whatever stands in its cells."""
    rows = [row for row in text.splitlines() if row.startswith("|")]
    return [span for row in rows for span in re.findall(r"`([^`]+)`", row)]


def keywords_of(function: Any) -> set[str] | None:
    """Return the keywords that a call takes; ``None`` where it takes any."""
    found: set[str] = set()
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD:
            found.add(name)
            continue
        hint = inspect.unwrap(function).__annotations__.get(name, "")
        facts = re.search(r"Unpack\[(\w+)\]", str(hint))
        if facts is None:
            return None
        facts_of = inspect.unwrap(function).__globals__[facts[1]]
        found |= facts_of.__required_keys__ | facts_of.__optional_keys__
    return found


def complaint(sales: sp.Sales, span: str) -> str | None:
    """Say what is wrong with a piece of code of the page: it must lead to a field, or to a call with its keywords."""
    try:
        node = ast.parse(span.replace("…]", "...]"), mode="eval").body
    except SyntaxError:
        return f"{span} is no code"
    try:
        resolved(sales, node)
    except (AttributeError, KeyError, LookupError, sp.Invalid) as error:
        return f"{span}: {error}"
    return None


def resolved(sales: sp.Sales, node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name):
            return sales if name == "sales" else RECORDS[name] if name in RECORDS else getattr(sales, name)
        case ast.Attribute(value=inner, attr=name):
            owner = resolved(sales, inner)
            known = {one.name for one in attrs.fields(owner)} if isinstance(owner, type) else ()
            return None if name in known else getattr(owner, name)
        case ast.Call(func=called, keywords=given):
            call = resolved(sales, called)
            taken = keywords_of(call)
            for keyword in given:
                name = str(keyword.arg).partition("__")[0]
                known = getattr(call.__self__, "shape", _NO).filters if taken is None else taken
                if known and name not in known:
                    raise KeyError(f"no keyword {keyword.arg}")
            if getattr(call, "__name__", "") == "where":
                return call.__self__.all()
            return None
    raise LookupError(f"{ast.dump(node)} leads nowhere")


@pytest.fixture(scope="module")
def sales():
    return sp.open("memory:")


@pytest.fixture(scope="module")
def shown():
    return spans(PAGE.read_text("utf-8"))


def test_every_call_and_every_field_on_the_page_is_there(sales, shown):
    code = [span for span in shown if not span.startswith("{")]
    assert len(code) > 500
    assert [found for span in code if (found := complaint(sales, span)) is not None] == []


@pytest.mark.parametrize(
    "span",
    ["deal.subjekt", "opportunities.winn(deal)", "opportunities.edit(deal, stages=1)", "opportunities.where(stagee=1)",
     "settings.tagz.add(1)", "nothing.at_all", "documents.where(sent=False).plan_send_al()", "a b"],
)  # fmt: skip
def test_what_is_not_there_is_seen(sales, span):
    assert complaint(sales, span) is not None


def methods(cls: type, *bases: type) -> set[str]:
    """Return the public names of a class beside those of *bases*, which stand in a table of their own."""
    shared = PLUMBING.union(*(dir(base) for base in bases))
    return {name for name in dir(cls) if not name.startswith("_")} - shared


def test_no_public_call_of_a_collection_is_missing(sales, shown):
    called = {match[0] for span in shown for match in re.finditer(r"^[a-z_.]+", span)}
    wanted = {f"opportunities.{name}" for name in methods(Collection)}
    for name in COLLECTIONS:
        wanted |= {f"{name}.{one}" for one in methods(type(getattr(sales, name)), Collection)}
    wanted |= {f"settings.{name}" for name in methods(SettingsDesk)}
    wanted |= {f"settings.tags.{name}" for name in methods(SettingList)}
    for name, one in vars(sales.settings).items():
        if not name.startswith("_"):
            base = SettingList if isinstance(one, SettingList) else Collection
            wanted |= {f"settings.{name}.{method}" for method in methods(type(one), base)}
    missing = wanted - called
    listing = {span for span in shown if ").plan_send_all(" in span}
    assert sorted(missing) == []
    assert methods(type(sales.documents.all()), Listing) == {"plan_send_all"}
    assert listing


def test_no_field_of_a_record_is_missing(shown):
    said = set(shown)
    wanted = set()
    for name, cls in RECORDS.items():
        left = {field.name for field in attrs.fields(cls)} - EVERYWHERE
        if hasattr(cls, "position") and name != "tag" and name != "delivery":
            left -= IN_LISTS
        wanted |= {f"{name}.{field}" for field in left}
    assert sorted(wanted - said) == []


def test_no_filter_is_missing(sales, shown):
    said = {(span.partition(".where(")[0], key) for span in shown if ".where(" in span
            for key in re.findall(r"(\w+?)(?:__\w+)?=", span)}  # fmt: skip
    wanted = {(name, one) for name in COLLECTIONS for one in getattr(getattr(sales, name), "shape", _NO).filters}
    assert sorted(wanted - said - {("opportunities", "saved")}) == []


class _NO:
    filters: tuple[str, ...] = ()
