"""The examples do what they say: the demo, the notebook, and the real data where it is at hand."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import salespipeline as sp
from salespipeline.demo import main

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "crm-sales-opportunities"


def test_the_demo_leaves_what_it_promises_and_can_be_repeated(tmp_path, capsys):
    for _ in range(2):
        assert main([str(tmp_path)]) == 0
    assert "Sent all: 29 sent, 7 left out" in capsys.readouterr().out
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 29
    assert len(list((tmp_path / "pdfs").glob("*.pdf"))) == 29
    assert all(pdf.read_bytes().startswith(b"%PDF-") for pdf in (tmp_path / "pdfs").iterdir())
    assert "Northgate" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_and_keeps_nothing_of_an_earlier_run(path):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    # In a loop that is closed again: the client's own one would be left to the garbage collector.
    asyncio.run(NotebookClient(notebook, timeout=120, kernel_name="python3").async_execute())
    assert [cell.source for cell in cells if not cell.outputs] == []  # each shows something
    shown = "".join(str(output) for cell in cells for output in cell.outputs)
    assert "Send all: 11 to mail, 2 left out" in shown
    assert "Quote 'QUO/00001' cannot be edited: it was sent on 2026-11-24" in shown


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data set is not at hand")
def test_the_known_truths_of_the_real_data_hold():
    spec = importlib.util.spec_from_file_location("real_pipeline", ROOT / "examples" / "real_pipeline.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    with sp.open("memory:", mailer=sp.mail.Memory()) as sales:
        report = example.fill(sales, DATA)
        assert (report.created, report.bad) == (8800, ())
        (total,) = sales.reports.conversion()
        assert (total.won, total.lost, str(total.rate), str(total.won_value)) == (
            4238,
            2473,
            "63.15",
            "10,005,534.00 USD",
        )
        offices = {row.name: (row.won, row.lost, str(row.won_value)) for row in sales.reports.performance("department")}
        assert offices == {
            "Central": (1629, 975, "3,346,293.00 USD"),
            "West": (1438, 811, "3,568,647.00 USD"),
            "East": (1171, 687, "3,090,594.00 USD"),
        }
        (everything,) = sales.reports.performance("source")
        assert str(everything.cycle_days) == "51.78"
        assert {row.stage: row.count for row in sales.reports.pipeline()} == {"Prospecting": 500, "Engaging": 1589}
        assert sales.opportunities.where(subject="GTX Pro").count() == 1480  # written GTXPro there
        assert next(iter(sales.opportunities.where(contact=sales.contacts.get("Cancity")))).custom == {
            "sector": "retail"
        }
        again = example.fill(sales, DATA)
        assert (again.created, again.known) == (0, 8800)
        assert (example.quote(sales), example.quote(sales)) == (501, 0)
        plan = sales.documents.where(type="quote", sent=False)[:20].plan_send_all()
        assert str(plan.run()) == "Sent all: 20 sent"
