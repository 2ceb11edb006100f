"""Several pipelines, each with its own stages; one is there without asking. (SPEC SET-1)"""

from __future__ import annotations

import pytest
from tests.whole import whole

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "100.00"}


@pytest.fixture
def two(sales):
    """A second pipeline, which shares a label with the first one."""
    sales.settings.stages.add("Prospect", "Packed", pipeline="Delivery")
    return sales


def new(sales, subject="x", **given):
    return sales.opportunities.create(contact="Acme Ltd", subject=subject, lines=[LINE], **given)


def test_one_pipeline_is_there_without_asking_and_its_first_stage_is_where_one_begins(bare):
    assert [one.label for one in bare.settings.pipelines] == ["default"]
    bare.settings.stages.add("Packed", pipeline="Delivery")
    bare.settings.stages.add("Prospect")
    assert [one.path for one in bare.settings.stages] == ["default / Prospect", "Delivery / Packed"]
    bare.contacts.add("Acme Ltd")
    assert new(bare).stage_id == bare.settings.stages["Prospect"].id
    bare.settings.pipelines.move("Delivery", before="default")
    assert new(bare).stage_id == bare.settings.stages["Packed"].id
    assert bare.settings.stages.add("Sent")[0].pipeline == "Delivery"


def test_a_label_is_unique_within_a_pipeline_only(two):
    stages = two.settings.stages
    before = whole(two)
    with pytest.raises(sp.Duplicate, match="a stage called 'packed' exists already"):
        stages.add("packed", pipeline="delivery")
    with pytest.raises(sp.Duplicate):
        stages.edit("Packed", label="Prospect")
    with pytest.raises(sp.Duplicate):
        stages.edit("Delivery / Prospect", pipeline="default")
    assert whole(two) == before
    assert stages.edit("Packed", label="Quotation sent").path == "Delivery / Quotation sent"


def test_a_bare_label_means_the_first_pipeline_and_a_path_says_which(two):
    stages = two.settings.stages
    first, second = stages["Prospect"], stages["delivery/prospect"]
    assert (first.pipeline, second.pipeline) == ("default", "Delivery")
    assert stages["default / prospect"] == first
    assert "Shop / Prospect" not in stages
    deal = new(two, stage="Prospect")
    assert deal.stage_id == first.id
    assert new(two, pipeline="Delivery").stage_id == second.id
    assert new(two, stage="Delivery / Packed").stage_id == stages["Packed"].id
    with pytest.raises(
        sp.Invalid, match="pipeline 'Delivery' has no stage called 'Order signed': there are 'Prospect'"
    ):
        new(two, stage="Order signed", pipeline="Delivery")
    with pytest.raises(sp.Invalid, match="no pipeline is called 'Delivry': did you mean 'Delivery'"):
        new(two, pipeline="Delivry")


def test_an_opportunity_moves_to_another_pipeline_and_its_labels_are_looked_for_there_first(two):
    stages = two.settings.stages
    deal = new(two, stage="Quotation sent")
    deal = two.opportunities.edit(deal, pipeline="delivery")  # no stage there is called so: the first one
    assert deal.stage_id == stages["Delivery / Prospect"].id
    assert two.opportunities.edit(deal, pipeline="Delivery") == deal
    deal = two.opportunities.edit(deal, stage="Packed")
    deal = two.opportunities.edit(deal, stage="Prospect")
    assert deal.stage_id == stages["Delivery / Prospect"].id
    deal = two.opportunities.edit(deal, pipeline="default")  # the stage of the same label
    assert deal.stage_id == stages["default / Prospect"].id
    assert [one.changes[0].field for one in two.opportunities.history(deal)[1:]] == ["stage_id"] * 4


