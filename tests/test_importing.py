"""Import from CSV. (SPEC EXT-5)"""

from __future__ import annotations

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
    assert [problem.path for problem in caught.value.problems] == ["line 3.client", "line 4.lines", "line 5.id"]
    assert len(sales.opportunities) == 0


def test_the_good_rows_are_taken_where_bad_ones_are_skipped(sales, load):
    report = load(BAD, on_error="skip")
    assert (report.created, [row.line for row in report.bad]) == (1, [3, 4, 5])
    assert [deal.subject for deal in sales.opportunities] == ["quoted, ok"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("id,client,what,price\n", "column"),
        ((HEAD + "a,Café,x,Prospect,1\n").encode("latin-1"), "encoding"),
        (HEAD + "a,b\n", "ragged"),
        (HEAD + "a\0,b,c,d,e\n", "binary"),
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
