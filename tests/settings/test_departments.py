"""Departments: words, or, once there is a list, one of it. (SPEC SET-9, OPP-7)"""

from __future__ import annotations

import pytest
from tests.whole import whole

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "100.00"}


def new(sales, **given):
    return sales.opportunities.create(contact="Acme Ltd", subject="x", lines=[LINE], **given)


@pytest.fixture
def listed(sales):
    sales.settings.users.edit("tom", department="  SOUTH ")
    new(sales, department="south"), new(sales, department="West")
    sales.settings.departments.add("North", "South")
    return sales


def test_whoever_had_the_words_belongs_to_the_department_that_is_added(listed):
    assert listed.settings.users["tom"].department == "South"
    assert sorted(deal.department for deal in listed.opportunities) == ["South", "West"]
    ids = {one.label: one.id for one in listed.settings.departments}
    assert listed.settings.departments.usages() == {ids["North"]: 1, ids["South"]: 2}
    assert listed.settings.departments.usage("South") == 2
    assert [one.action for one in listed.settings.users.history("tom")][-1] == "department listed"


def test_with_a_list_others_are_refused_and_one_that_is_kept_stays(listed):
    before = whole(listed)
    with pytest.raises(sp.Invalid, match="no department is called 'Nrth': did you mean 'North'"):
        listed.settings.users.add("Ann", department="Nrth")
    with pytest.raises(sp.Invalid) as caught:
        listed.settings.users.add("", email="x", department="Nrth")
    assert [one.path for one in caught.value.problems] == ["name", "email", "department"]
    with pytest.raises(sp.Invalid, match="no department is called 'East'"):
        new(listed, department="East")
    assert whole(listed) == before
    assert new(listed, department=listed.settings.departments["north"]).department == "North"
    assert new(listed, department="").department == ""
    listed.settings.departments.archive("North")
    jane = listed.settings.users.edit("jane", email="j@x.example", department="north")
    assert jane.department == "North"
    with pytest.raises(sp.Invalid, match="'North' is archived"):
        listed.settings.users.edit("tom", department="North")


def test_a_department_is_renamed_and_replaced_wherever_it_stands(listed):
    departments = listed.settings.departments
    departments.rename("South", "South & West")
    assert listed.opportunities.where(department="South & West").count() == 1
    assert [(row.name, row.open) for row in listed.reports.performance("department")] == [
        ("South & West", 1),
        ("West", 1),
    ]
    with pytest.raises(sp.Refused, match="is used by 1 user and 1 opportunity"):
        departments.delete("South & West")
    assert departments.delete("South & West", replacement="North") == 2
    assert {user.department for user in listed.settings.users} == {"North"}
    assert sorted(deal.department for deal in listed.opportunities) == ["North", "West"]
