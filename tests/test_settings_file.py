"""The whole of the settings as one file of JSON, out of one store and into another. (SPEC section 1, EXT-5)"""

import json

import pytest
from tests.assets.make import fill
from tests.whole import whole

import salespipeline as sp
from salespipeline.catalog import KEPT, SETTING_LISTS
from salespipeline.domain.links import Keyring
from salespipeline.domain.organisation import Organisation
from salespipeline.errors import NewerFormat
from salespipeline.mail import Attachment, Memory
from salespipeline.settings.carrying import _LISTS
from salespipeline.settings.lists import SettingList

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture(scope="module")
def source():
    with sp.open("memory:", actor="jane", mailer=Memory()) as sales:
        fill(sales)
        desk = sales.settings
        desk.edit_organisation(logo=PNG)
        terms = Attachment("Terms.txt", b"thirty days", "text/plain")
        desk.templates.add("With terms", "quote", subject="Q", text="{{ document.accept_link }}", attachments=[terms])
        desk.items.add("FIT", "Fitting", price="45.00")
        desk.items.add("KIT", "Bay, fitted", parts=[("RACK", 1), ("FIT", "1.5")])
        desk.stock.add("LIFT", "Pallet lift", serial="SN-7", price="900.00")
        desk.users.add("Tom Okafor", id="tom", approval_limit="5000 GBP")
        desk.filters.add("Hot", sales.opportunities.where(tags__any=["VIP"]), shared=True)
        yield sales


@pytest.fixture(scope="module")
def text(source):
    return source.settings.export()


def edited(text, change):
    facts = json.loads(text)
    change(facts["lists"])
    return json.dumps(facts)


def problems(sales, text, **facts):
    before = whole(sales)
    with pytest.raises(sp.Invalid) as caught:
        sales.settings.import_(text, **facts)
    assert whole(sales) == before
    return [(problem.path, problem.code) for problem in caught.value.problems]


def test_every_list_is_in_the_file(source, text):
    assert set(_LISTS.values()) == {cls for cls in SETTING_LISTS if cls is not Keyring} | {
        cls for kept in KEPT if kept.kind.name in ("item", "stock_item") for cls in kept.classes
    }
    assert [name for name, entries in json.loads(text)["lists"].items() if not entries] in (
        [],
        ["pipeline", "department"],
    )
    lists = {one._cls for one in vars(source.settings).values() if isinstance(one, SettingList)}
    assert lists == set(SETTING_LISTS) - {Keyring, Organisation}


def test_settings_come_out_of_another_store_as_they_went_in(text, source, bare, url):
    report = bare.settings.import_(text)
    assert (report.replaced, report.kept) == ((), ())
    assert bare.settings.export() == text
    assert [*bare.settings.stages] == [*source.settings.stages]
    assert bare.settings.items["KIT"].parts[1].item_id == bare.settings.items["FIT"].id
    assert bare.settings.stock["SN-7"].price == 900
    assert b"".join(bare.blobs.read(bare.settings.organisation.logo)) == PNG
    assert b"".join(bare.blobs.read(bare.settings.templates["With terms"].enclosures[0].digest)) == b"thirty days"
    assert bare.settings.tags.archived[0].label == "Rush"
    assert [one.action for one in bare.settings.tags.history("VIP")] == ["added"]
    # and they work:
    deal = bare.opportunities.create(
        contact=bare.contacts.add("Acme Ltd"), subject="Shed", stage="Prospect", tags=["VIP"], lines=[{"item": "KIT"}]
    )
    assert bare.opportunities.where(saved="Hot").ids() == [deal.id]