def test_lists_and_reports_tell_pipelines_apart(two):
    new(two, "first"), new(two, "second", pipeline="Delivery"), new(two, "third", stage="Packed")
    where = two.opportunities.where
    subjects = lambda **filters: [deal.subject for deal in where(**filters).order("subject")]  # noqa: E731
    assert subjects(pipeline="Delivery") == ["second", "third"]
    assert subjects(pipeline__not="Delivery") == ["first"]
    assert subjects(pipeline__in=["Delivery", "default"]) == ["first", "second", "third"]
    assert subjects(stage="Prospect") == ["first", "second"]
    assert subjects(stage="Prospect", pipeline="Delivery") == ["second"]
    assert subjects(stage="default / Prospect") == ["first"]
    assert subjects(stage__not="Prospect") == ["third"]
    assert subjects(stage__in=["Delivery / Prospect", "Packed"]) == ["second", "third"]
    assert [row["stage"] for row in two.opportunities.order("stage").to_dicts()] == [
        "default / Prospect", "Delivery / Prospect", "Packed",
    ]  # fmt: skip
    assert [(row.stage, row.count) for row in two.reports.pipeline()] == [
        ("default / Prospect", 1), ("Delivery / Prospect", 1), ("Packed", 1),
    ]  # fmt: skip
    assert [(row.stage, row.count) for row in two.reports.pipeline(pipeline="Delivery")] == [
        ("Delivery / Prospect", 1), ("Packed", 1),
    ]  # fmt: skip
    assert [(row.name, row.open) for row in two.reports.performance("pipeline")] == [("Delivery", 2), ("default", 1)]


def test_a_stage_moves_to_another_pipeline_with_its_opportunities(two):
    deal = new(two, stage="Order signed")
    stage = two.settings.stages.edit("Order signed", pipeline=two.settings.pipelines["Delivery"])
    assert two.opportunities.where(pipeline="Delivery").one() == deal
    with pytest.raises(sp.Invalid, match="'Delivery / Prospect' is of another pipeline"):
        two.settings.stages.move("Quotation sent", before="Delivery / Prospect")
    two.settings.stages.move(stage, before="Packed")
    assert [one.label for one in two.settings.stages.of("Delivery")] == ["Prospect", "Order signed", "Packed"]


def test_a_pipeline_that_is_archived_is_offered_no_more_and_what_is_in_it_stays(two):
    deal = new(two, stage="Packed")
    two.settings.pipelines.archive("Delivery")
    assert [one.label for one in two.settings.stages] == ["Prospect", "Quotation sent", "Order signed"]
    with pytest.raises(sp.Invalid, match="the pipeline 'Delivery' is archived"):
        new(two, stage="Packed")
    assert two.opportunities.edit(deal, stage="Packed", note="kept") is not None
    assert two.opportunities.where(pipeline="Delivery").count() == 1
    two.settings.pipelines.archive("default")
    with pytest.raises(sp.Invalid, match="every pipeline is archived"):
        two.settings.stages.add("More")
    two.settings.pipelines.restore("Delivery")
    assert new(two).stage_id == two.settings.stages["Delivery / Prospect"].id


def test_a_pipeline_gives_its_stages_to_another_one(two):
    deal = new(two, stage="Packed")
    before = whole(two)
    with pytest.raises(
        sp.Duplicate, match="'default' has a stage called 'Prospect' already: rename or replace that one"
    ):
        two.settings.pipelines.delete("Delivery", replacement="default")
    assert whole(two) == before
    with pytest.raises(sp.Refused, match="pipeline 'Delivery' is used by 2 stages"):
        two.settings.pipelines.delete("Delivery")
    with pytest.raises(sp.Refused, match="there without asking"):
        two.settings.pipelines.delete("default", replacement="Delivery")
    two.settings.stages.delete("Delivery / Prospect")
    assert two.settings.pipelines.delete("Delivery", replacement="default") == 1
    assert [one.path for one in two.settings.stages][-1] == "default / Packed"
    assert two.opportunities.where(pipeline="default").one() == deal


def test_the_default_pipeline_is_renamed_and_its_stages_say_so(sales, opened, url):
    sales.settings.pipelines.rename("default", "Sales")
    assert {one.path for one in sales.settings.stages} == {
        "Sales / Prospect", "Sales / Quotation sent", "Sales / Order signed",
    }  # fmt: skip
    assert sales.settings.stages.add("More")[0].pipeline == "Sales"
    with pytest.raises(sp.Duplicate):
        sales.settings.stages.add("prospect")
    assert [one.action for one in sales.settings.stages.history("Prospect")] == ["added", "pipeline renamed"]
    assert [one.label for one in sales.settings.pipelines] == ["Sales"]
    assert [one.action for one in sales.settings.pipelines.history("Sales")] == ["edited"]
    if url != "memory:":
        assert [one.label for one in opened(url).settings.pipelines] == ["Sales"]
