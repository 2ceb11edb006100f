"""Import from CSV. (SPEC EXT-5)"""

from __future__ import annotations

from datetime import date

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline.importing import import_opportunities

MAPPING = {
    "contact": "client",
    "subject": "what",
    "stage": "stage",
    "lines": lambda row: [sp.Line(row["what"], unit_price=row["price"])],
}
HEAD = "id,client,what,stage,price\n"
GOOD = 'a,Acme Ltd,"New\nshed",Prospect,10\nb,Acme Ltd,Barn,Prospect,20.50\n'.replace("New\n", "New ")


@pytest.fixture
def load(sales, tmp_path):
    def run(content, **options):
        path = tmp_path / "in.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_opportunities(sales, path, MAPPING, key="id", **options)

    return run


def test_a_repeated_run_doubles_nothing_and_a_byte_order_mark_is_no_matter(sales, load):
    content = b"\xef\xbb\xbf" + (HEAD + GOOD).encode()
    assert (load(content).created, load(content).known) == (2, 2)
    assert sorted(deal.subject for deal in sales.opportunities) == ["Barn", "New shed"]


BAD = (
    HEAD
    + 'a,Acme Ltd,"quoted, ok",Prospect,10\nb,Nobody,Barn,Prospect,1\nc,Acme Ltd,Barn,Prospekt,1.5.2\na,Acme Ltd,x,Prospect,1\n'
)


def test_all_or_nothing_lists_every_bad_row(sales, load):
    with pytest.raises(sp.Invalid) as caught:
        load(BAD)
    assert [problem.code for problem in caught.value.problems] == ["unknown", "number", "unknown", "duplicate"]
    assert [problem.path for problem in caught.value.problems] == [
        "line 3.client",
        "line 4.price",
        "line 4.stage",
        "line 5.id",
    ]
    assert len(sales.opportunities) == 0


def test_the_good_rows_are_taken_where_bad_ones_are_skipped(sales, load):
    report = load(BAD, on_error="skip")
    assert (report.created, [row.line for row in report.bad]) == (1, [3, 4, 4, 5])
    assert [deal.subject for deal in sales.opportunities] == ["quoted, ok"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("id,client,what,price\n", "column"),
        ((HEAD + "a,Café,x,Prospect,1\n").encode("latin-1"), "encoding"),
        (HEAD + "a,b\n", "ragged"),
        ((HEAD + GOOD).encode("utf-16"), "encoding"),
        ((HEAD + GOOD).encode("utf-16-le"), "encoding"),
        ((HEAD + GOOD).replace(",", ";"), "delimiter"),
        ("id,client,client,what,stage,price\n", "column"),
        ("", "empty"),
        (HEAD + "a\0,Acme Ltd,c,Prospect,1\n", "control"),
        (HEAD + "a,Acme Ltd,c\0,Prospect,1\n", "control"),
        (HEAD + 'a,"b,c,d,1\n', "csv"),
    ],
)
def test_what_is_not_the_file_that_was_meant_is_refused(sales, load, content, code):
    with pytest.raises(sp.Invalid) as caught:
        load(content)
    assert caught.value.problems[0].code == code
    assert len(sales.opportunities) == 0


def test_a_quoted_line_break_counts_as_the_lines_that_it_takes(sales, load):
    content = (
        HEAD
        + 'a,Acme Ltd,"one, ""two""",Prospect,10\r\nb,Acme Ltd,"two\r\nlines",Prospect,10\r\nc,Acme Ltd,ok,Nowhere,10\r\n'
    )
    report = load(content, on_error="skip")
    told = [(row.line, row.column, row.value) for row in report.bad]
    assert told == [(3, "what", "two\r\nlines"), (5, "stage", "Nowhere")]
    assert [deal.subject for deal in sales.opportunities] == ['one, "two"']


def test_a_bad_file_or_row_leaves_the_whole_store_as_it_was(sales, load):
    before = whole(sales)
    for content in (
        BAD,
        HEAD + GOOD + ",Acme Ltd,x,Prospect,1\n",
        HEAD + GOOD + "c,Acme Ltd,x,Prospect,0.1.2\n",
        "",
        "id\n",
    ):
        with pytest.raises(sp.Invalid):
            load(content)
    assert whole(sales) == before


def test_progress_is_told_and_many_rows_are_taken_in_bulk(sales, load):
    told = []
    rows = "".join(f"k{number},Acme Ltd,Shed {number},Prospect,{number}\n" for number in range(1500))
    report = load(HEAD + rows, progress=lambda done, total: told.append((done, total)))
    assert (report.created, told) == (1500, [(1000, 1500), (1500, 1500)])
    assert load(HEAD + rows).known == 1500
    assert sales.opportunities.count() == 1500