def test_what_belongs_to_one_store_stays_there(source, text, opened):
    assert source.settings.snapshot.keyring.newest is not None
    assert source.settings.snapshot.keyring.newest.secret not in text
    source.settings.series.set_next("Invoices 2026", 700)
    assert source.settings.export() == text
    target = opened("memory:")
    target.settings.import_(text)
    lines = [sp.Line("Shed", unit_price="1")]
    deal = target.opportunities.create(contact=target.contacts.add("Acme Ltd"), subject="Shed", lines=lines)
    invoice = target.documents.mark_sent(target.documents.draft(deal, "invoice"))
    assert invoice.reference == "INV-26-1"


def test_what_is_there_already_is_refused_kept_or_replaced(sales, text):
    desk = sales.settings
    vip, stages = desk.tags["VIP"], [stage.label for stage in desk.stages]
    desk.tags.edit("VIP", colour="blue")
    assert ("tag[0]", "exists") in problems(sales, text)
    kept = desk.import_(text, existing="keep")
    assert "tag 'VIP'" in kept.kept
    assert desk.tags["VIP"].colour == "#1971c2"
    assert desk.organisation.address == ("1 Quay", "Leeds")
    replaced = desk.import_(text, existing="replace")
    assert "tag 'VIP'" in replaced.replaced
    assert "organisation 'Northgate Ltd'" in replaced.replaced
    assert (desk.tags["VIP"].id, desk.tags["VIP"].colour) == (vip.id, "#e03131")
    assert [stage.label for stage in desk.stages] == stages
    again = desk.import_(text)
    assert (again.added, again.replaced) == ((), ())


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_taken(bare, text):
    def spoil(lists):
        lists["stage"][0]["colour"] = "red"
        lists["stage"][1] = "Quotation sent"
        lists["probability"][0]["percent"] = "175"
        lists["tag"].append({"label": "vip"})
        lists["tax_rate"][0]["percent"] = 20.0
        lists["series"][0]["offset"] = 7
        lists["field"][0]["choices"] = []
        lists["item"][-1]["parts"][0]["item_id"] = "nobody"
        lists["template"][0]["text"] = "{{ nothing.such }}"
        lists["colours"] = []

    assert problems(bare, edited(text, spoil)) == [
        ("lists.colours", "unknown"),
        ("stage[0]", "entry"),
        ("stage[1]", "entry"),
        ("tax_rate[0]", "entry"),
        ("series[0]", "entry"),
        ("probability[0].percent", "range"),
        ("tag[2]", "duplicate"),
        ("field[0].choices", "choice"),
        ("template[0].text:1", "template"),
        ("saved_filter[0].stage", "unknown"),  # the stage that was spoilt
        ("item[2].parts", "unknown"),
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda _: "no json", "line 1"),
        (lambda _: "[]", "what"),
        (lambda _: "[" * 100_000, ""),
        (lambda text: text.replace('"layout": 1', '"layout": "1"'), "layout"),
        (lambda text: json.dumps({**json.loads(text), "lists": []}), "lists"),
        (lambda text: json.dumps({**json.loads(text), "files": {"0" * 64: "AAAA"}}), "files.000000000000"),
    ],
)
def test_what_is_no_file_of_settings_is_refused(bare, text, change, path):
    assert [found for found, _ in problems(bare, change(text))] == [path]


def test_a_newer_file_is_refused(bare, text):
    for name in ("layout", "format"):
        with pytest.raises(NewerFormat):
            bare.settings.import_(json.dumps({**json.loads(text), name: 99}))
    assert problems(bare, text, existing="merge") == [("existing", "choice")]


def test_a_file_written_by_hand_needs_no_ids(opened):
    lists = {
        "stage": [{"label": "Enquiry"}, {"label": "Quoted"}],
        "item": [
            {"reference": "BAY", "description": "Bay", "price": "210", "currency": "GBP", "tax": {"percent": "20"}}
        ],
    }
    sales = opened("memory:")
    print(
        sales.settings.import_(json.dumps({"what": "salespipeline settings", "layout": 1, "format": 1, "lists": lists}))
    )
    assert [stage.label for stage in sales.settings.stages] == ["Enquiry", "Quoted"]
    assert sales.settings.items["BAY"].price == 210
