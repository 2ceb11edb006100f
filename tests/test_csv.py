"""Lists as CSV that spreadsheets open safely, and that can be read again. (SPEC EXT-5)"""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assets.make import fill

import salespipeline as sp
from salespipeline.errors import Invalid, OpenError
from salespipeline.exported import exported_opportunities
from salespipeline.importing import import_opportunities
from salespipeline.mail import Memory
from salespipeline.tables import CsvStyle, as_it_was, csv_of

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "'=1", "''-1"]


def read(text, separator=","):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_takes_for_a_formula_is_kept_off_and_comes_back(text):
    (row,) = read(csv_of([{"a": text}], ["a"]))
    assert row["a"] == f"'{text}"
    assert as_it_was(row["a"]) == text


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), st.sampled_from([",", ";", "\t", "|"]))
def test_any_text_comes_back_as_it_was_and_begins_no_formula(text, separator):
    (row,) = read(csv_of([{"a": text, "b": 1}], ["a", "b"], CsvStyle(separator)), separator)
    assert as_it_was(row["a"]) == text
    assert not row["a"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_days_and_flags_are_what_a_spreadsheet_reads():
    rows = [
        {"net": Decimal("-1234.50"), "small": Decimal("1E+3"), "due": date(2026, 11, 24), "sent": True, "none": None}
    ]
    assert csv_of(rows, rows[0]).splitlines()[1] == '-1234.50,1000,"2026-11-24","yes",""'
    french = csv_of(rows, rows[0], CsvStyle(";", ",", bom=True))
    assert french.startswith('\ufeff"net";"small"')
    assert french.splitlines()[1] == '"-1234,50";"1000";"2026-11-24";"yes";""'


@pytest.mark.parametrize(
    ("facts", "paths"),
    [
        ({"separator": "::"}, ["separator"]),
        ({"decimal": "x"}, ["decimal"]),
        ({"decimal": ","}, ["decimal"]),
        ({"separator": "", "decimal": ""}, ["separator", "decimal"]),
    ],
)
def test_a_style_that_cannot_be_read_again_is_refused(sales, facts, paths):
    with pytest.raises(Invalid) as caught:
        sales.contacts.all().to_csv(**facts)
    assert [problem.path for problem in caught.value.problems] == paths


@pytest.fixture(scope="module")
def story():
    with sp.open("memory:", actor="jane", mailer=Memory()) as sales:
        fill(sales)
        yield sales


@pytest.mark.parametrize(
    "kind",
    ["opportunities", "contacts", "documents", "jobs", "notes", "attachments", "alerts", "deliveries", "notices"],
)
def test_every_kind_of_record_is_written_out_of_its_list(story, kind, tmp_path):
    listed = getattr(story, kind).all()
    written = listed.write_csv(tmp_path / "out.csv", separator=";", decimal=",", bom=True)
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8")
    assert written == listed.count() > 0
    assert text == listed.to_csv(separator=";", decimal=",", bom=True)
    rows = read(text, ";")
    assert len(rows) == written
    assert list(rows[0]) == list(listed._columns())


def test_items_reports_and_settings_are_rows_too(story):
    assert read(story.settings.items.all().to_csv())[0]["reference"] == "RACK"
    assert [row["label"] for row in read(story.settings.stages.to_csv())] == [
        "Prospect",
        "Quotation sent",
        "Order signed",
    ]
    assert read(story.reports.pipeline().to_csv())


def test_a_list_is_written_some_records_at_a_time(sales, tmp_path, monkeypatch):
    monkeypatch.setattr("salespipeline.listing.CHUNK", 3)
    for number in range(10):
        sales.contacts.add(f"Contact {number}")
    read_at_once = []
    shown = type(sales.contacts.all())._shown
    monkeypatch.setattr(
        type(sales.contacts.all()),
        "_shown",
        lambda self, records: read_at_once.append(len(records)) or shown(self, records),
    )
    assert sales.contacts.order("name").write_csv(tmp_path / "a.csv") == 11
    assert read_at_once == [3, 3, 3, 2]
    assert [row["name"] for row in read((tmp_path / "a.csv").read_text("utf-8"))][:2] == ["Acme Ltd", "Contact 0"]


def test_a_file_is_not_written_over_and_a_failure_leaves_none(sales, tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(OpenError, match="is there already"):
        sales.contacts.all().write_csv(tmp_path / "there.csv")
    with pytest.raises(Invalid):
        sales.contacts.where(nothing="such").write_csv(tmp_path / "new.csv")
    assert [file.name for file in tmp_path.iterdir() if not file.name.startswith("sales.db")] == ["there.csv"]


def test_who_may_not_export_gets_no_rows(sales, deal):
    bobs = sp.open(sales.store, actor="bob", policy=lambda _actor, action, _record: action == "read")
    assert bobs.opportunities.count() == 1
    assert read(bobs.opportunities.all().to_csv()) == read(bobs.opportunities.all().lines.to_csv()) == []


def test_lines_are_rows_of_their_own(story):
    rows = read(story.documents.where(type="invoice").lines.to_csv())
    assert [(row["position"], row["description"], row["discount"]) for row in rows] == [
        ("1", "Racking, bay", "5%"),
        ("2", "Survey of the floor", ""),
    ]
    with pytest.raises(Invalid, match="contacts have no lines"):
        _ = story.contacts.all().lines


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ",")])
def test_opportunities_are_imported_again_by_the_importer(opened, url, story, tmp_path, separator, decimal):
    deals = story.opportunities.order("reference")
    style = {"separator": separator, "decimal": decimal, "bom": True}
    assert deals.write_csv(tmp_path / "deals.csv", **style) == 3
    assert deals.lines.write_csv(tmp_path / "lines.csv", **style) == 6
    target = opened(url)
    target.settings.import_(story.settings.export())
    for contact in story.contacts:
        target.contacts.add(contact.name)
    mapping = exported_opportunities(tmp_path / "lines.csv", delimiter=separator, decimal=decimal)
    report = import_opportunities(target, tmp_path / "deals.csv", mapping, key="reference", delimiter=separator)
    assert (report.created, report.bad) == (3, ())
    assert target.opportunities.order("reference").to_csv() == deals.to_csv()
    assert target.opportunities.order("reference").lines.to_csv() == deals.lines.to_csv()
    again = import_opportunities(target, tmp_path / "deals.csv", mapping, key="reference", delimiter=separator)
    assert (again.created, again.known) == (0, 3)


