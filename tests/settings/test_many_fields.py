"""Custom fields by the thousand: added in one go, all or none, and quick to ask and to answer. (SPEC SET-4)"""

from __future__ import annotations

import pytest
from tests.settings.test_grid import noted
from tests.whole import whole

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "100.00"}
MANY = 10_000


def row(at, **facts):
    return {"key": f"k{at}", "label": f"Question {at}", "type": "text"} | facts


def test_ten_thousand_fields_stay_usable(opened, monkeypatch):
    sales = opened("memory:")
    sales.settings.stages.add("Prospect")
    acme = sales.contacts.add("Acme Ltd")
    fields = sales.settings.fields
    made = fields.add_many("opportunity", map(row, range(MANY)))
    assert len(fields) == len(made) == MANY
    deal = sales.opportunities.create(contact=acme, subject="x", lines=[LINE], custom={"k9999": "last"})
    with pytest.raises(sp.Invalid, match="no custom field is called 'k10000': did you mean 'k1000'"):
        sales.opportunities.edit(deal, custom={"k10000": "x"})
    deal = sales.opportunities.edit(deal, custom={f"k{at}": f"answer {at}" for at in range(MANY)})
    assert len(deal.custom) == MANY
    assert sales.opportunities.where(custom={"k5000": "answer 5000"}).one() == deal
    assert set(fields.usages().values()) == {1}
    fields.move(made[3], before=made[1])
    assert [one.key for one in fields][:4] == ["k0", "k3", "k1", "k2"]
    assert fields.delete(made[7]) == 1
    assert "k7" not in sales.opportunities[deal.id].custom
    with sales.work(write=False) as work:
        asked: list[str] = []
        for method in ("get", "get_many", "find", "tally", "columns"):
            monkeypatch.setattr(work, method, noted(getattr(work, method), method, asked))
        assert len(fields.to_dicts()) == MANY - 1
        assert sales.settings.snapshot.schemas("opportunity")[0].key == "k0"
    assert asked == []  # the settings are read once for all


def test_all_fields_of_a_row_are_taken_and_every_wrong_row_is_told(sales):
    fields = sales.settings.fields
    fields.add("quote", "taken", "Taken", "text")
    before = whole(sales)
    rows = [
        row(1), row(1), {"key": "taken", "label": "x", "type": "text"}, {"label": "x"}, row(2, type="essay"), "row",
        row(3, nonsense=1), row(4, type="choice"), row(5, label="a\0"), row(6, position=3),
    ]  # fmt: skip
    with pytest.raises(sp.Invalid) as caught:
        fields.add_many("quote", rows)
    assert [(one.path, one.code) for one in caught.value.problems] == [
        ("[1].key", "duplicate"), ("[2].key", "duplicate"), ("[3].key", "missing"), ("[3].type", "missing"),
        ("[4].type", "choice"), ("[5]", "type"), ("[6].nonsense", "unknown"), ("[7].choices", "choice"),
        ("[8].label", "control"), ("[9].position", "unknown"),
    ]  # fmt: skip
    assert whole(sales) == before
    made = fields.add_many(
        "quote",
        [
            row(1, type="choice", choices=["a", "b"], default="a", mandatory=True, help="One of them."),
            row(2, type="yes_no", required_answer=True, required_message="Inspect it first."),
        ],
    )
    assert [fields[one.id] for one in made] == list(made)
    assert [one.key for one in sales.settings.snapshot.schemas("quote")] == ["taken", "k1", "k2"]
    acme = sales.contacts.where(text="acme").one()
    assert sales.documents.draft(acme, "quote", lines=[LINE]).custom == {"k1": "a"}
    with pytest.raises(sp.Invalid, match="Inspect it first"):
        sales.documents.draft(acme, "quote", lines=[LINE], custom={"k2": False})
    assert fields.add_many("invoice", []) == ()