def told(report):
    return [(row.line, row.column, row.value, row.code) for row in report.bad]


def test_rows_with_more_or_fewer_values_are_bad_rows_like_others(load):
    content = HEAD + "a,Acme Ltd,x\nb,Acme Ltd,Shed,Prospect,1,000\n   \n\nc,Acme Ltd,Shed,Prospect,1\n"
    with pytest.raises(sp.Invalid) as caught:
        load(content.replace("Prospect,1\n", "Nowhere,1\n"))
    assert [one.path for one in caught.value.problems] == ["line 2.stage", "line 3.price", "line 6.stage"]
    report = load(content, on_error="skip")
    assert (report.created, told(report)) == (1, [(2, "stage", "", "ragged"), (3, "price", "1,000", "ragged")])
    assert "is a value that holds ',' not quoted?" in report.bad[1].reason


def test_everything_that_is_wrong_with_a_row_is_told_at_once(sales, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,client,what,stage,price,due\na,Nobody,,Prospekt,1.5.2,1/2/2027\n", encoding="utf-8")
    report = import_opportunities(sales, path, MAPPING | {"due": "due"}, key="id", on_error="skip")
    assert [(row.column, row.value) for row in report.bad] == [
        ("lines", ", 1.5.2"),  # of what the function looked at, the empty description is to blame, and shows nothing
        ("price", "1.5.2"),
        ("client", "Nobody"),
        ("what", ""),
        ("due", "1/2/2027"),
        ("stage", "Prospekt"),
    ]


def test_an_empty_cell_says_nothing_and_spaces_around_a_value_are_no_matter(sales, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,client,what,stage,price,due\n a , Acme Ltd ,Shed,,1, 2027-01-31 \n", encoding="utf-8")
    run = lambda: import_opportunities(sales, path, MAPPING | {"due": "due"}, key="id")  # noqa: E731
    assert [run().created, run().known] == [1, 1]  # the key is the same with and without the spaces
    (deal,) = sales.opportunities
    assert (deal.import_key, str(deal.due), deal.stage_id) == ("a", "2027-01-31", sales.settings.stages["Prospect"].id)


def test_another_delimiter_and_encoding_are_taken_when_they_are_said(load, sales):
    content = "id;client;what;stage;price\na;Acme Ltd;Café, neu;Prospect;1\n".encode("cp1252")
    assert load(content, delimiter=";", encoding="cp1252").created == 1
    assert next(iter(sales.opportunities)).subject == "Café, neu"


def test_a_column_that_is_there_twice_is_never_read(load):
    report = load("id,client,what,stage,price,price\na,Acme Ltd,Shed,Prospect,1,2\n", on_error="skip")
    assert [(row.column, row.reason) for row in report.bad] == [("lines", "there is not exactly one column 'price'")]


WRONG = [
    ({"sujbect": "what"}, {}, "mapping.sujbect"),
    ({"subject": 7}, {}, "mapping.subject"),
    ({"import_key": "id"}, {}, "mapping.import_key"),
    ([("subject", "what")], {}, "mapping"),
    ({"subject": "what"}, {"on_error": "ignore"}, "on_error"),
    ({"subject": "what"}, {"delimiter": "::"}, "delimiter"),
    ({"subject": "what"}, {"encoding": "utf-99"}, "encoding"),
]


@pytest.mark.parametrize(("mapping", "options", "path"), WRONG)
def test_a_mapping_that_cannot_be_meant_is_refused_before_any_row(sales, tmp_path, mapping, options, path):
    file = tmp_path / "in.csv"
    file.write_text(HEAD + GOOD, encoding="utf-8")
    with pytest.raises(sp.Invalid) as caught:
        import_opportunities(sales, file, mapping, key="id", **options)
    assert [one.path for one in caught.value.problems] == [path]


def test_a_row_of_which_one_function_fails_is_not_created_though_it_could_be_without(sales, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(HEAD + "a,Acme Ltd,Shed,Prospect,1\n", encoding="utf-8")
    mapping = MAPPING | {"due": lambda row: date.fromisoformat(row["what"])}
    before = whole(sales)
    report = import_opportunities(sales, path, mapping, key="id", on_error="skip")
    assert (report.created, [(row.column, row.value) for row in report.bad]) == (0, [("what", "Shed")])
    with pytest.raises(sp.Invalid, match=r"line 2\.what: Invalid isoformat string: 'Shed'"):
        import_opportunities(sales, path, mapping, key="id")
    assert whole(sales) == before