def test_lines_of_another_style_are_refused(story, tmp_path):
    story.opportunities.all().lines.write_csv(tmp_path / "lines.csv", separator=";")
    with pytest.raises(Invalid, match="is delimiter=',' right"):
        exported_opportunities(tmp_path / "lines.csv")
    with pytest.raises(OpenError, match="there is no file"):
        exported_opportunities(tmp_path / "nothing.csv")


# --- predefined items ---


def test_items_are_imported_again_by_their_references(opened, url, story, tmp_path):
    story.settings.items.all().write_csv(tmp_path / "items.csv", separator=";", decimal=",", bom=True)
    target = opened(url)
    facts = {"delimiter": ";", "decimal": ","}
    report = target.settings.items.import_csv(tmp_path / "items.csv", **facts)
    assert (report.created, report.known) == (1, 0)
    assert target.settings.items.all().to_csv() == story.settings.items.all().to_csv()
    target.settings.items.edit("RACK", price="1", group="Other")
    again = target.settings.items.import_csv(tmp_path / "items.csv", **facts)
    assert (again.created, again.known) == (0, 1)
    assert target.settings.items.all().to_csv() == story.settings.items.all().to_csv()


def test_every_bad_item_is_told_with_its_line_and_none_is_taken(sales, tmp_path):
    file = tmp_path / "items.csv"
    file.write_text(
        "reference,description,price,currency\nA,Bay,210,GBP\nB,,twelve,GBP\nC,Fit,45,XXY\nA,Bay,1,GBP\n,Lamp,1,GBP\nD\n"
    )
    with pytest.raises(Invalid) as caught:
        sales.settings.items.import_csv(file)
    assert [(problem.path, problem.code) for problem in caught.value.problems] == [
        ("line 3.description", "empty"),
        ("line 3.price", "number"),
        ("line 4.currency", "currency"),
        ("line 5.reference", "duplicate"),
        ("line 6.reference", "empty"),
        ("line 7.description", "ragged"),
    ]
    assert sales.settings.items.count() == 0
    with pytest.raises(Invalid, match=r"seem to be separated by"):
        sales.settings.items.import_csv(file, delimiter=";")
