"""What an installed wheel must do with nothing but its own dependencies: the main job, in a few lines.

``nox -s package`` runs it with ``python -I`` in an environment that holds the wheel alone.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import salespipeline as sp


def refusal(hand_over: Callable[[], object]) -> str:
    """Say how a data frame is refused where its library is not installed."""
    try:
        hand_over()
    except ImportError as error:
        return str(error)
    return "it was not refused"


home = Path(sp.__file__).resolve()
assert home.is_relative_to(Path(sys.prefix).resolve()), f"{home} is not what was installed"
assert importlib.util.find_spec("pytest") is None, "this environment holds more than the wheel"
assert (home.parent / "py.typed").is_file()
assert sp.__version__ == version("salespipeline")
assert {name for name in sp.__all__ if not hasattr(sp, name)} == set()

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "deals.db")
    with sp.open(path, actor="jane", mailer=sp.mail.Folder(Path(folder, "mails"))) as sales:
        sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        sales.settings.stages.add("Prospect")
        acme = sales.contacts.add("Acme GmbH", email="buyer@acme.example", locale="de")
        line = sp.Line("Regal", quantity=16, unit_price="348.35", discount="4%", tax="22")
        deal = sales.opportunities.create(contact=acme, subject="Neues Lager", lines=[line])
        quote = sales.documents.draft(deal, "quote")
        assert str(quote.total) == "6,527.81 GBP", quote.total
        report = sales.documents.all().plan_send_all().run()
        assert str(report) == "Sent all: 1 sent", report
        assert len(list(Path(folder, "mails").glob("*.eml"))) == 1
        assert sales.documents.pdf(quote.id).startswith(b"%PDF-")
    with sp.open(path) as sales:
        assert sales.documents.verify("QUO/00001")
        assert "<table>" in sales.opportunities._repr_html_()
        for library in ("pandas", "polars"):
            assert f"salespipeline[{library}]" in refusal(getattr(sales.opportunities, f"to_{library}"))

print(f"salespipeline {sp.__version__} works from {home.parent}")
